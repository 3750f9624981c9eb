"""The tables of a campaign as files: predictions, weights and frequencies are read, what is estimated is written."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

GROUP = ["set", "operator", "layer"]
SITE = ["seed", "spatial_class", "site"]
BOOLEANS = ("as_defined", "changed", "critical", "nan", "no_effect")
OF_CLASSIFIERS = ("changed", "critical")  # empty, as golden is, where the network does not classify
P_SDC = "p_sdc"  # a share where the error model tells it
NEEDED = (*GROUP, *SITE, *BOOLEANS, "input", "label", "golden", "faulty", "outcome")


class EstimateError(Exception):
    """What cannot be estimated, in one line."""


def table_of(path, columns):
    """A TSV file with at least these columns, all as text."""
    try:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise EstimateError(f"{path}: {getattr(error, 'strerror', None) or str(error).partition(chr(10))[0]}") from error
    missing = [name for name in columns if name not in table]
    if missing:
        raise EstimateError(f"{path}: no column {missing[0]}")
    return table


def read(paths):
    """The predictions of one or more files that `classes_h5.play` wrote, as one table with truth values."""
    tables = []
    kinds: dict = {}
    for path in paths:
        table = table_of(path, NEEDED)
        classifies = table["golden"] != ""
        for name in BOOLEANS:
            wrong = table[~table[name].isin(["true", "false"]) & (classifies | (name not in OF_CLASSIFIERS))]
            if len(wrong):
                raise EstimateError(f"{path}: line {wrong.index[0] + 2}: {name} is {wrong[name].iloc[0]!r}, not true or false")
        if P_SDC in table:
            shares = pd.to_numeric(table[P_SDC], errors="coerce")
            wrong = table[~shares.between(0, 1) & (table[P_SDC] != "")]
            if len(wrong):
                raise EstimateError(
                    f"{path}: line {wrong.index[0] + 2}: {P_SDC} is {wrong[P_SDC].iloc[0]!r}, not a share from 0 to 1"
                )
            table[P_SDC] = shares
        for kind in classifies.unique():
            kinds.setdefault(kind, path)
        tables.append(table)
    if len(kinds) > 1:
        raise EstimateError(f"{kinds[True]} has predictions of a classifier, {kinds[False]} of another network: give them apart")
    table = pd.concat(tables, ignore_index=True)
    if table.empty:
        raise EstimateError(f"{', '.join(map(str, paths))}: no predictions")
    for name in BOOLEANS:
        if (table[name] != "").all():
            table[name] = table[name] == "true"
    return table


def read_weights(path):
    """{layer: weight} from a TSV file with the columns layer and weight."""
    table = table_of(path, ["layer", "weight"])
    weight = pd.to_numeric(table["weight"], errors="coerce")
    if not (np.isfinite(weight) & (weight >= 0)).all() or table["layer"].duplicated().any():
        raise EstimateError(f"{path}: weights must be numbers of 0 or more, one for each layer")
    return dict(zip(table["layer"], weight))


def read_frequencies(path):
    """{(set, operator): {spatial class: frequency}} from what `classes-sites --list-operators` prints."""
    table = table_of(path, ["operator", "spatial_class", "frequency", "model"])
    table["set"] = table["model"].str.partition("@")[0].str.rpartition("/")[0]
    table["frequency"] = pd.to_numeric(table["frequency"], errors="coerce")
    if not (table["frequency"] >= 0).all():
        raise EstimateError(f"{path}: frequencies must be numbers of 0 or more")
    return {names: dict(zip(rows["spatial_class"], rows["frequency"])) for names, rows in table.groupby(["set", "operator"])}


def write_table(table, path):
    """As TSV, numbers with six digits."""
    write(table.to_csv(sep="\t", index=False, float_format="%.6g", lineterminator="\n"), path)


def write(text, path):
    """A file that appears whole or not at all; None: stdout."""
    if path is None:
        print(text, end="")
        return
    part = Path(path).with_name(f".{Path(path).name}.{os.getpid()}")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
