"""What each step runs, as a line for a shell in the folder of the results. The page prints the same lines."""

import json
import shlex
from pathlib import Path

from classes_h5.campaign import fragile

PYTHON = "python -m classes_h5."
HARDENED = ".hardened"  # in the names of files that tell of the hardened model


def line(program, *words):
    """A command of words that are quoted where they need it; words that are None are left out."""
    return " ".join([program, *(shlex.quote(str(word)) for word in words if word is not None)])


def config(campaign):
    return line("h5-config-get", campaign.model_file) + " > config.json"


def inputs(campaign):
    """The files of the model's inputs, with their names where they have any."""
    return [f"{name}={file}" if name else file for name, file in campaign.inputs.items()]


def ranges(campaign):
    return line(
        PYTHON + "ranges", campaign.model_file, *inputs(campaign), "--out", "ranges.json",
        "--keras", campaign.keras, "--batch-size", campaign.settings["batch"],
    )  # fmt: skip


def weights(campaign):
    return line(PYTHON + "campaign.weights", campaign.model_file, "--keras", campaign.keras, "--out", "weights.tsv")


def frequencies(campaign):
    """What classes-sites --list-operators prints of all sets, under one heading."""
    lists = [line("classes-sites", "--list-operators", "--models", models) for models in campaign.measured]
    return f"{{ {'; '.join([lists[0], *(f'{more} | tail -n +2' for more in lists[1:])])}; }} > frequencies.tsv"


def estimates(campaign):
    reweighted = ["--frequencies", "frequencies.tsv"] if campaign.reweighted else []
    return line(PYTHON + "campaign.estimates", "predictions.tsv", "--weights", "weights.tsv", *reweighted, "--out", "estimates.tsv")


def patch(campaign, layer, ranges):
    """The patch, and the patched config."""
    made = inserts(campaign, layer, ranges)
    return (
        f"{made} config.json > {shlex.quote(layer.folder + '/patch.json')} && "
        f"{made} --apply config.json > {shlex.quote(layer.folder + '/config.json')}"
    )


def inserts(campaign, layer, ranges):
    """An activation is split off where the ranges tell of what lies before it."""
    split = "--split-activation" if campaign.settings["split_activation"] and is_split(layer, ranges) else None
    return line("classes-patch", "--after", layer.name, split)


def is_split(layer, ranges):
    return "before_activation" in json.loads(Path(ranges).read_text())["layers"].get(layer.name, {})


def sites(run, shard):
    first, last = map(int, shard.split("-"))
    return f"{{ {'; '.join(draws(run, first, last))}; }} > {shlex.quote(f'{run.folder}/{shard}.sites.ndjson')}"


def one_site(run, site):
    return draws(run, site, site + 1)[0]


def draws(run, first, last):
    """The ranges' file is read with the patched config, which tells whether the activation is split off."""
    config = f"{run.layer.folder}/config.json"
    return [line("classes-sites", "--layer", run.layer.name, *draw, config) for draw in run.draws(first, last)]


def faulty(campaign, run, shard, hardened=""):
    """hardened: what stands before a suffix of files of the hardened model; empty for the model as it is."""
    files, patch = f"{run.folder}/{shard}", f"{run.layer.folder}/patch{hardened}.json"
    return line(
        "h5-config-set", model_file(campaign, hardened), f"{files}{hardened}{campaign.suffix}", "--sparse", "--force",
        "--keras", campaign.keras, "--sites", f"{files}.sites.ndjson", "--input", patch,
    )  # fmt: skip


def play(campaign, run, shard, hardened=""):
    files = f"{run.folder}/{shard}"
    outcome = campaign.settings["outcome"]
    hook = ["--outcome", f"outcome:{outcome[1]}"] if outcome else []
    labels = ["--labels", "labels.npy"] if campaign.settings["labels"] else []
    return line(
        PYTHON + "play", f"{files}{hardened}{campaign.suffix}", "--images", *inputs(campaign), *labels,
        "--sites", f"{files}.sites.ndjson", "--layer", run.layer.name, "--design", campaign.settings["design"], "--seed", run.seed,
        "--keras", campaign.keras, "--batch-size", campaign.settings["batch"], *hook, "--out", f"{files}{hardened}.predictions.tsv",
    )  # fmt: skip


