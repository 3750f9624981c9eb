"""Campaigns: the real Snakemake, from a YAML file to a table and a page."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pipe
import psutil
import pytest
from campaigns import BINARIES, CAMPAIGNS, SMALL, changed, command, shell, snakemake
from classes_h5.campaign import basis, commands, jobs
from classes_h5.campaign.definition import Campaign
from classes_h5.filters import FilterError
from kerases import DATA

@pytest.fixture(autouse=True)
def programs(monkeypatch):
    monkeypatch.setenv("CLASSES_BIN_DIR", BINARIES)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a campaign that ran in one go, one shard a run."""
    os.environ["CLASSES_BIN_DIR"] = BINARIES
    folder = tmp_path_factory.mktemp("whole")
    said, code = snakemake(folder, SMALL)
    assert code == 0, said
    return folder


def test_a_campaign_gives_a_line_for_each_prediction_and_a_figure_for_each_layer(whole):
    table = pd.read_csv(whole / "predictions.tsv", sep="\t")
    assert table.groupby(["layer", "set"])["site"].apply(list).map(lambda sites: sites == list(range(30))).tolist() == [True] * 4
    labels = np.load(DATA / "digits-test.npz")["labels"]
    assert (table["label"] == labels[table["input"]]).all()
    assert (table["golden"] == table["label"]).mean() > 0.9
    assert table["input"].nunique() > 60
    figures = pd.read_csv(whole / "estimates.tsv", sep="\t")
    critical = figures[(figures["measure"] == "critical") & (figures["spatial_class"] == "*")]
    assert set(zip(critical["set"], critical["layer"])) == {
        (name, layer) for name in SMALL["sets"] for layer in ("conv2d", "max_pooling2d", "*")
    }
    assert (critical["low"] <= critical["estimate"]).all() and (critical["estimate"] <= critical["high"]).all()


def test_the_activation_is_split_off_and_its_range_is_the_one_before(whole):
    patch = (whole / "001-conv2d" / "patch.json").read_text()
    assert "simulator_activation" in patch
    lines = (whole / "001-conv2d" / "gpu-warp" / "seed-1" / "0000000-0000030.sites.ndjson").read_text()
    assert '"value":-' in lines


def test_a_player_that_is_killed_costs_one_unit_and_shards_make_the_same_table(whole, tmp_path):
    settings = {**SMALL, "layers": ["conv2d"], "shard": 15}
    process = snakemake(tmp_path, settings, "predictions.tsv", "--cores", "1", start=True)
    while process.poll() is None and not list(tmp_path.glob(PARTS)):
        time.sleep(0.01)
    os.kill(player_below(process.pid), signal.SIGKILL)
    said = process.communicate()[0]
    assert process.returncode == 1 and "rule play_0" in said
    finished = {path: path.stat().st_mtime_ns for path in tmp_path.glob(PARTS)}
    assert 1 <= len(finished) <= 4 and not (tmp_path / "predictions.tsv").exists()

    process = snakemake(tmp_path, settings, "predictions.tsv", start=True)
    kept = {}
    while process.poll() is None:
        kept |= {path: path.stat().st_mtime_ns for path in map(Path, finished) if path.exists()}
        time.sleep(0.05)
    assert process.returncode == 0, process.communicate()[0]
    assert kept == finished
    assert not list(tmp_path.glob(PARTS)) and not list(tmp_path.glob("*/*/*/*.played"))
    assert (tmp_path / "ranges.json").read_bytes() == (whole / "ranges.json").read_bytes()
    lines = (whole / "predictions.tsv").read_bytes().splitlines(keepends=True)
    expected = [line for line in lines if line.startswith((b"layer\t", b"conv2d\t"))]
    assert (tmp_path / "predictions.tsv").read_bytes() == b"".join(expected)
    run = "001-conv2d/gpu-warp/seed-1"
    shards = [tmp_path / run / f"{name}.sites.ndjson" for name in ("0000000-0000015", "0000015-0000030")]
    assert b"".join(shard.read_bytes() for shard in shards) == (whole / run / "0000000-0000030.sites.ndjson").read_bytes()


