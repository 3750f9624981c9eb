"""The keys of a campaign's YAML file: what each may be, and what it is where it is not given."""

import difflib
from pathlib import Path

import numpy as np

from classes_h5.campaign.errors import CampaignError

REQUIRED = ("model", "inputs")


def one_of(word, known, what):
    """Refuses a word that is not known, with the nearest that is."""
    if word not in known:
        near = difflib.get_close_matches(str(word), list(known), n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
        raise CampaignError(f"{what} '{word}'", hint)


def without_braces(path):
    """The path, unless Snakemake would take a part of it for a wildcard."""
    if {"{", "}"} & set(str(path)):
        raise ValueError(f"{path}: Snakemake takes no braces in a path")
    return path


class Reader:
    """Reads values; what is wrong with one is a ValueError, which says what it must be."""

    def __init__(self, base):
        self.base = Path(base)

    def path(self, value):
        """A path that is relative to the YAML file."""
        return self.base / text(value)

    def file(self, value):
        path = without_braces(self.path(value))
        if not path.is_file():
            raise ValueError(f"{path}: no such file")
        return path

    def array(self, value):
        """FILE.npy, or FILE.npz:NAME."""
        value, _, name = (text(value), "", "") if self.path(value).is_file() else text(value).rpartition(":")
        if not value:
            raise ValueError(f"{self.path(name)}: no such file")
        return self.file(value), name

    def function(self, value):
        """FILE.py:FUNCTION."""
        file, _, name = text(value).rpartition(":")
        if not file or not name.isidentifier():
            raise ValueError(f"must be FILE.py:FUNCTION, is {value!r}")
        return self.file(file), name

    def models(self, value):
        """A set of error models that is built in, or a folder of them."""
        folder = self.path(value)
        return str(without_braces(folder.resolve())) if folder.is_dir() else text(value)

    def word_or_file(self, word):
        return lambda value: value if value == word else self.file(value)

    def keys(self):
        """{key: (how it is read, what it is where it is not given)}"""
        return {
            "model": (self.file, None),
            "inputs": (self.array, None),
            "labels": (self.array, None),
            "keras": (word("auto", 2, 3), "auto"),
            "layers": (lambda value: value if value == "all" else several(text)(value), "all"),
            "operators": (operators, {}),
            "sets": (several(self.models), ["gpu-warp", "single-bit-flip"]),
            "seeds": (several(natural), [1]),
            "sites": (positive, 1000),
            "shard": (positive, 500),
            "design": (word("one", "crossed"), "one"),
            "classes": (word("by-frequency", "equally"), "by-frequency"),
            "split_activation": (word(True, False), True),
            "ranges": (self.word_or_file("golden"), "golden"),
            "weights": (self.word_or_file("macs"), "macs"),
            "outcome": (self.function, None),
            "batch": (positive, 64),
        }


def text(value):
    if not isinstance(value, str) or not value:
        raise ValueError(f"must be text, is {value!r}")
    return value


def natural(value):
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise ValueError(f"must be a whole number from 0 to 2^53 - 1, is {value!r}")
    return value


def positive(value):
    if natural(value) == 0:
        raise ValueError("must be at least 1")
    return value


def several(one):
    """A list of at least one, none twice."""

    def read(value):
        if not isinstance(value, list) or not value:
            raise ValueError(f"must be a list, as [a, b], is {value!r}")
        found = [one(element) for element in value]
        for element in found:
            if found.count(element) > 1:
                raise ValueError(f"{element!r} is there twice")
        return found

    return read


def word(*words):
    """One of some words, or numbers, or truth values."""

    def read(value):
        if not any(value == known and type(value) is type(known) for known in words):
            raise ValueError(f"must be {' or '.join(map(yaml_word, words))}, is {yaml_word(value)}")
        return value

    return read


def yaml_word(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def operators(value):
    """auto, or an operator for each of some layers."""
    if value == "auto":
        return {}
    if not isinstance(value, dict) or not value:
        raise ValueError(f"must be auto, or a layer and its operator a line, is {value!r}")
    return {text(layer): text(operator) for layer, operator in value.items()}


def checked(given, base):
    """All settings, those not given as well; raises CampaignError for the first that is wrong."""
    keys = Reader(base).keys()
    for key in given:
        one_of(key, keys, "unknown key")
    found = {key: default for key, (_, default) in keys.items()}
    for key, (read, _) in keys.items():
        if given.get(key) is None:
            if key in REQUIRED:
                raise CampaignError(f"{key}: is missing")
            continue
        try:
            found[key] = read(given[key])
        except ValueError as error:
            raise CampaignError(f"{key}: {error}") from None
    check_arrays(found)
    return found


def array(key, settings):
    """The array of `inputs` or `labels`."""
    file, name = settings[key]
    try:
        loaded = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise CampaignError(f"{key}: {file}: is no NumPy file: {error}") from None
    if isinstance(loaded, np.lib.npyio.NpzFile):
        with loaded:
            if name not in loaded.files:
                raise CampaignError(f"{key}: {file}: say which array: {', '.join(f'{file.name}:{own}' for own in loaded.files)}")
            return loaded[name]
    if name:
        raise CampaignError(f"{key}: {file}: holds one array, not '{name}'")
    return loaded


def check_arrays(settings):
    """Refuses inputs that are no batch of numbers, and labels that are not theirs."""
    inputs = array("inputs", settings)
    if inputs.ndim < 2 or not len(inputs) or inputs.dtype.kind not in "biuf":
        raise CampaignError(f"inputs: must be numbers of shape (n, ...), are {inputs.dtype} of shape {inputs.shape}")
    if not settings["labels"]:
        return
    labels = array("labels", settings)
    if labels.shape != inputs.shape[:1] or labels.dtype.kind not in "iu":
        raise CampaignError(
            f"labels: must be {len(inputs)} whole numbers, one for each input, are {labels.dtype} of shape {labels.shape}"
        )
    if labels.min() < 0:
        raise CampaignError(f"labels: must be classes counted from 0, the least is {labels.min()}")
