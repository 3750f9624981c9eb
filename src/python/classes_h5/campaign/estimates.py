"""Rates with intervals from the predictions of `classes_h5.play`: statistics.md tells how they are made and what they mean.

    python -m classes_h5.campaign.estimates predictions*.tsv --weights weights.tsv --frequencies frequencies.tsv --out table.tsv

All rates hold GIVEN that the layer's output was corrupted: they are no failure rates of a device. Needs the extra `campaign`.
"""

import argparse
import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd

from classes_h5.campaign import per_fault
from classes_h5.campaign.intervals import NONE, crossed, one
from classes_h5.campaign.tables import GROUP, SITE, EstimateError, read, read_frequencies, read_weights, write_table

ONE, CROSSED = "one", "crossed"
ALL = "*"
NOT_AS_DEFINED = "not as defined"
COLUMNS = (
    "set",
    "operator",  # "*" for the network
    "layer",  # "*": the network, its layers weighted
    "spatial_class",  # "*": the layer; "not as defined": the sites with as_defined false, which the classes leave out
    # As below; outcome: the mean of a hook's numbers; outcome=NAME: how often it said NAME; p_sdc, ..._per_fault: see per_fault.py.
    "measure",
    "estimate",
    "low",  # the limits of the interval; empty where there is none
    "high",
    "predictions",  # that the estimate rests on
    "sites",
    "inputs",
    "design",  # one or crossed
    "weight",  # of the layer in the network; empty without weights
)
# What is counted, of the predictions in which the fault changed the layer's output; no_effect: of all.
MEASURES = {
    "masked": lambda rows: ~rows["changed"] & ~rows["nan"],
    "changed": lambda rows: rows["changed"],
    "critical": lambda rows: rows["critical"],
    "sdc": lambda rows: rows["critical"] & ~rows["nan"],
    "nan": lambda rows: rows["nan"],
    "accuracy": lambda rows: rows["faulty"] == rows["label"],
    "golden_accuracy": lambda rows: rows["golden"] == rows["label"],
    "no_effect": lambda rows: rows["no_effect"],
}


@dataclass(frozen=True)
class Layer:
    """A layer under one set of error models, and what was found of it."""

    label: dict  # GROUP
    design: str
    weight: float  # in the network
    strata: list  # as strata_of gives them
    p_sdc: per_fault.Spread | None  # None where it is not known
    figures: dict  # as by_measure gives them


def estimate(predictions, weights=None, frequencies=None, confidence=0.95):
    """A table of COLUMNS; its attrs["notes"] are lines of what a reader must know.

    weights: {layer: weight} adds the network's figures. frequencies: {(set, operator): {class: frequency}} reweights the
    layers' figures, for classes drawn in other shares than the model's.
    """
    notes: list[str] = []
    table = []
    networks: dict[str, list[Layer]] = {}
    for names, rows in predictions.groupby(GROUP, sort=False):
        label = dict(zip(GROUP, names))
        design = design_of(rows, label)
        weight = weight_of(label["layer"], weights)
        strata = strata_of(rows, label, frequencies, notes)
        parts = {ALL: strata}
        defined = rows[rows["as_defined"]]
        for name, some in defined.groupby("spatial_class", sort=False):
            if name:
                parts[name] = [(1.0, some)]
        if len(defined) < len(rows):
            parts[NOT_AS_DEFINED] = [(1.0, rows[~rows["as_defined"]])]
        made = {
            name: list(figures({**label, "spatial_class": name, "design": design, "weight": weight}, [(1.0, part)], confidence))
            for name, part in parts.items()
        }
        layer = Layer(label, design, weight, strata, per_fault.spread_of(strata), by_measure(made[ALL]))
        networks.setdefault(label["set"], []).append(layer)
        if layer.p_sdc:
            made[ALL] += per_fault_rows(per_fault.of_layer(layer.p_sdc, layer.figures, confidence), made[ALL])
        table += [row for part in made.values() for row in part]
    if weights is not None:
        for name, layers in networks.items():
            table += network(name, layers, confidence, notes)
    whole = pd.DataFrame(table, columns=COLUMNS)
    whole.attrs["notes"] = notes
    return whole


