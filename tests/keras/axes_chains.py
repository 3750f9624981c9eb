"""Random chains of layers that move axes, and what the axes of each tensor are, found by running them.

An image whose cells hold their row, one whose cells hold their column and one whose cells hold their channel go through
all layers: an axis along which only the first changes is the height, and so on.

    python axes_chains.py [SEEDS]
"""

import random
import sys
from collections import Counter

import numpy as np
import tensorflow as tf
from kerases import KERAS
from pipe import targets

LAST, FIRST = "channels_last", "channels_first"
HEIGHT, WIDTH, CHANNELS = 8, 6, 4


def readings(images):
    """The (height, width, channels) as which three images can be read, each by its data format; empty if axes are mixed."""
    changes = [[bool(np.any(np.diff(image, axis=axis))) for image in images] for axis in range(3)]
    roles = [change.index(True) if sum(change) == 1 else None for change in changes]
    if any(sum(change) > 1 for change in changes):
        return {}
    formats = {LAST: (0, 1, 2), FIRST: (2, 0, 1)}
    fits = {name: order for name, order in formats.items() if all(role in (None, own) for role, own in zip(roles, order))}
    sizes = images.shape[1:]
    return {name: tuple(sizes[order.index(role)] for role in range(3)) for name, order in fits.items()}


class Tensor:
    """A tensor of the model, and what it is for the three images."""

    def __init__(self, symbolic, images):
        self.symbolic, self.images = symbolic, np.asarray(images)

    @property
    def sizes(self):
        return self.images.shape[1:]

    @property
    def name(self):
        history = self.symbolic._keras_history
        return (history.operation if hasattr(history, "operation") else history.layer).name


