"""The plan of what is played together: jobs of a few minutes, each of many units. What is in the results does not depend on it."""

import hashlib
import json
import math
import os
from pathlib import Path

import numpy as np

from classes_h5.campaign import basis, commands

JOBS = "jobs.json"  # in the results: the plan of the run that goes on there
# Seconds of a job, as far as units allow; on a cluster; and the least that another process is worth its start for.
LONGEST, ON_CLUSTER, SHORTEST = 600, 300, 5


def planned(campaign, seconds, cores):
    """Lists of (run, shard), a list a job. seconds: {layer: those that a prediction takes}. cores: how many jobs run at once, None
    on a cluster.

    What is there already is apart: it is played again only if what it rests on has changed.
    """
    units: dict = {False: [], True: []}
    for run, shard in campaign.shards():
        units[is_there(run, shard)].append((run, shard))
    if cores is None and campaign.settings["job"]:
        costs, longest = (lambda unit: predictions(campaign, unit[1])), campaign.settings["job"]
    else:
        costs, longest = (lambda unit: cost(campaign, unit, seconds)), ON_CLUSTER
    return [job for some in units.values() if some for job in parted(some, list(map(costs, some)), cores, longest)]


def missing(plan, hardened=""):
    """The jobs of a plan whose predictions are not there. hardened: as in commands.py."""
    return [job for job in plan if not all(is_there(run, shard, hardened) for run, shard in job)]


def is_there(run, shard, hardened=""):
    return Path(f"{run.folder}/{shard}{hardened}.predictions.tsv").exists()


def predictions(campaign, shard):
    """How many a shard is."""
    first, last = map(int, shard.split("-"))
    return (last - first) * (campaign.number_of_inputs if campaign.settings["design"] == "crossed" else 1)


def cost(campaign, unit, seconds):
    run, shard = unit
    return predictions(campaign, shard) * seconds[run.layer.name]


def parted(units, costs, cores, longest=ON_CLUSTER):
    """Units in their order, in jobs of about the same cost. longest: what one costs at most on a cluster, as far as units allow."""
    total = sum(costs)
    if cores is None:
        count = math.ceil(total / longest)
    elif total < LONGEST * cores:
        count = min(cores, math.ceil(total / SHORTEST))
    else:
        count = cores * math.ceil(total / LONGEST / cores)
    middle = np.cumsum(costs) - np.array(costs) / 2
    number = np.minimum(middle * count // total, count - 1)
    return [[unit for unit, own in zip(units, number) if own == job] for job in sorted(set(number))]


def write(campaign, jobs):
    """The plan as the players take it."""
    given = {"settings": settings(campaign), "jobs": [[described(campaign, *unit) for unit in job] for job in jobs]}
    part = Path(f".{JOBS}.{os.getpid()}")
    part.write_text(json.dumps(given, indent=1) + "\n")
    part.replace(JOBS)


def settings(campaign):
    """What is the same for all units."""
    outcome = campaign.settings["outcome"]
    return {
        "model": campaign.model_file,
        f"model{commands.HARDENED}": commands.model_file(campaign, commands.HARDENED),
        "keras": campaign.keras,
        "images": commands.inputs(campaign),
        "labels": "labels.npy" if campaign.settings["labels"] else None,
        "design": campaign.settings["design"],
        "batch": campaign.settings["batch"],
        "outcome": f"outcome:{outcome[1]}" if outcome else None,
        "split_activation": campaign.settings["split_activation"],
        "ranges": "ranges.json",
        "layers": {layer.name: shape(layer) for layer in campaign.layers},
    }


def shape(layer):
    """As site lines have it."""
    return dict(zip("hwc", layer.shape)) if len(layer.shape) == 3 else list(layer.shape)


def described(campaign, run, shard):
    rests_on = {"basis": [basis.predictions(campaign, run), commands.play(campaign, run, shard)]}
    if campaign.hardens:
        played = commands.play(campaign, run, shard, commands.HARDENED)
        rests_on[f"basis{commands.HARDENED}"] = [basis.hardened_predictions(campaign, run), played]
    return {
        "layer": run.layer.name,
        "seed": run.seed,
        "files": f"{run.folder}/{shard}",
        "predictions": predictions(campaign, shard),
        **{key: json.dumps(value, sort_keys=True) for key, value in rests_on.items()},
    }


def read():
    """What the units of each job are called, in the plan of the run that goes on."""
    return [[unit["files"] for unit in job] for job in json.loads(Path(JOBS).read_text())["jobs"]]


def name(number, units):
    """A file of a job's own. Snakemake asks what was otherwise when files were made, and a unit may have been made in another job:
    it does not ask where one of a job's files is new."""
    return f".job-{number}-{hashlib.sha256(chr(10).join(units).encode()).hexdigest()[:16]}"


def files(jobs):
    """What the units of each job are called in the results, but for an ending."""
    return [[f"{run.folder}/{shard}" for run, shard in job] for job in jobs]
