"""Times h5-config-get and h5-config-set on a large model beside what bounds them: a small model, and `cp`.

    cargo build --release && target/venv/bin/python tests/bench/files.py [MEGABYTES]

Prints medians of whole processes, run in turn with a warm page cache, and the ratios pair by pair. Needs h5py.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "target" / "release"
MODEL = ROOT / "tests" / "data" / "digits-keras3.h5"
RUNS = 9


def grown(path, megabytes):
    """The digits model with as many megabytes of optimizer state."""
    shutil.copy(MODEL, path)
    with h5py.File(path, "a") as file:
        group = file.create_group("optimizer_weights")
        rng = np.random.default_rng(0)
        for part in range(max(megabytes // 100, 1)):
            group.create_dataset(f"w{part}", data=rng.random(min(megabytes, 100) * 250_000, dtype="float32"))
    return path


def seconds(command, out=None):
    if out is not None:
        out.unlink(missing_ok=True)
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def pairs(what, ours, bound):
    """Both in turn after one run each to warm up."""
    ours(), bound()
    times = [(ours(), bound()) for _ in range(RUNS)]
    mine, other = (statistics.median(column) for column in zip(*times))
    ratio = statistics.median(a / b for a, b in times)
    print(f"{what}: {mine * 1e3:.1f} ms beside {other * 1e3:.1f} ms, ratio {ratio:.2f} (medians of {RUNS} pairs)")


def main():
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        big, small = grown(folder / "big.h5", megabytes), grown(folder / "small.h5", 1)
        get = TOOLS / "h5-config-get"
        pairs(f"h5-config-get, {megabytes} MB beside 1 MB", lambda: seconds([get, big]), lambda: seconds([get, small]))

        config = subprocess.run([get, big], check=True, capture_output=True).stdout
        patch = folder / "patch.json"
        with patch.open("wb") as file:
            subprocess.run([TOOLS / "classes-patch", "--after", "conv2d_1"], input=config, stdout=file, check=True)
        sites = ROOT / "tests" / "data" / "files" / "conv2d_1.ndjson"
        out, copy = folder / "out.h5", folder / "copy.h5"
        set_config = [TOOLS / "h5-config-set", big, out, "--input", patch, "--sites", sites]
        cp = ["cp", "--reflink=never", big, copy]
        pairs(f"h5-config-set, {megabytes} MB beside cp", lambda: seconds(set_config, out), lambda: seconds(cp, copy))


if __name__ == "__main__":
    main()
