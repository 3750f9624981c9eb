"""The statistics of docs/campaign against simulated campaigns whose true rates are known, and by hand."""

import math
import sys

import numpy as np
import pandas as pd
import pytest
from kerases import ROOT
from scipy import stats

sys.path.insert(0, str(ROOT / "docs" / "campaign"))

import estimates
import intervals
import plan

COVERED = 0.95


def faults(rng, count, sites, inputs, rate, spread):
    """(campaigns, sites, inputs) of outcomes: some sites are worse, some inputs weaker. The true rate comes with them."""
    site, image = rng.normal(0, spread, (count, sites, 1)), rng.normal(0, spread, (count, 1, inputs))
    threshold = stats.norm.ppf(rate) * math.sqrt(1 + 2 * spread**2)
    return rng.normal(size=(count, sites, inputs)) + site + image < threshold


def covers(interval, rate):
    _, low, high = interval
    return low <= rate <= high


def at_least(share, campaigns):
    """What a share of this many campaigns exceeds but for once in a thousand seeds."""
    return stats.binom.ppf(0.001, campaigns, share) / campaigns


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.5, 0.9])
def test_one_input_a_site_covers_as_promised(rate):
    campaigns = 4000
    events = np.random.default_rng(1).binomial(200, rate, campaigns)
    known = {k: intervals.one([(1.0, np.arange(200) < k)], COVERED) for k in set(events)}
    covered = np.mean([covers(known[k], rate) for k in events])
    assert at_least(0.93, campaigns) < covered < 0.975  # Wilson's coverage moves about 95 %


@pytest.mark.parametrize("sites, inputs, rate", [(100, 100, 0.3), (100, 100, 0.05), (40, 200, 0.5), (200, 25, 0.9)])
def test_every_site_on_every_input_needs_the_two_way_error(sites, inputs, rate):
    campaigns = 500
    outcomes = faults(np.random.default_rng(2), campaigns, sites, inputs, rate, 1.0)
    counted = np.ones((sites, inputs), bool)
    two_way = np.mean([covers(intervals.crossed([(1.0, one.astype(float), counted)], COVERED), rate) for one in outcomes])
    naive = np.mean([covers(intervals.wilson(one.sum(), one.size, COVERED), rate) for one in outcomes])
    assert two_way > at_least(0.94, campaigns)
    assert naive < 0.45
    print(f"{sites} x {inputs}, rate {rate}: two-way {two_way:.3f}, nominal Wilson {naive:.3f}")


def test_strata_drawn_equally_and_layers_weighted_cover_the_whole():
    rng, campaigns = np.random.default_rng(3), 2000
    weights, rates = np.array([0.6, 0.3, 0.08, 0.02]), np.array([0.01, 0.3, 0.97, 0.5])
    true = weights @ rates
    drawn = rng.random((campaigns, 4, 50)) < rates[:, None]
    covered = np.mean([covers(intervals.one(list(zip(weights, one)), COVERED), true) for one in drawn])
    pooled = np.mean([covers(intervals.wilson(one.sum(), one.size, COVERED), true) for one in drawn])
    assert at_least(0.94, campaigns) < covered and pooled < 0.05


def test_crossed_strata_on_the_same_inputs_cover_the_whole():
    rng, campaigns, weights = np.random.default_rng(4), 500, (0.7, 0.3)
    image = rng.normal(0, 1, (campaigns, 1, 80))
    strata, true = [], 0
    for sites, middle in ((60, -0.5), (40, 1.0)):
        site = rng.normal(0, 1, (campaigns, sites, 1))
        strata.append(rng.normal(size=(campaigns, sites, 80)) + site + image < middle)
    true = sum(w * stats.norm.cdf(middle / math.sqrt(3)) for w, middle in zip(weights, (-0.5, 1.0)))
    covered = np.mean(
        [
            covers(intervals.crossed([(w, part.astype(float), np.ones(part.shape, bool)) for w, part in zip(weights, both)], COVERED), true)
            for both in zip(*strata)
        ]
    )
    assert covered > at_least(0.94, campaigns)


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.5])
def test_stopping_at_a_look_keeps_the_confidence(rate):
    campaigns, margin, looks = 4000, 0.06, 5
    total = plan.sites_needed(margin, looks=looks)
    outcomes = np.random.default_rng(5).random((campaigns, total)) < rate
    covered, used, known = [], [], {}
    for one in outcomes:
        for sites in plan.looks_at(total, looks):
            events = int(one[:sites].sum())
            stop, low, high = known.setdefault((sites, events), plan.enough(events, sites, margin, looks=looks))
            if stop:
                break
        assert stop, "the last look is always enough"
        covered.append(low <= rate <= high)
        used.append(sites)
    assert np.mean(covered) > at_least(COVERED, campaigns)
    assert (np.mean(used) < total) == (rate < 0.5)


