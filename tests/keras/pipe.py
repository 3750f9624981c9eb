"""The four programs, as a shell would call them."""

import hashlib
import json
import os
import subprocess
from pathlib import Path

from kerases import ROOT


def program(name):
    """The path of a program: in CLASSES_BIN_DIR, else where cargo puts it."""
    given = os.environ.get("CLASSES_BIN_DIR")
    folders = [given] if given else [ROOT / "target" / "release", ROOT / "target" / "debug"]
    for folder in folders:
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK):
            return path
    raise FileNotFoundError(f"{name}: not in {', '.join(map(str, folders))}: cargo build --release, or set CLASSES_BIN_DIR")


class Failed(Exception):
    """A program ended with another exit code than 0; says why."""


def call(name, *arguments, stdin=""):
    """Runs a program; its stdout."""
    done = subprocess.run(
        [program(name), *map(str, arguments)], input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Failed(f"{name} {' '.join(map(str, arguments))}: exit {done.returncode}: {done.stderr}")
    return done.stdout


def jq(expression, text):
    """Edits JSON as a user would."""
    return subprocess.run(["jq", expression], input=text, capture_output=True, text=True, check=True).stdout


def config_of(model):
    return call("h5-config-get", model)


def targets(config):
    """What can be injected: one dict a layer."""
    return [json.loads(line) for line in call("classes-patch", "--list", "--json", stdin=config).splitlines()]


def patch(config, *options):
    return call("classes-patch", *options, stdin=config)


def simulate(model, out, sites, version, *options, patch_or_config):
    """Writes the model with its simulators filled."""
    call("h5-config-set", model, out, "--sites", sites, "--keras", version, *options, stdin=patch_or_config)


def sizes(shape):
    """The axes of a shape as a list of targets has it: those of an image as height, width, channels."""
    return tuple(shape[axis] for axis in "hwc") if isinstance(shape, dict) else tuple(shape)


def site_line(shape, cells):
    """A site by hand: shape (h, w, c) or of any other rank, cells {place: value}; what JSON cannot say as a string."""
    names = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}

    def placed(cell):
        return dict(zip("hwc", cell)) if len(shape) == 3 else {"at": list(map(int, cell))}

    return json.dumps(
        {
            "shape": dict(zip("hwc", shape)) if len(shape) == 3 else list(shape),
            "cells": [placed(cell) | {"value": names.get(str(value), value)} for cell, value in cells.items()],
        }
    )


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
