"""What the page makes of the estimates: ranks, groups, ratios with intervals, pictures, and files for a paper."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from classes_h5.campaign import charts, downloads, estimates, figures, intervals, worst
from scipy import stats

LOST, FINE, NAN = {"faulty": "2", "critical": True}, {}, {"faulty": "-1", "nan": True, "critical": True}


def predictions(rows, **columns):
    """A table as tables.read gives it."""
    common = {
        "set": "gpu-warp", "operator": "conv_gemm", "layer": "a", "seed": "7", "spatial_class": "single", "as_defined": True,
        "label": "1", "golden": "1", "faulty": "1", "nan": False, "no_effect": False, "outcome": "masked", "critical": False,
    }
    table = pd.DataFrame([{**common, **columns, "site": str(n), "input": str(n)} | row for n, row in enumerate(rows)])
    table["changed"] = table["golden"] != table["faulty"]
    table["outcome"] = estimates.own_outcome(table) if "outcome" not in columns and (table["outcome"] == "masked").all() else table["outcome"]
    return table


def found(*tables, sets=("gpu-warp", "single-bit-flip"), order=None):
    """Figures of a campaign with these predictions."""
    table = pd.concat(tables, ignore_index=True)
    layers = [SimpleNamespace(name=name, operator="conv_gemm") for name in order or dict.fromkeys(table["layer"])]
    campaign = SimpleNamespace(settings={"sets": list(sets)}, layers=layers)
    return figures.Figures(estimates.estimate(table), campaign)


def layer(name, lost, count, nan=0, models="gpu-warp"):
    rows = [LOST] * (lost - nan) + [NAN] * nan + [FINE] * (count - lost)
    return predictions(rows, layer=name, set=models)


@pytest.mark.parametrize(
    "said, measure",
    [(["1.5", "b"], "outcome"), (["false", "true"], "outcome=true"), (["1 kept", "2 blurred", "3 lost"], "outcome=3 lost")],
)
def test_the_page_ranks_by_the_greatest_outcome(said, measure):
    rows = [{"outcome": word, "golden": "", "faulty": "", "label": ""} for word in said]
    assert found(predictions(rows, outcome="")).measure == measure


def test_without_labels_nothing_is_said_to_have_been_right():
    made = found(predictions([LOST, FINE], label=""))
    assert made.measure == "critical" and made.meaning == figures.UNLABELLED
    assert found(layer("a", 1, 2)).meaning == figures.RANKED_BY["critical"]


def test_equal_layers_have_the_mean_of_their_places():
    """Three layers with 7 of 150 each, as Spearman ranks them."""
    made = found(layer("a", 9, 150), layer("b", 7, 150), layer("c", 7, 150), layer("d", 7, 150), layer("e", 1, 150))
    assert [figures.rank(made.rank("gpu-warp", name)) for name in "abcde"] == ["1", "3", "3", "3", "5"]
    two = found(layer("a", 2, 9), layer("b", 2, 9))
    assert [figures.rank(two.rank("gpu-warp", name)) for name in "ab"] == ["1.5", "1.5"]


def test_what_is_silent_and_what_can_be_noticed_stand_apart():
    made = found(layer("a", 6, 10, nan=2), layer("b", 1, 10))
    assert (made.measure, made.shown, made.apart) == ("critical", "sdc", "nan")
    assert [made.of("gpu-warp", "a", measure=name).estimate for name in ("critical", "sdc", "nan")] == [0.6, 0.4, 0.2]
    assert [(apart, row.estimate) for _, apart, row in charts.lanes(made, "a")] == [(False, 0.4), (True, 0.2)]
    assert found(layer("a", 1, 10)).apart is None


@pytest.mark.parametrize("rates, trials", [((0.3, 0.02), 150), ((0.7, 0.1), 60), ((0.05, 0.05), 400)])
def test_the_interval_of_a_ratio_covers_it(rates, trials):
    rng, campaigns = np.random.default_rng(8), 2000
    limits = [{k: intervals.wilson(k, trials, 0.95) for k in range(trials + 1)} for _ in rates]
    drawn = [rng.binomial(trials, rate, campaigns) for rate in rates]
    covered = 0
    for pair in zip(*drawn):
        _, low, high = intervals.ratio(*(known[k] for known, k in zip(limits, pair)))
        covered += low <= rates[0] / rates[1] <= high
    assert stats.binom.ppf(0.001, campaigns, 0.94) < covered


def test_a_ratio_by_hand():
    """Limits that are far from each other's square roots: the lower is where one's low meets the other's high."""
    value, low, high = intervals.ratio((0.5, 0.4, 0.6), (0.1, 0.1, 0.1))
    assert (value, low, high) == pytest.approx((5, 4, 6))
    assert intervals.ratio((0.5, 0.5, 0.5), (0.0, 0.0, 0.05))[1:] == pytest.approx((10, np.inf))
    assert np.isnan(intervals.ratio(intervals.NONE, (0.1, 0.1, 0.1))).all()
    assert figures.times((43.5, 8.34, 251.0)) == "44 times (8.3 – 250)"
    assert figures.times((np.inf, 3.14159, np.inf)) == "at least 3.1 times"
    assert figures.rounded(1520) == "1,500"


