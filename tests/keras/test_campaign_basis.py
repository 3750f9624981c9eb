"""What a campaign's results rest on is told by content, not by the times of files."""

import json
import os
import re
import shutil

import h5py
import numpy as np
import pytest
from campaigns import BINARIES, changed, snakemake
from classes_h5 import filters
from classes_h5.campaign import basis
from classes_h5.campaign.definition import Campaign
from kerases import DATA

SMALL = changed(layers=["conv2d"], sets=["single-bit-flip"], sites=8, shard=8, model="model/digits.h5", labels="labels.npy")
SMALL["weights"] = "times.tsv"


@pytest.fixture(autouse=True)
def programs(monkeypatch):
    monkeypatch.setenv("CLASSES_BIN_DIR", BINARIES)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The digits network, and one of the same graph with other weights."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("first.h5", "second.h5"):
        shutil.copy(DATA / "digits-keras3.h5", folder / name)
    with h5py.File(folder / "second.h5", "r+") as file:
        kernels = []
        file["model_weights/conv2d"].visititems(lambda name, found: kernels.append(found) if name.endswith("kernel") else None)
        kernels[0][...] *= 1.5
    return folder


def make(folder, model):
    """A campaign's folder, not yet run."""
    (folder / "model").mkdir(parents=True)
    shutil.copy(model, folder / "model" / "digits.h5")
    np.save(folder / "labels.npy", np.load(DATA / "digits-test.npz")["labels"])
    (folder / "times.tsv").write_text("layer\tweight\nconv2d\t1\n")
    return folder


@pytest.fixture(scope="module")
def finished(models, tmp_path_factory):
    """A campaign that is finished, to copy."""
    os.environ["CLASSES_BIN_DIR"] = BINARIES
    folder = make(tmp_path_factory.mktemp("finished") / "campaign", models / "first.h5")
    said, code = snakemake(folder, SMALL)
    assert code == 0, said
    return folder


@pytest.fixture
def campaign(finished, tmp_path):
    """A copy of it, with all times as they were."""
    folder = tmp_path / "campaign"
    shutil.copytree(finished, folder, symlinks=True)
    for link in filter(os.path.islink, folder.iterdir()):
        assert not os.path.isabs(os.readlink(link))  # it leads into the copy
    return folder


def over(file, content, time):
    """Puts other content over a file, as `cp -p` does: with a time of its own, in ns after that of the file."""
    when = file.stat().st_mtime_ns + time
    shutil.copyfile(content, file)
    os.utime(file, ns=(when, when))


def planned(folder, settings=SMALL):
    """The rules that would run now."""
    said, code = snakemake(folder, settings, "--dry-run")
    assert code == 0, said
    return set() if "Nothing to be done" in said else set(re.findall(r"^ *(?:local)?rule (\w+):$", said, re.MULTILINE)) - {"all"}


FROM_THE_MODEL = {"config", "ranges", "patch", "sites", "play_0", "predictions", "table", "estimates", "record", "page"}


@pytest.mark.parametrize("time", [-(10**18), 0], ids=["older", "equal"])
def test_another_model_is_played_whatever_its_time(campaign, models, time):
    over(campaign / "model" / "digits.h5", models / "second.h5", time)
    assert planned(campaign) == FROM_THE_MODEL


def test_the_same_content_is_not_played_again_whatever_its_time(campaign, models):
    over(campaign / "model" / "digits.h5", models / "first.h5", 10**12)
    os.utime(campaign / "labels.npy")
    assert planned(campaign) == set()
    over(campaign / "model" / "digits.h5", models / "second.h5", 0)
    over(campaign / "model" / "digits.h5", models / "first.h5", 10**12)
    assert planned(campaign) == set()


def test_a_moved_model_is_not_played_again(campaign):
    (campaign / "model" / "digits.h5").rename(campaign / "moved.h5")
    assert planned(campaign, {**SMALL, "model": "moved.h5"}) == {"record", "page"}


