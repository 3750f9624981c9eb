"""The chart of the page: SVG whose widths are percents, so that its text is as large on a phone as on a desk."""

import math

from markupsafe import Markup, escape

NAME, LANE, GAP, AXIS = 20, 13, 8, 26  # pixels: a layer's name, a set's interval, the gap below them, the axis


def ranking(figures):
    """Layers from the most fragile down; for each set a mark and its interval."""
    rows = [(layer, name, figures.of(name, layer)) for layer in figures.layers for name in figures.sets]
    found = [row for _, _, row in rows if row]
    limits = [limit for row in found for limit in (row.estimate, row.low, row.high) if limit == limit]
    least, most = (0.0, max([*limits, 0.01])) if figures.rate else (min(limits, default=0.0), max(limits, default=1.0))
    step = nice((most - least) / 4 or 1)
    start, end = step * int(least // step), step * -int(-most // step)

    def x(value):
        return f"{1 + 98 * (value - start) / ((end - start) or 1):.2f}%"

    height = NAME + LANE * len(figures.sets) + GAP
    bottom = height * len(figures.layers)
    parts = []
    for tick in range(round((end - start) / step) + 1):
        value = start + tick * step
        anchor = "start" if tick == 0 else "end" if value >= end - step / 2 else "middle"
        shown = f"{100 * value:g} %" if figures.rate else f"{value:g}"
        parts.append(f'<line class="grid" x1="{x(value)}" x2="{x(value)}" y1="0" y2="{bottom}"/>')
        parts.append(f'<text class="tick" x="{x(value)}" y="{bottom + 18}" text-anchor="{anchor}">{shown}</text>')
    for place, layer in enumerate(figures.layers):
        top = place * height
        parts.append(f'<text class="layer" x="1%" y="{top + 15}">{escape(layer)}</text>')
        for lane, name in enumerate(figures.sets):
            if row := figures.of(name, layer):
                parts.append(interval(row, x, top + NAME + LANE * lane + LANE // 2, lane))
    return Markup(
        f'<svg class="chart" width="100%" height="{bottom + AXIS}" role="img" aria-labelledby="chart-title">'
        f'<title id="chart-title">Layers ranked by {escape(figures.measure)}; the table below has the same figures.</title>'
        f"{''.join(parts)}</svg>"
    )


def interval(row, x, y, lane):
    ends = ""
    if row.low == row.low:
        ends = f'<line x1="{x(row.low)}" x2="{x(row.high)}" y1="{y}" y2="{y}"/>'
    return f'<g class="set{lane % 4}">{ends}<svg x="{x(row.estimate)}" y="{y}" overflow="visible">{mark(lane)}</svg></g>'


def mark(lane):
    """A shape for each set, beside its colour."""
    return (
        '<circle r="4.5"/>',
        '<rect x="-4" y="-4" width="8" height="8"/>',
        '<path d="M0 -5.5L5.5 0L0 5.5L-5.5 0Z"/>',
        '<path d="M0 -5L5 4L-5 4Z"/>',
    )[lane % 4]


def key(lane):
    """A mark for the legend."""
    return Markup(
        f'<svg class="key set{lane % 4}" width="12" height="12" viewBox="-6 -6 12 12" aria-hidden="true">{mark(lane)}</svg>'
    )


def nice(step):
    """1, 2 or 5 times a power of ten, at least the step."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= step * 0.999)
