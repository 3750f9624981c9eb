"""How many sites a wanted margin needs, and whether a campaign that looks at its results now and then may stop.

    python -m classes_h5.plan --margin 0.02 --looks 4
    python -m classes_h5.plan --margin 0.02 --looks 4 --check predictions*.tsv

For the design of one input a site. statistics.md has the formulas and their sources. Needs the extra `campaign`.
"""

import argparse
import math
import sys

import pandas as pd
from scipy import stats

from classes_h5.campaign.estimates import MEASURES, ONE, design_of, measures
from classes_h5.campaign.intervals import wilson
from classes_h5.campaign.tables import GROUP, EstimateError, read

CHOICES = [name for name in MEASURES if name != "no_effect"]
NOT_CHECKED = {
    "rate": "it keeps the margin whatever the rate",
    "population": "its intervals are of sites drawn with replacement",
}


def sites_needed(margin, rate=0.5, confidence=0.95, looks=1, population=None):
    """The fewest sites whose Wilson interval has at most this half-width, if the rate found is this one; 0.5 is the worst.

    population: how many different faults there are, drawn without replacement; None where they cannot be counted.
    """
    z2, variance = quantile(confidence, looks) ** 2, rate * (1 - rate)
    root = math.sqrt(variance**2 - 4 * margin**2 * variance + margin**2)
    sites = z2 * (variance - 2 * margin**2 + root) / (2 * margin**2)
    if population is not None:
        sites = sites / (1 + (sites - 1) / population)
    return max(1, math.ceil(sites - 1e-9))


def quantile(confidence, looks):
    """Of the normal distribution, with the error shared equally among the looks (Bonferroni)."""
    return stats.norm.ppf(1 - (1 - confidence) / looks / 2)


def to_draw(counted, no_effect):
    """How many sites to draw so that this many count, where this share is without effect."""
    return math.ceil(counted / (1 - no_effect) - 1e-9)


def looks_at(total, looks):
    """After how many sites to look: at equal distances, the last time after all."""
    return [math.ceil(total * look / looks) for look in range(1, looks + 1)]


def enough(events, trials, margin, confidence=0.95, looks=1):
    """(whether to stop, low, high) at one of the looks: its interval has 1/looks of the error.

    Whenever one stops, the interval covers the rate with the whole confidence.
    """
    _, low, high = wilson(events, trials, 1 - (1 - confidence) / looks)
    return high - low <= 2 * margin, low, high


def schedule(options):
    """The looks as a table."""
    total = sites_needed(options.margin, options.rate, options.confidence, options.looks, options.population)
    sites = looks_at(to_draw(total, options.no_effect), options.looks)
    return pd.DataFrame({"look": range(1, options.looks + 1), "sites": sites, "all": [n * options.figures for n in sites]})


def check(options):
    """What every layer, or class of it, is to do now, as a table."""
    needed = sites_needed(options.margin, 0.5, options.confidence, options.looks)
    looks = looks_at(to_draw(needed, options.no_effect), options.looks)
    rows = []
    for names, found in read(options.check).groupby(GROUP + ["spatial_class"] * options.classes, sort=False):
        label = dict(zip(GROUP + ["spatial_class"], names))
        if design_of(found, label) != ONE:
            raise EstimateError(f"{label['layer']}: looks are for one input a site, this is a crossed design")
        told = [name for name, *_ in measures(found) if name in CHOICES]
        if options.measure not in told:
            raise EstimateError(f"{label['layer']}: its predictions do not tell {options.measure}, only {', '.join(told)}")
        counted = found[~found["no_effect"]]
        stop, low, high = False, 0.0, 1.0
        if len(counted):
            stop, low, high = enough(
                MEASURES[options.measure](counted).sum(), len(counted), options.margin, options.confidence, options.looks
            )
        advice = advised(looks, needed, len(found), len(counted), stop)
        rows.append({**label, "measure": options.measure, "sites": len(found), "low": low, "high": high, "advice": advice})
    return pd.DataFrame(rows)


def advised(looks, needed, sites, counted, stop):
    """What to do after this many sites. stop: whether the interval of those that count is narrow enough.

    The last look is put off until as many count as every rate needs. Only how many they are decides that, not what became of
    them: so it costs no confidence.
    """
    later = [look for look in looks if look > sites]
    if later and sites not in looks:
        return f"no look before {later[0]} sites"
    if later:
        return "stop" if stop else f"go on to {later[0]} sites"
    if counted >= needed:
        return "stop"
    if not counted:
        return "stop: all are without effect"
    return f"no look before {to_draw(needed, 1 - counted / sites)} sites: {sites - counted} are without effect"


def share(given):
    value = float(given)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"must be between 0 and 1, found {given}")
    return value


def count(given):
    value = int(given)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, found {given}")
    return value


def main(given=None):
    parser = argparse.ArgumentParser(prog="plan", description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--margin", type=share, required=True, metavar="E", help="half the width of the interval wanted, below 0.5")
    add("--confidence", type=share, default=0.95, help="[default: 0.95]")
    add("--looks", type=count, default=1, metavar="K", help="how often to look at the results [default: once, at the end]")
    add("--rate", type=share, default=0.5, metavar="P", help="the rate expected [default: 0.5, the worst]")
    add("--population", type=count, metavar="N", help="how many different faults there are, if drawn without replacement")
    add(
        "--no-effect",
        type=share,
        default=0.0,
        metavar="P",
        help="the share expected to be without effect, drawn on top [default: 0]",
    )
    add(
        "--figures", type=count, default=1, metavar="N", help="how many layers, or classes of a layer, to know so well [default: 1]"
    )
    add("--check", nargs="+", metavar="FILE.tsv", help="predictions so far: tell which layers may stop")
    add("--measure", choices=CHOICES, default="critical", help="[default: critical]")
    add("--classes", action="store_true", help="check every spatial class, not every layer: where each was drawn on its own")
    options = parser.parse_args(given)
    if options.margin >= 0.5:
        parser.error("--margin must be below 0.5")
    for name, why in NOT_CHECKED.items():
        if options.check and getattr(options, name) != parser.get_default(name):
            parser.error(f"--check takes no --{name}: {why}")
    try:
        table = check(options) if options.check else schedule(options)
        table.to_csv(sys.stdout, sep="\t", index=False, float_format="%.6g", lineterminator="\n")
    except EstimateError as error:
        return f"plan: {error}"
    return 0


if __name__ == "__main__":
    sys.exit(main())
