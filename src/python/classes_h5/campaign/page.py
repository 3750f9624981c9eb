"""The page of a campaign: one HTML file that needs nothing else."""

import json
from pathlib import Path

import jinja2
import pandas as pd
import yaml

from classes_h5.campaign import charts, commands, downloads, figures, hardened, tables, words, worst
from classes_h5.campaign.runs import BASELINE


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
    environment.filters |= {
        "figure": figures.figure,
        "small": figures.small,
        "points": figures.points,
        "times": figures.times,
        "rank": figures.rank,
        "name": charts.name_of,
    }
    page = environment.get_template("page.html.j2").render(context(campaign, given))
    Path(out).write_text(page, encoding="utf-8")


def context(campaign, given):
    """All that the template shows."""
    found = figures.Figures(pd.read_csv("estimates.tsv", sep="\t", keep_default_na=False, na_values=[""]), campaign)
    predictions = tables.read(["predictions.tsv"])
    record = json.loads(Path("record.json").read_text())
    told = caption(campaign, found, record, predictions["input"].nunique())
    return {
        "campaign": campaign,
        "model": campaign.model.name,
        "figures": found,
        "hardened": before_and_after(campaign, found) if campaign.hardens else None,
        "predictions": len(predictions),
        "baseline": BASELINE,
        "charts": [charts.on_page(found, layers, number) for number, layers in enumerate((found.layers, found.in_order))],
        "key": charts.key,
        "caption": told,
        "downloads": {
            "the figure as SVG": ("layers.svg", downloads.link(charts.for_paper(found, told), "image/svg+xml")),
            "the table as CSV": ("layers.csv", downloads.link(downloads.as_csv(found), "text/csv")),
            "as LaTeX": ("layers.tex", downloads.link(downloads.as_latex(found, told), "text/plain")),
        },
        "citation": downloads.citation(record["versions"]["classes-sites"]),
        "worst": worst.sites(campaign, predictions, found),
        "notes": [*campaign.notes, *words.notes(steps_of(campaign)), *notes()],
        "record": record,
        "commands": commands.of_one_shard(campaign),
        "given": yaml.safe_dump(given, sort_keys=False, allow_unicode=True),
    }


def before_and_after(campaign, found):
    pairs = pd.read_csv("pairs.tsv", sep="\t", keep_default_na=False, na_values=[""])
    cost = json.loads(Path("hardening.json").read_text())
    return hardened.Hardened(pairs, cost, found, commands.hardened_layers(campaign))


def caption(campaign, found, record, inputs):
    """What a reader of the chart or the table must know, in plain text."""
    counts = [row.predictions for name in found.sets for layer in found.layers if (row := found.of(name, layer))]
    each = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    sites, seeds = campaign.settings["sites"], len(campaign.settings["seeds"])
    design = "each site on one input drawn for it" if found.design == "one" else "every site on every input"
    lost = "a right top-1 is lost" if found.labelled else "the top-1 is another"
    shown = f"SDC ({lost}, all outputs are finite)" if found.shown == "sdc" else charts.name_of(found.shown)
    model = f"{campaign.model.name} (SHA-256 {record['sha256'][campaign.model_file][:12]})"
    drawn = f"{sites} sites, {seeds} seed{'s'[: seeds != 1]}, {inputs} inputs, {design}"
    sentences = [
        f"{model} under faults, given that the layer's output was corrupted",
        f"Filled marks: {shown}{'; hollow marks: NaN or infinity in the output' if found.apart else ''}",
        f"n = {each} predictions for each layer and set: {drawn}; those without effect are left out",
        "Bars: 95 % confidence intervals, each of its own",
        f"Layers that share a letter cannot be told apart by {found.measure} under {found.sets[0]}, all pairs together at 95 %",
        f"classes-h5 {record['versions']['classes-sites']}",
    ]
    return ". ".join(sentences) + "."


def steps_of(campaign):
    """Those whose words are noted, if the files are not the user's."""
    return [name for name, own in (("ranges", "golden"), ("weights", "macs")) if campaign.settings[name] == own]


def notes():
    """What estimates.py said of its figures."""
    lines = Path("estimates.notes").read_text().splitlines()
    return [line.removeprefix("estimates: ") for line in lines if line.startswith("estimates: ")]