class Chains:
    """One model: an image, and tensors that are made of it and of each other."""

    def __init__(self, version, data_format, seed):
        self.k, self.version, self.random, self.nested = KERAS[version], version, random.Random(seed), False
        self.k.backend.clear_session()
        image = (HEIGHT, WIDTH, CHANNELS) if data_format == LAST else (CHANNELS, HEIGHT, WIDTH)
        images = np.indices((HEIGHT, WIDTH, CHANNELS)).astype("float32") + 1
        images = images if data_format == LAST else np.moveaxis(images, -1, 1)
        self.tensors = [Tensor(self.k.Input(image), images)]
        start = self.tensors[0]
        for _ in range(16):
            moves = [self.permute, self.transpose, self.turn, self.reshape, self.restore, self.keep, self.merge, self.merge,
                     self.expand, self.slice, self.reduce, self.stack, self.nest, self.look]
            self.random.choice(moves)(self.random.choice(self.tensors[-4:]))
        # What the image is, some layer tells: the first or the last.
        self.apply(self.window(data_format), start)
        self.model = self.k.Model(start.symbolic, [tensor.symbolic for tensor in self.tensors[1:]])

    def window(self, data_format):
        return self.k.layers.MaxPooling2D(1, data_format=data_format)

    def apply(self, layer, *tensors):
        one = len(tensors) == 1
        made = layer(tensors[0].symbolic if one else [tensor.symbolic for tensor in tensors])
        images = layer(tf.constant(tensors[0].images) if one else [tf.constant(tensor.images) for tensor in tensors])
        self.tensors.append(Tensor(made, images))

    def order(self, rank):
        return self.random.sample(range(1, rank + 1), rank)

    def permute(self, tensor):
        self.apply(self.k.layers.Permute(self.order(len(tensor.sizes))), tensor)

    def transpose(self, tensor):
        order = [0, *self.order(len(tensor.sizes))]
        self.apply(lambda x: tf.transpose(x, order) if self.version == 2 else self.k.ops.transpose(x, order), tensor)

    def turn(self, tensor):
        """Channels from one end to the other."""
        if len(tensor.sizes) == 3:
            self.apply(self.k.layers.Permute(self.random.choice([(3, 1, 2), (2, 3, 1)])), tensor)

    def reshape(self, tensor):
        """Two neighbours become one, one becomes two, or all become others."""
        sizes = list(tensor.sizes)
        axis, chance = self.random.randrange(len(sizes)), self.random.random()
        if chance < 0.4 and axis:
            sizes[axis - 1 : axis + 1] = [sizes[axis - 1] * sizes[axis]]
        elif chance < 0.7:
            factor = self.random.choice([f for f in range(1, sizes[axis] + 1) if sizes[axis] % f == 0])
            sizes[axis : axis + 1] = [factor, sizes[axis] // factor]
        else:
            self.random.shuffle(sizes)
        if len(sizes) < 6:
            self.apply(self.k.layers.Reshape(sizes), tensor)

    def restore(self, tensor):
        """An image again."""
        wanted = self.random.choice([(HEIGHT, WIDTH, CHANNELS), (CHANNELS, HEIGHT, WIDTH)])
        if np.prod(tensor.sizes) == np.prod(wanted):
            self.apply(self.k.layers.Reshape(wanted), tensor)

    def keep(self, tensor):
        layers = self.k.layers
        self.apply(self.random.choice([layers.ReLU, lambda: layers.Dropout(0.1), layers.LeakyReLU])(), tensor)

    def merge(self, tensor):
        other = self.random.choice([other for other in self.tensors if other.sizes == tensor.sizes])
        name = self.random.choice(["Average", "Maximum", "Concatenate"])
        axis = {"axis": self.random.randint(1, len(tensor.sizes))} if name == "Concatenate" else {}
        self.apply(getattr(self.k.layers, name)(**axis), tensor, other)

    def expand(self, tensor):
        new, ones = self.random.randint(1, len(tensor.sizes) + 1), [axis + 1 for axis, size in enumerate(tensor.sizes) if size == 1]
        if ones and self.random.random() < 0.6:
            self.apply(lambda x: tf.squeeze(x, ones[:1]) if self.version == 2 else self.k.ops.squeeze(x, ones[0]), tensor)
        else:
            self.apply(lambda x: tf.expand_dims(x, new) if self.version == 2 else self.k.ops.expand_dims(x, new), tensor)

    def slice(self, tensor):
        axis = self.random.randrange(len(tensor.sizes))
        part = self.random.choice([slice(1, None), slice(None, None, 2), -1])
        if tensor.sizes[axis] > 2:
            self.apply(lambda x: x[(slice(None),) * (axis + 1) + (part,)], tensor)

    def reduce(self, tensor):
        axis, keeps = self.random.randint(1, len(tensor.sizes)), self.random.random() < 0.5
        if self.version == 2:
            self.apply(lambda x: tf.reduce_max(x, axis=axis, keepdims=keeps), tensor)
        else:
            self.apply(lambda x: self.k.ops.max(x, axis=axis, keepdims=keeps), tensor)

    def stack(self, tensor):
        axis = self.random.randint(1, len(tensor.sizes) + 1)
        if len(tensor.sizes) < 4:
            self.apply(lambda x: tf.stack([x, x], axis) if self.version == 2 else self.k.ops.stack([x, x], axis), tensor)

    def nest(self, tensor):
        """A model inside, called twice where it takes what it puts out."""
        if not self.nested and len(tensor.sizes):
            self.nested = True
            inside = self.k.Input(tensor.sizes)
            permuted = self.k.layers.Permute(self.order(len(tensor.sizes)))(self.k.layers.ReLU()(inside))
            model = self.k.Model(inside, permuted)
            self.apply(model, tensor)
            if self.tensors[-1].sizes == tensor.sizes:
                self.apply(model, self.tensors[-1])

    def look(self, tensor):
        """A layer with the data format that the tensor has."""
        formats = readings(tensor.images) if len(tensor.sizes) == 3 else {}
        if formats:
            self.apply(self.window(self.random.choice(list(formats))), tensor)

    def check(self):
        """Counts tensors of rank 4 that are told right, that are unknown and could be told, and those told wrong."""
        told = {row["name"]: row["shape"] for row in targets(self.model.to_json())}
        counts, wrong = Counter(), []
        for tensor in self.tensors:
            if len(tensor.sizes) == 3:
                sizes = told[tensor.name]
                right = readings(tensor.images)
                sizes = sizes and tuple(sizes[axis] for axis in "hwc")
                verdict = ("unknown" if right else "mixed") if sizes is None else "right" if sizes in right.values() else "wrong"
                counts[verdict] += 1
                if verdict == "wrong":
                    wrong.append(f"{tensor.name}: {sizes} instead of one of {right}")
        return counts, wrong


def sweep(version, data_format, seeds):
    total, lines = Counter(), []
    for seed in seeds:
        counts, wrong = Chains(version, data_format, seed).check()
        total += counts
        lines += [f"Keras {version}, {data_format}, seed {seed}: {line}" for line in wrong]
    return total, lines


if __name__ == "__main__":
    seeds = range(int(sys.argv[1]) if sys.argv[1:] else 100)
    for version in KERAS:
        for data_format in (LAST, FIRST):
            total, lines = sweep(version, data_format, seeds)
            print(*lines, f"Keras {version}, {data_format}: {dict(total)}", sep="\n", flush=True)
