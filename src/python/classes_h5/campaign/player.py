"""Plays a job of a campaign: many units, each the sites of a shard, in one process and with one model.

    python -m classes_h5.campaign.player jobs.json 3 [.hardened]

A unit's predictions are written whole as soon as it is played, under a name that tells what they rest on; when all units are there,
they get the names that the campaign waits for. What is there already is not played again.
"""

import hashlib
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

from classes_h5.campaign import basis
from classes_h5.filters import FilterError

TURN = 1  # seconds between two words on how far it is


class Unit:
    """A shard: what it is played from, and the files that it becomes."""

    def __init__(self, given, hardened="", model=None):
        """hardened: as in commands.py. model: what is in that of which the campaign itself makes one, as a digest."""
        self.layer, self.seed, self.files, self.predictions = (given[key] for key in ("layer", "seed", "files", "predictions"))
        self.sites, self.played = Path(f"{self.files}.sites.ndjson"), Path(f"{self.files}{hardened}.played")
        rests_on = hashlib.sha256(f"{given[f'basis{hardened}']}{model or ''}".encode() + self.sites.read_bytes()).hexdigest()
        self.part = self.played.with_name(f".{self.played.name}.{rests_on[:16]}")

    def is_played(self):
        return self.part.exists()

    def clear(self):
        """Removes what was played of it on another basis."""
        for other in self.part.parent.glob(f".{self.played.name}.*"):
            if other != self.part:
                other.unlink()


def play(units, given, told):
    """Plays units, in the model's order; yields what went wrong with each, None where nothing did. told: is called with how many
    predictions were made."""
    from classes_h5 import play as command
    from classes_h5 import runner
    from classes_h5.batches import Inputs
    from classes_h5.campaign.joint import Joint, sizes
    from classes_h5.campaign.lines import read_lines
    from classes_h5.inputs import array_from, read_arrays
    from classes_h5.network import Network
    from classes_h5.site_lines import read_sites

    def pairs(unit, sites):
        return runner.paired(given["design"], unit.seed, unit.layer, sites, range(len(sites)), len(images[0]))

    split = split_off(given)
    joint = Joint(given["model"], given["layers"], split, given["keras"], f".joint-{os.getpid()}{Path(given['model']).suffix}")
    model, outcome = joint.model, given["outcome"] and command.hook(given["outcome"])
    labels = array_from(given["labels"]) if given["labels"] else None
    images, labels, classes = runner.fitting(model, read_arrays(given["images"], model), labels, outcome)
    network = Network(model, list(joint.gates.values()))
    place = {gate: number for number, gate in enumerate(network.gates)}
    # Where there are fewer predictions than inputs, not all are met.
    if sum(unit.predictions for unit in units) < len(images[0]):
        used = np.concatenate([pairs(unit, read_sites(unit.sites))[:, 1] for unit in units])
    else:
        used = np.arange(len(images[0]))
    with network.tensors.unchanged():
        met = Inputs(network, model, images, used, model.inputs[0].shape[0] or given["batch"])
        for unit in sorted(units, key=lambda unit: place[joint.gates[unit.layer]]):
            gate = joint.gates[unit.layer]
            try:
                sites, injected = read_lines(unit.sites, sizes(given["layers"][unit.layer]), joint.strides[unit.layer])
                met_by = pairs(unit, sites)
                table = runner.judged(met, gate, injected, met_by, labels, classes, outcome, told)
                command.write(runner.named(table, unit.layer, sites, met_by), unit.part)
                yield None
            except runner.PlayError as error:
                yield str(error)


def split_off(given):
    """The layers whose activation is split off: where the ranges tell of what lies before it."""
    if not given["split_activation"]:
        return []
    ranges = json.loads(Path(given["ranges"]).read_text())["layers"]
    return [name for name in given["layers"] if "before_activation" in ranges.get(name, {})]


class Count:
    """Tells, in a file, how many predictions a job has made."""

    def __init__(self, path, done):
        self.path, self.done, self.last = path, done, 0.0

    def __call__(self, more):
        self.done += more
        if time.monotonic() - self.last > TURN:
            self.last = time.monotonic()
            self.path.write_text(f"{self.done}\n")


def main(given=None):
    jobs, number, *rest = sys.argv[1:] if given is None else given
    hardened = rest[0] if rest else ""
    plan = json.loads(Path(jobs).read_text())
    model = plan["settings"]["model"] = plan["settings"][f"model{hardened}"]
    units = [Unit(one, hardened, basis.sha256(model) if hardened else None) for one in plan["jobs"][int(number)]]
    for unit in units:
        unit.clear()
    missing = [unit for unit in units if not unit.is_played()]
    # The line of progress tells of the faults of the model as it is.
    count = None if hardened else Count(Path(f".played-{number}"), sum(unit.predictions for unit in units if unit.is_played()))
    try:
        wrong = mistakes(missing, plan["settings"], count) if missing else []
    except KeyboardInterrupt:
        return 130
    if wrong:
        return "\n".join(f"play: {said}" for said in dict.fromkeys(wrong))
    for unit in units:
        unit.part.replace(unit.played)
    return 0


def mistakes(units, given, told):
    """Plays units; says what went wrong."""
    from classes_h5.files import Refused
    from classes_h5.runner import PlayError

    try:
        return [said for said in play(units, given, told) if said]
    except (PlayError, Refused, FilterError) as error:
        return [str(error)]
    except OSError as error:
        return [f"{error.filename}: {error.strerror}"]


if __name__ == "__main__":
    sys.exit(main())