PARTS = "*/*/*/.*.played.*"  # units that are played, before their job is done


def player_below(ancestor):
    """The player that a process has started."""
    for process in psutil.Process(ancestor).children(recursive=True):
        try:
            words = process.cmdline()
        except psutil.Error:
            continue  # it has ended
        if words[1:3] == ["-m", "classes_h5.campaign.player"]:
            return process.pid
    return None


def test_the_plan_does_not_matter_and_a_unit_is_what_the_filters_and_play_make_of_it(whole, tmp_path):
    """Units in any order and any company; then the first by the commands that the page shows."""
    folder = tmp_path / "results"
    shutil.copytree(whole, folder)
    campaign = Campaign(SMALL)
    units = campaign.shards()
    with contextlib.chdir(folder):
        jobs.write(campaign, [[units[3], units[0]], [units[2], units[1]]])
    for number in range(2):
        shell(commands.play_job(number), folder)
    for run, shard in units:
        assert (folder / run.folder / f"{shard}.played").read_bytes() == (whole / run.folder / f"{shard}.predictions.tsv").read_bytes()
    run, shard = units[0]
    shell(commands.faulty(campaign, run, shard), folder)
    shell(commands.play(campaign, run, shard), folder)
    alone, together = (path / run.folder / f"{shard}.predictions.tsv" for path in (folder, whole))
    assert alone.stat().st_ino != together.stat().st_ino and alone.read_bytes() == together.read_bytes()


def test_the_lines_of_the_page_lead_to_the_first_shard_in_a_folder_of_the_users_files(whole, tmp_path):
    campaign = Campaign(SMALL)
    run, shard = campaign.shards()[0]
    for name in campaign.given():
        shutil.copy(whole / name, tmp_path / name)
    with contextlib.chdir(whole):
        lines = commands.of_one_shard(campaign)
    for line in lines[: lines.index(commands.play(campaign, run, shard)) + 1]:
        shell(line, tmp_path)
    repeated, played = (path / run.folder / f"{shard}.predictions.tsv" for path in (tmp_path, whole))
    assert repeated.read_bytes() == played.read_bytes()


def test_a_finished_campaign_is_not_run_again_and_grows_by_what_is_missing(whole):
    said, code = snakemake(whole, SMALL)
    assert code == 0 and "Nothing to be done" in said
    said, code = snakemake(whole, {**SMALL, "sites": 45}, "--dry-run")
    assert code == 0
    assert len(re.findall(r"rule predictions:$", said, re.MULTILINE)) == 4
    assert set(re.findall(r"output: \S+/(\S+)\.predictions\.tsv", said)) == {"0000030-0000045"}


def test_the_page_needs_no_other_file_and_says_what_its_figures_mean(whole):
    page = Page()
    page.feed((whole / "page.html").read_text())
    assert not page.links and not page.open_tags
    text = " ".join("".join(page.text).split())
    for part in (
        "given that a fault has corrupted the output of the layer",
        "max_pooling2d",
        "Measured patterns beside single bit flips",
        "classes-sites --layer conv2d --seed 1 --models gpu-warp --operator conv_gemm --ranges ranges.json",
        "SHA-256",
        "in the order of the network",
        "Bars: 95 % confidence intervals, each of its own.",
        "n = ",
        "@software{classes-h5,",
    ):
        assert part in text, part
    assert page.pictures == 2 and page.downloads == ["layers.svg", "layers.csv", "layers.tex"]


