"""Networks that people study, small, with weights that show when one is in the wrong place.

    python zoo.py NETWORK 2|3 OUT.h5

Weights are random and seeded: no two layers alike, and scaled so that no activation saturates or dies out on the way.
"""

import sys

import keras
import numpy as np
from kerases import KERAS, run

SEED = 11
WORDS = 20  # that a text is of


def application(name, size, **options):
    """A network of keras.applications on small images, with ten outputs and no softmax."""

    def build(k):
        return getattr(k.applications, name)(
            weights=None, input_shape=(size, size, 3), classes=10, classifier_activation=None, **options
        )

    return build


def conv(k, filters, name, size=3, **options):
    return k.layers.Conv2D(filters, size, padding="same", name=name, **options)


def unet(k):
    """Down, up, and a skip connection at each level."""
    image = k.Input((32, 32, 3), name="image")
    x, skips = image, []
    for level, filters in enumerate((4, 6, 8)):
        x = conv(k, filters, f"down{level}a", activation="relu")(x)
        x = conv(k, filters, f"down{level}b", activation="relu")(x)
        skips.append(x)
        x = k.layers.MaxPooling2D(2, name=f"pool{level}")(x)
    x = conv(k, 10, "bottom", activation="relu")(x)
    for level, filters in reversed(list(enumerate((4, 6, 8)))):
        x = k.layers.Conv2DTranspose(filters, 2, strides=2, name=f"up{level}")(x)
        x = k.layers.Concatenate(name=f"join{level}")([skips[level], x])
        x = conv(k, filters, f"up{level}a", activation="relu")(x)
        x = k.layers.BatchNormalization(name=f"up{level}b")(x)
    return k.Model(image, conv(k, 2, "mask", 1)(x), name="unet")


def siamese(k):
    """Two inputs through shared layers, then branches of equal shapes whose weights could change places unseen."""
    left, right = (k.Input((16, 16, 3), name=name) for name in ("left", "right"))
    shared = [conv(k, 6, "shared_a"), k.layers.BatchNormalization(name="shared_b"), k.layers.ReLU(name="shared_c")]
    ends = []
    for side, x in (("left", left), ("right", right)):
        for layer in shared:
            x = layer(x)
        x = conv(k, 6, f"{side}_a", activation="relu")(x)
        ends.append(conv(k, 6, f"{side}_b")(x))
    x = k.layers.Subtract(name="difference")(ends)
    x = k.layers.GlobalAveragePooling2D(name="pool")(x)
    return k.Model([left, right], k.layers.Dense(4, name="dense")(x), name="siamese")


def two_branches(k, name, channels, prefix):
    """A small functional model with two branches of equal shapes and a skip connection."""
    features = k.Input((16, 16, channels), name=f"{prefix}in")
    a = k.layers.BatchNormalization(name=f"{prefix}a2")(conv(k, channels, f"{prefix}a1")(features))
    b = k.layers.BatchNormalization(name=f"{prefix}b2")(conv(k, channels, f"{prefix}b1")(features))
    x = k.layers.Add(name=f"{prefix}add")([b, features, a])
    return k.Model(features, k.layers.Activation("relu", name=f"{prefix}relu")(x), name=name)


def nested(k):
    """Transfer learning: a frozen base, called twice, and a Sequential head."""
    base = two_branches(k, "base", 4, "base_")
    base.trainable = False
    head = k.Sequential(
        [k.Input((16, 16, 4)), conv(k, 5, "head_a"), k.layers.ReLU(name="head_b"), conv(k, 5, "head_c")], name="head"
    )
    image = k.Input((16, 16, 3), name="image")
    x = base(conv(k, 4, "stem")(image))
    y = base(conv(k, 4, "middle")(x))
    x = k.layers.Add(name="add")([y, x])
    x = k.layers.GlobalMaxPooling2D(name="pool")(head(x))
    return k.Model(image, k.layers.Dense(3, name="dense")(x), name="nested")


