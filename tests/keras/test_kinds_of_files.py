"""A file of a wrong kind has one answer in every command, with the way out."""

import shutil

import keras
import numpy as np
import pytest
from campaigns import BINARIES
from classes_h5 import filters, play, ranges
from classes_h5.campaign import weights
from classes_h5.campaign.definition import Campaign
from kerases import DATA



@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kinds")
    model = keras.models.load_model(DATA / "digits-keras3.h5", compile=False)
    model.save_weights(folder / "only.weights.h5")
    model.export(folder / "saved", verbose=False)
    (folder / "config.json").write_text(model.to_json())
    np.save(folder / "images.npy", np.zeros((2, 8, 8, 1), np.float32))
    shutil.copy(DATA / "README.md", folder / "text.h5")
    (folder / "sites.ndjson").write_text("")
    return folder


KINDS = ["only.weights.h5", "saved", "config.json", "images.npy", "text.h5", "none.h5"]


@pytest.mark.parametrize("version", ["auto", "3"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_model_is_refused_as_by_the_filters(kind, version, files, monkeypatch, capsys):
    monkeypatch.chdir(files)
    monkeypatch.setenv("CLASSES_BIN_DIR", BINARIES)
    with pytest.raises(filters.FilterError) as refused:
        filters.call("h5-config-get", kind)
    answer = str(refused.value).removeprefix("h5-config-get: ")
    keras_version = ["--keras", version]
    arguments = [kind, "--images", "images.npy", "--sites", "sites.ndjson", "--out", "out.tsv", *keras_version]
    assert play.main(arguments) == f"play: {answer}"
    assert weights.main([kind, *keras_version]) == f"weights: {answer}"
    assert ranges.main([kind, "images.npy", *keras_version]) == 1
    assert capsys.readouterr().err == f"ranges: {answer}\n"
    with pytest.raises(filters.FilterError) as refused:
        Campaign({"model": kind, "inputs": "images.npy"}, files)
    assert str(refused.value) == f"model: {files}/{answer}"


@pytest.mark.parametrize("kind", ["text.h5", "config.json"])
def test_what_is_no_array_is_refused_alike(kind, files, monkeypatch, capsys):
    monkeypatch.chdir(files)
    monkeypatch.setenv("CLASSES_BIN_DIR", BINARIES)
    answer = f"{kind}: is no NumPy file of numbers (.npy, .npz)\n  hint: numpy.save('{kind.partition('.')[0]}.npy', array) makes one"
    model = str(DATA / "digits-keras3.h5")
    assert play.main([model, "--images", kind, "--sites", "sites.ndjson", "--out", "out.tsv"]) == f"play: {answer}"
    assert ranges.main([model, kind]) == 1
    assert capsys.readouterr().err == f"ranges: {answer}\n"
    with pytest.raises(filters.FilterError) as refused:
        Campaign({"model": model, "inputs": str(files / kind)}, files)
    assert str(refused.value) == f"inputs: {files}/{answer}"
