"""The layers on each backend of Keras 3 that is installed, on each device that there is: what holds, and how fast it is.

    python tests/keras/backends.py [jax torch tensorflow] [--seconds 5]

needs NumPy, h5py, wrapt and a backend. With no GPU the table is that of the CPU. test_backends.py runs the same checks.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src" / "python"))

import numpy as np

SHAPE = (6, 6, 4)
VALUES = [{13: 5.0}, {0: np.nan, 143: -0.5}, {39: np.inf, 7: -np.inf, 100: 1e-42}]
NAMES = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def sparse():
    sites = [{"shape": list(SHAPE), "index": list(site), "value": [NAMES.get(str(v), v) for v in site.values()]} for site in VALUES]
    return sites, []


def dense():
    injections, masks = np.zeros((3, 144), np.float32), np.ones((3, 144), np.float32)
    for number, site in enumerate(VALUES):
        injections[number, list(site)], masks[number, list(site)] = list(site.values()), 0
    return [array.reshape(3, *SHAPE) for array in (injections, masks)]


FORMS = {"sparse": sparse, "dense": dense}


class Child:
    """What the checks have of one Keras."""

    def __init__(self, folder):
        import keras

        import classes_h5
        from classes_h5.simulator import ErrorSimulator

        self.keras, self.package, self.Simulator, self.folder = keras, classes_h5, ErrorSimulator, Path(folder)
        self.backend = keras.backend.backend()
        self.images = np.random.default_rng(1).normal(size=(5, 8, 8, 3)).astype("float32")

    def network(self, form, dtype=None):
        """(the network without, with the simulator, up to where it stands, the simulator)"""
        k = self.keras
        k.utils.set_random_seed(1)
        image = k.Input((8, 8, 3))
        x = k.layers.Conv2D(4, 3, activation="relu", dtype=dtype)(image)
        rest = [
            k.layers.Conv2D(5, 3, padding="same", activation="tanh"),
            k.layers.Flatten(),
            k.layers.Dense(7, activation="softmax"),
        ]
        simulator = self.Simulator(*FORMS[form](), 3, name="simulator", dtype=dtype)
        models = []
        for y in (x, simulator(x)):
            for layer in rest:
                y = layer(y)
            models.append(k.Model(image, y))
        models[0].compile(jit_compile=False)  # with the layer JAX computes without
        return *models, k.Model(image, x), simulator

    def run(self, model, images):
        return self.array(model(images))

    def array(self, tensor):
        return self.keras.ops.convert_to_numpy(tensor)

    def tensor(self, array, dtype=None):
        return self.keras.ops.convert_to_tensor(array, dtype)


def same(these, those):
    return these.dtype == those.dtype and these.shape == those.shape and these.tobytes() == those.tobytes()


def with_site(array, site):
    found = array.reshape(len(array), -1).copy()
    for index, value in VALUES[site].items():
        found[:, index] = np.float32(value).astype(found.dtype)
    return found.reshape(array.shape)


def refused(call, words):
    try:
        call()
    except Exception as error:
        assert words in str(error), str(error)
    else:
        raise AssertionError("it is not refused")


def expected_rest(child, without, before, site, images):
    """What the network without the layer makes of a tensor with the site's cells."""
    y = child.tensor(with_site(child.run(before, images), site))
    for layer in without.layers[2:]:
        y = layer(y)
    return child.array(y)


@check
def disabled_it_gives_the_bits_of_the_network_without_it(child):
    for form in FORMS:
        without, model, _, simulator = child.network(form)
        simulator.set_mode(1)
        assert same(child.run(model, child.images), child.run(without, child.images))
        assert same(model.predict(child.images, verbose=0), without.predict(child.images, verbose=0))
        assert simulator.last_sites.tolist() == [-1] * 5 and simulator.last_changed.tolist() == [False] * 5
        odd = np.resize(np.array([np.nan, -0.0, np.inf, -np.inf, 1e-45, 3.0], np.float32), (2, *SHAPE))
        assert same(child.array(simulator(child.tensor(odd))), odd)


