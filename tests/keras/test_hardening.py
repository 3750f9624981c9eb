"""Before and after: paired intervals hold what they promise, and a campaign plays the same faults through both models."""

import json

import numpy as np
import pandas as pd
import pytest
from campaigns import changed, command, shell
from classes_h5.campaign import commands, intervals, pairs
from classes_h5.campaign.definition import Campaign
from classes_h5.campaign.tables import EstimateError, read

KEY = {"set": "gpu-warp", "operator": "conv_gemm", "layer": "conv", "seed": "1", "spatial_class": "single", "as_defined": "true"}


def predictions(path, critical, *, no_effect=(), inputs=None, layer="conv"):
    """A table of predictions as play writes it; critical: whether each is."""
    rows = []
    for site, lost in enumerate(critical):
        golden, faulty = 3, 4 if lost else 3
        rows.append(
            {**KEY, "layer": layer, "site": site, "input": site if inputs is None else inputs[site], "label": golden, "golden": golden}
            | {"faulty": faulty, "changed": str(lost).lower(), "critical": str(lost).lower(), "nan": "false", "distance": 0.5}
            | {"no_effect": str(site in no_effect).lower(), "outcome": "critical" if lost else "masked"}
        )
    pd.DataFrame(rows).to_csv(path, sep="\t", index=False)
    return read([path])


# The intervals


def test_newcombes_interval_stays_as_it_is():
    for counts, low, high in (
        ((36, 12, 2, 0), 0.0569, 0.3404),
        ((20, 12, 2, 16), 0.0562, 0.3292),
    ):
        _, found_low, found_high = intervals.newcombe(counts, 0.95)
        assert (-found_high, -found_low) == pytest.approx((low, high), abs=6e-5)


def drawn(rng, n, both, before, after, runs):
    return rng.multinomial(n, [both, before, after, 1 - both - before - after], size=runs)


TRUTHS = [(0.1, 0.5, 0.02), (0.3, 0.3, 0.01), (0.02, 0.2, 0.0), (0.01, 0.02, 0.01), (0.5, 0.1, 0.1)]


@pytest.mark.parametrize("n", [50, 250])
@pytest.mark.parametrize("truth", TRUTHS)
def test_the_paired_interval_covers_the_truth_as_often_as_it_says(truth, n):
    rng = np.random.default_rng(7)
    true = truth[2] - truth[1]
    found = np.array([intervals.newcombe(tuple(map(int, counts)), 0.95) for counts in drawn(rng, n, *truth, 1500)])
    covered = ((found[:, 1] <= true) & (true <= found[:, 2])).mean()
    assert covered > 0.93


@pytest.mark.parametrize("truth", TRUTHS[:2] + TRUTHS[4:])
def test_it_is_narrower_than_that_of_unpaired_samples_of_the_same_size(truth):
    rng, n = np.random.default_rng(8), 500
    for counts in drawn(rng, n, *truth, 50):
        both, before, after, _ = map(int, counts)
        _, low, high = intervals.newcombe(tuple(map(int, counts)), 0.95)
        (p, p_low, p_high), (q, q_low, q_high) = (intervals.wilson(both + one, n, 0.95) for one in (before, after))
        apart = np.hypot(q - q_low, p_high - p) + np.hypot(q_high - q, p - p_low)
        assert high - low < apart


def test_strata_are_put_together_so_that_the_interval_still_covers():
    rng, weights, truths = np.random.default_rng(9), (0.7, 0.3), (TRUTHS[0], TRUTHS[1])
    true = sum(weight * (after - before) for weight, (_, before, after) in zip(weights, truths))
    covered = 0
    for _ in range(800):
        strata = []
        for weight, (both, before, after) in zip(weights, truths):
            kinds = rng.choice(4, 100, p=[both, before, after, 1 - both - before - after])
            strata.append((weight, kinds < 2, (kinds == 0) | (kinds == 2)))
        _, low, high = intervals.paired(strata, 0.95)
        covered += low <= true <= high
    assert covered / 800 > 0.935


def test_mcnemars_p_is_exact():
    assert intervals.mcnemar(0, 0) == 1
    assert intervals.mcnemar(0, 6) == pytest.approx(2 * 0.5**6)
    assert intervals.mcnemar(8, 2) == intervals.mcnemar(2, 8) == pytest.approx(2 * sum((1, 10, 45)) / 2**10)


# The table of pairs


