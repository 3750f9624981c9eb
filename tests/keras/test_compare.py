"""Two campaigns beside each other: paired where the faults are the same, apart where they are not."""

import json

import numpy as np
import pandas as pd
import pytest
from classes_h5 import compare
from classes_h5.campaign import estimates, intervals, tables
from classes_h5.campaign.tables import EstimateError
from test_hardening import predictions


def results(folder, critical, *, sites="the sites", inputs="of the inputs", name=None, **options):
    """The results of a campaign of one layer, as far as they count here."""
    shard = folder / "000-conv" / (name or "gpu-warp") / "seed-1"
    shard.mkdir(parents=True)
    (shard / "0000000-0000100.sites.ndjson").write_text(sites)
    (folder / "record.json").write_text(json.dumps({"sha256": {"inputs.npy": inputs, "model.h5": str(folder)}}))
    path = folder / "predictions.tsv"
    predictions(path, critical, **options)
    if name:
        path.write_text(path.read_text().replace("gpu-warp", name))
    table = estimates.estimate(tables.read([path]))
    tables.write(table.to_csv(sep="\t", index=False), folder / "estimates.tsv")
    return compare.Results(folder)


def critical(table):
    (row,) = table[table["measure"] == "critical"].itertuples()
    return row


BEFORE, AFTER = np.arange(100) < 40, np.arange(100) < 25


def test_the_same_sites_on_the_same_inputs_are_paired(tmp_path):
    row = critical(compare.compare(results(tmp_path / "a", BEFORE), results(tmp_path / "b", AFTER)))
    assert row.how == "paired" and (row.one, row.other) == pytest.approx((0.4, 0.25))
    expected = intervals.newcombe((25, 15, 0, 60), 0.95)
    assert (row.difference, row.low, row.high) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("options", [{"sites": "others"}, {"inputs": "of others"}, {"inputs": None}])
def test_other_sites_or_inputs_are_compared_as_samples_of_their_own(options, tmp_path):
    one, paired = results(tmp_path / "a", BEFORE), results(tmp_path / "b", AFTER)
    row = critical(compare.compare(one, results(tmp_path / "c", AFTER, **options)))
    assert row.how == "apart" and row.difference == pytest.approx(-0.15)
    narrow = critical(compare.compare(one, paired))
    assert row.low < narrow.low and narrow.high < row.high, "pairing narrows the interval"


def test_the_interval_of_unpaired_figures_is_newcombes_for_independent_rates(tmp_path):
    # Newcombe, Statistics in Medicine 17 (1998), 873-890, table II: 56/70 - 48/80, 0.0524 to 0.3339.
    first, second = results(tmp_path / "a", np.arange(80) < 48), results(tmp_path / "b", np.arange(70) < 56)
    row = critical(compare.compare(first, second))
    assert (row.difference, row.low, row.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_the_only_sets_of_two_campaigns_are_compared_by_any_name(tmp_path):
    row = critical(compare.compare(results(tmp_path / "a", BEFORE), results(tmp_path / "b", AFTER, name="nvdla-8x8-int8")))
    assert row.set == "gpu-warp, nvdla-8x8-int8" and row.how == "apart"


def test_what_has_nothing_in_common_or_is_no_campaign_is_told(tmp_path, capsys):
    one, other = results(tmp_path / "a", BEFORE), results(tmp_path / "b", AFTER, layer="dense")
    with pytest.raises(EstimateError, match="nothing in common: the sets are gpu-warp and gpu-warp, or the layers are others"):
        compare.compare(one, other)
    told = str(compare.main([str(tmp_path / "a"), str(tmp_path)]))
    assert told == f"compare: {tmp_path / 'estimates.tsv'}: No such file or directory"
    (tmp_path / "b" / "record.json").write_text("[]")
    assert (
        compare.main([str(tmp_path / "a"), str(tmp_path / "b")])
        == f"compare: {tmp_path / 'b' / 'record.json'}: is no record of a campaign"
    )
    assert compare.main([str(tmp_path / "a")] * 2) == 0
    table = pd.read_csv(pd.io.common.StringIO(capsys.readouterr().out), sep="\t")
    assert set(table["how"]) == {"paired", "apart"} and (table["difference"] == 0).all()
