"""The table of estimates, as the page asks for it: figures, ranks, groups, comparisons."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from classes_h5.campaign import estimates, intervals
from classes_h5.campaign.runs import BASELINE
from classes_h5.campaign.tables import P_SDC

ALL = estimates.ALL
# What the layers are ranked by: the first of these that the network has. {measure: what it is}
RANKED_BY = {
    "critical": "the share of faults by which a right top-1 is lost",
    "outcome": "the mean of the outcome function",
    "nan": "the share of faults that bring NaN or infinity into the output",
}
UNLABELLED = "the share of faults that change the top-1 (there are no labels to tell whether it was right)"
TITLES = {
    "masked": "Masked",
    "changed": "Changed",
    "critical": "Critical",
    "sdc": "SDC",
    "nan": "NaN",
    "accuracy": "Accuracy",
    "p_sdc": "P(SDC)",
    "critical_per_fault": "Critical per fault",
}
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Figures:
    """The table of estimates of a campaign."""

    def __init__(self, table, campaign):
        self.table = table
        self.rows = {(r.set, r.layer, r.spatial_class, r.measure): r for r in table.itertuples()}
        measures = set(table["measure"])
        # As of numbers, the greater is the worse: true before false, and of words the last of the alphabet first.
        named = sorted((measure for measure in measures if measure.startswith("outcome=")), reverse=True)
        self.measure = next(measure for measure in [*list(RANKED_BY)[:2], *named, "nan"] if measure in measures)
        self.meaning = RANKED_BY.get(self.measure, f"how often the outcome was {self.measure.partition('=')[2]}")
        self.labelled = "accuracy" in measures
        if self.measure == "critical" and not self.labelled:
            self.meaning = UNLABELLED
        self.rate = self.measure != "outcome"
        self.others = {measure: title for measure, title in TITLES.items() if measure in measures}
        self.sets = [Path(models).name for models in campaign.settings["sets"]]
        self.sets = [name for name in self.sets if name in set(table["set"])]
        self.measured = [name for name in self.sets if name != BASELINE]
        self.per_fault = [name for name in self.measured if any(key[0] == name and key[3] == P_SDC for key in self.rows)]
        self.layers = self.ranked(self.sets[0])
        self.operators = {layer.name: layer.operator for layer in campaign.layers}
        self.in_order = [layer.name for layer in campaign.layers if layer.name in self.layers]  # of the network
        self.design = table["design"].iloc[0]
        # What the chart shows: what is lost in silence, and apart from it what can be noticed.
        self.shown = "sdc" if self.measure == "critical" else self.measure
        nan = table[(table["measure"] == "nan") & (table["spatial_class"] == ALL)]
        self.apart = "nan" if self.rate and self.shown != "nan" and (nan["estimate"] > 0).any() else None
        known = [layer for layer in self.layers if self.of(self.sets[0], layer)]
        self.groups = dict.fromkeys(self.layers, "")
        self.groups |= zip(known, letters([self.interval(self.sets[0], layer) for layer in known]))

    def of(self, models, layer=ALL, spatial_class=ALL, measure=None):
        """A row of the table, None where there is none."""
        row = self.rows.get((models, layer, spatial_class, measure or self.measure))
        return None if row is None or pd.isna(row.estimate) else row

    def interval(self, models, layer=ALL, measure=None):
        """(estimate, low, high), not numbers where there is none."""
        row = self.of(models, layer, measure=measure)
        return (row.estimate, row.low, row.high) if row else intervals.NONE

    def ranked(self, models):
        """Layers, the most fragile first."""
        layers = [name for name in dict.fromkeys(self.table["layer"]) if name != ALL]
        found = {layer: self.of(models, layer) for layer in layers}
        return sorted(layers, key=lambda layer: -found[layer].estimate if found[layer] else 1)

    def rank(self, models, layer):
        """1 for the most fragile; of equals the mean of their places."""
        layers = [name for name in self.ranked(models) if self.of(models, name)]
        ranks = stats.rankdata([-self.of(models, name).estimate for name in layers])
        return ranks[layers.index(layer)]

    def classes(self, models):
        """Spatial classes of a set, those with the most predictions first; what is no class last."""
        rows = self.table[(self.table["set"] == models) & (self.table["measure"] == self.measure)]
        rows = rows[(rows["spatial_class"] != ALL) & (rows["layer"] != ALL)]
        counted = rows.groupby("spatial_class", sort=False)["predictions"].sum().sort_values(ascending=False, kind="stable")
        return sorted(counted.index, key=lambda name: name == estimates.NOT_AS_DEFINED)

    def ratio(self, models, layer=ALL):
        """(times, low, high) of the baseline's figure; None where that cannot be said."""
        found = intervals.ratio(self.interval(models, layer), self.interval(BASELINE, layer)) if self.rate else intervals.NONE
        return None if np.isnan(found[1]) else found

    def agreement(self, models):
        """(Spearman's rank correlation of the layers' order with the baseline's, low, high, of how many); None of too few."""
        layers = [layer for layer in self.layers if self.of(models, layer) and self.of(BASELINE, layer)]
        found = intervals.spearman(*([self.of(name, layer).estimate for layer in layers] for name in (models, BASELINE)))
        return None if np.isnan(found[0]) else (*found, len(layers))


def letters(found, confidence=0.95):
    """A word for each of some intervals, from the greatest estimate down: two that share a letter cannot be told apart.

    All pairs together have the confidence (Bonferroni), for which the 95 % limits are moved out as those of a normal distribution.
    """
    pairs = max(len(found) * (len(found) - 1) // 2, 1)
    widened = stats.norm.ppf(1 - (1 - confidence) / 2 / pairs) / stats.norm.ppf((1 + confidence) / 2)
    words, last = [""] * len(found), -1
    used = 0
    for first in range(len(found)):
        end = first + 1
        while end < len(found) and not any(intervals.told_apart(one, found[end], widened) for one in found[first:end]):
            end += 1
        if end - 1 > last:
            for place in range(first, end):
                words[place] += LETTERS[used % len(LETTERS)]
            used, last = used + 1, end - 1
    return words


def figure(value, rate=True):
    """A rate in percent, another number as it is."""
    if value is None or pd.isna(value):
        return "–"
    return f"{100 * value:.1f} %" if rate else f"{value:.4g}"


def small(value):
    """A rate in percent that may be far below one, to two digits."""
    return "–" if value is None or pd.isna(value) else f"{rounded(100 * value)} %"


def points(value, rate=True):
    """A difference: of rates in percentage points, of other numbers as it is."""
    return (f"{100 * value:+.1f}" if rate else f"{value:+.4g}").replace("-", "−")


def times(found):
    """A ratio with its limits."""
    value, low, high = found
    if np.isinf(high):
        return f"at least {rounded(low)} times"
    return f"{rounded(value)} times ({rounded(low)} – {rounded(high)})"


def rounded(number):
    """To two digits, without an exponent."""
    return f"{float(f'{number:.2g}'):,.10g}"


def rank(value):
    return f"{value:g}"
