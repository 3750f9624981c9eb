"""Clips: on what the ranges come from the hardened network is the same to the bit, and what is outside becomes what it should."""

import json
import math
from pathlib import Path

import keras as keras_3
import numpy as np
import pipe
import pytest
import tensorflow as tf
import zoo
from classes_h5.clip import clip_layer
from classes_h5.ranges import golden_ranges
from classes_h5.ranges import main as measure
from kerases import DATA, KERAS, disable, layer_output, load, run, same_bits, simulators
from prove import Network, weight_order

DIGITS = [
    ("digits-keras3.h5", 3),
    ("digits-keras3.keras", 3),
    ("digits-keras2.h5", 2),
    ("digits-keras2.h5", 3),
    ("digits-sequential-keras3.h5", 3),
    ("digits-sequential-keras2.h5", 2),
]
# Of the others sweeps would tell no more: shared, nested, op layers, other axes, other dtypes, states, and one large one.
ZOO = "siamese twice_nested nested in_and_out channels_first mixed_precision recurrent transformer volume mobilenetv2".split()
BOTH = pytest.mark.parametrize("version", KERAS)


def ranges_of(model, inputs):
    """Golden ranges, computed eagerly, as `run` computes: in a graph TensorFlow may compute other last bits."""
    tf.config.run_functions_eagerly(True)
    try:
        return golden_ranges(model, inputs)
    finally:
        tf.config.run_functions_eagerly(False)


def harden(path, version, ranges, out, *options, known=None):
    """The model with its layers clipped, written to `out`, loaded."""
    Path(out).with_suffix(".ranges").write_text(json.dumps({"layers": ranges}))
    patch = pipe.patch(pipe.config_of(path), "--clip", Path(out).with_suffix(".ranges"), *options)
    pipe.call("h5-config-set", path, out, "--keras", version, stdin=patch)
    return load(out, version, **(known or {}))


def clips(model):
    """All clips of a model by name, those in nested models as well."""
    found = {}
    for layer in model.layers:
        found |= clips(layer) if hasattr(layer, "layers") else {layer.name: layer} if layer.name.endswith("_clip") else {}
    return found


def computing(ranges, network_config):
    """The layers of a file of ranges that are no inputs and no models, and not constant."""
    rows = {row["name"]: row for row in pipe.targets(network_config)}
    return [
        name
        for name in ranges
        if rows.get(name, {}).get("class") != "InputLayer"
        and not any(other.startswith(f"{name}/") for other in ranges)
        and ranges[name]["min"] < ranges[name]["max"]
    ]


@pytest.mark.parametrize("name, version", DIGITS)
def test_every_layer_of_the_digits_networks_is_clipped_and_nothing_changes(name, version, images, tmp_path):
    path, out = DATA / name, tmp_path / f"hard{Path(name).suffix}"
    original = load(path, version)
    ranges = ranges_of(original, images)
    model = harden(path, version, ranges, out)
    expected = {f"{layer.name}_clip" for layer in original.layers if layer.name != "image"}
    assert set(clips(model)) == expected
    assert same_bits(run(model, images), run(original, images))
    # What does not lie in the ranges is brought there.
    louder = images * 3
    for clip in clips(model):
        outputs, ends = layer_output(model, clip, louder, version), ranges[clip.removesuffix("_clip")]
        assert np.float32(ends["min"]) <= outputs.min() and outputs.max() <= np.float32(ends["max"]), clip
    assert not same_bits(run(model, louder), run(original, louder))


