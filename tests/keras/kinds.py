"""Layers with weights of every kind, for either Keras: what trains of them differs from class to class and from setting to setting.

All map 6x6 with 3 channels to the same, so that weights in the wrong place would load without a word.
"""

from kerases import KERAS

SHAPE = (6, 6, 3)


def custom_layers(k):
    """Classes that are not Keras' own, which do not tell what trains."""

    class Gauge(k.layers.Layer):
        """A weight that trains, made after one that does not."""

        def build(self, shape):
            self.limit = self.add_weight(name="limit", shape=(shape[-1],), initializer="ones", trainable=False)
            self.factor = self.add_weight(name="factor", shape=(shape[-1],), initializer="ones")

        def call(self, tensor):
            return tensor * self.factor + self.limit

        def compute_output_shape(self, shape):
            return shape

    class Pair(k.layers.Layer):
        """Two layers inside, the first of which is frozen."""

        def __init__(self, **options):
            super().__init__(**options)
            self.first = k.layers.Conv2D(3, 1, name=f"{self.name}_first", trainable=False)
            self.second = k.layers.Conv2D(3, 1, name=f"{self.name}_second")

        def get_config(self):
            return super().get_config()

        def build(self, shape):
            # Keras 3 loads weights before the first call.
            if k is KERAS[3]:
                self.first.build(shape)
                self.second.build(shape)
            super().build(shape)

        def call(self, tensor):
            return self.second(self.first(tensor))

        def compute_output_shape(self, shape):
            return shape

    return {layer.__name__: layer for layer in (Gauge, Pair)}


def frozen(layer):
    layer.trainable = False
    return layer


def rows(k, name, seq, frozen_layers=()):
    """A small model on one row of the image, for a wrapper."""
    layers = k.layers
    inside = [layers.Conv1D(3, 1, name=f"{name}_a"), layers.BatchNormalization(name=f"{name}_b"), layers.Conv1D(3, 1, name=f"{name}_c")]
    for layer in inside:
        layer.trainable = layer.name[-1] not in frozen_layers
    row = k.Input(SHAPE[1:])
    if seq:
        return k.Sequential([row, *inside], name=name)
    tensor = row
    for layer in inside:
        tensor = layer(tensor)
    return k.Model(row, tensor, name=name)


def attend(layer):
    return lambda tensor: layer(tensor, tensor)


def kinds(version, k, custom):
    """{kind: make(name), what makes a layer, or a function for its call}; with freezing of all and of parts."""
    layers = k.layers

    def steps(inside, **options):
        return lambda name: layers.TimeDistributed(inside(f"{name}_in"), name=name, **options)

    def both_ways(name, **options):
        gru = layers.GRU(3, return_sequences=True, name=f"{name}_gru", **options)
        return layers.Bidirectional(gru, merge_mode="sum", name=name)

    def cells(name, **options):
        stack = [layers.LSTMCell(4, name=f"{name}_1", **options), layers.GRUCell(3, name=f"{name}_2")]
        return layers.RNN(stack, return_sequences=True, name=name)

    def dense(name, **options):
        return layers.Dense(3, name=name, **options)

    found = {
        "conv": lambda name: layers.Conv2D(3, 3, padding="same", name=name),
        "point": lambda name: layers.Conv2D(3, 1, use_bias=False, name=name),
        "depthwise": lambda name: layers.DepthwiseConv2D(3, padding="same", name=name),
        "separable": lambda name: layers.SeparableConv2D(3, 3, padding="same", name=name),
        "dense": dense,
        "einsum": lambda name: layers.EinsumDense("abcd,de->abce", (None, None, 3), bias_axes="e", name=name),
        "batch": lambda name: layers.BatchNormalization(name=name),
        "batch_centred": lambda name: layers.BatchNormalization(scale=False, name=name),
        "layer_norm": lambda name: layers.LayerNormalization(name=name),
        "group_norm": lambda name: layers.GroupNormalization(3, name=name),
        "prelu": lambda name: layers.PReLU(name=name),
        "normalization": lambda name: layers.Normalization(name=name),
        "given": lambda name: layers.Normalization(mean=0.1, variance=2.0, axis=None, name=name),
        "dropout": lambda name: layers.Dropout(0.3, seed=3, name=name),
        "flip": lambda name: layers.RandomFlip(seed=3, name=name),
        "lstm_rows": lambda name: layers.ConvLSTM1D(3, 3, padding="same", return_sequences=True, name=name),
        "attention": lambda name: attend(layers.MultiHeadAttention(2, 3, attention_axes=(1, 2), name=name)),
        "steps_dense": steps(dense),
        "steps_frozen_dense": steps(lambda name: dense(name, trainable=False)),
        "frozen_steps_dense": steps(dense, trainable=False),
        "steps_batch": steps(lambda name: layers.BatchNormalization(name=name)),
        "steps_model": steps(lambda name: rows(k, name, False)),
        "steps_partly_frozen_model": steps(lambda name: rows(k, name, False, "ab")),
        "steps_frozen_model": steps(lambda name: frozen(rows(k, name, False))),
        "steps_sequential": steps(lambda name: rows(k, name, True, "c")),
        "steps_both_ways": steps(both_ways),
        "steps_frozen_both_ways": steps(lambda name: both_ways(name, trainable=False)),
        "steps_cells": steps(cells),
        "steps_partly_frozen_cells": steps(lambda name: cells(name, trainable=False)),
        "gauge": lambda name: custom["Gauge"](name=name),
        "pair": lambda name: custom["Pair"](name=name),
    }
    if version == 2:
        found["renorm"] = lambda name: layers.BatchNormalization(renorm=True, name=name)
        found["local"] = lambda name: layers.LocallyConnected2D(3, 1, name=name)
        return found
    spectral = lambda name, **options: layers.SpectralNormalization(layers.Conv2D(3, 1, name=f"{name}_in", **options), name=name)
    found |= {
        "rms": lambda name: layers.RMSNormalization(name=name),
        "spectral": spectral,
        "spectral_frozen": lambda name: spectral(name, trainable=False),
        "lora_conv": lambda name: layers.Conv2D(3, 1, lora_rank=2, name=name),
        "lora_dense": lambda name: dense(name, lora_rank=2),
        "steps_lora": steps(lambda name: dense(name, lora_rank=2)),
        "int8": lambda name: dense(name, dtype="int8_from_float32"),
        "int8_lora": lambda name: dense(name, dtype="int8_from_float32", lora_rank=2),
        "int8_einsum": lambda name: layers.EinsumDense(
            "abcd,de->abce", (None, None, 3), bias_axes="e", dtype="int8_from_float32", name=name
        ),
        "steps_int8": steps(lambda name: dense(name, dtype="int8_from_float32")),
        "int4": lambda name: dense(name, dtype="int4_from_float32"),
        "float8": lambda name: dense(name, dtype="float8_from_float32"),
    }
    return found
