"""What hardening changed: the same sites on the same inputs, through the model as it was and through the hardened one.

    python -m classes_h5.campaign.pairs predictions.tsv hardened.tsv --weights weights.tsv --out pairs.tsv

A prediction of the one table is paired with that of the other. statistics.md tells how the intervals are made. Needs the extra
`campaign`.
"""

import argparse
import sys

import numpy as np
import pandas as pd

from classes_h5.campaign import estimates, intervals, tables
from classes_h5.campaign.estimates import ALL, ONE
from classes_h5.campaign.tables import GROUP, SITE, EstimateError

COLUMNS = (
    "set",
    "layer",  # "*": the network, its layers weighted
    "measure",  # as estimates.py has them
    "before",
    "before_low",
    "before_high",
    "after",
    "after_low",
    "after_high",
    "difference",  # after minus before
    "low",  # its paired interval
    "high",
    "p",  # McNemar's exact; empty where predictions have weights, or are not independent
    "cured",  # how many predictions show it before only; of a mean, how many are less after
    "caused",  # after only; of a mean, how many are more
    "predictions",  # pairs
)
ALONE = ("masked", "accuracy", "golden_accuracy", "no_effect")  # not paired: they say no more, or nothing of a fault
KEYS = [*GROUP, *SITE, "input"]


def pair(before, after):
    """One table of both; the columns of the second end in _after."""
    both = before.merge(after, on=KEYS, suffixes=("", "_after"), validate="one_to_one")
    if len(both) != len(before) or len(both) != len(after):
        told = f"{len(before)} predictions before, {len(after)} after"
        raise EstimateError(f"{told}: {len(both)} of both are of the same site on the same input")
    return both


def compare(before, after, weights=None, frequencies=None, confidence=0.95):
    """A table of COLUMNS."""
    both = pair(before, after)
    measured = [found for found in estimates.measures(pd.concat([before, after])) if found[0] not in ALONE]
    rows: list = []
    networks: dict = {}
    for names, some in both.groupby(GROUP, sort=False):
        label = dict(zip(GROUP, names))
        design = estimates.design_of(some, label)
        strata = estimates.strata_of(some, label, frequencies, [])
        weight = estimates.weight_of(label["layer"], weights)
        networks.setdefault(label["set"], []).append((weight, design, strata))
        rows += figures({"set": label["set"], "layer": label["layer"]}, measured, [(1.0, design, strata)], confidence)
    for name, layers in networks.items() if weights is not None else ():
        if len({design for _, design, _ in layers}) == 1 and any(weight > 0 for weight, *_ in layers):
            rows += figures({"set": name, "layer": ALL}, measured, [layer for layer in layers if layer[0] > 0], confidence)
    return pd.DataFrame(rows, columns=COLUMNS)


def figures(label, measured, layers, confidence):
    """A row for each measure. layers: (weight, design, strata) each, strata as estimates.py has them."""
    design = layers[0][1]
    for name, value, rate in measured:
        parts = []
        for weight, _, strata in layers:
            found = [(frequency, some, ~some["no_effect"]) for frequency, some in strata if not some["no_effect"].all()]
            total = sum(frequency * counted.mean() for frequency, _, counted in found)
            parts += [(weight * frequency * counted.mean() / total, some, counted) for frequency, some, counted in found]
        if not parts or not sum(weight for weight, *_ in parts):
            continue
        sides = [parts, [(weight, as_after(some), counted) for weight, some, counted in parts]]
        values = [[value(some).astype(float) for _, some, _ in side] for side in sides]
        means = [
            estimates.interval([(w, some, v, c) for (w, some, c), v in zip(side, found)], design, confidence, rate)
            for side, found in zip(sides, values)
        ]
        first, second = (np.concatenate([v[c] for (_, _, c), v in zip(parts, found)]) for found in values)
        cured, caused = int((first > second).sum()), int((first < second).sum())
        yield {
            **label,
            "measure": name,
            **dict(zip(("before", "before_low", "before_high", "after", "after_low", "after_high"), (*means[0], *means[1]))),
            **dict(zip(("difference", "low", "high"), difference(parts, values, design, confidence, rate))),
            "p": intervals.mcnemar(cured, caused) if rate and design == ONE and len(parts) == 1 else np.nan,
            "cured": cured,
            "caused": caused,
            "predictions": len(first),
        }


def difference(parts, values, design, confidence, rate):
    """(after minus before, low, high)"""
    total = sum(weight for weight, *_ in parts)
    if rate and design == ONE:
        events = [(weight / total, first[c] > 0, second[c] > 0) for (weight, _, c), first, second in zip(parts, *values)]
        return intervals.paired(events, confidence)
    apart = [second - first for first, second in zip(*values)]
    return estimates.interval([(w, some, v, c) for (w, some, c), v in zip(parts, apart)], design, confidence, False)


def as_after(rows):
    """The columns of the hardened model under their own names."""
    own = {name.removesuffix("_after"): rows[name] for name in rows if name.endswith("_after")}
    return rows[[name for name in rows if not name.endswith("_after")]].assign(**own)


def main(given=None):
    parser = argparse.ArgumentParser(prog="pairs", description=__doc__.partition("\n")[0])
    parser.add_argument("before", help="predictions of the model as it was")
    parser.add_argument("after", help="predictions of the hardened one, of the same sites and inputs")
    parser.add_argument("--weights", metavar="FILE.tsv", help="layer and weight: adds figures of the network")
    parser.add_argument("--frequencies", metavar="FILE.tsv", help="what classes-sites --list-operators prints: reweights")
    parser.add_argument("--out", metavar="FILE.tsv", help="[default: stdout]")
    options = parser.parse_args(given)
    try:
        table = compare(
            tables.read([options.before]),
            tables.read([options.after]),
            options.weights and tables.read_weights(options.weights),
            options.frequencies and tables.read_frequencies(options.frequencies),
        )
        tables.write_table(table, options.out)
    except EstimateError as error:
        return f"pairs: {error}"
    except OSError as error:
        return f"pairs: {options.out}: {error.strerror}"
    return 0


if __name__ == "__main__":
    sys.exit(main())