def model_file(campaign, hardened):
    return f"hardened{campaign.suffix}" if hardened else campaign.model_file


def play_job(number, hardened=""):
    """Plays all shards of a job with one model: each becomes what `faulty` and `play` make of it."""
    return line(PYTHON + "campaign.player", "jobs.json", number, hardened or None)


def keep(run, shard, hardened=""):
    files = f"{run.folder}/{shard}{hardened}"
    return line("cp", f"{files}.played", f"{files}.predictions.tsv")


def of_one_shard(campaign):
    """All steps that lead to the first shard, and those behind the last; that shard as it is played alone."""
    run = campaign.runs[0]
    shard = run.shards(campaign.settings["shard"])[0]
    return [
        line("mkdir", "-p", run.folder),
        config(campaign),
        *([ranges(campaign)] if campaign.settings["ranges"] == "golden" else []),
        patch(campaign, run.layer, "ranges.json"),
        sites(run, shard),
        faulty(campaign, run, shard),
        play(campaign, run, shard),
        *([weights(campaign)] if campaign.settings["weights"] == "macs" else []),
        *([frequencies(campaign)] if campaign.reweighted else []),
        estimates(campaign),
        *(of_the_hardened(campaign, run, shard) if campaign.hardens else []),
    ]


# The hardened model


def of_the_hardened(campaign, run, shard):
    """All steps that lead to the same shard, played into the hardened model."""
    return [
        *([clip_ranges(campaign)] if campaign.settings["ranges"] == "golden" else []),
        clip(campaign),
        cost(campaign),
        patch_hardened(campaign, run.layer, "ranges.json"),
        faulty(campaign, run, shard, HARDENED),
        play(campaign, run, shard, HARDENED),
        pairs(campaign),
    ]


def clip_ranges(campaign):
    return line(
        PYTHON + "campaign.hardening", "ranges", campaign.model_file, *inputs(campaign), "--out", campaign.clip_ranges,
        "--keras", campaign.keras, "--batch-size", campaign.settings["batch"],
    )  # fmt: skip


def clip(campaign):
    """The patch that hardens, and the hardened model."""
    only = [word for name in hardened_layers(campaign) for word in ("--only", name)]
    how = ["--nan", campaign.settings["nan"], "--outside", campaign.settings["outside"]]
    model = model_file(campaign, HARDENED)
    made = line("classes-patch", "--clip", campaign.clip_ranges, *only, *how, "config.json") + " > clip.patch.json"
    put = line("h5-config-set", campaign.model_file, model, "--force", "--keras", campaign.keras, "--input", "clip.patch.json")
    return f"{made} && {put} && {line('h5-config-get', model)} > hardened.json"


def hardened_layers(campaign):
    """Their names; none for all. The most fragile ones are known when the faults have been played."""
    asked = campaign.settings["harden"]
    if isinstance(asked, int):
        return fragile.layers("estimates.tsv", Path(campaign.settings["sets"][0]).name, asked)
    return asked if isinstance(asked, list) else []


def cost(campaign):
    labels = ["--labels", "labels.npy"] if campaign.settings["labels"] else []
    every = None if campaign.settings["ranges"] == "golden" else "--all"
    return line(
        PYTHON + "campaign.hardening", "cost", campaign.model_file, model_file(campaign, HARDENED), *inputs(campaign), *labels,
        every, "--keras", campaign.keras, "--batch-size", campaign.settings["batch"], "--out", "hardening.json",
    )  # fmt: skip


def patch_hardened(campaign, layer, ranges):
    return f"{inserts(campaign, layer, ranges)} hardened.json > {shlex.quote(f'{layer.folder}/patch{HARDENED}.json')}"


def pairs(campaign):
    reweighted = ["--frequencies", "frequencies.tsv"] if campaign.reweighted else []
    tables = ["predictions.tsv", "predictions.hardened.tsv"]
    return line(PYTHON + "campaign.pairs", *tables, "--weights", "weights.tsv", *reweighted, "--out", "pairs.tsv")
