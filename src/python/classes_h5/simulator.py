"""A Keras layer that plays recorded soft errors into its input.

Keras 3, or whatever `tf.keras` is (set TF_USE_LEGACY_KERAS=1 to make it Keras 2):

    import keras
    from classes_h5.simulator import ErrorSimulator

    model = keras.models.load_model("faulty.h5", custom_objects={"ErrorSimulator": ErrorSimulator})

Keras 2 beside Keras 3, in one process:

    import tf_keras
    from classes_h5.simulator import error_simulator

    ErrorSimulator = error_simulator(tf_keras)

The layer has the interface of CLASSES' ErrorSimulator. Needs TensorFlow, also under Keras 3. This file needs nothing else of the
package that it is in: it can be copied beside a script.
"""

from enum import IntEnum
from functools import cache
from typing import Any

import numpy as np
import tensorflow as tf

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
        if self.shape is not None and not tf.TensorShape(shape).is_compatible_with(self.shape):
            raise ValueError(f"ErrorSimulator: the sites have shape {self.shape}, the input {tuple(shape)}")

    def refuses(self, inputs):
        """Refuses inputs whose open axes turn out to be others; True where that is known before they are played."""
        known = inputs.shape[1:]
        if self.shape is None or known == self.shape:
            return False
        found = tf.shape(inputs)[1:]
        words = ["ErrorSimulator: the sites have shape", self.shape, "the input", found]
        tf.debugging.Assert(tf.reduce_all(found == self.shape), words)
        return not known.is_compatible_with(self.shape)


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
        with tf.init_scope():
            self._injections = tf.constant(self.injections)
            self._masks = tf.constant(self.masks)

    def __len__(self):
        return len(self.injections)

    def cell_counts(self):
        return np.count_nonzero(self.masks.reshape(len(self), -1) == 0, axis=1)

    def inject(self, inputs, picked):
        """(outputs, for each image whether a cell of its site changed a bit)"""
        masks = tf.cast(tf.gather(self._masks, picked), inputs.dtype)
        injections = tf.cast(tf.gather(self._injections, picked), inputs.dtype)
        outputs = inputs * masks + injections
        hit = (masks == 0) & differ(inputs, outputs)
        return outputs, tf.reduce_any(hit, axis=list(range(1, self.injections.ndim)))

    def config(self):
        return numbers(self.injections), numbers(self.masks)


class SparseSites(Sites):
    """Only the cells: flat indexes in the layer's own layout, each with a value or the bit of the float32 to flip."""

    def __init__(self, sites):
        self.sites = [self._site(number, site) for number, site in enumerate(sites)]
        shapes = {tuple(site.get("shape", ())) for site in sites}
        if len(shapes) > 1:
            raise ValueError(f"ErrorSimulator: the sites have shapes {' and '.join(map(str, sorted(shapes)))}, must have one")
        self.shape = shapes.pop() or None
        self._cells = [np.concatenate([site[part] for site in self.sites] or [[]]) for part in range(3)]
        self._lengths = np.array([len(site[0]) for site in self.sites], np.int64)
        self._first = np.cumsum(self._lengths) - self._lengths
        self._last = int(self._cells[0].max(initial=0))
        if self.shape is not None:
            self._check_size(self.shape)
        with tf.init_scope():
            self._index, self._value, self._flip = (
                tf.RaggedTensor.from_row_lengths(tf.constant(cells, dtype), self._lengths)
                for cells, dtype in zip(self._cells, CELL)
            )

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
        size = tf.TensorShape(shape).num_elements()
        if size is not None and self._last >= size:
            raise ValueError(f"ErrorSimulator: a site has index {self._last}, an array of shape {tuple(shape)} only {size} cells")

    def cell_counts(self):
        return np.array([len(index) for index, _, _ in self.sites])

    def inject(self, inputs, picked):
        """(outputs, for each image whether a cell of its site changed a bit)"""
        index, value, flip = (tf.gather(cells, picked) for cells in (self._index, self._value, self._flip))
        outputs, changed = scatter(inputs, index.value_rowids(), index.values, value.values, flip.values)
        return outputs, tf.reduce_any(index.with_values(changed), axis=1)

    def cells_of(self, picked):
        """(image, index, value, flip) of all cells that the sites picked for images have: what `scatter` takes."""
        lengths = self._lengths[picked]
        images = np.repeat(np.arange(len(picked)), lengths)
        places = np.arange(len(images)) + (self._first[picked] - np.cumsum(lengths) + lengths)[images]
        return images, *(cells[places] for cells in self._cells)

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


