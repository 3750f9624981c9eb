"""What a campaign says while it runs: one line of progress, and the words of the steps that failed.

Snakemake runs in a process of its own, whose text goes to a file. There teller.py sends what counts, a JSON object a line,
through a pipe to the process that the user started.
"""

import json
import os
import re
import sys
import threading
import time
from pathlib import Path

PIPE = "CLASSES_H5_CAMPAIGN_PIPE"  # the number of the pipe's end, in the environment
PLAYS = "play_"  # how the rules begin whose jobs play
REPLAYS = "replay_"  # how those begin whose jobs play the same faults once more
PLAN = "jobs.json"  # what they play
DONE = ".played-"  # and their number: how many predictions they have made
TURN = 1  # seconds between two looks at those
STEPS = {  # what is said of the others
    "ranges": "golden ranges",
    REPLAYS: "the same faults through the hardened model",
    "weights": "weights of the layers",
    "table": "the table",
    "estimates": "estimates",
    "page": "the page",
}
FULL = 2**16  # bytes: a disk with less is full
MOST = 3  # failed steps told in full


class Progress:
    """Says what came through the pipe."""

    def __init__(self, folder, out=None, clock=time.monotonic):
        self.folder, self.out, self.clock = Path(folder), out or sys.stderr, clock
        self.failures = 0
        self.jobs: dict = {}  # {number of a job: [how many predictions it is, how many are made]}
        self.began: tuple = ()  # when the first job did, and how many were made then
        self.lock = threading.Lock()
        self.line = ""  # on a terminal, what stands in the last line
        self.step = ""  # the last one that was told of
        self.said = set()
        self.errors = []  # Snakemake's own
        self.interrupted = False

    def follow(self, lines):
        """lines: what comes through the pipe. On a terminal it is looked at the players now and then as well."""
        over = threading.Event()
        looking = threading.Thread(target=self.look, args=(over,), daemon=True)
        if self.out.isatty():
            looking.start()
        try:
            for line in lines:
                with self.lock:
                    self.hear(json.loads(line))
        finally:
            over.set()
        with self.lock:
            self.end_line()
        self.forget()

    def look(self, over):
        while not over.wait(TURN):
            with self.lock:
                self.show_players()

    def hear(self, event):
        if self.interrupted:
            return  # what steps say when they are ended
        begun = event.get("begun", "")
        begun = REPLAYS if begun.startswith(REPLAYS) else begun
        if "jobs" in event:
            self.plan(event["jobs"])
        elif begun.startswith(PLAYS):
            if not self.began:
                self.began = self.clock(), self.made()
            self.show_players()
        elif begun in STEPS:
            if all(made == of for of, made in self.jobs.values()):
                self.began = ()  # nothing plays any more
            if self.step != begun:  # a step of many jobs is told of once
                self.step = begun
                self.show(STEPS[self.step])
        elif event.get("finished", "").startswith(PLAYS):
            job = self.jobs[event["finished"].removeprefix(PLAYS)]
            job[1] = job[0]
            self.show_players()
        elif event.get("words") and "finished" in event:
            self.tell(event["words"])
        elif "said" in event:
            self.say(event["said"].removeprefix("campaign: "))
        elif "failed" in event:
            self.failed(event)
        elif "error" in event:
            self.errors.append(event["error"])

    def plan(self, rules):
        """What the jobs that will run are to play. rules: their names."""
        numbers = [rule.removeprefix(PLAYS) for rule in rules if rule.startswith(PLAYS)]
        if numbers:
            jobs = json.loads((self.folder / PLAN).read_text())["jobs"]
            self.jobs = {number: [sum(unit["predictions"] for unit in jobs[int(number)]), 0] for number in numbers}
        self.forget()

    def forget(self):
        for file in self.folder.glob(f"{DONE}*"):
            file.unlink(missing_ok=True)

    def made(self):
        """How many predictions there are."""
        for number, job in self.jobs.items():
            try:
                job[1] = max(job[1], min(int((self.folder / f"{DONE}{number}").read_text()), job[0]))
            except (OSError, ValueError):
                continue  # it has not begun
        return sum(made for _, made in self.jobs.values())

    def state(self):
        made, whole, now = self.made(), sum(of for of, _ in self.jobs.values()), self.clock()
        began, before = self.began
        text = f"{made} of {whole} faults"
        if made > before and now > began:
            rate = (made - before) / (now - began)
            text += f", {rate:.3g} a second"
            if made < whole:
                text += f", about {duration((whole - made) / rate)} left"
        return text

    def show_players(self):
        """On a terminal only, and until another step is told of."""
        if self.began and self.out.isatty():
            self.show(self.state())

    def show(self, text):
        """Rewrites the last line of a terminal; elsewhere it is a line of its own."""
        if self.out.isatty():
            self.out.write(f"\r\033[Kcampaign: {text}")
            self.line = text
        else:
            self.out.write(f"campaign: {text}\n")
        self.out.flush()

    def end_line(self):
        if self.line:
            self.out.write("\n")
            self.line = ""

    def say(self, text):
        self.end_line()
        self.out.write(f"campaign: {text}\n")
        self.out.flush()

    def failed(self, event):
        """The words of a step, the same ones once."""
        spoken = event["words"] or [self.silence(event)]
        self.failures += 1
        if tuple(spoken) not in self.said and len(self.said) < MOST:
            self.said.add(tuple(spoken))
            self.tell(spoken)

    def tell(self, lines):
        """What a step said, as it said it."""
        self.end_line()
        self.out.write("\n".join(lines) + "\n")
        self.out.flush()

    def silence(self, event):
        """A step that ended without a word."""
        disk = os.statvfs(self.folder)
        if disk.f_bavail * disk.f_frsize < FULL:
            return f"{event['failed']}: no space left on the disk of {self.folder}"
        return f"{event['failed']}: {', '.join(event['output'])}: ended without a word, killed or out of memory"

    def conclude(self, log):
        """The last words after a run that failed. log: where all of Snakemake's are."""
        if self.interrupted:
            self.say("interrupted; run it again and only what is missing is made")
            return
        if self.failures > 1:
            self.say(f"{self.failures} steps failed; run it again and only what is missing is made")
        if self.failures:
            self.say(f"all that Snakemake says: {log}")
            return
        for part in parts("\n".join(dict.fromkeys(self.errors))):
            self.say(part)
        if not any(self.errors):
            self.out.write(log.read_text(errors="replace"))


def parts(text):
    """The mistakes in a text, each with its hint."""
    return [part for part in re.split(r"\n(?!  )", text) if part]


def duration(seconds):
    """As 40 s, 12 min, 3 h 20 min."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