@pytest.mark.parametrize("suffix", ["h5", "keras"])
@pytest.mark.parametrize("name, version", [(name, version) for name in ZOO for version in KERAS])
def test_every_layer_of_other_networks_is_clipped_and_nothing_changes(name, version, suffix, tmp_path):
    if suffix == "keras" and name not in ("siamese", "twice_nested", "mixed_precision"):
        pytest.skip("archives by a sample")
    path = tmp_path / f"{name}.{suffix}"
    zoo.save(name, version, path)
    network = Network(path, version, zoo.custom_objects(name, version), name == "channels_first")
    ranges = ranges_of(network.model, network.inputs)
    names = computing(ranges, network.config)
    only = [word for layer in names for word in ("--only", layer)]
    model = harden(path, version, ranges, tmp_path / f"hard.{suffix}", *only, known=network.custom_objects)
    assert len(clips(model)) == len(names) > 4
    assert same_bits(run(model, network.inputs), network.outputs)


def test_a_chain_saved_without_its_input_layer_is_hardened_too(tmp_path):
    k = KERAS[2]
    inner = k.Sequential([k.layers.Conv2D(3, 1, input_shape=(6, 6, 2), name="a"), k.layers.ReLU(name="b")], name="inner")
    model = k.Sequential([k.layers.Conv2D(2, 3, input_shape=(8, 8, 1), name="first"), inner, k.layers.Flatten(name="last")])
    path, old, out = tmp_path / "model.h5", tmp_path / "old.h5", tmp_path / "hard.h5"
    model.save(path, include_optimizer=False)
    # As Keras 2.3 saved them.
    config = json.loads(pipe.config_of(path))
    for chain in (config["config"], config["config"]["layers"][2]["config"]):
        given = chain["layers"].pop(0)
        assert given["class_name"] == "InputLayer"
        chain["layers"][0]["config"]["batch_input_shape"] = given["config"]["batch_input_shape"]
    pipe.call("h5-config-set", path, old, stdin=json.dumps(config))
    inputs = np.random.default_rng(2).normal(size=(5, 8, 8, 1)).astype("float32")
    np.save(tmp_path / "inputs.npy", inputs)
    assert measure([str(old), str(tmp_path / "inputs.npy"), "--out", str(tmp_path / "ranges.json")]) == 0
    ranges = json.loads((tmp_path / "ranges.json").read_text())["layers"]
    assert set(ranges) == {"first", "inner", "inner/a", "inner/b", "last"}
    original = load(old, 2)
    in_memory = ranges_of(original, inputs)
    assert set(in_memory) > set(ranges)
    hard = harden(old, 2, {name: in_memory[name] for name in ranges}, out, known={"Clip": clip_layer(k)})
    assert len(clips(hard)) == 4
    assert same_bits(run(hard, inputs), run(original, inputs))


@BOTH
@pytest.mark.parametrize("order", ["simulator first", "clip first"])
def test_a_fault_is_clipped_in_whichever_order_the_two_went_in(version, order, images, tmp_path):
    path = DATA / f"digits-keras{version}.h5"
    original = load(path, version)
    (tmp_path / "ranges").write_text(json.dumps({"layers": ranges_of(original, images)}))
    layers = ("conv2d", "conv2d_1", "batch_normalization")
    steps = [["--after", "conv2d_1"], ["--clip", tmp_path / "ranges", *(word for layer in layers for word in ("--only", layer))]]
    config = pipe.config_of(path)
    for step in steps if order == "simulator first" else reversed(steps):
        config = pipe.patch(config, "--apply", *step)
    shape = layer_output(original, "conv2d_1", images, version).shape[1:]
    values = {(0, 0, 0): 1e30, (0, 1, 0): -1e30, (0, 2, 0): math.inf, (0, 3, 0): -math.inf, (1, 0, 0): math.nan, (1, 1, 0): 0.0}
    (tmp_path / "sites").write_text(pipe.site_line(shape, values))
    pipe.simulate(path, tmp_path / "faulty.h5", tmp_path / "sites", version, patch_or_config=config)
    faulty = load(tmp_path / "faulty.h5", version)
    ends = ranges_of(original, images)["conv2d_1"]
    low, high = np.float32(ends["min"]), np.float32(ends["max"])
    golden = layer_output(original, "conv2d_1", images, version).copy()
    for place, expected in zip(values, (high, low, high, low, math.nan, 0)):
        golden[(slice(None), *place)] = expected
    np.testing.assert_array_equal(layer_output(faulty, "conv2d_1_clip", images, version), golden)
    assert disable(faulty) == 1
    assert same_bits(run(faulty, images), run(original, images))