class Page(HTMLParser):
    """Text, tags that are left open, links to other files and pictures of a page."""

    EMPTY = {"meta", "img", "br", "input"}

    def __init__(self):
        super().__init__()
        self.text, self.open_tags, self.links, self.downloads, self.pictures = [], [], [], [], 0

    def handle_starttag(self, tag, attributes):
        if tag not in self.EMPTY:
            self.open_tags.append(tag)
        self.downloads += [value for name, value in attributes if name == "download"]
        for name, value in attributes:
            if name in ("src", "href") and not value.startswith(("data:", "#")):
                self.links.append(value)
            self.pictures += name == "src" and value.startswith("data:image/svg+xml")

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open_tags.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_keras_2_odd_names_and_classes_drawn_equally(tmp_path):
    """A layer with a slash in its name, in a file with a space and a quote in its."""
    config = pipe.config_of(DATA / "digits-keras2.h5")
    named = pipe.jq('walk(if . == "re_lu" then "block/re_lu" else . end)', config)
    pipe.call("h5-config-set", DATA / "digits-keras2.h5", tmp_path / "the model's.h5", stdin=named)
    (tmp_path / "times.tsv").write_text("layer\tweight\nblock/re_lu\t2.5\n")
    settings = {
        **SMALL,
        "model": "the model's.h5",
        "layers": ["block/re_lu"],
        "sets": ["gpu-warp"],
        "seeds": [3, 4],
        "sites": 12,
        "classes": "equally",
        "weights": "times.tsv",
    }
    said, code = snakemake(tmp_path, settings)
    assert code == 0, said
    table = pd.read_csv(tmp_path / "predictions.tsv", sep="\t")
    assert set(table["layer"]) == {"block/re_lu"}
    assert table["seed"].tolist() == [3] * 12 + [4] * 12 and table["site"].tolist() == [*range(12)] * 2
    drawn = table.groupby(["seed", "spatial_class"]).size()
    assert drawn.max() - drawn.min() <= 1
    figures = pd.read_csv(tmp_path / "estimates.tsv", sep="\t")
    assert figures.loc[figures["layer"] == "*", "weight"].unique().tolist() == [2.5]
    assert "block/re_lu" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    "settings, message",
    [
        (changed(lyers="all"), "unknown key 'lyers'\n  hint: did you mean 'layers'?"),
        (changed(model=...), "model: is missing"),
        (changed(model="no.h5"), "model: FOLDER/no.h5: no such file"),
        (changed(model="a{b}.h5"), "model: FOLDER/a{b}.h5: Snakemake takes no braces in a path"),
        (changed(inputs="no.npy"), "inputs: FOLDER/no.npy: no such file"),
        (changed(inputs=str(DATA / "README.md")), f"inputs: {DATA}/README.md: is no NumPy file of numbers (.npy, .npz)\n  hint: "),
        (
            changed(inputs=str(DATA / "digits-test.npz")),
            f"inputs: {DATA}/digits-test.npz: holds images, labels: say which, as {DATA}/digits-test.npz:images",
        ),
        (
            changed(inputs="first.npy"),
            "inputs: each has shape (1, 8, 8), 'image' of the model takes (8, 8, 1)\n"
            "  hint: the channels are first there: numpy.moveaxis(inputs, 1, -1) puts them last",
        ),
        (
            changed(inputs="alone.npy"),
            "inputs: each has shape (8, 1), 'image' of the model takes (8, 8, 1)\n  hint: one input alone is a batch of one: inputs[None]",
        ),
        (changed(inputs={"picture": "first.npy"}), "inputs: the model has no input 'picture'\n  hint: known: image"),
        (changed(inputs="words.npy"), "inputs: FOLDER/words.npy: holds <U1, not numbers"),
        (changed(labels="few.npy"), "labels: must be 360 whole numbers, one for each input, are int64 of shape (7,)"),
        (changed(labels="halves.npy"), "labels: must be 360 whole numbers, one for each input, are float64 of shape (360,)"),
        (changed(layers=["conv2d_7"]), "layers: DATA/digits-keras3.h5 has no layer 'conv2d_7'\n  hint: did you mean 'conv2d_2'?"),
        (changed(layers=["image"]), "layers: 'image': no operator is known for InputLayer (operators: can give one)"),
        (changed(layers="conv2d"), "layers: must be a list, as [a, b], is 'conv2d'"),
        (changed(layers=["conv2d", "conv2d"]), "layers: 'conv2d' is there twice"),
        (changed(operators={"conv": "relu"}), "operators: DATA/digits-keras3.h5 has no layer 'conv'\n  hint: did you mean 'conv2d'?"),
        (changed(operators={"conv2d": "conv_gem"}), "operators: conv2d: the sets have no operator 'conv_gem'\n  hint: did you mean 'conv_gemm'?"),
        (changed(operators={"conv2d": "tanh"}, sets=["gpu-thread", "gpu-warp"]), "layers: 'conv2d': gpu-thread has no tanh"),
        (changed(sets=["gpu-wrap"]), "sets: gpu-wrap: "),
        (changed(inputs=str(DATA)), f"inputs: {DATA}: is a folder"),
        (changed(sets=["a{b}"]), "sets: FOLDER/a{b}: Snakemake takes no braces in a path"),
        (changed(seeds=[-1]), "seeds: must be a whole number from 0 to 2^53 - 1, is -1"),
        (changed(sites=0), "sites: must be at least 1"),
        (changed(sites="many"), "sites: must be a whole number from 0 to 2^53 - 1, is 'many'"),
        (changed(design="two"), "design: must be one or crossed, is two"),
        (changed(split_activation="yes"), "split_activation: must be true or false, is yes"),
        (changed(keras=4), "keras: must be auto or 2 or 3, is 4"),
        (changed(outcome="judge.py:lots"), "outcome: FOLDER/judge.py: has no function 'lots'"),
        (changed(outcome="bad.py:lost"), "outcome: FOLDER/bad.py: line 1: '(' was never closed"),
        (changed(labels="beyond.npy"), "labels: are from 0 to 10, the network has classes 0 to 9"),
        (
            changed(outcome="hook.py"),
            "outcome: must be FILE.py:FUNCTION or one of sdc5, sdc10, sdc20, graded, rank_loss, iou_loss, box_loss, is 'hook.py'",
        ),
    ],
)
def test_what_is_wrong_in_the_yaml_is_told(settings, message, tmp_path):
    (tmp_path / "a{b}").mkdir()
    np.save(tmp_path / "few.npy", np.arange(7))
    np.save(tmp_path / "beyond.npy", np.arange(360) % 11)
    (tmp_path / "judge.py").write_text("def lost(*_): return 0\n")
    (tmp_path / "bad.py").write_text("def lost(\n")
    np.save(tmp_path / "first.npy", np.zeros((4, 1, 8, 8), np.float32))
    np.save(tmp_path / "alone.npy", np.zeros((8, 8, 1), np.float32))
    np.save(tmp_path / "words.npy", np.array([["a"]]))
    np.save(tmp_path / "halves.npy", np.arange(360) / 2)
    with pytest.raises(FilterError) as refused:
        Campaign(settings, tmp_path)
    expected = message.replace("FOLDER", str(tmp_path)).replace("DATA", str(DATA))
    assert str(refused.value).startswith(expected)


