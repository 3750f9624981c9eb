"""Finds the calls in a model's graph and the simulators among its layers, in Keras 3 and Keras 2."""

from collections import namedtuple

from classes_h5.keras_internals import graph_of, nodes, origin
from classes_h5.tensors import tensors_of

# A simulator: its path in nested models, itself, the model it is in, the layer of the whole model that is or holds it.
Found = namedtuple("Found", "path layer model outermost")
# A layer's call in a graph: the layer, (arguments, keyword arguments), the tensors among them, those it makes.
Call = namedtuple("Call", "layer arguments inputs outputs")


def calls(model):
    """Every call of a layer in the model's graph, in an order in which they can be computed."""
    flatten = tensors_of(model).flatten
    for node in nodes(graph_of(model)):
        outputs = flatten(node.outputs)
        if not node.is_input and hasattr(node, "operation"):  # Keras 3
            yield Call(node.operation, (node.arguments.args, node.arguments.kwargs), node.input_tensors, outputs)
        elif not node.is_input:
            yield Call(node.layer, (node.call_args, node.call_kwargs), node.keras_inputs, outputs)


def key(tensor):
    """The same for two symbolic tensors that are the same output of the same call."""
    layer, call, place = origin(tensor)
    return id(layer), call, place


def simulators(model, path="", outermost=None):
    """All simulators, those in nested models as well; they are known by their class's name."""
    for layer in model.layers:
        found = Found(path + layer.name, layer, model, outermost or layer)
        if type(layer).__name__ == "ErrorSimulator":
            yield found
        elif hasattr(layer, "layers"):
            yield from simulators(layer, found.path + "/", found.outermost)


def times_called(model, simulator):
    """How often one pass through the model calls the simulator."""
    return sum(
        1 if call.layer is simulator else times_called(call.layer, simulator)
        for call in calls(model)
        if call.layer is simulator or hasattr(call.layer, "layers")
    )


def layer_before(found):
    """The path of the layer whose output the simulator corrupts."""
    taken = next(call.inputs[0] for call in calls(found.model) if call.layer is found.layer)
    return found.path.removesuffix(found.layer.name) + origin(taken)[0].name
