"""A Keras layer that plays recorded soft errors into its input.

Keras 3, or whatever `tf.keras` is (set TF_USE_LEGACY_KERAS=1 to make it Keras 2):

    import keras
    from classes_h5.simulator import ErrorSimulator

    model = keras.models.load_model("faulty.h5", custom_objects={"ErrorSimulator": ErrorSimulator})

Keras 2 beside Keras 3, in one process:

    import tf_keras
    from classes_h5.simulator import error_simulator

    ErrorSimulator = error_simulator(tf_keras)

The layer has the interface of CLASSES' ErrorSimulator. Keras 3 may run on TensorFlow, JAX or PyTorch. This file needs nothing else
of the package that it is in: it can be copied beside a script.
"""

import importlib
import os
import sys
from enum import IntEnum
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

PLACEHOLDERS = ("INJ_SITES", "MASKS", "NUM_INJECTION_SITES")
RANDOM = -1  # a site drawn for each image
NO_SITE = -1  # what an image got while the layer was disabled


class ErrorSimulatorMode(IntEnum):
    disabled = 1
    enabled = 2


class Sites:
    """Sites of one `shape`, that of the layer's output without the batch; None where none is told."""

    shape: tuple[int, ...] | None

    def check(self, shape):
        """Refuses a layer input of another shape; unknown dimensions are None."""
        if self.shape is not None and not fits(shape, self.shape):
            raise ValueError(f"ErrorSimulator: the sites have shape {self.shape}, the input {tuple(shape)}")


def fits(known, shape):
    """Whether what is known of a shape, None for any size, may be this shape."""
    return len(known) == len(shape) and all(size in (None, own) for size, own in zip(known, shape))


class DenseSites(Sites):
    """Whole tensors: `output = input * mask + injection`."""

    def __init__(self, injections, masks):
        self.injections = np.asarray(injections, np.float32)
        self.masks = np.asarray(masks, np.float32)
        if self.injections.ndim < 2 or self.injections.shape != self.masks.shape:
            raise ValueError(
                "ErrorSimulator: available_injection_sites and masks must be lists of equally many arrays"
                f" of one shape, found {self.injections.shape} and {self.masks.shape}"
            )
        self.shape = self.injections.shape[1:]

    def __len__(self):
        return len(self.injections)

    def cell_counts(self):
        return np.count_nonzero(self.masks.reshape(len(self), -1) == 0, axis=1)

    def inject(self, inputs, picked):
        """(outputs, for each image whether a cell of its site changed a bit)"""
        return arithmetic_of(inputs).dense(self, inputs, picked)

    def config(self):
        return numbers(self.injections), numbers(self.masks)


class SparseSites(Sites):
    """Only the cells: flat indexes in the layer's own layout, each with a value or the bit of the float32 to flip.

    cells: the indexes, values and flips of all sites, one site after the other. lengths: how many each site has.
    """

    def __init__(self, sites):
        self.sites = [self._site(number, site) for number, site in enumerate(sites)]
        shapes = {tuple(site.get("shape", ())) for site in sites}
        if len(shapes) > 1:
            raise ValueError(f"ErrorSimulator: the sites have shapes {' and '.join(map(str, sorted(shapes)))}, must have one")
        self.shape = shapes.pop() or None
        self.cells = [np.concatenate([site[part] for site in self.sites] or [[]]).astype(CELL[part]) for part in range(3)]
        self.lengths = np.array([len(site[0]) for site in self.sites], np.int64)
        self._first = np.cumsum(self.lengths) - self.lengths
        self._last = int(self.cells[0].max(initial=0))
        if self.shape is not None:
            self._check_size(self.shape)

    @staticmethod
    def _site(number, site):
        """(indexes, values, bits as a mask of the float32: 0 where the value counts)."""
        index = np.asarray(site["index"], np.int64)
        none = [None] * len(index)
        value, bit = site.get("value") or none, site.get("bit") or none
        if not len(index) or not len(index) == len(value) == len(bit):
            raise ValueError(f"ErrorSimulator: site {number} needs as many values or bits as indexes, and one at least")
        if index.min() < 0 or len(np.unique(index)) < len(index):
            raise ValueError(f"ErrorSimulator: site {number} has a negative index or one that is there twice")
        if any((v is None) == (b is None) for v, b in zip(value, bit)):
            raise ValueError(f"ErrorSimulator: each cell of site {number} needs either a value or a bit")
        if any(b is not None and b not in range(32) for b in bit):
            raise ValueError(f"ErrorSimulator: a bit of site {number} is not in 0..31")
        flip = np.array([0 if b is None else 1 << b for b in bit], np.uint32).view(np.int32)
        return index, np.asarray(value, np.float32), flip

    def __len__(self):
        return len(self.sites)

    def check(self, shape):
        super().check(shape)
        self._check_size(shape)

    def _check_size(self, shape):
        if None not in tuple(shape) and self._last >= (size := int(np.prod(shape))):
            raise ValueError(f"ErrorSimulator: a site has index {self._last}, an array of shape {tuple(shape)} only {size} cells")

    def cell_counts(self):
        return np.array([len(index) for index, _, _ in self.sites])

    def inject(self, inputs, picked):
        """(outputs, for each image whether a cell of its site changed a bit)"""
        return arithmetic_of(inputs).sparse(self, inputs, picked)

    def cells_of(self, picked):
        """(image, index, value, flip) of all cells that the sites picked for images have: what `scatter` takes."""
        lengths = self.lengths[picked]
        images = np.repeat(np.arange(len(picked)), lengths)
        places = np.arange(len(images)) + (self._first[picked] - np.cumsum(lengths) + lengths)[images]
        return images, *(cells[places] for cells in self.cells)

    def config(self):
        return [self._config(*site) for site in self.sites], []

    def _config(self, index, value, flip):
        flips = flip != 0
        site: dict[str, Any] = {} if self.shape is None else {"shape": list(self.shape)}
        site["index"] = index.tolist()
        if not flips.all():
            site["value"] = [None if f else plain(v) for v, f in zip(value.tolist(), flips)]
        if flips.any():
            bits = flip.view(np.uint32).tolist()
            site["bit"] = [b.bit_length() - 1 if b else None for b in bits]
        return site


