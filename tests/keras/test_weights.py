"""Which weights train: in nested models every weight stays with its variable, and so does the optimizer's state."""

import os
import random

import nests
import numpy as np
import pipe
import pytest
from kerases import KERAS, SIMULATOR
from prove import Network, slots_in_order, weight_order

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


def slots_by_variable(path, version):
    """{variable and kind of slot: its value} as the Keras that loads a compiled model has them."""
    custom_objects = {"ErrorSimulator": SIMULATOR[version], **nests.custom_objects(version)}
    model = KERAS[version].models.load_model(path, custom_objects=custom_objects)
    optimizer = model.optimizer
    if version == 2:
        return {variable.name: np.asarray(variable) for variable in nests.variables(optimizer)}
    # Keras 3 makes no slots when it loads an .h5 file, and leaves the saved ones alone: here they are taken in its order.
    optimizer = type(optimizer).from_config(optimizer.get_config())
    optimizer.build(model.trainable_variables)
    saved = slots_in_order(path)
    assert len(saved) == len(optimizer.variables)
    return {variable.path: value for variable, value in zip(optimizer.variables, saved)}


# Keras 3 restores no optimizer's state from .h5.
@pytest.mark.parametrize("version", [2], ids=["keras2"])
@pytest.mark.parametrize("number", range(22))
def test_the_optimizers_state_stays_with_its_variables(version, number, tmp_path):
    path = tmp_path / "model.h5"
    name = nests.in_training(version, number, path)
    if name is None:
        pytest.skip("no more optimizers")
    network = Network(path, version, nests.custom_objects(version))
    expected = slots_by_variable(path, version)
    assert len({value.tobytes() for value in expected.values()}) > len(expected) // 2, "slots could change places unseen"
    for target in [*nested_targets(network, number, 1), *random.Random(number).sample(network.targets(), 2)]:
        network.prove(target, tmp_path)
        found = slots_by_variable(tmp_path / "faulty.h5", version)
        assert found.keys() == expected.keys()
        for variable, value in expected.items():
            np.testing.assert_array_equal(found[variable], value, err_msg=f"{name}, {target}: {variable}")
