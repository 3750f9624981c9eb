"""Infinity and NaN in a config: models that hold them go through the whole pipe."""

import copy
import json

import jsonpatch
import numpy as np
import pipe
import pytest
import tensorflow as tf
from kerases import KERAS, load, run, same_bits
from prove import Network

BOTH = pytest.mark.parametrize("version", KERAS, ids=["keras2", "keras3"])
SHAPE = (8, 8, 3)


def bounded(k, tensor):
    """Layers whose arguments are infinite, or not a number."""
    tensor = k.layers.ReLU(max_value=float("inf"), name="relu")(tensor)
    constant = k.initializers.Constant(float("nan"))
    return k.layers.PReLU(shared_axes=[1, 2], alpha_initializer=constant, name="prelu")(tensor)


def clipped(version, tensor):
    """Operations with infinite arguments, by position and by name."""
    if version == 2:
        tensor = tf.clip_by_value(tensor, -0.5, clip_value_max=float("inf"))
        return tf.where(tensor > float("-inf"), tensor, float("nan"))
    ops = KERAS[3].ops
    tensor = ops.clip(tensor, -0.5, x_max=float("inf"))
    return ops.where(tensor > float("-inf"), tensor, float("nan"))


def words(k):
    """A layer of the user's own whose arguments look like numbers and are none."""

    class Words(k.layers.Layer):
        def __init__(self, words=None, **options):
            super().__init__(**options)
            self.words = words

        def call(self, inputs):
            return inputs + 1.0

        def get_config(self):
            return {**super().get_config(), "words": self.words}

    return Words


WORDS = {
    "masks": {"a": float("inf"), "b": "Infinity"},
    "name": "NaN",
    "list": ["Infinity", float("-inf"), [float("nan"), "-Infinity"]],
    "like_ours": {"class_name": "__float__", "value": "Infinity"},
    "like_ours_escaped": {"class_name": "___float__"},
    "available_injection_sites": ["NaN", float("nan"), 1, ["-Infinity", "x", float("inf")]],
    "inner": {"masks": [[0.5, "Infinity"], ["NaN"]], "like_a_string": {"class_name": "__string__", "value": "NaN"}},
}


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    made = {}

    def network(version):
        if version not in made:
            k = KERAS[version]
            k.backend.clear_session()
            k.utils.set_random_seed(5)
            image = k.Input(SHAPE, name="image")
            x = k.layers.Conv2D(4, 3, padding="same", name="a")(image)
            x = clipped(version, bounded(k, x))
            x = words(k)(copy.deepcopy(WORDS), name="words")(x)
            model = k.Model(image, k.layers.Conv2D(4, 3, name="o")(x))
            model.get_layer("prelu").set_weights([np.full((1, 1, 4), 0.25)])
            path = tmp_path_factory.mktemp("numbers") / "model.h5"
            model.save(path, include_optimizer=False)
            custom = {"Words": words(k)}
            if version == 3:
                custom |= {name: getattr(k.src.ops.numpy, name) for name in ("Clip", "Where", "Greater")}
            made[version] = Network(path, version, custom)
        return made[version]

    return network


def only_json(text):
    """What strict JSON has."""
    return json.loads(text, parse_constant=lambda token: pytest.fail(f"a bare {token}"))


def values(text):
    """What Python reads, with a not-a-number that is like another."""
    return str(json.loads(text, parse_int=float))


def raw(path):
    return pipe.call("h5-config-get", path, "--raw")


def test_the_words_are_what_keras_saves(networks):
    for version in KERAS:
        layers = json.loads(raw(networks(version).path))["config"]["layers"]
        (saved,) = [layer["config"] for layer in layers if layer["class_name"].endswith("Words")]
        assert str(saved["words"]) == str(WORDS)


