"""One model with a simulator behind every layer of a campaign: loaded once, it serves all of them."""

import json
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from classes_h5 import filters
from classes_h5.cut import layer_before, simulators
from classes_h5.runner import PlayError, load
from classes_h5.tensors import backend_of

# What stands in a patched config where sites belong, and one site that no prediction meets.
FILLED = {'"INJ_SITES"': '[{"index":[0],"value":[0]}]', '"MASKS"': "[]", '"NUM_INJECTION_SITES"': "1"}


class Joint:
    """The model; for each layer the simulator behind it, and how far apart its cells lie there along each axis."""

    def __init__(self, model_file, layers, split, keras, beside):
        """layers: {name: its shape, as site lines have it}. split: those whose activation is split off. beside: the path of a file
        that is written and removed again, with the suffix of the model's."""
        config = patched(filters.config(model_file), layers, split)
        filled = config
        for placeholder, site in FILLED.items():
            filled = filled.replace(placeholder, site)
        self._load(model_file, filled, keras, beside)
        self.strides = {name: row_major(sizes(shape)) for name, shape in layers.items()}
        if "channels_first" in config:
            self._probe(model_file, config, layers, keras, beside)

    def _load(self, model_file, config, keras, beside, *flags):
        try:
            filters.call("h5-config-set", str(model_file), str(beside), "--keras", str(keras), "--force", *flags, stdin=config)
            self.model = load(beside, str(keras))
            needs_tensorflow(self.model)
        finally:
            Path(beside).unlink(missing_ok=True)
        self.paths = {layer_before(found): found for found in simulators(self.model)}
        self.gates = {name: found.layer for name, found in self.paths.items()}

    def _probe(self, model_file, config, layers, keras, beside):
        """Learns the strides from where h5-config-set puts cells that are a step away from the first."""
        flags = ["--sparse"]
        with ExitStack() as stack:
            for number, (name, shape) in enumerate(layers.items()):
                probe = Path(f"{beside}.{number}")
                stack.callback(probe.unlink, missing_ok=True)
                probe.write_text(json.dumps({"shape": shape, "cells": list(steps(shape))}) + "\n")
                flags += ["--sites", f"{self.paths[name].path}={probe}"]
            self._load(model_file, config, keras, beside, *flags)
        for name, strides in self.strides.items():
            index, value, _ = self.gates[name].injection_sites.sites[0]
            strides[value.astype(int)] = index


def needs_tensorflow(model):
    """Refuses other backends: what a campaign's results rest on does not tell of them yet."""
    if backend_of(model) != "tensorflow":
        raise PlayError(f"Keras 3 runs on {backend_of(model)}, campaigns need TensorFlow: set KERAS_BACKEND=tensorflow")


def patched(config, layers, split):
    """A config with a simulator behind each layer."""
    for flags, names in (["--split-activation"], split), ([], [name for name in layers if name not in split]):
        if names:
            after = [word for name in names for word in ("--after", name)]
            config = filters.call("classes-patch", "--apply", *flags, *after, stdin=config)
    return config


def sizes(shape):
    return [shape[axis] for axis in "hwc"] if isinstance(shape, dict) else shape


def row_major(axes):
    return np.cumprod([1, *axes[:0:-1]], dtype=np.int64)[::-1].copy()


def steps(shape):
    """A cell one step along each axis that is longer than one, its value the axis; of a single cell that one."""
    axes = sizes(shape)
    found = [[int(axis == other) for other in range(len(axes))] for axis in range(len(axes)) if axes[axis] > 1]
    for place in found or [[0] * len(axes)]:
        where = dict(zip("hwc", place)) if isinstance(shape, dict) else {"at": place}
        yield {**where, "value": place.index(1) if 1 in place else 0}
