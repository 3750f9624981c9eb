"""What `python -m classes_h5.campaign` says: mistakes, progress, the words of a step that failed."""

import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml
from campaigns import BINARIES, changed, command
from classes_h5 import play
from classes_h5.campaign import __main__ as main
from classes_h5.campaign import jobs, progress, teller, words
from kerases import DATA

TINY = changed(layers=["conv2d"], sets=["single-bit-flip"], sites=4, shard=2, weights="times.tsv", labels=...)
JUDGE = """
from pathlib import Path


def lost(golden, faulty, image):
    return bool(golden.argmax() != faulty.argmax())


def broken(golden, faulty, image):
    raise ValueError("no such class")


def meddling(golden, faulty, image):
    (Path(__file__).resolve().parent / "times.tsv").write_text("layer\\tweight\\nconv2d\\t2\\n")
    return 0.5
"""


@pytest.fixture(autouse=True)
def programs(monkeypatch):
    monkeypatch.setenv("CLASSES_BIN_DIR", BINARIES)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "times.tsv").write_text("layer\tweight\nconv2d\t1\n")
    (tmp_path / "judge.py").write_text(JUDGE)
    return tmp_path


def test_a_judge_of_ones_own_beside_the_yaml_and_one_line_of_progress(folder):
    said, code = command(folder, {**TINY, "outcome": "judge.py:lost"})
    assert code == 0, said
    assert set(pd.read_csv(folder / "results" / "predictions.tsv", sep="\t", dtype=str)["outcome"]) <= {"true", "false"}
    assert "outcome=" in (folder / "results" / "estimates.tsv").read_text()
    lines = said.splitlines()
    assert all(line.startswith("campaign: ") for line in lines), said
    assert "campaign: golden ranges" in lines and "campaign: the page" in lines and len(lines) < 8
    assert not list((folder / "results").glob(".played-*"))
    assert "rule predictions:" in (folder / "results" / "snakemake.log").read_text()
    # Another function is another result; what a step says is told once, without Snakemake's words about it.
    said, code = command(folder, {**TINY, "outcome": "judge.py:broken"})
    assert code == 1
    assert said.splitlines() == [
        "play: the outcome function: ValueError: no such class",
        "campaign: all that Snakemake says: results/snakemake.log",
    ]


def test_a_file_that_changes_while_the_campaign_runs_is_told_and_the_next_run_is_right(folder):
    settings = {**TINY, "sites": 1, "outcome": "judge.py:meddling"}
    said, code = command(folder, settings)
    assert code == 1
    assert said.splitlines()[-1] == "campaign: weights.tsv changed while the campaign ran: run it again"
    played = next(folder.glob("results/*/*/*/*.predictions.tsv")).stat().st_mtime_ns
    said, code = command(folder, settings)
    assert code == 0, said
    figures = pd.read_csv(folder / "results" / "estimates.tsv", sep="\t")
    assert set(figures["weight"]) == {2}
    assert next(folder.glob("results/*/*/*/*.predictions.tsv")).stat().st_mtime_ns == played


