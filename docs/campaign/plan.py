"""How many sites a wanted margin needs, and when to stop.

    python plan.py --margin 0.02 [--rate 0.5] [--confidence 0.95] [--population N] [--looks 4] [--strata 12]
    python plan.py --margin 0.02 --looks 4 --check predictions*.tsv
"""


def sites_needed(margin, rate=0.5, confidence=0.95, population=None, looks=1):
    """The fewest predictions (one site, one input) whose Wilson interval has at most this half-width at this rate."""
    raise NotImplementedError


def looks_at(total, looks):
    """After how many predictions to look: `looks` numbers, the last is total."""
    raise NotImplementedError


def enough(events, predictions, margin, confidence=0.95, looks=1):
    """(whether to stop, low, high): the interval at this look, whose error is 1/looks of the whole."""
    raise NotImplementedError
