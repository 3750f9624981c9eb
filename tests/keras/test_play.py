"""The runner, classes_h5.runner and classes_h5.play: what it writes is what one prediction after the other gives, and bad input is told."""

import csv
import json
import os
import shutil
import warnings

import h5py
import numpy as np
import pipe
import pytest
from classes_h5 import play, runner
from classes_h5.files import input_names
from classes_h5.simulator import ErrorSimulatorMode
from kerases import DATA, KERAS, SIMULATOR, load, run

COUNT = 24


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """images.npy and labels.npy of forty digits."""
    folder = tmp_path_factory.mktemp("digits")
    data = np.load(DATA / "digits-test.npz")
    np.save(folder / "images.npy", data["images"][:40])
    np.save(folder / "labels.npy", data["labels"][:40])
    return folder


def make_faulty(folder, version, kind="", form="--sparse", after="conv2d_1", *draw):
    """faulty.h5 and sites.ndjson in a folder."""
    original = DATA / f"digits{kind}-keras{version}.h5"
    config = pipe.config_of(original)
    sites = pipe.call("classes-sites", "--layer", after, "--count", COUNT, "--seed", 7, *draw, stdin=config)
    (folder / "sites.ndjson").write_text(sites)
    patch = pipe.patch(config, "--after", after)
    options = [form] if form else []
    pipe.simulate(original, folder / "faulty.h5", folder / "sites.ndjson", version, *options, patch_or_config=patch)
    return folder


def table_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def typed(table):
    """A table from `play` as its file has it."""
    return [dict(zip(table, map(play.text, row))) for row in zip(*table.values())]


def naively(model, name, images, labels, rows):
    """The columns that matter, by one eager prediction after the other."""
    simulator = model.get_layer(name)
    for row in rows:
        image = images[int(row["input"])][None]
        simulator.set_mode(ErrorSimulatorMode.disabled)
        golden = run(model, image)[0][0]
        simulator.set_mode(ErrorSimulatorMode.enabled)
        simulator.select(int(row["site"]))
        faulty = run(model, image)[0][0]
        broken = not np.isfinite(faulty).all()
        top = -1 if np.isnan(faulty).any() else faulty.argmax()
        changed = top != golden.argmax()
        critical = changed and labels[int(row["input"])] == golden.argmax()
        yield {
            "label": str(labels[int(row["input"])]),
            "golden": str(golden.argmax()),
            "faulty": str(top),
            "changed": str(bool(changed)).lower(),
            "critical": str(bool(critical)).lower(),
            "nan": str(broken).lower(),
            "no_effect": str(not simulator.last_changed[0]).lower(),
            "outcome": "nan" if broken else "critical" if critical else "changed" if changed else "masked",
            "distance": np.abs(faulty.astype(float) - golden).max(),
        }


CASES = [(2, "", "--sparse"), (3, "", "--sparse"), (3, "", None), (2, "-sequential", None), (3, "-sequential", "--sparse")]


@pytest.mark.parametrize("version, kind, form", CASES)
def test_the_table_is_that_of_one_prediction_after_the_other(version, kind, form, digits, tmp_path):
    make_faulty(tmp_path, version, kind, form)
    arguments = ["--images", digits / "images.npy", "--labels", digits / "labels.npy", "--sites", tmp_path / "sites.ndjson"]
    assert play.main(list(map(str, [tmp_path / "faulty.h5", *arguments, "--out", tmp_path / "out.tsv"]))) == 0
    rows = table_of(tmp_path / "out.tsv")
    assert tuple(rows[0]) == runner.COLUMNS and len(rows) == COUNT
    model = load(tmp_path / "faulty.h5", version)
    images, labels = np.load(digits / "images.npy"), np.load(digits / "labels.npy")
    for row, line, expected in zip(
        rows, (tmp_path / "sites.ndjson").open(), naively(model, "simulator", images, labels, rows)
    ):
        distance = expected.pop("distance")
        assert {name: row[name] for name in expected} == expected
        np.testing.assert_allclose(float(row["distance"]), distance, atol=2e-6)
        site = json.loads(line)
        assert (row["layer"], row["set"], row["operator"], row["seed"]) == ("conv2d_1", "gpu-warp", "conv_gemm", "7")
        assert (int(row["site"]), row["spatial_class"]) == (site["site"], site["spatial_class"])
        assert row["value_classes"] == "+".join(sorted({cell["class"] for cell in site["cells"]}))
        assert row["cells"] == str(len(site["cells"]))
        assert row["as_defined"] == str(site.get("as_defined", True)).lower()
    assert len({row["outcome"] for row in rows}) > 2


