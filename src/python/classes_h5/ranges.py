"""Golden ranges: between what values each layer's output lies when there is no fault.

    python -m classes_h5.ranges model.h5 images.npy --out ranges.json
    python -m classes_h5.ranges model.h5 photos/ --preprocess resnet50 --out ranges.json

runs the original model on inputs, and writes the smallest and the largest finite value of every layer's output (of rank 2 or more),
over all its calls and tensors, for `classes-sites --ranges ranges.json`. Layers are named as `classes-patch --list` names them.

For a model that is in memory, or has layers of your own:

    from classes_h5.ranges import golden_ranges

    ranges = golden_ranges(model, images)      # {"conv2d": {"min": -1.5, "max": 3.25}, "outer/inner": ...}

Works in Keras 3, on TensorFlow, JAX and PyTorch, and in Keras 2. A folder of images needs Pillow.
"""

import argparse
import json
import os
import sys
import tempfile
import warnings
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

import numpy as np

from classes_h5 import filters
from classes_h5.digest import sha256
from classes_h5.files import Refused, input_names, keras_for, loaded
from classes_h5.inputs import batches, checked, preprocessing, read_inputs, scale
from classes_h5.keras_internals import flatten_inputs, graph_of, origin
from classes_h5.tensors import backend_of, tensors_of


def golden_ranges(model, inputs, batch_size=32, progress=None, activations=None):
    """The range of each layer's output: {"conv2d": {"min": ..., "max": ...}, "outer/inner": ...}.

    Layers with an output of rank 2 or more, over all their calls and tensors, and of finite values only; a warning tells of others.
    What a layer gives an activation that it applies itself is there as `before_activation`, beside the activation's name.

    inputs: an array, or of several inputs a list in the model's order or a dict by name. Whatever has a shape and gives an
    array for a slice will do: it need not be in memory. `progress(done, all)` is called after each batch. `activations`:
    {layer: the name of the activation that it applies itself}; None asks classes-patch about the model's own config.
    """
    graph = graph_of(model)
    if graph is None:
        raise Refused("the model is no graph of layers: it is a class of its own, or not built yet")
    inputs = checked(graph, inputs)
    # An activation that is a layer of its own cannot be split off.
    layers_themselves = {name for name, layer in layers_of(graph) if hasattr(getattr(layer, "activation", None), "get_config")}
    activations = activations_of(model) if activations is None else activations
    activations = {name: function for name, function in activations.items() if name not in layers_themselves}
    ranges_of = range_function(graph, activations)
    found: dict = {}
    for done, batch in batches(graph, inputs, batch_size):
        for key, rows in ranges_of(batch).items():
            found.setdefault(key, []).append(np.asarray(rows))
        if progress:
            progress(done, len(inputs[0]))
    layers = {}
    for name, _ in layers_of(graph):
        output = merged(name, found.get((name, OUTPUT)))
        inside = merged(f"{name} before its activation", found.get((name, BEFORE)))
        if output:
            fused = {"activation": activations[name], "before_activation": inside} if inside else {}
            layers[name] = {**output, **fused}
    return layers


def ranges_in_file(path, model, inputs, batch_size, progress=None):
    """The golden ranges of the layers that a file has; `model` is what was loaded from it."""
    config = filters.call("h5-config-get", path)
    layers = golden_ranges(model, inputs, batch_size, progress, filters.fused_activations(config))
    for name in inputs_made_by_loading(model, json.loads(config)):
        layers.pop(name, None)
    return layers


# Listening to layers

OUTPUT, BEFORE = "output", "before its activation"
LEAST_RANK = 2  # a batch, and cells


def layers_of(graph, prefix=""):
    """(name, layer) of all layers and operations of a graph; after a nested model what is in it, as outer/inner."""
    # Keras 2 does not count the input of a Sequential among its layers.
    inputs = [origin(tensor)[0] for tensor in graph.inputs]
    others = [layer for layer in getattr(graph, "operations", graph.layers) if layer not in inputs]
    for layer in inputs + others:
        yield prefix + layer.name, layer
        if inner := graph_of(layer):
            yield from layers_of(inner, f"{prefix}{layer.name}/")


def graphs_of(graph, prefix=""):
    """(prefix of the names in it, graph) of a graph and of all that nest in it."""
    yield prefix, graph
    for layer in graph.layers:
        if inner := graph_of(layer):
            yield from graphs_of(inner, f"{prefix}{layer.name}/")