def test_pairs_are_of_the_same_site_and_input_whatever_their_order(tmp_path):
    before = predictions(tmp_path / "a", [True] * 6 + [False] * 4, no_effect=(0,))
    after = predictions(tmp_path / "b", [True] + [False] * 8 + [True], no_effect=(0,))
    table = pairs.compare(before, after.sample(frac=1, random_state=1)).set_index("measure")
    row = table.loc["critical"]
    assert (row.predictions, row.cured, row.caused) == (9, 5, 1)  # the one without effect is left out
    assert (row.before, row.after) == pytest.approx((5 / 9, 1 / 9))
    assert (row.difference, row.p) == pytest.approx((-4 / 9, intervals.mcnemar(5, 1)))
    assert row.before_low < row.before < row.before_high and row.low < row.difference < row.high


def test_the_network_is_made_of_its_layers_by_weight(tmp_path):
    sides = []
    for name, rates in (("a", (8, 4)), ("b", (2, 2))):
        parts = [
            predictions(tmp_path / f"{name}{layer}", [site < lost for site in range(10)], layer=layer)
            for layer, lost in zip(("one", "two"), rates)
        ]
        sides.append(pd.concat(parts, ignore_index=True))
    table = pairs.compare(*sides, weights={"one": 3.0, "two": 1.0})
    row = table[(table["layer"] == "*") & (table["measure"] == "critical")].iloc[0]
    assert (row.before, row.after, row.difference) == pytest.approx((0.7, 0.2, -0.5))
    assert np.isnan(row.p)


def test_tables_of_other_sites_are_refused(tmp_path):
    before, after = predictions(tmp_path / "a", [True, False]), predictions(tmp_path / "b", [True, False], inputs=[0, 5])
    with pytest.raises(EstimateError) as error:
        pairs.compare(before, after)
    assert str(error.value) == "2 predictions before, 2 after: 1 of both are of the same site on the same input"


# Campaigns


def test_a_campaign_plays_the_same_faults_through_the_hardened_model(tmp_path):
    settings = changed(layers=["conv2d_1"], sets=["gpu-warp"], sites=40, shard=40, harden=1)
    said, code = command(tmp_path, settings)
    assert code == 0, said
    results = tmp_path / "results"
    before, after = (read([results / name]) for name in ("predictions.tsv", "predictions.hardened.tsv"))
    assert before[pairs.KEYS].equals(after[pairs.KEYS])
    table = pd.read_csv(results / "pairs.tsv", sep="\t").set_index(["set", "layer", "measure"])
    row = table.loc["gpu-warp", "conv2d_1", "critical"]
    assert row.after < row.before and row.low <= row.difference <= row.high
    layers = [layer["config"]["name"] for layer in json.loads((results / "hardened.json").read_text())["config"]["layers"]]
    assert [name for name in layers if name.endswith("_clip")] == ["conv2d_1_clip"]  # the one most fragile
    cost = json.loads((results / "hardening.json").read_text())
    assert cost["layers"] == [11, 12] and cost["held_out"] and cost["inputs"] == 180
    assert cost["macs"][0] == cost["macs"][1] and cost["answers_changed"] <= 2
    page = (results / "page.html").read_text()
    assert 'id="hardened"' in page and "McNemar" in page
    # A shard by the commands that the page shows.
    campaign = Campaign(settings)
    run, shard = campaign.shards()[0]
    path = results / run.folder / f"{shard}.hardened.predictions.tsv"
    together = path.read_bytes()
    path.unlink()
    shell(commands.patch_hardened(campaign, run.layer, results / "ranges.json"), results)
    for step in (commands.faulty, commands.play):
        shell(step(campaign, run, shard, commands.HARDENED), results)
    assert path.read_bytes() == together


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"harden": 0}, "harden: must be all, a number of layers or a list of them, is 0"),
        ({"harden": "some"}, "harden: must be all, a number of layers or a list of them, is 'some'"),
        ({"harden": ["conv2"]}, "harden: {model} has no layer 'conv2'"),
        ({"outside": "zero"}, "outside: goes with harden"),
        ({"harden": "all", "nan": "drop"}, "nan: must be keep or zero, is drop"),
        ({"harden": "all", "outside": "wrap"}, "outside: must be saturate or zero, is wrap"),
    ],
)
def test_what_cannot_be_hardened_is_told_at_once(settings, words, tmp_path):
    given = changed(**settings)
    said, code = command(tmp_path, given)
    assert code == 1
    assert words.format(model=given["model"]) in said
