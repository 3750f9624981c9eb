"""The filters of the pipe, called from Python: in CLASSES_BIN_DIR, else installed beside it, else on the PATH."""

import csv
import json
import os
import subprocess
import sys
import sysconfig
from functools import cache

PROGRAMS = ("h5-config-get", "classes-patch", "classes-sites", "h5-config-set")


class FilterError(Exception):
    """What a filter refuses: one line, and perhaps a hint."""

    def __init__(self, message, hint=""):
        super().__init__(f"{message}\n  hint: {hint}" if hint else message)


def folders():
    """Where the filters are sought before the PATH."""
    given = os.environ.get("CLASSES_BIN_DIR")
    return [os.path.abspath(given)] if given else [sysconfig.get_path("scripts")]


def on_path():
    """Puts the filters first on the PATH of this process and its children, and this Python beside them."""
    wanted = list(dict.fromkeys([*folders(), os.path.dirname(sys.executable)]))
    others = [folder for folder in os.environ["PATH"].split(os.pathsep) if folder not in wanted]
    os.environ["PATH"] = os.pathsep.join([*wanted, *others])


def call(*arguments, stdin=None):
    """What a filter prints; its own error line where it fails."""
    on_path()
    try:
        done = subprocess.run(arguments, input=stdin, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise FilterError(
            f"{arguments[0]} is not on the PATH", "pip install classes-h5 puts it there; or set CLASSES_BIN_DIR"
        ) from None
    if done.returncode:
        said = done.stderr.strip().replace("\nhint: ", "\n  hint: ")
        raise FilterError(said or f"{arguments[0]} ended with {done.returncode}")
    return done.stdout


@cache
def config(model):
    """The model's config as text."""
    return call("h5-config-get", str(model))


@cache
def targets(model):
    """What can be injected: {layer: {"shape", "operator", ...}}, in the model's order."""
    lines = call("classes-patch", "--list", "--json", stdin=config(model)).splitlines()
    return {target["name"]: target for target in map(json.loads, lines)}


def fused_activations(config):
    """{layer: the name of the activation that it applies itself, behind what it computes} of a config's text."""
    lines = call("classes-patch", "--list", "--json", stdin=config).splitlines()
    return {target["name"]: target["activation"] for target in map(json.loads, lines) if target["activation"]}


@cache
def refusal(model, layers):
    """Why these layers cannot have a simulator; empty where they can."""
    try:
        call("classes-patch", *(part for layer in layers for part in ("--after", layer)), stdin=config(model))
    except FilterError as error:
        return str(error)
    return ""


def keras_version(model):
    """The Keras that loads a model file, 2 or 3: the one that wrote it."""
    return int(call("h5-config-get", "--keras", str(model)))


@cache
def operators(models):
    """{operator: {spatial class: frequency}} of a set of error models."""
    found: dict[str, dict[str, float]] = {}
    for row in listed(models):
        found.setdefault(row["operator"], {})[row["spatial_class"]] = float(row["frequency"])
    return found


@cache
def error_models(models):
    """{operator: its error model, set/operator@digest} of a set."""
    return {row["operator"]: row["model"] for row in listed(models)}


@cache
def listed(models):
    """The rows of classes-sites --list-operators."""
    return list(csv.DictReader(call("classes-sites", "--list-operators", "--models", models).splitlines(), delimiter="\t"))


@cache
def can_be_drawn(models, operator, shape, spatial_class):
    """Whether a tensor of this shape (height, width, channels) can have a site of this class."""
    try:
        call(
            "classes-sites", "--models", models, "--operator", operator, "--shape", ",".join(map(str, shape)),
            "--spatial-class", spatial_class, "--seed", "0", "--range-min", "0", "--range-max", "1",
        )  # fmt: skip
    except FilterError:
        return False
    return True