@pytest.mark.parametrize("name, version", DIGITS)
def test_clips_taken_out_leave_the_file_as_it_was(name, version, images, tmp_path):
    path, suffix = DATA / name, Path(name).suffix
    model = harden(path, version, ranges_of(load(path, version), images), tmp_path / f"hard{suffix}")
    removals = [word for clip in clips(model) for word in ("--remove", clip)]
    removal = pipe.patch(pipe.config_of(tmp_path / f"hard{suffix}"), *removals)
    pipe.call("h5-config-set", tmp_path / f"hard{suffix}", tmp_path / f"out{suffix}", "--keras", version, stdin=removal)
    raw = [pipe.call("h5-config-get", "--raw", file) for file in (path, tmp_path / f"out{suffix}")]
    assert raw[0] == raw[1]
    if suffix == ".h5":
        assert weight_order(path) == weight_order(tmp_path / "out.h5")


@BOTH
def test_all_calls_of_a_shared_layer_are_clipped_whichever_have_a_simulator(version, tmp_path):
    zoo.save("siamese", version, tmp_path / "model.h5")
    network = Network(tmp_path / "model.h5", version)
    (tmp_path / "ranges").write_text(json.dumps({"layers": ranges_of(network.model, network.inputs)}))
    config = pipe.patch(network.config, "--after", "shared_a", "--node", 1, "--apply")
    config = pipe.patch(config, "--clip", tmp_path / "ranges", "--only", "shared_a", "--apply")
    (tmp_path / "site").write_text(pipe.site_line((16, 16, 6), {(1, 1, 1): 1e9}))
    pipe.simulate(network.path, tmp_path / "out.h5", tmp_path / "site", version, patch_or_config=config)
    faulty = load(tmp_path / "out.h5", version)
    clip = faulty.get_layer("shared_a_clip")
    ends = KERAS[version].Model(faulty.inputs, [clip.get_output_at(1) if version == 2 else clip._inbound_nodes[1].outputs[0]])
    (outputs,) = run(ends, network.inputs)
    assert (outputs[:, 1, 1, 1] == np.float32(ranges_of(network.model, network.inputs)["shared_a"]["max"])).all()
    (simulator,) = simulators(faulty)
    simulator.set_mode(1)
    assert same_bits(run(faulty, network.inputs), network.outputs)


# The layer itself

VALUES = (-0.0, 0.0, -2.0, 5.0, -2.0000002, 5.0000005, math.inf, -math.inf, math.nan, 1e-45, 3.3)
BECOME = {
    ("keep", "saturate"): (-0.0, 0.0, -2.0, 5.0, -2.0, 5.0, 5.0, -2.0, math.nan, 1e-45, 3.3),
    ("zero", "saturate"): (-0.0, 0.0, -2.0, 5.0, -2.0, 5.0, 5.0, -2.0, 0.0, 1e-45, 3.3),
    ("keep", "zero"): (-0.0, 0.0, -2.0, 5.0, 0.0, 0.0, 0.0, 0.0, math.nan, 1e-45, 3.3),
    ("zero", "zero"): (-0.0, 0.0, -2.0, 5.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1e-45, 3.3),
}


@BOTH
@pytest.mark.parametrize("nan, outside", BECOME)
def test_each_value_becomes_what_the_layer_says(version, nan, outside):
    layer = clip_layer(KERAS[version])(-2.0, 5.0, nan=nan, outside=outside)
    outputs = np.asarray(layer(np.array([VALUES], np.float32)))
    expected = np.array([BECOME[nan, outside]], np.float32)
    assert outputs.dtype == np.float32
    np.testing.assert_array_equal(outputs, expected)
    assert (np.signbit(outputs) == np.signbit(expected)).all()


