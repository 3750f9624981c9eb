"""Reads injection sites from lines, as classes-sites prints them, into the form that a simulator holds."""

import json

import numpy as np

from classes_h5.runner import PlayError
from classes_h5.simulator import SparseSites
from classes_h5.site_lines import site, what


def read_lines(path, axes, strides):
    """([what each site is charged to], SparseSites). axes, strides: the sizes of a layer's output, how far apart its cells lie."""
    charged: list = []
    held: list = []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                found = json.loads(line)
                charged.append(site(found, len(charged)))
                held.append(sparse(found, axes, strides))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise PlayError(f"{path}: line {number}: no injection site: {what(error)}") from error
    return charged, SparseSites(held)


def sparse(line, axes, strides):
    """A site as the layer takes it: the indexes of its cells, with their values or the bits to flip."""
    shape, cells = line["shape"], line["cells"]
    if isinstance(shape, dict):
        places = [(cell["h"], cell["w"], cell["c"]) for cell in cells]
        shape = [shape[axis] for axis in "hwc"]
    else:
        places = [cell["at"] for cell in cells]
    if shape != list(axes):
        raise ValueError(f"its shape is {shape}, that of the layer {list(axes)}")
    index = np.array(places, np.int64) @ strides
    return {"index": index, "value": [cell.get("value") for cell in cells], "bit": [cell.get("bit") for cell in cells]}
