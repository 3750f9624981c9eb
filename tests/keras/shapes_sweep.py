"""The shapes that `classes-patch --list` tells, beside those that Keras computes.

    python shapes_sweep.py [2|3] [FAMILY ...]

builds every network of keras.applications, at its default size and at 97x131 without its top, and prints a line for its
config as written and one for the config without the shapes that Keras writes: layers right, unknown (`?`), wrong.
"""

import json
import sys
from collections import Counter

import keras
import numpy as np
import tensorflow as tf
from kerases import KERAS
from pipe import targets

LAST, FIRST = "channels_last", "channels_first"
ODD = (97, 131)


def real_shapes(model, prefix=""):
    """For each layer at any depth, `outer/inner`: its output shapes, batch first, over all calls in the model."""
    graph = getattr(model, "_functional", None) or model
    nodes = {id(node) for at_depth in graph._nodes_by_depth.values() for node in at_depth}
    shapes = {}
    for layer in graph.layers:
        calls = [node for node in layer._inbound_nodes if id(node) in nodes]
        outputs = [tensor for call in calls for tensor in tf.nest.flatten(call.outputs)]
        shapes[prefix + layer.name] = [tuple(tensor.shape) for tensor in outputs]
        if hasattr(layer, "layers"):
            shapes.update(real_shapes(layer, f"{prefix}{layer.name}/"))
    return shapes


def size(shapes, data_format):
    """Height, width and channels, as far as they are known and alike; None where the rank is another than 4."""
    images = [shape[1:] if data_format == LAST else (*shape[2:], shape[1]) for shape in shapes if len(shape) == 4]
    return tuple(axis[0] if len(set(axis)) == 1 else None for axis in zip(*images)) or None


def without_shapes(value):
    """A config as if Keras wrote no shapes but those of the inputs."""
    if isinstance(value, list):
        return [without_shapes(item) for item in value]
    if not isinstance(value, dict):
        return value
    is_tensor = value.get("class_name") == "__keras_tensor__"
    value = dict(value, config={k: v for k, v in value["config"].items() if k != "shape"}) if is_tensor else value
    return {k: without_shapes(v) for k, v in value.items() if k not in ("build_config", "build_input_shape")}


def compare(model, data_format=LAST, config=None):
    """Counts layers right, unknown and wrong, and names those that are not right."""
    config = json.loads(model.to_json()) if config is None else config
    told = {row["name"]: row["shape"] for row in targets(json.dumps(config))}
    counts, others = Counter(right=0, unknown=0, wrong=0), []
    for name, shapes in real_shapes(model).items():
        real = size(shapes, data_format)
        ours = told.get(name) and tuple(told[name][axis] for axis in "hwc")
        if real is None:
            # Not of rank 4: it must not be listed.
            verdict = "right" if name not in told else "wrong" if ours else "unknown"
        elif None in real:
            verdict = "right" if name in told and ours is None else "wrong"
        else:
            verdict = "right" if ours == real else "unknown" if name in told and ours is None else "wrong"
        counts[verdict] += 1
        if verdict != "right":
            others.append(f"{name}: {verdict}, {ours} instead of {real}")
    return counts, others


