"""Runs a campaign.

    python -m classes_h5.campaign CAMPAIGN.yaml RESULTS

What follows RESULTS goes to Snakemake, whose text goes to RESULTS/snakemake.log. Needs the extra `campaign`, and TensorFlow with
the Keras that the model needs.
"""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import yaml

from classes_h5 import filters
from classes_h5.campaign.progress import PIPE, Progress

HERE = Path(__file__).parent
USAGE = "usage: python -m classes_h5.campaign CAMPAIGN.yaml RESULTS [--cores N] [what Snakemake takes]"
# With one of these Snakemake says how much runs at once.
CORES = ("--cores", "-c", "--jobs", "-j", "--profile", "--executor", "-e")
# With one of these it is Snakemake's text that is asked for.
TEXT = (
    *(
        "-n",
        "--dry-run",
        "--dryrun",
        "--verbose",
        "-h",
        "--help",
        "-v",
        "--version",
        "--lint",
        "--dag",
        "--rulegraph",
        "--filegraph",
    ),
    *("--d3dag", "-S", "--summary", "-D", "--detailed-summary", "-l", "--list-rules", "--list-target-rules", "--unlock"),
    *("-t", "--touch", "--archive", "--delete-all-output", "--delete-temp-output", "--cleanup-metadata", "--report"),
)


def has(words, options):
    """Whether one of these options is among the words, as --cores 2, --cores=2 or -c2."""
    short = tuple(option for option in options if len(option) == 2)
    return any(word.partition("=")[0] in options or (word[:2] in short and word[2:].isdigit()) for word in words)


def main(given=None):
    """The exit code: Snakemake's, 1 where nothing is started, 2 where arguments are missing, 130 where it was interrupted."""
    words = sys.argv[1:] if given is None else given
    if len(words) < 2 or words[0].startswith("-"):
        print(USAGE, file=sys.stderr)
        return 2
    campaign, results, options = Path(words[0]), Path(words[1]), words[2:]
    try:
        check_yaml(campaign)
        results.mkdir(parents=True, exist_ok=True)
        lock = (results / ".lock").open("w", encoding="utf-8")
    except OSError as error:
        return refuse(f"{error.filename}: {error.strerror}")
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        return refuse(f"{campaign}: {yaml_error(error)}")
    filters.on_path()
    command = [sys.executable, "-m", "snakemake", "--snakefile", HERE / "Snakefile", "--configfile", campaign.resolve()]
    command += ["--directory", results.resolve(), "--nolock", *options]
    if not has(options, CORES):
        command += ["--cores", len(os.sched_getaffinity(0))]
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return refuse(f"{results}: another run is at work there")
        # The lock ends with the processes that hold it; Snakemake's own would outlive a kill.
        start = subprocess.call if has(options, TEXT) else lambda *args, **kwargs: told(results, *args, **kwargs)
        code = start(list(map(str, command)), pass_fds=[lock.fileno()])
    if not code and (results / "page.html").exists():
        print(f"== {results / 'page.html'}")
    return code if code >= 0 else 128 - code


def told(results, command, pass_fds):
    """Runs Snakemake; says how far it is and what went wrong."""
    progress, log = Progress(results), results / "snakemake.log"
    reading, writing = os.pipe()
    try:
        text = log.open("w", encoding="utf-8")
    except OSError as error:
        return refuse(f"{log}: {error.strerror}")
    with text:
        process = subprocess.Popen(
            command,
            stdout=text,
            stderr=text,
            stdin=subprocess.DEVNULL,
            pass_fds=[*pass_fds, writing],
            env={**os.environ, PIPE: str(writing)},
        )
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as lines:
        while True:
            try:
                progress.follow(lines)
                process.wait()
                break
            except KeyboardInterrupt:  # Snakemake has it too, and ends
                progress.interrupted = True
    if process.returncode:
        progress.conclude(log)
    return 130 if progress.interrupted else process.returncode


def check_yaml(path):
    """Raises what is wrong with it as a file; the Snakefile looks at what it says."""
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise yaml.YAMLError("must be keys and values, a line each, as `model: lenet.h5`")


def yaml_error(error):
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}: {error.problem}" if mark else " ".join(str(error).split())


def refuse(text):
    print(f"campaign: {text}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
