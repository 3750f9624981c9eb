"""In Snakemake's process: tells progress.py, through a pipe, of jobs and of errors."""

import json
import logging
import os
import re
from contextlib import contextmanager
from pathlib import Path

from classes_h5.campaign.progress import PIPE
from classes_h5.campaign.tables import EstimateError
from classes_h5.campaign.words import NOTED, words
from classes_h5.filters import FilterError

PLACE = re.compile(r"(\w+(Error|Exception) in file| *File) .*, line \d+")


def tell(logger):
    """From now on the log tells of jobs and errors through the pipe, if there is one."""
    if number := os.environ.pop(PIPE, None):
        os.set_inheritable(int(number), False)
        logger.addHandler(Teller(os.fdopen(int(number), "w", encoding="utf-8", buffering=1)))
        logging.raiseExceptions = False  # a full disk is told once


class Teller(logging.Handler):
    """Sends what counts of Snakemake's log."""

    def __init__(self, pipe):
        super().__init__()
        self.pipe = pipe
        self.jobs = {}  # {number: (rule, logs)}

    def emit(self, record):
        event = str(getattr(record, "event", None) or "")
        found = getattr(self, f"on_{event}", lambda record: None)(record)
        if found:
            try:
                self.pipe.write(json.dumps(found) + "\n")
            except OSError:
                logging.getLogger(record.name).removeHandler(self)  # nobody reads any more

    def on_run_info(self, record):
        return {"jobs": list(record.stats)}

    def on_job_info(self, record):
        self.jobs[record.jobid] = record.rule_name, list(record.log)
        return {"begun": record.rule_name}

    def on_job_finished(self, record):
        rule, logs = self.jobs.get(record.job_id, ("", []))
        return {"finished": rule, "words": words(logs) if rule in NOTED else []}

    def on_job_error(self, record):
        return {"failed": record.rule_name, "output": list(record.output), "words": words(record.log)}

    def on_(self, record):
        """What the campaign itself says."""
        return {"said": record.getMessage()} if record.getMessage().startswith("campaign: ") else None

    def on_error(self, record):
        return {"error": plain(record.getMessage())}


@contextmanager
def heard(log):
    """What goes wrong within this is written to a log."""
    try:
        yield
    except Exception as error:
        known = isinstance(error, FilterError | EstimateError | OSError)
        Path(log).write_text(f"campaign: {'' if known else type(error).__name__ + ': '}{error}\n")
        raise


def plain(text):
    """An error of Snakemake's without its class and the places in its own files."""
    lines = [
        line for line in text.strip().splitlines() if not re.match(r"(\w+(Error|Exception) in file| *File) .*, line \d+", line)
    ]
    return "\n".join(lines)