def some_sites(rng, shape, count, path):
    """Sites of three cells each, written as lines: the cells, and the sparse form for the layer."""
    cells = [{tuple(rng.integers(shape).tolist()): float(rng.normal(0, 20)) for _ in range(3)} for _ in range(count)]
    path.write_text("\n".join(pipe.site_line(shape, site) for site in cells))
    index = lambda cell: np.ravel_multi_index(cell, shape).item()
    return cells, [{"index": list(map(index, site)), "value": list(site.values())} for site in cells]


def branching(version, tmp_path):
    """A network with skips over the simulator, a nested one with another simulator, a shared layer; and its sites."""
    k = KERAS[version]
    k.utils.set_random_seed(3)
    rng = np.random.default_rng(4)
    cells, sparse = some_sites(rng, (6, 6, 4), 10, tmp_path / "sites.ndjson")

    def simulator(name):
        return SIMULATOR[version](sparse, [], len(sparse), name=name)

    image = k.Input((6, 6, 4))
    shared = k.layers.Conv2D(4, 3, padding="same", activation="relu", name="shared")
    a = shared(image)
    b = shared(simulator("first")(a))
    inside = k.Input((6, 6, 4))
    nested = k.Model(inside, simulator("deep")(k.layers.Conv2D(4, 3, padding="same", name="conv")(inside)), name="nested")
    x = k.layers.Add()([nested(b), a, image])
    return k.Model(image, k.layers.Dense(5)(k.layers.GlobalAveragePooling2D()(x))), cells


@pytest.mark.parametrize("version", KERAS)
@pytest.mark.parametrize("name, layer", [("first", "shared"), ("nested/deep", "nested/conv")])
def test_eagerly_a_branching_network_gives_every_bit(version, name, layer, tmp_path):
    model, cells = branching(version, tmp_path)
    images = np.random.default_rng(5).normal(size=(4, 6, 6, 4)).astype("float32")
    seen = []

    def keep(golden, faulty, image):
        seen.append((golden, faulty, image))
        return len(seen)

    table = runner.play(
        model, name, tmp_path / "sites.ndjson", images, design=runner.CROSSED, batch_size=8, outcome=keep, graph=False
    )
    assert table["layer"][0] == layer and len(table["site"]) == 40
    simulator = model.get_layer("first") if name == "first" else model.get_layer("nested").get_layer("deep")
    for site, image, said in zip(table["site"], table["input"], table["outcome"]):
        golden, faulty, given = seen[int(said) - 1]
        assert given.tobytes() == images[image].tobytes()
        batch = np.repeat(images[image][None], 8, 0)
        for mode, output in ((ErrorSimulatorMode.disabled, golden), (ErrorSimulatorMode.enabled, faulty)):
            simulator.set_mode(mode)
            simulator.select(site)
            assert run(model, batch)[0][0].tobytes() == output.tobytes()


def test_every_site_meets_every_input(digits, tmp_path):
    make_faulty(tmp_path, 3)
    model = load(tmp_path / "faulty.h5", 3)
    images, labels = np.load(digits / "images.npy"), np.load(digits / "labels.npy")
    rows = typed(runner.play(model, None, tmp_path / "sites.ndjson", images, labels, design=runner.CROSSED))
    assert [(int(row["site"]), int(row["input"])) for row in rows] == [(s, i) for s in range(COUNT) for i in range(40)]
    assert model.get_layer("simulator")(np.zeros((5, 8, 8, 16), "float32")).shape[0] == 5  # nothing is selected any more
    some = rows[:: COUNT + 1]
    for row, expected in zip(some, naively(model, "simulator", images, labels, some)):
        expected.pop("distance")
        assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize("version", KERAS)
def test_shards_and_other_batches_merge_to_the_bytes_of_one_run(version, digits, tmp_path):
    make_faulty(tmp_path, version)

    def bytes_of(*options):
        files = [f"--images={digits / 'images.npy'}", f"--sites={tmp_path / 'sites.ndjson'}", f"--out={tmp_path / 'out.tsv'}"]
        assert play.main([str(tmp_path / "faulty.h5"), *files, *options]) == 0
        return (tmp_path / "out.tsv").read_bytes().partition(b"\n")[2]

    whole = bytes_of()
    assert bytes_of("--count=10") + bytes_of("--first=10") == whole
    assert bytes_of("--batch-size=5") == whole
    assert bytes_of("--seed=1") != whole