@pytest.mark.parametrize("margin", [0.005, 0.02, 0.1, 0.3])
@pytest.mark.parametrize("rate", [0.5, 0.1, 0.01])
@pytest.mark.parametrize("looks", [1, 4])
def test_as_many_sites_as_planned_are_just_enough(margin, rate, looks):
    sites = plan.sites_needed(margin, rate, looks=looks)

    def half(trials):
        _, low, high = intervals.wilson(rate * trials, trials, 1 - 0.05 / looks)
        return (high - low) / 2

    assert half(sites) <= margin + 1e-9 and (sites == 1 or half(sites - 1) > margin - 1e-9)


def test_a_finite_population_needs_no_more_sites_than_it_has():
    """The correction of Leveugle et al., DATE 2009, who plan with Wald's interval: some sites more."""
    for population in (50, 1000, 10**6):
        theirs = population / (1 + 0.02**2 * (population - 1) / (1.959964**2 * 0.25))
        assert theirs - 5 < plan.sites_needed(0.02, population=population) <= min(population, theirs + 1)


# By hand


def predictions(rows, **columns):
    """A table as `read` gives it."""
    common = {
        "set": "gpu-warp", "operator": "conv_gemm", "layer": "a", "seed": "7", "spatial_class": "single", "as_defined": True,
        "label": "1", "golden": "1", "faulty": "1", "nan": False, "no_effect": False, "outcome": "",
    } | columns
    table = pd.DataFrame([{**common, "site": str(n), "input": str(n)} | row for n, row in enumerate(rows)])
    table["changed"] = table["golden"] != table["faulty"]
    table["critical"] = table["changed"] & (table["golden"] == table["label"])
    if (table["outcome"] == "").all():
        table["outcome"] = estimates.own_outcome(table)
    return table


LOST, FINE, IDLE = {"faulty": "2"}, {}, {"no_effect": True}
NAN = {"faulty": "-1", "nan": True}


def value(table, measure, **where):
    for name, wanted in ({"spatial_class": "*", "layer": "a"} | where).items():
        table = table[table[name] == wanted]
    (row,) = table[table["measure"] == measure].to_dict("records")
    return row


def test_rates_are_of_the_predictions_that_the_fault_reached():
    table = estimates.estimate(predictions([LOST, LOST, NAN, FINE, FINE, IDLE, IDLE, {"golden": "3", "faulty": "4"}]))
    found = {row["measure"]: (row["estimate"], row["predictions"]) for row in table.to_dict("records") if row["spatial_class"] == "*"}
    assert found == {
        "masked": (2 / 6, 6), "changed": (4 / 6, 6), "critical": (3 / 6, 6), "nan": (1 / 6, 6), "accuracy": (2 / 6, 6),
        "golden_accuracy": (5 / 6, 6), "no_effect": (2 / 8, 8),
    }
    row = value(table, "critical")
    assert (row["low"], row["high"]) == pytest.approx((0.18761, 0.81239), abs=1e-5)  # Wilson, 3 of 6
    assert tuple(table.columns) == estimates.COLUMNS and row["design"] == "one" and math.isnan(row["weight"])


def test_sites_not_as_defined_are_no_example_of_their_class():
    table = estimates.estimate(predictions([LOST, FINE, LOST | {"as_defined": False}]))
    rates = {name: value(table, "critical", spatial_class=name)["estimate"] for name in ("*", "single", "not as defined")}
    assert rates == {"*": 2 / 3, "single": 1 / 2, "not as defined": 1}


def test_the_baseline_stands_beside_the_patterns():
    patterns = predictions([LOST, LOST, FINE])
    baseline = predictions([FINE, FINE, LOST, FINE], set="single-bit-flip", operator="", spatial_class="")
    table = estimates.estimate(pd.concat([patterns, baseline], ignore_index=True), {"a": 10.0})
    for layer in ("a", "*"):
        assert value(table, "critical", set="gpu-warp", layer=layer)["estimate"] == 2 / 3
        assert value(table, "critical", set="single-bit-flip", layer=layer)["estimate"] == 1 / 4
    assert set(table[table["set"] == "single-bit-flip"]["spatial_class"]) == {"*"}


