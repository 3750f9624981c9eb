"""Figures per fault in the hardware: P(SDC) from the site's line to the table, and what follows where it is not known exactly."""

import csv
import json

import numpy as np
import pandas as pd
import pipe
import pytest
from campaigns import BINARIES, changed
from classes_h5 import compare
from classes_h5.campaign import estimates, intervals, per_fault, tables
from classes_h5.campaign.definition import Campaign
from classes_h5.campaign.per_fault import Spread
from classes_h5.site_lines import read_sites
from kerases import DATA
from test_figures import LOST, predictions

SET = "nvdla-8x8-int8"


def layer(name, lost, shares):
    """Predictions of a layer, the first `lost` of which are lost; shares: P(SDC) of each."""
    rows = [LOST if n < lost else {} for n in range(len(shares))]
    return predictions(rows, layer=name, set=SET, p_sdc=np.nan).assign(p_sdc=shares)


def figures(table, name="*"):
    """{measure: (estimate, low, high)} of a layer, or of the network."""
    rows = table[(table["layer"] == name) & (table["spatial_class"] == "*")]
    return {row.measure: (row.estimate, row.low, row.high) for row in rows.itertuples()}


def test_a_line_tells_p_sdc_of_the_layer_that_it_is_drawn_from(tmp_path):
    lines = pipe.call("classes-sites", "--shape", "9,9,4", "--operator", "conv", "--models", SET, "--count", 30, "--seed", 7)
    (tmp_path / "sites.ndjson").write_text(lines)
    listed = csv.DictReader(pipe.call("classes-sites", "--list-layers", "--models", SET).splitlines(), delimiter="\t")
    known = {row["measured_on"]: float(row["sdc"]) for row in listed}
    sites = read_sites(tmp_path / "sites.ndjson")
    assert [site.p_sdc for site in sites] == [known[site.measured_on] for site in sites]
    assert len({site.measured_on for site in sites}) > 5
    own = tmp_path / "own"
    own.mkdir()
    model = json.loads(pipe.call("classes-fit", "--operator", "conv", "--masked", 60, "--crashed", 10, stdin=lines))
    (own / "conv.json").write_text(json.dumps(model))
    drawn = json.loads(pipe.call("classes-sites", "--shape", "9,9,4", "--operator", "conv", "--models", own, "--seed", 7))
    assert drawn["p_sdc"] == 30 / 100 and "measured_on" not in drawn


def test_a_layer_that_was_measured_has_its_share_of_the_figure():
    table = estimates.estimate(layer("a", 30, [0.004] * 100), weights={"a": 5})
    found = figures(table, "a")
    assert found["p_sdc"] == (0.004, 0.004, 0.004)
    for whole in (found, figures(table)):
        assert whole["critical_per_fault"] == pytest.approx([0.004 * limit for limit in intervals.wilson(30, 100, 0.95)])


def test_where_it_may_be_like_several_the_figure_is_as_uncertain():
    shares = [0.001] * 20 + [0.002] * 60 + [0.5] * 20
    found = figures(estimates.estimate(layer("a", 30, shares)), "a")
    assert found["p_sdc"] == (0.002, 0.001, 0.5)
    _, low, high = intervals.wilson(30, 100, 0.95)
    assert found["critical_per_fault"] == pytest.approx((0.002 * 0.3, 0.001 * low, 0.5 * high))


def test_sites_of_a_class_count_as_often_as_the_model_has_it():
    both = pd.concat([layer("a", 0, [0.1] * 10), layer("a", 0, [0.3] * 10).assign(spatial_class="skip_4")])
    both["site"] = [str(n) for n in range(20)]
    mostly = {(SET, "conv_gemm"): {"single": 0.05, "skip_4": 0.95}}
    assert figures(estimates.estimate(both, frequencies=mostly), "a")["p_sdc"] == (0.3, 0.3, 0.3)
    assert figures(estimates.estimate(both), "a")["p_sdc"] == (0.1, 0.1, 0.3)