def test_a_site_meets_the_same_input_everywhere():
    """Pinned: another draw would give everyone another table."""
    site = runner.Site("conv_gemm", "gpu-warp", 7, 0, "skip_4", "nan", True, 3)
    drawn = [runner.meets(0, "conv2d_1", site._replace(site=number), 360) for number in range(6)]
    assert drawn == [48, 93, 167, 166, 347, 304]
    assert runner.meets(1, "conv2d_1", site, 360) != drawn[0]


def test_inputs_are_drawn_uniformly():
    """Chi-squared over 20 inputs, 8,000 sites: 19 degrees of freedom, 43.8 is exceeded once in a thousand seeds."""
    site = runner.Site("relu", "gpu-thread", 7, 0, "single", "", True, 1)
    counts = np.bincount([runner.meets(0, "re_lu", site._replace(site=number), 20) for number in range(8000)])
    assert ((counts - 400) ** 2 / 400).sum() < 43.8


@pytest.mark.parametrize("version", KERAS)
def test_sites_whose_cells_held_their_values_already_have_no_effect(version, digits, tmp_path):
    original = DATA / f"digits-keras{version}.h5"
    zeros = [{(4, 4, c): 0.0, (4, 5, c): 0.0} for c in range(8)]
    (tmp_path / "sites.ndjson").write_text("\n".join(pipe.site_line((8, 8, 8), site) for site in zeros))
    patch = pipe.patch(pipe.config_of(original), "--after", "conv2d")  # with relu: many zeros
    images, expected = np.load(digits / "images.npy"), None
    for form in (["--sparse"], []):
        out = tmp_path / f"faulty{len(form)}.h5"
        pipe.simulate(original, out, tmp_path / "sites.ndjson", version, *form, patch_or_config=patch)
        model = load(out, version)
        before = run(KERAS[version].Model(model.inputs, model.get_layer("conv2d").output), images)[0]
        expected = (before[:, 4, 4:6] == 0).all(axis=1).T.ravel().tolist()
        table = runner.play(model, None, tmp_path / "sites.ndjson", images, design=runner.CROSSED)
        assert table["no_effect"] == expected and True in expected and False in expected
        assert (table["set"][0], table["seed"][0], table["spatial_class"][0], table["label"][0]) == ("", "", "", "")
        assert all(distance == 0 for distance, none in zip(table["distance"], expected) if none)


def test_the_baseline_flips_one_bit(digits, tmp_path):
    make_faulty(tmp_path, 3, "", "--sparse", "conv2d_1", "--single-bit-flip")
    table = runner.play(load(tmp_path / "faulty.h5", 3), None, tmp_path / "sites.ndjson", np.load(digits / "images.npy"))
    assert {name: set(table[name]) for name in ("set", "operator", "spatial_class", "value_classes", "cells", "no_effect")} == {
        "set": {"single-bit-flip"}, "operator": {""}, "spatial_class": {""}, "value_classes": {"flip"}, "cells": {1},
        "no_effect": {False},
    }
    assert table["critical"] == table["changed"] and set(table["label"]) == {""}


def two_outputs(version, tmp_path):
    model, _ = branching(version, tmp_path)
    k = KERAS[version]
    return k.Model(model.inputs, [model.output, model.get_layer("shared").get_output_at(0)] if version == 2 else
                   [model.output, model.get_layer("shared")._inbound_nodes[0].outputs[0]])


@pytest.mark.parametrize("version", KERAS)
def test_a_hook_judges_networks_that_do_not_classify(version, tmp_path):
    model = two_outputs(version, tmp_path)
    images = np.zeros((3, 6, 6, 4), "float32")
    said = iter([True, 0.25, "lost", np.float32(0.5), np.bool_(False)] + [np.nan] * 5)

    def outcome(golden, faulty, image):
        assert [o.shape for o in golden] == [o.shape for o in faulty] == [(5,), (6, 6, 4)]
        assert golden[1].tobytes() == faulty[1].tobytes()  # that output is before the simulator
        return next(said)

    rows = typed(runner.play(model, "first", tmp_path / "sites.ndjson", images, outcome=outcome, batch_size=4))
    assert sorted(row["outcome"] for row in rows) == sorted(["true", "0.25", "lost", "0.5", "false"] + ["nan"] * 5)
    assert {rows[0][name] for name in ("golden", "faulty", "changed", "critical", "label")} == {""}
    assert max(float(row["distance"]) for row in rows) > 0


