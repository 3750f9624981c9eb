"""Two campaigns beside each other: what each says of the same layer, and by how much they differ.

    python -m classes_h5.compare RESULTS OTHER [--out comparison.tsv]

Where both played the same sites on the same inputs, into two models say, the difference is paired; elsewhere (other sets, other
hardware, other sites) it is that of two independent figures. Needs the extra `campaign`.
"""

import argparse
import glob
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from classes_h5.campaign import pairs, per_fault, tables
from classes_h5.campaign.definition import safe
from classes_h5.campaign.estimates import ALL
from classes_h5.campaign.tables import GROUP, P_SDC, EstimateError

COLUMNS = (
    "set",  # that of the first, then that of the other where it is called otherwise
    "layer",  # "*": the network, its layers weighted
    "measure",  # as estimates.tsv has them
    "one",
    "one_low",
    "one_high",
    "other",
    "other_low",
    "other_high",
    "difference",  # the other minus the one
    "low",  # its interval
    "high",
    "how",  # paired: of the same sites on the same inputs; apart: of independent samples
)
FIGURES = ("estimate", "low", "high")


class Results:
    """What a campaign left in a folder."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.estimates = tables.table_of(self.folder / "estimates.tsv", ["set", "layer", "spatial_class", "measure", *FIGURES])
        self.predictions = tables.read([self.folder / "predictions.tsv"])
        self.sets = list(dict.fromkeys(self.estimates["set"]))
        self.given = self._given()

    def _given(self):
        """{file: SHA-256} of what the predictions are judged by: inputs, labels, outcome."""
        path = self.folder / "record.json"
        try:
            sums = json.loads(path.read_text())["sha256"]
            return {name: found for name, found in sums.items() if name.startswith(("inputs", "labels", "outcome"))}
        except OSError as error:
            raise EstimateError(f"{path}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise EstimateError(f"{path}: is no record of a campaign") from error

    def figures(self):
        """{(set, layer, measure): (estimate, low, high)} of layers and networks, but for spreads of P(SDC)."""
        spreads = (self.estimates["measure"] == P_SDC) | self.estimates["measure"].str.endswith(per_fault.SUFFIX)
        whole = self.estimates[(self.estimates["spatial_class"] == ALL) & ~spreads]
        numbers = whole[list(FIGURES)].apply(pd.to_numeric, errors="coerce")
        keys = zip(whole["set"], whole["layer"], whole["measure"])
        return {key: tuple(row) for key, row in zip(keys, numbers.itertuples(index=False))}

    def sites(self, layer, name):
        """{shard: its sites} that were played into a layer, as bytes."""
        shards = self.folder.glob(f"[0-9]*[0-9]-{safe(layer)}/{glob.escape(name)}/seed-*/*.sites.ndjson")
        return {(path.parent.name, path.name): path.read_bytes() for path in shards}


def compare(one, other):
    """A table of COLUMNS. one, other: Results."""
    twins = twin_sets(one, other)
    paired = of_pairs(one, other)
    rows: list = []
    others = other.figures()
    for (name, layer, measure), figure in one.figures().items():
        twin = twins.get(name)
        beside = others.get((twin, layer, measure))
        if beside is None:
            continue
        told = name if twin == name else f"{name}, {twin}"
        found = paired.get((name, layer, measure))
        apart = (*found, "paired") if found and twin == name else (*difference(figure, beside), "apart")
        rows.append((told, layer, measure, *figure, *beside, *apart))
    if not rows:
        told = " and ".join(", ".join(results.sets) for results in (one, other))
        raise EstimateError(f"nothing in common: the sets are {told}, or the layers are others")
    return pd.DataFrame(rows, columns=COLUMNS)


def twin_sets(one, other):
    """{set of the one: the set of the other that it is compared with}: of the same name, or where each has only one, that."""
    if len(one.sets) == len(other.sets) == 1:
        return {one.sets[0]: other.sets[0]}
    return {name: name for name in one.sets if name in other.sets}


def of_pairs(one, other):
    """{(set, layer, measure): (difference, low, high)} where the same sites met the same inputs."""
    if one.given != other.given:
        return {}
    same = []
    for names, rows in one.predictions.groupby(GROUP, sort=False):
        label = dict(zip(GROUP, names))
        beside = other.predictions[(other.predictions[GROUP] == pd.Series(label)).all(axis=1)]
        if len(rows) == len(beside) and one.sites(label["layer"], label["set"]) == other.sites(label["layer"], label["set"]) != {}:
            same.append((rows, beside))
    if not same:
        return {}
    tables = [pd.concat(side, ignore_index=True) for side in zip(*same)]
    found = pairs.compare(*tables)
    return {(row.set, row.layer, row.measure): (row.difference, row.low, row.high) for row in found.itertuples()}


def difference(one, other):
    """(other minus one, low, high) of independent figures, by the distances of their limits (MOVER)."""
    (a, a_low, a_high), (b, b_low, b_high) = one, other
    return b - a, b - a - np.hypot(b - b_low, a_high - a), b - a + np.hypot(b_high - b, a - a_low)


def main(given=None):
    parser = argparse.ArgumentParser(prog="compare", description=__doc__.partition("\n")[0])
    parser.add_argument("one", metavar="RESULTS", help="the folder of a campaign's results")
    parser.add_argument("other", metavar="OTHER", help="that of another")
    parser.add_argument("--out", metavar="FILE.tsv", help="[default: stdout]")
    options = parser.parse_args(given)
    try:
        table = compare(Results(options.one), Results(options.other))
        tables.write_table(table, options.out)
    except EstimateError as error:
        return f"compare: {error}"
    except OSError as error:
        return f"compare: {options.out}: {error.strerror}"
    return 0


if __name__ == "__main__":
    sys.exit(main())
