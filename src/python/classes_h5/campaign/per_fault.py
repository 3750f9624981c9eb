"""Figures per fault in the hardware, where the error models tell P(SDC): how often a fault corrupts the layer's output at all.

A layer that was not measured is like one of the measured layers that its sites were drawn from, nobody knows which: so P(SDC) is a
spread of values, and what is made of it is one too. statistics.md has the method.
"""

import random

import numpy as np

from classes_h5.campaign.tables import P_SDC

SUFFIX = "_per_fault"
MEASURES = ("critical", "sdc", "nan")  # what there is per fault as well
DRAWS = 10_000  # of what the layers of a network are like


class Spread:
    """Values that something may have, each with its share."""

    def __init__(self, values, shares):
        order = np.argsort(values, kind="stable")
        self.values = np.asarray(values, float)[order]
        self.up_to = np.cumsum(np.asarray(shares, float)[order])
        self.up_to /= self.up_to[-1]

    def at(self, shares):
        """The least values that so large shares do not exceed."""
        places = np.searchsorted(self.up_to, np.asarray(shares) - 1e-12)
        return self.values[np.minimum(places, len(self.values) - 1)]


def spread_of(strata):
    """What P(SDC) of a layer may be, by the sites of its strata (frequency, rows); None where a site does not tell."""
    found: dict[float, float] = {}
    for frequency, rows in strata:
        if P_SDC not in rows or rows[P_SDC].isna().any():
            return None
        for value, count in rows[P_SDC].value_counts().items():
            found[value] = found.get(value, 0) + frequency * count / len(rows)
    return Spread(list(found), list(found.values()))


def of_layer(spread, figures, confidence):
    """(measure, estimate, low, high) of a layer: P(SDC) with its 10th and 90th percentile, and what there is per fault.

    figures: {measure: (estimate, low, high)}, given that the output was corrupted.
    """
    median, p10, p90 = spread.at([0.5, 0.1, 0.9])
    yield P_SDC, median, p10, p90
    least, most = spread.at(limits(confidence))
    for measure, (estimate, low, high) in counted(figures):
        yield measure + SUFFIX, median * estimate, least * low, most * high


def of_network(layers, confidence, are_independent):
    """The same of a network, but for P(SDC). layers: (weight, spread, figures) each; the weights sum to 1."""
    stream = random.Random(0)  # whose numbers are the same in every version of Python
    drawn = np.array([spread.at([stream.random() for _ in range(DRAWS)]) for _, spread, _ in layers])
    weights = np.array([weight for weight, _, _ in layers])[:, None] * drawn
    for measure in (name for name in MEASURES if all(name in figures for *_, figures in layers)):
        estimate, low, high = np.array([figures[measure] for *_, figures in layers]).T[:, :, None]
        middle = (weights * estimate).sum(axis=0)
        together = np.linalg.norm if are_independent else np.sum  # of the distances of the limits
        down, up = together(weights * (estimate - low), axis=0), together(weights * (high - estimate), axis=0)
        least, most = limits(confidence)
        yield measure + SUFFIX, quantile(middle, 0.5), max(quantile(middle - down, least), 0.0), quantile(middle + up, most)


def limits(confidence):
    return (1 - confidence) / 2, (1 + confidence) / 2


def counted(figures):
    return ((name, figures[name]) for name in MEASURES if name in figures)


def quantile(values, share):
    return Spread(values, np.ones(len(values))).at([share])[0]