# Bad input


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    return make_faulty(tmp_path_factory.mktemp("faulty"), 3)


def lines_with(change):
    """The sites' lines, changed by a function of the list of them."""

    def write(faulty, digits, folder):
        lines = (faulty / "sites.ndjson").read_text().splitlines()
        (folder / "sites.ndjson").write_text("\n".join(change(lines)) + "\n")
        return {"sites": folder / "sites.ndjson"}

    return write


def saved(option, array):
    """An array of the user's."""

    def write(faulty, digits, folder):
        np.save(folder / "given.npy", array)
        return {option: folder / "given.npy"}

    return write


def given(**options):
    return lambda faulty, digits, folder: {
        name: str(value).format(faulty=faulty, digits=digits, folder=folder, data=DATA) for name, value in options.items()
    }


def a_placeholder(faulty, digits, folder):
    original = DATA / "digits-keras3.h5"
    patched = pipe.patch(pipe.config_of(original), "--after", "conv2d_1", "--apply")
    shutil.copy(original, folder / "unfilled.h5")
    with h5py.File(folder / "unfilled.h5", "a") as file:
        file.attrs["model_config"] = patched
    return {"model": folder / "unfilled.h5"}


def two_simulators(faulty, digits, folder):
    original = DATA / "digits-keras3.h5"
    config = pipe.config_of(original)
    patch = pipe.patch(config, "--after", "conv2d_1", "--after", "re_lu")
    sites = faulty / "sites.ndjson"
    pipe.call(
        "h5-config-set", original, folder / "two.h5", "--sparse", "--sites", f"simulator={sites}",
        "--sites", f"simulator_1={sites}", stdin=patch,
    )
    return {"model": folder / "two.h5"}


@pytest.mark.parametrize(
    "change, options, message",
    [
        (given(model="{folder}/none.h5"), {}, "{folder}/none.h5: no such file"),
        (given(model="{digits}/images.npy"), {}, "{digits}/images.npy: is neither an HDF5 file nor a .keras archive"),
        (given(model="{data}/digits-keras3.h5"), {}, "no ErrorSimulator in the model (h5-config-set puts one in)"),
        (a_placeholder, {}, "{folder}/unfilled.h5 does not load: ErrorSimulator: 'INJ_SITES' stands where sites belong (h5-config-set fills it)"),
        (two_simulators, {}, "several simulators, choose one: simulator, simulator_1"),
        (given(simulator="other"), {}, "no simulator other in the model, there is: simulator"),
        (given(sites="{folder}/none"), {}, "{folder}/none: No such file or directory"),
        (lines_with(lambda lines: lines[1:]), {}, "{folder}/sites.ndjson has 23 sites, simulator 24: not those it was filled with"),
        (
            lines_with(lambda lines: [lines[1], *lines[1:]]), {},
            "{folder}/sites.ndjson: site 0 has 62 cells, that of simulator 61: not those it was filled with",
        ),
        (lines_with(lambda lines: [*lines[:2], "{}"]), {}, "{folder}/sites.ndjson: line 3: no injection site: 'cells' is missing"),
        (lines_with(lambda lines: ['{"cells": []}']), {}, "{folder}/sites.ndjson: line 1: no injection site: no cells"),
        (lines_with(lambda lines: ["[1"]), {}, "{folder}/sites.ndjson: line 1: no injection site: Expecting ',' delimiter, column 3"),
        (given(first=24), {}, "no site to play: 24 sites, the first wanted is 24"),
        (saved("images", np.zeros((5, 8, 8))), {"labels": None}, "input 'image' has shape (None, 8, 8, 1), what is given (5, 8, 8)"),
        (saved("images", np.zeros((0, 8, 8, 1))), {}, "no inputs given"),
        (given(images="{faulty}/sites.ndjson"), {}, "{faulty}/sites.ndjson: is no NumPy file of numbers (.npy, .npz)\n  hint: numpy.save('sites.npy', array) makes one"),
        (given(images="{faulty}"), {}, "{faulty}: is a folder, must be a NumPy file (.npy, .npz)"),
        (given(images="{data}/digits-test.npz:labels"), {}, "input 'image' has shape (None, 8, 8, 1), what is given (360,)"),
        (given(images="{data}/digits-test.npz"), {}, "{data}/digits-test.npz: holds images, labels: say which, as {data}/digits-test.npz:images"),
        (saved("labels", np.zeros(39, int)), {}, "39 labels for 40 images"),
        (saved("labels", np.zeros((40, 10))), {}, "labels must be one integer an input, found float64 of shape (40, 10)"),
        (saved("labels", np.arange(40)), {}, "labels are from 0 to 39, the network has classes 0 to 9"),
        (given(outcome="hook"), {}, "--outcome hook: must be module:function"),
        (given(outcome="hook:none"), {}, "--outcome hook:none: No module named 'hook'"),
        (given(outcome="json:none"), {}, "--outcome json:none: module 'json' has no attribute 'none'"),
        (given(out="{folder}/none/out.tsv"), {}, "{folder}/none/out.tsv: No such file or directory"),
    ],
)
def test_bad_input_is_told_in_one_line(change, options, message, faulty, digits, tmp_path):
    asked = {"model": faulty / "faulty.h5", "images": digits / "images.npy", "labels": digits / "labels.npy"}
    asked |= {"sites": faulty / "sites.ndjson", "out": tmp_path / "out.tsv"}
    asked |= change(faulty, digits, tmp_path) | options
    arguments = [str(asked.pop("model")), *(f"--{name}={value}" for name, value in asked.items() if value is not None)]
    assert play.main(arguments) == "play: " + message.format(folder=tmp_path, faulty=faulty, digits=digits, data=DATA)
    assert not (tmp_path / "out.tsv").exists()


