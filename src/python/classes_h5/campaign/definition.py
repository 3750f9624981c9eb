"""The campaign that a YAML file describes: checked against the model and its data, and cut into runs and shards."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from classes_h5 import filters
from classes_h5.campaign import settings
from classes_h5.campaign.errors import CampaignError

BASELINE = "single-bit-flip"


@dataclass(frozen=True)
class Layer:
    """A layer to corrupt."""

    name: str  # as classes-patch --list has it
    folder: str  # the name as files bear it: its place in the model, and what of it is safe
    shape: tuple  # height, width, channels
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
    def model_file(self):
        """The error model, where it is the user's own."""
        own = Path(self.models) / f"{self.layer.operator}.json"
        return [str(own)] if own.is_file() else []

    def shards(self, size):
        """first-last of its shards: enlarging a campaign keeps those that are full."""
        return [f"{first:07}-{min(first + size, self.sites):07}" for first in range(0, self.sites, size)]

    def draws(self, first, last):
        """The arguments of classes-sites that draw the sites first to last - 1, a list for each call."""
        common = ["--seed", str(self.seed)]
        if self.models == BASELINE:
            common += ["--single-bit-flip"]
        else:
            common += ["--models", self.models, "--operator", self.layer.operator, "--ranges", "ranges.json"]
        calls = []
        # A class's sites are numbered on from those of the class before, so that a site's number stays its own.
        for number, name in enumerate(self.classes or [None]):
            start, end = (self.sites * n // max(len(self.classes), 1) for n in (number, number + 1))
            start, end = max(start, first), min(end, last)
            if start < end:
                fixed = ["--spatial-class", name] if name else []
                calls.append([*common, *fixed, "--first", str(start), "--count", str(end - start)])
        return calls


@dataclass(frozen=True)
class Given:
    """A file of the user's, or an array in one."""

    file: Path
    array: str = ""

    def is_at(self, place):
        """Whether it is already there, a link to it not counted."""
        ends = [os.path.join(os.path.realpath(path.parent), path.name) for path in (self.file, Path(place))]
        return not self.array and ends[0] == ends[1]


class Campaign:
    """Settings that hold for this model and these data, and what is to be run for them."""

    def __init__(self, given, base=Path()):
        """given: the YAML's mapping. base: the folder that its paths are relative to."""
        filters.on_path()
        self.settings = settings.checked(given, base)
        self.model = self.settings["model"]
        keras = self.settings["keras"]
        self.keras = filters.keras_version(self.model) if keras == "auto" else keras
        self.measured = [models for models in self.settings["sets"] if models != BASELINE]
        self.reweighted = bool(self.measured) and self.settings["classes"] == "equally"
        self._left_out = {}  # {why: layers}
        self.layers = self._layers()
        self.runs = [run for layer in self.layers for models in self.settings["sets"] for run in self._runs(layer, models)]
        if not self.runs:
            raise CampaignError(f"{self.model}: no layer is left to corrupt", "; ".join(self.left_out))
        folders = [run.folder for run in self.runs]
        if len(set(folders)) < len(folders):
            raise CampaignError("sets: two folders have the same name")

    def shards(self):
        """(run, shard) of all, in the order of the table."""
        return [(run, shard) for run in self.runs for shard in run.shards(self.settings["shard"])]

    def given(self):
        """{name in the results' folder: Given} of the user's files."""
        found = {
            "model.h5": Given(self.settings["model"]),
            "inputs.npy": Given(*self.settings["inputs"]),
        }
        if self.settings["labels"]:
            found["labels.npy"] = Given(*self.settings["labels"])
        if self.settings["ranges"] != "golden":
            found["ranges.json"] = Given(self.settings["ranges"])
        if self.settings["weights"] != "macs":
            found["weights.tsv"] = Given(self.settings["weights"])
        if self.settings["outcome"]:
            found["outcome.py"] = Given(self.settings["outcome"][0])
        return found

    def layer(self, folder):
        """The layer whose files are in this folder."""
        return next(layer for layer in self.layers if layer.folder == folder)

    def run(self, folder):
        """The run whose files are in this folder."""
        return next(run for run in self.runs if run.folder == folder)

    def _layers(self):
        targets = filters.targets(self.model)
        given = self.settings["operators"]
        known = {name for models in self.measured for name in filters.operators(models)}
        for name, operator in given.items():
            settings.one_of(name, targets, f"operators: {self.model} has no layer")
            settings.one_of(operator, known, f"operators: {name}: the sets have no operator")
        chosen = targets if self.settings["layers"] == "all" else self.settings["layers"]
        layers, reasons = [], {}
        for name in chosen:
            settings.one_of(name, targets, f"layers: {self.model} has no layer")
            target = targets[name]
            operator = given.get(name) or target["operator"] or ""
            if not target["shape"]:
                reasons[name] = "the shape of its output is not known"
            elif not operator and self.measured:
                reasons[name] = f"no operator is known for {target['class']} (operators: can give one)"
            else:
                folder = f"{list(targets).index(name):03}-{re.sub(r'[^A-Za-z0-9_.-]', '_', name)}"
                layers.append(Layer(name, folder, tuple(target["shape"][axis] for axis in "hwc"), operator))
        if layers and filters.refusal(self.model, tuple(layer.name for layer in layers)):
            for layer in layers:
                if refusal := filters.refusal(self.model, (layer.name,)):
                    reasons[layer.name] = refusal.splitlines()[0].removeprefix("classes-patch: ")
        self._leave_out(reasons)
        return [layer for layer in layers if layer.name not in reasons]

    def _runs(self, layer, models):
        if models != BASELINE and layer.operator not in filters.operators(models):
            self._leave_out({layer.name: f"{Path(models).name} has no {layer.operator}"})
            return []
        classes = ()
        if models != BASELINE and self.settings["classes"] == "equally":
            frequencies = filters.operators(models)[layer.operator]
            classes = tuple(name for name in frequencies if filters.can_be_drawn(models, layer.operator, layer.shape, name))
        return [Run(layer, models, seed, self.settings["sites"], classes) for seed in self.settings["seeds"]]

    def _leave_out(self, reasons):
        """Refuses layers that were asked for by name; of `all` it leaves them out."""
        if reasons and self.settings["layers"] != "all":
            name, reason = next(iter(reasons.items()))
            raise CampaignError(f"layers: '{name}': {reason}")
        for name, reason in reasons.items():
            self._left_out.setdefault(reason, []).append(name)

    @property
    def left_out(self):
        """Sentences: what `layers: all` does not take, and why."""
        return [f"left out, since {reason}: {', '.join(names)}" for reason, names in self._left_out.items()]
