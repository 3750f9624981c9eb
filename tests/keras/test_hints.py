"""Hints that need Keras are followed, too: what they say to do is done, and helps. `tests/hints.txt` has all hints."""

import shutil
import subprocess
import sys
import zipfile

import h5py
import keras
import numpy as np
import pipe
import pytest
import tf_keras
from kerases import DATA, KERAS, load, same_bits
from prove import Network, names

BOTH = pytest.mark.parametrize("version", KERAS, ids=["keras2", "keras3"])
IN_PYTHON = "hint: in Python: "


def refused(words, action, *arguments):
    """The hint of what is refused with these words."""
    with pytest.raises(pipe.Failed, match=words) as failed:
        action(*arguments)
    return next(line for line in str(failed.value).splitlines() if line.startswith("hint: "))


def run_hint(hint, k):
    """The Python in a hint, run in this folder by a Keras."""
    code = hint.removeprefix(IN_PYTHON)
    exec(code[: code.rindex("')") + 2], {"keras": k, "tf_keras": tf_keras})


def branches(k, nested=False):
    """Two branches of equal shapes, which change places where one gets longer."""
    image = k.Input((8, 8, 3), name="image")
    conv = lambda name: k.layers.Conv2D(3, 3, padding="same", name=name)
    stem = features = conv("stem")(image)
    if nested:
        features = k.Input((8, 8, 3), name="features")
    ends = [conv(f"{side}2")(conv(f"{side}1")(features)) for side in "ab"]
    together = k.layers.Average(name="together")(ends)
    if nested:
        together = k.Model(features, together, name="inner")(stem)
    return k.Model(image, conv("end")(together))


def reorder(path, group, attribute, swap):
    """Writes a list of names of a file in another order."""
    with h5py.File(path, "r+") as file:
        found = names(file[group], attribute)
        file[group].attrs[attribute] = [name.encode() for name in swap(found)]


def target_of(network, name):
    return next(target for target in network.targets() if target.name == name)


def test_a_file_of_one_container_is_saved_as_one_of_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = Network(DATA / "digits-keras3.h5", 3)
    shutil.copy(DATA / "digits-keras3.h5", "model.h5")
    for one, other in [("model.h5", "model.keras"), ("model.keras", "model.h5")]:
        write = lambda: pipe.call("h5-config-set", one, f"out{other[5:]}", stdin="[]")
        run_hint(refused("and Keras goes by the name", write), keras)
        network = Network(other, 3)
        assert same_bits(network.outputs, first.outputs)
        network.prove(target_of(network, "conv2d_1"), tmp_path)


@BOTH
def test_an_archive_whose_groups_are_elsewhere_is_saved_again(version, tmp_path):
    k = KERAS[version]
    branches(k).save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    (tmp_path / "weights.h5").write_bytes(members["model.weights.h5"])
    with h5py.File(tmp_path / "weights.h5", "r+") as file:
        file.copy(file["layers/conv2d"], file, "layers/conv2d_77")
    members["model.weights.h5"] = (tmp_path / "weights.h5").read_bytes()
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    network = Network(tmp_path / "model.keras", version)
    hint = refused("not where Keras would have put them", network.prove, target_of(network, "b1"), tmp_path)
    assert hint == "hint: load MODEL in Keras and save it again; that puts them there"
    load(tmp_path / "model.keras", version).save(tmp_path / "again.keras")
    again = Network(tmp_path / "again.keras", version)
    assert same_bits(again.outputs, network.outputs)
    again.prove(target_of(again, "b1"), tmp_path)


@keras.saving.register_keras_serializable("tests")
class OwnOptimizer(keras.optimizers.Adam):
    """Of which nobody knows what it keeps."""


