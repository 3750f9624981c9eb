"""Plays injection sites into a faulty model and writes one line a prediction.

    python -m classes_h5.play faulty.h5 --images x.npy --labels y.npy --sites sites.ndjson --out predictions.tsv

Needs h5py and the Keras that the file is for, Keras 3 on TensorFlow, JAX or PyTorch. The module
`runner` does the same from Python and names the columns.
"""

import argparse
import csv
import importlib
import os
import sys
import warnings
from pathlib import Path

from classes_h5.files import Refused
from classes_h5.inputs import array_from, read_arrays
from classes_h5.runner import COLUMNS, CROSSED, ONE, PlayError, PlayWarning, load, one_line, play


def write(table, path):
    """Writes the table as TSV, whole or not at all."""
    folder, name = os.path.split(path)
    part = os.path.join(folder, f".{name}.{os.getpid()}")
    try:
        with open(part, "w", encoding="utf-8", newline="") as file:
            lines = csv.writer(file, delimiter="\t", lineterminator="\n")
            lines.writerow(COLUMNS)
            lines.writerows(zip(*(map(text, table[name]) for name in COLUMNS)))
        os.replace(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def hook(spec):
    """The function that `module:function` names; modules are also sought in the current folder."""
    module, _, function = spec.partition(":")
    if not function:
        raise PlayError(f"--outcome {spec}: must be module:function")
    sys.path.insert(0, os.getcwd())
    try:
        return getattr(importlib.import_module(module), function)
    except Exception as error:
        raise PlayError(f"--outcome {spec}: {one_line(error)}") from error


def number(least):
    """The argument type of whole numbers from `least` on."""

    def read(given):
        value = int(given)
        if value < least:
            raise argparse.ArgumentTypeError(f"must be {least} or more, found {value}")
        return value

    read.__name__ = "whole number"
    return read


def arguments(given):
    parser = argparse.ArgumentParser(
        prog="play",
        description="Play injection sites into a faulty model and write one line a prediction.",
        epilog="Exit codes: 0 done, 1 something about files, layers or content, 2 flags and their values, 130 interrupted.",
    )
    add = parser.add_argument
    add("model", help="the file that h5-config-set wrote")
    add(
        "--images",
        required=True,
        nargs="+",
        metavar="FILE",
        help="the network's inputs, one after the other: .npy or .npz:KEY; of several one each, in order or as NAME=FILE",
    )
    add("--labels", metavar="FILE", help="their classes, integers; .npy or .npz:KEY")
    add("--sites", required=True, metavar="FILE", help="the lines that the model was filled with")
    add("--out", required=True, metavar="FILE.tsv", help="the predictions; appears whole or not at all")
    add("--simulator", metavar="NAME", help="which, if there are several; nested: outer/simulator")
    add("--layer", metavar="NAME", help="what to write as the layer [default: that before the simulator]")
    add("--keras", choices=("auto", "2", "3"), default="auto", help="[default: what wrote the file]")
    add(
        "--design",
        choices=(ONE, CROSSED),
        default=ONE,
        help="each site on one input drawn for it, or on every input [default: one]",
    )
    add("--seed", type=number(0), default=0, metavar="S", help="of the draw of inputs [default: 0]")
    add("--first", type=number(0), default=0, metavar="I", help="the first site to play, by its place [default: 0]")
    add("--count", type=number(1), metavar="N", help="how many [default: all]")
    add("--batch-size", type=number(1), default=32, metavar="N", help="predictions computed at once [default: 32]")
    add("--outcome", metavar="MODULE:FUNCTION", help="a function (golden, faulty, input) -> number, bool or str")
    return parser.parse_args(given)


def show_warning(message, category, *rest):
    if issubclass(category, PlayWarning):
        print(f"play: {message}", file=sys.stderr)


def main(given=None):
    options = arguments(given)
    warnings.showwarning = show_warning
    try:
        outcome = options.outcome and hook(options.outcome)
        labels = options.labels and array_from(options.labels)
        model = load(options.model, options.keras)
        images = read_arrays(options.images, model)
        table = play(
            model,
            options.simulator,
            options.sites,
            images,
            labels,
            layer=options.layer,
            design=options.design,
            seed=options.seed,
            batch_size=options.batch_size,
            outcome=outcome,
            first=options.first,
            count=options.count,
        )
        write(table, options.out)
    except (PlayError, Refused) as error:
        return f"play: {error}"
    except OSError as error:
        return f"play: {options.out}: {error.strerror}"
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