def test_many_mistakes_are_told_at_once(tmp_path):
    with pytest.raises(FilterError) as refused:
        Campaign(changed(sites="many", seeds=[-1, 2, -3], layers=["conv", "conv2d", "image"], sets=["gpu-warp", "gpu-wrap"]), tmp_path)
    assert str(refused.value).splitlines() == [
        "seeds: must be a whole number from 0 to 2^53 - 1, is -1; must be a whole number from 0 to 2^53 - 1, is -3",
        "sites: must be a whole number from 0 to 2^53 - 1, is 'many'",
        "sets: gpu-wrap: no such file",
        "  hint: did you mean gpu-warp, gpu-thread?",
    ]


@pytest.mark.parametrize(
    "text", ["def lost(*_): return 0", "lost = max", "from math import hypot as lost", "from mine import *", "if True:\n    lost = min"]
)
def test_a_judge_may_come_from_anywhere(text, tmp_path):
    (tmp_path / "judge.py").write_text(text)
    assert Campaign(changed(outcome="judge.py:lost"), tmp_path).settings["outcome"] == (tmp_path / "judge.py", "lost")


@pytest.mark.parametrize("written", ["1e3", "1E+3", "1.0e3", 1000.0, 1000])
def test_a_thousand_is_a_thousand(written, tmp_path):
    assert Campaign(changed(sites=written), tmp_path).settings["sites"] == 1000