@check
def a_selected_site_changes_its_cells_and_no_others(child):
    for form in FORMS:
        without, model, before, simulator = child.network(form)
        up_to = child.keras.Model(model.inputs, simulator.output)
        for site in (0, 1, 2):
            simulator.select(site)
            original = child.run(before, child.images)
            # 1e-42 is what the backend's arithmetic makes of it where the form computes.
            expected = with_site(original, site)
            for found in (child.run(up_to, child.images), up_to.predict(child.images, verbose=0)):
                if form == "dense":
                    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-38)
                else:
                    assert same(found, expected), site
            assert simulator.last_sites.tolist() == [site] * 5
            if form == "sparse":
                for found in (child.run(model, child.images), model.predict(child.images, verbose=0)):
                    assert same(found, expected_rest(child, without, before, site, child.images)), site


@check
def each_image_gets_its_own_site_and_another_number_is_refused(child):
    _, model, before, simulator = child.network("sparse")
    up_to = child.keras.Model(model.inputs, simulator.output)
    simulator.select([2, 0, 1, 1, 0])
    original = child.run(before, child.images)
    for found in (child.run(up_to, child.images), up_to.predict(child.images, verbose=0)):
        for image, site in enumerate([2, 0, 1, 1, 0]):
            assert same(found[image], with_site(original[image : image + 1], site)[0])
    for play in (model, lambda images: model.predict(images, verbose=0)):
        refused(lambda play=play: play(child.images[:4]), "ErrorSimulator: sites are selected for")
    refused(lambda: simulator.select(3), "site 3 is not in 0..2")


@check
def without_a_selection_sites_are_drawn_and_follow_the_seed(child):
    for form in FORMS:
        _, model, before, simulator = child.network(form)
        up_to = child.keras.Model(model.inputs, simulator.output)
        many = np.tile(child.images, (20, 1, 1, 1))
        drawn = []
        for seed in (4, 4, 5):
            child.keras.utils.set_random_seed(seed)
            found = child.run(up_to, many)
            drawn.append(simulator.last_sites.tolist())
        assert set(drawn[0]) == {0, 1, 2} and drawn[0] == drawn[1] != drawn[2]
        original = child.run(before, many)
        for image, site in enumerate(drawn[2]):
            cells = list(VALUES[site])
            expected = with_site(original[image : image + 1], site)[0].ravel()[cells]
            np.testing.assert_allclose(found[image].ravel()[cells], expected, rtol=0, atol=1e-38)


@check
def it_tells_in_which_images_a_bit_changed(child):
    flat = np.random.default_rng(2).normal(size=(5, 144)).astype("float32")
    flat[1, 13] = 5.0
    flat[3, [39, 7, 100]] = [np.inf, -np.inf, np.float32(1e-42)]
    simulator = child.Simulator(*sparse(), 3)
    simulator.select([0, 0, 1, 2, 2])
    simulator(child.tensor(flat.reshape(5, *SHAPE)))
    assert simulator.last_changed.tolist() == [True, False, True, False, True]
    simulator = child.Simulator(*dense(), 3)
    simulator.select([0, 0, 1, 0, 0])
    simulator(child.tensor(flat.reshape(5, *SHAPE)))
    assert simulator.last_changed.tolist() == [True, False, True, True, True]


@check
def a_flipped_bit_is_that_of_the_float32_of_the_value_found_in_every_dtype(child):
    site = {"index": [3, 8, 39], "value": [None, 2.5, None], "bit": [31, None, 22]}
    values = np.random.default_rng(3).normal(size=(4, 144)).astype("float32")
    for dtype in ("float16", "bfloat16", "float32", "float64"):
        inputs = child.tensor(values.reshape(4, *SHAPE), dtype)
        simulator = child.Simulator([site], [], 1, dtype=dtype)
        found, before = (child.array(part).reshape(4, 144) for part in (simulator(inputs), inputs))
        assert found.dtype == before.dtype
        expected = before.copy()
        for index, bit in ((3, 31), (39, 22)):
            flipped = before[:, index].astype(np.float32).view(np.uint32) ^ np.uint32(1 << bit)
            expected[:, index] = flipped.view(np.float32).astype(before.dtype)
        expected[:, 8] = 2.5
        assert found.tobytes() == expected.tobytes(), dtype


