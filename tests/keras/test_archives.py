"""Keras' own archives, `.keras`, go through the pipe as `.h5` files do: no weight and no slot ends at another layer."""

import io
import json
import os
import random
import shutil
import subprocess
import sys
import zipfile

import h5py
import keras
import nests
import numpy as np
import pipe
import pytest
import slots
from kerases import DATA, KERAS
from prove import Network

BOTH = pytest.mark.parametrize("version", KERAS, ids=["keras2", "keras3"])
NESTS = int(os.environ.get("NESTS", "4"))


def sample(network, seed, count):
    targets = [target for target in network.targets() if None not in target.shape]
    return random.Random(seed).sample(targets, min(count, len(targets)))


def branches(k):
    """Two branches of four equal convolutions, which change places where one gets longer."""
    image = k.Input((8, 8, 3), name="image")
    ends = []
    for side in "ab":
        x = image
        for number in range(4):
            x = k.layers.Conv2D(3, 3, padding="same", name=f"{side}{number}")(x)
        ends.append(x)
    return k.Model(image, k.layers.Subtract(name="together")(ends))


@BOTH
def test_equal_branches_keep_their_weights_behind_every_layer(version, tmp_path):
    branches(KERAS[version]).save(tmp_path / "model.keras")
    network = Network(tmp_path / "model.keras", version)
    targets = network.targets()
    assert len(targets) == 10
    for target in targets:
        network.prove(target, tmp_path)


@BOTH
@pytest.mark.parametrize("seed", range(NESTS))
def test_in_nested_models_every_weight_stays_with_its_variable(version, seed, tmp_path):
    path = tmp_path / "model.keras"
    nests.random_nest(version, seed).save(path)
    try:
        network = Network(path, version, nests.custom_objects(version))
    except (ValueError, TypeError):
        pytest.skip("Keras does not read this file")
    for target in sample(network, seed, 3):
        network.prove(target, tmp_path)


STATES = [(version, name) for version, k in KERAS.items() for name in nests.optimizers(k, version, "keras")]


@pytest.mark.parametrize("version, name", STATES)
def test_the_optimizers_state_stays_with_its_variables(version, name, tmp_path):
    network, expected = slots.in_training(version, name, tmp_path / "model.keras")
    for target in sample(network, len(name), 2):
        slots.prove(network, target, tmp_path, expected)


def saved_slots(path):
    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as weights:
        saved = weights["optimizer/vars"]
        return [saved[str(number)][()].tobytes() for number in range(len(saved))]


@pytest.mark.parametrize("version, name", STATES)
def test_slots_move_as_their_variables_do(version, name, tmp_path):
    k, path = KERAS[version], tmp_path / "model.keras"
    image, ends = k.Input((4, 4, 3), name="image"), []
    for side in "ab":
        x = image
        for number in range(2):
            x = k.layers.Conv2D(3, 3, padding="same", name=f"{side}{number}_conv")(x)
            x = k.layers.Dense(3, name=f"{side}{number}_dense")(x)
        ends.append(x)
    model = k.Model(image, k.layers.Subtract(name="together")(ends))
    nests.compile_with(model, nests.optimizers(k, version, "keras")[name](), version, 6)
    model.save(path)
    network, expected = Network(path, version), slots.by_variable(path, version)
    slots.prove(network, next(target for target in network.targets() if target.name == "b0_conv"), tmp_path, expected)
    has_slots = (version, name) != (3, "sgd")
    assert (saved_slots(tmp_path / "faulty.keras") != saved_slots(path)) == has_slots


def test_state_that_two_readings_fit_is_refused(tmp_path):
    k, path = keras, tmp_path / "model.keras"
    image, ends = k.Input((3, 3), name="image"), []
    for side in "ab":
        x = image
        for number in range(3):
            x = k.layers.Dense(3, use_bias=False, name=f"{side}{number}")(x)
        ends.append(x)
    model = k.Model(image, k.layers.Subtract(name="together")(ends))
    for excluded, is_clear in (([], True), (["a", "b"], True), (["b0"], False)):
        nests.compile_with(model, k.optimizers.Muon(exclude_layers=excluded), 3, 5)
        model.save(path)
        network = Network(path, 3)
        target = next(target for target in network.targets() if target.name == "a1")
        if is_clear:
            slots.prove(network, target, tmp_path, slots.by_variable(path, 3))
            continue
        with pytest.raises(pipe.Failed, match="'optimizer' does not tell by its shapes what belongs to which variable"):
            network.prove(target, tmp_path)


