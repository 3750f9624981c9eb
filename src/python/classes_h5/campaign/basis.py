"""What a result rests on, told by content. The times of files do not count: git, rsync and tar set them as they like.

Snakemake keeps what each of these functions returned when a file was made, as a parameter of its rule, and makes the file again
when it would be another.
"""

import hashlib
from functools import cache
from importlib import metadata

import numpy as np

from classes_h5 import digest, filters

PACKAGES = {2: ("tensorflow", "tf_keras"), 3: ("tensorflow", "keras")}


def given(campaign, name):
    """SHA-256 of a file of the user's as the results have it."""
    found = campaign.given()[name]
    return sha256_of_array(found.file, found.array) if found.array else sha256(found.file)


def graph(campaign):
    return {campaign.model_file: given(campaign, campaign.model_file), "filters": versions()}


def computed(campaign):
    """What Keras computes from the model."""
    return graph(campaign) | {package: version(package) for package in PACKAGES[campaign.keras]}


def ranges(campaign):
    if "ranges.json" in campaign.given():
        return {"ranges.json": given(campaign, "ranges.json")}
    return computed(campaign) | inputs(campaign)


def inputs(campaign):
    return {place: given(campaign, place) for place in campaign.inputs.values()}


def patch(campaign):
    """Its ranges tell whether an activation is split off."""
    return graph(campaign) | ranges(campaign)


def sites(campaign, run):
    return patch(campaign) | {"error model": run.error_model}


def predictions(campaign, run):
    files = [name for name in ("labels.npy", "outcome.py") if name in campaign.given()]
    return sites(campaign, run) | computed(campaign) | inputs(campaign) | {name: given(campaign, name) for name in files}


def frequencies(campaign):
    return {models: filters.error_models(models) for models in campaign.measured}


def hardened(campaign):
    """The ranges that it is hardened by are measured on the inputs, or given."""
    return computed(campaign) | ranges(campaign)


def hardened_predictions(campaign, run):
    return predictions(campaign, run) | hardened(campaign)


def cost(campaign):
    labels = {"labels.npy": given(campaign, "labels.npy")} if "labels.npy" in campaign.given() else {}
    return hardened(campaign) | inputs(campaign) | labels


def estimates(campaign):
    weights = {"weights.tsv": given(campaign, "weights.tsv")} if "weights.tsv" in campaign.given() else {}
    return {"filters": versions(), **weights}


def record(campaign):
    """All that any result rests on."""
    files = {name: given(campaign, name) for name in campaign.given()}
    return computed(campaign) | frequencies(campaign) | files


def sums(campaign):
    """{name in the results: SHA-256} of all files of the user's, as they are now."""
    for known in (sha256, sha256_of_array):
        known.cache_clear()
    return {name: given(campaign, name) for name in campaign.given()}


@cache
def versions():
    return {program: filters.call(program, "--version").split()[-1] for program in filters.PROGRAMS}


def version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


@cache
def sha256(path):
    return digest.sha256(path)


@cache
def sha256_of_array(path, name):
    """That of the .npy file which the array makes."""
    found = hashlib.sha256()
    with np.load(path) as arrays:
        np.lib.format.write_array(Sink(found), np.asanyarray(arrays[name]))
    return found.hexdigest()


class Sink:
    """A digest as a file to write to."""

    def __init__(self, digest):
        self.write = digest.update
