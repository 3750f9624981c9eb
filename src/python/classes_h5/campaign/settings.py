"""The keys of a campaign's YAML file: what each may be, and what it is where it is not given."""

import ast
import difflib
import re
from pathlib import Path

from classes_h5 import outcomes
from classes_h5.campaign.errors import CampaignError

REQUIRED = ("model", "inputs")
OF_HARDENING = ("nan", "outside")
WHOLE = ("all", "every")  # layers with an operator; those without one as well, for single bit flips
EXPONENT = re.compile(r"\d+(\.\d*)?[eE]\+?\d{1,2}")


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
        """A path that is relative to the YAML file, or to a home directory."""
        return self.base / Path(text(value)).expanduser()

    def model(self, value):
        """Whatever is there: h5-config-get says what is no model."""
        path = without_braces(self.path(value))
        if not path.exists():
            raise ValueError(f"{path}: no such file")
        return path

    def file(self, value):
        path = self.model(value)
        if not path.is_file():
            raise ValueError(f"{path}: is a folder")
        return path

    def array(self, value):
        """FILE.npy, or FILE.npz:NAME."""
        value, _, name = (text(value), "", "") if self.path(value).exists() else text(value).rpartition(":")
        if not value:
            raise ValueError(f"{self.path(name)}: no such file")
        return self.file(value), name

    def arrays(self, value):
        """{"": the array}, or of a model with several inputs {input: array}."""
        if not isinstance(value, dict):
            return {"": self.array(value)}
        if not value:
            raise ValueError("must be a file, or an input of the model and its file a line, is {}")
        return {text(name): self.array(file) for name, file in value.items()}

    def function(self, value):
        """FILE.py:FUNCTION, or one of those that are ready made."""
        file, _, name = text(value).rpartition(":")
        if not file and name in outcomes.READY:
            return Path(outcomes.__file__), name
        if not file or not name.isidentifier():
            raise ValueError(f"must be FILE.py:FUNCTION or one of {', '.join(outcomes.READY)}, is {value!r}")
        found = self.file(file)
        check_function(found, name)
        return found, name

    def models(self, value):
        """A set of error models that is built in, or a folder of them."""
        folder = self.path(value)
        return str(without_braces(folder.resolve())) if folder.is_dir() else text(value)

    def word_or_file(self, word):
        return lambda value: value if value == word else self.file(value)

    def keys(self):
        """{key: (how it is read, what it is where it is not given)}"""
        return {
            "model": (self.model, None),
            "inputs": (self.arrays, None),
            "labels": (self.array, None),
            "keras": (word("auto", 2, 3), "auto"),
            "layers": (lambda value: value if value in WHOLE else several(text)(value), "all"),
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
            "harden": (hardening, None),
            "nan": (word("keep", "zero"), "keep"),
            "outside": (word("saturate", "zero"), "saturate"),
            "batch": (positive, 64),
            "job": (positive, None),
        }


def check_function(file, name):
    """Refuses a Python file without this name at its top level."""
    try:
        body = ast.parse(file.read_bytes()).body
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise ValueError(f"{file}: {f'line {line}: ' if line else ''}{getattr(error, 'msg', error)}") from None
    names = set()
    for part in body:
        names |= {getattr(part, "name", None)}
        names |= {target.id for target in ast.walk(part) if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store)}
        names |= {found.asname or found.name for found in getattr(part, "names", []) if not isinstance(found, str)}
    if not {name, "*"} & names:
        raise ValueError(f"{file}: has no function '{name}'")


def text(value):
    if not isinstance(value, str) or not value:
        raise ValueError(f"must be text, is {value!r}")
    return value


def natural(value):
    """A whole number; 1e3 is one, which YAML takes for a word."""
    if isinstance(value, str) and EXPONENT.fullmatch(value):
        value = float(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise ValueError(f"must be a whole number from 0 to 2^53 - 1, is {value!r}")
    return value


def positive(value):
    number = natural(value)
    if number == 0:
        raise ValueError("must be at least 1")
    return number


def several(one):
    """A list of at least one, none twice."""

    def read(value):
        if not isinstance(value, list) or not value:
            raise ValueError(f"must be a list, as [a, b], is {value!r}")
        found, wrong = [], []
        for element in value:
            try:
                found.append(one(element))
            except ValueError as error:
                wrong.append(str(error))
        wrong += [f"{element!r} is there twice" for element in dict.fromkeys(found) if found.count(element) > 1]
        if wrong:
            raise ValueError("; ".join(wrong))
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


def hardening(value):
    """all, how many of the most fragile layers, or a list of layers."""
    if value == "all":
        return value
    try:
        return several(text)(value) if isinstance(value, list) else positive(value)
    except ValueError as error:
        wanted = f"must be all, a number of layers or a list of them, is {value!r}"
        raise ValueError(str(error) if isinstance(value, list) else wanted) from None


def operators(value):
    """auto, or an operator for each of some layers."""
    if value == "auto":
        return {}
    if not isinstance(value, dict) or not value:
        raise ValueError(f"must be auto, or a layer and its operator a line, is {value!r}")
    return {text(layer): text(operator) for layer, operator in value.items()}


def read(given, base, mistakes):
    """All settings, those not given as well; those that are wrong are as if not given, and among the mistakes."""
    keys = Reader(base).keys()
    for key in given:
        with mistakes.of(key):
            one_of(key, keys, "unknown key")
    found = {key: default for key, (_, default) in keys.items()}
    for key, (read, _) in keys.items():
        with mistakes.of(key):
            if given.get(key) is not None:
                found[key] = read(given[key])
            elif key in REQUIRED:
                raise ValueError("is missing")
    for key in OF_HARDENING:
        with mistakes.of(key):
            if given.get(key) is not None and given.get("harden") is None:
                raise ValueError("goes with harden")
    return found
