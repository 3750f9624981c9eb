"""What the runner and the ranges do with tensors, on TensorFlow (Keras 2 and 3) and on Keras 3's other backends."""

import importlib
import sys
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any

import numpy as np

# How TensorFlow changes a graph's arithmetic: it swaps a ReLU with the pooling behind it, or fuses it with what is before. Either
# loses NaN. Where it can depends on the cuts.
CHANGES = ("remapping", "arithmetic_optimization")


def backend_of(layer):
    """What computes a layer, a model or a graph: "tensorflow", "jax" or "torch"."""
    keras: Any = sys.modules.get("keras")
    if hasattr(keras, "Operation") and isinstance(layer, keras.Operation):
        return keras.backend.backend()
    return "tensorflow"


def tensors_of(layer):
    """The tensors of a layer, a model or a graph: one of the two classes below."""
    return in_graphs() if backend_of(layer) == "tensorflow" else at_once()


class InGraphs:
    """TensorFlow's, with graphs that it compiles."""

    compiles = True

    def __init__(self):
        self.tf = importlib.import_module("tensorflow")
        self.flatten, self.map_structure = self.tf.nest.flatten, self.tf.nest.map_structure
        self.pack, self.constant = self.tf.nest.pack_sequence_as, self.tf.constant

    def given(self, array, dtype):
        return self.tf.cast(array, dtype)

    def rows(self, tensor, places):
        return self.tf.gather(tensor, places)

    def joined(self, tensors):
        return self.tf.concat(tensors, 0)

    def numpy(self, tensor):
        return tensor.numpy()

    def bytes(self, tensor):
        return tensor.shape.num_elements() * tensor.dtype.size

    def retraced(self, function):
        """A function of tensors that is compiled for each kind of them."""
        return self.tf.function(function, reduce_retracing=True, autograph=False)  # no branch in it depends on a tensor

    def compiled(self, function, values, rows):
        """A function of values, each a tensor and its mask, that is compiled for so many rows, None for any number."""
        specs = [tuple(self._spec(part, rows) for part in value) for value in values]
        return self.tf.function(function).get_concrete_function(specs)

    def _spec(self, part, rows):
        return None if part is None else self.tf.TensorSpec([rows, *part.shape[1:]], part.dtype)

    def inference(self):
        """While this lasts nothing is kept for training."""
        return nullcontext()

    @contextmanager
    def unchanged(self):
        """While this lasts the operations of a graph are computed as they are."""
        optimizer = self.tf.config.optimizer
        before = optimizer.get_experimental_options()
        optimizer.set_experimental_options(dict.fromkeys(CHANGES, False))
        try:
            yield
        finally:
            optimizer.set_experimental_options({name: before.get(name, True) for name in CHANGES})


class AtOnce:
    """JAX' and PyTorch's, each operation computed when it is called."""

    compiles = False

    def __init__(self):
        self.keras = importlib.import_module("keras")
        self.flatten, self.map_structure = self.keras.tree.flatten, self.keras.tree.map_structure
        self.pack, self.numpy = self.keras.tree.pack_sequence_as, self.keras.ops.convert_to_numpy
        self.torch = importlib.import_module("torch") if self.keras.backend.backend() == "torch" else None

    def given(self, array, dtype):
        # NumPy knows the smaller types by these names, and has types that a backend may lack.
        name = self.keras.backend.standardize_dtype(dtype)
        array = np.asarray(array).astype("float32" if name == "bfloat16" else name)
        return self.keras.ops.convert_to_tensor(array, name)

    def constant(self, array):
        return array

    def rows(self, tensor, places):
        return tensor[np.asarray(places)]

    def joined(self, tensors):
        return self.keras.ops.concatenate(tensors, axis=0)

    def bytes(self, tensor):
        return tensor.nbytes

    def retraced(self, function):
        return function

    def inference(self):
        return self.torch.no_grad() if self.torch else nullcontext()

    def unchanged(self):
        return nullcontext()


in_graphs, at_once = cache(InGraphs), cache(AtOnce)
