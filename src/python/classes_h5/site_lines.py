"""Reads what a prediction is charged to from injection sites, one JSON object a line, as classes-sites prints them."""

import json
from collections import namedtuple

# Numbers and names as the line has them, empty where it has none. site: its place in the file where it has no number.
Site = namedtuple(
    "Site", "operator set seed site spatial_class value_classes as_defined cells measured_on p_sdc drawn_for", defaults=["", "", ""]
)


class SiteError(Exception):
    """A line that is no site; says which and why."""


def read_sites(path):
    """All sites of a file, in its order."""
    sites: list[Site] = []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    sites.append(site(json.loads(line.strip()), len(sites)))
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    raise SiteError(f"line {number}: no injection site: {what(error)}") from error
    return sites


def site(line, place):
    """One site from its object."""
    cells = line["cells"]
    if not cells:
        raise ValueError("no cells")
    origin, _, operator = line.get("model", "").partition("@")[0].rpartition("/")
    if not origin:  # the baseline has no operator
        origin, operator = operator, ""
    return Site(
        operator,
        origin,
        line.get("seed", ""),
        line.get("site", place),
        line.get("spatial_class", ""),
        "+".join(sorted({value_class(cell) for cell in cells} - {""})),
        line.get("as_defined", True),
        len(cells),
        line.get("measured_on", ""),
        line.get("p_sdc", ""),
        line.get("layer", ""),
    )


def value_class(cell):
    return cell.get("class", "flip" if "bit" in cell else "")


def what(error):
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg}, column {error.colno}"
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
