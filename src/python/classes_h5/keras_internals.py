"""What Keras keeps to itself, in Keras 3 and Keras 2: all private attributes that this package touches are named here alone."""

import sys


def graph_of(model):
    """The graph of layers in a model, None if it has none: Keras 3 keeps that of a Sequential apart."""
    graph = getattr(model, "_functional", None) or model
    return graph if hasattr(graph, "_nodes_by_depth") else None


def nodes(graph):
    """Every call of a layer in a graph, the model's inputs included, in an order in which they can be computed."""
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        yield from graph._nodes_by_depth[depth]


def origin(tensor):
    """(layer, call, place among the call's outputs) of a symbolic tensor."""
    layer, call, place = tensor._keras_history
    return layer, call, place


def is_symbolic(leaf):
    """Whether this is a tensor of a graph rather than a value."""
    return hasattr(leaf, "_keras_history")


def input_structure(graph):
    """The structure of tensors that a graph is called with."""
    return graph._inputs_struct if hasattr(graph, "_inputs_struct") else graph._nested_inputs


def flatten_inputs(graph):
    """The function by which a graph makes a flat list of what it is called with."""
    return getattr(graph, "_standardize_inputs", None) or graph._flatten_to_reference_inputs


def taken_by(graph):
    """The function by which a graph makes the tensors that it computes with of what it is called with."""
    if hasattr(graph, "_standardize_inputs"):
        return graph._standardize_inputs
    conform = graph._conform_to_reference_input
    return lambda inputs: [conform(part, own) for part, own in zip(graph._flatten_to_reference_inputs(inputs), graph.inputs)]


def mask_of(tensor):
    """What says which parts of a tensor count; None where all do."""
    return getattr(tensor, "_keras_mask", None) if hasattr(tensor, "_keras_mask") else beside("get", tensor)


def set_mask(tensor, mask):
    try:
        tensor._keras_mask = mask
    except AttributeError:
        beside("set", tensor, mask)


def beside(what, *given):
    """Keras 3 keeps the mask of a tensor that takes no attributes, of JAX, in a place of its own."""
    masking = sys.modules.get("keras.src.backend.common.masking")
    return getattr(masking, f"{what}_keras_mask")(*given) if masking else None
