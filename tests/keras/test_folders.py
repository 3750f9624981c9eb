"""Keras' own format as a folder, `model.save("model", zipped=False)`, goes through the pipe as an archive does."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import nests
import numpy as np
import pipe
import pytest
import slots
from classes_h5 import play, ranges
from classes_h5.simulator import ErrorSimulatorMode
from kerases import DATA, KERAS, run, simulators
from prove import Network
from test_archives import branches, sample

import keras


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def check_exact_cells(network, faulty, target):
    """Enabled, the output behind the simulator is that before it but for the cells of the site."""
    (simulator,) = simulators(faulty)
    both = keras.Model(faulty.inputs, [simulator.input, simulator.output])
    simulator.set_mode(ErrorSimulatorMode.enabled)
    golden, found = map(np.copy, run(both, network.inputs))
    site = json.loads(network.site(target))
    for cell in site["cells"]:
        golden[(slice(None), *(cell[axis] for axis in "hwc"))] = cell["value"]
    assert len(site["cells"]) > 1
    assert found.tobytes() == golden.tobytes()


def test_equal_branches_keep_their_weights_behind_every_layer(tmp_path):
    branches(keras).save(tmp_path / "model", zipped=False)
    network = Network(tmp_path / "model", 3)
    targets = network.targets()
    assert len(targets) == 10
    moved = 0
    for target in targets:
        faulty = network.prove(target, tmp_path)
        check_exact_cells(network, faulty, target)
        moved += files(tmp_path / "faulty")["model.weights.h5"] != files(tmp_path / "model")["model.weights.h5"]
    assert moved > 2


@pytest.mark.parametrize("seed", range(2))
def test_in_nested_models_every_weight_stays_with_its_variable(seed, tmp_path):
    path = tmp_path / "model"
    nests.random_nest(3, seed).save(path, zipped=False)
    network = Network(path, 3, nests.custom_objects(3))
    for target in sample(network, seed, 2):
        network.prove(target, tmp_path)


def test_the_optimizers_state_stays_with_its_variables(tmp_path):
    path, draw = tmp_path / "model", np.random.default_rng(3)
    model = branches(keras)
    model.compile("adam", "mse")
    images = draw.normal(size=(8, 8, 8, 3)).astype("float32")
    model.fit(images, images[::-1], epochs=2, verbose=0)
    model.save(path, zipped=False)
    network, expected = Network(path, 3), slots.by_variable(path, 3)
    assert len({value.tobytes() for value in expected.values()}) > 30
    for target in network.targets()[5:8]:
        slots.prove(network, target, tmp_path, expected)


@keras.saving.register_keras_serializable("tests")
class Noted(keras.layers.Dense):
    """A layer with a file beside its weights."""

    def __init__(self, *args, note=None, **options):
        super().__init__(*args, **options)
        self.note = note

    def save_assets(self, folder):
        Path(folder, "note.txt").write_text(self.note)

    def load_assets(self, folder):
        self.note = Path(folder, "note.txt").read_text()


def noted(model):
    return {layer.name: layer.note for layer in model.layers if isinstance(layer, Noted)}


def test_files_of_layers_go_with_their_layers(tmp_path):
    image = keras.Input((4, 4, 2), name="image")
    ends = []
    for side in "ab":
        x = image
        for number in range(3):
            x = Noted(2, note=f"of {side}{number}", name=f"{side}{number}")(x)
        ends.append(x)
    model = keras.Model(image, keras.layers.Subtract(name="together")(ends))
    # Keras reads such files in a folder, and leaves them out of one that it saves.
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        archive.extractall(tmp_path / "model")
    assets = [name for name in files(tmp_path / "model") if name.startswith("assets/")]
    assert len(assets) == 6
    network, moved = Network(tmp_path / "model", 3), 0
    assert noted(network.model) == noted(model)
    for target in network.targets()[1:]:
        assert noted(network.prove(target, tmp_path)) == noted(model)
        found = files(tmp_path / "faulty")
        assert sorted(assets) == sorted(name for name in found if name.startswith("assets/"))
        moved += any(found[name] != files(tmp_path / "model")[name] for name in assets)
    assert moved > 1


def test_damaged_weights_that_move_are_told_and_nothing_is_left(tmp_path):
    branches(keras).save(tmp_path / "model", zipped=False)
    network = Network(tmp_path / "model", 3)
    target = next(target for target in network.targets() if target.name == "b1")
    weights = tmp_path / "model" / "model.weights.h5"
    weights.write_bytes(weights.read_bytes()[:9000])
    with pytest.raises(pipe.Failed, match=r"/model: is damaged or not readable: its weights: "):
        network.insert(target, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "site.ndjson"]


def test_what_an_archive_holds_unpacked_becomes_what_the_other_holds(tmp_path):
    branches(keras).save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        archive.extractall(tmp_path / "model")
    (tmp_path / "model" / "README.md").write_text("what nobody knows")
    (tmp_path / "model" / "mine" / "empty").mkdir(parents=True)
    network = Network(tmp_path / "model.keras", 3)
    for target in network.targets()[1:9:3]:
        network.prove(target, tmp_path)
        site = ("--sites", tmp_path / "site.ndjson", "--force")
        patch = pipe.patch(network.config, *target.options())
        pipe.call("h5-config-set", tmp_path / "model", tmp_path / "faulty", *site, stdin=patch)
        with zipfile.ZipFile(tmp_path / "faulty.keras") as archive:
            expected = {name: archive.read(name) for name in archive.namelist()}
        assert files(tmp_path / "faulty") == expected | {"README.md": b"what nobody knows"}
        assert (tmp_path / "faulty" / "mine" / "empty").is_dir()


def test_ranges_and_play_take_a_folder_and_a_campaign_says_that_it_does_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile(DATA / "digits-keras3.keras") as archive:
        archive.extractall("digits")
    digits, images = DATA / "digits-keras3.keras", DATA / "digits-test.npz"
    np.save("few.npy", np.load(images)["images"][:4])
    found = []
    for model in ("digits", digits):
        assert ranges.main([str(model), "few.npy", "--out", "ranges.json"]) == 0
        found.append(json.loads(Path("ranges.json").read_text()))
    assert found[0]["layers"] == found[1]["layers"]
    shell = "cd digits && find * -type f | LC_ALL=C sort | xargs sha256sum | sha256sum"
    summed = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True).stdout.split()[0]
    assert found[0]["model_sha256"] == summed

    Path("site.ndjson").write_text(pipe.site_line((8, 8, 16), {(1, 1, 1): 50.0, (2, 2, 2): -50.0}) + "\n")
    patch = pipe.patch(pipe.config_of("digits"), "--after", "conv2d_1")
    tables = []
    for model, out in (("digits", "faulty"), (digits, "faulty.keras")):
        pipe.simulate(model, out, "site.ndjson", 3, patch_or_config=patch)
        assert not play.main([str(out), "--sites", "site.ndjson", "--images", "few.npy", "--out", "table.tsv"])
        tables.append(Path("table.tsv").read_text())
    assert tables[0] == tables[1]

    Path("campaign.yaml").write_text(f"model: digits\ninputs: {images}:images\nlabels: {images}:labels\n")
    command = [sys.executable, "-m", "classes_h5.campaign", "campaign.yaml", "results"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "/digits is a folder with a model in it, a campaign takes a file\n" in done.stderr, done.stderr
    assert not os.path.exists("results/model")


@pytest.mark.parametrize("zipped", [True, False], ids=["archive", "folder"])
def test_weights_in_numpys_form_are_loaded_by_no_keras_and_refused(zipped, tmp_path):
    saving = pytest.importorskip("keras.src.saving.saving_lib")
    path = tmp_path / ("model.keras" if zipped else "model")
    saving.save_model(branches(keras), path, weights_format="npz", zipped=zipped)
    with pytest.raises(Exception):  # noqa: B017  as each version words it
        KERAS[3].models.load_model(path)
    with pytest.raises(
        pipe.Failed,
        match=r"its weights are in NumPy's form \(.npz\), which Keras does not load with a model",
    ):
        pipe.config_of(path)