def test_a_ratio_that_rests_on_two_of_150_says_how_wide_it_is():
    made = found(layer("a", 87, 150), layer("a", 2, 150, models="single-bit-flip"))
    value, low, high = made.ratio("gpu-warp", "a")
    assert value == pytest.approx(43.5) and low < 13 and high > 150


def test_a_rank_correlation_says_of_how_many_layers_and_how_sure():
    """Bonett and Wright 2000: arctanh r ± z √((1 + r²/2)/(n − 3))."""
    one, other = [5.0, 4, 3, 3, 1, 0.5, 0.2, 0.1], [1.0, 4, 2, 5, 3, 0.5, 0.7, 0.1]
    value, low, high = intervals.spearman(one, other)
    assert value == pytest.approx(stats.spearmanr(one, other).statistic)
    half = 1.959964 * np.sqrt((1 + value**2 / 2) / 5)
    assert (np.arctanh(low), np.arctanh(high)) == pytest.approx((np.arctanh(value) - half, np.arctanh(value) + half), abs=1e-5)
    assert np.isnan(intervals.spearman([1, 2], [2, 1])[0]) and np.isnan(intervals.spearman([1, 1, 1], [1, 2, 3])[0])
    assert np.isnan(intervals.spearman([1, 2, 3], [1, 2, 4])[1])
    tables = [layer(name, lost, 50, models=models) for models in ("gpu-warp", "single-bit-flip") for name, lost in zip("abcde", (9, 7, 5, 3, 1))]
    assert found(*tables).agreement("gpu-warp")[3] == 5


def test_layers_that_share_a_letter_cannot_be_told_apart():
    assert figures.letters([(0.9, 0.88, 0.92), (0.5, 0.48, 0.52), (0.1, 0.09, 0.12)]) == ["a", "b", "c"]
    assert figures.letters([(0.5, 0.4, 0.6), (0.45, 0.35, 0.55), (0.3, 0.22, 0.38), (0.02, 0.0, 0.06)]) == ["a", "ab", "b", "c"]
    assert figures.letters([(0.5, 0.4, 0.6)]) == ["a"] and figures.letters([]) == []
    assert figures.letters([(0.5, np.nan, np.nan), (0.1, np.nan, np.nan)]) == ["a", "a"]


def test_a_layer_without_a_figure_is_in_no_group():
    made = found(layer("a", 9, 10), layer("b", 1, 10), layer("c", 1, 10, models="single-bit-flip"))
    assert made.groups == {"a": "a", "b": "b", "c": ""}


def test_equal_layers_are_told_apart_in_one_campaign_of_twenty_at_most():
    rng, campaigns, wrong = np.random.default_rng(9), 500, 0
    for _ in range(campaigns):
        drawn = sorted((intervals.wilson(k, 200, 0.95) for k in rng.binomial(200, 0.3, 8)), reverse=True)
        wrong += any("a" not in word for word in figures.letters(drawn))
    assert wrong < stats.binom.ppf(0.999, campaigns, 0.05)


def site(shape, cells):
    return json.dumps(
        {"shape": dict(zip("hwc", shape)), "cells": [dict(zip("hwc", cell), value=1.0) for cell in cells], "spatial_class": "skip_4"}
    )


