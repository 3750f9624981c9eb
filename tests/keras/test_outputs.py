"""What a layer puts out decides whether a simulator can play there: floats, of one size."""

import json

import numpy as np
import pipe
import pytest
import tensorflow as tf
from kerases import KERAS, load, run


def of_many_dtypes(k):
    """Feature maps of all kinds: integers from outside, made floats, made whole again, compared."""
    image = k.Input((8, 8, 3), dtype="uint8", name="image")
    codes = k.Input((4, 4), dtype="int32", name="codes")
    padded = k.layers.ZeroPadding2D(1, name="padded")(image)
    mixed = k.layers.Concatenate(name="mixed")([padded, padded])
    scaled = k.layers.Rescaling(1 / 255, name="scaled")(mixed)
    conv = k.layers.Conv2D(4, 3, name="conv", dtype="float64")(scaled)
    relu = k.layers.ReLU(name="relu", dtype="float16")(conv)
    vectors = k.layers.Embedding(5, 3, name="vectors")(codes)
    outputs = [k.layers.Flatten(name="flat")(relu), k.layers.Dense(2, name="dense")(vectors)]
    model = k.Model([image, codes], outputs)
    return model, {"image": "uint8", "padded": "uint8", "mixed": "uint8", "codes": "int32"}


def listed(path):
    """The dtypes of the targets of a file by name."""
    return {target["name"]: target["dtype"] for target in pipe.targets(pipe.config_of(path))}


def real_dtypes(model, k):
    """What the layers' outputs hold when a model runs; Keras 3 states something else for some."""
    layers = model.layers
    inputs = [np.zeros((1, *tensor.shape[1:]), getattr(tensor.dtype, "name", tensor.dtype)) for tensor in model.inputs]
    outputs = run(k.Model(model.inputs, [layer.output for layer in layers]), inputs)
    return {layer.name: output.dtype.name for layer, output in zip(layers, outputs)}


def refusal(tool, *arguments, stdin):
    """The first line of what a program says that fails."""
    with pytest.raises(pipe.Failed) as failed:
        pipe.call(tool, *arguments, stdin=stdin)
    return str(failed.value).split(": ", 2)[2].splitlines()[0]


@pytest.mark.parametrize("version", KERAS)
def test_the_dtypes_that_are_told_are_those_of_keras(version, tmp_path):
    k = KERAS[version]
    model, others = of_many_dtypes(k)
    model.save(tmp_path / "model.h5")
    real = real_dtypes(model, k)
    assert {name: found for name, found in real.items() if "float" not in found} == others
    assert listed(tmp_path / "model.h5") == {name: found for name, found in real.items() if name not in others}


def test_operations_of_keras_2_that_change_dtypes_are_known(tmp_path):
    k = KERAS[2]
    image = k.Input((8, 8, 3), dtype="uint8", name="image")
    floats = tf.cast(image, tf.float32)
    is_bright = tf.math.greater(floats, 100.0)
    best = tf.math.argmax(tf.expand_dims(floats, -1), axis=3)
    outputs = [k.layers.ReLU(name="relu")(floats), tf.cast(is_bright, tf.float32), tf.cast(best, tf.float32)]
    model = k.Model(image, outputs)
    model.save(tmp_path / "model.h5")
    real = real_dtypes(model, k)
    assert set(real.values()) == {"uint8", "bool", "int64", "float32"}
    assert listed(tmp_path / "model.h5") == {name: found for name, found in real.items() if found == "float32"}


@pytest.mark.parametrize("version", KERAS)
def test_no_simulator_goes_behind_whole_numbers(version, tmp_path):
    model, others = of_many_dtypes(KERAS[version])
    model.save(tmp_path / "model.h5")
    config = pipe.config_of(tmp_path / "model.h5")
    for layer, dtype in others.items():
        words = f"'{layer}' outputs {dtype}; a simulator takes float16, bfloat16, float32 or float64"
        assert refusal("classes-patch", "--after", layer, stdin=config) == f"classes-patch: {words}"
        words = f"'{layer}' outputs {dtype}: a site is in an output of floats"
        assert refusal("classes-sites", "--layer", layer, "--single-bit-flip", stdin=config) == f"classes-sites: {words}"


