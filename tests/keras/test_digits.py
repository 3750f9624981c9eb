"""The digits networks, from the file on disk to the fault in the layer, in every Keras that loads the file."""

import json
import math
import os
import re
import subprocess
import sys

import jsonpatch
import numpy as np
import pipe
import pytest
from kerases import DATA, ROOT, SIMULATOR, disable, layer_output, load, run, same_bits, simulators

# Keras 3 loads these Keras 2 files too, Keras 2 none of Keras 3 (it does not know their InputLayer).
MODELS = {
    "digits-keras3": (3,),
    "digits-keras2": (2, 3),
    "digits-sequential-keras3": (3,),
    "digits-sequential-keras2": (2, 3),
}
LAYERS = {
    "digits": (
        "conv2d conv2d_1 batch_normalization re_lu max_pooling2d conv2d_2 activation average_pooling2d".split()
    ),
    "digits-sequential": "conv2d conv2d_1 batch_normalization re_lu max_pooling2d".split(),
}
CASES = [
    pytest.param(model, version, layer, id=f"{model}-in-keras{version}-{layer}")
    for model, versions in MODELS.items()
    for version in versions
    for layer in LAYERS[model.rsplit("-", 1)[0]]
]
VALUES = (math.nan, 1.5, -math.inf, math.inf, 3e38, -0.25, 0.0)


@pytest.fixture(scope="module")
def originals():
    cache = {}

    def original(model, version):
        if (model, version) not in cache:
            cache[model, version] = load(DATA / f"{model}.h5", version)
        return cache[model, version]

    return original


def sites_for(shape, rng):
    """Three sites with every kind of value in cells at random: (lines, the cells of each)."""
    places = list(np.ndindex(*shape))
    sites = []
    for count in (1, 5, len(VALUES)):
        chosen = rng.choice(len(places), count, replace=False)
        sites.append({tuple(map(int, places[p])): v for p, v in zip(chosen, VALUES)})
    return "".join(pipe.site_line(shape, cells) + "\n" for cells in sites), sites


def expect(outputs, cells):
    expected = outputs.copy()
    for place, value in cells.items():
        expected[(slice(None), *place)] = np.float32(value)
    return expected


@pytest.mark.parametrize("model", MODELS)
def test_the_networks_know_their_digits(model):
    test = np.load(DATA / "digits-test.npz")
    for version in MODELS[model]:
        predicted = run(load(DATA / f"{model}.h5", version), test["images"])[0].argmax(axis=1)
        assert (predicted == test["labels"]).mean() > 0.95


@pytest.mark.parametrize("model", MODELS)
def test_every_layer_is_listed_with_the_shape_of_its_output(model, originals):
    config = pipe.config_of(DATA / f"{model}.h5")
    listed = {t["name"]: pipe.sizes(t["shape"]) for t in pipe.targets(config)}
    listed.pop("image", None)
    layers = originals(model, MODELS[model][0]).layers
    expected = {layer.name: tuple(layer.output.shape[1:]) for layer in layers}
    expected.pop("image", None)
    assert listed == expected
    assert [name for name, shape in expected.items() if len(shape) == 3] == LAYERS[model.rsplit("-", 1)[0]]


@pytest.mark.parametrize("form", ["dense", "sparse"])
@pytest.mark.parametrize("model, version, layer", CASES)
def test_a_fault_is_where_and_what_its_site_says(model, version, layer, form, originals, images, tmp_path):
    original, out = originals(model, version), tmp_path / "faulty.h5"
    golden = layer_output(original, layer, images, version)
    lines, sites = sites_for(golden.shape[1:], np.random.default_rng(3))
    (tmp_path / "sites.ndjson").write_text(lines)
    config = pipe.config_of(DATA / f"{model}.h5")
    patch = pipe.patch(config, "--after", layer)
    options = ["--sparse"] if form == "sparse" else []
    pipe.simulate(
        DATA / f"{model}.h5", out, tmp_path / "sites.ndjson", version, *options, patch_or_config=patch
    )
    faulty = load(out, version)
    (simulator,) = simulators(faulty)
    assert simulator.name == "simulator"

    for site, cells in enumerate(sites):
        simulator.select(site)
        np.testing.assert_array_equal(layer_output(faulty, "simulator", images, version), expect(golden, cells))
        assert simulator.last_sites.tolist() == [site] * len(images)
    disable(faulty)
    assert same_bits(run(faulty, images), run(original, images))

    faulty.save(tmp_path / "again.h5")
    again = load(tmp_path / "again.h5", version)
    (copy,) = simulators(again)
    copy.set_mode(2)
    copy.select(2)
    np.testing.assert_array_equal(layer_output(again, "simulator", images, version), expect(golden, sites[2]))
    disable(again)
    assert same_bits(run(again, images), run(original, images))


