"""The networks that people study: a sample of the layers of each, in either container by turns; `sweep.py` takes every one."""

import pipe
import pytest
import zoo
from classes_h5.simulator import ErrorSimulatorMode
from kerases import KERAS, run, same_bits, simulators
from prove import Network
from test_any_rank import SMALL as ALL_TAKEN

LARGE = ("vgg16", "resnet50", "inceptionv3", "densenet121", "mobilenetv2", "efficientnetb0", "xception", "nasnetmobile")
# One for each container, and more where it costs little; none where test_any_rank takes every layer.
SAMPLE = {name: 2 if name in LARGE else 12 for name in zoo.NETWORKS if name not in ALL_TAKEN}


def every(names):
    return pytest.mark.parametrize(
        "network",
        [(name, version) for name in names for version in KERAS],
        indirect=True,
        ids=lambda case: f"{case[0]}-keras{case[1]}",
    )


@pytest.fixture(scope="module")
def network(request, tmp_path_factory):
    name, version = request.param
    path = tmp_path_factory.mktemp("network") / f"{name}.h5"
    zoo.save(name, version, path)
    network = Network(path, version, zoo.custom_objects(name, version), name == "channels_first")
    return network, network.saved_as(path.with_suffix(".keras"))


def sample(targets, count):
    """Targets at equal distances, the first and the last among them."""
    count = min(count, len(targets))
    return [targets[round(i * (len(targets) - 1) / max(count - 1, 1))] for i in range(count)]


@every(SAMPLE)
def test_with_a_simulator_it_is_the_same_network_until_a_fault_is_played(network, tmp_path):
    first = network[0].version == 2
    for number, target in enumerate(sample(network[0].targets(), SAMPLE[network[0].path.stem])):
        saved = network[(number + first) % 2]
        try:
            faulty = saved.prove(target, tmp_path)
            for simulator in simulators(faulty):
                simulator.set_mode(ErrorSimulatorMode.enabled)
            assert not same_bits(run(faulty, saved.inputs), saved.outputs), "the fault reaches no output"
        except Exception as error:
            raise AssertionError(f"{saved.path.name}, behind {target}: {error}") from error


@every([*SAMPLE, *ALL_TAKEN])  # in this order, so that each network is made once
def test_what_is_listed_is_what_keras_has(network):
    network, _ = network
    rows = pipe.targets(network.config)
    # A Sequential hides its input layer, and no input layer says which axis is which.
    inputs = {row["name"] for row in rows if row["class"] == "InputLayer"}
    listed = {row["name"]: row["shape"] for row in rows if row["name"] not in inputs}
    expected: dict = {}
    for target in network.targets():
        if target.name not in inputs:
            shape = network.named(target.shape)
            # Outputs of several shapes have none in common.
            expected[target.name] = shape if expected.get(target.name, shape) == shape else None
    assert {name: shape and pipe.sizes(shape) for name, shape in listed.items()} == expected
    assert sum(shape is None for shape in expected.values()) <= (network.path.stem == "recurrent")
