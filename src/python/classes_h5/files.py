"""Saved Keras models: which Keras loads them, their graphs, and what they take."""

import json
import os
from pathlib import Path

from classes_h5 import filters
from classes_h5.keras_internals import origin
from classes_h5.simulator import BACKENDS


class Refused(ValueError):
    """Inputs that do not fit a model, or a model that cannot be used; says why."""


def input_names(graph):
    return [origin(tensor)[0].name for tensor in graph.inputs]


def input_shapes(graph):
    """Name and shape of each input, without the batch axis; None for an axis of any size."""
    return {name: tuple(tensor.shape)[1:] for name, tensor in zip(input_names(graph), graph.inputs)}


def keras_for(path, wanted):
    """The module of the Keras to load a file with: 2, 3, or that which wrote it. The filters say what is no model file."""
    try:
        version = str(filters.keras_version(path)) if wanted == "auto" else wanted
        if wanted != "auto":
            filters.config(path)
    except filters.FilterError as error:
        raise Refused(str(error).removeprefix("h5-config-get: ")) from error
    why = f"{path} is of Keras {version}" if wanted == "auto" else f"--keras {wanted}"
    return imported(version, {"2": "tf_keras", "3": "keras"}[version], why)


def imported(version, package, why):
    """Keras 2 is the package tf_keras, and was keras before Keras 3."""
    for name in (package, "keras"):
        try:
            module = __import__(name)
        except ImportError:
            continue
        if module.__version__.startswith(f"{version}."):
            if version == "3" and module.backend.backend() not in BACKENDS:
                raise Refused(f"Keras runs on {module.backend.backend()}, TensorFlow, JAX or PyTorch is needed: set KERAS_BACKEND")
            return module
    raise Refused(f"Keras {version} is needed ({why}) and not installed: pip install {package}")


def backend_set():
    """The backend that Keras 3 is going to take, without importing it: KERAS_BACKEND, else what its settings say."""
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    try:
        said = json.loads((Path(home) / "keras.json").read_text()).get("backend")
    except (OSError, ValueError, AttributeError):
        said = None
    return os.environ.get("KERAS_BACKEND") or said or "tensorflow"


def loaded(path, keras):
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:  # whatever Keras raises on a file it does not load
        why = " ".join(str(error).split())
        raise Refused(
            f"{path}: Keras {keras.__version__} does not load it: {why[:300]}\n"
            "hint: a model with layers of its own: load it in Python and call classes_h5.golden_ranges(model, inputs)"
        ) from error
