"""What the benchmarks share: whole processes timed, each beside its limit."""

import os
import statistics
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "target" / "release"
RUNS = 7


def run(command, out=None):
    """(seconds, peak MiB, seconds of processor time) of a process; `out` is what it writes."""
    if out is not None:
        out.unlink(missing_ok=True)
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"{' '.join(map(str, command))}: status {status}")
    return seconds, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime


def verdict(value, limit):
    return f"limit {limit}: {'kept' if value <= limit else 'NOT KEPT'}"


def pairs(what, ours, bound, limit=None, peak_limit=None):
    """Both in turn after one run each to warm up."""
    ours(), bound()
    measured = [(ours(), bound()) for _ in range(RUNS)]
    (mine, other), (my_peak, other_peak), (my_cpu, other_cpu) = (
        [statistics.median(pair[side][part] for pair in measured) for side in range(2)] for part in range(3)
    )
    ratio = statistics.median(a[0] / b[0] for a, b in measured)
    text = f"{what}: {mine * 1e3:.1f} ms ({my_cpu * 1e3:.0f} of CPU) beside {other * 1e3:.1f} ({other_cpu * 1e3:.0f}), ratio {ratio:.2f}"
    if limit:
        text += f" ({verdict(ratio, limit)})"
    if peak_limit:
        peaks = my_peak / other_peak
        text += f"; {my_peak:.0f} MiB beside {other_peak:.0f} MiB, ratio {peaks:.2f} ({verdict(peaks, peak_limit)})"
    print(text, flush=True)


def alone(what, ours, limit_ms=None):
    ours()
    measured = [ours() for _ in range(RUNS)]
    time_, peak, cpu = (statistics.median(column) for column in zip(*measured))
    kept = f" ({verdict(time_ * 1e3, limit_ms)})" if limit_ms else ""
    print(f"{what}: {time_ * 1e3:.1f} ms ({cpu * 1e3:.0f} of CPU){kept}, {peak:.0f} MiB", flush=True)


def to_file(command, path, **options):
    with path.open("wb") as file:
        subprocess.run(command, stdout=file, stderr=subprocess.DEVNULL, check=True, **options)
    return path
