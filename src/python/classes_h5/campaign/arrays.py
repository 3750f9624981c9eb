"""The inputs and labels of a campaign: whether they fit the model, and what a reader of its figures must know of them."""

import json

import numpy as np

from classes_h5.campaign.errors import CampaignError
from classes_h5.files import Refused
from classes_h5.inputs import array_from

CHUNK = 2**24  # numbers looked at at once


def opened(key, given):
    """The array of a file of the user's."""
    try:
        return array_from(f"{given.file}:{given.array}" if given.array else str(given.file))
    except Refused as error:
        raise CampaignError(f"{key}: {error}") from None


def check_labels(labels, count, classes=None):
    """Refuses labels that are not those of so many inputs, or beyond so many classes; None: not known."""
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise ValueError(f"must be {count} whole numbers, one for each input, are {labels.dtype} of shape {labels.shape}")
    if labels.min() < 0:
        raise ValueError(f"must be classes counted from 0, the least is {labels.min()}")
    if classes and labels.max() >= classes:
        raise ValueError(f"are from {labels.min()} to {labels.max()}, the network has classes 0 to {classes - 1}")


def check_inputs(inputs, name, shape):
    """Refuses inputs that are no batch of numbers, or not of the shape that the model takes; None: it does not say."""
    if inputs.ndim < 2 or not len(inputs) or inputs.dtype.kind not in "biuf":
        raise ValueError(f"must be numbers of shape (n, ...), are {inputs.dtype} of shape {inputs.shape}")
    if shape is None or fits(inputs.shape[1:], shape):
        return
    hint = ""
    moved = tuple(inputs.shape[2:]) + tuple(inputs.shape[1:2])
    if len(moved) > 1 and fits(moved, shape):
        hint = "the channels are first there: numpy.moveaxis(inputs, 1, -1) puts them last"
    elif fits(inputs.shape, shape):
        hint = "one input alone is a batch of one: inputs[None]"
    wanted = ", ".join("any" if size is None else str(size) for size in shape)
    raise CampaignError(f"inputs: each has shape {inputs.shape[1:]}, '{name}' of the model takes ({wanted})", hint)


def fits(shape, wanted):
    return len(shape) == len(wanted) and all(own in (None, size) for own, size in zip(wanted, shape))


def notes(name, inputs):
    """Sentences on what is odd with inputs."""
    found = []
    if inputs.dtype == np.uint8:
        found.append(
            f"{name} are whole numbers from {inputs.min()} to {inputs.max()} (uint8) and go to the model as they are: "
            "right only if it was trained on such"
        )
    if inputs.dtype.kind == "f" and (odd := not_finite(inputs)):
        found.append(f"{name}: {len(odd)} of {len(inputs)} hold NaN or infinity, the first is number {odd[0]}")
    return found


def not_finite(inputs):
    """The places of the inputs that hold what is not finite."""
    step = max(1, CHUNK * len(inputs) // inputs.size)
    found = []
    for start in range(0, len(inputs), step):
        part = np.asarray(inputs[start : start + step])
        found += (start + np.flatnonzero(~np.isfinite(part).reshape(len(part), -1).all(axis=1))).tolist()
    return found


# What a model takes and gives, from its config


def model_inputs(config):
    """{input: its shape without the batch axis, None for an axis of any size}; the shape is None where the config does not say."""
    config = json.loads(config)["config"]
    layers = {name_of(layer): layer for layer in layers_of(config)}  # a list: a Sequential of Keras 1 and the first of Keras 2
    if "input_layers" in config:
        return {name: shape_of(layers[name]) for name in references(config["input_layers"])}
    first = next(iter(layers), None)
    return {first: shape_of(layers[first])} if first else {}


def model_outputs(config):
    """The layers that the outputs come from."""
    config = json.loads(config)["config"]
    if isinstance(config, dict) and "output_layers" in config:
        return references(config["output_layers"])
    return [name_of(layer) for layer in layers_of(config)[-1:]]


def layers_of(config):
    return config if isinstance(config, list) else config.get("layers", [])


def model_classes(config):
    """How many classes the network tells apart, where a Dense layer puts out a score for each; else None."""
    outputs = model_outputs(config)
    found = {name_of(layer): layer for layer in layers_of(json.loads(config)["config"])}
    layer = found.get(outputs[0]) if len(outputs) == 1 else None
    units = layer["config"].get("units") if layer and layer["class_name"] == "Dense" else None
    return units if isinstance(units, int) and units > 1 else None


def name_of(layer):
    return layer.get("name") or layer["config"].get("name", "")


def references(node):
    """The names of the layers that a structure of references [name, call, place] leads to."""
    if isinstance(node, dict):
        node = list(node.values())
    if node and isinstance(node[0], str):
        return [node[0]]
    return [name for inner in node for name in references(inner)]


def shape_of(layer):
    given = layer["config"]
    shape = (given.get("batch_shape") or given.get("batch_input_shape")) if isinstance(given, dict) else None
    return tuple(shape[1:]) if shape else None