def test_a_state_in_an_archive_that_is_not_understood_is_dropped(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    k = KERAS[3]
    model = branches(k)
    model.compile(OwnOptimizer(), k.losses.MeanSquaredError())
    images = np.zeros((2, 8, 8, 3), "float32")
    model.fit(images, images, verbose=0)
    model.save("model.keras")
    network = Network("model.keras", 3)
    run_hint(refused("state is not understood: of the class 'OwnOptimizer'", network.prove, target_of(network, "b1"), tmp_path), k)
    again = Network("model.keras", 3)
    assert same_bits(again.outputs, network.outputs)
    again.prove(target_of(again, "b1"), tmp_path)


def test_a_folder_is_saved_as_a_file(tmp_path, monkeypatch):
    for version, save, file, words in [
        (3, lambda model: keras.saving.save_model(model, "model", zipped=False), "model.keras", "ends as a file does"),
        (2, lambda model: model.save("model", save_format="tf"), "model.h5", "SavedModel"),
    ]:
        folder = tmp_path / str(version)
        folder.mkdir()
        monkeypatch.chdir(folder)
        first = Network(DATA / f"digits-keras{version}.h5", version)
        save(first.model)
        run_hint(refused(words, lambda: pipe.call("h5-config-set", "model", file, stdin="[]")), keras)
        network = Network(file, version)
        assert same_bits(network.outputs, first.outputs)
        network.prove(target_of(network, "conv2d_1"), folder)


def test_weights_are_saved_with_their_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = KERAS[2].models.load_model(DATA / "digits-keras2.h5", compile=False)
    model.save_weights("weights.h5")
    KERAS[3].models.load_model(DATA / "digits-keras3.h5", compile=False).save_weights("today.weights.h5")
    model.save_weights("today2.weights.h5")
    for today in ("today.weights.h5", "today2.weights.h5"):
        refused("holds weights only", pipe.config_of, today)
    hint = refused("holds weights only", pipe.config_of, "weights.h5")
    assert "model.save('model.h5')" in hint
    model.save("model.h5")
    assert pipe.config_of("model.h5") == pipe.config_of(DATA / "digits-keras2.h5")


@BOTH
def test_a_file_out_of_order_is_saved_again(version, tmp_path):
    k = KERAS[version]
    branches(k).save(tmp_path / "model.h5", include_optimizer=False)
    swap = lambda found: [{"a1": "b1", "b1": "a1"}.get(name, name) for name in found]
    reorder(tmp_path / "model.h5", "model_weights", "layer_names", swap)
    network = Network(tmp_path / "model.h5", version)
    target = target_of(network, "b2")
    hint = refused("layer_names are not in Keras' order", network.prove, target, tmp_path)
    assert hint == "hint: load MODEL in Keras and save it again; that writes them in order"
    load(tmp_path / "model.h5", version).save(tmp_path / "again.h5", include_optimizer=False)
    again = Network(tmp_path / "again.h5", version)
    assert same_bits(again.outputs, network.outputs)
    again.prove(target, tmp_path)


@BOTH
def test_a_simulator_goes_outside_a_model_that_is_out_of_order(version, tmp_path):
    k = KERAS[version]
    branches(k, nested=True).save(tmp_path / "model.h5", include_optimizer=False)
    reorder(tmp_path / "model.h5", "model_weights/inner", "weight_names", lambda found: found[2:4] + found[:2] + found[4:])
    network = Network(tmp_path / "model.h5", version)
    hint = refused("weight_names of 'inner'", network.prove, target_of(network, "inner/b2"), tmp_path)
    assert hint == "hint: a simulator outside 'inner' leaves its weights where they are"
    for outside in ("stem", "inner", "end"):
        network.prove(target_of(network, outside), tmp_path)


def test_a_state_that_is_not_understood_is_dropped(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    k = KERAS[2]
    model = branches(k)
    model.compile(k.optimizers.Adam(), "mse")
    images = np.zeros((2, 8, 8, 3), "float32")
    model.fit(images, images, verbose=0)
    model.save("model.h5")
    with h5py.File("model.h5", "r+") as file:
        group = file["optimizer_weights"]
        found = names(group, "weight_names")
        moved = next(name for name in found if "a1" in name)
        group.move(moved, "strange:0")
        group.attrs["weight_names"] = ["strange:0".encode() if name == moved else name.encode() for name in found]
    network = Network("model.h5", 2)
    target = target_of(network, "b1")
    run_hint(refused("order of the optimizer's state is not understood", network.prove, target, tmp_path), k)
    again = Network("model.h5", 2)
    assert same_bits(again.outputs, network.outputs)
    again.prove(target, tmp_path)


def test_ranges_are_measured(tmp_path):
    model, ranges = DATA / "digits-keras3.h5", tmp_path / "ranges.json"
    config = pipe.config_of(model)
    split = pipe.patch(config, "--after", "conv2d", "--split-activation", "--apply")
    sites = lambda text: pipe.call("classes-sites", "--layer", "conv2d", "--ranges", ranges, "--seed", 1, stdin=text)
    for text, words in (
        ('{"layers": {}}', "has no layer"),
        ('{"layers": {"conv2d": 7}}', "where an object is expected"),
        ('{"layers": {"conv2d": {"min": 0, "max": 1, "activation": "relu"}}}', "has no before_activation"),
    ):
        ranges.write_text(text)
        assert "python -m classes_h5.ranges" in refused(words, sites, split)
    measure = [sys.executable, "-m", "classes_h5.ranges", model, f"{DATA}/digits-test.npz:images", "--out", ranges]
    ranges.unlink()
    subprocess.run(measure, check=True)
    for text in (config, split):
        assert sites(text)
