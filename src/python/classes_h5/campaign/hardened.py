"""Before and after, as the page asks for it: the table of pairs, what hardening costs, and one picture."""

import pandas as pd
from markupsafe import Markup, escape

from classes_h5.campaign import charts
from classes_h5.campaign.estimates import ALL


class Hardened:
    """What `classes_h5.campaign.pairs` and `.hardening` found."""

    def __init__(self, table, cost, figures, only):
        """only: the layers that are clipped; none: all."""
        self.rows = {(row.set, row.layer, row.measure): row for row in table.itertuples()}
        self.cost, self.figures, self.only = cost, figures, only

    def of(self, models, layer=ALL):
        row = self.rows.get((models, layer, self.figures.measure))
        return None if row is None or pd.isna(row.difference) else row

    def times(self, row):
        """How many times less it is after."""
        return None if not self.figures.rate or row.after == 0 or row.before <= row.after else f"{row.before / row.after:.2g}"

    @property
    def chart(self):
        """A row a layer, the most fragile first; in it for each set an arrow from before to after."""
        figures = self.figures
        layers = [layer for layer in figures.layers if any(self.of(name, layer) for name in figures.sets)]
        found = [row for layer in layers for name in figures.sets if (row := self.of(name, layer))]
        ends = ("before", "before_low", "before_high", "after", "after_low", "after_high")
        axis = charts.Axis([getattr(row, end) for row in found for end in ends], figures.rate)

        def x(value):
            return f"{2 + 96 * axis.share(value):.2f}%"

        grid = "".join(f'<line class="grid" x1="{x(tick)}" x2="{x(tick)}" y1="0" y2="100%"/>' for tick in axis.ticks)
        rows = []
        for layer in layers:
            lanes = [(number, row) for number, name in enumerate(figures.sets) if (row := self.of(name, layer))]
            marks = "".join(
                arrow(number, row, x, charts.GAP / 2 + charts.LANE * (lane + 0.5)) for lane, (number, row) in enumerate(lanes)
            )
            said = "; ".join(f"{row.set} {axis.label(row.before)} before, {axis.label(row.after)} after" for _, row in lanes)
            height = charts.LANE * len(lanes) + charts.GAP
            rows.append(
                f'<div class="layer">{escape(layer)}</div><svg width="100%" height="{height}" role="img" '
                f'aria-label="{escape(layer)}: {escape(said)}">{grid}{marks}</svg>'
            )
        title = f"{charts.name_of(figures.measure)}: {'share of the predictions' if figures.rate else 'mean'}"
        return Markup(f'<div class="chart">{"".join(rows)}{charts.below(axis, x, title)}</div>')


def arrow(number, row, x, y):
    """A hollow mark before, a filled one after, and the way between them; both with their intervals."""
    shape = charts.MARKS[number % 4]
    whiskers = "".join(
        f'<line class="thin" x1="{x(low)}" x2="{x(high)}" y1="{y}" y2="{y}"/>'
        for low, high in ((row.before_low, row.before_high), (row.after_low, row.after_high))
        if low == low
    )
    way = f'<line class="way" x1="{x(row.after)}" x2="{x(row.before)}" y1="{y}" y2="{y}"/>'
    before = charts.nested(x(row.before), y, f'<g class="hollow">{shape}</g>')
    return f'<g class="set{number % 4}">{way}{whiskers}{before}{charts.nested(x(row.after), y, shape)}</g>'