def test_other_labels_are_judged_with_the_ranges_and_the_sites_kept(campaign, tmp_path):
    np.save(tmp_path / "labels.npy", np.load(campaign / "labels.npy")[::-1])
    over(campaign / "labels.npy", tmp_path / "labels.npy", -(10**15))
    assert planned(campaign) == {"play_0", "predictions", "table", "estimates", "record", "page"}


def test_an_extended_campaign_never_mixes_two_models(campaign, models, tmp_path):
    """Nor keeps the golden ranges of the first, nor a row that is not there in a campaign of the second alone."""
    over(campaign / "model" / "digits.h5", models / "second.h5", -(10**18))
    settings = {**SMALL, "sites": 12}
    said, code = snakemake(campaign, settings)
    assert code == 0, said
    alone = make(tmp_path / "alone", models / "second.h5")
    said, code = snakemake(alone, settings)
    assert code == 0, said
    for name in ("ranges.json", "predictions.tsv", "estimates.tsv"):
        assert (campaign / name).read_bytes() == (alone / name).read_bytes(), name
    sums = json.loads((campaign / "record.json").read_text())["sha256"]
    assert sums["model.h5"] == json.loads((campaign / "ranges.json").read_text())["model_sha256"]
    assert planned(campaign, settings) == set()


def test_results_that_do_not_say_what_they_rest_on_are_not_gone_on_with(campaign):
    shutil.rmtree(campaign / ".snakemake" / "metadata")
    said, code = snakemake(campaign, {**SMALL, "sites": 12})
    assert code == 1
    assert "there are results here, but no .snakemake/metadata that tells what they rest on\n  hint: give another folder" in said
    assert len(list(campaign.glob("*/*/*/*.predictions.tsv"))) == 1


def test_other_filters_make_everything_again(campaign, monkeypatch):
    """A version is told by a program that stands before the real ones."""
    programs = campaign / "bin"
    programs.mkdir()
    for program in filters.PROGRAMS:
        (programs / program).write_text(
            f'#!/bin/sh\ncase "$*" in --version) echo "{program} 9.9.9" ;; *) exec {BINARIES}/{program} "$@" ;; esac\n'
        )
        (programs / program).chmod(0o755)
    monkeypatch.setenv("CLASSES_BIN_DIR", str(programs))
    assert planned(campaign) == FROM_THE_MODEL


def test_an_error_model_of_ones_own_counts_by_what_it_says(tmp_path):
    folder = make(tmp_path / "campaign", DATA / "digits-keras3.h5")
    shutil.copytree(DATA / "models-own", folder / "mine")
    settings = {**SMALL, "sets": ["mine"], "operators": {"conv2d": "gelu"}}
    before = basis.sites(*told(folder, settings))
    text = (folder / "mine" / "gelu.json").read_text()
    (folder / "mine" / "gelu.json").write_text(text + " ")
    filters.listed.cache_clear(), filters.error_models.cache_clear(), filters.operators.cache_clear()
    after = basis.sites(*told(folder, settings))
    assert before.pop("error model") != after.pop("error model") and before == after


def told(folder, settings):
    campaign = Campaign(settings, folder)
    return campaign, campaign.runs[0]


def test_an_array_counts_as_the_file_that_it_is_made_to(tmp_path):
    rng = np.random.default_rng(1)
    for array in (rng.random((5, 4, 3)), np.asfortranarray(rng.random((5, 4))), np.arange(7)[::2], np.array([True, False])):
        np.savez_compressed(tmp_path / "many.npz", one=array)
        np.save(tmp_path / "one.npy", np.load(tmp_path / "many.npz")["one"])
        basis.sha256.cache_clear(), basis.sha256_of_array.cache_clear()
        assert basis.sha256_of_array(tmp_path / "many.npz", "one") == basis.sha256(tmp_path / "one.npy")