CELL = (np.int64, np.float32, np.int32)  # index, value, flip


def plain(value):
    """A value as JSON has it: what is not finite as "NaN", "Infinity", "-Infinity"."""
    if np.isfinite(value):
        return value
    return "NaN" if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def numbers(array):
    """Nested lists with 0 and 1 for 0.0 and 1.0: half the text, and read in half the time."""
    whole = array.astype(object)
    whole[(array == 0) & ~np.signbit(array)] = 0
    whole[array == 1] = 1
    return whole.tolist()


def read_sites(available_injection_sites, masks):
    """The sites in either form, from lists or arrays."""
    sparse = len(masks) == 0 and len(available_injection_sites) > 0 and isinstance(available_injection_sites[0], dict)
    return SparseSites(available_injection_sites) if sparse else DenseSites(available_injection_sites, masks)


# What differs by backend


class TensorFlow:
    """Everything is part of TensorFlow's graph, in Keras 2 and 3."""

    def __init__(self):
        self.tf = importlib.import_module("tensorflow")

    def state(self, name):
        """(mode, playback), each of their parts a variable."""
        tf = self.tf
        # Keras 2 counts a tf.Variable as a weight, Keras 3 does not.
        mode = tf.Variable([[ErrorSimulatorMode.enabled]], trainable=False, dtype=tf.int32, name=f"{name}/mode")
        # These must be saved by neither: Keras 2 does not look into a checkpoint object.
        playback = tf.train.Checkpoint(
            selected=tf.Variable([RANDOM], shape=[None], trainable=False, dtype=tf.int64),
            last=tf.Variable([], shape=[None], trainable=False, dtype=tf.int64),
            changed=tf.Variable([], shape=[None], trainable=False, dtype=tf.bool),
        )
        return mode, playback

    def simulate(self, mode, playback, sites, count, inputs):
        """What comes out of a layer that plays one of so many sites into each image, and the state that tells of it."""
        tf = self.tf
        images = tf.shape(inputs)[:1]

        def play():
            if self._refuses(sites, inputs):
                return inputs
            selected = playback.selected.read_value()
            chosen = tf.shape(selected)
            tf.debugging.Assert(
                (chosen[0] == 1) | (chosen[0] == images[0]),
                ["ErrorSimulator: sites are selected for", chosen, "images, the batch has", images],
            )
            selected = tf.gather(selected, tf.range(images[0]) % chosen[0])
            picked = tf.where(selected == RANDOM, tf.random.uniform(images, 0, count, tf.int64), selected)
            playback.last.assign(picked)
            outputs, changed = sites.inject(inputs, picked)
            playback.changed.assign(changed)
            return outputs

        def pass_through():
            playback.last.assign(tf.fill(images, tf.constant(NO_SITE, tf.int64)))
            playback.changed.assign(tf.fill(images, False))
            return tf.identity(inputs)

        outputs = tf.cond(mode[0, 0] == ErrorSimulatorMode.enabled, play, pass_through)
        outputs.set_shape(inputs.shape)
        return outputs

    def _refuses(self, sites, inputs):
        """Refuses inputs whose open axes turn out to be others; True where that is known before they are played."""
        tf, known = self.tf, inputs.shape[1:]
        if sites.shape is None or known == sites.shape:
            return False
        found = tf.shape(inputs)[1:]
        words = ["ErrorSimulator: the sites have shape", sites.shape, "the input", found]
        tf.debugging.Assert(tf.reduce_all(found == sites.shape), words)
        return not known.is_compatible_with(sites.shape)

    def _constants(self, sites, make):
        """What is made of sites when they are first played, outside of any graph."""
        if not hasattr(sites, "_constants"):
            with self.tf.init_scope():
                sites._constants = make()
        return sites._constants

    def dense(self, sites, inputs, picked):
        tf = self.tf
        held = self._constants(sites, lambda: (tf.constant(sites.masks), tf.constant(sites.injections)))
        masks, injections = (tf.cast(tf.gather(part, picked), inputs.dtype) for part in held)
        outputs = inputs * masks + injections
        hit = (masks == 0) & self._differ(inputs, outputs)
        return outputs, tf.reduce_any(hit, axis=list(range(1, sites.injections.ndim)))

    def sparse(self, sites, inputs, picked):
        tf = self.tf

        def constants():
            return [tf.RaggedTensor.from_row_lengths(tf.constant(cells), sites.lengths) for cells in sites.cells]

        held = self._constants(sites, constants)
        index, value, flip = (tf.gather(cells, picked) for cells in held)
        outputs, changed = self.scatter(inputs, index.value_rowids(), index.values, value.values, flip.values)
        return outputs, tf.reduce_any(index.with_values(changed), axis=1)

    def scatter(self, inputs, images, index, value, flip):
        """(inputs with the cells at these places, for each of them whether it changed a bit): value counts where flip is 0."""
        tf = self.tf
        flat = tf.reshape(inputs, (tf.shape(inputs)[0], -1))
        places = tf.stack([images, index], axis=1)
        before = tf.gather_nd(flat, places)
        flipped = tf.bitcast(tf.bitwise.bitwise_xor(tf.bitcast(tf.cast(before, tf.float32), tf.int32), flip), tf.float32)
        found = tf.cast(tf.where(flip == 0, value, flipped), inputs.dtype)
        outputs = tf.reshape(tf.tensor_scatter_nd_update(flat, places, found), tf.shape(inputs))
        return outputs, self._differ(before, found)

    def _differ(self, these, those):
        """Where two tensors of floats differ in a bit."""
        bits = {2: self.tf.int16, 4: self.tf.int32, 8: self.tf.int64}[these.dtype.size]
        return self.tf.bitcast(these, bits) != self.tf.bitcast(those, bits)


