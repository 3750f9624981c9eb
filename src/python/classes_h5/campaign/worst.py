"""Pictures of the worst sites."""

import base64
import json

import pandas as pd

from classes_h5 import filters
from classes_h5.campaign import commands

MOST = 6
LEAST, MARGIN = 8, 2  # cells: a picture has as many at least, and so many around those that are corrupted


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
    line, where = cropped(line)
    svg = filters.call("classes-plot", stdin=line).encode()
    return {
        "where": where,
        "layer": layer,
        "row": row,
        "image": "data:image/svg+xml;base64," + base64.b64encode(svg).decode(),
        "command": commands.one_site(run, site),
    }


def cropped(line):
    """A site of the part of the maps around its cells, and which part that is; the whole where that is small."""
    site = json.loads(line)
    if isinstance(site["shape"], list):
        return line, ""
    parts = {}
    for axis in "hw":
        places, size = [cell[axis] for cell in site["cells"]], site["shape"][axis]
        start, end = min(places) - MARGIN, max(places) + 1 + MARGIN
        more = max(LEAST - (end - start), 0)
        start, end = start - more // 2, end + more - more // 2
        start, end = max(start - max(end - size, 0), 0), min(end - min(start, 0), size)
        parts[axis] = start, end
        site["shape"][axis] = end - start
        for cell in site["cells"]:
            cell[axis] -= start
    whole = json.loads(line)["shape"]
    if all(site["shape"][axis] > whole[axis] / 2 for axis in "hw"):
        return line, ""
    (top, bottom), (left, right) = parts["h"], parts["w"]
    return json.dumps(site), f"rows {top} to {bottom - 1} and columns {left} to {right - 1} of {whole['h']}x{whole['w']}"