CELL = (tf.int64, tf.float32, tf.int32)  # index, value, flip


def scatter(inputs, images, index, value, flip):
    """(inputs with the cells at these places, for each of them whether it changed a bit): value counts where flip is 0."""
    flat = tf.reshape(inputs, (tf.shape(inputs)[0], -1))
    places = tf.stack([images, index], axis=1)
    before = tf.gather_nd(flat, places)
    flipped = tf.bitcast(tf.bitwise.bitwise_xor(tf.bitcast(tf.cast(before, tf.float32), tf.int32), flip), tf.float32)
    found = tf.cast(tf.where(flip == 0, value, flipped), inputs.dtype)
    return tf.reshape(tf.tensor_scatter_nd_update(flat, places, found), tf.shape(inputs)), differ(before, found)


def differ(these, those):
    """Where two tensors of floats differ in a bit."""
    bits = {2: tf.int16, 4: tf.int32, 8: tf.int64}[these.dtype.size]
    return tf.bitcast(these, bits) != tf.bitcast(those, bits)


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
        # Keras 2 counts a tf.Variable as a weight, Keras 3 does not.
        enabled = [[ErrorSimulatorMode.enabled]]
        self.mode = tf.Variable(enabled, trainable=False, dtype=tf.int32, name=f"{self.name}/mode")
        # These two must be saved by neither: Keras 2 does not look into a checkpoint object.
        self._playback = tf.train.Checkpoint(
            selected=tf.Variable([RANDOM], shape=[None], trainable=False, dtype=tf.int64),
            last=tf.Variable([], shape=[None], trainable=False, dtype=tf.int64),
            changed=tf.Variable([], shape=[None], trainable=False, dtype=tf.bool),
        )

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
        images = tf.shape(inputs)[:1]

        def play():
            if self._sites.refuses(inputs):
                return inputs
            selected = self._playback.selected.read_value()
            chosen = tf.shape(selected)
            tf.debugging.Assert(
                (chosen[0] == 1) | (chosen[0] == images[0]),
                ["ErrorSimulator: sites are selected for", chosen, "images, the batch has", images],
            )
            selected = tf.gather(selected, tf.range(images[0]) % chosen[0])
            picked = tf.where(selected == RANDOM, tf.random.uniform(images, 0, self.num_inj_sites, tf.int64), selected)
            self._playback.last.assign(picked)
            outputs, changed = self._sites.inject(inputs, picked)
            self._playback.changed.assign(changed)
            return outputs

        def pass_through():
            self._playback.last.assign(tf.fill(images, tf.constant(NO_SITE, tf.int64)))
            self._playback.changed.assign(tf.fill(images, False))
            return tf.identity(inputs)

        outputs = tf.cond(self.mode[0, 0] == ErrorSimulatorMode.enabled, play, pass_through)
        outputs.set_shape(inputs.shape)
        return outputs

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
    if backend != "tensorflow":
        raise ImportError(f"ErrorSimulator needs Keras on TensorFlow, found the backend {backend}")
    return type("ErrorSimulator", (_Simulation, keras.layers.Layer), {"__module__": __name__, "__doc__": _Simulation.__doc__})


ErrorSimulator = error_simulator(tf.keras)
