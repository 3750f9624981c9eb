"""What the steps of a campaign said: each has a log of its own."""

import re
from pathlib import Path

NOTED = ("ranges", "weights")  # what these say of a network is for the reader of the page
TENSORFLOW = re.compile(
    r"[IWEF]\d{4} |\d{4}-\d\d-\d\d |WARNING: All log messages before absl|To enable the following instructions: "
)


def words(logs):
    """What a step said, without a traceback and what TensorFlow says of the machine."""
    text = "".join(Path(log).read_text(errors="replace") for log in logs if Path(log).is_file())
    before, traceback, inside = text.partition("Traceback (most recent call last):\n")
    lines = [*before.splitlines(), *(inside.rstrip().splitlines()[-1:] if traceback else [])]
    return [line for line in lines if line.strip() and not TENSORFLOW.match(line)]


def notes(made):
    """What steps of the current folder said of the network. made: those that ran."""
    found = [line for step in NOTED if step in made for line in words([Path("logs", f"{step}.log")])]
    return [line for line in found if line.startswith(tuple(f"{step}: " for step in NOTED))]