def test_an_archive_that_names_another_version_than_laid_it_out_is_refused(tmp_path):
    old, out = DATA / "files" / "tensorflow-2.12.keras", tmp_path / "out.keras"
    config = pipe.config_of(old)
    (tmp_path / "site").write_text(pipe.site_line((8, 8, 3), {(0, 0, 0): 1.0}))
    pipe.call("h5-config-set", old, tmp_path / "faulty.keras", "--sites", tmp_path / "site", stdin=pipe.patch(config, "--after", "a1"))
    for version, why in ((None, "there are some in '_layer"), ("2.15.0", "there are some in '_layer"), ("2.14.0", "'a2' has no weights in")):
        said = tmp_path / "said.keras"
        with zipfile.ZipFile(tmp_path / "faulty.keras") as before, zipfile.ZipFile(said, "w") as after:
            for name in before.namelist():
                text = json.dumps({"keras_version": version} if version else {}) if name == "metadata.json" else before.read(name)
                after.writestr(name, text)
        # Without the simulator no mode is asked for: all that would move are weights.
        patch = pipe.patch(pipe.config_of(said), "--remove", "simulator")
        with pytest.raises(pipe.Failed, match=rf"not where Keras would have put them \({why}"):
            pipe.call("h5-config-set", said, out, stdin=patch)
        assert not out.exists()


@BOTH
def test_an_optimizer_that_was_named_in_short_is_understood(version, tmp_path):
    k, path = KERAS[version], tmp_path / "model.keras"
    model, draw = branches(k), np.random.default_rng(3)
    model.compile("adam", k.losses.MeanSquaredError())
    images = draw.normal(size=(8, 8, 8, 3)).astype("float32")
    model.fit(images, images[::-1], epochs=2, verbose=0)
    model.save(path)
    network, expected = Network(path, version), slots.by_variable(path, version)
    assert len({value.tobytes() for value in expected.values()}) > 30
    for target in network.targets()[5:9]:
        slots.prove(network, target, tmp_path, expected)


@BOTH
def test_all_else_stays_as_it_was_and_the_same_input_gives_the_same_bytes(version, tmp_path):
    path = tmp_path / "model.keras"
    branches(KERAS[version]).save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"a comment of the archive"
        info = zipfile.ZipInfo("notes/read me.txt", (1999, 12, 31, 23, 59, 58))
        info.compress_type, info.comment, info.external_attr = zipfile.ZIP_DEFLATED, b"of a member", 0o640 << 16
        archive.writestr(info, b"what nobody knows " * 100)
    network = Network(path, version)
    written = []
    for _ in range(2):
        network.prove(network.targets()[2], tmp_path)
        written.append((tmp_path / "faulty.keras").read_bytes())
    assert written[0] == written[1]
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "faulty.keras") as new:
        assert new.testzip() is None
        assert old.comment == new.comment
        assert old.namelist() == new.namelist()
        for before, after in zip(old.infolist(), new.infolist()):
            kept = ["filename", "date_time", "compress_type", "comment", "extra", "external_attr", "create_system", "flag_bits"]
            assert [getattr(before, key) for key in kept] == [getattr(after, key) for key in kept]
            if before.filename not in ("config.json", "model.weights.h5"):
                assert old.read(before) == new.read(after)


@BOTH
def test_a_simulator_comes_out_again_and_the_first_bytes_are_back(version, tmp_path):
    path = tmp_path / "model.keras"
    branches(KERAS[version]).save(path)
    network = Network(path, version)
    for target in network.targets()[1:9:3]:
        network.prove(target, tmp_path)
        config = pipe.config_of(tmp_path / "faulty.keras")
        patch = pipe.patch(config, "--remove", "simulator")
        pipe.call("h5-config-set", tmp_path / "faulty.keras", tmp_path / "back.keras", "--force", stdin=patch)
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "back.keras") as new:
            assert old.read("config.json") == new.read("config.json")
        back = Network(tmp_path / "back.keras", version)
        assert all(a.tobytes() == b.tobytes() for a, b in zip(back.outputs, network.outputs))


def test_ranges_and_a_campaign_are_those_of_the_same_network_in_an_h5(tmp_path):
    tables = []
    for suffix in (".h5", ".keras"):
        folder = tmp_path / suffix[1:]
        folder.mkdir()
        shutil.copy(DATA / f"digits-keras3{suffix}", folder / f"digits{suffix}")
        shutil.copy(DATA / "digits-test.npz", folder)
        (folder / "campaign.yaml").write_text(
            f"model: digits{suffix}\ninputs: digits-test.npz:images\nlabels: digits-test.npz:labels\n"
            "layers: [conv2d_1]\nsets: [gpu-thread]\nsites: 6\nshard: 6\n"
        )
        command = [sys.executable, "-m", "classes_h5.campaign", folder / "campaign.yaml", folder / "results", "--cores", "1"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        ranges = json.loads((folder / "results" / "ranges.json").read_text())
        tables.append([(folder / "results" / "predictions.tsv").read_text(), ranges["layers"]])
    assert tables[0] == tables[1]