@BOTH
def test_the_config_comes_back_to_the_byte_through_other_tools(version, networks, tmp_path):
    network = networks(version)
    text = raw(network.path)
    assert text.count("Infinity") > 5 and "NaN" in text
    printed = pipe.config_of(network.path)
    only_json(printed)
    ways = {
        "ours": printed,
        "compact": pipe.call("h5-config-get", "--compact", network.path),
        "jq": pipe.jq(".", printed),
        "python": json.dumps(json.loads(printed)),
    }
    for name, config in ways.items():
        pipe.call("h5-config-set", network.path, tmp_path / f"{name}.h5", "--keras", version, stdin=config)
        if name == "jq":  # which spells 0.0 as 0
            assert values(raw(tmp_path / "jq.h5")) == values(text)
        else:
            assert raw(tmp_path / f"{name}.h5") == text, name


@BOTH
@pytest.mark.parametrize("after", ["image", "a", "relu", "prelu", "words"])
def test_a_simulator_goes_in_and_out(version, after, networks, tmp_path):
    network = networks(version)
    target = next(target for target in network.targets() if target.name == after)
    network.prove(target, tmp_path)
    removal = pipe.patch(pipe.config_of(tmp_path / "faulty.h5"), "--remove", "simulator")
    pipe.call("h5-config-set", tmp_path / "faulty.h5", tmp_path / "out.h5", "--keras", version, stdin=removal)
    assert raw(tmp_path / "out.h5") == raw(network.path)
    again = load(tmp_path / "out.h5", version, **network.custom_objects)
    assert same_bits(run(again, network.inputs), network.outputs)


@BOTH
def test_patches_apply_elsewhere(version, networks, tmp_path):
    network = networks(version)
    printed = pipe.config_of(network.path)
    patch = json.loads(pipe.patch(printed, "--after", "relu"))
    by_us = only_json(pipe.patch(printed, "--after", "relu", "--apply"))
    assert jsonpatch.apply_patch(only_json(printed), patch) == by_us
    # The file's own text will do as well.
    assert json.loads(pipe.patch(raw(network.path), "--after", "relu")) == patch


def test_a_patch_sets_such_a_number(networks, tmp_path):
    network = networks(2)
    layers = json.loads(pipe.config_of(network.path))["config"]["layers"]
    at = f"/config/layers/{[layer['name'] for layer in layers].index('relu')}/config/max_value"
    infinite = {"class_name": "__float__", "value": "Infinity"}
    patch = [{"op": "test", "path": at, "value": infinite}, {"op": "replace", "path": at, "value": 0.5}]
    pipe.call("h5-config-set", network.path, tmp_path / "half.h5", stdin=json.dumps(patch))
    assert not same_bits(run(load(tmp_path / "half.h5", 2, **network.custom_objects), network.inputs), network.outputs)
    # Python's json writes such a number bare.
    back = json.dumps([{"op": "replace", "path": at, "value": float("inf")}])
    pipe.call("h5-config-set", tmp_path / "half.h5", tmp_path / "back.h5", stdin=back)
    assert raw(tmp_path / "back.h5") == raw(network.path)


def test_a_bound_that_is_no_bound_leaves_the_operator(networks):
    rows = {row["name"]: row["operator"] for row in pipe.targets(networks(3).config)}
    assert rows["relu"] == "relu"


@BOTH
def test_a_training_configuration_with_such_numbers_is_json(version, tmp_path):
    k = KERAS[version]
    model = k.Sequential([k.Input((4,)), k.layers.Dense(2)])
    model.compile(k.optimizers.SGD(clipnorm=float("inf")), "mse")
    model.save(tmp_path / "model.h5")
    config = only_json(pipe.call("h5-config-get", "--attr", "training_config", tmp_path / "model.h5"))
    assert config["optimizer_config"]["config"]["clipnorm"] == {"class_name": "__float__", "value": "Infinity"}


def test_what_only_looks_like_such_a_number_is_refused(networks, tmp_path):
    network = networks(3)
    config = json.loads(pipe.config_of(network.path))
    config["config"]["layers"][1]["config"]["filters"] = {"class_name": "__float__", "value": "inf"}
    with pytest.raises(pipe.Failed, match="exit 1: .* /config/layers/1/config/filters has the class name of a number"):
        pipe.call("h5-config-set", network.path, tmp_path / "out.h5", stdin=json.dumps(config))
    assert not (tmp_path / "out.h5").exists()
