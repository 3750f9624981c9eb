"""The pipe with other versions of Keras: which of them load what it writes, and compute the same.

    python versions.py [--work FOLDER] [--container h5|keras] [VERSION ...]

For each version an environment is made in FOLDER (kept, and used again): a few networks are built and saved by that very version, as
`.h5` or `.keras`, a simulator goes behind some of their targets, and that version loads the result. Disabled it must compute the original's bits,
enabled exactly the cells of the site may hold something else behind the simulator, and the optimizer's slots must be at their variables
where the version restores them. Prints a table; CLASSES_BIN_DIR says where the filters are.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# What is installed, and how Keras is called there. `beside` lays packages over those of the environment before.
VERSIONS = {
    "Keras 3.0": {"packages": ["tensorflow==2.16.2"], "beside": ["keras==3.0.5", "dm-tree==0.1.10"], "keras": "keras"},
    "Keras 3.3": {"packages": ["tensorflow==2.16.2"], "beside": ["keras==3.3.3"], "keras": "keras"},
    "Keras 3.6": {"packages": ["tensorflow==2.16.2"], "beside": ["keras==3.6.0"], "keras": "keras"},
    "Keras 3.9": {"packages": ["tensorflow==2.16.2"], "beside": ["keras==3.9.2"], "keras": "keras"},
    "Keras 3.12": {"packages": ["tensorflow==2.16.2"], "beside": ["keras==3.12.0"], "keras": "keras"},
    "Keras 3.15": {"packages": ["tensorflow==2.21.0", "keras==3.15.1"], "keras": "keras"},
    "tf_keras 2.21": {"packages": ["tensorflow==2.21.0", "tf_keras==2.21.0"], "keras": "tf_keras"},
    "tf.keras 2.15": {"packages": ["tensorflow==2.15.1"], "keras": "tensorflow.keras"},
    "tf.keras 2.14": {"packages": ["tensorflow==2.14.1"], "keras": "tensorflow.keras"},
    "tf.keras 2.13": {"packages": ["tensorflow==2.13.1"], "keras": "tensorflow.keras"},
    "tf.keras 2.12": {"packages": ["tensorflow==2.12.1"], "keras": "tensorflow.keras"},
}


def environment(spec, folder):
    """A Python with the packages; and the path of those that lie over them."""
    name = "-".join(spec["packages"]).replace("==", "-")
    venv = folder / name
    python = venv / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if not (venv / "done").exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run([*pip, *spec["packages"], "wrapt"], check=True)
        (venv / "done").touch()
    over = []
    for package in spec.get("beside", []):
        target = folder / f"{name}+{package.replace('==', '-')}"
        if not (target / "done").exists():
            subprocess.run([*pip, "--no-deps", "--target", str(target), package], check=True)
            (target / "done").touch()
        over.append(str(target))
    return python, over


def run(name, folder, container):
    """What a version says of each network: {network: {...}}."""
    spec = VERSIONS[name]
    python, over = environment(spec, folder)
    path = os.pathsep.join([*over, str(ROOT / "src" / "python")])
    variables = {**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [str(python), __file__, "--inside", spec["keras"], "--container", container]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def table(results):
    networks = list(dict.fromkeys(network for found in results.values() for network in found["networks"]))
    yield "| | loaded with | " + " | ".join(networks) + " |"
    yield "| --- " * (len(networks) + 2) + "|"
    for name, found in results.items():
        cells = [found["networks"].get(network, "") for network in networks]
        yield f"| {name} | {found['version']} | " + " | ".join(cells) + " |"


# --- Inside an environment.

# How many targets of one network, about.
MOST = 10
MANY = 50


def networks(k):
    """Small networks, each with inputs: {name: (model, inputs)}. TensorFlow 2.12 loads no archive of its own with a ReLU as a layer."""
    import numpy as np

    layers, draw = k.layers, np.random.default_rng(0)

    def images(*shape):
        return draw.normal(size=shape).astype("float32")

    def unet():
        image = k.Input((16, 16, 3))
        down = layers.Conv2D(4, 3, padding="same", activation="relu")(image)
        low = layers.Conv2D(6, 3, padding="same")(layers.MaxPooling2D()(down))
        up = layers.Concatenate()([layers.UpSampling2D()(layers.Activation("relu")(low)), down])
        return k.Model(image, layers.Conv2D(2, 1)(up)), [images(2, 16, 16, 3)]

    def siamese():
        left, right = k.Input((12, 12, 3)), k.Input((12, 12, 3))
        shared = k.Sequential([k.Input((12, 12, 3)), layers.Conv2D(4, 3), layers.Activation("relu"), layers.Flatten(), layers.Dense(5)])
        return k.Model([left, right], layers.Subtract()([shared(left), shared(right)])), [
            images(2, 12, 12, 3),
            images(2, 12, 12, 3),
        ]

    def nested():
        inside = k.Input((10, 10, 3))
        frozen = layers.Conv2D(4, 3, padding="same", trainable=False)(inside)
        normal = layers.BatchNormalization()(frozen)
        inner = k.Model(inside, layers.Conv2D(4, 3, padding="same")(normal), name="inner")
        image = k.Input((10, 10, 3))
        return k.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(layers.Activation("relu")(inner(image))))), [images(2, 10, 10, 3)]

    def branches():
        image = k.Input((8, 8, 3))
        a = layers.Conv2D(3, 3, padding="same", name="a2")(layers.Conv2D(3, 3, padding="same", name="a1")(image))
        b = layers.Conv2D(3, 3, padding="same", name="b2")(layers.Conv2D(3, 3, padding="same", name="b1")(image))
        model = k.Model(image, layers.Flatten()(layers.Add()([a, b])))
        model.compile("adam", k.losses.MeanSquaredError())
        inputs = images(8, 8, 8, 3)
        model.fit(inputs, images(8, 192), epochs=2, verbose=0)
        return model, [inputs]

    def masked():
        words = k.Input((5, 7), dtype="int32")
        vectors = layers.Dropout(0.2)(layers.Embedding(10, 6, mask_zero=True)(words))
        sentences = layers.TimeDistributed(layers.GRU(4))(vectors)
        texts = draw.integers(1, 10, (3, 5, 7))
        texts[:, :, 4:] = 0
        texts[:, 3:] = 0
        return k.Model(words, layers.LSTM(3)(sentences)), [texts]

    def application(name, **options):
        network = getattr(k.applications, name)
        return lambda: (network(weights=None, input_shape=(32, 32, 3), classes=5, **options), [images(1, 32, 32, 3)])

    made = {
        "U-Net": unet,
        "siamese": siamese,
        "nested, partly frozen": nested,
        "two branches, compiled": branches,
        "masked": masked,
        "MobileNetV2": application("MobileNetV2", alpha=0.35),
        "EfficientNetB0": application("EfficientNetB0"),
    }
    return {name: build for name, build in made.items() if name != "masked" or is_2(k)}


def is_2(k):
    """Keras 3 computes masks by operations, and loads its own .h5 with those only when told of them."""
    import tensorflow as tf

    return "tf_keras" in k.__name__ or tf.__version__ < "2.16"


def inside(keras, container):
    import importlib

    if keras == "tensorflow.keras":
        import tensorflow

        k = tensorflow.keras
    else:
        k = importlib.import_module(keras)
    k.utils.set_random_seed(7)
    found = {}
    for name, build in networks(k).items():
        with tempfile.TemporaryDirectory() as folder:
            found[name] = proved(k, build, Path(folder), container)
        k.backend.clear_session()
    version = (
        k.__version__ if isinstance(getattr(k, "__version__", None), str) else importlib.import_module("tensorflow").__version__
    )
    print(json.dumps({"version": version, "networks": found}))


def call(tool, *arguments, stdin=""):
    tool = os.path.join(os.environ["CLASSES_BIN_DIR"], tool)
    done = subprocess.run([tool, *map(str, arguments)], input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


def proved(k, build, folder, container):
    """Takes every third target of a network, of a large one fewer, of a very small one all; how many are right, or what is wrong
    with the first."""
    model, inputs = build()
    path = folder / f"model.{container}"
    try:
        model.save(path, **({"save_format": form_of(k)} if container == "keras" and is_2(k) else {}))
    except Exception:  # whatever it was
        return "is not saved"
    config = call("h5-config-get", path)
    targets = [json.loads(line) for line in call("classes-patch", "--list", "--json", stdin=config).splitlines()]
    known = [target for target in targets if target["shape"]]
    taken = known if len(known) < 6 else known[:: max(3, len(known) // MOST)]
    try:
        original = load(k, path)
    except Exception:  # whatever it was
        return "does not load its own file"
    # Keras 3 restores no optimizer's state from .h5.
    restores = bool(getattr(model, "optimizer", None)) and (container == "keras" or is_2(k))
    assert not restores or len(slots(original)) > 4, "no slots are restored"
    for target in taken:
        try:
            # What two cells do to an untrained network of many layers is lost in rounding.
            reaches = len(targets) < MANY
            prove(k, original, path, config, target, inputs, path.with_stem("faulty"), reaches)
        except Exception as error:  # every kind of failure is a result
            return f"{target['name']}: {type(error).__name__}: {error}"[:200]
    return f"{len(taken)} of {len(targets)}"


def form_of(k):
    """What Keras 2 calls its archives."""
    import tensorflow as tf

    return "keras" if "tf_keras" in k.__name__ or tf.__version__ >= "2.13" else "keras_v3"


def load(k, path, **options):
    from classes_h5.simulator import error_simulator

    return k.models.load_model(path, custom_objects={"ErrorSimulator": error_simulator(k)}, **options)


def prove(k, original, path, config, target, inputs, out, reaches):
    import numpy as np
    from classes_h5.simulator import ErrorSimulatorMode

    shape = target["shape"]
    sizes = [shape[axis] for axis in "hwc"] if isinstance(shape, dict) else shape
    cells = {tuple(0 for _ in sizes): 7.5, tuple(size - 1 for size in sizes): -3.25}
    line = {"shape": shape, "cells": [{"at": list(cell), "value": value} for cell, value in cells.items()]}
    sites = out.with_name("sites")
    sites.write_text(json.dumps(line))
    patch = (
        call("classes-patch", "--after", target["name"], "--node", "all", stdin=config)
        if shared(config, target)
        else call("classes-patch", "--after", target["name"], stdin=config)
    )
    call("h5-config-set", path, out, "--force", "--sites", sites, stdin=patch)
    faulty = load(k, out)
    assert slots(original) == slots(faulty), "slots of the optimizer"
    outer, _, name = target["name"].rpartition("/")
    part, old_part = (model.get_layer(outer) if outer else model for model in (faulty, original))
    simulator = part.get_layer("simulator")
    simulator.set_mode(ErrorSimulatorMode.disabled)
    for ours, theirs in zip(outputs(faulty, inputs), outputs(original, inputs)):
        assert ours.tobytes() == theirs.tobytes(), "disabled, it computes something else"
    simulator.set_mode(ErrorSimulatorMode.enabled)
    pairs = zip(outputs(faulty, inputs), outputs(original, inputs))
    assert not reaches or any(ours.tobytes() != theirs.tobytes() for ours, theirs in pairs), "enabled, nothing reaches the outputs"
    given = (
        inputs
        if not outer
        else [np.random.default_rng(1).normal(size=(1, *tensor.shape[1:])).astype("float32") for tensor in part.inputs]
    )
    # A Sequential model does not show its input as a layer.
    is_input = target["class"] == "InputLayer" and len(given) == 1
    before = given[0] if is_input else outputs(k.Model(old_part.inputs, old_part.get_layer(name).output), given)[0]
    behind = outputs(k.Model(part.inputs, simulator.output), given)[0]
    expected = before.copy()
    for cell, value in cells.items():
        expected[(slice(None), *cell)] = value
    assert behind.tobytes() == expected.tobytes(), "other cells than those of the site"


def shared(config, target):
    layers = json.loads(config)["config"]["layers"]
    return any(layer.get("name") == target["name"] and len(layer.get("inbound_nodes", [])) > 1 for layer in layers)


def outputs(model, inputs):
    import numpy as np
    import tensorflow as tf

    given = inputs if len(inputs) > 1 else inputs[0]
    return [np.asarray(output) for output in tf.nest.flatten(model(given, training=False))]


def slots(model):
    """{variable and kind of slot: value} where the version restores them."""
    import numpy as np

    optimizer = getattr(model, "optimizer", None)
    variables = optimizer.variables if optimizer is not None else []
    variables = variables() if callable(variables) else variables
    return {getattr(variable, "path", variable.name): np.asarray(variable).tobytes() for variable in variables}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("versions", nargs="*", metavar="VERSION", help=", ".join(VERSIONS))
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "keras-versions")
    parser.add_argument("--container", choices=("h5", "keras"), default="h5")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        inside(arguments.inside, arguments.container)
    else:
        arguments.work.mkdir(parents=True, exist_ok=True)
        results = {}
        for name in arguments.versions or VERSIONS:
            results[name] = run(name, arguments.work, arguments.container)
            print(name, results[name], file=sys.stderr, flush=True)
        print(*table(results), sep="\n")