class Held:
    """A value outside of all graphs, spoken to as a variable, which Keras neither counts nor saves."""

    def __init__(self, value, dtype):
        self.dtype = np.dtype(dtype)
        self.assign(value)

    def assign(self, value):
        self._value = np.array(value, self.dtype)
        self.shape = self._value.shape

    def numpy(self):
        return self._value.copy()


class AtOnce:
    """Keras' operations, each computed when it is called, on JAX and PyTorch. NumPy picks, and computes what cells become."""

    def __init__(self):
        self.keras = importlib.import_module("keras")
        self.ops = self.keras.ops

    def state(self, name):
        playback = SimpleNamespace(selected=Held([RANDOM], np.int64), last=Held([], np.int64), changed=Held([], bool))
        return Held([[ErrorSimulatorMode.enabled]], np.int32), playback

    def simulate(self, mode, playback, sites, count, inputs):
        if traced(inputs):
            raise ValueError(
                "ErrorSimulator: JAX traces the layer (jax.jit, jax.grad, fit), and would keep the sites of the"
                " first call for all: play with predict, evaluate or model(images)"
            )
        images = inputs.shape[0]
        if mode.numpy()[0, 0] != ErrorSimulatorMode.enabled:
            playback.last.assign(np.full(images, NO_SITE))
            playback.changed.assign(np.full(images, False))
            return inputs
        sites.check(inputs.shape[1:])
        selected = playback.selected.numpy()
        if len(selected) not in (1, images):
            raise ValueError(f"ErrorSimulator: sites are selected for {len(selected)} images, the batch has {images}")
        # keras.utils.set_random_seed seeds this generator.
        picked = np.where(selected == RANDOM, np.random.randint(0, count, images), selected)
        outputs, changed = sites.inject(inputs, picked)
        playback.last.assign(picked)
        playback.changed.assign(changed)
        return outputs

    def dense(self, sites, inputs, picked):
        picked = np.asarray(picked)
        masks, injections = (self._tensor(part[picked], inputs.dtype) for part in (sites.masks, sites.injections))
        outputs = inputs * masks + injections
        images, index = np.nonzero(sites.masks[picked].reshape(len(picked), -1) == 0)
        before, after = (self._cells(self._flat(tensor), images, index) for tensor in (inputs, outputs))
        return outputs, any_of(images, bits_of(before) != bits_of(after), len(picked))

    def sparse(self, sites, inputs, picked):
        images, *cells = sites.cells_of(np.asarray(picked))
        outputs, changed = self.scatter(inputs, images, *cells)
        return outputs, any_of(images, changed, len(picked))

    def scatter(self, inputs, images, index, value, flip):
        if not len(index):
            return inputs, np.empty(0, bool)
        flat = self._flat(inputs)
        before = self._cells(flat, images, index)
        with np.errstate(over="ignore"):
            flipped = (before.astype(np.float32).view(np.int32) ^ flip).view(np.float32)
        places, values = padded(np.stack([images, index], 1)), padded(np.where(flip == 0, value, flipped))
        found = self._tensor(values, inputs.dtype)
        outputs = self.ops.reshape(self.ops.scatter_update(flat, places, found), inputs.shape)
        after = self.ops.convert_to_numpy(found)[: len(index)]
        return outputs, bits_of(before) != bits_of(after)

    def _flat(self, tensor):
        return self.ops.reshape(tensor, (tensor.shape[0], int(np.prod(tensor.shape[1:]))))

    def _tensor(self, array, dtype):
        return self.ops.cast(self.ops.convert_to_tensor(array, "float32"), self.keras.backend.standardize_dtype(dtype))

    def _cells(self, flat, images, index):
        """Some cells as NumPy has them."""
        return self.ops.convert_to_numpy(flat[padded(images), padded(index)])[: len(index)]


