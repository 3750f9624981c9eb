"""Times the way from measured tensors to an error model, and drawing from the models of an accelerator, each beside its limit.

    cargo build --release --bins && python tests/bench/measured.py

Prints medians of whole processes with a warm page cache. The limits of the time a tensor are a 300th of what cnn-error-classifier
took for such tensors on one core of the same machine, 34 and 382 ms.
"""

import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from timing import RUNS, TOOLS, run, verdict

# Shape, cells that are wrong, what the tool in Python takes for such a tensor in ms.
TENSORS = [((27, 27, 16), 269, 34), ((56, 56, 64), 3_214, 382)]
FASTER = 300
MEGABYTES_A_SECOND = 500
MOST_MIB = 100
MANY = 100_000
SITES_A_SECOND = 2_000


def measured(folder, shape, cells, count):
    """A golden tensor and so many faulty ones; in each a run of channels-last cells is wrong."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    golden = rng.normal(size=shape).astype(np.float32)
    np.save(folder / "golden.npy", golden)
    for number in range(count):
        faulty = golden.copy()
        start = rng.integers(golden.size - cells)
        faulty.reshape(-1)[start : start + cells] *= np.float32(1000)
        np.save(folder / f"faulty-{number:04}.npy", faulty)
    return folder


def fit(folder, jobs, names="find . -name 'faulty-*' | sort"):
    """The pipe from names of tensors to a model."""
    diff = f'{names} | "{TOOLS}/classes-diff" --golden golden.npy --jobs {jobs}'
    return ["sh", "-c", f'cd "{folder}" && {diff} | "{TOOLS}/classes-fit" --operator conv_gemm > model.json']


def at_least(value, limit):
    return f"limit {limit}: {'kept' if value >= limit else 'NOT KEPT'}"


def time_a_tensor(folder, shape, cells, python_ms, count=400):
    measured(folder, shape, cells, count)
    command = ["taskset", "--cpu-list", "0", *fit(folder, 1)]
    run(command)
    ms = statistics.median(run(command)[0] for _ in range(RUNS)) / count * 1e3
    limit = python_ms / FASTER
    print(
        f"classes-diff | classes-fit, {shape}, {cells} cells wrong, one core: {ms:.3f} ms a tensor ({verdict(ms, round(limit, 3))})"
    )
    print(f"  {python_ms / ms:.0f} times as fast as {python_ms} ms")


def bytes_a_second(folder, count=400):
    """Where few cells are wrong, reading is what takes time."""
    measured(folder, (56, 56, 64), 16, count)
    command = fit(folder, os.cpu_count())
    run(command)
    size = sum(path.stat().st_size for path in folder.glob("faulty-*.npy"))
    megabytes = size / 1e6 / statistics.median(run(command)[0] for _ in range(RUNS))
    print(f"tensors read, all cores: {megabytes:.0f} MB/s ({at_least(megabytes, MEGABYTES_A_SECOND)})")


def memory_of_many(folder):
    """The names of a few tensors, again and again."""
    measured(folder, (27, 27, 16), 269, 200)
    names = f"for i in $(seq {MANY // 200}); do ls faulty-*; done"
    for tool in ("diff", "fit"):
        start = time.perf_counter()
        wrapped = ["sh", "-c", f'cd "{folder}" && ({names}) | "{TOOLS}/classes-diff" --golden golden.npy > lines']
        command = wrapped if tool == "diff" else [TOOLS / "classes-fit", "--operator", "conv_gemm", folder / "lines"]
        _, peak, _ = run(command)
        seconds = time.perf_counter() - start
        print(f"classes-{tool}, {MANY} tensors: {peak:.0f} MiB ({verdict(peak, MOST_MIB)}), {seconds:.1f} s")


def drawing(count=300):
    """Nearly half of the sites of some sets are whole channels: what bounds them is how much text they are."""
    for name in ("nvdla-8x8-int8", "nvdla-32x32-int16", "nvdla-32x8-int32"):
        command = [TOOLS / "classes-sites", "--models", name, "--operator", "conv", "--shape", "56,56,64", "--seed", "7"]
        command += ["--range-min=-1", "--range-max", "1", "--jobs", "1", "--count", str(count)]
        size = len(subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout)
        seconds = statistics.median(run(command)[0] for _ in range(3))
        rate, text = count / seconds, f"{size / count / 1e6:.1f} MB of text a site, {size / 1e6 / seconds:.0f} MB/s"
        print(f"classes-sites, {name}, 56x56x64, one thread: {rate:.0f} sites/s ({at_least(rate, SITES_A_SECOND)}); {text}")


def main():
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for number, (shape, cells, python_ms) in enumerate(TENSORS):
            time_a_tensor(folder / str(number), shape, cells, python_ms)
        bytes_a_second(folder / "read")
        memory_of_many(folder / "many")
    drawing()
    print(f"load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