def by_measure(rows):
    """{measure: (estimate, low, high)}, where there is an estimate."""
    return {row["measure"]: (row["estimate"], row["low"], row["high"]) for row in rows if row["estimate"] == row["estimate"]}


def per_fault_rows(found, rows):
    """What is found per fault, as rows beside those of the same predictions that it is made of."""
    like = {row["measure"]: row for row in rows}
    for measure, estimate, low, high in found:
        row = like.get(measure.removesuffix(per_fault.SUFFIX), rows[0])
        yield {**row, "measure": measure, "estimate": estimate, "low": low, "high": high}


def design_of(rows, label):
    """Whether each site met one input, or all of them the same inputs."""
    if rows.duplicated([*SITE, "input"]).any():
        twice = rows[rows.duplicated([*SITE, "input"])].iloc[0]
        raise EstimateError(f"{label['layer']}: site {twice['site']} on input {twice['input']} is there twice")
    if not rows.duplicated(SITE).any():
        return ONE
    if len(rows) == len(rows.drop_duplicates(SITE)) * rows["input"].nunique():
        return CROSSED
    raise EstimateError(f"{label['layer']}: its sites met neither one input each nor all the same inputs")


def weight_of(layer, weights):
    if weights is None:
        return np.nan
    if layer not in weights:
        raise EstimateError(f"no weight for the layer {layer}")
    return weights[layer]


def strata_of(rows, label, frequencies, notes):
    """[(weight, rows)] of a layer: all together, or its spatial classes with the model's frequencies."""
    known = (frequencies or {}).get((label["set"], label["operator"]))
    if known is None:
        if frequencies and (rows["spatial_class"] != "").any():
            notes.append(f"{label['layer']}: no frequencies of {label['set']}/{label['operator']}: its sites count alike")
        return [(1.0, rows)]
    strata = dict(iter(rows.groupby("spatial_class", sort=False)))
    strange = [name for name in strata if name not in known]
    if strange:
        raise EstimateError(
            f"{label['layer']}: no frequency for the spatial class {strange[0]!r} of {label['set']}/{label['operator']}"
        )
    absent = [name for name, frequency in known.items() if frequency > 0 and name not in strata]
    if absent:
        share = sum(known[name] for name in absent) / sum(known.values())
        notes.append(f"{label['layer']}: no sites of {', '.join(absent)}: {share:.1%} of the frequency is spread over the others")
    return [(known[name], some) for name, some in strata.items()]


def network(name, layers, confidence, notes):
    """The figures of all layers of a set together."""
    designs = {layer.design for layer in layers}
    if len(designs) > 1 or len({layer.label["layer"] for layer in layers}) < len(layers):
        why = "layers of both designs" if len(designs) > 1 else "a layer under two operators"
        notes.append(f"{name}: no figure of the network: {why}")
        return []
    total = sum(layer.weight for layer in layers)
    if total == 0:
        notes.append(f"{name}: no figure of the network: the layers played weigh nothing")
        return []
    weighty = [layer for layer in layers if layer.weight > 0]
    for layer in weighty:
        if all(rows["no_effect"].all() for _, rows in layer.strata):
            told = f"all of {layer.label['layer']} is without effect"
            notes.append(f"{name}: {told}: {layer.weight / total:.1%} of the weight is spread over the others")
    notes.append(
        f"{name}: the network's figures hold given that one of {len(layers)} layers' outputs was corrupted, which one by weight"
    )
    design = designs.pop()
    label = {"set": name, "operator": ALL, "layer": ALL, "spatial_class": ALL, "design": design, "weight": total}
    rows = list(figures(label, [(layer.weight, layer.strata) for layer in weighty], confidence))
    if all(layer.p_sdc for layer in weighty):
        parts = [(layer.weight / total, layer.p_sdc, layer.figures) for layer in weighty]
        rows += per_fault_rows(per_fault.of_network(parts, confidence, design == ONE), rows)
    elif any(layer.p_sdc for layer in weighty):
        notes.append(f"{name}: no figures of the network per fault: P(SDC) of some layers is not known")
    return rows


