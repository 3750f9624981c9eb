"""What a campaign runs: sites of a layer, a set of error models and a seed; and the files that it is given."""

import os
from dataclasses import dataclass
from pathlib import Path

from classes_h5 import filters

BASELINE = "single-bit-flip"


@dataclass(frozen=True)
class Layer:
    """A layer to corrupt."""

    name: str  # as classes-patch --list has it
    folder: str  # the name as files bear it: its place in the model, and what of it is safe
    shape: tuple  # height, width, channels, or the axes of another rank
    operator: str  # whose error models are drawn from; empty where only the baseline is


@dataclass(frozen=True)
class Run:
    """The sites of one layer, one set of error models and one seed: one stream of classes-sites, or one for each class."""

    layer: Layer
    models: str  # what --models takes, or BASELINE
    seed: int
    sites: int
    classes: tuple = ()  # where each spatial class gets equally many sites; else the model's frequencies decide

    @property
    def name(self):
        """The set's name, as site lines have it."""
        return Path(self.models).name

    @property
    def folder(self):
        """Where its files are."""
        return f"{self.layer.folder}/{self.name}/seed-{self.seed}"

    @property
    def operator(self):
        """What the set calls the layer's operator."""
        return name_in(self.models, self.layer.operator)

    @property
    def error_model(self):
        """Its name and a digest of what it says."""
        return BASELINE if self.models == BASELINE else filters.error_models(self.models)[self.operator]

    def shards(self, size):
        """first-last of its shards: enlarging a campaign keeps those that are full."""
        return [f"{first:07}-{min(first + size, self.sites):07}" for first in range(0, self.sites, size)]

    def draws(self, first, last):
        """The arguments of classes-sites that draw the sites first to last - 1, a list for each call."""
        common = ["--seed", str(self.seed)]
        if self.models == BASELINE:
            common += ["--single-bit-flip"]
        else:
            common += ["--models", self.models, "--operator", self.operator, "--ranges", "ranges.json"]
        calls = []
        # A class's sites are numbered on from those of the class before, so that a site's number stays its own.
        for number, name in enumerate(self.classes or [None]):
            start, end = (self.sites * n // max(len(self.classes), 1) for n in (number, number + 1))
            start, end = max(start, first), min(end, last)
            if start < end:
                fixed = ["--spatial-class", name] if name else []
                calls.append([*common, *fixed, "--first", str(start), "--count", str(end - start)])
        return calls


def name_in(models, operator):
    """What a set calls an operator: one that tells no algorithms of convolution apart knows them all as conv."""
    return "conv" if operator.startswith("conv_") and set(filters.operators(models)) == {"conv"} else operator


@dataclass(frozen=True)
class Given:
    """A file of the user's, or an array in one."""

    file: Path
    array: str = ""

    def is_at(self, place):
        """Whether it is already there, a link to it not counted."""
        ends = [os.path.join(os.path.realpath(path.parent), path.name) for path in (self.file, Path(place))]
        return not self.array and ends[0] == ends[1]
