"""Times classes_h5.play beside the loop that everyone writes first: select a site, predict an input.

    cargo build --release && target/venv/bin/python tests/bench/play.py [SITES]

Prints faults a second for both, medians of runs in turn in one process, after one run each to warm up; the runner's
building and compiling is in its time. Needs tests/keras/requirements.txt.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "keras")]

import numpy as np
import pipe
import zoo
from classes_h5.runner import load, play
from kerases import DATA

RUNS = 3
CASES = {
    "digits": ("conv2d", "conv2d_2"),
    "resnet50": ("conv2_block1_out", "conv4_block1_out", "conv5_block3_out"),
}


def seconds(what):
    start = time.perf_counter()
    what()
    return time.perf_counter() - start


def naive(model, images, pairs, few):
    """One prediction after the other, of the first few."""
    simulator = model.get_layer("simulator")
    for site, image in pairs[:few]:
        simulator.select(site)
        model.predict(images[image : image + 1], verbose=0)


def compare(name, original, layer, images, count, folder):
    config, sites, faulty = pipe.config_of(original), folder / "sites.ndjson", folder / "faulty.h5"
    draw = ["--layer", layer, "--count", count, "--seed", 1, "--operator", "conv_gemm"]
    sites.write_text(pipe.call("classes-sites", *draw, stdin=config))
    patch = pipe.patch(config, "--after", layer)
    pipe.simulate(original, faulty, sites, 3, "--sparse", "--force", patch_or_config=patch)
    model = load(faulty)
    golden = model.predict(images, verbose=0)
    pairs, few = [(site, site % len(images)) for site in range(count)], min(count, 50)
    runner = lambda: play(model, None, sites, images, golden.argmax(axis=1))  # noqa: E731
    loop = lambda: naive(model, images, pairs, few)  # noqa: E731
    runner(), loop()
    ours, theirs = zip(*((count / seconds(runner), few / seconds(loop)) for _ in range(RUNS)))
    ratio = statistics.median(a / b for a, b in zip(ours, theirs))
    print(
        f"{name}, behind {layer}: {statistics.median(ours):.0f} faults a second beside {statistics.median(theirs):.1f},"
        f" ratio {ratio:.0f} (medians of {RUNS} pairs, {count} sites)",
        flush=True,
    )


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        digits = np.load(DATA / "digits-test.npz")["images"]
        zoo.save("resnet50", 3, folder / "resnet50.h5")
        pictures = np.random.default_rng(0).uniform(0, 1, (200, 64, 64, 3)).astype("float32")
        inputs = {"digits": (DATA / "digits-keras3.h5", digits), "resnet50": (folder / "resnet50.h5", pictures)}
        for name, layers in CASES.items():
            for layer in layers:
                compare(name, inputs[name][0], layer, inputs[name][1], count, folder)


if __name__ == "__main__":
    main()