def layers(k, version):
    """Layers of every family, each with the shape of an image (height, width, channels) that it can take."""
    l = k.layers
    image = (13, 10, 6)
    for stride, dilation in ((1, 1), (2, 1), (3, 1), (1, 2), (1, 3)):
        for padding in ("valid", "same"):
            options = {"strides": stride, "dilation_rate": dilation, "padding": padding}
            yield image, l.Conv2D(8, (3, 2), **options)
            yield image, l.SeparableConv2D(5, (2, 3), **options)
            yield image, l.DepthwiseConv2D(3, depth_multiplier=2, **options)
    yield image, l.Conv2D(4, 3, groups=2)
    yield image, l.Conv2D(4, (5, 1), strides=(1, 4), padding="same")
    for size in (1, 2, 3, 4):
        for stride in (1, 2, 3):
            for padding in ("valid", "same"):
                yield image, l.Conv2DTranspose(7, size, strides=stride, padding=padding)
                if stride > 1:
                    extra = {"output_padding": stride - 1}
                    yield image, l.Conv2DTranspose(7, size, strides=stride, padding=padding, **extra)
    for padding in ("valid", "same"):
        for pool, stride in ((2, None), (3, 2), ((2, 5), (1, 3)), (1, 2)):
            yield image, l.MaxPooling2D(pool, stride, padding=padding)
            yield image, l.AveragePooling2D(pool, stride, padding=padding)
    for keepdims in (False, True):
        yield image, l.GlobalAveragePooling2D(keepdims=keepdims)
        yield image, l.GlobalMaxPooling2D(keepdims=keepdims)
    yield image, l.ZeroPadding2D(2)
    yield image, l.ZeroPadding2D((1, 3))
    yield image, l.ZeroPadding2D(((0, 1), (2, 3)))
    yield image, l.Cropping2D((2, 1))
    yield image, l.Cropping2D(((0, 3), (4, 2)))
    yield image, l.UpSampling2D(3)
    yield image, l.UpSampling2D((2, 5), interpolation="bilinear")
    yield image, l.Flatten()
    yield image, l.Reshape((-1, 2))
    yield image, l.Reshape((5, 13, 4, 3))
    yield image, l.Reshape((5, -1, 3, 2))
    yield (9, 5), l.Permute((2, 1))
    yield image, l.Dense(9)
    yield (12,), l.RepeatVector(4)
    yield (12,), l.Reshape((3, 2, 2))
    yield (4, 3), l.Embedding(20, 5)
    yield (4,), l.Embedding(20, 5)
    # Keras 3 leaves null sizes open and turns unequal free axes around; a batch that is computed has them as told here.
    yield (4, 3, 5), l.EinsumDense("abcd,df->abcf", output_shape=(4, 3, 7))
    yield (4, 4, 5), l.EinsumDense("...x,xy->...y", output_shape=7)
    yield (4, 5, 15), l.EinsumDense("abcd,def->abcef", output_shape=(4, 5, 3, 8))
    for layer in (
        l.Activation("relu"),
        l.ReLU(6.0),
        l.LeakyReLU(),
        l.PReLU(shared_axes=[1, 2]),
        l.ELU(),
        l.Softmax(),
        l.BatchNormalization(),
        l.LayerNormalization(),
        l.GroupNormalization(2),
        l.UnitNormalization(),
        l.Dropout(0.1),
        l.SpatialDropout2D(0.1),
        l.GaussianNoise(0.1),
        l.GaussianDropout(0.1),
        l.AlphaDropout(0.1),
        l.ActivityRegularization(),
        l.Masking(),
        l.Rescaling(2.0),
        l.Normalization(mean=0.0, variance=1.0),
        l.RandomFlip(),
        l.RandomRotation(0.1),
        l.RandomZoom(0.1),
        l.RandomTranslation(0.1, 0.1),
        l.RandomContrast(0.1),
        l.RandomBrightness(0.1),
        l.Resizing(7, 9),
        l.CenterCrop(5, 4),
        l.RandomCrop(5, 4),
    ):
        yield image, layer
    yield (5, *image), l.TimeDistributed(l.Dense(3))
    yield (5, *image), l.TimeDistributed(l.Conv2D(3, 3))
    yield (5, *image), l.TimeDistributed(l.Flatten())
    yield (5, *image), l.TimeDistributed(l.GlobalAveragePooling2D())
    yield (5, *image), l.ConvLSTM2D(3, 3)
    yield (5, *image), l.ConvLSTM2D(3, 3, strides=2, padding="same", return_sequences=True)
    yield (5, *image), l.Conv3D(3, 2, strides=2)
    yield (5, *image), l.MaxPooling3D(2)
    yield (5, *image), l.Conv3DTranspose(3, 2, strides=2, padding="same")
    yield (9, 5), l.LSTM(4, return_sequences=True)
    yield (9, 5), l.GRU(4)
    yield (9, 5), l.SimpleRNN(4, return_state=True)
    yield (9, 5), l.Bidirectional(l.LSTM(4, return_sequences=True))
    yield (9, 5), l.Bidirectional(l.LSTM(4, return_state=True), merge_mode="sum")
    yield (9, 5), l.Conv1D(4, 3, padding="causal", dilation_rate=2)
    yield (9, 5), l.MaxPooling1D(2, padding="same")
    yield (9, 5), l.ZeroPadding1D((1, 2))
    yield (9, 5), l.UpSampling1D(2)
    if version == 3:
        yield image, l.RMSNormalization()
        yield image, l.SpectralNormalization(l.Conv2D(5, 3))
        yield image, l.Identity()
        yield image, l.RandomShear(0.1, 0.1)


