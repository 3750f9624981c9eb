"""Pictures of the worst sites."""

import base64

import pandas as pd

from classes_h5 import filters
from classes_h5.campaign import commands

MOST = 6


def sites(campaign, predictions, figures):
    """One for each of the most fragile layers: the site that most often costs a right top-1, then the one that moves the output
    farthest, then the one of fewest cells. From the set that ranks the layers."""
    rows = predictions[~predictions["no_effect"] & (predictions["set"] == figures.sets[0])]
    rows = rows.assign(
        critical=pd.to_numeric(rows["critical"], errors="coerce").fillna(0),
        distance=pd.to_numeric(rows["distance"], errors="coerce"),
        cells=pd.to_numeric(rows["cells"]),
    )
    rows = rows.assign(of_all=rows.groupby(["layer", "set", "seed", "site"])["critical"].transform("mean"))
    order = rows.sort_values(["of_all", "distance", "cells"], ascending=[False, False, True], kind="stable")
    worst = order.drop_duplicates("layer").set_index("layer")
    runs = {(run.layer.name, run.name, str(run.seed)): run for run in campaign.runs}
    return [
        picture(campaign, runs[layer, worst.loc[layer, "set"], worst.loc[layer, "seed"]], layer, worst.loc[layer])
        for layer in figures.layers
        if layer in worst.index
    ][:MOST]


def picture(campaign, run, layer, row):
    """What the template shows of a site."""
    site = int(row["site"])
    shard = next(shard for shard in run.shards(campaign.settings["shard"]) if int(shard.split("-")[1]) > site)
    with open(f"{run.folder}/{shard}.sites.ndjson", encoding="utf-8") as lines:
        line = next(text for place, text in enumerate(lines) if place == site - int(shard.split("-")[0]))
    svg = filters.call("classes-plot", stdin=line).encode()
    return {
        "layer": layer,
        "row": row,
        "image": "data:image/svg+xml;base64," + base64.b64encode(svg).decode(),
        "command": commands.one_site(run, site),
    }