@pytest.mark.parametrize("layers, said", [(["conv2d_1"] * 24, ""), (["re_lu"] * 12 + ["conv2d_1"] * 6 + ["conv2d"] * 6, None), ([None] * 24, "")])
def test_sites_that_were_drawn_for_another_layer_are_told_once(layers, said, faulty, digits, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # the command sets it
    lines = [json.loads(line) for line in (faulty / "sites.ndjson").read_text().splitlines()]
    lines = [{name: value for name, value in line.items() if name != "layer"} for line in lines]
    lines = [line | ({"layer": layer} if layer else {}) for line, layer in zip(lines, layers)]
    (tmp_path / "sites.ndjson").write_text("\n".join(map(json.dumps, lines)))
    options = [f"--images={digits}/images.npy", f"--sites={tmp_path}/sites.ndjson", f"--out={tmp_path}/out.tsv"]
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert play.main([str(faulty / "faulty.h5"), *options]) == 0
    expected = "play: the sites were drawn for 'conv2d', 're_lu', and are played behind 'conv2d_1'\n" if said is None else said
    assert capsys.readouterr().err == expected
    assert {row["layer"] for row in table_of(tmp_path / "out.tsv")} == {"conv2d_1"}


@pytest.mark.parametrize("version", KERAS)
def test_several_inputs_and_outputs(version, tmp_path):
    """Inputs by name or in the model's order; the hook has all of both."""
    k = KERAS[version]
    k.utils.set_random_seed(5)
    rng = np.random.default_rng(6)
    _, sparse = some_sites(rng, (6, 6, 2), 9, tmp_path / "sites.ndjson")
    camera, thermal = k.Input((6, 6, 2), name="camera"), k.Input((6, 6, 1), name="thermal")
    x = SIMULATOR[version](sparse, [], len(sparse), name="simulator")(k.layers.Conv2D(2, 3, padding="same", name="conv")(camera))
    joined = k.layers.Concatenate()([x, thermal])
    outputs = [k.layers.Dense(3, name="what")(k.layers.Flatten()(joined)), k.layers.Conv2D(1, 1, name="where")(joined)]
    model = k.Model([camera, thermal], outputs)
    images = {"thermal": rng.random((4, 6, 6, 1), np.float32), "camera": rng.random((4, 6, 6, 2), np.float32)}

    def outcome(golden, faulty, given):
        assert [array.shape for array in given] == [(6, 6, 2), (6, 6, 1)]
        assert [array.shape for array in golden] == [(3,), (6, 6, 1)]
        return float(max(abs(a - b).max() for a, b in zip(golden, faulty)) + given[1].sum())

    rows = typed(runner.play(model, None, tmp_path / "sites.ndjson", images, outcome=outcome, batch_size=2))
    in_order = [images["camera"], images["thermal"]]
    assert typed(runner.play(model, None, tmp_path / "sites.ndjson", in_order, outcome=outcome, batch_size=2)) == rows
    simulator = model.get_layer("simulator")
    for row in rows:
        given = [part[int(row["input"])][None] for part in in_order]
        simulator.set_mode(ErrorSimulatorMode.disabled)
        golden = run(model, given)
        simulator.set_mode(ErrorSimulatorMode.enabled)
        simulator.select(int(row["site"]))
        apart = max(abs(a - b).max() for a, b in zip(golden, run(model, given)))
        assert float(row["distance"]) == pytest.approx(apart, abs=1e-4)
        assert float(row["outcome"]) == pytest.approx(apart + given[1].sum(), abs=1e-3)
    assert len({row["input"] for row in rows}) > 1
    with pytest.raises(runner.PlayError, match="the model's inputs are camera, thermal, those given camera, heat"):
        runner.play(model, None, tmp_path / "sites.ndjson", {"camera": in_order[0], "heat": in_order[1]}, outcome=outcome)
    with pytest.raises(runner.PlayError, match="as many of each input are needed, found 4 of camera, 3 of thermal"):
        runner.play(model, None, tmp_path / "sites.ndjson", [in_order[0], in_order[1][:3]], outcome=outcome)


@pytest.mark.parametrize("version", KERAS)
def test_what_cannot_be_played_is_told(version, tmp_path):
    k, images = KERAS[version], np.zeros((3, 6, 6, 4), "float32")
    model, _ = branching(version, tmp_path)
    two = two_outputs(version, tmp_path)
    image = k.Input((6, 6, 4))
    shared = SIMULATOR[version]([{"index": [0], "value": [1]}], [], 1, name="shared")
    again = k.Model(image, k.layers.Flatten()(shared(shared(image))))
    pair = k.Model([image, other := k.Input((6, 6, 4))], k.layers.Flatten()(shared(k.layers.Add()([image, other]))))
    (tmp_path / "one.ndjson").write_text(pipe.site_line((6, 6, 4), {(0, 0, 0): 1.0}))

    def told(model, name, outcome=None, sites="sites.ndjson"):
        with pytest.raises(runner.PlayError) as error:
            runner.play(model, name, tmp_path / sites, images, outcome=outcome)
        return str(error.value)

    assert told(model, "first", lambda *_: None) == (
        "the outcome function: TypeError: it returned None, must be a number, a bool or a str"
    )
    assert told(model, "first", lambda *_: {}["x"]) == "the outcome function: KeyError: 'x'"
    assert told(two, "first") == (
        "outputs of shape (5,), (6, 6, 4) are not one score for each class: give an outcome function"
    )
    assert told(again, "shared") == (
        "shared is called 2 times in one pass: a transient fault strikes once (classes-patch --node)"
    )
    assert told(pair, "shared", sites="one.ndjson") == f"the model's inputs are {', '.join(input_names(pair))}, 1 given"


@pytest.mark.parametrize("version", KERAS)
@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_inputs_that_lead_to_another_size_than_the_sites_have_are_refused(version, form, tmp_path):
    k, shape = KERAS[version], [6, 6, 4]
    sites = [{"shape": shape, "index": [0], "value": [1]}], []
    dense = np.zeros((1, *shape), np.float32), np.ones((1, *shape), np.float32)
    dense[0][0, 0, 0, 0], dense[1][0, 0, 0, 0] = 1, 0
    image = k.Input((None, None, 4))
    simulator = SIMULATOR[version](*(sites if form == "sparse" else dense), 1)
    model = k.Model(image, k.layers.GlobalAveragePooling2D()(simulator(image)))
    (tmp_path / "one.ndjson").write_text(pipe.site_line(shape, {(0, 0, 0): 1.0}))
    played = lambda *size: runner.play(model, None, tmp_path / "one.ndjson", np.zeros((3, *size), np.float32))
    assert len(played(6, 6, 4)["site"]) == 1
    for other in [(4, 9, 4), (6, 7, 4)]:
        with pytest.raises(runner.PlayError, match="^ErrorSimulator: the sites have shape \\(6, 6, 4\\), the input"):
            played(*other)


def test_a_table_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    table = {name: ["a", True, 0.5] for name in runner.COLUMNS}
    play.write(table, tmp_path / "out.tsv")
    before = (tmp_path / "out.tsv").read_text()
    assert before.splitlines() == ["\t".join(runner.COLUMNS)] + ["\t".join([text] * len(table)) for text in ("a", "true", "0.5")]

    def full(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError):
        play.write({name: [] for name in runner.COLUMNS}, tmp_path / "out.tsv")
    assert [path.name for path in tmp_path.iterdir()] == ["out.tsv"] and (tmp_path / "out.tsv").read_text() == before
