"""What the table of classes is held against is what both Kerases say, and all without weights can be put in by hand."""

import json

import layer_classes
import numpy as np
import pipe
import pytest
import tensorflow as tf
from kerases import DATA, KERAS, load, run, same_bits
from layer_classes import COLUMNS, branches

BOTH = pytest.mark.parametrize("version", KERAS, ids=["keras2", "keras3"])


def recorded(version):
    header, *lines = (DATA / "keras-classes.tsv").read_text().splitlines()
    assert header.split("\t") == list(COLUMNS)
    return [line for line in lines if line.startswith(f"{version}\t")]


@BOTH
def test_the_file_has_every_class_as_keras_has_it(version):
    assert recorded(version) == list(layer_classes.rows(version)), "python layer_classes.py writes it anew"


def without_weights(version):
    """The names of the layers that save none."""
    facts = [[json.loads(fact) for fact in line.split("\t")[2:]] for line in recorded(version)]
    names = {entry["name"] for entry, _, _, trained, kept in facts if entry and not trained + kept}
    # With `tf_idf` Keras 2 saves a weight and Keras 3 does not, and the layer's config is the same.
    return names - {"IntegerLookup_1"}


def inputs_for(model):
    """Two of each input: numbers, or words of a vocabulary."""
    rng = np.random.default_rng(5)
    shapes = [((2, *tensor.shape[1:]), tf.as_dtype(tensor.dtype)) for tensor in model.inputs]
    return [
        tf.constant(rng.choice(["a", "b", "c"], shape)) if dtype == tf.string else tf.cast(rng.uniform(0, 9, shape), dtype)
        for shape, dtype in shapes
    ]


@BOTH
def test_every_layer_without_weights_goes_in_by_hand(version, tmp_path):
    k, names = KERAS[version], without_weights(version)
    assert len(names) > 60
    convolve = k.layers.Conv2D(3, 2, name="convolve")
    image = k.Input((13, 10, 6), name="image")
    k.Model(image, convolve(image)).save(tmp_path / "before.h5", include_optimizer=False)
    tensors, found = branches(version, names.__contains__)
    assert {layer.name for layer, _ in found} == names
    outputs = [output for _, outputs in found for output in outputs]
    wanted = k.Model([image, *tensors.values()], [convolve(image), *outputs], name="by_hand")
    out = tmp_path / "by_hand.h5"
    pipe.call("h5-config-set", tmp_path / "before.h5", out, stdin=wanted.to_json())
    inputs = inputs_for(wanted)
    assert same_bits(run(load(out, version), inputs), run(wanted, inputs))
