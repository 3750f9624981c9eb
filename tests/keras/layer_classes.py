"""Every layer class that the two Kerases export: how a layer of it is built, what it puts out, and which weights it saves.

    python layer_classes.py > ../data/keras-classes.tsv

writes what the two say. `test_classes.py` holds the file against them, `tests/classes.rs` our table against the file.
"""

import inspect
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf
from kerases import KERAS
from prove import weight_order

VECTOR, SEQUENCE, IMAGE, VOLUME = (12,), (9, 5), (13, 10, 6), (5, 13, 10, 6)
CLIP = (3, 5, 13, 10, 6)
COLOURS = (13, 10, 3)
BY_RANK = {"1D": SEQUENCE, "2D": IMAGE, "3D": VOLUME}
COLUMNS = ("keras", "class", "entry", "inputs", "outputs", "trained", "kept")

# Not built here.
NOT_BUILT = {
    "AbstractRNNCell": "a base class without a call",
    "DenseFeatures": "takes feature columns, which is no tensor",
    "DynamicEmbedding": "cannot be loaded from a config",
    "DynamicLookup": "cannot be loaded from a config",
    "FlaxLayer": "around a module of Flax",
    "JaxLayer": "around a function of JAX",
    "TFSMLayer": "around a SavedModel",
    "TorchModuleWrapper": "around a module of PyTorch",
}
NOT_BUILT_IN = {
    2: {
        "PreprocessingLayer": "a base class that no file is loaded with",
        "SpectralNormalization": "tf_keras beside a newer TensorFlow cannot build one",
    },
    3: {
        "Equalization": "puts out the very tensor that it takes, with which no functional model can be made",
        "Layer": "a base class without a call",
        "Wrapper": "a base class without a call",
    },
}

# What constructors ask for, by the name of the argument.
REQUIRED = {
    "activation": "relu",
    "cell": lambda k: k.layers.GRUCell(4, name="gru"),
    "cells": lambda k: [k.layers.GRUCell(4, name="gru"), k.layers.LSTMCell(3, name="lstm")],
    "dims": (2, 1),
    "factor": 0.1,
    "filters": 4,
    "height": 5,
    "height_factor": 0.1,
    "input_dim": 20,
    "kernel_size": 2,
    "layer": lambda k: k.layers.Dense(3, name="dense"),
    "layers": lambda k: [k.layers.RandomFlip(name="flip"), k.layers.RandomContrast(0.1, name="contrast")],
    "max_number": 3,
    "n": 4,
    "num_bins": 7,
    "output_dim": 5,
    "output_size": 2,
    "pool_size": 2,
    "rate": 0.1,
    "scale": 2.0,
    "stddev": 0.1,
    "target_shape": (5, 9),
    "units": 4,
    "width": 4,
    "width_factor": 0.1,
}


@dataclass(frozen=True)
class Case:
    """Arguments for a constructor, and the inputs that the layer is called on: a shape, or a shape with a dtype."""

    arguments: dict
    inputs: tuple = ()
    # one: a tensor; listed: a list of them; apart: an argument each; cell: a tensor and a list of states.
    call: str = "one"


def built(*inputs, call="one", **arguments):
    return Case(arguments, inputs, call)


