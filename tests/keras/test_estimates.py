"""The statistics of campaigns against simulated campaigns whose true rates are known, and by hand."""

import math
import re

import numpy as np
import pandas as pd
import pipe
import pytest
from classes_h5 import plan, play
from classes_h5.campaign import estimates, intervals, segmentation, tables, weights
from classes_h5.simulator import ErrorSimulatorMode
from kerases import DATA, KERAS, load, run
from scipy import stats

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
    campaigns, margin, looks = 2000, 0.06, 5
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


@pytest.mark.parametrize("rate", [0.1, 0.5])
@pytest.mark.parametrize("expected", [0.0, 0.2])
def test_the_margin_is_kept_where_some_are_without_effect(rate, expected):
    """A fifth is, whether that was expected or not."""
    campaigns, margin, looks = 1000, 0.06, 3
    rng, needed = np.random.default_rng(6), plan.sites_needed(margin, looks=looks)
    planned = plan.looks_at(plan.to_draw(needed, expected), looks)
    covered = []
    for _ in range(campaigns):
        counts, lost = rng.random(5 * needed) >= 0.2, rng.random(5 * needed) < rate
        sites, advice = planned[0], ""
        while advice != "stop":
            events, trials = int((counts & lost)[:sites].sum()), int(counts[:sites].sum())
            stop, low, high = plan.enough(events, trials, margin, looks=looks)
            advice = plan.advised(planned, needed, sites, trials, stop)
            if advice != "stop":
                sites = int(re.search(r"(?:go on to|no look before) (\d+) sites", advice)[1])
        assert high - low <= 2 * margin
        covered.append(low <= rate <= high)
    assert np.mean(covered) > at_least(COVERED, campaigns)


def test_what_to_do_after_so_many_sites():
    def advice(sites, counted, stop=False):
        return plan.advised([50, 100], 100, sites, counted, stop)

    assert advice(49, 49, stop=True) == "no look before 50 sites"
    assert advice(50, 40, stop=True) == advice(100, 100) == advice(130, 101) == "stop"
    assert advice(50, 50) == "go on to 100 sites"
    assert advice(100, 80, stop=True) == "no look before 125 sites: 20 are without effect"
    assert advice(100, 0) == "stop: all are without effect"


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
        "masked": (2 / 6, 6), "changed": (4 / 6, 6), "critical": (3 / 6, 6), "sdc": (2 / 6, 6), "nan": (1 / 6, 6), "accuracy": (2 / 6, 6),
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
    other = estimates.estimate(predictions(rows, set="gpu-thread"), frequencies=frequencies)
    assert value(other, "critical")["estimate"] == 0.5
    assert other.attrs["notes"] == ["a: no frequencies of gpu-thread/conv_gemm: its sites count alike"]
    assert table.attrs["notes"] == ["a: no sites of rectangles: 20.0% of the frequency is spread over the others"]


def test_drawn_equally_or_by_frequency_it_is_the_same_rate():
    """One class has an effect in one of ten sites and always costs the top-1, the other always has one and costs nothing."""
    rows = [LOST] + 9 * [LOST | {"no_effect": True}] + 10 * [FINE | {"spatial_class": "skip_4"}]
    frequencies = {("gpu-warp", "conv_gemm"): {"single": 0.5, "skip_4": 0.5}}
    drawn = value(estimates.estimate(predictions(rows)), "critical")["estimate"]
    weighted = value(estimates.estimate(predictions(rows), frequencies=frequencies), "critical")["estimate"]
    assert (drawn, weighted) == (pytest.approx(1 / 11), pytest.approx(1 / 11))


def test_a_layer_all_without_effect_is_told():
    both = pd.concat([predictions([LOST]), predictions([FINE | {"no_effect": True}], layer="b")], ignore_index=True)
    table = estimates.estimate(both, {"a": 1, "b": 9})
    assert value(table, "critical", layer="*")["estimate"] == 1
    assert "gpu-warp: all of b is without effect: 90.0% of the weight is spread over the others" in table.attrs["notes"]


@pytest.mark.parametrize("size", [3, 5, 7, 9, 10, 20])
def test_sites_and_inputs_that_are_all_alike_leave_an_interval(size):
    values = np.eye(size)
    estimate, low, high = intervals.crossed([(1.0, values, np.ones_like(values, bool))], 0.95)
    assert low < estimate - 0.04 and high > estimate + 0.04


