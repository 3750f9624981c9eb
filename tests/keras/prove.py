"""The proof for one target: with a simulator behind it the file loads, and disabled it is the same network bit for bit."""

import copy
import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import h5py
import pipe
import zoo
from kerases import disable, load, run, same_bits, simulators


@dataclass(frozen=True)
class Target:
    """A layer (outer/inner where nested), one of its calls and one of its outputs; None where there is one only."""

    name: str
    node: int | None
    tensor: int | None
    shape: tuple

    def options(self):
        options = ["--after", self.name]
        if self.node is not None:
            options += ["--node", self.node]
        if self.tensor is not None:
            options += ["--tensor", self.tensor]
        return options

    def __str__(self):
        return " ".join(map(str, self.options()[1:]))


def operations(model):
    """All layers of a model and, in Keras 3, its operations that are no layers."""
    return getattr(model, "operations", model.layers)


def is_float(tensor):
    return "float" in str(getattr(tensor.dtype, "name", tensor.dtype))


def used_tensors(model):
    """(layer, tensor index) of all that a layer or the model's outputs take."""
    nodes = [node for layer in operations(model) for node in layer._inbound_nodes if not node.is_input]
    taken = [tensor for node in nodes for tensor in getattr(node, "keras_inputs", None) or node.input_tensors]
    histories = [tensor._keras_history for tensor in [*taken, *model.outputs] if hasattr(tensor, "_keras_history")]
    return {(history[0].name, history.tensor_index) for history in histories}


class Network:
    """A saved model, loaded once, and what it puts out."""

    def __init__(self, path, version, custom_objects=None, channels_first=False):
        self.path, self.version, self.channels_first = path, version, channels_first
        self.custom_objects = custom_objects or {}
        self.model = load(path, version, **self.custom_objects)
        self.inputs = zoo.inputs_for(self.model)
        self.outputs = run(self.model, self.inputs)
        self.config = pipe.config_of(path)

    def saved_as(self, path):
        """The same network in another file, in the container of its ending."""
        self.model.save(path)
        other = copy.copy(self)
        other.path, other.config = path, pipe.config_of(path)
        return other

    def targets(self):
        """Every output of floats of rank 2 or more that something uses, of every call, as Keras has them."""
        return list(self._targets(self.model, json.loads(self.config)["config"], ""))

    def _targets(self, model, config, prefix):
        layers = {layer.get("name") or layer["config"]["name"]: layer for layer in config["layers"]}
        calls = {name: len(layer.get("inbound_nodes", [])) for name, layer in layers.items()}
        nested = {name: layer["config"] for name, layer in layers.items() if "layers" in layer["config"]}
        used = used_tensors(model)
        for layer in operations(model):
            outputs = layer._inbound_nodes[0].outputs
            outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
            for node in range(max(calls[layer.name], 1)):
                for tensor, output in enumerate(outputs):
                    if len(output.shape) >= 2 and is_float(output) and (layer.name, tensor) in used:
                        yield Target(
                            prefix + layer.name,
                            node if calls[layer.name] > 1 else None,
                            tensor if len(outputs) > 1 else None,
                            tuple(output.shape[1:]),
                        )
            if layer.name in nested:
                yield from self._targets(layer, nested[layer.name], f"{prefix}{layer.name}/")

    def named(self, shape):
        """(h, w, c) of an image of this network; of anything else the axes as they stand."""
        return shape[1:] + shape[:1] if self.channels_first and len(shape) == 3 else shape

    def site(self, target):
        """A site in the middle of the places, in every channel, so that no stride can step over it all."""
        shape = self.named(target.shape)
        first = self.channels_first and len(shape) > 3
        *places, channels = (*shape[1:], shape[0]) if first else shape
        middle = itertools.product(*({size // 2, (size - 1) // 2} for size in places))
        cells = {(c, *place) if first else (*place, c): 50.0 + c for place in middle for c in range(channels)}
        return pipe.site_line(shape, cells)

    def insert(self, target, folder, *options):
        """The model with a simulator behind the target, loaded; the file is `faulty` in the folder, with the suffix of the model."""
        sites, out = folder / "site.ndjson", folder / f"faulty{Path(self.path).suffix}"
        sites.write_text(self.site(target))
        patch = pipe.patch(self.config, *target.options())
        options = [*options, "--force", *(["--data-format", "channels_first"] if self.channels_first else [])]
        pipe.simulate(self.path, out, sites, self.version, *options, patch_or_config=patch)
        return load(out, self.version, **self.custom_objects)

    def prove(self, target, folder, *options):
        """Raises what is wrong; else the faulty model, disabled."""
        faulty = self.insert(target, folder, *options)
        assert disable(faulty), "no simulator in the model"
        assert same_bits(run(faulty, self.inputs), self.outputs), "disabled, the outputs differ"
        assert all(len(simulator.last_sites) for simulator in simulators(faulty)), "a simulator is on no way to an output"
        return faulty


def names(holder, attribute):
    """A list of names in an attribute, or in several where it is long."""
    chunks = [attribute] if attribute in holder.attrs else sorted(
        (a for a in holder.attrs if a.startswith(attribute)), key=lambda a: int(a[len(attribute) :])
    )
    return [n if isinstance(n, str) else n.decode() for chunk in chunks for n in holder.attrs[chunk]]


def weight_order(path):
    """Layers that have weights, and the weights of each, in the order in which Keras reads them."""
    with h5py.File(path) as file:
        group = file["model_weights"]
        order = [(layer, names(group[layer], "weight_names")) for layer in names(group, "layer_names")]
    return [(layer, weights) for layer, weights in order if weights]
