"""Campaigns over networks of several inputs and outputs."""

import numpy as np
import pandas as pd
import pytest
from campaigns import BINARIES, command
from classes_h5.campaign import arrays
from classes_h5.campaign.definition import Campaign
from classes_h5.filters import FilterError, config
from kerases import DATA, KERAS

JUDGE = """
def worst(golden, faulty, inputs):
    (what, where), (camera, thermal) = golden, inputs
    assert camera.shape == (8, 8, 2) and thermal.shape == (8, 8, 1)
    return float(max(abs(a - b).max() for a, b in zip(golden, faulty)))
"""
SETTINGS = {
    "model": "two.h5",
    "inputs": {"thermal": "thermal.npy", "camera": "data.npz:camera"},
    "outcome": "judge.py:worst",
    "layers": ["conv"],
    "sets": ["gpu-warp"],
    "sites": 6,
    "weights": "times.tsv",
}


@pytest.fixture(autouse=True)
def programs(monkeypatch):
    monkeypatch.setenv("CLASSES_BIN_DIR", BINARIES)


def two(version, **names):
    """A network with a camera and a thermal image that says what and where."""
    k = KERAS[version]
    camera, thermal = k.Input((8, 8, 2), name="camera"), k.Input((8, 8, 1), name="thermal")
    x = k.layers.Conv2D(3, 3, padding="same", activation="relu", name="conv")(camera)
    x = k.layers.Concatenate(name="joined")([x, thermal])
    outputs = [k.layers.Dense(3, name="what")(k.layers.Flatten()(x)), k.layers.Conv2D(1, 1, name="where")(x)]
    return k.Model({"thermal": thermal, "camera": camera} if names else [camera, thermal], outputs)


@pytest.fixture(scope="module", params=KERAS)
def folder(request, tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("two"), np.random.default_rng(3)
    two(request.param).save(folder / "two.h5")
    np.save(folder / "thermal.npy", rng.random((20, 8, 8, 1), np.float32))
    np.savez(folder / "data.npz", camera=rng.random((20, 8, 8, 2), np.float32), few=np.zeros((3, 8, 8, 2), np.float32))
    (folder / "judge.py").write_text(JUDGE)
    (folder / "times.tsv").write_text("layer\tweight\nconv\t1\n")
    return folder


def test_a_campaign_over_two_inputs_and_two_outputs(folder):
    said, code = command(folder, SETTINGS)
    assert code == 0, said
    table = pd.read_csv(folder / "results" / "predictions.tsv", sep="\t")
    assert len(table) == 6 and table["outcome"].tolist() == pytest.approx(table["distance"].tolist(), nan_ok=True)
    assert (table["outcome"] > 0).any()
    assert "--images camera=inputs-0-camera.npy thermal=inputs-1-thermal.npy" in (folder / "results" / "page.html").read_text()


@pytest.mark.parametrize(
    "changes, message",
    [
        (
            {"inputs": "thermal.npy"},
            "inputs: the model takes 2: camera, thermal\n  hint: give a file for each, a line: NAME: FILE.npy",
        ),
        ({"inputs": {"camera": "data.npz:camera"}}, "inputs: thermal of the model is missing"),
        ({"inputs": {**SETTINGS["inputs"], "camera": "data.npz:few"}}, "inputs: as many of each are needed, found 20 of thermal, 3 of camera"),
        (
            {"inputs": {"thermal": "data.npz:camera", "camera": "thermal.npy", "heat": "thermal.npy"}},
            "inputs: the model has no input 'heat'\n  hint: known: camera, thermal\n"
            "inputs: each has shape (8, 8, 2), 'thermal' of the model takes (8, 8, 1)\n"
            "inputs: each has shape (8, 8, 1), 'camera' of the model takes (8, 8, 2)",
        ),
        ({"inputs": {}}, "inputs: must be a file, or an input of the model and its file a line, is {}"),
        (
            {"outcome": None},
            "outcome: is missing: the model has 2 outputs: what, where\n  hint: FILE.py:FUNCTION, a function of (golden, faulty, input)",
        ),
    ],
)
def test_what_does_not_fit_is_told_before_anything_runs(changes, message, folder):
    with pytest.raises(FilterError) as refused:
        Campaign({**SETTINGS, **changes}, folder)
    assert str(refused.value) == message


@pytest.mark.parametrize("version", KERAS)
def test_what_a_model_takes_is_read_from_its_config(version, tmp_path):
    k = KERAS[version]
    two(version, names=True).save(tmp_path / "named.h5")
    assert arrays.model_inputs(config(tmp_path / "named.h5")) == {"camera": (8, 8, 2), "thermal": (8, 8, 1)}
    assert arrays.model_outputs(config(tmp_path / "named.h5")) == ["what", "where"]
    any_size = k.Sequential([k.Input((None, None, 3), name="image"), k.layers.Conv2D(2, 3)])
    any_size.save(tmp_path / "any.h5")
    assert list(arrays.model_inputs(config(tmp_path / "any.h5")).values()) == [(None, None, 3)]
    assert arrays.model_outputs(config(tmp_path / "any.h5")) == [any_size.layers[-1].name]
    for kind in ("digits", "digits-sequential"):
        assert list(arrays.model_inputs(config(DATA / f"{kind}-keras{version}.h5")).values()) == [(8, 8, 1)]


@pytest.mark.parametrize("version", KERAS)
def test_a_network_that_does_not_classify_needs_a_judge(version, tmp_path):
    k = KERAS[version]
    k.Sequential([k.Input((8, 8, 1), name="image"), k.layers.Conv2D(2, 3, name="mask")]).save(tmp_path / "mask.h5")
    np.save(tmp_path / "images.npy", np.zeros((3, 8, 8, 1), np.float32))
    with pytest.raises(FilterError) as refused:
        Campaign({"model": "mask.h5", "inputs": "images.npy"}, tmp_path)
    assert str(refused.value) == (
        "outcome: is missing: the model's output is 6x6x2, not one score for each class\n"
        "  hint: FILE.py:FUNCTION, a function of (golden, faulty, input)"
    )
    (tmp_path / "judge.py").write_text("def outcome(*_): return 0\n")
    assert Campaign({"model": "mask.h5", "inputs": "images.npy", "outcome": "judge.py:outcome"}, tmp_path).runs
