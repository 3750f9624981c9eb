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
    """For each layer at any depth, `outer/inner`: its output shapes, batch first, over all calls in the model; none of what
    holds no floats."""
    graph = getattr(model, "_functional", None) or model
    nodes = {id(node) for at_depth in graph._nodes_by_depth.values() for node in at_depth}
    shapes = {}
    for layer in getattr(graph, "operations", graph.layers):
        calls = [node for node in layer._inbound_nodes if id(node) in nodes]
        outputs = [tensor for call in calls for tensor in tf.nest.flatten(call.outputs)]
        floats = [tensor for tensor in outputs if "float" in str(getattr(tensor.dtype, "name", tensor.dtype))]
        shapes[prefix + layer.name] = [tuple(tensor.shape) for tensor in floats]
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


def verdict(shapes, told, data_format):
    """Whether what is told of a layer (its row of the list, or None) is right, and what would be.

    Without a data format, what is no image at all may have rank 4: then nothing is told, or its sizes in one of both.
    """
    ranks = {len(shape) for shape in shapes}
    ours = told and told["shape"]
    if max(ranks, default=0) < 2:
        return "right" if told is None else "wrong", None
    if told is None:
        return "wrong", shapes
    if ranks == {4}:
        real = size(shapes, data_format or LAST)
        ours = ours and tuple(ours[axis] for axis in "hwc")
        if data_format is None and ours in (None, size(shapes, FIRST)):
            return "right", real
        if None in real:
            return "right" if ours is None else "wrong", real
        return "right" if ours == real else "unknown" if ours is None else "wrong", real
    if len(ranks) > 1:
        return "right" if ours is None else "wrong", shapes
    real = [sizes[0] if len(set(sizes)) == 1 else None for sizes in zip(*(shape[1:] for shape in shapes))]
    if None in real:
        return "right" if ours is None else "wrong", real
    return "right" if ours == real else "unknown" if ours is None else "wrong", real


def compare(model, data_format=LAST, config=None):
    """Counts layers right, unknown and wrong, and names those that are not right."""
    config = json.loads(model.to_json()) if config is None else config
    told = {row["name"]: row for row in targets(json.dumps(config))}
    counts, others = Counter(right=0, unknown=0, wrong=0), []
    for name, shapes in real_shapes(model).items():
        found, real = verdict(shapes, told.get(name), data_format)
        counts[found] += 1
        if found != "right":
            others.append(f"{name}: {found}, {told.get(name, {}).get('shape')} instead of {real}")
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
    yield from layers_of_other_ranks(l)
    if version == 3:
        yield image, l.RMSNormalization()
        yield image, l.SpectralNormalization(l.Conv2D(5, 3))
        yield image, l.Identity()
        yield image, l.RandomShear(0.1, 0.1)


