"""The chart of the layers: on the page a row a layer, whose text is as large on a phone as on a desk; for a paper one SVG."""

import math

from markupsafe import Markup, escape

LANE, GAP = 14, 8  # pixels: one interval, and what is between two layers
STYLE = """
text{font-family:Helvetica,Arial,'DejaVu Sans',sans-serif;font-size:12px;fill:#1b1f24}
.grid{stroke:#d5dae0}.tick,.note{fill:#59626d}.set0{color:#b3390b}.set1{color:#1763b0}.set2{color:#3d7d2c}.set3{color:#7a3fa0}
.set0,.set1,.set2,.set3{fill:currentColor;stroke:currentColor;stroke-width:1.6}.hollow{fill:#fff}.noted{stroke-dasharray:3 2}
"""
MARKS = (
    '<circle r="4.2"/>',
    '<rect x="-3.8" y="-3.8" width="7.6" height="7.6"/>',
    '<path d="M0 -5.2L5.2 0L0 5.2L-5.2 0Z"/>',
    '<path d="M0 -4.8L4.8 3.8L-4.8 3.8Z"/>',
)


def title_of(figures):
    """What the axis shows."""
    names = [name_of(measure) for measure in (figures.shown, figures.apart) if measure]
    return f"{' and '.join(names)}: {'share of the predictions' if figures.rate else 'mean'}"


def name_of(measure):
    return {"sdc": "SDC", "nan": "NaN", "outcome": "outcome"}.get(measure, measure)


class Axis:
    """From values to places, and the ticks."""

    def __init__(self, numbers, rate):
        found = [number for number in numbers if number == number]
        least, most = (0.0, max([*found, 0.01])) if rate else (min(found, default=0.0), max(found, default=1.0))
        step = nice((most - least) / 4 or 1)
        self.start, self.end = step * math.floor(least / step + 1e-9), step * math.ceil(most / step - 1e-9)
        self.ticks = [self.start + step * tick for tick in range(round((self.end - self.start) / step) + 1)]
        self.rate = rate

    def share(self, value):
        """From 0 to 1."""
        return (value - self.start) / ((self.end - self.start) or 1)

    def label(self, value):
        return f"{100 * value:.6g} %" if self.rate else f"{value:.6g}"

    def anchor(self, value):
        return "start" if value == self.ticks[0] else "end" if value == self.ticks[-1] else "middle"


def axis_of(figures):
    rows = lanes_of_all(figures)
    return Axis([number for row in rows for number in (row.estimate, row.low, row.high)], figures.rate)


def lanes(figures, layer):
    """[(set's number, whether it is of what is apart, row)] of a layer."""
    found = []
    for number, name in enumerate(figures.sets):
        for apart, measure in ((False, figures.shown), (True, figures.apart)):
            if measure and (row := figures.of(name, layer, measure=measure)):
                found.append((number, apart, row))
    return found


def lanes_of_all(figures):
    return [row for layer in figures.layers for _, _, row in lanes(figures, layer)]


# On the page


def on_page(figures, layers, number):
    """A row a layer, in this order. number: of the chart on the page."""
    axis = axis_of(figures)

    def x(value):
        return f"{2 + 96 * axis.share(value):.2f}%"

    grid = "".join(f'<line class="grid" x1="{x(tick)}" x2="{x(tick)}" y1="0" y2="100%"/>' for tick in axis.ticks)
    rows = []
    for layer in layers:
        marks, height = marked(figures, layer, x)
        group = f' <span class="group">{figures.groups[layer]}</span>' if figures.groups[layer] else ""
        rows.append(
            f'<div class="layer">{escape(layer)}{group}</div><svg width="100%" height="{height}" role="img" '
            f'aria-label="{escape(layer)}: {escape(said(figures, layer))}">{grid}{marks}</svg>'
        )
    return Markup(f'<div class="chart" id="chart{number}">{"".join(rows)}{below(axis, x, title_of(figures))}</div>')


def below(axis, x, title):
    """The last row of a chart: what its axis says."""
    ticks = "".join(
        f'<text class="tick" x="{x(t)}" y="14" text-anchor="{axis.anchor(t)}">{axis.label(t)}</text>' for t in axis.ticks
    )
    return (
        f'<div class="layer axis">Layer</div><svg width="100%" height="40" aria-hidden="true">{ticks}'
        f'<text class="axis" x="50%" y="34" text-anchor="middle">{escape(title)}</text></svg>'
    )


