"""Which layers are the most fragile, by the table of estimates."""

import pandas as pd

from classes_h5.campaign.estimates import ALL
from classes_h5.campaign.figures import RANKED_BY


def layers(table, models, count):
    """The names of so many, the most fragile first under a set of error models."""
    rows = pd.read_csv(table, sep="\t", keep_default_na=False, na_values=[""])
    rows = rows[(rows["set"] == models) & (rows["spatial_class"] == ALL) & (rows["layer"] != ALL)]
    measure = next((name for name in RANKED_BY if name in set(rows["measure"])), "nan")
    ranked = rows[rows["measure"] == measure].sort_values("estimate", ascending=False, kind="stable")
    return ranked["layer"].head(count).tolist()
