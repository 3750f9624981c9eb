"""Random models in either Keras: branches, skips, shared layers, nested models, several outputs, tensors in keywords.

All tensors are 6x6 with 3 channels, so that weights in the wrong place would load without a word.
"""

import random

import keras.src.ops.numpy
import numpy as np
from kerases import KERAS

SHAPE = (6, 6, 3)


def custom_layers(k):
    """Layers whose calls take keywords, a dict, or return two tensors."""

    class Mix(k.layers.Layer):
        def call(self, first, z=None, b=None):
            return first + 0.5 * (0 if z is None else z) - 0.25 * (0 if b is None else b)

        def compute_output_shape(self, shape, **_):
            return shape

    class MixDict(k.layers.Layer):
        def call(self, tensors):
            return tensors["z"] - 0.5 * tensors["a"]

        def compute_output_shape(self, shapes):
            return shapes["z"]

    class Halves(k.layers.Layer):
        def call(self, tensor):
            return [tensor * 0.5, tensor - 0.5]

        def compute_output_shape(self, shape):
            return [shape, shape]

    return {layer.__name__: layer for layer in (Mix, MixDict, Halves)}


CUSTOM = {version: custom_layers(k) for version, k in KERAS.items()}
# Keras 3 must be told of the op layers in its own files. No Subtract layer is built, so the name is free.
OPERATIONS = {2: {}, 3: {"Subtract": keras.src.ops.numpy.Subtract}}


def custom_objects(version):
    return {**CUSTOM[version], **OPERATIONS[version]}


class Builder:
    """Builds one model; every name in it is used once."""

    def __init__(self, version, seed):
        self.k, self.custom, self.random = KERAS[version], CUSTOM[version], random.Random(seed)
        self.k.utils.set_random_seed(seed)
        self.count = 0

    def name(self, kind):
        self.count += 1
        return f"{self.random.choice('abcxyz')}{self.count}_{kind}"

    def layer(self):
        """One layer with weights, or an activation."""
        layers, name = self.k.layers, self.name
        return self.random.choice(
            [
                lambda: layers.Conv2D(3, 3, padding="same", name=name("conv")),
                lambda: layers.Conv2D(3, 1, use_bias=False, name=name("point")),
                lambda: layers.BatchNormalization(name=name("norm")),
                lambda: layers.DepthwiseConv2D(3, padding="same", name=name("depth")),
                lambda: layers.ReLU(name=name("relu")),
            ]
        )()

    def sequential(self, depth):
        layers = [self.layer() for _ in range(self.random.randint(1, 3))]
        if depth and self.random.random() < 0.3:
            layers.insert(self.random.randint(0, len(layers)), self.functional(depth - 1))
        return self.k.Sequential([self.k.Input(SHAPE), *layers], name=self.name("sequential"))

    def functional(self, depth):
        """A nested model with one input and one output."""
        inputs, tensors = self.grow(depth, steps=self.random.randint(2, 5), inputs=1)
        return self.k.Model(inputs[0], tensors[-1], name=self.name("model"))

    def grow(self, depth, steps, inputs):
        """Input tensors, and all tensors that calls on them made; the last depends on most."""
        inputs = [self.k.Input(SHAPE, name=self.name("input")) for _ in range(inputs)]
        tensors, shared = list(inputs), []
        for _ in range(steps):
            tensors += self.step(depth, tensors, shared)
        if self.random.random() < 0.7:
            tensors.append(self.k.layers.Average(name=self.name("average"))(tensors[-2:]))
        return inputs, tensors

    def pick(self, tensors):
        """A tensor, late ones more often."""
        return tensors[-1 - min(int(self.random.expovariate(0.7)), len(tensors) - 1)]

    def step(self, depth, tensors, shared):
        """The tensors of one more call."""
        one, two = self.pick(tensors), self.pick(tensors)
        chance = self.random.random()
        if depth and chance < 0.15:
            model = self.random.choice([self.functional, self.sequential])(depth - 1)
            shared.append(model)
            return [model(one)]
        if shared and chance < 0.3:
            return [self.random.choice(shared)(one)]
        if chance < 0.4:
            return [self.k.layers.Add(name=self.name("add"))([one, two])]
        if chance < 0.5:
            keywords = self.random.sample(["z", "b"], self.random.randint(0, 2))
            return [self.custom["Mix"](name=self.name("mix"))(one, **{key: self.pick(tensors) for key in keywords})]
        if chance < 0.55:
            return [self.custom["MixDict"](name=self.name("mixdict"))({"z": one, "a": two})]
        if chance < 0.6:
            return list(self.custom["Halves"](name=self.name("halves"))(one))
        if chance < 0.67:
            return [one - two if self.random.random() < 0.5 else 1.0 - one]
        layer = self.layer()
        shared.append(layer)
        return [layer(one)]

    def outputs(self, tensors):
        """One tensor, or several in any structure that a model may return."""
        last, other, third = tensors[-1], self.pick(tensors), self.pick(tensors)
        return self.random.choice(
            [last, last, [last], [last, other], {"z": last, "a": other}, [other, {"q": third, "c": [last]}]]
        )

    def freeze(self, model):
        """Freezes some layers, and some nested models with all that is in them."""
        for layer in model.layers:
            if self.random.random() < 0.15:
                layer.trainable = False
            elif hasattr(layer, "layers"):
                self.freeze(layer)

    def scramble(self, model):
        rng = np.random.default_rng(self.random.randrange(2**32))
        for weight in model.weights:
            low, high = (0.5, 1.5) if "variance" in weight.name else (-0.6, 0.6)
            weight.assign(rng.uniform(low, high, weight.shape).astype("float32"))


def random_model(version, seed):
    """A functional model that depends on the seed alone."""
    builder = Builder(version, seed)
    inputs, tensors = builder.grow(2, steps=builder.random.randint(4, 14), inputs=builder.random.randint(1, 2))
    model = builder.k.Model(inputs if len(inputs) > 1 else inputs[0], builder.outputs(tensors), name="random")
    builder.freeze(model)
    builder.scramble(model)
    return model