def said(figures, layer):
    """A layer's lanes in words."""
    scale, unit = (100, " %") if figures.rate else (1, "")
    names = {False: figures.shown, True: figures.apart}
    return "; ".join(
        f"{figures.sets[number]} {name_of(names[apart])} {scale * row.estimate:.3g}{unit}"
        for number, apart, row in lanes(figures, layer)
    )


def nested(x, y, shape):
    """A shape at a place that is a percentage."""
    return f'<svg x="{x}" y="{y}" overflow="visible">{shape}</svg>'


def moved(x, y, shape):
    """A shape at a place in units of the picture, for programs that know little of SVG."""
    return f'<g transform="translate({x} {y})">{shape}</g>'


def marked(figures, layer, x, top=0.0, placed=nested):
    """The marks of a layer, and how high they are together."""
    parts = []
    found = lanes(figures, layer)
    for lane, (number, apart, row) in enumerate(found):
        y = top + GAP / 2 + LANE * lane + LANE / 2
        ends = ""
        if row.low == row.low:
            noted = ' class="noted"' if apart else ""
            ends = f'<line{noted} x1="{x(row.low)}" x2="{x(row.high)}" y1="{y}" y2="{y}"/>'
        shape = f'<g class="hollow">{MARKS[number % 4]}</g>' if apart else MARKS[number % 4]
        parts.append(f'<g class="set{number % 4}">{ends}{placed(x(row.estimate), y, shape)}</g>')
    return "".join(parts), LANE * max(len(found), 1) + GAP


def key(number, apart=False):
    """A mark for the legend."""
    shape = f'<g class="hollow">{MARKS[number % 4]}</g>' if apart else MARKS[number % 4]
    return Markup(f'<svg class="key set{number % 4}" width="12" height="12" viewBox="-6 -6 12 12" aria-hidden="true">{shape}</svg>')


# For a paper


def for_paper(figures, caption, width=720):
    """The chart as an SVG of its own: legend, names, axis title; the caption is its description."""
    axis = axis_of(figures)
    names = 12 + 7 * max(len(layer) + 1 + len(figures.groups[layer]) for layer in figures.layers)
    left, right = min(names, width // 2), width - 24
    marks_meaning, top = legend(figures, width)

    def x(value):
        return f"{left + (right - left) * axis.share(value):.1f}"

    parts, y = [], top
    for layer in figures.layers:
        marks, height = marked(figures, layer, x, y, moved)
        middle = y + height / 2 + 4
        parts.append(f'<text x="{left - 10}" y="{middle}" text-anchor="end">{escape(layer)} {figures.groups[layer]}</text>{marks}')
        y += height
    grid = "".join(f'<line class="grid" x1="{x(tick)}" x2="{x(tick)}" y1="{top}" y2="{y}"/>' for tick in axis.ticks)
    ticks = "".join(f'<text class="tick" x="{x(t)}" y="{y + 16}" text-anchor="middle">{axis.label(t)}</text>' for t in axis.ticks)
    title = f'<text x="{(left + right) / 2}" y="{y + 36}" text-anchor="middle">{escape(title_of(figures))}</text>'
    high = f"{y + 48:.0f}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{high}" viewBox="0 0 {width} {high}" role="img">'
        f"<title>Layers by {escape(figures.measure)}</title><desc>{escape(caption)}</desc><style>{STYLE}</style>"
        f'<rect width="100%" height="100%" fill="#fff"/>{marks_meaning}{grid}{"".join(parts)}{ticks}{title}</svg>\n'
    )


def legend(figures, width):
    """What the marks mean, in as many lines as it takes, and how high that is."""
    parts, x, y = [], 16.0, 14.0
    for number, name in enumerate(figures.sets):
        for apart in (False, True)[: 2 if figures.apart else 1]:
            text = f"{name} {name_of(figures.apart if apart else figures.shown)}" if figures.apart else name
            wide = 34 + 6.6 * len(text)
            if x > 16 and x + wide > width:
                x, y = 16.0, y + 18
            shape = f'<g class="hollow">{MARKS[number % 4]}</g>' if apart else MARKS[number % 4]
            parts.append(f'<g class="set{number % 4}">{moved(x, y, shape)}</g><text x="{x + 10}" y="{y + 4}">{escape(text)}</text>')
            x += wide
    return "".join(parts), y + 16


def nice(step):
    """1, 2 or 5 times a power of ten, at least the step."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= step * 0.999)