@pytest.mark.parametrize("model", MODELS)
def test_drawn_sites_reach_the_layer_as_their_lines_say(model, originals, images, tmp_path):
    version, out = MODELS[model][0], tmp_path / "faulty.h5"
    config = pipe.config_of(DATA / f"{model}.h5")
    lines = pipe.call("classes-sites", "--layer", "conv2d_1", "--count", 20, "--seed", 7, stdin=config)
    (tmp_path / "sites.ndjson").write_text(lines)
    patch = pipe.patch(config, "--after", "conv2d_1")
    pipe.simulate(DATA / f"{model}.h5", out, tmp_path / "sites.ndjson", version, patch_or_config=patch)
    golden = layer_output(originals(model, version), "conv2d_1", images, version)
    faulty = load(out, version)
    (simulator,) = simulators(faulty)
    for site, line in enumerate(map(json.loads, lines.splitlines())):
        cells = {(c["h"], c["w"], c["c"]): float(c["value"]) for c in line["cells"]}
        simulator.select(site)
        np.testing.assert_array_equal(layer_output(faulty, "simulator", images, version), expect(golden, cells))
    assert simulator.num_inj_sites == 20


# What a user would write by hand: the layer behind conv2d_1, and in a functional model the wires of the layer that follows.
BY_HAND = """
    (.config.layers | map(.config.name == "conv2d_1") | index(true)) as $at
    | .config.layers[$at] as $target
    | {class_name: "ErrorSimulator", config: {name: "simulator", trainable: false, dtype: $target.config.dtype,
        available_injection_sites: "INJ_SITES", masks: "MASKS", num_inj_sites: "NUM_INJECTION_SITES"}} as $layer
"""
SEQUENTIAL = "| .config.layers |= .[:$at + 1] + [$layer] + .[$at + 1:]"
FUNCTIONAL = """
    | .config.layers[$at + 1].inbound_nodes as $wires
    | .config.layers[$at + 1].inbound_nodes |= walk(if . == "conv2d_1" then "simulator" else . end)
    | ($wires | map(if type == "object" then .kwargs = {} else . end)) as $own
    | .config.layers |= .[:$at + 1] + [$layer + {name: "simulator", inbound_nodes: $own}] + .[$at + 1:]
"""


def by_hand(model, config):
    return pipe.jq(BY_HAND + (SEQUENTIAL if "sequential" in model else FUNCTIONAL), config)


@pytest.mark.parametrize("model", MODELS)
def test_another_json_patch_tool_and_a_hand_edit_give_the_same_model(model, originals, images, tmp_path):
    version, source = MODELS[model][0], DATA / f"{model}.h5"
    config = pipe.config_of(source)
    patch = pipe.patch(config, "--after", "conv2d_1")
    shape = layer_output(originals(model, version), "conv2d_1", images, version).shape[1:]
    (tmp_path / "sites.ndjson").write_text(sites_for(shape, np.random.default_rng(5))[0])
    edits = {
        "ours": patch,
        "applied": pipe.patch(config, "--after", "conv2d_1", "--apply"),
        "jsonpatch": json.dumps(jsonpatch.apply_patch(json.loads(config), json.loads(patch))),
        "jq": by_hand(model, config),
    }
    assert json.loads(edits["applied"]) == json.loads(edits["jsonpatch"])
    written, outputs = {}, {}
    for how, edit in edits.items():
        out = tmp_path / f"{how}.h5"
        pipe.simulate(source, out, tmp_path / "sites.ndjson", version, patch_or_config=edit)
        written[how] = json.loads(pipe.config_of(out))
        faulty = load(out, version)
        next(simulators(faulty)).select(1)
        outputs[how] = run(faulty, images)
    for how in edits:
        assert same_bits(outputs[how], outputs["ours"]), how
    assert written["applied"] == written["jsonpatch"] == written["jq"] == written["ours"]


def test_the_examples_in_the_docs_run(images, tmp_path, monkeypatch):
    source = DATA / "digits-keras3.h5"
    (tmp_path / "sites").write_text(sites_for((8, 8, 8), np.random.default_rng(0))[0] * 2)
    patch = pipe.patch(pipe.config_of(source), "--after", "conv2d")
    pipe.simulate(source, tmp_path / "faulty.h5", tmp_path / "sites", 3, patch_or_config=patch)
    monkeypatch.chdir(tmp_path)
    known = {"images": images}
    examples = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "keras" / "README.md").read_text(), re.DOTALL)
    assert len(examples) == 1
    exec(examples[0], known)
    assert known["simulator"].mode.numpy() == 1


LOADED = """
import classes_h5
import {package} as keras
import numpy as np

model = keras.models.load_model("faulty.h5")
model.get_layer("simulator").set_mode(classes_h5.ErrorSimulatorMode.disabled)
np.save("out.npy", np.asarray(model(np.load("images.npy"), training=False)))
"""


@pytest.mark.parametrize("version", SIMULATOR)
def test_the_package_makes_the_layer_known_to_keras(version, images, tmp_path):
    source = DATA / f"digits-keras{version}.h5"
    (tmp_path / "sites").write_text(sites_for((8, 8, 8), np.random.default_rng(0))[0])
    patch = pipe.patch(pipe.config_of(source), "--after", "conv2d")
    pipe.simulate(source, tmp_path / "faulty.h5", tmp_path / "sites", version, patch_or_config=patch)
    np.save(tmp_path / "images.npy", images)
    program = LOADED.format(package={2: "tf_keras", 3: "keras"}[version])
    environment = {name: value for name, value in os.environ.items() if name != "TF_USE_LEGACY_KERAS"}
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True)
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), run(load(source, version), images)[0], rtol=1e-5, atol=1e-6)