def figures(label, layers, confidence):
    """A row for each measure. layers: (weight, strata) each; strata: (frequency among the sites drawn, rows) each.

    A rate is one of the predictions that count, so within a layer a stratum weighs its frequency times the share of it that counts.
    """
    rows = pd.concat([rows for _, strata in layers for _, rows in strata])
    common = {**label, "sites": len(rows.drop_duplicates([*GROUP, *SITE])), "inputs": rows["input"].nunique()}
    for name, value, rate in measures(rows):
        parts = []
        for weight, strata in layers:
            found = []
            for frequency, some in strata:
                counted = pd.Series(True, some.index) if name == "no_effect" else ~some["no_effect"]
                values = value(some).astype(float)
                counted &= values.notna()
                if counted.any():
                    found.append((frequency * counted.mean(), some, values, counted))
            total = sum(share for share, *_ in found)
            parts += [(weight * share / total, *rest) for share, *rest in found if total]
        yield {
            **common,
            "measure": name,
            "predictions": sum(int(counted.sum()) for *_, counted in parts),
            **dict(zip(("estimate", "low", "high"), interval(parts, label["design"], confidence, rate))),
        }


def measures(rows):
    """(name, function of rows, whether it is a rate) of what these predictions can tell."""
    classifies, labelled = ((rows[name] != "").all() for name in ("golden", "label"))
    for name, value in MEASURES.items():
        if name in ("nan", "no_effect") or (classifies and ("accuracy" not in name or labelled)):
            yield name, value, True
    said = rows["outcome"]
    if classifies and (said == own_outcome(rows)).all():
        return  # there was no hook
    numbers = pd.to_numeric(said, errors="coerce")
    if numbers.notna().any():
        yield "outcome", lambda some: finite(some["outcome"]), False
    for name in sorted(said[~np.isfinite(numbers)].unique()):
        yield f"outcome={name}", lambda some, name=name: some["outcome"] == name, True


def own_outcome(rows):
    """What `classes_h5.play` writes as the outcome without a hook."""
    return np.select([rows[name].astype(bool) for name in ("nan", "critical", "changed")], ["nan", "critical", "changed"], "masked")


def finite(said):
    numbers = pd.to_numeric(said, errors="coerce")
    return numbers.where(np.isfinite(numbers))


def interval(parts, design, confidence, rate):
    """(estimate, low, high) of parts (weight, rows, values, counted)."""
    total = sum(weight for weight, *_ in parts)
    if not total:
        return NONE
    if design == ONE:
        return one([(weight / total, values[counted].to_numpy()) for weight, _, values, counted in parts], confidence, rate)
    inputs = sorted(set(parts[0][1]["input"]))
    if any(set(rows["input"]) != set(inputs) for _, rows, *_ in parts):
        raise EstimateError("crossed designs on different inputs cannot be put together")
    return crossed(
        [(weight / total, *matrices(rows, values, counted)) for weight, rows, values, counted in parts], confidence, rate
    )


def matrices(rows, values, counted):
    """Values and whether they count, a row a site and a column an input, in one order of the inputs."""
    order = rows.sort_values([*SITE, "input"]).index
    shape = -1, rows["input"].nunique()
    return values[order].fillna(0).to_numpy().reshape(shape), counted[order].to_numpy().reshape(shape)


def main(given=None):
    parser = argparse.ArgumentParser(prog="estimates", description=__doc__.partition("\n")[0])
    parser.add_argument("predictions", nargs="+", help="what classes_h5.play wrote")
    parser.add_argument("--weights", metavar="FILE.tsv", help="layer and weight: adds figures of the network")
    parser.add_argument(
        "--frequencies", metavar="FILE.tsv", help="what classes-sites --list-operators prints: reweights the layers"
    )
    parser.add_argument("--confidence", type=float, default=0.95, help="[default: 0.95]")
    parser.add_argument("--out", metavar="FILE.tsv", help="[default: stdout]")
    options = parser.parse_args(given)
    if not 0 < options.confidence < 1:
        parser.error("--confidence must be between 0 and 1")
    try:
        table = estimate(
            read(options.predictions),
            options.weights and read_weights(options.weights),
            options.frequencies and read_frequencies(options.frequencies),
            options.confidence,
        )
        write_table(table, options.out)
    except EstimateError as error:
        return f"estimates: {error}"
    except OSError as error:
        return f"estimates: {options.out}: {error.strerror}"
    for note in table.attrs["notes"]:
        print(f"estimates: {note}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