def traced(tensor):
    """Whether JAX only looks at what is computed with this tensor."""
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(tensor, jax.core.Tracer)


def padded(array):
    """As many rows as the next power of two, the first ones again: JAX compiles each operation for each size."""
    return np.resize(array, (1 << max(len(array) - 1, 0).bit_length(), *array.shape[1:])) if len(array) else array


def bits_of(array):
    return array.view(f"int{8 * array.dtype.itemsize}")


def any_of(images, changed, count):
    """For each of so many images whether one of its cells is."""
    return np.bincount(images[changed], minlength=count) > 0


tensorflow, at_once = cache(TensorFlow), cache(AtOnce)


def arithmetic_of(tensor):
    """What computes with a tensor."""
    tf = sys.modules.get("tensorflow")
    return tensorflow() if tf is not None and tf.is_tensor(tensor) else at_once()


def scatter(inputs, images, index, value, flip):
    """As that of what computes with the inputs."""
    return arithmetic_of(inputs).scatter(inputs, images, index, value, flip)


BACKENDS = {"tensorflow": tensorflow, "jax": at_once, "torch": at_once}

# The layer

_Layer: Any = object  # whose place a Keras' own class takes


class _Simulation(_Layer):
    """Plays one of the first `num_inj_sites` sites into each image of an input of rank 2 or more, the batch first.

    available_injection_sites, masks: a dense array (no batch axis) for each site, `output = input * mask + injection`;
    or, with no masks, only the cells: `{"shape": [...], "index": [...], "value": [...], "bit": [...]}` for each site, where
    index counts in the flattened input of one image, which has that shape, and a cell has either a value (a number, "NaN",
    "Infinity", "-Infinity") or a bit, 0..31, of its float32 to flip, and null in the other list. A list of nothing but nulls
    may be left out, and the shape, but then an input of another size goes unnoticed.

    The variable `mode`, int32 of shape (1, 1), is 2 for enabled (as at the start) and 1 for disabled. Keras 2 counts it
    as a weight and saves it; Keras 3 does not.
    """

    _arithmetic: Any = None  # of that Keras

    def __init__(self, available_injection_sites, masks, num_inj_sites, **kwargs):
        for value in (available_injection_sites, masks, num_inj_sites):
            if isinstance(value, str):
                hint = " (h5-config-set fills it)" if value in PLACEHOLDERS else ""
                raise ValueError(f"ErrorSimulator: {value!r} stands where sites belong{hint}")
        super().__init__(**kwargs)
        self._sites = read_sites(available_injection_sites, masks)
        self.num_inj_sites = int(num_inj_sites)
        if not 1 <= self.num_inj_sites <= len(self._sites):
            raise ValueError(
                f"ErrorSimulator: num_inj_sites is {num_inj_sites}, must be in 1..{len(self._sites)}, the number of sites"
            )
        self.supports_masking = True  # a mask goes on as it came
        self.supports_jit = False  # the site picked decides how many cells change
        self.mode, self._playback = self._arithmetic.state(self.name)

    def set_mode(self, mode):
        """Enables or disables the errors; disabled, the output is exactly the input."""
        self.mode.assign([[ErrorSimulatorMode(mode)]])

    def select(self, site):
        """Plays this site for every image from now on; a list: one site for each image; None: one drawn for each image."""
        sites = np.atleast_1d(RANDOM if site is None else site)
        if site is not None:
            if sites.ndim != 1 or not len(sites) or sites.dtype.kind not in "iu":
                raise ValueError("ErrorSimulator: select takes a site, a list of one site for each image, or None")
            for wrong in sites[(sites < 0) | (sites >= self.num_inj_sites)]:
                raise ValueError(f"ErrorSimulator: site {wrong} is not in 0..{self.num_inj_sites - 1}")
        self._playback.selected.assign(sites)

    @property
    def last_sites(self):
        """The site that each image of the last batch got, -1 for none."""
        return self._playback.last.numpy()

    @property
    def last_changed(self):
        """For each image of the last batch whether the errors changed a bit: not if the cells held those values already."""
        return self._playback.changed.numpy()

    @property
    def injection_sites(self):
        """The sites in their form: DenseSites or SparseSites."""
        return self._sites

    def cell_counts(self):
        """How many cells each site has."""
        return self._sites.cell_counts()

    def build(self, input_shape):
        if len(input_shape) < 2:
            raise ValueError(f"ErrorSimulator: the input must have rank 2 or more, found shape {tuple(input_shape)}")
        self._sites.check(input_shape[1:])
        super().build(input_shape)

    def call(self, inputs):
        return self._arithmetic.simulate(self.mode, self._playback, self._sites, self.num_inj_sites, inputs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        sites, masks = self._sites.config()
        return {
            **super().get_config(),
            "available_injection_sites": sites,
            "masks": masks,
            "num_inj_sites": self.num_inj_sites,
        }

    @classmethod
    def from_config(cls, config):
        """Turns lists into arrays first: Keras 3 would copy them number by number."""
        config = dict(config)
        for key in ("available_injection_sites", "masks"):
            value = config.get(key)
            if isinstance(value, list) and value and not isinstance(value[0], dict):
                config[key] = np.asarray(value, np.float32)
        return super().from_config(config)


@cache
def error_simulator(keras):
    """The layer class for this Keras: the module `keras`, `tf_keras` or `tf.keras`."""
    backend = getattr(keras.backend, "backend", lambda: "tensorflow")()
    if backend not in BACKENDS:
        raise ImportError(f"ErrorSimulator needs Keras on TensorFlow, JAX or PyTorch, found the backend {backend}")
    body = {"__module__": __name__, "__doc__": _Simulation.__doc__, "_arithmetic": BACKENDS[backend]()}
    return type("ErrorSimulator", (_Simulation, keras.layers.Layer), body)


def default_keras():
    """`tf.keras`; where Keras 3 runs on another backend, or TensorFlow is not there, `keras`."""
    loaded: Any = sys.modules.get("keras")
    chosen = loaded.backend.backend() if hasattr(loaded, "ops") else os.environ.get("KERAS_BACKEND") or "tensorflow"
    if chosen == "tensorflow":
        try:
            return importlib.import_module("tensorflow").keras
        except ModuleNotFoundError:
            pass
    return importlib.import_module("keras")


def __getattr__(name):
    """`ErrorSimulator` is made when it is first asked for: only then is it known which Keras it is for."""
    if name != "ErrorSimulator":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return error_simulator(default_keras())