def activations_of(model):
    """The activations that layers of a model in memory apply themselves, as its config has them."""
    try:
        config = model.to_json()
    except Exception as error:  # whatever a layer that cannot be saved raises
        warnings.warn(f"values before activations are left out: the model has no config: {error}", RuntimeWarning, stacklevel=3)
        return {}
    return filters.fused_activations(config)


@contextmanager
def listening(graph, activations, hear, turn):
    """While this lasts, `hear(name, what, tensors)` is told what every layer puts out and what goes into fused activations. Each
    call of a layer is made within a context that `turn()` gives."""
    with ExitStack() as stack:
        for name, layer in layers_of(graph):
            stack.enter_context(replaced(layer, "call", told_after(layer.call, hear, name, turn)))
            if name in activations:
                stack.enter_context(replaced(layer, "activation", told_before(layer.activation, hear, name)))
        # Input layers are not called: they put out what their model is called with.
        for prefix, inner in graphs_of(graph):
            names = [prefix + name for name in input_names(inner)]
            stack.enter_context(replaced(inner, "call", told_inputs(inner, hear, names)))
        yield


def told_after(call, hear, name, turn):
    def telling(*args, **kwargs):
        with turn():
            outputs = call(*args, **kwargs)
        hear(name, OUTPUT, outputs)
        return outputs

    return telling


def told_before(activation, hear, name):
    def telling(tensor):
        hear(name, BEFORE, tensor)
        return activation(tensor)

    return telling


def told_inputs(graph, hear, names):
    call = graph.call
    flatten = flatten_inputs(graph)

    def telling(inputs, *args, **kwargs):
        for name, tensor in zip(names, flatten(inputs)):
            hear(name, OUTPUT, tensor)
        return call(inputs, *args, **kwargs)

    return telling


@contextmanager
def replaced(thing, attribute, value):
    """Gives an object another attribute for a while, unseen by Keras' own bookkeeping."""
    own = attribute in vars(thing)
    old = getattr(thing, attribute)
    object.__setattr__(thing, attribute, value)
    try:
        yield
    finally:
        if own:
            object.__setattr__(thing, attribute, old)
        else:
            object.__delattr__(thing, attribute)


# Ranges


def range_function(graph, activations):
    """A function of a batch: for each (name, what) a row for each tensor: smallest and largest finite value, how many are not
    finite, rank.

    On TensorFlow it is a graph, which frees an output when all that need it have had it. No layer starts before the rows of those
    before it are made: else outputs would pile up.
    """
    if backend_of(graph) != "tensorflow":
        return ranges_at_once(graph, activations)
    import tensorflow as tf

    def summary(tensor):
        values = tf.cast(tensor, tf.float32)
        finite = tf.math.is_finite(values)
        smallest = tf.reduce_min(tf.where(finite, values, np.inf))
        largest = tf.reduce_max(tf.where(finite, values, -np.inf))
        others = tf.math.count_nonzero(~finite)
        return tf.stack([tf.cast(number, tf.float64) for number in (smallest, largest, others, tf.rank(values))])

    def has_cells(tensor):
        floats = isinstance(tensor, tf.Tensor) and tensor.dtype.is_floating
        return floats and (tensor.shape.rank is None or tensor.shape.rank >= LEAST_RANK)

    @tf.function(reduce_retracing=True)
    def ranges(batch):
        found: dict = {}
        latest: list = []

        @tf.autograph.experimental.do_not_convert
        def hear(name, what, tensors):
            for tensor in filter(has_cells, tf.nest.flatten(tensors)):
                latest[:] = [summary(tensor)]
                found.setdefault((name, what), []).extend(latest)

        with listening(graph, activations, hear, lambda: tf.control_dependencies(latest)):
            graph(batch, training=False)
        return {key: tf.stack(rows) for key, rows in found.items()}

    return ranges


def ranges_at_once(graph, activations):
    """The same on JAX and PyTorch, one operation after the other."""
    import keras

    ops, tensors = keras.ops, tensors_of(graph)

    def summary(tensor):
        values = ops.cast(tensor, "float32")
        finite = ops.isfinite(values)
        smallest = ops.min(ops.where(finite, values, np.float32(np.inf)))
        largest = ops.max(ops.where(finite, values, np.float32(-np.inf)))
        others = ops.sum(ops.cast(ops.logical_not(finite), "int32"))
        return [float(tensors.numpy(number)) for number in (smallest, largest, others)] + [len(tensor.shape)]

    def has_cells(tensor):
        floats = ops.is_tensor(tensor) and keras.backend.is_float_dtype(keras.backend.standardize_dtype(tensor.dtype))
        return floats and len(tensor.shape) >= LEAST_RANK

    def ranges(batch):
        found: dict = {}

        def hear(name, what, outputs):
            found.setdefault((name, what), []).extend(summary(tensor) for tensor in tensors.flatten(outputs) if has_cells(tensor))

        with tensors.inference(), listening(graph, activations, hear, nullcontext):
            graph(batch, training=False)
        return {key: np.array(rows).reshape(-1, 4) for key, rows in found.items()}

    return ranges


