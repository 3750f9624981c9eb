"""Times the tools on large files, each beside its limit: what bounds it, run in turn with it.

    cargo build --release --bins --example bare && python tests/bench/files.py [MEGABYTES]

Prints medians of whole processes with a warm page cache, wall clock and processor time, the medians of the ratios pair by
pair, and whether the limit is kept. Needs h5py; with a Keras also the largest config of its applications.
Peaks are those of a command's largest process, and none below this script's own.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
from timing import ROOT, TOOLS, alone, pairs, run, to_file

MODEL = ROOT / "tests" / "data" / "digits-keras3.h5"
PATCHES = 10_000
# The longest configs of keras.applications, of all 40 networks in Keras 3.15 and all 71 in tf_keras 2.21.
LARGEST = {"keras": "NASNetLarge", "tf_keras": "ResNetRS420"}


def grown(path, megabytes):
    """The digits model with as many megabytes of optimizer state."""
    shutil.copy(MODEL, path)
    with h5py.File(path, "a") as file:
        group = file.create_group("optimizer_weights")
        rng = np.random.default_rng(0)
        for part in range(max(megabytes // 100, 1)):
            group.create_dataset(f"w{part}", data=rng.random(min(megabytes, 100) * 250_000, dtype="float32"))
    return path


def config_only(path, config):
    """A model file of nothing but a config."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = config
    return path


def wide():
    """A chain of one layer, whose output is 112x112x64."""
    layer = {"name": "wide", "batch_input_shape": [None, 112, 112, 64], "max_value": None}
    layers = [{"class_name": "ReLU", "config": layer}]
    return json.dumps({"class_name": "Sequential", "config": {"name": "chain", "layers": layers}})


def config_of(keras, network):
    """The config of a network in keras.applications, if this Keras is there."""
    code = f"import {keras}; print({keras}.applications.{network}(weights=None).to_json())"
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=quiet, check=False)
    return done.stdout if done.returncode == 0 else None


def small_config_in_a_large_file(folder, megabytes):
    big, small = grown(folder / "big.h5", megabytes), grown(folder / "small.h5", 1)
    get = TOOLS / "h5-config-get"
    pairs(f"h5-config-get, {megabytes} MB beside 1 MB", lambda: run([get, big]), lambda: run([get, small]))
    config = to_file([get, big], folder / "config.json")
    patch = to_file([TOOLS / "classes-patch", "--after", "conv2d_1", config], folder / "patch.json")
    sites = ROOT / "tests" / "data" / "files" / "conv2d_1.ndjson"
    out, copy = folder / "out.h5", folder / "copy.h5"
    set_config = [TOOLS / "h5-config-set", big, out, "--input", patch, "--sites", sites]
    cp = ["cp", "--reflink=never", big, copy]
    pairs(f"h5-config-set, {megabytes} MB beside cp", lambda: run(set_config, out), lambda: run(cp, copy), limit=1.2)
    big.unlink(), out.unlink(), copy.unlink()
    loop = f'for i in $(seq {PATCHES}); do "{TOOLS}/classes-patch" --after conv2d_1 "{config}" > "{folder}/p"; done'
    seconds, *_ = run(["sh", "-c", loop])
    print(f"{PATCHES} patches in a shell loop: {seconds:.1f} s, {seconds / PATCHES * 1e3:.2f} ms each", flush=True)


