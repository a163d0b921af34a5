"""Draws plots as SVG: readable on a light and on a dark page, and without any library."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from benchmarks.figures import number
from benchmarks.results import Bars, Lines

_WIDTH = 720
_LABELS = 210
_BAR, _GAP, _TOP = 22, 10, 44
_VALUES = 90
_COLOURS = ("c0", "c1", "c2", "c3", "c4", "c5")
_STYLE = """<style>
text{font:13px system-ui,sans-serif;fill:#24292f}.title{font-weight:600;font-size:14px}.quiet{fill:#57606a}
.axis{stroke:#d0d7de}.c0{fill:#0969da;stroke:#0969da}.c1{fill:#8c959f;stroke:#8c959f}.c2{fill:#bf8700;stroke:#bf8700}
.c3{fill:#1a7f37;stroke:#1a7f37}.c4{fill:#8250df;stroke:#8250df}.c5{fill:#cf222e;stroke:#cf222e}
polyline{fill:none!important;stroke-width:2}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.quiet{fill:#9198a1}.axis{stroke:#3d444d}
.c0{fill:#4493f8;stroke:#4493f8}.c1{fill:#9198a1;stroke:#9198a1}.c2{fill:#d29922;stroke:#d29922}
.c3{fill:#3fb950;stroke:#3fb950}.c4{fill:#ab7df8;stroke:#ab7df8}.c5{fill:#f85149;stroke:#f85149}}
</style>"""


def draw(plot: Bars | Lines) -> str:
    """The SVG of a plot."""
    return _bars(plot) if isinstance(plot, Bars) else _lines(plot)


def _bars(plot: Bars) -> str:
    figures = [value for _, value in plot.bars if isinstance(value, int | float)]
    reach = _scale(figures, plot.logarithmic, _WIDTH - _LABELS - _VALUES)
    parts = []
    for index, (label, value) in enumerate(plot.bars):
        top = _TOP + index * (_BAR + _GAP)
        parts.append(_text(_LABELS - 10, top + 15, label, anchor="end"))
        if isinstance(value, int | float):
            length = max(2.0, reach(value))
            colour = "c0" if index == 0 else "c1"
            box = f'x="{_LABELS}" y="{top}" width="{length:.1f}" height="{_BAR}" rx="2"'
            parts.append(f'<rect class="{colour}" {box}/>')
            parts.append(_text(_LABELS + length + 8, top + 15, number(value)))
        else:
            parts.append(_text(_LABELS, top + 15, value or "–", kind="quiet"))
    return _svg(plot.title, plot.unit, _TOP + len(plot.bars) * (_BAR + _GAP) + 6, parts)


def _lines(plot: Lines) -> str:
    left, height, bottom = 70, 340, 290
    points = [point for series in plot.series.values() for point in series]
    across = _scale([x for x, _ in points], plot.logarithmic, _WIDTH - left - 150)
    up = _scale([y for _, y in points], plot.logarithmic, bottom - _TOP - 20)
    parts = [
        f'<line class="axis" x1="{left}" y1="{bottom}" x2="{_WIDTH - 150}" y2="{bottom}"/>',
        f'<line class="axis" x1="{left}" y1="{_TOP}" x2="{left}" y2="{bottom}"/>',
        _text((left + _WIDTH - 150) / 2, height - 8, plot.x, anchor="middle", kind="quiet"),
    ]
    parts += [
        _text(left + across(x), bottom + 18, number(x), anchor="middle", kind="quiet")
        for x in sorted({x for x, _ in points})
    ]
    parts += [
        _text(left - 8, bottom - up(y) + 4, number(y), anchor="end", kind="quiet")
        for y in _ticks([y for _, y in points], plot.logarithmic)
    ]
    labels: list[tuple[float, float, str]] = []
    for colour, (name, series) in zip(_COLOURS * 4, plot.series.items(), strict=False):
        places = [(left + across(x), bottom - up(y)) for x, y in series]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline class="{colour}" points="{line}"/>')
        parts += [f'<circle class="{colour}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in places]
        if places:
            labels.append((places[-1][1] + 4, places[-1][0] + 10, name))
    above = 0.0
    for y, x, name in sorted(labels):
        # In the order of the lines, and at least a line of text apart.
        above = max(y, above + 15)
        parts.append(_text(x, above, name))
    return _svg(plot.title, plot.y, height, parts)


def _scale(values: Sequence[float], logarithmic: bool, length: float) -> Callable[[float], float]:
    """Where a value lies on an axis of that length. A logarithmic one begins at half of the least value."""
    most = max(values, default=1.0) or 1.0
    if not logarithmic:
        return lambda value: value / most * length
    least = min((value for value in values if value > 0), default=most) / 2
    span = math.log(most / least) or 1.0
    return lambda value: math.log(max(value, least) / least) / span * length


def _ticks(values: Sequence[float], logarithmic: bool) -> list[float]:
    most = max(values, default=1.0) or 1.0
    if not logarithmic:
        return [0.0, most / 2, most]
    least = min((value for value in values if value > 0), default=most)
    return sorted({least, math.sqrt(least * most), most})


def _text(x: float, y: float, text: str, *, anchor: str = "start", kind: str = "") -> str:
    described = f' class="{kind}"' if kind else ""
    return f'<text{described} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(title: str, unit: str, height: float, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" '
        f'width="{_WIDTH}" height="{height:.0f}" role="img" aria-label="{escape(title)}">'
    )
    heading = (
        f'<text class="title" x="0" y="18">{escape(title)}'
        f'<tspan class="quiet" dx="8">{escape(unit)}</tspan></text>'
    )
    return "\n".join([head, _STYLE, heading, *parts, "</svg>", ""])
