"""What is rarely met goes through too: in either container, compiled, and back."""

import json
import os
import random

import nests
import numpy as np
import pipe
import pytest
import unusual
from kerases import KERAS, SIMULATOR, load, run, same_bits
from prove import Network

TAKEN = int(os.environ.get("UNUSUAL", "1"))
CASES = [(name, version, suffix) for version in KERAS for name in unusual.networks(version) for suffix in (".h5", ".keras")]
# Keras does not load the .h5 that it writes of the first, and writes none of the others: weights of one layer have one name.
for case in (("quantized_float8", 3), ("holders", 2), ("holders", 3)):
    CASES.remove((*case, ".h5"))


def slots(path, version):
    """All that the optimizer of a file holds, once loaded; Keras 3 restores nothing from .h5."""
    if version == 3 and path.suffix == ".h5":
        return {}
    known = {"ErrorSimulator": SIMULATOR[version], **unusual.OWN[version]}
    optimizer = KERAS[version].models.load_model(path, custom_objects=known).optimizer
    return {getattr(each, "path", each.name): np.asarray(each).tobytes() for each in nests.variables(optimizer)}


def simulator_in(config, prefix=""):
    for layer in config["config"]["layers"]:
        name = prefix + (layer.get("name") or layer["config"]["name"])
        if layer["class_name"].endswith("ErrorSimulator"):
            return name
        if "layers" in layer["config"] and (found := simulator_in(layer, f"{name}/")):
            return found
    return None


@pytest.mark.parametrize("name, version, suffix", CASES)
def test_it_is_the_same_network_with_a_simulator_and_when_that_is_gone(name, version, suffix, tmp_path):
    k, path, back = KERAS[version], tmp_path / f"model{suffix}", tmp_path / f"back{suffix}"
    k.backend.clear_session()
    k.utils.set_random_seed(4)
    model = unusual.networks(version)[name](k)
    draw = np.random.default_rng(4)
    for weight in model.weights:
        if not any(word in weight.name for word in ("seed", "generator", "mean", "variance", "count")):
            weight.assign(nests.random_value(draw, weight))
    nests.compile_with(model, k.optimizers.Adam(amsgrad=True), version, 4)
    model.save(path)
    network = Network(path, version, unusual.OWN[version])
    expected, config = slots(path, version), pipe.call("h5-config-get", path, "--raw")
    targets = [target for target in network.targets() if None not in target.shape]
    for target in random.Random(len(name)).sample(targets, min(TAKEN, len(targets))):
        network.prove(target, tmp_path, "--sparse")
        faulty = tmp_path / f"faulty{suffix}"
        assert slots(faulty, version) == expected, target
        with_it = pipe.config_of(faulty)
        patch = pipe.patch(with_it, "--remove", simulator_in(json.loads(with_it)))
        pipe.call("h5-config-set", faulty, back, "--force", stdin=patch)
        assert pipe.call("h5-config-get", back, "--raw") == config, target
        assert same_bits(run(load(back, version, **unusual.OWN[version]), network.inputs), network.outputs), target
        assert slots(back, version) == expected, target
