"""Saved Keras models: which Keras loads them, their graphs, and what they take."""

from pathlib import Path


class Refused(ValueError):
    """Inputs that do not fit a model, or a model that cannot be used; says why."""


def graph_of(model):
    """The graph of layers in a model, None if it has none: Keras 3 keeps that of a Sequential apart."""
    graph = getattr(model, "_functional", None) or model
    return graph if hasattr(graph, "_nodes_by_depth") else None


def input_names(graph):
    return [tensor._keras_history[0].name for tensor in graph.inputs]


def input_shapes(graph):
    """Name and shape of each input, without the batch axis; None for an axis of any size."""
    return {name: tuple(tensor.shape)[1:] for name, tensor in zip(input_names(graph), graph.inputs)}


def keras_for(path, wanted):
    """The module of the Keras to load a file with: 2, 3, or that which wrote it."""
    import h5py

    try:
        with h5py.File(path) as file:
            version = file.attrs.get("keras_version", "")
    except OSError as error:
        known = "no such file" if not Path(path).exists() else f"is no HDF5 file: {error}"
        raise Refused(f"{path}: {known}") from error
    version = version.decode() if isinstance(version, bytes) else str(version)
    if wanted == "auto" and not version:
        raise Refused(f"{path}: does not say which Keras wrote it: --keras 2 or --keras 3")
    if wanted == "3" or wanted == "auto" and not version.startswith(("1.", "2.")):
        return imported("3", "keras", f"{path} was written by {version}" if wanted == "auto" else "--keras 3")
    return imported("2", "tf_keras", f"{path} was written by {version}" if wanted == "auto" else "--keras 2")


def imported(version, package, why):
    """Keras 2 is the package tf_keras, and was keras before Keras 3."""
    for name in (package, "keras"):
        try:
            module = __import__(name)
        except ImportError:
            continue
        if module.__version__.startswith(f"{version}."):
            if version == "3" and module.backend.backend() != "tensorflow":
                raise Refused(f"Keras runs on {module.backend.backend()}, TensorFlow is needed: set KERAS_BACKEND=tensorflow")
            return module
    raise Refused(f"Keras {version} is needed ({why}) and not installed: pip install {package}")


def loaded(path, keras):
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:  # whatever Keras raises on a file it does not load
        why = " ".join(str(error).split())
        raise Refused(
            f"{path}: Keras {keras.__version__} does not load it: {why[:300]}\n"
            "hint: a model with layers of its own: load it in Python and call golden_ranges(model, inputs)"
        ) from error