def operations(k, x, y):
    """Operations on two tensors alike, which Keras records as layers."""
    tensors = [x + y, 2.0 * x, x / 127.5, x - np.ones(6, "float32"), x**2, -x, x[:, 1:, ::2, :], x[:, ::-3], x[:, -3:-1], x[..., 0], x[:, 2]]
    if k is keras:
        ops = k.ops
        tensors += [
            ops.concatenate([x, y], axis=-1), ops.stack([x, y], axis=1), ops.relu(x), ops.clip(x, 0, 1), ops.sigmoid(x),
            ops.mean(x, axis=[1, 2], keepdims=True), ops.mean(x, axis=(1, 2)), ops.max(x, axis=-1), ops.sum(x, axis=1),
            ops.reshape(x, (-1, 5, 13, 4, 3)), ops.transpose(x[..., 0], (0, 2, 1)), ops.expand_dims(x, 1), *ops.split(x, 2, axis=-1),
            ops.squeeze(x[:, :1], axis=1), ops.pad(x, ((0, 0), (1, 1), (2, 0), (0, 0))), ops.maximum(x, y), x[:, None, 0],
        ]
    else:
        tensors += [
            tf.concat([x, y], axis=-1), tf.stack([x, y], axis=1), tf.nn.relu(x), tf.nn.relu6(x), tf.clip_by_value(x, 0, 1),
            tf.reduce_mean(x, axis=[1, 2], keepdims=True), tf.reduce_mean(x, [1, 2]), tf.reduce_max(x, axis=-1),
            tf.reshape(x, [-1, 5, 13, 4, 3]), tf.reshape(x, [tf.shape(x)[0], 5, 13, 4, 3]), tf.transpose(x[..., 0], [0, 2, 1]),
            tf.expand_dims(x, 1), *tf.split(x, 2, axis=-1), tf.squeeze(x[:, :1], axis=1), x[:, None, 0],
            tf.pad(x, [[0, 0], [1, 1], [2, 0], [0, 0]]), tf.image.resize(x, (16, 12)), tf.nn.bias_add(x, tf.ones([6])),
            tf.cast(x, "float16"), tf.maximum(x, y), tf.add_n([x, y]), tf.nn.silu(x), tf.identity(x), tf.nn.softmax(x),
            tf.nn.depth_to_space(tf.concat([x, y], axis=-1), 2),
        ]
    return tensors


def zoo(version, data_format):
    """One model with a branch for each layer; of channels_first, for each layer that has a data format."""
    k = KERAS[version]
    k.backend.set_image_data_format(data_format)
    try:
        inputs, outputs = {}, []
        for shape, layer in layers(k, version):
            if data_format == FIRST:
                if len(shape) < 3 or "data_format" not in layer.get_config():
                    continue
                shape = (*shape[:-3], shape[-1], *shape[-3:-1])
            image = inputs.setdefault(shape, k.Input(shape))
            outputs.append(layer(image))
        if data_format == FIRST:
            return k.Model(list(inputs.values()), outputs)
        x = inputs.setdefault((13, 10, 6), k.Input((13, 10, 6)))
        y = k.layers.Conv2D(6, 1, name="y")(x)
        squeezed = k.layers.Dense(6)(k.layers.GlobalAveragePooling2D()(x))
        for name in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"):
            outputs.append(getattr(k.layers, name)()([x, y]))
        outputs.append(k.layers.Multiply()([x, squeezed]))
        outputs.append(k.layers.Multiply()([x, k.layers.Reshape((1, 1, 6))(squeezed)]))
        outputs += [k.layers.Concatenate(axis=axis)([x, y, y]) for axis in (-1, 1, 2)]
        flat = [k.layers.Reshape((-1, 6))(tensor) for tensor in (x, y)]
        outputs += [k.layers.Dot(axes=axes)(flat) for axes in (1, 2, (1, 1))]
        outputs += [k.layers.Dot(axes=1)([squeezed, squeezed])]
        outputs += operations(k, x, y)
        return k.Model(list(inputs.values()), outputs)
    finally:
        k.backend.set_image_data_format(LAST)


def nested(version):
    """A model of any image size, called on two sizes, and one that is called once, itself in a sequential model."""
    k, l = KERAS[version], KERAS[version].layers
    any_size = k.Input((None, None, 3))
    body = k.Model(any_size, l.MaxPooling2D(2)(l.Conv2D(4, 3, strides=2)(any_size)), name="body")
    small, large = k.Input((32, 24, 3)), k.Input((65, 47, 3))
    head = k.Sequential([k.Input((7, 5, 4)), l.Conv2D(5, 3, name="c"), l.ZeroPadding2D(1), l.Flatten()], name="head")
    twice = k.Model([small, large], [head(body(small)), l.Conv2D(2, 1)(body(large))])
    inner = k.Model(small, l.Conv2D(3, 5, name="conv")(small), name="inner")
    return twice, k.Sequential([k.Input((32, 24, 3)), inner, l.AveragePooling2D(3), l.Dense(2)])


def networks(version):
    """The names of the networks in keras.applications."""
    return [name for name in dir(KERAS[version].applications) if name[0].isupper()]


def sweep(version, names):
    k, total = KERAS[version], Counter()
    for name in names:
        for options in ({}, {"include_top": False, "input_shape": (*ODD, 3)}):
            k.backend.clear_session()
            model = getattr(k.applications, name)(weights=None, **options)
            config = json.loads(model.to_json())
            for form, text in (("as written", config), ("rules alone", without_shapes(config))):
                counts, others = compare(model, config=text)
                total += counts
                at = "x".join(map(str, ODD)) if options else "default"
                print(f"Keras {version}\t{name}\t{at}\t{form}\t{dict(counts)}", flush=True)
                print(*others, sep="\n", end="\n" if others else "")
    return total


if __name__ == "__main__":
    versions = [int(sys.argv[1])] if sys.argv[1:] else [3, 2]
    for version in versions:
        print(f"Keras {version}: {dict(sweep(version, sys.argv[2:] or networks(version)))}")
