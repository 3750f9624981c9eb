"""Every layer of every network in the zoo, in one Keras and one container.

    python sweep.py TABLE.tsv --keras 2|3 [--container h5|keras] [--jobs N] [--nests N | --compiled] [NETWORK ...]

With `--nests N` instead N random nested models with layers of every kind, frozen in every way (nests.py), called nest_0 and so on. With
`--compiled` instead a nested model for each optimizer whose state Keras restores, in the middle of its training, called compiled_adam
and so on: the state must stay with its variables, too.
Appends a line for each target: network, Keras, container, target, `ok` or what is wrong. A target that TABLE has is not taken again, so
a sweep that was stopped goes on where it was. `python sweep.py TABLE.tsv` alone counts.
"""

import argparse
import collections
import gc
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path


NEST, COMPILED = "nest_", "compiled_"


def done(table):
    """The lines of a table: {(network, Keras, container, target): result}."""
    if not table.exists():
        return {}
    rows = (line.rstrip("\n").split("\t", 4) for line in table.read_text().splitlines())
    return {(network, int(version), container, target): result for network, version, container, target, result in rows}


def of_zoo(name, version, path):
    import zoo
    from prove import Network

    zoo.save(name, version, path)
    return Network(path, version, zoo.custom_objects(name, version), name == "channels_first"), Network.prove


def of_nest(name, version, path):
    import nests
    from test_weights import prove, read_back

    nest = nests.random_nest(version, int(name.removeprefix(NEST)))
    nest.save(path, **({} if path.suffix == ".keras" else {"include_optimizer": False}))
    return read_back(path, version), prove


def of_compiled(name, version, path):
    import slots

    network, state = slots.in_training(version, name.removeprefix(COMPILED), path)
    return network, lambda network, target, folder, *options: slots.prove(network, target, folder, state, *options)


def maker(name):
    """What makes a network of a name, and proves a target of it."""
    return {NEST: of_nest, COMPILED: of_compiled}.get(name[: name.find("_") + 1], of_zoo)


def read_members_whole():
    """Keras has HDF5 read the weights where they are in an archive: a third of the time goes into seeking there."""
    opened = zipfile.ZipFile.open

    def whole(self, name, mode="r", **options):
        member = opened(self, name, mode, **options)
        return io.BytesIO(member.read()) if mode == "r" else member

    zipfile.ZipFile.open = whole


def sweep(version, container, table, names, shard, shards):
    """Takes each target whose number leaves the remainder `shard`."""
    read_members_whole()
    from kerases import KERAS

    with tempfile.TemporaryDirectory() as folder, table.open("a", buffering=1) as lines:
        folder = Path(folder)
        for name in names:
            path = folder / f"{name}.{container}"
            network, prove = maker(name)(name, version, path)
            if network is None:
                print(f"{name}: Keras {version} does not read this file that it has written", file=sys.stderr)
                continue
            gc.collect()
            gc.freeze()  # what stays for the whole sweep need not be looked through after every target
            known = done(table)
            # A site needs the size of every axis.
            targets = [target for target in network.targets() if None not in target.shape]
            for target in targets[shard::shards]:
                if (name, version, container, str(target)) in known:
                    continue
                try:
                    prove(network, target, folder, "--sparse")
                    result = "ok"
                except Exception as error:  # every kind of failure is a result
                    result = " ".join(f"{type(error).__name__}: {error}".split())
                lines.write(f"{name}\t{version}\t{container}\t{target}\t{result}\n")
                KERAS[version].backend.clear_session()
            path.unlink()


def summary(table):
    counts = collections.defaultdict(collections.Counter)
    for (*case, _), result in done(table).items():
        counts[tuple(case)]["ok" if result == "ok" else "not"] += 1
    print("| network | Keras | container | targets | same bits | not |\n| --- | --- | --- | --- | --- | --- |")
    for (network, version, container), count in counts.items():
        print(f"| {network} | {version} | {container} | {count.total()} | {count['ok']} | {count['not']} |")


def names_of(options):
    import nests
    import zoo
    from kerases import KERAS

    if options.compiled:
        return [f"{COMPILED}{name}" for name in nests.optimizers(KERAS[options.keras], options.keras, options.container)]
    return [f"{NEST}{seed}" for seed in range(options.nests)] or options.networks or zoo.NETWORKS


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("networks", nargs="*")
    parser.add_argument("--keras", type=int, choices=(2, 3))
    parser.add_argument("--container", choices=("h5", "keras"), default="h5")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--nests", type=int, metavar="N", default=0)
    parser.add_argument("--compiled", action="store_true")
    parser.add_argument("--shard", type=int, help=argparse.SUPPRESS)
    options = parser.parse_intermixed_args()
    if options.keras is None:
        summary(options.table)
    elif options.shard is not None:
        sweep(options.keras, options.container, options.table, names_of(options), options.shard, options.jobs)
    else:
        environment = {**os.environ, "TF_NUM_INTRAOP_THREADS": "1", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, *sys.argv]
        workers = [
            subprocess.Popen([*command, "--shard", str(shard)], env=environment) for shard in range(options.jobs)
        ]
        sys.exit(max(worker.wait() for worker in workers))


if __name__ == "__main__":
    main()