TWO = (IMAGE, IMAGE)
WORDS = (((), "string"),)
# By class: what is to be built beside the arguments asked for and the input that the class's name tells.
CASES = {
    "Activation": [built(), built(activation="linear")],
    "Attention": [
        built(*[SEQUENCE] * 2, call="listed", **arguments)
        for arguments in ({}, {"use_scale": True}, {"score_mode": "concat"})
    ],
    "AdditiveAttention": [built(*[SEQUENCE] * 2, call="listed", use_scale=scale) for scale in (True, False)],
    "BatchNormalization": [built(), built(scale=False), built(center=False), built(renorm=True)],
    "Bidirectional": [
        built(layer=lambda k: k.layers.LSTM(4, name="lstm")),
        built(layer=lambda k: k.layers.GRU(4, return_sequences=True, name="gru"), merge_mode="sum"),
    ],
    "CategoryEncoding": [built((4,), num_tokens=20)],
    "Discretization": [built(bin_boundaries=[0.0, 1.0])],
    "Dot": [built(SEQUENCE, SEQUENCE, call="listed", axes=1)],
    "EinsumDense": [
        built(equation="abc,cd->abd", output_shape=(9, 4)),
        built(equation="abc,cd->abd", output_shape=(9, 4), bias_axes="d"),
    ],
    "Embedding": [built((4,))],
    "Flatten": [built(IMAGE)],
    "GroupNormalization": [built(groups=2), built(groups=3, scale=False), built(groups=3, center=False)],
    "GroupedQueryAttention": [
        built(SEQUENCE, SEQUENCE, call="apart", head_dim=3, num_query_heads=2, num_key_value_heads=1)
    ],
    "HashedCrossing": [built(*[((1,), "int64")] * 2, call="listed")],
    "Hashing": [built(((4,), "int64"))],
    "InputLayer": [],
    "IntegerLookup": [
        built(((4,), "int64"), vocabulary=[3, 5, 7], **weighed)
        for weighed in ({}, {"output_mode": "tf_idf", "idf_weights": [0.5, 0.6, 0.7]})
    ],
    # Keras 3 does not load bytecode unasked, and Keras 2 finds no function by its name.
    "Lambda": [built(function=lambda k: k.activations.relu if k is KERAS[3] else lambda x: x)],
    "LayerNormalization": [built(), built(scale=False), built(center=False), built(rms_scaling=True)],
    "MaxNumBoundingBoxes": [],
    "MelSpectrogram": [built((16000,))],
    "MultiHeadAttention": [built(SEQUENCE, SEQUENCE, call="apart", num_heads=2, key_dim=3)],
    "Normalization": [built(), built(mean=0.5, variance=2.0)],
    "PReLU": [built(), built(shared_axes=[1, 2])],
    "Pipeline": [built(COLOURS)],
    "RandomColorDegeneration": [built(COLOURS)],
    "RandomColorJitter": [built(COLOURS)],
    "RandomGrayscale": [built(COLOURS)],
    "RandomHue": [built(COLOURS)],
    "RandomSaturation": [built(COLOURS)],
    "RandomFourierFeatures": [built(VECTOR), built(VECTOR, trainable=True)],
    "RandomPosterization": [built(factor=4)],
    "RepeatVector": [built(VECTOR)],
    "RNN": [built(), built(cell=lambda k: k.layers.StackedRNNCells([k.layers.GRUCell(4, name="gru"), k.layers.LSTMCell(3, name="lstm")], name="stack"))],
    "ReversibleEmbedding": [built((4,)), built((4,), tie_weights=False)],
    "SpectralNormalization": [built(layer=lambda k: k.layers.Conv2D(4, 2, name="conv"))],
    "STFTSpectrogram": [built((800, 1), mode=mode) for mode in ("log", "real", "imag", "stft")],
    "StringLookup": [built(((4,), "string"), vocabulary=["a", "b"])],
    "SyncBatchNormalization": [built()],
    "TextVectorization": [built(((1,), "string"), vocabulary=["a", "b"])],
    "TimeDistributed": [built(), built(VOLUME, layer=lambda k: k.layers.ReLU(name="relu"))],
    **{name: [built(*TWO, call="listed")] for name in ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract")},
    **{f"ConvLSTM{rank}": [built((3, *shape)), built((3, *shape), use_bias=False)] for rank, shape in BY_RANK.items()},
    **{name: [built((5,), (4,), call="cell"), built((5,), (4,), call="cell", use_bias=False)] for name in ("SimpleRNNCell", "GRUCell")},
    "LSTMCell": [built((5,), (4,), (4,), call="cell"), built((5,), (4,), (4,), call="cell", use_bias=False)],
    "StackedRNNCells": [],
}


def exported(k):
    """The layer classes that a Keras exports, by name, with those of its submodules."""
    found, todo, seen = {}, [k.layers], set()
    while todo:
        module = todo.pop()
        seen.add(module)
        for thing in vars(module).values():
            if inspect.isclass(thing) and issubclass(thing, k.layers.Layer):
                found[thing.__name__] = thing
            elif inspect.ismodule(thing) and thing.__name__.startswith(module.__name__) and thing not in seen:
                todo.append(thing)
    return dict(sorted(found.items()))


def input_of(layer_class):
    """A shape that a layer of the class takes, as far as its name or its family tells."""
    by_rank = [shape for rank, shape in BY_RANK.items() if rank in layer_class.__name__]
    of_sequences = any(f".{family}" in layer_class.__module__ for family in ("rnn", "attention", "reshaping"))
    return (by_rank or [SEQUENCE if of_sequences or layer_class.__name__ == "EinsumDense" else IMAGE])[0]


def cases_of(layer_class):
    """The cases of a class; one without an entry is built with what it asks for, and without a bias if it can be."""
    known = {name for base in layer_class.__mro__ for name in inspect.signature(base.__init__).parameters}
    cases = CASES.get(layer_class.__name__, [built(), built(use_bias=False)])
    return [this for this in cases if known.issuperset(this.arguments)]


def made(k, layer_class, this, name):
    """A layer."""
    parameters = list(inspect.signature(layer_class.__init__).parameters.values())[1:]
    needed = [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    arguments = {**{name: REQUIRED[name] for name in needed if name not in this.arguments}, **this.arguments}
    values = {name: value(k) if callable(value) else value for name, value in arguments.items()}
    layer = layer_class(**values, name=name)
    if hasattr(layer, "value_range"):
        # Keras 3 keeps a list of its own kind there, with which it cannot save a model.
        layer.value_range = tuple(layer.value_range)
    return layer


def input_layer(k, tensors, given):
    """The input of a shape, or of a shape and a dtype; one for all layers that take it."""
    shape, dtype = given if len(given) == 2 and isinstance(given[1], str) else (given, "float32")
    title = "_".join(map(str, (dtype, *shape)))
    if title not in tensors:
        tensors[title] = k.Input(shape, name=title, dtype=dtype)
    return tensors[title]


def branches(version, is_wanted=lambda name: True):
    """A branch for each layer that is wanted: the inputs of them all by name, and each layer with its outputs."""
    k, tensors, found = KERAS[version], {}, []
    for title, layer_class in exported(k).items():
        if title in NOT_BUILT or title in NOT_BUILT_IN[version]:
            continue
        for number, this in enumerate(cases_of(layer_class)):
            name = f"{title}_{number}"
            if not is_wanted(name):
                continue
            layer = made(k, layer_class, this, name)
            inputs = [input_layer(k, tensors, given) for given in this.inputs or (input_of(layer_class),)]
            match this.call:
                case "one":
                    output = layer(inputs[0])
                case "listed":
                    output = layer(inputs)
                case "apart":
                    output = layer(*inputs)
                case "cell":
                    output = layer(inputs[0], inputs[1:])
            found.append((layer, tf.nest.flatten(output)))
    return tensors, found


def slim(value):
    """A config without what no rule asks for, and without the shapes that Keras 3 writes beside its tensors."""
    if isinstance(value, list):
        return [slim(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "__keras_tensor__":
        value = dict(value, config={"keras_history": value["config"]["keras_history"]})
    without = ("_initializer", "_regularizer", "_constraint", "build_config", "build_input_shape", "dtype", "seed", "function")
    return {key: slim(item) for key, item in value.items() if not key.endswith(without)}


def rows(version):
    """What a Keras says of its classes, a line each."""
    k = KERAS[version]
    tensors, found = branches(version)
    model = k.Model(list(tensors.values()), [output for _, outputs in found for output in outputs])
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "all.h5", include_optimizer=False)
        saved = dict(weight_order(Path(folder) / "all.h5"))
    entries = {entry["config"]["name"]: entry for entry in json.loads(model.to_json())["config"]["layers"]}
    for layer, outputs in found:
        inputs = {tensor.name: list(tensor.shape) for tensor in tf.nest.flatten(layer.input)}
        # A file lists what trains before the rest.
        weights = [path.rsplit("/")[-1].split(":")[0] for path in saved.get(layer.name, [])]
        trained = len(layer.trainable_weights)
        shapes = [list(output.shape) for output in outputs]
        facts = (slim(entries[layer.name]), inputs, shapes, weights[:trained], weights[trained:])
        columns = [json.dumps(fact, separators=(",", ":")) for fact in facts]
        yield "\t".join([str(version), type(layer).__name__, *columns])
    for name in exported(k):
        if name in NOT_BUILT or name in NOT_BUILT_IN[version]:
            yield "\t".join([str(version), name, *["null"] * 5])


if __name__ == "__main__":
    # A Lambda's config names the module of its function: this one by its name, whoever runs it.
    import layer_classes

    print(*COLUMNS, sep="\t")
    for version in KERAS:
        print(*layer_classes.rows(version), sep="\n")