def test_a_path_may_be_relative_to_the_home_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    np.save(tmp_path / "mine.npy", np.zeros((4, 8, 8, 1), np.float32))
    assert Campaign(changed(inputs="~/mine.npy", labels=...), "/nowhere").given()["inputs.npy"].file == tmp_path / "mine.npy"


def test_what_is_odd_with_the_inputs_is_noted(tmp_path):
    odd = np.zeros((4, 8, 8, 1), np.float32)
    odd[2, 0], odd[3, 7, 7] = np.nan, -np.inf
    np.save(tmp_path / "odd.npy", odd)
    np.save(tmp_path / "bytes.npy", np.arange(256, dtype=np.uint8).reshape(4, 8, 8, 1))
    (tmp_path / "ranges.json").write_text('{"layers": {}, "model_sha256": "0123456789abcdef"}')
    noted = Campaign(changed(inputs="odd.npy", labels=..., ranges="ranges.json"), tmp_path).notes
    assert noted == [
        "inputs: 2 of 4 hold NaN or infinity, the first is number 2",
        "ranges: ranges.json was measured on another model (SHA-256 0123456789ab...)",
    ]
    assert Campaign(changed(inputs="bytes.npy", labels=...), tmp_path).notes == [
        "inputs are whole numbers from 0 to 255 (uint8) and go to the model as they are: right only if it was trained on such"
    ]


def test_snakemake_tells_what_is_wrong_in_one_line_and_starts_nothing(tmp_path):
    said, code = snakemake(tmp_path, {**SMALL, "layers": ["conv2d_7"]})
    assert code == 1
    assert f"layers: {DATA}/digits-keras3.h5 has no layer 'conv2d_7'\n  hint: did you mean 'conv2d_2'?" in said
    assert "Traceback" not in said and not (tmp_path / "config.json").exists()


def test_a_full_disk_is_told_and_the_next_run_goes_on(tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", results], capture_output=True, check=False).returncode:
        pytest.skip("no rights to mount a small disk")
    try:
        settings = {**SMALL, "ranges": str(DATA / "ranges.json")}
        said, code = command(tmp_path, settings, "config.json")
        assert code == 0, said
        written = (results / "config.json").stat().st_mtime_ns
        wanted = "001-conv2d/patch.json"
        disk = os.statvfs(results)
        (results / "filler").write_bytes(bytes(disk.f_bavail * disk.f_frsize - 2**15))
        said, code = command(tmp_path, settings, wanted)
        assert code == 1
        assert "no space left on the disk" in said and "Traceback" not in said
        (results / "filler").unlink()
        said, code = command(tmp_path, settings, wanted)
        assert code == 0, said
        assert json.loads((results / wanted).read_text())
        assert (results / "config.json").stat().st_mtime_ns == written
    finally:
        subprocess.run(["umount", results], check=True)


def test_checksums_need_nothing_newer_than_python_3_10(tmp_path, monkeypatch):
    monkeypatch.delattr(hashlib, "file_digest", raising=False)
    content = bytes(range(256)) * 2**13 + b"and a rest"
    (tmp_path / "file").write_bytes(content)
    assert basis.sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_the_slurm_profile_is_one_that_snakemake_takes(tmp_path):
    said, code = snakemake(tmp_path, SMALL, "--profile", CAMPAIGNS / "profiles" / "slurm", "--dry-run")
    assert code == 0, said
    assert re.search(r"^predictions +4$", said, re.MULTILINE)