def test_the_network_is_its_layers_weighted():
    both = pd.concat([predictions([LOST, FINE]), predictions([FINE, FINE], layer="b"), predictions([LOST], layer="c")], ignore_index=True)
    table = estimates.estimate(both, {"a": 3, "b": 1, "c": 0, "unplayed": 9})
    row = value(table, "critical", layer="*")
    assert (row["estimate"], row["weight"], row["operator"], row["predictions"]) == (0.5 * 0.75, 4, "*", 4)
    assert table.attrs["notes"] == [
        "gpu-warp: the network's figures hold given that one of 3 layers' outputs was corrupted, which one by weight"
    ]
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
    with pytest.raises(tables.EstimateError) as told:
        estimates.estimate(predictions(rows), **options)
    assert str(told.value) == message


# With files, as users call the programs


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A folder with predictions of two layers of the digits network and of the baseline."""
    folder, original = tmp_path_factory.mktemp("played"), DATA / "digits-keras3.h5"
    data, config = np.load(DATA / "digits-test.npz"), pipe.config_of(original)
    np.save(folder / "images.npy", data["images"])
    np.save(folder / "labels.npy", data["labels"])
    for layer in ("conv2d_1", "conv2d_2"):
        pipe.call("h5-config-set", original, folder / "faulty.h5", "--force", "--sparse", "--sites", sites_of(folder, layer, config),
                  stdin=pipe.patch(config, "--after", layer))
        arguments = ["faulty.h5", "--images=images.npy", "--labels=labels.npy", "--sites=sites.ndjson", f"--out={layer}.tsv"]
        assert play.main([text.replace("=", f"={folder}/") if "=" in text else f"{folder}/{text}" for text in arguments]) == 0
    return folder


def sites_of(folder, layer, config):
    """Thirty sites of each of three classes."""
    lines = ""
    for name in ("skip_4", "single_block", "bullet_wake"):
        lines += pipe.call("classes-sites", "--layer", layer, "--spatial-class", name, "--count", 30, "--seed", 5, stdin=config)
    (folder / "sites.ndjson").write_text(lines)
    return folder / "sites.ndjson"


def test_from_sites_to_the_network_figure(played, capsys):
    (played / "frequencies.tsv").write_text(pipe.call("classes-sites", "--list-operators"))
    assert weights.main([str(DATA / "digits-keras3.h5"), "--out", str(played / "weights.tsv")]) == 0
    paths = [str(played / f"{layer}.tsv") for layer in ("conv2d_1", "conv2d_2")]
    options = [f"--{name}={played / name}.tsv" for name in ("weights", "frequencies")]
    assert estimates.main([*paths, *options, "--out", str(played / "table.tsv")]) == 0
    table = pd.read_csv(played / "table.tsv", sep="\t", keep_default_na=False, na_values=[""])
    rows = table[table["measure"] == "critical"].set_index(["layer", "spatial_class"])
    assert {(layer, "*") for layer in ("conv2d_1", "conv2d_2", "*")} < set(rows.index)
    shares = {"skip_4": 0.0, "single_block": 0.0, "bullet_wake": 0.0}
    for line in (played / "frequencies.tsv").read_text().splitlines():
        operator, name, share, *_ = line.split("\t")
        if operator == "conv_gemm" and name in shares:
            shares[name] = float(share)
    predicted = tables.read(paths)
    expected = {}
    for layer in ("conv2d_1", "conv2d_2"):
        some = predicted[(predicted["layer"] == layer) & ~predicted["no_effect"]]
        expected[layer] = sum(share * some[some["spatial_class"] == name]["critical"].mean() for name, share in shares.items()) / sum(shares.values())
        assert rows.loc[(layer, "*"), "estimate"] == pytest.approx(expected[layer], abs=1e-5)
    whole = (73728 * expected["conv2d_1"] + 36864 * expected["conv2d_2"]) / (73728 + 36864)
    network = rows.loc[("*", "*")]
    assert network["estimate"] == pytest.approx(whole, abs=1e-5)
    assert network["low"] < whole < network["high"] and (network["sites"], network["weight"]) == (180, 73728 + 36864)
    assert "conv2d_1: no sites of" in capsys.readouterr().err


def test_a_plan_and_its_looks(played, capsys):
    assert plan.main(["--margin", "0.1", "--looks", "2", "--figures", "3"]) == 0
    assert capsys.readouterr().out == "look\tsites\tall\n1\t61\t183\n2\t121\t363\n"
    assert plan.main(["--margin", "0.1", "--looks", "2", "--no-effect", "0.2"]) == 0
    assert capsys.readouterr().out == "look\tsites\tall\n1\t76\t76\n2\t152\t152\n"
    assert plan.main(["--margin=0.1", "--looks=2", "--check", str(played / "conv2d_1.tsv")]) == 0
    assert capsys.readouterr().out.splitlines()[1].endswith("\tno look before 121 sites")
    sites = plan.looks_at(plan.sites_needed(0.15, looks=3), 3)
    assert sites == [20, 39, 58]
    lines = (played / "conv2d_1.tsv").read_text().splitlines()
    critical = lines[0].split("\t").index("critical")
    advice = {}
    for lost in ("true", "half"):
        rows = [line.split("\t") for line in lines[:21]]
        for number, row in enumerate(rows[1:]):
            row[critical] = "true" if lost == "true" or number % 2 else "false"
        (played / "some.tsv").write_text("\n".join("\t".join(row) for row in rows))
        assert plan.main(["--margin=0.15", "--looks=3", "--check", str(played / "some.tsv")]) == 0
        advice[lost] = capsys.readouterr().out.splitlines()[1].split("\t")[-1]
    assert advice == {"true": "stop", "half": "go on to 39 sites"}


@pytest.mark.parametrize("version", KERAS)
def test_multiply_accumulates_of_every_kind_of_layer(version):
    k = KERAS[version]
    layers = k.layers
    image = k.Input((8, 8, 4), name="image")
    shared = layers.Conv2D(4, 3, padding="same", name="shared")
    x = shared(shared(image))
    x = layers.BatchNormalization(name="norm")(x)
    inside = k.Input((8, 8, 4), name="inside")
    x = k.Model(inside, layers.DepthwiseConv2D(3, strides=2, padding="same", name="depth")(inside), name="nested")(x)
    x = layers.SeparableConv2D(6, 3, padding="same", name="separable")(x)
    x = layers.Conv2DTranspose(2, 2, strides=2, name="up")(x)
    x = layers.Conv2D(6, 3, groups=2, name="groups")(x)
    x = layers.GRU(5, name="gru")(layers.Reshape((36, 6), name="reshape")(x))
    found = weights.weights(k.Model(image, layers.Dense(3, name="dense")(x)))
    counted = {layer: count for layer, _, count in found}
    assert counted == {
        "image": 0, "nested/inside": 0, "shared": 2 * 8 * 8 * 9 * 4 * 4, "norm": 8 * 8 * 4, "nested/depth": 4 * 4 * 9 * 4, "separable": 4 * 4 * (9 * 4 + 4 * 6),
        "up": 4 * 4 * 4 * 6 * 2, "groups": 6 * 6 * 9 * 1 * 6, "reshape": 0, "gru": None, "dense": 15,
    }


@pytest.mark.parametrize("version", KERAS)
def test_an_outcome_function_tells_what_a_u_net_loses(version, tmp_path):
    k = KERAS[version]
    segmentation.trained(k, count=128, epochs=2).save(tmp_path / "unet.h5", include_optimizer=False)
    images, masks = segmentation.pictures(20, seed=2)
    np.save(tmp_path / "images.npy", images)
    config = pipe.config_of(tmp_path / "unet.h5")
    sites = pipe.call("classes-sites", "--layer", "bottom", "--count", 60, "--seed", 1, stdin=config)
    (tmp_path / "sites.ndjson").write_text(sites)
    patch = pipe.patch(config, "--after", "bottom")
    pipe.simulate(tmp_path / "unet.h5", tmp_path / "faulty.h5", tmp_path / "sites.ndjson", version, "--sparse", patch_or_config=patch)
    files = [f"--{name}={tmp_path / file}" for name, file in (("images", "images.npy"), ("sites", "sites.ndjson"), ("out", "out.tsv"))]
    assert play.main([str(tmp_path / "faulty.h5"), *files, "--outcome=classes_h5.campaign.segmentation:outcome"]) == 0
    table = tables.read([tmp_path / "out.tsv"])
    model = load(tmp_path / "faulty.h5", version)
    simulator, said = model.get_layer("simulator"), table["outcome"].astype(float)
    for place in (0, 7, 31):
        simulator.set_mode(ErrorSimulatorMode.disabled)
        image = images[int(table["input"][place])][None]
        golden = run(model, image)[0][0]
        simulator.set_mode(ErrorSimulatorMode.enabled)
        simulator.select(place)
        assert said[place] == pytest.approx(segmentation.outcome(golden, run(model, image)[0][0], image[0]), abs=0.01)
    mean = value(estimates.estimate(table), "outcome", layer="bottom")
    assert mean["estimate"] == pytest.approx(said.mean()) and mean["low"] < mean["estimate"] < mean["high"]
    assert said.min() < 0.3 < said.max()


@pytest.mark.parametrize(
    "program, arguments, message",
    [
        ("estimates", ["none.tsv"], "estimates: none.tsv: No such file or directory"),
        ("estimates", ["empty.tsv"], "estimates: empty.tsv: No columns to parse from file"),
        ("estimates", ["weights.tsv"], "estimates: weights.tsv: no column set"),
        ("estimates", ["head.tsv"], "estimates: head.tsv: no predictions"),
        ("estimates", ["odd.tsv"], "estimates: odd.tsv: line 2: as_defined is 'maybe', not true or false"),
        ("estimates", ["good.tsv", "--weights=odd.tsv"], "estimates: odd.tsv: no column weight"),
        ("estimates", ["good.tsv", "--weights=negative.tsv"], "estimates: negative.tsv: weights must be numbers of 0 or more, one for each layer"),
        ("estimates", ["good.tsv", "--weights=weights.tsv"], "estimates: no weight for the layer conv2d_1"),
        ("estimates", ["good.tsv", "--frequencies=frequencies.tsv"], "estimates: frequencies.tsv: frequencies must be numbers of 0 or more"),
        ("plan", ["--margin=0.1", "--check", "crossed.tsv"], "plan: conv2d_1: looks are for one input a site, this is a crossed design"),
        ("estimates", ["good.tsv", "--out=none/table.tsv"], "estimates: none/table.tsv: No such file or directory"),
        ("plan", ["--margin=0.1", "--check", "good.tsv", "good.tsv"], "plan: conv2d_1: site 0 on input 261 is there twice"),
        ("weights", ["none.h5"], "weights: none.h5: no such file"),
        (
            "estimates",
            ["good.tsv", "other.tsv"],
            "estimates: good.tsv has predictions of a classifier, other.tsv of another network: give them apart",
        ),
        (
            "estimates",
            ["mixed.tsv"],
            "estimates: mixed.tsv has predictions of a classifier, mixed.tsv of another network: give them apart",
        ),
        ("estimates", ["half.tsv"], "estimates: half.tsv: line 2: changed is '', not true or false"),
        ("estimates", ["blank.tsv"], "estimates: blank.tsv: line 2: as_defined is '', not true or false"),
        ("plan", ["--margin=0.1", "--check", "other.tsv"], "plan: conv2d_1: its predictions do not tell critical, only nan"),
        (
            "plan",
            ["--margin=0.1", "--measure=accuracy", "--check", "unlabelled.tsv"],
            "plan: conv2d_1: its predictions do not tell accuracy, only masked, changed, critical, sdc, nan",
        ),
    ],
)
def test_what_the_programs_refuse(program, arguments, message, played, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    head, line = (played / "conv2d_1.tsv").read_text().splitlines()[:2]
    rows = {"head": [head], "good": [head, line], "odd": [head, line.replace("true", "maybe")], "empty": []}
    rows |= {"weights": ["layer\tweight", "other\t1"], "negative": ["layer\tweight", "conv2d_1\t-1"]}
    rows["frequencies"] = ["operator\tspatial_class\tfrequency\tmodel", "relu\tsingle\tmuch\tgpu-warp/relu@0"]
    names = head.split("\t")

    def without(*columns):
        return "\t".join("" if name in columns else text for name, text in zip(names, line.split("\t")))

    other = without("label", "golden", "faulty", "changed", "critical")
    rows |= {"other": [head, other], "mixed": [head, line, other], "half": [head, without("changed")]}
    rows |= {"blank": [head, without("as_defined")], "unlabelled": [head, without("label")]}
    rows["crossed"] = [head, line, line.replace("\t261\t", "\t262\t")]
    for name, text in rows.items():
        (tmp_path / f"{name}.tsv").write_text("".join(f"{row}\n" for row in text))
    told = {"estimates": estimates, "plan": plan, "weights": weights}[program].main(arguments)
    assert told == message


@pytest.mark.parametrize(
    "option, message",
    [
        ("--rate=0.1", "plan: error: --check takes no --rate: it keeps the margin whatever the rate"),
        ("--population=999", "plan: error: --check takes no --population: its intervals are of sites drawn with replacement"),
        ("--no-effect=1", "plan: error: argument --no-effect: must be between 0 and 1, found 1"),
    ],
)
def test_what_a_check_of_the_looks_refuses(option, message, capsys):
    with pytest.raises(SystemExit) as refused:
        plan.main(["--margin=0.1", option, "--check", "none.tsv"])
    assert refused.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == message