@check
def a_network_of_half_the_precision_plays_too(child):
    for dtype in ("mixed_float16", "mixed_bfloat16"):
        without, model, before, simulator = child.network("sparse", dtype)
        up_to = child.keras.Model(model.inputs, simulator.output)
        simulator.select(0)
        assert same(child.run(up_to, child.images), with_site(child.run(before, child.images), 0))
        simulator.set_mode(1)
        assert same(child.run(model, child.images), child.run(without, child.images))


@check
def a_saved_file_holds_no_weight_of_it_and_plays_the_same(child):
    for form in FORMS:
        without, model, _, simulator = child.network(form)
        assert len(model.weights) == len(without.weights) and not simulator.weights and not simulator.variables
        simulator.select(1)
        for suffix in ("h5", "keras"):
            model.save(child.folder / f"saved.{suffix}")
            again = child.keras.models.load_model(child.folder / f"saved.{suffix}", compile=False)
            assert again.get_layer("simulator").mode.numpy().tolist() == [[2]]
            again.get_layer("simulator").select(1)
            assert same(child.run(again, child.images), child.run(model, child.images))
            again.get_layer("simulator").set_mode(1)
            assert same(child.run(again, child.images), child.run(without, child.images))


@check
def a_mask_goes_on_as_it_came(child):
    k = child.keras
    words = k.Input((5,), dtype="int32")
    x = k.layers.Embedding(9, 4, mask_zero=True)(words)
    simulator = child.Simulator([{"index": [0], "value": [3.0]}], [], 1)
    clip, last = child.package.clip_layer(k)(-9.0, 9.0), k.layers.LSTM(3)
    without, model = (k.Model(words, last(y)) for y in (x, clip(simulator(x))))
    texts = np.array([[3, 4, 0, 0, 0], [1, 2, 3, 0, 0]], "int32")
    simulator.set_mode(1)
    assert same(child.run(model, texts), child.run(without, texts))
    simulator.set_mode(2)
    assert not same(child.run(model, texts), child.run(without, texts))


@check
def open_axes_of_another_size_are_refused_when_played(child):
    k = child.keras
    for form in FORMS:
        image = k.Input((None, None, 4))
        simulator = child.Simulator(*FORMS[form](), 3)
        model = k.Model(image, simulator(image))
        assert child.run(model, np.zeros((2, *SHAPE), np.float32)).shape == (2, *SHAPE)
        wrong = np.ones((2, 4, 9, 4), np.float32)
        for play in (model, model.predict):
            refused(lambda play=play, wrong=wrong: play(wrong), "ErrorSimulator: the sites have shape")
        simulator.set_mode(1)
        assert same(child.run(model, wrong), wrong)
    refused(
        lambda: child.Simulator(*sparse(), 3)(k.Input((6, 5, 4))),
        "ErrorSimulator: the sites have shape (6, 6, 4), the input (6, 5, 4)",
    )
    unshaped = child.Simulator([{"index": [7], "value": [1.5]}], [], 1)
    refused(lambda: unshaped(k.Input((2, 3))), "index 7, an array of shape (2, 3) only 6 cells")


@check
def where_jax_would_trace_it_it_is_refused(child):
    if child.backend != "jax":
        return
    _, model, _, simulator = child.network("sparse")
    words = "ErrorSimulator: JAX traces the layer"
    import jax

    for mode in (1, 2):
        simulator.set_mode(mode)
        refused(lambda: jax.jit(lambda images: model(images))(child.images), words)
        model.compile(loss="mse", optimizer="sgd")
        refused(lambda: model.fit(child.images, np.zeros((5, 7)), verbose=0), words)


@check
def a_clip_keeps_its_range_and_the_bits_in_it(child):
    values = np.array([[np.nan, 9.0, -9.0, 1.5, -0.0, 0.0, np.inf, -np.inf]], np.float32)
    clip = child.package.clip_layer(child.keras)
    for nan, outside, ends in (("keep", "saturate", (-2.0, 5.0)), ("zero", "zero", (0.0, 0.0))):
        low, high = ends
        expected = np.array([[np.nan if nan == "keep" else 0, high, low, 1.5, -0.0, 0.0, high, low]], np.float32)
        found = child.array(clip(-2.0, 5.0, nan=nan, outside=outside)(child.tensor(values)))
        assert found[:, 1:].tobytes() == expected[:, 1:].tobytes()
        np.testing.assert_array_equal(found, expected)
    for dtype in ("float16", "bfloat16", "float32", "float64"):
        inputs = child.tensor(np.random.default_rng(1).normal(0, 3, (4, 50)), dtype)
        low, high = (float(end(child.array(inputs).astype(float))) for end in (np.min, np.max))
        assert same(child.array(clip(low, high, dtype=dtype)(inputs)), child.array(inputs)), dtype


