"""The campaign that a YAML file describes: checked against the model and its data, and cut into runs and shards."""

import json
import re
from functools import cached_property
from pathlib import Path

from classes_h5 import filters
from classes_h5.campaign import arrays, basis, settings
from classes_h5.campaign.errors import CampaignError, Mistakes
from classes_h5.campaign.runs import BASELINE, Given, Layer, Run, name_in
from classes_h5.files import backend_set


class Campaign:
    """Settings that hold for this model and these data, and what is to be run for them."""

    def __init__(self, given, base=Path()):
        """given: the YAML's mapping. base: the folder that its paths are relative to. Raises one CampaignError for all mistakes."""
        filters.on_path()
        mistakes = Mistakes()
        self.settings = settings.read(given, base, mistakes)
        self.model = self.settings["model"]
        self.measured = [models for models in self.settings["sets"] if models != BASELINE]
        self.reweighted = bool(self.measured) and self.settings["classes"] == "equally"
        self._left_out = {}  # {why: layers}
        if "model" not in mistakes:
            with mistakes.of("model"):
                wanted = self.settings["keras"]
                if (self.model / "config.json").is_file():
                    hint = "in Python: keras.models.load_model('model').save('model.keras') makes an archive of it"
                    raise CampaignError(f"model: {self.model} is a folder with a model in it, a campaign takes a file", hint)
                self.keras = filters.keras_version(self.model) if wanted == "auto" else wanted
                filters.config(self.model)
                if self.keras == 3 and (backend := backend_set()) != "tensorflow":
                    raise CampaignError(f"Keras 3 runs on {backend}, campaigns need TensorFlow: set KERAS_BACKEND=tensorflow")
        if not self.settings["outcome"] and not {"model", "outcome"} & mistakes.keys():
            self._check_outputs(mistakes)
        if "inputs" not in mistakes:
            self._check_arrays(mistakes)
        if "sets" not in mistakes:
            for models in self.measured:
                with mistakes.of("sets"):
                    filters.operators(models)
        if "model" not in mistakes and "sets" not in mistakes:
            self.layers = self._layers(mistakes)
            pairs = [(layer, models) for layer in self.layers for models in self.settings["sets"]]
            self.runs = [run for pair in pairs for run in self._runs(*pair, mistakes)]
            for name in self.settings["harden"] if isinstance(self.settings["harden"], list) else ():
                with mistakes.of("harden"):
                    settings.one_of(name, filters.targets(self.model), f"harden: {self.model} has no layer")
        mistakes.tell()
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
            self.model_file: Given(self.settings["model"]),
            **{place: Given(*self.settings["inputs"][name]) for name, place in self.inputs.items()},
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

    @property
    def suffix(self):
        """How files of the model's container end, told by what it holds: Keras goes by the name."""
        with open(self.settings["model"], "rb") as file:
            return ".keras" if file.read(4) == b"PK\x03\x04" else ".h5"

    @property
    def model_file(self):
        """The model in the results' folder."""
        return f"model{self.suffix}"

    @property
    def hardens(self):
        """Whether the same faults are played into a hardened model as well."""
        return self.settings["harden"] is not None

    @property
    def clip_ranges(self):
        """The ranges that it is hardened by: the user's, or those of every other input."""
        return "clip-ranges.json" if self.settings["ranges"] == "golden" else "ranges.json"

    def layer(self, folder):
        """The layer whose files are in this folder."""
        return next(layer for layer in self.layers if layer.folder == folder)

    def run(self, folder):
        """The run whose files are in this folder."""
        return next(run for run in self.runs if run.folder == folder)

    @property
    def inputs(self):
        """{input: its file in the results' folder}; of a single input that is not named, its name is empty."""
        names = sorted(self.settings["inputs"])
        if names == [""]:
            return {"": "inputs.npy"}
        return {name: f"inputs-{place}-{safe(name)}.npy" for place, name in enumerate(names)}

    def _check_arrays(self, mistakes):
        """Refuses inputs that do not fit the model, and labels that do not fit the inputs."""
        wanted = arrays.model_inputs(filters.config(self.model)) if "model" not in mistakes else None
        given = self.settings["inputs"]
        counts = {}
        with mistakes.of("inputs"):
            if wanted and not ({""} == set(given) and len(wanted) == 1):
                if {""} == set(given):
                    hint = "give a file for each, a line: NAME: FILE.npy"
                    raise CampaignError(f"inputs: the model takes {len(wanted)}: {', '.join(wanted)}", hint)
                for name in given:
                    settings.one_of(name, wanted, "inputs: the model has no input")
                if missing := [name for name in wanted if name not in given]:
                    raise ValueError(f"{', '.join(missing)} of the model is missing")
        for name in given:
            with mistakes.of("inputs"):
                found = arrays.opened("inputs", Given(*given[name]))
                takes = next(iter(wanted)) if wanted and len(wanted) == 1 else name
                arrays.check_inputs(found, takes, (wanted or {}).get(takes))
                counts[name] = len(found)
        self.number_of_inputs = max(counts.values(), default=0)
        with mistakes.of("inputs"):
            if len(set(counts.values())) > 1:
                told = ", ".join(f"{count} of {name}" for name, count in counts.items())
                raise ValueError(f"as many of each are needed, found {told}")
        if self.settings["labels"] and "inputs" not in mistakes:
            with mistakes.of("labels"):
                labels = arrays.opened("labels", Given(*self.settings["labels"]))
                classes = None if "model" in mistakes else arrays.model_classes(filters.config(self.model))
                arrays.check_labels(labels, next(iter(counts.values())), classes)

    def _check_outputs(self, mistakes):
        """Refuses a network that, as far as its config tells, does not classify, without a function that judges it."""
        outputs = arrays.model_outputs(filters.config(self.model))
        what = f"the model has {len(outputs)} outputs: {', '.join(outputs)}"
        if len(outputs) == 1:
            found = sizes(filters.targets(self.model).get(outputs[0], {}).get("shape") or [])
            if not found or (len(found) == 1 and found[0] > 1):
                return
            what = f"the model's output is {'x'.join(map(str, found))}, not one score for each class"
        with mistakes.of("outcome"):
            raise CampaignError(f"outcome: is missing: {what}", "FILE.py:FUNCTION, a function of (golden, faulty, input)")

    @cached_property
    def notes(self):
        """Sentences on what is odd with what is given, and what is left out."""
        found = list(self.left_out)
        for name, given in self.settings["inputs"].items():
            found += arrays.notes(f"inputs {name}".strip(), arrays.opened("inputs", Given(*given)))
        if others := [layer.name for layer in self.layers if layer.operator and len(layer.shape) != 3 and self.measured]:
            found.append(f"extrapolated from figures of images to outputs that are none: {', '.join(others)}")
        if bare := [layer.name for layer in self.layers if not layer.operator and self.measured]:
            found.append(f"no operator is known, so there are single bit flips alone: {', '.join(bare)}")
        model = None if self.settings["ranges"] == "golden" else ranges_model(self.settings["ranges"])
        if model not in (None, basis.sha256(self.model)):
            found.append(f"ranges: {self.settings['ranges'].name} was measured on another model (SHA-256 {model[:12]}...)")
        return found

    def _layers(self, mistakes):
        targets = filters.targets(self.model)
        given = self.settings["operators"]
        known = {name for models in self.measured for name in filters.operators(models)}
        for name, operator in given.items():
            with mistakes.of("operators"):
                settings.one_of(name, targets, f"operators: {self.model} has no layer")
            with mistakes.of("operators"):
                settings.one_of(operator, known, f"operators: {name}: the sets have no operator")
        asked = self.settings["layers"]
        chosen = targets if asked in settings.WHOLE else asked
        takes_any = asked == "every" and BASELINE in self.settings["sets"]
        layers, reasons = [], {}
        for name in chosen:
            if name not in targets:
                with mistakes.of("layers"):
                    settings.one_of(name, targets, f"layers: {self.model} has no layer")
                continue
            target = targets[name]
            operator = given.get(name) or target["operator"] or ""
            if not target["shape"]:
                reasons[name] = "the shape of its output is not known"
            elif not operator and self.measured and not takes_any:
                reasons[name] = f"no operator is known for {target['class']} (operators: can give one)"
            else:
                folder = f"{list(targets).index(name):03}-{safe(name)}"
                layers.append(Layer(name, folder, sizes(target["shape"]), operator))
        if layers and filters.refusal(self.model, tuple(layer.name for layer in layers)):
            for layer in layers:
                if refusal := filters.refusal(self.model, (layer.name,)):
                    reasons[layer.name] = refusal.splitlines()[0].removeprefix("classes-patch: ")
        self._leave_out(reasons, mistakes)
        return [layer for layer in layers if layer.name not in reasons]

    def _runs(self, layer, models, mistakes):
        if models != BASELINE and not layer.operator:
            return []
        operator = layer.operator if models == BASELINE else name_in(models, layer.operator)
        if models != BASELINE and operator not in filters.operators(models):
            self._leave_out({layer.name: f"{Path(models).name} has no {operator}"}, mistakes)
            return []
        classes = ()
        if models != BASELINE and self.settings["classes"] == "equally":
            frequencies = filters.operators(models)[operator]
            classes = tuple(name for name in frequencies if filters.can_be_drawn(models, operator, layer.shape, name))
        return [Run(layer, models, seed, self.settings["sites"], classes) for seed in self.settings["seeds"]]

    def _leave_out(self, reasons, mistakes):
        """Refuses layers that were asked for by name; of `all` and `every` it leaves them out."""
        for name, reason in reasons.items():
            if self.settings["layers"] in settings.WHOLE:
                self._left_out.setdefault(reason, []).append(name)
            else:
                with mistakes.of("layers"):
                    raise ValueError(f"'{name}': {reason}")

    @property
    def left_out(self):
        """Sentences: what `layers: all` or `every` does not take, and why."""
        return [f"left out, since {reason}: {', '.join(names)}" for reason, names in self._left_out.items()]


def sizes(shape):
    """The axes of a shape as classes-patch lists it, an image's as height, width, channels."""
    return tuple(shape[axis] for axis in "hwc") if isinstance(shape, dict) else tuple(shape)


def safe(name):
    """What of a name is safe in that of a file."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name)


def ranges_model(path):
    """The SHA-256 of the model that golden ranges were measured on; None where the file does not say."""
    try:
        return json.loads(Path(path).read_text()).get("model_sha256")
    except (ValueError, AttributeError):
        return None  # classes-sites tells what is wrong with it