def test_the_networks_spread_covers_what_its_layers_may_be_like():
    """Networks of five layers that are each like one of 39 measured ones, in campaigns of 400 sites a layer."""
    rng, weights = np.random.default_rng(5), np.array([0.4, 0.3, 0.2, 0.07, 0.03])
    measured = 10 ** rng.uniform(-4, -0.3, 39)
    covered, networks = 0, 400
    for _ in range(networks):
        rates = rng.uniform(0.01, 0.6, 5)
        true = float((weights * rates * rng.choice(measured, 5)).sum())
        lost = rng.binomial(400, rates) / 400
        parts = [
            (weight, Spread(rng.choice(measured, 400), np.ones(400)), {"critical": intervals.wilson(400 * rate, 400, 0.95)})
            for weight, rate in zip(weights, lost)
        ]
        [(measure, estimate, low, high)] = per_fault.of_network(parts, 0.95, True)
        assert measure == "critical_per_fault" and low < estimate < high
        covered += low <= true <= high
    # 0.95 of 400, but for once in a thousand seeds; the limits of the rates make it a little more.
    assert 0.913 < covered / networks, covered


def test_layers_that_were_measured_are_combined_as_those_of_a_figure():
    """By the distances of their limits, and one after the other where they met the same inputs."""
    parts = [(weight, Spread([share], [1]), {"critical": (0.3, 0.2, 0.5)}) for weight, share in ((0.5, 0.01), (0.5, 0.02))]
    [(_, *found)] = per_fault.of_network(parts, 0.95, True)
    assert found == pytest.approx([0.0045, 0.0045 - np.hypot(0.0005, 0.001), 0.0045 + np.hypot(0.001, 0.002)])
    [(_, *found)] = per_fault.of_network(parts, 0.95, False)
    assert found == pytest.approx([0.0045, 0.0045 - 0.0015, 0.0045 + 0.003])


def test_of_what_is_not_known_there_is_no_figure():
    some = pd.concat([layer("a", 3, [0.1] * 10), layer("b", 3, [np.nan] * 10)])
    table = estimates.estimate(some, weights={"a": 1, "b": 1})
    assert "critical_per_fault" in figures(table, "a") and not {"p_sdc", "critical_per_fault"} & figures(table, "b").keys()
    assert "critical_per_fault" not in figures(table) and "critical" in figures(table)
    assert f"{SET}: no figures of the network per fault: P(SDC) of some layers is not known" in table.attrs["notes"]
    assert not any("per fault" in note for note in estimates.estimate(some[some["layer"] == "b"], weights={"b": 1}).attrs["notes"])


def test_a_share_that_is_none_is_refused(tmp_path):
    table = layer("a", 1, [0.1] * 3).astype(str).replace({"True": "true", "False": "false"})
    table["input"], table["value_classes"] = table["site"], ""
    for wrong in ("1.5", "often"):
        table.assign(p_sdc=["0.1", wrong, ""]).to_csv(tmp_path / "p.tsv", sep="\t", index=False)
        with pytest.raises(tables.EstimateError) as told:
            tables.read([tmp_path / "p.tsv"])
        assert str(told.value) == f"{tmp_path}/p.tsv: line 3: p_sdc is {wrong!r}, not a share from 0 to 1"


def test_two_campaigns_are_not_compared_by_spreads(tmp_path):
    for name, lost in (("one", 20), ("other", 40)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "record.json").write_text('{"sha256": {}}')
        table = layer("a", lost, [0.1] * 50)
        tables.write_table(estimates.estimate(table), tmp_path / name / "estimates.tsv")
        text = table.astype(str).replace({"True": "true", "False": "false"})
        text.to_csv(tmp_path / name / "predictions.tsv", sep="\t", index=False)
    found = compare.compare(compare.Results(tmp_path / "one"), compare.Results(tmp_path / "other"))
    assert "critical" in set(found["measure"]) and not found["measure"].str.contains("p_sdc|per_fault").any()


def test_an_accelerator_and_a_gpu_stand_in_one_campaign(monkeypatch):
    """The sets call the same convolutions by other names."""
    monkeypatch.setenv("CLASSES_BIN_DIR", BINARIES)
    campaign = Campaign(changed(layers=["conv2d"], sets=["gpu-warp", SET], classes="equally"), DATA)
    first, second = campaign.runs
    assert (first.operator, second.operator) == ("conv_gemm", "conv")
    assert all("conv" in draw for draw in second.draws(0, 10)) and second.error_model.startswith(f"{SET}/conv@")