def test_classes_drawn_equally_are_weighted_as_in_the_model():
    rows = [LOST, FINE, FINE, FINE] + [row | {"spatial_class": "skip_4"} for row in (LOST, LOST, LOST, FINE)]
    frequencies = {("gpu-warp", "conv_gemm"): {"single": 0.6, "skip_4": 0.2, "rectangles": 0.2}}
    table = estimates.estimate(predictions(rows), frequencies=frequencies)
    row = value(table, "critical")
    assert row["estimate"] == pytest.approx(0.75 * 0.25 + 0.25 * 0.75)
    lows, highs = zip(*(intervals.wilson(k, 4, 0.95)[1:] for k in (1, 3)))
    assert row["low"] == pytest.approx(0.375 - math.hypot(0.75 * (0.25 - lows[0]), 0.25 * (0.75 - lows[1])))
    assert row["high"] == pytest.approx(0.375 + math.hypot(0.75 * (highs[0] - 0.25), 0.25 * (highs[1] - 0.75)))
    assert table.attrs["notes"] == ["a: no sites of rectangles: 20.0% of the frequency is spread over the others"]


def test_the_network_is_its_layers_weighted():
    both = pd.concat([predictions([LOST, FINE]), predictions([FINE, FINE], layer="b"), predictions([LOST], layer="c")], ignore_index=True)
    table = estimates.estimate(both, {"a": 3, "b": 1, "c": 0, "unplayed": 9})
    row = value(table, "critical", layer="*")
    assert (row["estimate"], row["weight"], row["operator"], row["predictions"]) == (0.5 * 0.75, 4, "*", 4)
    alone = estimates.estimate(both)
    assert "*" not in set(alone["layer"])


def test_a_crossed_design_is_known_and_its_error_is_two_way():
    rng = np.random.default_rng(6)
    lost = rng.random((5, 8)) < rng.random((5, 1))
    rows = [(LOST if lost[s, i] else FINE) | {"site": str(s), "input": str(i)} for s in range(5) for i in range(8)]
    rng.shuffle(rows)
    row = value(estimates.estimate(predictions(rows)), "critical")
    variance = lost.mean(1).var(ddof=1) / 5 + lost.mean(0).var(ddof=1) / 8
    freedom = variance**2 / ((lost.mean(1).var(ddof=1) / 5) ** 2 / 4 + (lost.mean(0).var(ddof=1) / 8) ** 2 / 7)
    rate = lost.mean()
    trials = rate * (1 - rate) / variance * (stats.norm.ppf(0.975) / stats.t.ppf(0.975, freedom)) ** 2
    expected = intervals.wilson(rate * trials, trials, 0.95)
    assert (row["estimate"], row["low"], row["high"]) == pytest.approx(expected)
    assert (row["design"], row["sites"], row["inputs"], row["predictions"]) == ("crossed", 5, 8, 40)


def test_a_hook_gives_means_and_shares():
    said = ["0.5", "1.0", "nan", "lost"]
    rows = [{"outcome": text, "golden": "", "faulty": "", "label": ""} for text in said]
    table = estimates.estimate(predictions(rows))
    assert set(table["measure"]) == {"nan", "no_effect", "outcome", "outcome=lost", "outcome=nan"}
    mean = value(table, "outcome")
    half = stats.t.ppf(0.975, 1) * np.std([0.5, 1], ddof=1) / math.sqrt(2)
    assert (mean["estimate"], mean["low"], mean["high"]) == pytest.approx((0.75, 0.75 - half, 0.75 + half))
    assert value(table, "outcome=nan")["estimate"] == value(table, "outcome=lost")["estimate"] == 0.25


@pytest.mark.parametrize(
    "rows, options, message",
    [
        ([FINE, FINE | {"site": "0", "input": "0"}], {}, "a: site 0 on input 0 is there twice"),
        ([FINE, FINE | {"site": "0"}, FINE], {}, "a: its sites met neither one input each nor all the same inputs"),
        ([FINE], {"weights": {"b": 1}}, "no weight for the layer a"),
        (
            [FINE],
            {"frequencies": {("gpu-warp", "conv_gemm"): {"skip_4": 1}}},
            "a: no frequency for the spatial class 'single' of gpu-warp/conv_gemm",
        ),
    ],
)
def test_what_cannot_be_estimated_is_told(rows, options, message):
    with pytest.raises(estimates.EstimateError) as told:
        estimates.estimate(predictions(rows), **options)
    assert str(told.value) == message
