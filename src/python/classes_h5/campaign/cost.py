"""What a campaign costs: seconds that a prediction takes behind each layer, measured on this machine."""

import json
import subprocess
import sys
import time
from pathlib import Path

from classes_h5.campaign import basis, commands, jobs
from classes_h5.campaign.progress import duration
from classes_h5.filters import FilterError

KNOWN = "cost.json"  # in the results: what was measured there
ROWS = 16  # predictions of which the time is taken
RATE = 2e9  # multiplications a second that any machine makes


def seconds(campaign):
    """{layer: seconds a prediction}. Measured if that is worth it; else a guess that is rather too much."""
    guess = guessed(campaign)
    if sum(jobs.cost(campaign, unit, guess) for unit in campaign.shards()) < jobs.LONGEST:
        return guess
    return measured(campaign)["seconds"]


def guessed(campaign):
    """As if all weights were used at each place of the largest image."""
    places = [layer.shape[0] * layer.shape[1] for layer in campaign.layers if len(layer.shape) == 3]
    return dict.fromkeys(
        (layer.name for layer in campaign.layers), 1e-4 + campaign.model.stat().st_size / 4 * max(places, default=1) / 2 / RATE
    )


def measured(campaign):
    """{"start": seconds until a player plays, "seconds": {layer: seconds a prediction}}"""
    given = json.dumps([basis.computed(campaign), jobs.settings(campaign)], sort_keys=True)
    known = Path(KNOWN)
    try:
        found = json.loads(known.read_text())
        if found.pop("of") == given:
            return found
    except (OSError, ValueError, KeyError):
        pass
    inputs = [f"{name}={array}" if name else array for name, array in arrays(campaign)]
    asked = {**jobs.settings(campaign), "model": str(campaign.model), "images": inputs}
    done = subprocess.run(
        [sys.executable, "-m", "classes_h5.campaign.cost"], input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise FilterError(f"cost: {done.stderr.strip().splitlines()[-1]}")
    found = json.loads(done.stdout)
    known.write_text(json.dumps({**found, "of": given}) + "\n")
    return found


def arrays(campaign):
    for name, (file, array) in campaign.settings["inputs"].items():
        yield name, f"{Path(file).resolve()}:{array}" if array else str(Path(file).resolve())


def told(campaign, plan, cores):
    """What is to be played and about how long it takes, in a sentence."""
    left = jobs.missing(plan) + (jobs.missing(plan, commands.HARDENED) if campaign.hardens else [])
    if not left:
        return "no predictions are missing"
    found = measured(campaign)
    work = [sum(jobs.cost(campaign, unit, found["seconds"]) for unit in job) + found["start"] for job in left]
    steps = sum(map(len, left)) + len(campaign.layers)
    at_once = cores or len(left)
    whole = 3 * found["start"] + max(max(work), sum(work) / at_once) + steps * 0.1
    faults = sum(jobs.predictions(campaign, shard) for job in left for _, shard in job)
    jobs_of = "1 job" if len(left) == 1 else f"{len(left)} jobs"
    return (
        f"{faults} predictions in {jobs_of}, about {duration(whole)} on {f'{cores} cores' if cores else 'a cluster that is free'}"
    )


def main():
    began = time.monotonic()
    given = json.loads(sys.stdin.read())
    from classes_h5 import runner
    from classes_h5.batches import Inputs
    from classes_h5.campaign.joint import Joint
    from classes_h5.inputs import read_arrays
    from classes_h5.network import Network

    try:
        joint = Joint(given["model"], given["layers"], [], given["keras"], f".cost{Path(given['model']).suffix}")
        images, _, _ = runner.fitting(joint.model, read_arrays(given["images"], joint.model), None, len)
    except (runner.PlayError, ValueError, FilterError) as error:
        return str(error)
    network = Network(joint.model, list(joint.gates.values()))
    rows = network.rows or ROWS
    known = Inputs(network, joint.model, images, range(len(images[0])), rows).first(rows)
    start = time.monotonic() - began
    taken = {}
    for region in network.regions:
        known |= region(known, True, network.rows)
        began = time.monotonic()
        region(known, True, network.rows)
        taken[region] = (time.monotonic() - began) / rows
    seconds = {name: sum(taken[region] for region in network.behind(joint.gates[name])) for name in given["layers"]}
    print(json.dumps({"start": round(start, 3), "seconds": seconds}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