def twice_nested(k):
    """A model in a model in a model, some layers frozen at each depth, and the middle one is an output too."""
    inner = two_branches(k, "inner", 4, "inner_")
    inner.get_layer("inner_b1").trainable = False
    inner.get_layer("inner_a2").trainable = False
    features = k.Input((16, 16, 4), name="features")
    a = inner(conv(k, 4, "middle_a")(features))
    b = k.layers.BatchNormalization(name="middle_c")(conv(k, 4, "middle_b")(features))
    tail = k.Sequential([k.Input((16, 16, 4)), conv(k, 4, "tail_a"), k.layers.BatchNormalization(name="tail_b")], name="tail")
    middle = k.Model(features, tail(k.layers.Add(name="middle_add")([a, b])), name="middle")
    middle.get_layer("middle_a").trainable = False
    image = k.Input((16, 16, 3), name="image")
    x = middle(conv(k, 4, "stem")(image))
    side = conv(k, 4, "side", strides=2)(image)
    y = k.layers.Add(name="add")([k.layers.AveragePooling2D(2, name="halve")(x), side])
    return k.Model(image, [x, k.layers.Flatten(name="flatten")(y)], name="twice_nested")


def in_and_out(k):
    """Several inputs, several outputs by name, one of them in the middle of the graph."""
    low, high = k.Input((8, 8, 2), name="low"), k.Input((16, 16, 2), name="high")
    x = conv(k, 4, "high_a", strides=2, activation="relu")(high)
    y = conv(k, 4, "low_a")(low)
    together = k.layers.Multiply(name="together")([y, x])
    z = conv(k, 4, "low_b")(k.layers.Add(name="again")([together, y]))
    scalar = k.layers.Dense(1, name="scalar")(k.layers.GlobalAveragePooling2D(name="pool")(z))
    return k.Model([low, high], {"scalar": scalar, "features": together, "map": z}, name="in_and_out")


def operations(k):
    """Arithmetic between tensors: op layers, with references in call arguments."""
    image = k.Input((12, 12, 3), name="image")
    a, b = conv(k, 4, "a")(image), conv(k, 4, "b")(image)
    x = conv(k, 4, "c")(a * 0.5 + b) - a[:, :, :, :1]
    attention = k.layers.MultiHeadAttention(2, 3, attention_axes=(1, 2), name="attention")
    x = attention(conv(k, 4, "query")(x), value=conv(k, 4, "value")(b), key=conv(k, 4, "key")(a))
    return k.Model(image, 1.0 - conv(k, 2, "end")(x), name="operations")


def channels_first(k):
    """The axes the other way round."""
    image = k.Input((3, 12, 10), name="image")
    options = {"data_format": "channels_first"}
    a = k.layers.BatchNormalization(axis=1, name="bn")(conv(k, 4, "a", **options)(image))
    b = k.layers.MaxPooling2D(3, strides=1, padding="same", name="max", **options)(conv(k, 4, "b", **options)(image))
    x = k.layers.Concatenate(axis=1, name="join")([b, k.layers.PReLU(name="prelu")(a)])
    x = k.layers.SeparableConv2D(4, 3, name="separable", **options)(x)
    x = k.layers.AveragePooling2D(2, name="average", **options)(x)
    return k.Model(image, k.layers.GlobalAveragePooling2D(name="pool", **options)(x), name="channels_first")


def mixed_precision(k):
    """Computes in float16 what it keeps in float32."""
    image = k.Input((16, 16, 3), name="image")
    options = {"dtype": "mixed_float16"}
    a = conv(k, 4, "a", activation="relu", **options)(image)
    b = k.layers.BatchNormalization(name="bn", **options)(conv(k, 4, "b", **options)(image))
    x = conv(k, 4, "c", **options)(k.layers.Add(name="add", **options)([b, a]))
    x = k.layers.GlobalAveragePooling2D(name="pool", **options)(x)
    return k.Model(image, k.layers.Dense(3, name="dense", dtype="float32")(x), name="mixed_precision")


def perceptron(k):
    """Dense layers alone."""
    numbers = k.Input((20,), name="numbers")
    x = k.layers.Dense(16, activation="relu", name="first")(numbers)
    side = k.layers.PReLU(name="side_b")(k.layers.Dense(12, name="side_a")(x))
    x = k.layers.Dropout(0.2, name="drop")(k.layers.BatchNormalization(name="norm")(x))
    x = k.layers.Activation("relu", name="relu")(k.layers.Dense(12, name="second")(x))
    x = k.layers.Concatenate(name="join")([k.layers.RepeatVector(3, name="repeat")(x), k.layers.Reshape((3, 4), name="rows")(side)])
    return k.Model(numbers, k.layers.Dense(4, name="last")(k.layers.Flatten(name="flat")(x)), name="perceptron")


