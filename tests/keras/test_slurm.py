"""A campaign through the Slurm profile on a real Slurm, which loses jobs and nodes meanwhile."""

import os
import signal

import pytest
from campaigns import BINARIES, CAMPAIGNS, changed, command, started
from classes_h5.campaign.progress import PLAYS
from slurm import Cluster, SlurmError

SETTINGS = changed(layers=["conv2d"], shard=15, job=15)
# Snakemake looks after its jobs every 3 seconds, in place of 60.
OPTIONS = ("--profile", CAMPAIGNS / "profiles" / "slurm", "--slurm-init-seconds-before-status-checks", "3")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    try:
        with Cluster(tmp_path_factory.mktemp("slurm")) as cluster:
            yield cluster
    except SlurmError as reason:
        pytest.skip(f"Slurm cannot start: {reason}")


@pytest.fixture
def local(tmp_path, monkeypatch):
    """The results of the same campaign without Slurm."""
    monkeypatch.setenv("CLASSES_BIN_DIR", BINARIES)
    said, code = command(tmp_path / "local", SETTINGS)
    assert code == 0, said
    return tmp_path / "local" / "results"


def end(process):
    """Ends it and what it has started, if it still runs."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_campaign_outlives_a_killed_job_a_drained_node_and_a_lost_one(cluster, local, tmp_path):
    results = tmp_path / "slurm" / "results"
    process = started(tmp_path / "slurm", SETTINGS, *OPTIONS, environment=cluster.environment)

    def plays_on(node):
        """The job on a node that is in the middle of its shard."""
        for number in (number for number, place in cluster.jobs("RUNNING").items() if place == node):
            logs = results.glob(f".snakemake/slurm_logs/*/{number}.log")
            if any(f"rule {PLAYS}" in log.read_text() for log in logs):
                return number
        return None

    try:
        killed = cluster.until("a shard is played on one", lambda: plays_on("one"), 240)
        cluster.slurm("scancel", killed)
        last = cluster.until("a shard is played on two", lambda: plays_on("two"), 120)
        cluster.set_node("two", "drain")
        cluster.until("node two is drained", lambda: cluster.state("two") == "drained", 120)
        lost = cluster.until("a shard is played on one", lambda: plays_on("one"), 120)
        assert not cluster.jobs("RUNNING").keys() - {lost} and last in cluster.jobs("COMPLETED")
        cluster.set_node("one", "down")
        cluster.until("the job is in the queue again", lambda: lost in cluster.jobs("PENDING"))
        for node in ("one", "two"):
            cluster.set_node(node, "resume")
        said = process.communicate(timeout=400)[1]
    finally:
        end(process)
    assert process.returncode == 0, said
    assert killed in cluster.jobs("CANCELLED") and lost in cluster.jobs("COMPLETED")
    for name in ("predictions.tsv", "estimates.tsv", "ranges.json"):
        assert (results / name).read_bytes() == (local / name).read_bytes()
