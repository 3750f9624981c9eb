"""The dense and the sparse form of the same sites: the same outputs, however often the model is saved, edited and set."""

import json

import numpy as np
import pipe
import pytest
from kerases import DATA, layer_output, load, run, same_bits

LAYER = "conv2d_1"
BOTH = pytest.mark.parametrize("version", [2, 3], ids=["keras2", "keras3"])
FORMS = pytest.mark.parametrize("form", ["dense", "sparse"])
CLASSES = ["rectangles", "bullet_wake", "skip_4", "full_channels", "shattered_channel"]


@pytest.fixture(scope="module")
def inputs():
    return np.random.default_rng(4).normal(size=(5, 8, 8, 1)).astype("float32")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """(version, form) -> a file with the same sites, of every spatial class above and of every kind of value."""
    folder = tmp_path_factory.mktemp("forms")
    sites = ""
    for seed, name in enumerate(CLASSES):
        draw = ["--operator", "conv_gemm", "--spatial-class", name, "--shape", "8,8,16", "--count", 4, "--seed", seed]
        sites += pipe.call("classes-sites", *draw)
    sites += pipe.site_line((8, 8, 16), {(0, 0, 0): np.nan, (1, 2, 3): np.inf, (7, 7, 15): -np.inf, (3, 3, 3): 0.1}) + "\n"
    (folder / "sites").write_text(sites)
    made = {}
    for version in (2, 3):
        model = DATA / f"digits-keras{version}.h5"
        patch = pipe.patch(pipe.config_of(model), "--after", LAYER)
        for form in ("dense", "sparse"):
            made[version, form] = folder / f"{form}{version}.h5"
            options = ["--sparse"] if form == "sparse" else []
            pipe.simulate(model, made[version, form], folder / "sites", version, *options, patch_or_config=patch)
    return made


def played(path, version, inputs, first=0):
    """All outputs of the simulator and of the network, site by site."""
    model = load(path, version)
    simulator = model.get_layer("simulator")
    outputs = []
    for site in range(first, simulator.num_inj_sites):
        simulator.select(site)
        outputs += [layer_output(model, "simulator", inputs, version), *run(model, inputs)]
    return outputs


@BOTH
def test_both_forms_put_out_the_same_bits(version, files, inputs):
    dense, sparse = (played(files[version, form], version, inputs) for form in ("dense", "sparse"))
    assert len(dense) == 2 * (4 * len(CLASSES) + 1)
    assert same_bits(dense, sparse)


@BOTH
@FORMS
@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_keras_saves_and_loads_either_form(version, form, suffix, files, inputs, tmp_path):
    load(files[version, form], version).save(tmp_path / f"again{suffix}")
    assert same_bits(played(tmp_path / f"again{suffix}", version, inputs), played(files[version, form], version, inputs))


@BOTH
@FORMS
@pytest.mark.parametrize("saved", [False, True], ids=["as-written", "saved-by-keras"])
def test_either_form_is_printed_edited_and_set_again(version, form, saved, files, inputs, tmp_path):
    source = files[version, form]
    if saved:
        load(source, version).save(tmp_path / "saved.h5", include_optimizer=False)
        source = tmp_path / "saved.h5"
    config = pipe.config_of(source)
    json.loads(config, parse_constant=lambda token: pytest.fail(f"a bare {token}"))
    # The first four sites go; jq writes every number on a line of its own.
    without = """(.. | objects | select(.available_injection_sites?)) |=
        (.available_injection_sites |= .[4:] | .masks |= .[4:] | .num_inj_sites -= 4)"""
    edited = pipe.jq(without, config)
    pipe.call("h5-config-set", source, tmp_path / "edited.h5", "--keras", version, stdin=edited)
    expected = played(files[version, "dense"], version, inputs, first=4)
    assert same_bits(played(tmp_path / "edited.h5", version, inputs), expected)
    # A patch into the arrays of the file it is applied to.
    *layers, last = [i for i, layer in enumerate(json.loads(config)["config"]["layers"]) if layer["config"]["name"] == "simulator"]
    assert not layers
    at = f"/config/layers/{last}/config/"
    patch = [{"op": "remove", "path": f"{at}available_injection_sites/{i}"} for i in (3, 2, 1, 0)]
    if form == "dense":
        patch += [{"op": "remove", "path": f"{at}masks/{i}"} for i in (3, 2, 1, 0)]
    patch += [{"op": "replace", "path": f"{at}num_inj_sites", "value": 4 * len(CLASSES) - 3}]
    pipe.call("h5-config-set", source, tmp_path / "patched.h5", "--keras", version, stdin=json.dumps(patch))
    assert same_bits(played(tmp_path / "patched.h5", version, inputs), expected)


@BOTH
def test_flipped_bits_survive_saving_editing_and_setting(version, inputs, tmp_path):
    source = DATA / f"digits-keras{version}.h5"
    sites = pipe.call("classes-sites", "--single-bit-flip", "--shape", "8,8,16", "--count", 12, "--seed", 3)
    (tmp_path / "sites").write_text(sites)
    patch = pipe.patch(pipe.config_of(source), "--after", LAYER)
    pipe.simulate(source, tmp_path / "flips.h5", tmp_path / "sites", version, "--sparse", patch_or_config=patch)
    before = layer_output(load(source, version), LAYER, inputs, version)
    expected = []
    for line in map(json.loads, sites.splitlines()):
        (cell,) = line["cells"]
        bits = before.copy()
        bits.view(np.uint32)[:, cell["h"], cell["w"], cell["c"]] ^= np.uint32(1 << cell["bit"])
        expected.append(bits)
    load(tmp_path / "flips.h5", version).save(tmp_path / "saved.h5", include_optimizer=False)
    edited = pipe.jq('.config.name = "flipped"', pipe.config_of(tmp_path / "saved.h5"))
    pipe.call("h5-config-set", tmp_path / "saved.h5", tmp_path / "set.h5", "--keras", version, stdin=edited)
    for path in ("flips.h5", "saved.h5", "set.h5"):
        assert same_bits(played(tmp_path / path, version, inputs)[::2], expected)