def merged(name, batches_of_rows):
    """The range over all rows of tensors with cells; None if they have no finite value."""
    rows = np.concatenate(batches_of_rows or [np.empty((0, 4))])
    rows = rows[rows[:, 3] >= LEAST_RANK]
    if others := int(rows[:, 2].sum()):
        warnings.warn(f"{name}: {others} values are not finite and left out", RuntimeWarning, stacklevel=3)
    smallest, largest = rows[:, 0].min(initial=np.inf), rows[:, 1].max(initial=-np.inf)
    return {"min": plain(smallest), "max": plain(largest)} if smallest <= largest else None


def plain(number):
    """A float32 as the shortest number that reads back to it."""
    return float(str(np.float32(number)))


# The command


def write_whole(path, text):
    """Writes a file that appears whole or not at all."""
    handle, beside = tempfile.mkstemp(prefix=".ranges-", dir=Path(path).resolve().parent)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(beside, 0o666 & ~umask)
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise


def pair(text):
    height, width = (int(part) for part in text.split(","))
    return height, width


def arguments(args):
    parser = argparse.ArgumentParser(prog="ranges", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="the original model (.h5, .keras or a folder)")
    parser.add_argument(
        "inputs",
        nargs="+",
        help="FILE.npy, FILE.npz:KEY, or a folder of images; of several inputs one each, in the model's order or as NAME=FILE",
    )
    parser.add_argument("--out", default="-", metavar="FILE", help="the file to write, whole or not at all [default: stdout]")
    parser.add_argument("--keras", choices=("auto", "2", "3"), default="auto", help="[default: auto, the one that wrote MODEL]")
    parser.add_argument("--batch-size", type=int, default=32, metavar="N", help="[default: 32]")
    parser.add_argument("--size", type=pair, metavar="HEIGHT,WIDTH", help="of images, where the model takes any size")
    parser.add_argument("--scale", type=scale, metavar="X", help="multiply the inputs, by 1/255 say")
    parser.add_argument("--preprocess", metavar="NAME", help="preprocess_input of this module of keras.applications, resnet50 say")
    options = parser.parse_args(args)
    if options.batch_size < 1:
        parser.error("--batch-size must be at least 1")
    if options.scale and options.preprocess:
        parser.error("--scale and --preprocess are one too many")
    return options


def inputs_made_by_loading(model, config):
    """The input layers that a Sequential gets where its file has none, so that no range of theirs is of a layer in the file."""
    saved = set(layers_in(config))
    return {prefix + name for prefix, graph in graphs_of(graph_of(model)) for name in input_names(graph)} - saved


def layers_in(config, prefix=""):
    """The names of all layers of a model's config."""
    inside = config["config"]
    for layer in inside if isinstance(inside, list) else inside["layers"]:
        name = prefix + (layer.get("name") or layer["config"]["name"])
        yield name
        if isinstance(layer["config"], list) or "layers" in layer["config"]:
            yield from layers_in(layer, f"{name}/")


def show_progress(done, count):
    if sys.stderr.isatty():
        print(f"\rranges: {done} of {count}", end="\n" if done == count else "", file=sys.stderr, flush=True)


def say(text):
    print(f"ranges: {text}", file=sys.stderr)


def main(args=None):
    options = arguments(args)
    warnings.showwarning = lambda message, category, *rest: say(message) if category is RuntimeWarning else None
    try:
        keras = keras_for(options.model, options.keras)
        model = loaded(options.model, keras)
        prepare = preprocessing(options.preprocess, keras) if options.preprocess else options.scale
        inputs = read_inputs(options.inputs, keras, model, prepare, options.size)
        layers = ranges_in_file(options.model, model, inputs, options.batch_size, show_progress)
        report = {
            "layers": layers,
            "model_sha256": sha256(options.model),
            "inputs": len(next(iter(inputs.values()))),
            "keras": keras.__version__,
        }
        text = json.dumps(report, indent=2) + "\n"
        if options.out == "-":
            sys.stdout.write(text)
        else:
            write_whole(options.out, text)
    except (Refused, filters.FilterError, OSError) as error:
        say(error)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
