"""The four programs of the pipe, found in CLASSES_BIN_DIR or on the PATH."""

import csv
import json
import os
import subprocess
from functools import cache


class CampaignError(Exception):
    """Something of the user's that cannot be worked with: one line, and perhaps a hint."""

    def __init__(self, message, hint=""):
        super().__init__(f"{message}\n  hint: {hint}" if hint else message)


def on_path():
    """Puts CLASSES_BIN_DIR, if it is set, first on the PATH of this process and its children."""
    given = os.environ.get("CLASSES_BIN_DIR")
    folders = os.environ["PATH"].split(os.pathsep)
    if given and given not in folders:
        os.environ["PATH"] = os.pathsep.join([os.path.abspath(given), *folders])


def call(*arguments, stdin=None):
    """What a program prints; its own error line where it fails."""
    try:
        done = subprocess.run(arguments, input=stdin, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise CampaignError(
            f"{arguments[0]} is not on the PATH", "cargo install --path . puts it there; or set CLASSES_BIN_DIR"
        ) from None
    if done.returncode:
        raise CampaignError(done.stderr.strip() or f"{arguments[0]} ended with {done.returncode}")
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


@cache
def refusal(model, layers):
    """Why these layers cannot have a simulator; empty where they can."""
    try:
        call("classes-patch", *(part for layer in layers for part in ("--after", layer)), stdin=config(model))
    except CampaignError as error:
        return str(error)
    return ""


@cache
def keras_version(model):
    """The Keras that a model file was written by, 2 or 3: as h5-config-set decides it."""
    try:
        written = call("h5-config-get", "--raw", "--attr", "keras_version", str(model))
    except CampaignError:
        return 2
    return 3 if written.startswith("3") else 2


@cache
def operators(models):
    """{operator: {spatial class: frequency}} of a set of error models."""
    table = csv.DictReader(call("classes-sites", "--list-operators", "--models", models).splitlines(), delimiter="\t")
    found = {}
    for row in table:
        found.setdefault(row["operator"], {})[row["spatial_class"]] = float(row["frequency"])
    return found


@cache
def can_be_drawn(models, operator, shape, spatial_class):
    """Whether a tensor of this shape (height, width, channels) can have a site of this class."""
    try:
        call(
            "classes-sites", "--models", models, "--operator", operator, "--shape", ",".join(map(str, shape)),
            "--spatial-class", spatial_class, "--seed", "0", "--range-min", "0", "--range-max", "1",
        )  # fmt: skip
    except CampaignError:
        return False
    return True
