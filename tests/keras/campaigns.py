"""Campaigns as a user runs them, with the real Snakemake."""

import os
import subprocess
import sys
from pathlib import Path

import classes_h5.campaign
import yaml
from kerases import DATA, ROOT

CAMPAIGNS = Path(classes_h5.campaign.__file__).parent
SMALL = {
    "model": str(DATA / "digits-keras3.h5"),
    "inputs": f"{DATA / 'digits-test.npz'}:images",
    "labels": f"{DATA / 'digits-test.npz'}:labels",
    "layers": ["conv2d", "max_pooling2d"],
    "sets": ["gpu-warp", "single-bit-flip"],
    "sites": 30,
    "shard": 30,
}
BINARIES = os.environ.get("CLASSES_BIN_DIR") or str(ROOT / "target" / "debug")


def changed(**settings):
    """SMALL with other settings; ... leaves one out."""
    return {key: value for key, value in {**SMALL, **settings}.items() if value is not ...}


def snakemake(folder, settings, *options, start=False):
    """Runs a campaign in a folder, or only starts it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "campaign.yaml").write_text(yaml.safe_dump(settings))
    command = [sys.executable, "-m", "snakemake", "--snakefile", CAMPAIGNS / "Snakefile", "--cores", "2", *options]
    command += ["--configfile", folder / "campaign.yaml", "--directory", folder]
    process = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder
    )
    return process if start else (process.communicate()[0], process.returncode)


def command(folder, settings, *options):
    """What the command says to stderr, and its exit code; the results are in FOLDER/results."""
    process = started(folder, settings, *options)
    return process.communicate()[1], process.returncode


def started(folder, settings, *options, environment=None):
    """The command, while it runs, in a process group of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "campaign.yaml").write_text(settings if isinstance(settings, str) else yaml.safe_dump(settings))
    words = [sys.executable, "-m", "classes_h5.campaign", "campaign.yaml", "results", *map(str, options)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(words, cwd=folder, env=environment, start_new_session=True, **pipes)


def shell(command, folder):
    """Runs a step of a campaign as its Snakefile does."""
    told = {"TF_ENABLE_ONEDNN_OPTS": "0", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=folder, env={**os.environ, **told}, check=False)
    assert done.returncode == 0, done.stderr