@BOTH
def test_where_zero_is_outside_the_nearest_end_stands_for_it(version):
    make = clip_layer(KERAS[version])
    values = np.array([[math.nan, 9.0, -9.0, 1.5]], np.float32)
    assert np.asarray(make(1.0, 2.0, nan="zero", outside="zero")(values)).tolist() == [[1.0, 1.0, 1.0, 1.5]]
    assert np.asarray(make(-2.0, -1.0, nan="zero", outside="zero")(values)).tolist() == [[-1.0, -1.0, -1.0, -1.0]]


@BOTH
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "mixed_float16"])
def test_it_keeps_the_dtype_and_in_it_what_lies_in_the_range(version, dtype):
    computed = tf.as_dtype(dtype.removeprefix("mixed_"))
    values = tf.cast(np.random.default_rng(1).normal(0, 3, (4, 50)), computed)
    # The ends as golden ranges have them: of float32, or one step further out.
    low, high = (float(number) for number in (tf.reduce_min(values), tf.reduce_max(values)))
    outputs = clip_layer(KERAS[version])(low, high, dtype=dtype)(values)
    assert outputs.dtype == computed
    assert (np.asarray(outputs).tobytes()) == np.asarray(values).tobytes()


@BOTH
def test_a_mask_goes_on_as_it_came(version):
    k = KERAS[version]
    words = k.Input((5,), dtype="int32")
    x = k.layers.Embedding(9, 4, mask_zero=True)(words)
    plain, clipped = (k.Model(words, k.layers.LSTM(3)(y)) for y in (x, clip_layer(k)(-9.0, 9.0)(x)))
    clipped.set_weights(plain.get_weights())
    texts = np.array([[3, 4, 0, 0, 0], [1, 2, 3, 0, 0]], "int32")
    assert same_bits(run(plain, texts), run(clipped, texts))


@BOTH
@pytest.mark.parametrize("suffix", ["h5", "keras"])
def test_it_is_saved_and_loaded_again(version, suffix, tmp_path):
    k = KERAS[version]
    image = k.Input((4,), name="image")
    model = k.Model(image, clip_layer(k)(-0.1, 3.0, nan="zero", outside="zero", name="c")(image))
    model.save(tmp_path / f"model.{suffix}")
    layer = k.models.load_model(tmp_path / f"model.{suffix}", compile=False).get_layer("c")
    assert (layer.min, layer.max, layer.nan, layer.outside) == (-0.1, 3.0, "zero", "zero")
    assert '"classes_h5>Clip"' in pipe.config_of(tmp_path / f"model.{suffix}")


@BOTH
@pytest.mark.parametrize(
    "arguments, message",
    [
        ((1, 1), "Clip: min must be less than max, and both finite, found 1 and 1"),
        ((0, math.inf), "Clip: min must be less than max, and both finite, found 0 and inf"),
        ((math.nan, 1), "Clip: min must be less than max, and both finite, found nan and 1"),
        ((0, 1, "drop"), "Clip: nan is 'drop', must be one of keep, zero"),
        ((0, 1, "keep", "wrap"), "Clip: outside is 'wrap', must be one of saturate, zero"),
    ],
)
def test_what_makes_no_clip_is_refused(version, arguments, message):
    with pytest.raises(ValueError) as error:
        clip_layer(KERAS[version])(*arguments)
    assert str(error.value) == message


def test_a_clip_of_keras_own_operations_stays_keras_own(tmp_path):
    image = keras_3.Input((4,))
    keras_3.Model(image, keras_3.ops.clip(image, 0.0, 1.0)).save(tmp_path / "model.keras")
    from keras.src.ops.numpy import Clip

    model = load(tmp_path / "model.keras", 3, Clip=Clip)
    assert run(model, np.array([[-1, 0.5, 2, 1]], np.float32))[0].tolist() == [[0, 0.5, 1, 1]]
