"""How long Keras takes to load simulators, and how much memory: dense beside sparse.

    cargo build --release && python tests/bench/loading.py

For 10, 100 and 10,000 sites of a layer of 112x112x64: the size of the file, and the time and the peak memory of
`load_model` in a process of its own, above what the process has before. Needs what tests/keras/requirements.txt lists.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "target" / "release"
OPERATOR = ["--shape", "112,112,64", "--operator", "relu", "--seed", "7"]


def peak():
    """The most memory that this process had, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def module(version):
    if version == 3:
        import keras
    else:
        import tf_keras as keras
    return keras


def save(version, path):
    keras = module(version)
    image = keras.Input((112, 112, 3))
    features = keras.layers.ReLU(name="relu")(keras.layers.Conv2D(64, 1)(image))
    keras.Model(image, features).save(path, include_optimizer=False)


def load(version, path):
    keras = module(version)
    from classes_h5.simulator import error_simulator

    simulator = {"ErrorSimulator": error_simulator(keras)}
    before, start = peak(), time.perf_counter()
    keras.models.load_model(path, custom_objects=simulator, compile=False)
    print(f"{time.perf_counter() - start:.1f} s, {peak() - before:.0f} MiB")


def child(*arguments):
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, __file__, *map(str, arguments)]
    return subprocess.run(command, env=quiet, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for version in (3, 2):
            model, out = folder / f"keras{version}.h5", folder / "out.h5"
            child("save", version, model)
            config = subprocess.run([TOOLS / "h5-config-get", model], check=True, capture_output=True).stdout
            patch = subprocess.run([TOOLS / "classes-patch", "--after", "relu"], input=config, check=True, stdout=subprocess.PIPE)
            for count in (10, 100, 10_000):
                sites = folder / "sites.ndjson"
                with sites.open("wb") as file:
                    draw = [TOOLS / "classes-sites", *OPERATOR, "--count", str(count)]
                    subprocess.run(draw, stdout=file, stderr=subprocess.DEVNULL, check=True)
                for form in ([], ["--sparse"]):
                    what = f"Keras {version}, {count} sites, {'sparse' if form else 'dense'}"
                    command = [TOOLS / "h5-config-set", model, out, "--force", "--sites", sites, *form]
                    done = subprocess.run(command, input=patch.stdout, capture_output=True, check=False)
                    if done.returncode:
                        print(f"{what}: {done.stderr.decode().splitlines()[0]}", flush=True)
                        continue
                    print(f"{what}: {out.stat().st_size / 1e6:.2f} MB, {child('load', version, out)}", end="", flush=True)
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            main()
        case ["save", version, path]:
            save(int(version), path)
        case ["load", version, path]:
            load(int(version), path)
