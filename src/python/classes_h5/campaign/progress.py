"""What a campaign says while it runs: one line of progress, and the words of the steps that failed.

Snakemake runs in a process of its own, whose text goes to a file. There teller.py sends what counts, a JSON object a line,
through a pipe to the process that the user started.
"""

import json
import os
import re
import sys
import time

PIPE = "CLASSES_H5_CAMPAIGN_PIPE"  # the number of the pipe's end, in the environment
PLAYS = "predictions"  # the rule of which each job is a shard
STEPS = {  # what is said of the others
    "ranges": "golden ranges",
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
        self.folder, self.out, self.clock = folder, out or sys.stderr, clock
        self.shards = self.done = self.failures = 0
        self.began = None  # when the first shard did
        self.tenth = 0
        self.line = ""  # on a terminal, what stands in the last line
        self.said = set()
        self.errors = []  # Snakemake's own
        self.interrupted = False

    def follow(self, lines):
        for line in lines:
            self.hear(json.loads(line))
        self.end_line()

    def hear(self, event):
        if self.interrupted:
            return  # what steps say when they are ended
        if "shards" in event:
            self.shards = event["shards"]
        elif event.get("begun") in (PLAYS, "sites") and self.began is None:
            self.began = self.clock()
            self.show(self.state())
        elif event.get("begun") in STEPS:
            self.show(STEPS[event["begun"]])
        elif event.get("finished") == PLAYS:
            self.done += 1
            self.show(self.state())
        elif event.get("words") and "finished" in event:
            self.tell(event["words"])
        elif "said" in event:
            self.say(event["said"].removeprefix("campaign: "))
        elif "failed" in event:
            self.failed(event)
        elif "error" in event:
            self.errors.append(event["error"])

    def state(self):
        text = f"{self.done} of {self.shards} shards"
        if 0 < self.done < self.shards:
            text += f", about {duration((self.clock() - self.began) / self.done * (self.shards - self.done))} left"
        return text

    def show(self, text):
        """Rewrites the last line of a terminal; elsewhere a line for each tenth of the shards."""
        if self.out.isatty():
            self.out.write(f"\r\033[Kcampaign: {text}")
            self.line = text
        else:
            tenth = 10 * self.done // self.shards if self.shards else 0
            if text.partition(" ")[0].isdigit() and self.done and tenth == self.tenth:
                return
            self.tenth = tenth
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
        for part in re.split(r"\n(?!  )", "\n".join(dict.fromkeys(self.errors))):
            if part:
                self.say(part)
        if not any(self.errors):
            self.out.write(log.read_text(errors="replace"))


def duration(seconds):
    """As 40 s, 12 min, 3 h 20 min."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