def signal(k):
    """One dimension: convolutions, pools, paddings of a sequence."""
    wave = k.Input((24, 3), name="wave")
    x = k.layers.ReLU(name="relu")(k.layers.BatchNormalization(name="norm")(k.layers.Conv1D(6, 3, padding="causal", name="conv")(wave)))
    a = k.layers.SeparableConv1D(5, 3, padding="same", name="separable")(k.layers.MaxPooling1D(2, name="pool")(x))
    a = k.layers.UpSampling1D(2, name="up")(k.layers.AveragePooling1D(2, padding="same", name="average")(a))
    b = k.layers.Conv1DTranspose(5, 3, strides=2, padding="same", name="transposed")(k.layers.Conv1D(4, 3, strides=4, padding="same", name="coarse")(x))
    b = k.layers.Cropping1D((1, 0), name="crop")(k.layers.ZeroPadding1D((1, 0), name="pad")(b))
    x = k.layers.Add(name="add")([k.layers.LayerNormalization(name="layer_norm")(b), a])
    return k.Model(wave, [k.layers.GlobalMaxPooling1D(name="top")(x), k.layers.Dense(2, name="each_step")(x)], name="signal")


def recurrent(k):
    """Stacked recurrent layers, with states that go on into others."""
    steps = k.Input((7, 4), name="steps")
    x, h, c = k.layers.LSTM(6, return_sequences=True, return_state=True, name="lstm_a")(steps)
    y = k.layers.LSTM(6, return_sequences=True, name="lstm_b")(x, initial_state=[h, c])
    y = k.layers.Bidirectional(k.layers.GRU(5, return_sequences=True), name="both_ways")(y)
    y = k.layers.TimeDistributed(k.layers.Dense(6, activation="tanh"), name="each_step")(y)
    z = k.layers.SimpleRNN(6, name="simple")(k.layers.Add(name="add")([x, y]))
    return k.Model(steps, k.layers.Dense(3, name="dense")(z), name="recurrent")


def transformer(k):
    """An encoder of text: embeddings, attention among all words, a feed-forward block."""
    words = k.Input((12,), dtype="int32", name="words")
    x = k.layers.Embedding(WORDS, 8, name="embedding")(words)
    attended = k.layers.MultiHeadAttention(2, 4, name="attention")(x, k.layers.Dense(8, name="memory")(x))
    x = k.layers.LayerNormalization(name="norm_a")(k.layers.Add(name="add_a")([x, attended]))
    forward = k.layers.Dense(8, name="narrow")(k.layers.Dense(16, activation="gelu", name="wide")(x))
    x = k.layers.LayerNormalization(name="norm_b")(k.layers.Add(name="add_b")([x, forward]))
    plain = k.layers.AdditiveAttention(name="plain")([k.layers.Permute((2, 1), name="turned")(x), k.layers.Permute((2, 1), name="too")(forward)])
    x = k.layers.Dense(5, name="mixed")(k.layers.Flatten(name="flat")(plain))
    pooled = k.layers.GlobalAveragePooling1D(name="pool")(forward)
    return k.Model(words, k.layers.Dense(3, name="classes")(k.layers.Concatenate(name="join")([pooled, x])), name="transformer")


def volume(k):
    """A U-Net of three dimensions."""
    scan = k.Input((8, 6, 4, 2), name="scan")
    first = k.layers.Conv3D(3, 3, padding="same", activation="relu", name="down")(scan)
    x = k.layers.BatchNormalization(name="norm")(k.layers.MaxPooling3D(2, name="pool")(first))
    x = k.layers.Conv3D(4, 3, padding="same", name="bottom")(x)
    x = k.layers.Conv3DTranspose(3, 2, strides=2, name="up")(x)
    y = k.layers.UpSampling3D(2, name="larger")(k.layers.AveragePooling3D(2, name="average")(first))
    x = k.layers.Concatenate(name="join")([first, x, y])
    x = k.layers.Cropping3D(1, name="crop")(k.layers.ZeroPadding3D(1, name="pad")(x))
    return k.Model(scan, k.layers.Conv3D(2, 1, name="mask")(x), name="volume")


