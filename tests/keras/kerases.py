"""Keras 3 and Keras 2 in one process: load models, look into layers, compare bit for bit."""

import logging
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"

import numpy as np
import tensorflow as tf
import tf_keras
from classes_h5.simulator import ErrorSimulatorMode, error_simulator

import keras

THREADS = int(os.environ.get("TF_NUM_INTRAOP_THREADS", "2"))
tf.config.threading.set_intra_op_parallelism_threads(THREADS)
tf.config.threading.set_inter_op_parallelism_threads(1)
# Both Kerases call .h5 a legacy format at every save.
logging.getLogger("absl").setLevel(logging.ERROR)
logging.getLogger("tensorflow").setLevel(logging.ERROR)

KERAS = {2: tf_keras, 3: keras}
SIMULATOR = {version: error_simulator(k) for version, k in KERAS.items()}


def load(path, version, **custom_objects):
    """The model in a file, by the loader that users call."""
    return KERAS[version].models.load_model(
        path, custom_objects={"ErrorSimulator": SIMULATOR[version], **custom_objects}, compile=False
    )


def run(model, inputs):
    """All outputs as a list of arrays, computed eagerly: TensorFlow's graph optimizer may change last bits."""
    return [np.asarray(output) for output in tf.nest.flatten(model(inputs, training=False))]


def layer_output(model, name, inputs, version):
    """What one layer of a model puts out."""
    return run(KERAS[version].Model(model.inputs, model.get_layer(name).output), inputs)[0]


def simulators(model):
    """All simulators in a model, those in nested models as well."""
    for layer in model.layers:
        if isinstance(layer, tuple(SIMULATOR.values())):
            yield layer
        elif hasattr(layer, "layers"):
            yield from simulators(layer)


def disable(model):
    """Disables all simulators; says how many there are."""
    found = list(simulators(model))
    for simulator in found:
        simulator.set_mode(ErrorSimulatorMode.disabled)
    return len(found)


def same_bits(these, those):
    """Whether two lists of arrays are equal in shape, type and every bit."""
    return len(these) == len(those) and all(
        a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in zip(these, those)
    )
