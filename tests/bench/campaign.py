"""Times whole campaigns: beside an older version of this project, and beside what the arithmetic alone takes.

    cargo build --release && python tests/bench/campaign.py digits OLD [PAIRS]
    python tests/bench/campaign.py resnet50 [SITES [INPUTS]]
    python tests/bench/campaign.py steady

OLD is a working tree of the older version (git worktree add OLD COMMIT). Campaigns run on two cores; of each its wall time and the
time of processors is told, since the one depends on who else is at work on the machine. Needs tests/keras/requirements.txt and the
extra `campaign`.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ONE_THREAD = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
os.environ.update(ONE_THREAD, CUDA_VISIBLE_DEVICES="")
os.environ.setdefault("CLASSES_BIN_DIR", str(ROOT / "target" / "release"))
CORES = 2
ROWS = 64


def campaign(tree, settings, results):
    """(wall seconds, seconds of processors) of a campaign by the Python of a tree."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    words = [sys.executable, "-m", "classes_h5.campaign", settings, results, "--cores", CORES]
    environment = {**os.environ, "PYTHONPATH": str(Path(tree) / "src" / "python")}
    subprocess.run(list(map(str, words)), check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - began, sum(getattr(after, part) - getattr(before, part) for part in ("ru_utime", "ru_stime"))


def digits(old, pairs=3):
    settings = ROOT / "docs" / "campaign" / "digits.yaml"
    ratios = []
    for pair in range(int(pairs)):
        with tempfile.TemporaryDirectory() as folder:
            new, before = campaign(ROOT, settings, f"{folder}/new"), campaign(old, settings, f"{folder}/old")
            tables = [Path(folder, name, "predictions.tsv").read_text().splitlines() for name in ("new", "old")]
        differing = sum(one != other for one, other in zip(*tables, strict=True))
        ratios.append([of / own for of, own in zip(before, new)])
        told = [f"{name} {wall:.0f} s, of processors {cpu:.0f} s" for name, (wall, cpu) in (("new", new), ("old", before))]
        print(f"digits, pair {pair + 1}: {'; '.join(told)}; {differing} of {len(tables[0])} lines differ; load {os.getloadavg()[0]:.1f}", flush=True)
    wall, cpu = (statistics.median(column) for column in zip(*ratios))
    print(f"digits: {wall:.1f} times as fast, {cpu:.1f} times in time of processors (limit 3)")


def resnet50(sites=200, inputs=64):
    sites, inputs = int(sites), int(inputs)
    import keras
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        keras.utils.set_random_seed(1)
        model = keras.applications.ResNet50(weights=None, input_shape=(96, 96, 3), classes=10, classifier_activation=None)
        model.save(f"{folder}/resnet50.h5")
        images = np.random.default_rng(0).uniform(0, 1, (inputs, 96, 96, 3)).astype("float32")
        np.save(f"{folder}/images.npy", images)
        settings = {"model": "resnet50.h5", "inputs": "images.npy", "sets": ["gpu-warp"], "sites": sites}
        Path(folder, "campaign.yaml").write_text(json.dumps(settings))
        wall, cpu = campaign(ROOT, f"{folder}/campaign.yaml", f"{folder}/results")
        limit, layers = bare(model, f"{folder}/resnet50.h5", images, sites)
    told = f"resnet50, {layers} layers, {sites} sites each, {inputs} inputs: {wall:.0f} s, of processors {cpu:.0f} s"
    print(f"{told}; the arithmetic alone: {limit:.0f} s of processors, {limit / CORES:.0f} s on {CORES} cores")
    for what, own, of, start in (("wall", wall, limit / CORES, 60), ("processors", cpu, limit, 60 * CORES)):
        print(f"  {what}: {own:.0f} s beside 1.5 x {of:.0f} + {start} = {1.5 * of + start:.0f} s; load {os.getloadavg()[0]:.1f}")


def steady():
    """The cut network of a campaign, injection and all, beside what is behind a layer as one function; time of processors."""
    import keras
    import numpy as np
    from classes_h5 import filters
    from classes_h5.batches import Inputs, play_batches
    from classes_h5.campaign.joint import Joint, sizes
    from classes_h5.network import Network
    from classes_h5.simulator import SparseSites

    rng = np.random.default_rng(0)
    images = rng.uniform(0, 1, (ROWS, 96, 96, 3)).astype("float32")
    pairs = np.column_stack([np.arange(2 * ROWS), rng.integers(0, ROWS, 2 * ROWS)])
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/resnet50.h5"
        keras.applications.ResNet50(weights=None, input_shape=(96, 96, 3), classes=10, classifier_activation=None).save(file)
        layers = {name: target["shape"] for name, target in filters.targets(file).items() if target["operator"]}
        joint = Joint(file, layers, [], 3, f"{folder}/joint.h5")
    whole = Inputs(Network(joint.model, list(joint.gates.values())), joint.model, [images], np.arange(ROWS), ROWS)
    for layer in ("conv2_block1_out", "conv4_block1_out", "conv5_block1_out"):
        gate, size = joint.gates[layer], int(np.prod(sizes(layers[layer])))
        cells = [{"index": rng.choice(size, 300, replace=False), "value": rng.normal(0, 10, 300).tolist()} for _ in pairs]
        sites = SparseSites(cells)
        alone = Network(joint.model, [gate])
        known, _ = whole.meet(gate, np.sort(pairs[:ROWS, 1]))
        bare = fastest(lambda: [part.numpy() for part in alone.rest(gate, known)]) / ROWS
        ours = fastest(lambda: list(play_batches(whole, gate, sites, pairs))) / len(pairs)
        print(f"steady, behind {layer}: {1000 * bare:.2f} ms bare, {1000 * ours:.2f} ms a fault: {bare / ours:.2f} of its speed")


def bare(model, file, images, sites):
    """(seconds of one processor that prefixes and suffixes take, how many layers): each suffix as one function of its own. Measured
    at every twelfth layer, and in between by straight lines."""
    import numpy as np
    from classes_h5 import filters
    from classes_h5.batches import Inputs
    from classes_h5.campaign.joint import Joint
    from classes_h5.network import Network

    layers = {name: target["shape"] for name, target in filters.targets(file).items() if target["operator"]}
    joint = Joint(file, layers, [], 3, f"{file}.joint.h5")
    names = list(layers)
    whole = fastest(lambda: model(images[:ROWS], training=False)) / min(ROWS, len(images))
    places = sorted({*range(0, len(names), 12), len(names) - 1})
    suffixes = []
    for place in places:
        gate = joint.gates[names[place]]
        network = Network(joint.model, [gate])
        known, _ = Inputs(network, joint.model, [images], np.arange(ROWS), ROWS).meet(gate, np.arange(ROWS))
        suffixes.append(fastest(lambda: network.rest(gate, known)) / ROWS)
    each = np.interp(range(len(names)), places, suffixes)
    return len(images) * (whole + whole - suffixes[-1]) + sites * each.sum(), len(names)


def fastest(what):
    """Seconds of a processor."""
    what()
    taken = []
    for _ in range(3):
        began = time.process_time()
        what()
        taken.append(time.process_time() - began)
    return min(taken)


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "src" / "python")]
    {"digits": digits, "resnet50": resnet50, "steady": steady}[sys.argv[1]](*sys.argv[2:])
