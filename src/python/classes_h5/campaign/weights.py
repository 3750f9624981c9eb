"""Multiply-accumulates of each layer for one input, as weights of the network figure in estimates.py.

    python -m classes_h5.campaign.weights lenet.h5 --out weights.tsv

The model may be with or without simulators. Needs what the runner needs, and the extra `campaign`.
"""

import argparse
import sys

import numpy as np

from classes_h5.campaign.tables import write
from classes_h5.cut import calls
from classes_h5.files import input_names
from classes_h5.keras_internals import graph_of
from classes_h5.runner import PlayError, load

COLUMNS = ("layer", "class", "weight")
# Each weight of the kernel is multiplied once at each of these positions.
AT_OUTPUT = ("Dense", "Conv1D", "Conv2D", "Conv3D", "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D")
AT_INPUT = ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")


def weights(model, path=""):
    """[(layer, class, multiply-accumulates)] in the model's order, simulators left out; nested layers are outer/inner.

    Counted are convolutions and dense layers (without the bias) and batch normalization (one an element). Every other
    class is 0, or None where the layer has a matrix of weights all the same (recurrent, attention).
    """
    # A Sequential model does not call its input.
    rows: dict = {path + name: ("InputLayer", 0) for name in input_names(graph_of(model))}
    for call in calls(model):
        kind, name = type(call.layer).__name__, path + call.layer.name
        inner = weights(call.layer, name + "/") if hasattr(call.layer, "layers") else [(name, kind, macs(kind, call))]
        for layer, kind, count in inner:
            if kind != "ErrorSimulator":
                before = rows.get(layer, (kind, 0))[1]
                rows[layer] = kind, None if count is None or before is None else before + count  # a shared layer counts each call
    return [(layer, kind, count) for layer, (kind, count) in rows.items()]


def macs(kind, call):
    kernels = [tuple(weight.shape) for weight in getattr(call.layer, "weights", []) if len(weight.shape) > 1]
    size = sum(int(np.prod(kernel)) for kernel in kernels)
    if kind == "BatchNormalization":
        return elements(call.outputs[0])
    if kind in AT_OUTPUT or kind in AT_INPUT:
        tensor = call.inputs[0] if kind in AT_INPUT else call.outputs[0]
        channels = tensor.shape[1 if getattr(call.layer, "data_format", "") == "channels_first" else -1]
        return size * elements(tensor) // channels
    return None if size and kind not in ("ErrorSimulator", "PReLU") else 0


def elements(tensor):
    """How many numbers one input has there."""
    if None in tensor.shape[1:]:
        raise PlayError(f"a layer's shape is {tuple(tensor.shape)}: unknown before an input is given")
    return int(np.prod(tensor.shape[1:]))


def main(given=None):
    parser = argparse.ArgumentParser(prog="weights", description=__doc__.partition("\n")[0])
    parser.add_argument("model", help="a model file (.h5 or .keras)")
    parser.add_argument("--keras", choices=("auto", "2", "3"), default="auto", help="[default: what wrote the file]")
    parser.add_argument("--out", metavar="FILE.tsv", help="[default: stdout]")
    options = parser.parse_args(given)
    try:
        rows = weights(load(options.model, options.keras))
        lines = [COLUMNS, *((layer, kind, count or 0) for layer, kind, count in rows)]
        write("".join("\t".join(map(str, line)) + "\n" for line in lines), options.out)
    except PlayError as error:
        return f"weights: {error}"
    except OSError as error:
        return f"weights: {options.out}: {error.strerror}"
    for layer, kind, count in rows:
        if count is None:
            print(f"weights: {layer}: {kind} is not counted, its weight is 0", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
