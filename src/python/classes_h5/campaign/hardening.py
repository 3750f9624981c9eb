"""The ranges that a hardened model keeps to, and what it costs.

    python -m classes_h5.campaign.hardening ranges model.h5 images.npy --out clip-ranges.json
    python -m classes_h5.campaign.hardening cost model.h5 hardened.h5 images.npy --labels labels.npy --out hardening.json

Ranges are measured on every other input, from the first; the others are held out, and tell whether clipping changes answers without
any fault.
"""

import argparse
import json
import statistics
import sys
import time

import numpy as np

from classes_h5.campaign.joint import needs_tensorflow
from classes_h5.campaign.tables import write
from classes_h5.campaign.weights import weights
from classes_h5.files import Refused
from classes_h5.filters import FilterError
from classes_h5.inputs import array_from, read_arrays
from classes_h5.judge import classes_of, top
from classes_h5.keras_internals import graph_of
from classes_h5.ranges import layers_of, ranges_in_file
from classes_h5.runner import PlayError, checked, load

RUNS = 30  # of each model, in turns


def measured(path, model, inputs, batch_size):
    """Golden ranges on every other input."""
    return {"layers": ranges_in_file(path, model, [part[::2] for part in inputs], batch_size)}


def cost(before, after, inputs, labels, batch_size, held_out):
    """A dict of what hardening costs: layers, multiply-accumulates, time; answers without faults on these inputs."""
    models = before, after
    outputs = [answers(model, inputs, batch_size) for model in models]
    changed = np.zeros(len(inputs[0]), bool)
    for one, other in zip(*outputs):
        changed |= (one != other).reshape(len(changed), -1).any(axis=1)
    found = {
        "layers": [sum(graph_of(layer) is None for _, layer in layers_of(graph_of(model))) for model in models],
        "macs": [sum(count or 0 for *_, count in weights(model)) for model in models],
        "seconds": times(models, [part[:batch_size] for part in inputs]),
        "held_out": held_out,
        "inputs": len(changed),
        "outputs_changed": int(changed.sum()),
    }
    if classes_of(before) is None:
        return found
    tops = [top(output[0]) for output in outputs]
    found["answers_changed"] = int((tops[0] != tops[1]).sum())
    if labels is not None:
        found["right"] = [int((answer == labels).sum()) for answer in tops]
    return found


def answers(model, inputs, batch_size):
    """What the model puts out, an array for each output."""
    import tensorflow as tf

    parts = []
    for start in range(0, len(inputs[0]), batch_size):
        batch = [np.asarray(part[start : start + batch_size]) for part in inputs]
        outputs = model(batch if len(batch) > 1 else batch[0], training=False)
        parts.append([np.asarray(output) for output in tf.nest.flatten(outputs)])
    return [np.concatenate(output) for output in zip(*parts)]


def times(models, batch):
    """Seconds of a batch through each model, compiled: the median of some runs, in turns."""
    import tensorflow as tf

    batch = [tf.constant(np.asarray(part)) for part in batch]
    given = batch if len(batch) > 1 else batch[0]
    compiled = [tf.function(lambda images, model=model: model(images, training=False)) for model in models]
    found: list = [[], []]
    for turn in range(RUNS + 2):
        for run, times in zip(compiled, found):
            began = time.perf_counter()
            tf.nest.map_structure(lambda output: output.numpy(), run(given))
            if turn > 1:  # the first ones compile
                times.append(time.perf_counter() - began)
    return [round(statistics.median(times), 6) for times in found]


def main(given=None):
    parser = argparse.ArgumentParser(prog="hardening", description=__doc__.partition("\n")[0])
    steps = parser.add_subparsers(dest="step", required=True)
    for step in ("ranges", "cost"):
        add = steps.add_parser(step).add_argument
        add("model", help="the model as it was")
        if step == "cost":
            add("hardened", help="the hardened one")
            add("--labels", metavar="FILE", help="classes of the inputs")
            add("--all", action="store_true", help="the ranges are of other inputs: all of these are held out")
        add("inputs", nargs="+", help="as classes_h5.play takes them")
        add("--keras", choices=("auto", "2", "3"), default="auto", help="[default: what wrote the file]")
        add("--batch-size", type=int, default=64, metavar="N", help="[default: 64]")
        add("--out", metavar="FILE.json", help="[default: stdout]")
    options = parser.parse_args(given)
    try:
        model = load(options.model, options.keras)
        needs_tensorflow(model)
        inputs = read_arrays(options.inputs, model)
        if options.step == "ranges":
            found = measured(options.model, model, checked(model, inputs, None)[0], options.batch_size)
        else:
            inputs, labels = checked(model, inputs, options.labels and array_from(options.labels))
            # Of a single input none is held out.
            chosen = slice(1, None, 2) if len(inputs[0]) > 1 and not options.all else slice(None)
            inputs, labels = [part[chosen] for part in inputs], None if labels is None else labels[chosen]
            held_out = options.all or chosen.start == 1
            found = cost(model, load(options.hardened, options.keras), inputs, labels, options.batch_size, held_out)
        write(json.dumps(found, indent=2) + "\n", options.out)
    except (PlayError, Refused, FilterError) as error:
        return f"hardening: {error}"
    except OSError as error:
        return f"hardening: {options.out}: {error.strerror}"
    return 0


if __name__ == "__main__":
    sys.exit(main())
