"""Cutting a model in two before a layer: together the parts compute what the whole computes, bit for bit."""

import graphs
import numpy as np
import pytest
import tensorflow as tf
import zoo
from classes_h5.cut import cut
from kerases import KERAS, run, same_bits


def assert_every_cut_is_exact(model, inputs):
    whole = run(model, inputs)
    for layer in model.layers:
        if type(layer).__name__ != "InputLayer":
            before, after = cut(model, layer)
            assert same_bits([np.asarray(output) for output in after(before(inputs))], whole), layer.name


@pytest.mark.parametrize("version", KERAS)
@pytest.mark.parametrize("seed", range(8))
def test_random_graphs(seed, version):
    model = graphs.random_model(version, seed)
    inputs = [np.random.default_rng(seed).normal(size=(2, *x.shape[1:])).astype("float32") for x in model.inputs]
    assert_every_cut_is_exact(model, inputs)


@pytest.mark.parametrize("version", KERAS)
@pytest.mark.parametrize("name", ["unet", "siamese", "nested", "twice_nested", "in_and_out", "operations", "mixed_precision"])
def test_networks(name, version, tmp_path):
    model = zoo.NETWORKS[name](KERAS[version])
    assert_every_cut_is_exact(model, tf.nest.flatten(zoo.inputs_for(model)))