def test_an_interrupt_ends_it_in_one_line(folder):
    (folder / "campaign.yaml").write_text(yaml.safe_dump(TINY))
    words = [sys.executable, "-m", "classes_h5.campaign", "campaign.yaml", "results"]
    # Tests that run in the background of a script inherit that they ignore it.
    heard = {"start_new_session": True, "preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=folder, **heard)
    assert process.stderr.readline() == "campaign: golden ranges\n"
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate()[1]
    assert (said, process.returncode) == ("campaign: interrupted; run it again and only what is missing is made\n", 130)
    assert not (folder / "results" / "page.html").exists()


def test_a_judge_of_ones_own_is_the_players_hook(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert play.hook("judge:lost").__code__.co_filename == str(folder / "judge.py")


@pytest.mark.parametrize(
    "text, message",
    [
        (
            "model: {DATA}/digits-keras3.h5\ninputs: no.npy\nsites: many\nlyers: all\nlayers: [conv2d_9]\n",
            "campaign: unknown key 'lyers'\n  hint: did you mean 'layers'?\n"
            "campaign: inputs: {FOLDER}/no.npy: no such file\n"
            "campaign: sites: must be a whole number from 0 to 2^53 - 1, is 'many'\n"
            "campaign: layers: {DATA}/digits-keras3.h5 has no layer 'conv2d_9'\n  hint: did you mean 'conv2d_2'?\n",
        ),
        ("model: [\n", "campaign: campaign.yaml: line 2: expected the node content, but found '<stream end>'\n"),
        ("lenet.h5\n", "campaign: campaign.yaml: must be keys and values, a line each, as `model: lenet.h5`\n"),
    ],
)
def test_all_mistakes_are_told_at_once_and_nothing_else(text, message, folder):
    places = {"{DATA}": str(DATA), "{FOLDER}": str(folder)}
    for name, place in places.items():
        text, message = text.replace(name, place), message.replace(name, place)
    assert command(folder, text) == (message, 1)
    assert not list(folder.glob("results/*.json"))


def test_what_is_not_text_or_not_there_is_told(folder):
    (folder / "bytes.yaml").write_bytes(b"model: \xff\n")
    for name, message in (("bytes.yaml", "'utf-8' codec can't decode byte"), ("none.yaml", "No such file or directory")):
        done = subprocess.run([sys.executable, "-m", "classes_h5.campaign", name, "results"], stderr=subprocess.PIPE, text=True, cwd=folder, check=False)
        assert done.returncode == 1 and done.stderr.startswith(f"campaign: {name}: {message}") and done.stderr.count("\n") == 1


def test_without_the_extra_it_says_how_to_get_it(monkeypatch, capsys):
    there = main.importlib.util.find_spec
    monkeypatch.setattr(main.importlib.util, "find_spec", lambda name: None if name in ("snakemake", "jinja2") else there(name))
    assert main.main(["a.yaml", "results"]) == 1
    assert capsys.readouterr().err == "campaign: not installed: snakemake, jinja2\n  hint: pip install './src/python[campaign]' in the project's folder brings it\n"


def test_a_dry_run_tells_the_cost_beforehand_and_makes_nothing(folder):
    (folder / "campaign.yaml").write_text(yaml.safe_dump(TINY))
    words = [sys.executable, "-m", "classes_h5.campaign", "campaign.yaml", "results", "--dry-run", "--cores", "2"]
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    said = subprocess.run(words, **both, cwd=folder, check=True).stdout
    assert re.search(r"^campaign: 4 predictions in 1 job, about \d+ s on 2 cores$", said, re.MULTILINE), said
    assert "rule patch:" not in said, "every job is listed"
    listed = subprocess.run([*words, "--printshellcmds"], **both, cwd=folder, check=True).stdout
    assert "rule patch:" in listed and "Shell command: (h5-config-get" in listed
    assert not list(folder.glob("results/*/*/*/*")) and not (folder / "results" / "jobs.json").exists()


def test_it_explains_itself(capsys):
    assert main.main(["--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("usage: python -m classes_h5.campaign CAMPAIGN.yaml RESULTS") and "--dry-run" in said


def test_a_dry_run_tells_what_is_wrong_as_a_run_does(folder):
    for options in ((), ("--dry-run",)):
        said, code = command(folder, {**TINY, "sites": "1x", "sedes": [1]}, *options)
        lines = [line for line in said.splitlines() if not line.startswith("Using workflow specific profile")]
        assert code == 1 and len(lines) > 1 and all(line.startswith(("campaign: ", "  hint: ")) for line in lines), said


@pytest.mark.parametrize(
    "costs, cores, expected",
    [
        ([1, 1, 1], 2, [3]),  # not worth another process
        ([3, 3, 3, 3], 2, [2, 2]),
        ([10] * 4, 64, [1, 1, 1, 1]),
        ([100] * 24, 2, [6, 6, 6, 6]),
        ([100] * 6, None, [3, 3]),
        ([2000, 1, 1], 2, [1, 2]),
    ],
)
def test_units_are_shared_out_by_cost(costs, cores, expected):
    units = list(range(len(costs)))
    parts = jobs.parted(units, costs, cores)
    assert list(map(len, parts)) == expected and sum(parts, []) == units


def test_what_snakemake_refuses_is_passed_on(folder):
    said, code = command(folder, TINY, "--cores", "some")
    assert code != 0 and "--cores" in said and "Traceback" not in said


@pytest.mark.parametrize(
    "words, expected",
    [(["--cores", "2"], True), (["--cores=2"], True), (["-c2"], True), (["-j", "8"], True), (["--profile", "x"], True)]
    + [([], False), (["--config", "sites=3"], False), (["-call"], False), (["--rerun-incomplete"], False)],
)
def test_who_says_how_many_cores(words, expected):
    assert main.has(words, main.CORES) == expected


# Progress, event by event


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(events, out, seconds=60, folder="/"):
    clock = iter(range(0, 10**9, seconds))
    followed = progress.Progress(folder, out, lambda: next(clock))
    followed.follow(map(json.dumps, events))
    return out.getvalue()


PLAYED = [
    {"jobs": ["sites", "play_0", "play_1"]}, {"begun": "ranges"}, {"begun": "play_0"}, {"begun": "play_1"},
    {"finished": "play_0", "words": []}, {"finished": "play_1", "words": []}, {"begun": "page"},
]  # fmt: skip


@pytest.fixture
def planned(tmp_path):
    """The folder of a campaign of two jobs."""
    jobs = [[{"predictions": 300}, {"predictions": 100}], [{"predictions": 200}]]
    (tmp_path / "jobs.json").write_text(json.dumps({"jobs": jobs}))
    return tmp_path


def test_a_terminal_has_one_line(planned):
    text = shown(PLAYED, Terminal(), folder=planned)
    assert text.count("\n") == 1 and text.endswith("\r\033[Kcampaign: the page\n")
    assert "\r\033[Kcampaign: 0 of 600 faults\r" in text
    assert "\r\033[Kcampaign: 400 of 600 faults, 2.22 a second, about 90 s left\r" in text
    assert "\r\033[Kcampaign: 600 of 600 faults, 2.5 a second\r" in text


def test_a_terminal_tells_of_what_players_have_made(planned):
    out = Terminal()
    followed = progress.Progress(planned, out, iter((0, 0, 10)).__next__)
    followed.hear(PLAYED[0]), followed.hear(PLAYED[2])
    (planned / ".played-0").write_text("50\n")
    followed.show_players()
    assert out.getvalue().endswith("campaign: 50 of 600 faults, 5 a second, about 2 min left")


def test_elsewhere_only_steps_are_told(planned):
    assert shown(PLAYED, io.StringIO(), folder=planned) == "campaign: golden ranges\ncampaign: the page\n"


def test_steps_that_fail_alike_are_told_once():
    failed = {"failed": "predictions", "output": ["a.tsv"], "words": ["play: no site to play"]}
    said = shown([failed, {**failed, "output": ["b.tsv"]}, {**failed, "words": []}], io.StringIO())
    assert said == "play: no site to play\npredictions: a.tsv: ended without a word, killed or out of memory\n"


def test_a_step_without_a_word_on_a_full_disk(monkeypatch):
    monkeypatch.setattr(progress.os, "statvfs", lambda folder: SimpleNamespace(f_bavail=1, f_frsize=4096))
    said = shown([{"failed": "patch", "output": ["a"], "words": []}], io.StringIO())
    assert said == "patch: no space left on the disk of /\n"


@pytest.mark.parametrize("seconds, text", [(0.2, "1 s"), (99, "99 s"), (100, "2 min"), (5000, "83 min"), (7300, "2 h 2 min")])
def test_durations(seconds, text):
    assert progress.duration(seconds) == text


def test_the_words_of_a_step(tmp_path):
    log = tmp_path / "log"
    log.write_text("WARNING: All log messages before absl::Init\nI0000 00:00:17 cuda\n\nplay: no\n  hint: yes\n")
    assert words.words([log, tmp_path / "none"]) == ["play: no", "  hint: yes"]
    log.write_text('said\nTraceback (most recent call last):\n  File "x"\nMemoryError: too much\n')
    assert words.words([log]) == ["said", "MemoryError: too much"]


def test_what_ranges_and_weights_say_is_told_and_noted(tmp_path, monkeypatch):
    events = [{"finished": "weights", "words": ["weights: gru: GRU is not counted, its weight is 0"]}, {"finished": "table", "words": []}]
    assert shown(events, io.StringIO()) == "weights: gru: GRU is not counted, its weight is 0\n"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "weights.log").write_text("I0000 00:00:17 cuda\nweights: gru: GRU is not counted\n")
    assert words.notes(["ranges", "weights"]) == ["weights: gru: GRU is not counted"]
    assert words.notes(["ranges"]) == []


def test_what_python_steps_say_is_in_their_log(tmp_path):
    for error, text in ((OSError("full"), "campaign: full\n"), (KeyError("x"), "campaign: KeyError: 'x'\n")):
        with pytest.raises(type(error)), teller.heard(tmp_path / "log"):
            raise error
        assert (tmp_path / "log").read_text() == text


def test_errors_of_snakemake_are_told_without_places():
    text = 'WorkflowError in file "/a/Snakefile", line 23:\nsites: must\n  hint: x\n  File "/a/Snakefile", line 23, in <module>\n'
    assert teller.plain(text) == "sites: must\n  hint: x"


def test_a_reader_that_is_gone_ends_the_telling_and_not_the_run():
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    logger = logging.Logger("gone")
    logger.addHandler(teller.Teller(Gone()))
    record = logging.makeLogRecord({"name": "gone", "event": "job_info", "jobid": 1, "rule_name": "page", "log": []})
    logger.handlers[0].emit(record)