def layers_of_other_ranks(l):
    """The same families over one and three dimensions, recurrent layers with their flags, and what stands at each step."""
    steps, volume, frames = (9, 5), (5, 7, 6, 4), (4, 7, 6, 3)
    for stride, dilation, padding in ((1, 1, "valid"), (2, 1, "same"), (3, 1, "valid"), (1, 2, "same"), (1, 2, "valid")):
        options = {"strides": stride, "dilation_rate": dilation, "padding": padding}
        yield steps, l.Conv1D(8, 3, **options)
        yield steps, l.SeparableConv1D(8, 2, **options)
        yield steps, l.DepthwiseConv1D(3, depth_multiplier=2, **options)
        yield volume, l.Conv3D(3, (2, 3, 2), **options)
    yield steps, l.Conv1D(10, 2, groups=5)
    for size, stride, padding in ((2, 2, "valid"), (3, 2, "same"), (1, 3, "valid"), (4, 3, "same")):
        yield steps, l.Conv1DTranspose(7, size, strides=stride, padding=padding)
        yield volume, l.Conv3DTranspose(7, size, strides=stride, padding=padding)
    for name in ("Max", "Average"):
        yield steps, getattr(l, f"{name}Pooling1D")(3, 2)
        yield volume, getattr(l, f"{name}Pooling3D")((2, 3, 1), padding="same")
        for keepdims in (False, True):
            yield steps, getattr(l, f"Global{name}Pooling1D")(keepdims=keepdims)
            yield volume, getattr(l, f"Global{name}Pooling3D")(keepdims=keepdims)
    yield steps, l.Cropping1D((1, 2))
    yield volume, l.ZeroPadding3D(((0, 1), (2, 3), (1, 1)))
    yield volume, l.Cropping3D(((1, 0), (1, 2), (0, 1)))
    yield volume, l.UpSampling3D((2, 1, 3))
    for flags in ({}, {"return_sequences": True}, {"return_state": True}, {"return_sequences": True, "return_state": True}):
        for layer in (l.LSTM, l.GRU, l.SimpleRNN):
            yield steps, layer(4, go_backwards=True, **flags)
        yield (6, 7, 3), l.ConvLSTM1D(4, 2, **flags)
        yield frames, l.ConvLSTM2D(4, 2, padding="same", **flags)
        yield (4, *frames), l.ConvLSTM3D(2, 2, strides=2, **flags)
        yield steps, l.RNN(l.LSTMCell(4), **flags)
        yield steps, l.RNN(l.GRUCell(4), **flags)
        yield steps, l.RNN([l.SimpleRNNCell(3), l.LSTMCell(4), l.GRUCell(6)], **flags)
        for mode in ("concat", "sum", "mul", "ave", None):
            yield steps, l.Bidirectional(l.GRU(4, **flags), merge_mode=mode)
        yield steps, l.Bidirectional(l.RNN(l.LSTMCell(4), **flags))
    yield steps, l.Bidirectional(l.LSTM(4), backward_layer=l.LSTM(4, go_backwards=True))
    yield frames, l.TimeDistributed(l.TimeDistributed(l.Conv1D(4, 2)))
    yield frames, l.TimeDistributed(l.MaxPooling2D(2))
    yield (6, *steps), l.TimeDistributed(l.LSTM(4, return_sequences=True))
    yield (6, *steps), l.TimeDistributed(l.GRU(3))
    yield steps, l.TimeDistributed(l.Reshape((5, 1, 1)))
    for shape in ((12,), steps, volume):
        yield shape, l.Dense(3)
        yield shape, l.BatchNormalization()
        yield shape, l.LayerNormalization()
        yield shape, l.ReLU()
        yield shape, l.Dropout(0.1)
        yield shape, l.Flatten()
    yield steps, l.EinsumDense("abc,cd->abd", output_shape=(9, 8), bias_axes="d")
    yield steps, l.EinsumDense("abc,bd->adc", output_shape=(3, 5))
    yield (9,), l.Embedding(20, 4)


def attention(k, version):
    """Queries, values and keys given in every way that Keras takes them; the outputs."""
    l = k.layers
    query, value, key = k.Input((7, 6)), k.Input((9, 6)), k.Input((9, 6))
    dense = {name: l.Dense(6)(tensor) for name, tensor in (("query", query), ("value", value), ("key", key))}
    q, v, y = dense["query"], dense["value"], dense["key"]
    heads = lambda **options: l.MultiHeadAttention(2, 3, **options)
    outputs = [
        heads()(q, v),
        heads()(q, q, q),
        heads()(q, v, y),
        heads()(q, value=v),
        heads()(q, key=y, value=v),
        heads()(query=q, value=v, key=y),
        heads(output_shape=4)(q, v),
        heads(output_shape=(4, 2) if version == 3 else (4,))(q, v),
        heads(value_dim=5, dropout=0.1)(q, v, use_causal_mask=True),
        *heads()(q, v, return_attention_scores=True),
        *heads()(q, v, key=y, return_attention_scores=True),
        l.Attention()([q, v]),
        l.Attention(use_scale=True)([q, v, y]),
        *l.Attention()([q, l.Dense(4)(v), y], return_attention_scores=True),
        l.AdditiveAttention()([q, v]),
        *l.AdditiveAttention()([q, v, y], return_attention_scores=True),
    ]
    image, wide = k.Input((5, 7, 6)), k.Input((5, 9, 6))
    outputs += [*heads(attention_axes=(2,))(image, wide, return_attention_scores=True), heads(attention_axes=(1, 2))(image, wide)]
    outputs += heads()(image, image, return_attention_scores=True)
    if version == 3:
        outputs += [l.GroupQueryAttention(3, 4, 2)(q, v), *l.GroupQueryAttention(3, 4, 2)(q, v, y, return_attention_scores=True)]
    encoded, *states = l.LSTM(5, return_sequences=True, return_state=True)(q)
    outputs += [l.LSTM(5, return_sequences=True)(v, initial_state=states), l.GRU(5)(v, initial_state=states[:1]), encoded]
    words = k.Input((9,), dtype="int32")
    masked = l.Embedding(20, 6, mask_zero=True)(words)
    outputs += [heads()(masked, masked), l.LSTM(4, return_sequences=True)(masked), l.Softmax()(l.Dense(9)(masked))]
    frames = k.Input((4, 8, 6, 3))
    inside = k.Sequential([k.Input((8, 6, 3)), l.Conv2D(4, 3), l.GlobalMaxPooling2D(), l.Dense(5)])
    outputs += [l.TimeDistributed(inside)(frames), l.LSTM(4)(l.TimeDistributed(inside)(frames))]
    return k.Model([query, value, key, image, wide, words, frames], outputs)


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


