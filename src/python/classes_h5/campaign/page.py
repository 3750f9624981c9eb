"""The page of a campaign: one HTML file that needs nothing else."""

import json
from pathlib import Path

import jinja2
import pandas as pd
import yaml

from classes_h5.campaign import charts, commands, estimates, worst
from classes_h5.campaign.runs import BASELINE

ALL = estimates.ALL
# What the layers are ranked by: the first of these that the network has. {measure: what it is}
RANKED_BY = {
    "critical": "the share of faults by which a right top-1 is lost",
    "outcome": "the mean of the outcome function",
    "nan": "the share of faults that bring NaN or infinity into the output",
}
OTHERS = {"masked": "Masked", "changed": "Changed", "critical": "Critical", "nan": "NaN", "accuracy": "Accuracy"}


def write(campaign, given, out):
    """Reads the results in the current folder."""
    here = Path(__file__).parent
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(here),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["figure"] = figure
    page = environment.get_template("page.html.j2").render(context(campaign, given))
    Path(out).write_text(page, encoding="utf-8")


def context(campaign, given):
    """All that the template shows."""
    found = Figures(pd.read_csv("estimates.tsv", sep="\t", keep_default_na=False, na_values=[""]), campaign)
    predictions = estimates.read(["predictions.tsv"])
    return {
        "campaign": campaign,
        "model": campaign.model.name,
        "figures": found,
        "predictions": len(predictions),
        "baseline": BASELINE,
        "meaning": RANKED_BY.get(found.measure, f"how often the outcome was {found.measure.partition('=')[2]}"),
        "chart": charts.ranking(found),
        "key": charts.key,
        "worst": worst.sites(campaign, predictions, found),
        "notes": campaign.notes + notes(),
        "record": json.loads(Path("record.json").read_text()),
        "commands": commands.of_one_shard(campaign),
        "given": yaml.safe_dump(given, sort_keys=False, allow_unicode=True),
    }


def notes():
    """What estimates.py said of its figures."""
    lines = Path("estimates.notes").read_text().splitlines()
    return [line.removeprefix("estimates: ") for line in lines if line.startswith("estimates: ")]


class Figures:
    """The table of estimates, as the page asks for it."""

    def __init__(self, table, campaign):
        self.table = table
        self.rows = {(r.set, r.layer, r.spatial_class, r.measure): r for r in table.itertuples()}
        measures = set(table["measure"])
        # As of numbers, the greater is the worse: true before false, and of words the last of the alphabet first.
        named = sorted((measure for measure in measures if measure.startswith("outcome=")), reverse=True)
        self.measure = next(measure for measure in [*list(RANKED_BY)[:2], *named, "nan"] if measure in measures)
        self.rate = self.measure != "outcome"
        self.others = {measure: title for measure, title in OTHERS.items() if measure in measures}
        self.sets = [Path(models).name for models in campaign.settings["sets"]]
        self.sets = [name for name in self.sets if name in set(table["set"])]
        self.measured = [name for name in self.sets if name != BASELINE]
        self.layers = self.ranked(self.sets[0])
        self.operators = {layer.name: layer.operator for layer in campaign.layers}
        self.design = table["design"].iloc[0]

    def of(self, models, layer=ALL, spatial_class=ALL, measure=None):
        """A row of the table, None where there is none."""
        row = self.rows.get((models, layer, spatial_class, measure or self.measure))
        return None if row is None or pd.isna(row.estimate) else row

    def ranked(self, models):
        """Layers, the most fragile first."""
        layers = [name for name in dict.fromkeys(self.table["layer"]) if name != ALL]
        found = {layer: self.of(models, layer) for layer in layers}
        return sorted(layers, key=lambda layer: -found[layer].estimate if found[layer] else 1)

    def rank(self, models, layer):
        return self.ranked(models).index(layer) + 1

    def classes(self, models):
        """Spatial classes of a set, those with the most predictions first; what is no class last."""
        rows = self.table[(self.table["set"] == models) & (self.table["measure"] == self.measure)]
        rows = rows[(rows["spatial_class"] != ALL) & (rows["layer"] != ALL)]
        counted = rows.groupby("spatial_class", sort=False)["predictions"].sum().sort_values(ascending=False, kind="stable")
        return sorted(counted.index, key=lambda name: name == estimates.NOT_AS_DEFINED)

    def ratio(self, models, layer=ALL):
        """How many times as often as the baseline; None where that cannot be said."""
        row, other = self.of(models, layer), self.of(BASELINE, layer)
        return row.estimate / other.estimate if self.rate and row and other and other.estimate > 0 else None

    def agreement(self, models):
        """Spearman's rank correlation of the layers with those of the baseline."""
        layers = [layer for layer in self.layers if self.of(models, layer) and self.of(BASELINE, layer)]
        if len(layers) < 3:
            return None
        ranks = [pd.Series([self.of(name, layer).estimate for layer in layers]).rank() for name in (models, BASELINE)]
        return ranks[0].corr(ranks[1])


def figure(value, rate=True):
    """A rate in percent, another number as it is."""
    if value is None or pd.isna(value):
        return "–"
    return f"{100 * value:.1f} %" if rate else f"{value:.4g}"
