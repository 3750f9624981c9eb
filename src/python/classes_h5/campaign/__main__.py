"""Runs a campaign.

    python -m classes_h5.campaign CAMPAIGN.yaml RESULTS --cores 2

What follows RESULTS goes to Snakemake. Needs the extra `campaign`, and TensorFlow with the Keras that the model needs.
"""

import fcntl
import subprocess
import sys
from pathlib import Path

from classes_h5 import filters

HERE = Path(__file__).parent
USAGE = "usage: python -m classes_h5.campaign CAMPAIGN.yaml RESULTS --cores N [what Snakemake takes]"


def main(given=None):
    """The exit code: Snakemake's, 1 where nothing is started, 2 where arguments are missing."""
    words = sys.argv[1:] if given is None else given
    if len(words) < 2 or words[0].startswith("-"):
        print(USAGE, file=sys.stderr)
        return 2
    campaign, results = Path(words[0]), Path(words[1])
    if not campaign.is_file():
        print(f"campaign: {campaign}: no such file", file=sys.stderr)
        return 1
    try:
        results.mkdir(parents=True, exist_ok=True)
        lock = (results / ".lock").open("w", encoding="utf-8")
    except OSError as error:
        print(f"campaign: {results}: {error.strerror}", file=sys.stderr)
        return 1
    filters.on_path()
    command = [sys.executable, "-m", "snakemake", "--snakefile", HERE / "Snakefile", "--configfile", campaign.resolve()]
    command += ["--directory", results.resolve(), "--nolock", *words[2:]]
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print(f"campaign: {results}: another run is at work there", file=sys.stderr)
            return 1
        # The lock ends with the processes that hold it; Snakemake's own would outlive a kill.
        code = subprocess.run(list(map(str, command)), pass_fds=[lock.fileno()], check=False).returncode
    if not code and (results / "page.html").exists():
        print(f"== {results / 'page.html'}")
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