def lines(shape, sites):
    """Sites as lines: of values by flat index."""
    axes = [dict(zip("hwc", map(int, np.unravel_index(index, shape)))) for index in range(int(np.prod(shape)))]
    cells = [[axes[index] | {"value": NAMES.get(str(value), value)} for index, value in site.items()] for site in sites]
    return "\n".join(json.dumps({"shape": dict(zip("hwc", shape)), "cells": site}) for site in cells)


def branching(child):
    """A network with skips over one simulator, and one in a nested model."""
    k = child.keras
    k.utils.set_random_seed(3)
    image = k.Input(SHAPE)
    shared = k.layers.Conv2D(4, 3, padding="same", activation="relu", name="shared")
    first, deep = (child.Simulator(*sparse(), 3, name=name) for name in ("first", "deep"))
    a = shared(image)
    inside = k.Input(SHAPE)
    nested = k.Model(inside, deep(k.layers.Conv2D(4, 3, padding="same", name="conv")(inside)), name="nested")
    x = k.layers.Add()([nested(shared(first(a))), a, image])
    y = k.layers.BatchNormalization()(x)
    return k.Model(image, k.layers.Dense(5)(k.layers.GlobalAveragePooling2D()(y))), {"first": first, "nested/deep": deep}


@check
def play_gives_every_bit_of_one_prediction_after_the_other(child):
    from classes_h5 import runner

    images = np.random.default_rng(5).normal(size=(4, *SHAPE)).astype("float32")
    (child.folder / "sites.ndjson").write_text(lines(SHAPE, VALUES))
    model, simulators = branching(child)
    for name, simulator in simulators.items():
        seen = []

        def keep(golden, faulty, image, seen=seen):
            seen.append((golden, faulty, image))
            return len(seen)

        options = {"design": "crossed", "batch_size": 16, "outcome": keep}
        table = runner.play(model, name, child.folder / "sites.ndjson", images, **options)
        assert len(table["site"]) == 12 and table["cells"][::4] == [1, 2, 3]
        for site, image, said, none in zip(table["site"], table["input"], table["outcome"], table["no_effect"]):
            golden, faulty, given = seen[int(said) - 1]
            assert same(given, images[image])
            batch = np.repeat(images[image][None], 16, 0)
            for mode, output in ((1, golden), (2, faulty)):
                simulator.set_mode(mode)
                simulator.select(site)
                assert same(child.run(model, batch)[0], output), (name, site, image)
            assert none == (not simulator.last_changed[0])


@check
def ranges_are_those_of_each_layers_output(child):
    from classes_h5.ranges import golden_ranges

    model, simulators = branching(child)
    for simulator in simulators.values():
        simulator.set_mode(1)
    images = np.random.default_rng(6).normal(size=(8, *SHAPE)).astype("float32")
    found = golden_ranges(model, images, activations={"shared": "relu"})
    assert {"shared", "nested", "nested/conv", "add", "batch_normalization", "dense"} <= {
        name.rstrip("_0123456789") for name in found
    }
    for layer in model.layers[1:]:
        if layer.name not in ("shared", "first", "nested"):
            output = child.run(child.keras.Model(model.inputs, layer.output), images)
            assert found[layer.name] == {"min": float(str(output.min())), "max": float(str(output.max()))}, layer.name
    assert found["shared"]["activation"] == "relu" and found["shared"]["before_activation"]["min"] < 0 == found["shared"]["min"]


# The table


def device_of(child):
    if child.backend == "torch":
        import torch

        return torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    if child.backend == "jax":
        import jax

        return jax.devices()[0].device_kind if jax.default_backend() != "cpu" else "CPU"
    import tensorflow as tf

    return "GPU" if tf.config.list_physical_devices("GPU") else "CPU"


