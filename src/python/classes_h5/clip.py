"""A Keras layer that keeps values in a range: what lies in it goes through bit for bit.

`classes-patch --clip` puts it behind layers whose golden range does not start at 0. Importing the package makes it known to
Keras, 2 and 3:

    import classes_h5
    import keras

    model = keras.models.load_model("hardened.h5")

In a model of one's own: `classes_h5.clip_layer(keras)(min=-1.5, max=3.25)`, or `tf_keras` in place of `keras`. Under Keras 3 it
works on every backend. This file needs nothing else of the package that it is in: it can be copied beside a script.
"""

import importlib
import math
from functools import cache
from typing import Any

PACKAGE, NAME = "classes_h5", "Clip"
NAN = ("keep", "zero")
OUTSIDE = ("saturate", "zero")

_Layer: Any = object  # whose place a Keras' own class takes


class _Clipping(_Layer):
    """Keeps values within min..max.

    outside: "saturate" makes the end of the range that it has passed of a value outside, "zero" makes 0 of it. nan: "keep" lets NaN
    through, "zero" makes 0 of it. Where 0 is not in the range, the end that is nearest to it stands for it.
    """

    _ops: Any = None  # of that Keras

    def __init__(self, min, max, nan="keep", outside="saturate", **kwargs):
        super().__init__(**kwargs)
        self.min, self.max, self.nan, self.outside = float(min), float(max), nan, outside
        if not (math.isfinite(self.min) and math.isfinite(self.max) and self.min < self.max):
            raise ValueError(f"Clip: min must be less than max, and both finite, found {min} and {max}")
        for name, value, choices in (("nan", nan, NAN), ("outside", outside, OUTSIDE)):
            if value not in choices:
                raise ValueError(f"Clip: {name} is {value!r}, must be one of {', '.join(choices)}")
        self.supports_masking = True  # a mask goes on as it came

    def call(self, inputs):
        nearest = sorted((self.min, 0.0, self.max))[1]
        low, high, zero = (self._ops.convert_to_tensor(number, dtype=inputs.dtype) for number in (self.min, self.max, nearest))
        below, above = (low, high) if self.outside == "saturate" else (zero, zero)
        # Comparisons, not minimum and maximum: those may change the sign of a zero. NaN is neither below nor above.
        outputs = self._ops.where(inputs < low, below, self._ops.where(inputs > high, above, inputs))
        return outputs if self.nan == "keep" else self._ops.where(inputs != inputs, zero, outputs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "min": self.min, "max": self.max, "nan": self.nan, "outside": self.outside}


@cache
def _made(keras_layer, ops, register):
    body = {"__module__": __name__, "__doc__": _Clipping.__doc__, "_ops": ops}
    return register(PACKAGE, NAME)(type(NAME, (_Clipping, keras_layer), body))


def clip_layer(keras):
    """The layer class for this Keras: the module `keras`, `tf_keras` or `tf.keras`. It is registered as `classes_h5>Clip`."""
    ops = getattr(keras, "ops", None) or importlib.import_module("tensorflow")
    return _made(keras.layers.Layer, ops, keras.utils.register_keras_serializable)