NETWORKS = {
    "unet": unet,
    "siamese": siamese,
    "nested": nested,
    "twice_nested": twice_nested,
    "in_and_out": in_and_out,
    "operations": operations,
    "channels_first": channels_first,
    "mixed_precision": mixed_precision,
    "perceptron": perceptron,
    "signal": signal,
    "recurrent": recurrent,
    "transformer": transformer,
    "volume": volume,
    "vgg16": application("VGG16", 32),
    "mobilenetv2": application("MobileNetV2", 64, alpha=0.35),
    "xception": application("Xception", 75),
    "resnet50": application("ResNet50", 64),
    "efficientnetb0": application("EfficientNetB0", 64),
    "inceptionv3": application("InceptionV3", 75),
    "densenet121": application("DenseNet121", 64),
    "nasnetmobile": application("NASNetMobile", 64),
}


def custom_objects(name, version):
    """Keras 3 knows the op layers of its own files only when told."""
    if name != "operations" or version == 2:
        return {}
    return {op: getattr(keras.src.ops.numpy, op) for op in ("Add", "Multiply", "Subtract", "GetItem")}


def inputs_for(model, count=2):
    """Images, or words, for each input of the model, seeded; alone where there is one input."""
    rng = np.random.default_rng(SEED)

    def drawn(tensor):
        shape = (count, *tensor.shape[1:])
        is_text = "int" in str(getattr(tensor.dtype, "name", tensor.dtype))
        return rng.integers(0, WORDS, shape, "int32") if is_text else rng.uniform(0, 1, shape).astype("float32")

    inputs = [drawn(tensor) for tensor in model.inputs]
    return inputs if len(inputs) > 1 else inputs[0]


def leaves(model):
    """All layers, those of nested models in place of the models."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from leaves(layer)
        else:
            yield layer


def random_weight(rng, layer, name, shape):
    """A value of the size that keeps activations near 1."""
    if name == "count":
        return np.ones(shape)
    if "kernel" in name:
        depthwise = "depthwise" in name or "Depthwise" in type(layer).__name__
        return rng.normal(0, np.sqrt(2 / np.prod(shape[:2] if depthwise else shape[:-1])), shape)
    if name == "gamma" or "variance" in name:
        return rng.uniform(0.5, 1.5, shape)
    return rng.normal(0, 0.2, shape)


def scramble(model):
    """Gives every weight a random value, and batch normalization statistics near those of the real activations."""
    rng = np.random.default_rng(SEED)
    for layer in leaves(model):
        for weight in layer.weights:
            name = weight.name.split("/")[-1].split(":")[0]
            old = np.asarray(weight)
            weight.assign(random_weight(rng, layer, name, old.shape).astype(old.dtype))
    normalizations = [layer for layer in leaves(model) if "BatchNormalization" in type(layer).__name__]
    kept = [(layer.momentum, layer.trainable) for layer in normalizations]
    for layer in normalizations:
        layer.momentum, layer.trainable = 0.0, True
    model(inputs_for(model, 16), training=True)
    for layer, (momentum, trainable) in zip(normalizations, kept):
        layer.momentum, layer.trainable = momentum, trainable
        mean, variance = np.asarray(layer.moving_mean), np.asarray(layer.moving_variance) + 0.1
        layer.moving_mean.assign(mean + np.sqrt(variance) * rng.normal(0, 0.2, mean.shape))
        layer.moving_variance.assign(variance * rng.uniform(0.7, 1.4, variance.shape))


def save(name, version, path):
    """Writes a network, as .h5 or .keras."""
    k = KERAS[version]
    k.backend.clear_session()  # op layers are named by a count
    k.utils.set_random_seed(SEED)
    model = NETWORKS[name](k)
    scramble(model)
    for output in run(model, inputs_for(model)):
        size, spread = np.abs(output).mean(), output.std()
        assert 1e-2 < size < 1e2 and spread > 1e-2, f"{name}: outputs of size {size}, spread {spread}"
    model.save(path, **({} if str(path).endswith(".keras") else {"include_optimizer": False}))


if __name__ == "__main__":
    save(sys.argv[1], int(sys.argv[2]), sys.argv[3])
