"""Computes the predictions of many faults: what lies before a simulator once an input, what follows in batches of faults."""

from collections import namedtuple
from functools import cache
from typing import Any

import numpy as np

from classes_h5.simulator import SparseSites, scatter

# pairs: their places among all; golden, faulty: the network's outputs, each with a row a pair; changed: for each pair
# whether its site changed a bit.
Batch = namedtuple("Batch", "pairs golden faulty changed")

BOUND = 2**30  # bytes of activations that are kept for the inputs
# Rows are padded to a multiple of this: TensorFlow computes what is left over beside full vectors, and a single row, another way.
MULTIPLE = 16


class PlayError(Exception):
    """What cannot be played, in one line."""


class Inputs:
    """What a network makes of its inputs at one gate after the other: computed once, and held for as many inputs as fit the bound.

    images: an array for each of the network's inputs. used: the numbers of those that will be met. size: how many are computed
    at once at most.
    """

    def __init__(self, network, model, images, used, size, bound=BOUND):
        self.network, self.images, self.size = network, images, size
        self.tensors = network.tensors
        self.used = np.unique(used)
        self._dtypes = [tensor.dtype for tensor in model.inputs]
        self._held = min(len(self.used), bound // self._weight())
        self._gate, self._values = None, {}  # where it is, and {key: value} of what is held there
        self._passed: set = set()  # regions
        self._golden: list = []

    def _weight(self):
        """The bytes that an input takes at most: at a gate and at the next one, and its outputs."""
        network, rows = self.network, self.network.rows or 1
        known = self._given(network.inputs, self.used[np.zeros(rows, int)])
        everything = [*known, *(name for region in network.regions for name in region.outputs)]
        made = network.compute(network.regions, known, everything)
        bytes_of = {name: sum(map(self.tensors.bytes, parts(value))) for name, value in made.items()}
        most = max(sum(bytes_of[name] for name in network.entry(gate)) for gate in network.gates)
        return max(1, (2 * most + sum(bytes_of[name] for name in network.outputs)) // rows)

    def first(self, count):
        """What the network is given of so many inputs, or of fewer again."""
        return self._given(self.network.inputs, np.resize(self.used, count))

    def meet(self, gate, numbers):
        """(what is known at a gate of the inputs with these numbers, their golden outputs), each with a row a number."""
        places = np.searchsorted(self.used, numbers)
        if places.max() < self._held:
            self._move_to(gate)
            return self._taken(self._values, self.network.entry(gate), places), [output[places] for output in self._golden]
        distinct, rows = np.unique(numbers, return_inverse=True)
        wanted = self.network.entry(gate)
        regions, own = self.network.way(wanted, {})
        known = self.network.compute(regions, self._given(own, self.padded(distinct)), wanted)
        golden = [self.tensors.numpy(output)[rows] for output in self.network.rest(gate, known)]
        return self._taken(known, wanted, rows), golden

    def _move_to(self, gate):
        if gate is self._gate:
            return
        network, entry = self.network, self.network.entry(gate)
        regions, own = network.way(entry, self._values)
        self._passed |= set(regions)
        made = [*self._values, *(name for region in regions for name in region.outputs)]
        wanted = self._still_needed(made) | set(entry)
        missing = [name for name in wanted if name not in self._values]
        new = self._in_blocks(lambda known: network.compute(regions, known, missing), own)
        self._values = {name: value for name, value in {**self._values, **new}.items() if name in wanted}
        self._gate = gate
        if not self._golden:
            golden = self._in_blocks(lambda known: dict(enumerate((part, None) for part in network.rest(gate, known))), entry)
            self._golden = [self.tensors.numpy(golden[place][0]) for place in range(len(network.outputs))]

    def _still_needed(self, names):
        """Those of some keys that a region takes which is not passed yet."""
        return set(names) & {name for region in self.network.regions if region not in self._passed for name in region.inputs}

    def _in_blocks(self, compute, own):
        """What a function of what is known makes for all inputs that are held. own: the keys that it takes."""
        blocks = []
        for start in range(0, self._held, self.size):
            places = np.arange(start, min(start + self.size, self._held))
            padded = self.padded(places)
            held = [name for name in own if name in self._values]
            known = self._taken(self._values, held, padded)
            known |= self._given([name for name in own if name not in self._values], self.used[padded])
            blocks.append({name: cut(value, len(places)) for name, value in compute(known).items()})
        if len(blocks) == 1:
            return blocks[0]
        return {name: self._joined([block[name] for block in blocks]) for name in blocks[0]}

    def _given(self, names, numbers):
        """The network's own inputs."""
        parts = dict(zip(self.network.inputs, zip(self.images, self._dtypes)))
        return {name: (self.tensors.given(parts[name][0][numbers], parts[name][1]), None) for name in names}

    def padded(self, places):
        """As many as are computed at once."""
        whole = -(-len(places) // MULTIPLE) * MULTIPLE
        return np.resize(places, self.network.rows or min(whole, self.size))

    def _taken(self, values, names, rows):
        """Some rows of values: {key: (tensor, mask)}"""
        take = self.tensors.rows
        return {name: tuple(None if part is None else take(part, rows) for part in values[name]) for name in names}

    def _joined(self, values):
        """The rows of values one below the other."""
        return tuple(None if parts[0] is None else self.tensors.joined(parts) for parts in zip(*values))


def parts(value):
    """The tensor and, if it has one, its mask."""
    return [part for part in value if part is not None]


def cut(value, count):
    """The first rows of a value."""
    return tuple(part if part is None or len(part) == count else part[:count] for part in value)


def play_batches(inputs, gate, sites, pairs):
    """Yields Batches that hold each of the pairs (site, input) once, in an order of their own. sites: as a simulator holds them."""
    network = inputs.network
    inject = Injection(sites, network)
    order = np.lexsort((pairs[:, 0], pairs[:, 1]))
    for start in range(0, len(order), inputs.size):
        batch = order[start : start + inputs.size]
        padded = inputs.padded(batch)
        known, golden = inputs.meet(gate, pairs[padded, 1])
        inject.pick(pairs[padded, 0])
        faulty = network.rest(gate, known, inject)
        rows = len(batch)
        yield Batch(
            batch,
            [array[:rows] for array in golden],
            [network.tensors.numpy(tensor)[:rows] for tensor in faulty],
            inject.changed[:rows],
        )


@cache
def scattering(tensors):
    """`scatter`, compiled once and not for each shard."""
    return tensors.retraced(scatter)


class Injection:
    """Puts the picked sites into a tensor, one into each row; `changed` tells in which rows a bit changed."""

    def __init__(self, sites, network):
        self.tensors = network.tensors
        self.sites, self.changed = sites, np.empty(0, bool)
        self._sparse = isinstance(sites, SparseSites)
        self._inject: Any = scatter if self._sparse else sites.inject
        if network.compiled:
            self._inject = scattering(self.tensors) if self._sparse else self.tensors.retraced(sites.inject)

    def pick(self, sites):
        self._picked = sites

    def __call__(self, tensor):
        try:
            self.sites.check(tensor.shape[1:])
        except ValueError as error:
            raise PlayError(str(error)) from error
        if not self._sparse:
            outputs, changed = self._inject(tensor, self._picked)
            self.changed = np.asarray(changed)
            return outputs
        rows, *cells = self.sites.cells_of(self._picked)
        outputs, changed = self._inject(tensor, *map(self.tensors.constant, (rows, *cells)))
        self.changed = np.bincount(rows[np.asarray(changed)], minlength=len(self._picked)) > 0
        return outputs
