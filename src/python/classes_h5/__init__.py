"""Soft errors in saved Keras models: the filters' companions in Python.

Importing this package makes its two layers, the simulator and the clip, known to Keras, 2 and 3, whenever that is imported:

    import classes_h5
    import keras

    model = keras.models.load_model("faulty.h5")
    model.get_layer("simulator").select(3)

`golden_ranges(model, inputs)` measures ranges; `classes_h5.runner` loads a faulty model and plays sites into it. As commands:
`python -m classes_h5.ranges`, `.play`, `.plan`, `.campaign`.
"""

import importlib
from typing import Any

from wrapt import register_post_import_hook

_PLACES = {
    "ErrorSimulator": "classes_h5.simulator",
    "ErrorSimulatorMode": "classes_h5.simulator",
    "clip_layer": "classes_h5.clip",
    "error_simulator": "classes_h5.simulator",
    "golden_ranges": "classes_h5.ranges",
    "load": "classes_h5.runner",
}


def __getattr__(name: str) -> Any:
    """What needs a Keras is imported when it is first asked for."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_PLACES[name]), name)


def _register(keras: Any) -> None:
    """Makes the layers ones that this Keras finds by their names; on a backend that the simulator does not know there is none."""
    importlib.import_module("classes_h5.clip").clip_layer(keras)
    simulator = importlib.import_module("classes_h5.simulator")
    if getattr(keras.backend, "backend", lambda: "tensorflow")() in simulator.BACKENDS:
        keras.utils.get_custom_objects().setdefault("ErrorSimulator", simulator.error_simulator(keras))


for _package in ("keras", "tf_keras"):
    register_post_import_hook(_register, _package)
