"""Layers of any rank: of each output of small networks, disabled nothing changes, and enabled exactly the site's cells."""

import json

import numpy as np
import pipe
import pytest
import zoo
from classes_h5.simulator import ErrorSimulatorMode
from kerases import KERAS, load, run, simulators
from prove import Network

SMALL = ("perceptron", "signal", "recurrent", "transformer", "volume")
every_network = pytest.mark.parametrize(
    "network",
    [(name, version) for name in SMALL for version in KERAS],
    indirect=True,
    ids=lambda case: f"{case[0]}-keras{case[1]}",
)


@pytest.fixture(scope="module")
def network(request, tmp_path_factory):
    name, version = request.param
    path = tmp_path_factory.mktemp("network") / f"{name}.h5"
    zoo.save(name, version, path)
    return Network(path, version, zoo.custom_objects(name, version))


class AtSimulator:
    """A model up to its only simulator."""

    def __init__(self, model, version, inputs):
        (self.simulator,) = simulators(model)
        self.model, self.inputs = KERAS[version].Model(model.inputs, self.simulator.output), inputs

    def outputs(self, mode):
        self.simulator.set_mode(mode)
        return run(self.model, self.inputs)[0]

    def golden_and_faulty(self):
        return self.outputs(ErrorSimulatorMode.disabled), self.outputs(ErrorSimulatorMode.enabled)


@every_network
def test_behind_every_layer_disabled_nothing_changes_and_enabled_exactly_the_cells_of_the_site(network, tmp_path):
    saved = [network, network.saved_as(tmp_path / "archive.keras")]
    targets = network.targets()
    assert len(targets) > 8
    for number, target in enumerate(targets):
        try:
            options = ["--sparse"] if number % 2 else []
            proved = saved[number // 2 % 2].prove(target, tmp_path, *options)
            golden, faulty = AtSimulator(proved, network.version, network.inputs).golden_and_faulty()
            assert golden.shape[1:] == target.shape
            expected = golden.copy()
            for cell in json.loads(network.site(target))["cells"]:
                place = cell["at"] if "at" in cell else [cell[axis] for axis in "hwc"]
                expected[(slice(None), *place)] = cell["value"]
            assert faulty.tobytes() == expected.tobytes(), "other cells than the site's"
        except Exception as error:
            raise AssertionError(f"behind {target}: {error}") from error


@pytest.mark.parametrize("version", KERAS)
def test_the_dense_layers_of_vgg16_are_targets(version, tmp_path):
    zoo.save("vgg16", version, tmp_path / "vgg16.h5")
    network = Network(tmp_path / "vgg16.h5", version)
    targets = [target for target in network.targets() if len(target.shape) == 1]
    assert [target.name for target in targets] == ["flatten", "fc1", "fc2", "predictions"]
    for target in targets:
        proved = network.prove(target, tmp_path, "--sparse")
        golden, faulty = AtSimulator(proved, version, network.inputs).golden_and_faulty()
        assert (faulty == np.arange(50.0, 50 + target.shape[0], dtype="float32")).all(), target
        assert golden.shape == faulty.shape


@every_network
def test_drawn_sites_land_where_their_lines_say_and_patterns_say_that_they_are_extrapolated(network, tmp_path):
    for row in pipe.targets(network.config):
        name, shape = row["name"], row["shape"]
        if row["class"] == "InputLayer":
            continue
        try:
            patch = pipe.patch(network.config, "--after", name)
        except pipe.Failed as error:
            assert "has several outputs in use" in str(error)
            continue
        assert shape, f"{name} is not known"
        operator = ["--operator", row["operator"] or "relu"]
        patterns = ["--models", "gpu-warp", "--range-min", "-9", "--range-max", "9", *operator]
        sites, out, sites_file = [], tmp_path / "faulty.h5", tmp_path / "sites.ndjson"
        for options in (["--single-bit-flip"], patterns):
            lines = pipe.call("classes-sites", "--layer", name, *options, "--seed", 5, "--count", 3, stdin=network.config)
            drawn = [json.loads(line) for line in lines.splitlines()]
            assert [site["shape"] for site in drawn] == 3 * [shape]
            extrapolated = options is patterns and not isinstance(shape, dict)
            assert all(site.get("extrapolated", False) == extrapolated for site in drawn)
            sites += drawn
        sites_file.write_text("".join(json.dumps(site) + "\n" for site in sites))
        pipe.simulate(network.path, out, sites_file, network.version, "--sparse", "--force", patch_or_config=patch)
        played = AtSimulator(load(out, network.version, **network.custom_objects), network.version, network.inputs)
        golden = played.outputs(ErrorSimulatorMode.disabled)
        for number, site in enumerate(sites):
            played.simulator.select(number)
            faulty = played.outputs(ErrorSimulatorMode.enabled)
            hit = np.zeros(golden.shape[1:], bool)
            for cell in site["cells"]:
                hit[tuple(cell["at"] if "at" in cell else (cell[axis] for axis in "hwc"))] = True
            changed = (golden.view(np.uint32) != faulty.view(np.uint32)).any(axis=0)
            assert not (changed & ~hit).any(), f"{name}, site {number}: cells outside the site differ"
            # A pattern may bring what was there, zero say; a flip never does.
            assert changed.any() or number >= 3
