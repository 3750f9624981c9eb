"""The networks that people study: a sample of the layers of each; `sweep.py` takes every one."""

import pipe
import pytest
import zoo
from kerases import KERAS, disable, load, run, same_bits
from prove import Network

LARGE = ("resnet50", "inceptionv3", "densenet121", "mobilenetv2", "efficientnetb0", "xception", "nasnetmobile")
SAMPLE = {name: 3 if name in LARGE else 12 for name in zoo.NETWORKS} | {"nasnetmobile": 2}
CASES = [
    pytest.param(name, version, id=f"{name}-keras{version}") for name in zoo.NETWORKS for version in KERAS
]


@pytest.fixture(scope="module")
def network(request, tmp_path_factory):
    name, version = request.param
    path = tmp_path_factory.mktemp("network") / f"{name}.h5"
    zoo.save(name, version, path)
    return Network(path, version, zoo.custom_objects(name, version), name == "channels_first")


def sample(targets, count):
    """Targets at equal distances, the first and the last among them."""
    count = min(count, len(targets))
    return [targets[round(i * (len(targets) - 1) / max(count - 1, 1))] for i in range(count)]


@pytest.mark.parametrize("network", [(n, v) for n in zoo.NETWORKS for v in KERAS], indirect=True, ids=lambda c: f"{c[0]}-keras{c[1]}")
def test_with_a_simulator_it_is_the_same_network(network, tmp_path, request):
    name = request.node.callspec.id.split("-")[0]
    for target in sample(network.targets(), SAMPLE[name]):
        try:
            network.prove(target, tmp_path)
        except Exception as error:
            raise AssertionError(f"behind {target}: {error}") from error
