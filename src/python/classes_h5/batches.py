"""Computes the predictions of many faults: what lies before the simulator once an input, what follows in full batches."""

from collections import namedtuple
from functools import lru_cache

import numpy as np
import tensorflow as tf

from classes_h5.cut import cut
from classes_h5.simulator import ErrorSimulatorMode

# pairs: their places among all; golden, faulty: the network's outputs, each with a row a pair; changed: for each pair
# whether the simulator changed a bit.
Batch = namedtuple("Batch", "pairs golden faulty changed")


def play_batches(model, found, images, pairs, size, graph):
    """Yields Batches that hold each of the pairs (site, input) once, in an order of their own.

    Every computation has `size` rows, if need be of padding: so a prediction depends little on which others are made.
    images: an array for each of the network's inputs. graph: compile (tf.function), else compute eagerly.
    """
    before, after = cut(model, found.outermost)
    simulator, dtypes = found.layer, [tensor.dtype for tensor in model.inputs]

    def rest(carried, rows):
        return after([tf.gather(tensor, rows) for tensor in carried])

    if graph:
        before, rest = tf.function(before), tf.function(rest)

    order = np.lexsort((pairs[:, 0], pairs[:, 1]))
    used, rank = np.unique(pairs[:, 1], return_inverse=True)

    @lru_cache(maxsize=2)
    def block(number):
        """Of `size` of the inputs used: the tensors at the cut, the golden outputs."""
        members = used[np.minimum(np.arange(size) + number * size, len(used) - 1)]
        carried = before([tf.cast(part[members], dtype) for part, dtype in zip(images, dtypes)])
        simulator.set_mode(ErrorSimulatorMode.disabled)
        golden = rest(carried, tf.range(size))
        simulator.set_mode(ErrorSimulatorMode.enabled)
        return carried, [tensor.numpy() for tensor in golden]

    at = None
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        if at != rank[batch[0]] // size:
            # A batch meets at most `size` inputs, one rank after the other: two blocks hold them.
            at = rank[batch[0]] // size
            blocks = block(at), block(min(at + 1, (len(used) - 1) // size))
            carried = [tf.concat(tensors, 0) for tensors in zip(*(of for of, _ in blocks))]
            golden = [np.concatenate(arrays) for arrays in zip(*(of for _, of in blocks))]
        padded = np.resize(batch, size)
        rows = rank[padded] - at * size
        simulator.select(pairs[padded, 0])
        faulty = rest(carried, tf.constant(rows, tf.int32))
        yield Batch(
            batch,
            [array[rows[: len(batch)]] for array in golden],
            [tensor.numpy()[: len(batch)] for tensor in faulty],
            simulator.last_changed[: len(batch)],
        )