def pyramid(k):
    """One head on feature maps of three sizes, as detectors have it."""
    image = k.Input((32, 32, 3), name="image")
    maps = [k.layers.AveragePooling2D(size, name=f"p{size}")(image) for size in (2, 4, 8)]
    inputs = k.Input((None, None, 3))
    features = k.layers.Conv2D(4, 3, padding="same", name="conv")(inputs)
    head = k.Model(inputs, k.layers.Conv2D(2, 3, padding="same", name="last")(features), name="head")
    return k.Model(image, [k.layers.Flatten(name=f"f{index}")(head(x)) for index, x in enumerate(maps)])


@pytest.mark.parametrize("version", KERAS)
def test_a_layer_that_is_called_at_several_sizes_is_listed_with_them_and_refused(version, tmp_path):
    pyramid(KERAS[version]).save(tmp_path / "model.h5")
    config = pipe.config_of(tmp_path / "model.h5")
    rows = pipe.call("classes-patch", "--list", stdin=config).splitlines()
    assert "head/conv\tConv2D\t16x16x4,8x8x4,4x4x4\tconv_gemm\t1" in rows
    refused = "'head/conv' is called at several sizes: 16x16x4, 8x8x4, 4x4x4; a site has one"
    for tool, *arguments in [
        ["classes-patch", "--after", "head/conv"],
        ["classes-sites", "--layer", "head/conv"],
        ["classes-sites", "--layer", "head/conv", "--shape", "16,16,4"],
    ]:
        assert refusal(tool, *arguments, stdin=config) == f"{tool}: {refused}"


def strip_shapes(node):
    """Takes the shapes away that Keras 3 states beside its wires."""
    if isinstance(node, dict):
        node.pop("shape", None)
        node = list(node.values())
    for part in node if isinstance(node, list) else []:
        strip_shapes(part)


@pytest.mark.parametrize("version", KERAS)
def test_a_simulator_put_by_hand_where_sizes_differ_gets_no_sites(version, tmp_path):
    pyramid(KERAS[version]).save(tmp_path / "model.h5")
    # Without knowing what the head is called on, no size contradicts another.
    blind = json.loads(pipe.config_of(tmp_path / "model.h5"))
    for layer in blind["config"]["layers"]:
        if layer["class_name"] == "AveragePooling2D":
            layer.update(class_name="Mine", module="mine")
        strip_shapes(layer["inbound_nodes"])
    patch = pipe.patch(json.dumps(blind), "--after", "head/conv")
    (tmp_path / "sites").write_text(pipe.site_line((16, 16, 4), {(0, 1, 2): 7.0}))
    arguments = [tmp_path / "model.h5", tmp_path / "out.h5", "--sites", tmp_path / "sites"]
    words = "what reaches the simulator 'head/simulator' has several shapes: 16x16x4, 8x8x4, 4x4x4; a site has one"
    assert refusal("h5-config-set", *arguments, stdin=patch) == f"h5-config-set: {words}"
    assert not (tmp_path / "out.h5").exists()


@pytest.mark.parametrize("version", KERAS)
def test_a_layer_in_a_model_that_is_called_twice_is_said_to_play_in_both(version, tmp_path):
    k = KERAS[version]
    inputs = k.Input((6, 6, 2))
    encoder = k.Model(inputs, k.layers.Conv2D(3, 3, name="conv")(inputs), name="encoder")
    left, right = k.Input((6, 6, 2), name="left"), k.Input((6, 6, 2), name="right")
    sides = [k.layers.Flatten()(encoder(side)) for side in (left, right)]
    model = k.Model([left, right], k.layers.Subtract()(sides))
    model.save(tmp_path / "model.h5")
    config = pipe.config_of(tmp_path / "model.h5")
    patch = pipe.patch(config, "--after", "encoder/conv")
    (tmp_path / "sites").write_text(pipe.site_line((4, 4, 3), {(0, 1, 2): 7.0}))
    pipe.simulate(tmp_path / "model.h5", tmp_path / "out.h5", tmp_path / "sites", version, patch_or_config=patch)
    faulty = load(tmp_path / "out.h5", version)
    sides = [np.random.default_rng(seed).normal(size=(1, 6, 6, 2)).astype("float32") for seed in (0, 1)]
    # The same wrong value on both sides: their difference is 0 there.
    assert run(model, sides)[0][0, 1 * 3 + 2] != 0
    assert run(faulty, sides)[0][0, 1 * 3 + 2] == 0
    words = "'encoder/conv' is called once, in a model that is called 2 times ('encoder'): a simulator there plays in all of them"
    assert refusal("classes-patch", "--after", "encoder/conv", "--node", "0", stdin=config) == f"classes-patch: {words}"
