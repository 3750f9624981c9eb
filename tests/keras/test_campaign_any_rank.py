"""Campaigns over networks without a single image: dense layers on digits as 64 numbers, and a classifier of text."""

import numpy as np
import pandas as pd
import pytest
from campaigns import BINARIES, command
from kerases import DATA, KERAS

WORDS = 30


@pytest.fixture(autouse=True)
def programs(monkeypatch):
    monkeypatch.setenv("CLASSES_BIN_DIR", BINARIES)


def digits(k):
    """(model, numbers, labels)"""
    with np.load(DATA / "digits-test.npz") as arrays:
        numbers, labels = arrays["images"].reshape(len(arrays["images"]), -1), arrays["labels"]
    layers = [
        k.Input((numbers.shape[1],), name="numbers"),
        k.layers.Dense(32, name="hidden"),
        k.layers.BatchNormalization(name="norm"),
        k.layers.Activation("relu", name="relu"),
        k.layers.Dense(10, activation="softmax", name="classes"),
    ]
    return k.Sequential(layers), numbers.astype("float32"), labels


def text(k):
    """(model, texts as numbers of words, labels: whether the first word comes again)"""
    rng = np.random.default_rng(6)
    texts = rng.integers(2, WORDS, (400, 10)).astype("int32")
    labels = rng.integers(0, 2, len(texts))
    texts[labels == 1, rng.integers(2, 10)] = 1
    words = k.Input((10,), dtype="int32", name="words")
    x = k.layers.Embedding(WORDS, 8, name="embedding")(words)
    x = k.layers.Add(name="add")([x, k.layers.MultiHeadAttention(2, 4, name="attention")(x, x)])
    x = k.layers.LayerNormalization(name="norm")(x)
    x = k.layers.GRU(8, name="gru")(k.layers.Activation("tanh", name="tanh")(x))
    return k.Model(words, k.layers.Dense(2, activation="softmax", name="classes")(x)), texts, labels


TEXT = ["embedding", "attention", "tanh", "gru"]
# What is asked for, and the layers that each set is played in.
CASES = {
    "digits": (
        (digits, 3, {"layers": "every"}),
        {"single-bit-flip": {"numbers", "hidden", "norm", "relu", "classes"}, "gpu-warp": {"norm", "relu"}},
    ),
    "text": ((text, 2, {"layers": TEXT, "sets": ["single-bit-flip"]}), {"single-bit-flip": set(TEXT)}),
}


@pytest.mark.parametrize("name", CASES)
def test_layers_are_played_and_those_that_treat_each_cell_by_itself_by_extrapolated_patterns_too(name, tmp_path):
    (build, version, asked), layers = CASES[name]
    k = KERAS[version]
    k.utils.set_random_seed(1)
    model, inputs, labels = build(k)
    model.compile(k.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(inputs, labels, epochs=12, verbose=0)
    right = (model.predict(inputs, verbose=0).argmax(axis=1) == labels).mean()
    assert right > 0.8
    model.save(tmp_path / "model.h5", include_optimizer=False)
    np.save(tmp_path / "inputs.npy", inputs[:50])
    np.save(tmp_path / "labels.npy", labels[:50])
    settings = {"model": "model.h5", "inputs": "inputs.npy", "labels": "labels.npy", "sites": 25, **asked}
    said, code = command(tmp_path, settings)
    assert code == 0, said
    played = pd.read_csv(tmp_path / "results" / "predictions.tsv", sep="\t", dtype=str, keep_default_na=False)
    assert {models: set(rows["layer"]) for models, rows in played.groupby("set")} == layers
    assert (played.groupby(["set", "layer"]).size() == 25).all()
    assert (played["distance"].astype(float) > 0).any()
    page = (tmp_path / "results" / "page.html").read_text()
    extrapolated = "extrapolated from figures of images to outputs that are none: norm, relu"
    bare = "no operator is known, so there are single bit flips alone: numbers, hidden, classes"
    assert (extrapolated in page, bare in page) == (name == "digits", name == "digits")
