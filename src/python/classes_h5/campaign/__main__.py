"""Runs a campaign.

    python -m classes_h5.campaign CAMPAIGN.yaml RESULTS

What follows RESULTS goes to Snakemake, whose text goes to RESULTS/snakemake.log. Needs the extra `campaign`, and TensorFlow with
the Keras that the model needs.
"""

import fcntl
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from classes_h5 import filters
from classes_h5.campaign.progress import PIPE, Progress, parts
from classes_h5.campaign.teller import plain

HERE = Path(__file__).parent
USAGE = "usage: python -m classes_h5.campaign CAMPAIGN.yaml RESULTS [--cores N] [what Snakemake takes]"
HELP = f"""{USAGE}

CAMPAIGN.yaml says what is played: `model` and `inputs` must be there (docs/campaign/README.md has all keys). RESULTS is a folder;
RESULTS/page.html is what comes out.

  --dry-run           says about how long it takes, and plays nothing
  --cores N           how many cores are used (default: all)
  --config KEY=VALUE  overrides the YAML, as in --config sites=50"""
EXTRA = ("snakemake", "yaml", "jinja2", "pandas", "scipy", "statsmodels")  # what the extra `campaign` brings
BRINGS = "pip install './src/python[campaign]' in the project's folder brings it"
# With one of these Snakemake says how much runs at once.
CORES = ("--cores", "-c", "--jobs", "-j", "--profile", "--executor", "-e")
DRY = ("-n", "--dry-run", "--dryrun")
# With one of these a dry run says how much was asked for.
ASKED = ("--quiet", "-q", "--printshellcmds", "-p", "--verbose")
# With one of these it is Snakemake's text that is asked for.
TEXT = (
    *DRY,
    *(
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
    if words and words[0] in ("-h", "--help"):
        print(HELP)
        return 0
    if len(words) < 2 or words[0].startswith("-"):
        print(USAGE, file=sys.stderr)
        return 2
    if missing := [name for name in EXTRA if importlib.util.find_spec(name) is None]:
        return refuse(f"not installed: {', '.join(missing)}\n  hint: {BRINGS}")
    campaign, results, options = Path(words[0]), Path(words[1]), words[2:]
    try:
        if wrong := wrong_yaml(campaign):
            return refuse(f"{campaign}: {wrong}")
        results.mkdir(parents=True, exist_ok=True)
        lock = (results / ".lock").open("w", encoding="utf-8")
    except OSError as error:
        return refuse(f"{error.filename}: {error.strerror}")
    filters.on_path()
    command = [sys.executable, "-m", "snakemake", "--snakefile", HERE / "Snakefile", "--configfile", campaign.resolve()]
    command += ["--directory", results.resolve(), "--nolock", *options]
    if has(options, DRY) and not has(options, ASKED):
        command += ["--quiet", "rules"]  # each of thousands of jobs would be listed
    if not has(options, CORES):
        command += ["--cores", len(os.sched_getaffinity(0))]
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return refuse(f"{results}: another run is at work there")
        # The lock ends with the processes that hold it; Snakemake's own would outlive a kill.
        command, files = list(map(str, command)), [lock.fileno()]
        code = shown(command, files) if has(options, TEXT) else told(results, command, files)
    if not code and (results / "page.html").exists():
        print(f"== {results / 'page.html'}")
    return code if code >= 0 else 128 - code


def shown(command, pass_fds):
    """Runs Snakemake for its own text; what is wrong with the campaign is told as ever."""
    wrong: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace", pass_fds=pass_fds) as process:
        try:
            for line in process.stdout or ():
                if wrong or line.startswith("WorkflowError in file"):
                    wrong.append(line)
                else:
                    say(line)
        except KeyboardInterrupt:  # Snakemake has it too, and ends
            return 130
    for part in parts(plain("".join(wrong))):
        refuse(part)
    return process.returncode


def say(line):
    """Prints it, and nothing more once nobody reads it."""
    try:
        print(line, end="", flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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


def wrong_yaml(path):
    """What is wrong with it as a file, if anything; the Snakefile looks at what it says."""
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        return f"line {error.problem_mark.line + 1}: {error.problem}" if error.problem_mark else str(error.problem)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        return " ".join(str(error).split())
    return "" if isinstance(found, dict) else "must be keys and values, a line each, as `model: lenet.h5`"


def refuse(text):
    print(f"campaign: {text}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