def sequence_operations(k, version):
    """Operations on sequences and places, and what is multiplied; the outputs."""
    x, y, places = k.Input((4, 6)), k.Input((6, 3)), k.Input((5,), dtype="int32")
    if version == 2:
        outputs = [
            tf.matmul(x, y), tf.matmul(x, x, transpose_b=True), x @ y, tf.where(x > 0, x, 0.0), tf.one_hot(places, 7),
            tf.gather(x, [0, 1], axis=1), tf.gather(x, 2, axis=2), tf.tile(x, [1, 2, 3]), tf.repeat(x, 2, axis=1), tf.argmax(x, axis=-1),
            tf.norm(x, axis=1), tf.reduce_logsumexp(x, 1), tf.cast(places, tf.float32), tf.math.l2_normalize(x, 1), tf.reverse(x, [1]),
            tf.math.cumsum(x, axis=1), tf.zeros_like(x), tf.logical_not(x > 0), *tf.unstack(x, axis=1)[1:3], *tf.split(x, [1, 3], axis=1),
            tf.keras.backend.sum(x, axis=1), k.activations.gelu(x), *tf.nn.top_k(x, 2), tf.reduce_any(x > 0, 1), tf.roll(x, 1, 1),
            tf.nn.space_to_depth(tf.reshape(x, [-1, 2, 4, 3]), 2), tf.squeeze(x[:, :1], 1), tf.where(x > y[:, :4, :1], x, -x), x // 2.0, x % 2.0,
        ]
    else:
        ops = k.ops
        heads = ops.reshape(x, (-1, 4, 2, 3))
        outputs = [
            ops.einsum("abc,acd->abd", x, y), ops.matmul(x, y), x @ y, ops.where(x > 0, x, 0.0), ops.one_hot(places, 7),
            ops.take(x, [0, 1], axis=1), ops.take(x, 0, axis=1), ops.take(x, 2, axis=-1), ops.tile(x, [1, 2, 3]), ops.repeat(x, 2, axis=1),
            ops.argmax(x, axis=-1), ops.norm(x, axis=1), ops.logsumexp(x, axis=1), ops.cast(places, "float16"), ops.normalize(x, axis=1),
            ops.flip(x, 1), ops.cumsum(x, axis=1), ops.swapaxes(x, 1, 2), ops.moveaxis(heads, 1, 3), ops.zeros_like(x), ops.logical_not(x > 0),
            *ops.unstack(x, axis=1)[1:3], *ops.split(x, [1, 3], axis=1), *ops.top_k(x, 2), ops.any(x > 0, axis=1), ops.roll(x, 1, 1),
            ops.dot_product_attention(heads, heads, heads), ops.image.resize(ops.expand_dims(x, -1), (3, 2)), ops.layer_normalization(x),
            ops.squeeze(x[:, :1], 1), ops.mean(x, axis=(1, 2)), x // 2.0, x % 2.0, abs(x), ops.where(x > y[:, :4, :1], x, -x), ops.argsort(x),
            ops.depth_to_space(ops.reshape(x, (-1, 2, 3, 4)), 2), ops.batch_normalization(x, np.zeros(6, "float32"), np.ones(6, "float32"), -1),
        ]
    return k.Model([x, y, places], outputs)


def zoo(version, data_format):
    """One model with a branch for each layer; of channels_first, for each layer that has a data format."""
    k = KERAS[version]
    k.backend.set_image_data_format(data_format)
    try:
        inputs, outputs = {}, []
        for shape, layer in layers(k, version):
            if data_format == FIRST:
                # Steps before the channels, behind them places: that is no image, and its axes are in no data format.
                if len(shape) < 2 or layer.get_config().get("data_format") != FIRST or isinstance(layer, k.layers.ConvLSTM1D):
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