def large_archive(folder, megabytes):
    """An archive of two branches of dense layers, whose weights change places behind one of them and not behind another."""
    side = int((megabytes * 250_000 / 4) ** 0.5)
    code = f"""if True:
        import keras
        x = keras.Input(({side},))
        ends = []
        for branch in "ab":
            ends.append(keras.layers.Dense({side}, name=branch + "1")(x))
            ends[-1] = keras.layers.Dense({side}, name=branch + "2")(ends[-1])
        keras.Model(x, keras.layers.Add(name="sum")(ends)).save({str(folder / "big.keras")!r})"""
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    if subprocess.run([sys.executable, "-c", code], env=quiet, capture_output=True, check=False).returncode:
        print("no Keras here: nothing measured on archives")
        return
    big, small = folder / "big.keras", ROOT / "tests" / "data" / "digits-keras3.keras"
    size = big.stat().st_size / 1e6
    get, out, copy = TOOLS / "h5-config-get", folder / "out.keras", folder / "copy.keras"
    pairs(f"h5-config-get, an archive of {size:.0f} MB beside a small one", lambda: run([get, big]), lambda: run([get, small]))
    config = to_file([get, big], folder / "config.json")
    site = json.dumps({"shape": [side], "cells": [{"at": [0], "value": 1}]})
    (folder / "site.ndjson").write_text(site)
    cp = ["cp", "--reflink=never", big, copy]
    for layer in ("a1", "a2", "b1", "b2", "sum"):
        patch = to_file([TOOLS / "classes-patch", "--after", layer, config], folder / "patch.json")
        command = [TOOLS / "h5-config-set", big, out, "--input", patch, "--sites", folder / "site.ndjson"]
        run(command, out)
        moves = places_of_weights(out) != places_of_weights(big)
        what = f"h5-config-set, an archive of {size:.0f} MB behind {layer}, {'weights move' if moves else 'no weight moves'}, beside cp"
        pairs(what, lambda: run(command, out), lambda: run(cp, copy), limit=1.6 if moves else 1.2)
    for path in (big, out, copy):
        path.unlink()


def places_of_weights(path):
    """Where the layers' weights are in an archive: {place: the first numbers}."""
    with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as member, h5py.File(member) as file:
        return {name: tuple(group["vars/0"][0, :4]) for name, group in file["layers"].items() if "0" in group.get("vars", {})}


def large_config(folder):
    model, out, bare = config_only(folder / "wide.h5", wide()), folder / "out.h5", folder / "bare.h5"
    patch = to_file([TOOLS / "classes-patch", "--after", "wide"], folder / "wide.patch", input=wide().encode())
    for operator in ("relu", "conv_gemm"):
        draw = [TOOLS / "classes-sites", "--shape", "112,112,64", "--operator", operator, "--count", "100", "--seed", "7"]
        lines = to_file(draw, folder / "sites.ndjson")
        run([*draw, "--npy", folder])
        arrays = ["--injections", folder / "injections.npy", "--masks", folder / "masks.npy"]
        for source, flags in (("lines", ["--sites", lines]), ("npy", arrays)):
            set_config = [TOOLS / "h5-config-set", model, out, "--input", patch, *flags]
            run(set_config, out)
            raw = subprocess.run(["sh", "-c", f'"{TOOLS}/h5-config-get" --raw "{out}" | wc -c'], capture_output=True, check=True)
            length = int(raw.stdout)
            write = [TOOLS / "examples" / "bare", bare, str(length)]
            what = f"h5-config-set, 100 {operator} sites from {source}, a text of {length / 1e6:.0f} MB, beside a bare write"
            limits = {"limit": 1.3, "peak_limit": 1.3} if source == "lines" else {"peak_limit": 1.3}
            pairs(what, lambda: run(set_config, out), lambda: run(write, bare), **limits)
    faulty = out.rename(folder / "faulty.h5")
    config = to_file([TOOLS / "h5-config-get", faulty], folder / "faulty.json")
    alone("h5-config-get of it", lambda: run([TOOLS / "h5-config-get", faulty]))
    alone("classes-patch --list of it", lambda: run([TOOLS / "classes-patch", "--list", config]))
    again = [TOOLS / "h5-config-set", faulty, out, "--input", config]
    alone("h5-config-set of it again, from its config", lambda: run(again, out))


def largest_networks(folder):
    for keras, network in LARGEST.items():
        config = config_of(keras, network)
        if config is None:
            print(f"no {keras} here: nothing measured on the config of {network}")
            continue
        what = f"{keras}'s {network} ({len(config) / 1e6:.2f} MB)"
        model = config_only(folder / "largest.h5", config)
        text = to_file([TOOLS / "h5-config-get", model], folder / "largest.json")
        alone(f"h5-config-get, {what}", lambda: run([TOOLS / "h5-config-get", model]), 30)
        listed = subprocess.run([TOOLS / "classes-patch", "--list", text], capture_output=True, text=True, check=True)
        layers = [line.split("\t")[0] for line in listed.stdout.splitlines()]
        patch = [TOOLS / "classes-patch", "--after", layers[len(layers) // 2], text]
        alone("classes-patch on it, in the middle", lambda: run(patch), 30)


def main():
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        largest_networks(folder)
        small_config_in_a_large_file(folder, megabytes)
        large_archive(folder, megabytes)
        large_config(folder)
    print(f"load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
