"""Small networks of what is rarely met: attention with scores, stacks of cells, adapted preprocessing, states of random layers in
nested models, models that pass their input through, layers that hold layers in lists, whole models quantized."""

import numpy as np
from kerases import KERAS


def custom_layers(k):
    """Layers that hold others in ways of their own."""

    class Block(k.layers.Layer):
        """Layers in a list and in a dict, one frozen, beside weights of its own of both kinds."""

        def __init__(self, **options):
            super().__init__(**options)
            dense = k.layers.Dense
            self.several = [dense(3, name="one"), dense(3, name="two", trainable=False), k.layers.BatchNormalization(name="three")]
            self.named = {"b": dense(3, name="four"), "a": dense(3, name="five")}

        def get_config(self):
            return super().get_config()

        def build(self, shape):
            for layer in [*self.several, *self.named.values()]:
                layer.build(shape)
            self.limit = self.add_weight(name="limit", shape=(3,), trainable=False)
            self.factor = self.add_weight(name="factor", shape=(3,))
            super().build(shape)

        def call(self, tensor):
            for layer in self.several:
                tensor = layer(tensor)
            return tensor + self.named["b"](tensor) - self.named["a"](tensor) * self.limit + self.factor

        def compute_output_shape(self, shape):
            return shape

    class Holder(k.layers.Layer):
        """A whole model inside."""

        def __init__(self, **options):
            super().__init__(**options)
            row = k.Input((6, 3))
            normal = k.layers.BatchNormalization(name="normal")
            self.inner = k.Model(row, normal(k.layers.Dense(3, name="dense")(row)), name="inner")

        def get_config(self):
            return super().get_config()

        def call(self, tensor):
            return self.inner(tensor)

        def compute_output_shape(self, shape):
            return shape

    return {layer.__name__: layer for layer in (Block, Holder)}


OWN = {version: custom_layers(k) for version, k in KERAS.items()}


def attention(k):
    layers = k.layers
    # Of one length: Keras 3 takes the scores for as many as the words.
    words, others = k.Input((5, 8), name="words"), k.Input((5, 8), name="others")
    query, value = layers.Dense(8, name="query")(words), layers.Dense(8, name="value")(others)
    seen, scores = layers.MultiHeadAttention(2, 4, name="many")(query, value, layers.Dense(8, name="key")(value), return_attention_scores=True)
    added = layers.AdditiveAttention(name="added")([query, value, value])
    ends = [layers.Dense(3, name="end")(layers.Concatenate(name="both")([seen, added])), layers.ReLU(name="scores")(scores)]
    if hasattr(layers, "GroupQueryAttention"):
        ends.append(layers.GroupQueryAttention(4, 4, 2, name="grouped")(query, value))
    return k.Model([words, others], ends)


def cells(k):
    layers = k.layers
    steps = k.Input((5, 4), name="steps")
    stack = layers.StackedRNNCells([layers.LSTMCell(4, name="c1"), layers.GRUCell(3, name="c2"), layers.SimpleRNNCell(4, name="c3")])
    x = layers.RNN(stack, return_sequences=True, name="stack")(steps)
    back = layers.LSTM(3, return_sequences=True, go_backwards=True, activation="relu", name="back")
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True, name="on"), backward_layer=back, name="both_ways")(x)
    x, state, carry = layers.LSTM(4, return_sequences=True, return_state=True, name="encoder")(x)
    x = layers.LSTM(4, return_sequences=True, name="decoder")(x, initial_state=[layers.Dense(4, name="state")(state), carry])
    return k.Model(steps, layers.Dense(2, name="end")(x))


