"""Finds the simulators of a model and cuts its graph in two before one of them, in Keras 3 and Keras 2."""

from collections import namedtuple

import tensorflow as tf

# A simulator: its path in nested models, itself, the model it is in, the layer of the whole model that is or holds it.
Found = namedtuple("Found", "path layer model outermost")
# A layer's call: the layer, the tensors it takes, the tensors it makes.
Call = namedtuple("Call", "layer inputs outputs")


def flat(keras, model):
    """The model as a functional one with lists of inputs and outputs, whatever it was; the same layers."""
    return keras.Model(list(model.inputs), list(model.outputs))


def calls(keras, model):
    """Every call of a layer in the model's graph, in an order in which they can be computed."""
    by_depth = flat(keras, model)._nodes_by_depth
    for depth in sorted(by_depth, reverse=True):
        for node in by_depth[depth]:
            if hasattr(node, "operation"):  # Keras 3
                yield Call(node.operation, node.input_tensors, tf.nest.flatten(node.outputs))
            else:
                yield Call(node.layer, node.keras_inputs, tf.nest.flatten(node.outputs))


def key(tensor):
    """The same for two Keras tensors that are the same output of the same call."""
    layer, call, place = tensor._keras_history
    return id(layer), call, place


def simulators(model, path="", outermost=None):
    """All simulators, those in nested models as well. They are known by their class's name."""
    for layer in model.layers:
        found = Found(path + layer.name, layer, model, outermost or layer)
        if type(layer).__name__ == "ErrorSimulator":
            yield found
        elif hasattr(layer, "layers"):
            yield from simulators(layer, found.path + "/", found.outermost)


def times_called(keras, model, simulator):
    """How often one pass through the model calls the simulator."""
    return sum(
        1 if call.layer is simulator else times_called(keras, call.layer, simulator)
        for call in calls(keras, model)
        if call.layer is simulator or hasattr(call.layer, "layers")
    )


def layer_before(keras, found):
    """The path of the layer whose output the simulator corrupts."""
    taken = next(call.inputs[0] for call in calls(keras, found.model) if call.layer is found.layer)
    return found.path.removesuffix(found.layer.name) + taken._keras_history[0].name


def cut(keras, model, layer):
    """(before, after): two models with the same layers, which one after the other compute what the model computes.

    `after` holds the calls of `layer` and all that depends on them, `before` the rest. Between them go the tensors that
    the one makes and the other takes: the layer's input, and what passes by it, such as a skip connection.
    """
    model = flat(keras, model)
    depends, crossing = set(), {}
    for call in calls(keras, model):
        if call.layer is layer or any(key(tensor) in depends for tensor in call.inputs):
            depends.update(key(tensor) for tensor in call.outputs)
            crossing.update((key(tensor), tensor) for tensor in call.inputs if key(tensor) not in depends)
    crossing.update((key(tensor), tensor) for tensor in model.outputs if key(tensor) not in depends)
    between = list(crossing.values())
    # Keras 2 makes no model whose output is its input.
    outputs = [
        tensor if key(tensor) in depends else keras.layers.Activation("linear", dtype=tensor.dtype)(tensor)
        for tensor in model.outputs
    ]
    return keras.Model(model.inputs, between), keras.Model(between, outputs)