@pytest.mark.parametrize(
    "shape, cells, where, cropped_shape, first",
    [
        ((112, 112, 16), [(54, 66, 3), (54, 94, 3)], "rows 51 to 58 and columns 64 to 96 of 112x112", (8, 33, 16), (3, 2, 3)),
        ((112, 112, 4), [(0, 0, 1)], "rows 0 to 7 and columns 0 to 7 of 112x112", (8, 8, 4), (0, 0, 1)),
        ((112, 50, 4), [(111, 49, 1)], "rows 104 to 111 and columns 42 to 49 of 112x50", (8, 8, 4), (7, 7, 1)),
        ((8, 8, 4), [(1, 1, 1)], "", (8, 8, 4), (1, 1, 1)),
        ((4, 200, 1), [(2, 7, 0)], "rows 0 to 3 and columns 4 to 11 of 4x200", (4, 8, 1), (2, 3, 0)),
    ],
)
def test_pictures_show_the_part_of_the_map_that_has_the_cells(shape, cells, where, cropped_shape, first):
    line, said = worst.cropped(site(shape, cells))
    made = json.loads(line)
    assert (said, tuple(made["shape"].values())) == (where, cropped_shape)
    assert tuple(made["cells"][0][axis] for axis in "hwc") == first
    assert all(0 <= cell[axis] < made["shape"][axis] for cell in made["cells"] for axis in "hwc")
    assert made["spatial_class"] == "skip_4"


# For a paper


@pytest.fixture
def made():
    tables = [layer(name, *counts) for name, counts in (("conv_1", (6, 10, 2)), ("b&c", (1, 10)))]
    return found(*tables, layer("conv_1", 0, 10, models="single-bit-flip"), order=["b&c", "conv_1"])


def test_the_figure_is_an_svg_that_needs_nothing_else(made):
    svg = ElementTree.fromstring(charts.for_paper(made, "all that <one> must know"))
    words = ["".join(part.itertext()) for part in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert {"conv_1 a", "b&c b", "SDC and NaN: share of the predictions", "gpu-warp SDC", "gpu-warp NaN", "0 %"} <= set(words)
    assert svg.find("{http://www.w3.org/2000/svg}desc").text == "all that <one> must know"
    assert not re.search(r"var\(|href|nan%|nan\"", ElementTree.tostring(svg, encoding="unicode"))


def test_the_chart_has_both_orders(made):
    names = [re.findall(r'class="layer">([^<]*?) <', charts.on_page(made, layers, 0)) for layers in (made.layers, made.in_order)]
    assert names == [["conv_1", "b&amp;c"], ["b&amp;c", "conv_1"]]


def test_the_table_as_csv_has_the_numbers_of_the_estimates(made):
    rows = list(csv.DictReader(io.StringIO(downloads.as_csv(made))))
    assert [row["layer"] for row in rows] == ["conv_1", "b&c"]
    row = made.of("gpu-warp", "conv_1", measure="sdc")
    assert [float(rows[0][f"gpu-warp sdc{end}"]) for end in ("", " low", " high")] == pytest.approx([row.estimate, row.low, row.high], abs=1e-5)
    assert (rows[0]["gpu-warp predictions"], rows[1]["single-bit-flip critical"]) == ("10", "")


def test_the_table_as_latex_is_escaped_and_whole(made):
    text = downloads.as_latex(made, "n_1 of 100 %")
    assert r"\caption{n\_1 of 100 \%}" in text and r"b\&c & conv\_gemm & b & 10.0 (1.8--40.4)" in text
    columns = re.search(r"tabular}{(\w+)}", text)[1]
    assert {line.count(" & ") + 1 for line in text.splitlines() if line.endswith(r"\\")} == {len(columns)}
    assert text.count(r"\begin{") == text.count(r"\end{") == 2


def test_the_citation_is_bibtex():
    text = downloads.citation("1.2.3")
    assert text.count("{") == text.count("}") and "version = {1.2.3}" in text and text.startswith("@article{classes2022,")


@pytest.mark.parametrize("low, high", [(0.0, 0.013), (0.0, 1.0), (0.0, 0.47)])
def test_ticks_reach_from_end_to_end(low, high, made):
    made.rows = {key: row._replace(estimate=high, low=low, high=high) for key, row in made.rows.items()}
    axis = charts.axis_of(made)
    assert axis.ticks[0] == axis.start <= low and axis.ticks[-1] == pytest.approx(axis.end) and axis.end >= high
    assert 3 <= len(axis.ticks) <= 7