def speed(child, seconds):
    """Predictions a second of a network of some size, in batches of 64, each image with a site of its own: by predict without the
    layer and with it, and by the runner, whose network is in memory already."""
    from classes_h5 import runner

    k = child.keras
    rng, shape = np.random.default_rng(5), (64, 64, 32)
    cells = [
        dict(zip(rng.choice(int(np.prod(shape)), 200, replace=False).tolist(), rng.normal(size=200).tolist())) for _ in range(50)
    ]
    (child.folder / "sites.ndjson").write_text(lines(shape, cells))
    image = k.Input((64, 64, 3))
    x = k.layers.Conv2D(32, 3, padding="same", activation="relu")(image)
    sites = [{"index": list(site), "value": list(site.values())} for site in cells]
    simulator = child.Simulator(sites, [], len(sites), name="simulator")
    layers = [k.layers.Conv2D(64, 3, strides=2, padding="same", activation="relu") for _ in range(2)]
    layers += [k.layers.Conv2D(64, 3, padding="same", activation="relu") for _ in range(6)]
    layers += [k.layers.GlobalAveragePooling2D(), k.layers.Dense(10)]
    found, images = {}, rng.normal(size=(512, 64, 64, 3)).astype("float32")
    for name, y in (("predict without the layer", x), ("predict with the layer", simulator(x))):
        for layer in layers:
            y = layer(y)
        model = k.Model(image, y)
        found[name] = a_second(lambda model=model: model.predict(images, batch_size=64, verbose=0), 512, seconds)

    def play():
        runner.play(model, None, child.folder / "sites.ndjson", images[:16], design="crossed", batch_size=64)

    found["runner.play"] = a_second(play, 800, seconds)
    return found


def a_second(play, predictions, seconds):
    play()
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        play()
        count += predictions
    return round(count / (time.perf_counter() - start), 1)


def run_checks(only, seconds, modules_absent):
    """One backend, the one that KERAS_BACKEND names: a line of JSON."""
    for name in modules_absent:
        sys.modules[name] = None  # as if it were not installed
    with tempfile.TemporaryDirectory() as folder:
        child = Child(folder)
        report = {"backend": child.backend, "keras": child.keras.__version__, "device": device_of(child), "checks": {}}
        report["version"] = __import__(child.backend).__version__
        for function in CHECKS:
            if not only or function.__name__ in only:
                try:
                    function(child)
                    said = ""
                except Exception as error:
                    said = f"{type(error).__name__}: {error}"
                report["checks"][function.__name__] = said
        report["tensorflow"] = sys.modules.get("tensorflow") is not None
        if seconds:
            report["speed"] = speed(child, seconds)
    print(json.dumps(report))


def reports(backend, device, seconds=0, absent=(), only=()):
    """What a process of its own says of a backend on "cpu", or on the GPU where there is one."""
    hidden = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"} if device == "cpu" else {}
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", **hidden}
    command = [sys.executable, __file__, *only, "--child", "--seconds", str(seconds), *(f"--absent={name}" for name in absent)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{backend} on {device}: {done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backends", nargs="*", metavar="BACKEND")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--absent", action="append", default=[], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        run_checks(options.backends, options.seconds, options.absent)
        return 0
    failed = 0
    for backend in options.backends or [name for name in ("tensorflow", "jax", "torch") if find_spec(name)]:
        seen = set()
        for device in ("cpu", "gpu"):
            try:
                report = reports(backend, device, options.seconds)
            except RuntimeError as error:
                print(error, flush=True)
                failed += 1
                continue
            if report["device"] in seen:
                continue
            seen.add(report["device"])
            wrong = {name: said for name, said in report["checks"].items() if said}
            failed += len(wrong)
            print(f"{backend} {report['version']}, Keras {report['keras']}, on {report['device']}:", flush=True)
            print(f"  {len(report['checks']) - len(wrong)} of {len(report['checks'])} checks hold")
            for name, said in wrong.items():
                print(f"  FAILED {name}: {said[:600]}")
            for name, number in report.get("speed", {}).items():
                print(f"  {number:10.1f} predictions a second: {name}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
