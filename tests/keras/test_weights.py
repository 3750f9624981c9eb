"""Which weights train: in nested models every weight stays with its variable, and so does the optimizer's state."""

import os
import random

import nests
import numpy as np
import pipe
import pytest
import slots
from kerases import KERAS
from prove import Network, weight_order

BOTH = pytest.mark.parametrize("version", KERAS, ids=["keras2", "keras3"])
NESTS = int(os.environ.get("NESTS", "10"))


def layers_within(model):
    """All layers of a model, at every depth."""
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from layers_within(layer)


def statements(network):
    """What h5-config-set can be told of weights whose classes are not Keras' own: for each, whether it really trains."""
    own = tuple(nests.OWN[network.version].values())
    open_layers = {layer.name for layer in layers_within(network.model) if isinstance(layer, own)}
    for name, weights in weight_order(network.path):
        layer = network.model.get_layer(name)
        for index, weight in enumerate(weights if hasattr(layer, "layers") else []):
            if open_layers & set(weight.split("/")):
                yield from ("--trainable" if index < len(layer.trainable_weights) else "--non-trainable", weight)


def prove(network, target, folder, *options):
    """The model with a simulator behind the target, disabled: the same bits. What the file does not tell is stated."""
    try:
        return network.prove(target, folder, *options)
    except pipe.Failed as error:
        assert "does not tell which weights" in str(error), error
        return network.prove(target, folder, *options, *statements(network))


def nested_targets(network, seed, count):
    targets = [target for target in network.targets() if "/" in target.name and None not in target.shape]
    return random.Random(seed).sample(targets, min(count, len(targets)))


def read_back(path, version):
    """The network in a file; `None` where Keras does not read what it has written: some freezing it forgets."""
    try:
        return Network(path, version, nests.custom_objects(version))
    except ValueError as error:
        assert any(word in str(error) for word in ("mismatch", "must match", "Invalid", "axes don't match")), error
        return None


@BOTH
@pytest.mark.parametrize("seed", range(NESTS))
def test_in_nested_models_every_weight_stays_with_its_variable(version, seed, tmp_path):
    nests.random_nest(version, seed).save(tmp_path / "model.h5", include_optimizer=False)
    network = read_back(tmp_path / "model.h5", version)
    if network is None:
        pytest.skip("Keras does not read this file")
    for target in nested_targets(network, seed, 2):
        prove(network, target, tmp_path)


STATES = [(version, name) for version, k in KERAS.items() for name in nests.optimizers(k, version, "h5")]


@pytest.mark.parametrize("version, name", STATES)
def test_the_optimizers_state_stays_with_its_variables(version, name, tmp_path):
    network, expected = slots.in_training(version, name, tmp_path / "model.h5")
    for target in [*nested_targets(network, len(name), 1), *random.Random(len(name)).sample(network.targets(), 2)]:
        slots.prove(network, target, tmp_path, expected)
