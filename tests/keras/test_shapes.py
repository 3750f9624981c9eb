"""Shapes as `classes-patch --list` tells them are those that Keras computes; `shapes_sweep.py` does it for all networks."""

import json

import pytest
from kerases import KERAS
from shapes_sweep import FIRST, LAST, attention, compare, nested, sequence_operations, without_shapes, zoo


def assert_right(model, data_format=LAST):
    config = json.loads(model.to_json())
    for text in (config, without_shapes(config)):
        counts, others = compare(model, data_format, text)
        assert not others
        assert counts["right"] > 0


@pytest.mark.parametrize("version", KERAS)
@pytest.mark.parametrize("data_format", [LAST, FIRST])
def test_layers_of_every_family_have_the_shape_that_keras_computes(version, data_format):
    assert_right(zoo(version, data_format), data_format)


@pytest.mark.parametrize("version", KERAS)
@pytest.mark.parametrize("build", [attention, sequence_operations])
def test_sequences_have_the_shapes_that_keras_computes(version, build):
    assert_right(build(KERAS[version], version), None)


@pytest.mark.parametrize("version", KERAS)
def test_nested_models_have_the_shapes_of_their_calls(version):
    for model in nested(version):
        assert_right(model)


@pytest.mark.parametrize("version", KERAS)
@pytest.mark.parametrize("name", ["MobileNetV3Small", "EfficientNetB0"])
def test_real_networks_are_known_whole_at_odd_sizes(version, name):
    network = getattr(KERAS[version].applications, name)
    assert_right(network(weights=None, include_top=False, input_shape=(97, 131, 3)))
