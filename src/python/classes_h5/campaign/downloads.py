"""What the page gives for a paper: the table of the layers as CSV and as LaTeX, and how to cite."""

import base64
import csv
import io

MEASURES = ("critical", "sdc", "nan")
LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
LATEX |= {special: "\\" + special for special in "&%$#_{}"}
CITATION = """@article{{classes2022,
  author  = {{Bolchini, Cristiana and Cassano, Luca and Miele, Antonio and Toschi, Alessandro}},
  title   = {{Fast and Accurate Error Simulation for {{CNNs}} Against Soft Errors}},
  journal = {{IEEE Transactions on Computers}},
  year    = {{2022}},
  doi     = {{10.1109/TC.2022.3184274}}
}}
@software{{classes-h5,
  author  = {{{{The classes-h5 authors}}}},
  title   = {{classes-h5: soft-error simulation in saved {{Keras}} models}},
  version = {{{version}}},
  license = {{GPL-3.0-or-later}}
}}
"""


def measures(figures):
    """Those that the tables have: the one ranked by, and for a classifier what it is made of."""
    return [name for name in dict.fromkeys((figures.measure, *MEASURES)) if name == figures.measure or name in figures.others]


def table(figures):
    """A heading and a row a layer, the most fragile first: numbers as they are in the estimates."""
    heading = ["layer", "operator", "group"]
    for name in figures.sets:
        heading += [f"{name} predictions"]
        heading += [f"{name} {measure}{end}" for measure in measures(figures) for end in ("", " low", " high")]
    rows = []
    for layer in figures.layers:
        row = [layer, figures.operators[layer], figures.groups[layer]]
        for name in figures.sets:
            found = figures.of(name, layer)
            row += [found.predictions if found else ""]
            for measure in measures(figures):
                row += ["" if number != number else f"{number:.6g}" for number in figures.interval(name, layer, measure)]
        rows.append(row)
    return [heading, *rows]


def as_csv(figures):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table(figures))
    return text.getvalue()


def as_latex(figures, caption):
    """A table for the package booktabs."""
    columns = [(name, measure) for name in figures.sets for measure in measures(figures)]
    heads = [latex(f"{name} {measure}") for name, measure in columns]
    lines = [
        r"\begin{table}",
        rf"\caption{{{latex(caption)}}}",
        rf"\begin{{tabular}}{{lll{'r' * len(columns)}}}",
        r"\toprule",
        " & ".join(["layer", "operator", "group", *heads]) + r" \\",
        r"\midrule",
    ]
    for layer in figures.layers:
        cells = [latex(layer), latex(figures.operators[layer] or "--"), figures.groups[layer]]
        for name, measure in columns:
            cells.append(cell(figures.interval(name, layer, measure), figures.rate or measure != figures.measure))
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}"]) + "\n"


def cell(found, rate):
    """An estimate with its limits, a rate in percent."""
    value, low, high = found
    if value != value:
        return "--"
    shown = (lambda number: f"{100 * number:.1f}") if rate else (lambda number: f"{number:.4g}")
    return shown(value) + (f" ({shown(low)}--{shown(high)})" if low == low else "")


def latex(text):
    return "".join(LATEX.get(letter, letter) for letter in text)


def citation(version):
    return CITATION.format(version=version)


def link(text, kind):
    """A file in a link."""
    return f"data:{kind};base64," + base64.b64encode(text.encode()).decode()