def adapted(k):
    layers = k.layers
    words, sizes = k.Input((3,), dtype="int64", name="words"), k.Input((4,), name="sizes")
    normal = layers.Normalization(name="normal")
    normal.adapt(np.random.default_rng(1).random((9, 4), "float32"))
    looked_up = layers.IntegerLookup(vocabulary=[3, 5, 9], name="look_up")(words)
    x = layers.Flatten(name="flat")(layers.Embedding(5, 4, name="known")(looked_up))
    y = layers.Dense(3, name="dense")(normal(sizes))
    bins = layers.Discretization(bin_boundaries=[0.1, 0.5], name="bins")(sizes)
    z = layers.Flatten(name="flat_bins")(layers.Embedding(4, 2, name="binned")(bins))
    hashed = layers.CategoryEncoding(num_tokens=6, output_mode="multi_hot", name="encoded")(layers.Hashing(6, name="hashed")(words))
    return k.Model([words, sizes], layers.Dense(2, name="end")(layers.Concatenate(name="all")([x, y, z, hashed])))


def random_states(k):
    layers = k.layers
    turned = k.Sequential([k.Input((8, 8, 3)), layers.RandomFlip(seed=1, name="flip"), layers.RandomRotation(0.1, seed=2, name="turn")], name="turned")
    inside = k.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, name="frozen", trainable=False)(layers.Dropout(0.1, name="drop")(inside))
    body = k.Model(inside, layers.Dropout(0.2, name="drop_more")(layers.BatchNormalization(name="normal")(x)), name="body")
    image = k.Input((8, 8, 3), name="image")
    return k.Model(image, layers.Conv2D(2, 1, name="end")(layers.GaussianDropout(0.1, name="noise")(body(turned(image)))))


def passed_through(k):
    layers = k.layers
    image, inside = k.Input((6, 6, 3), name="image"), k.Input((6, 6, 3))
    inner = k.Model(inside, [inside, layers.Conv2D(3, 1, name="conv")(inside)], name="inner")
    return k.Model(image, layers.Add(name="end")(inner(layers.Conv2D(3, 1, name="first")(image))))


def opened_again(k):
    layers = k.layers
    image, inside = k.Input((6, 6, 3), name="image"), k.Input((6, 6, 3))
    x = inside
    for number in range(2):
        x = layers.BatchNormalization(name=f"normal_{number}")(layers.Conv2D(3, 1, name=f"conv_{number}")(x))
    base = k.Model(inside, x, name="base")
    base.trainable = False
    for layer in base.layers[-2:]:
        layer.trainable = True
    return k.Model(image, layers.Conv2D(2, 1, name="end")(base(image)))


def holders(k):
    own = next(OWN[version] for version, each in KERAS.items() if each is k)
    rows, inside = k.Input((6, 3), name="rows"), k.Input((6, 3))
    nested = k.Model(inside, k.layers.Dense(3, name="dense")(own["Block"](name="nested_block")(inside)), name="nested")
    return k.Model(rows, k.layers.Dense(2, name="end")(own["Holder"](name="holder")(own["Block"](name="block")(nested(rows)))))


def quantized(mode):
    def build(k):
        rows, inside = k.Input((6, 8), name="rows"), k.Input((6, 8))
        x = k.layers.Dense(8, name="dense")(inside)
        if mode == "int8":
            x = k.layers.EinsumDense("abc,cd->abd", (None, 8), bias_axes="d", name="einsum")(x)
        nested = k.Model(inside, k.layers.Dense(8, name="last")(x), name="nested")
        model = k.Model(rows, k.layers.Dense(2, name="end")(nested(rows)))
        model.quantize(mode)
        return model

    return build


NETWORKS = {
    "attention": attention,
    "cells": cells,
    "adapted": adapted,
    "random_states": random_states,
    "passed_through": passed_through,
    "opened_again": opened_again,
    "holders": holders,
}
# Keras 2 quantizes nothing.
OF_KERAS_3 = {f"quantized_{mode}": quantized(mode) for mode in ("int8", "int4", "float8")}


def networks(version):
    return {**NETWORKS, **(OF_KERAS_3 if version == 3 else {})}
