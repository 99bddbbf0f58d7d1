"""Plots as SVG inside an HTML page: no script, no image file, colours from the page's style.

`plot` draws lines, steps and points on two axes. `strip` draws one value, its interval and its limits on one line
that is as wide as its place. What is drawn comes from the caller; the title is what a screen reader says.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from vendorkit.documents.plain import markup

Point = tuple[float, float]

WIDTH, HEIGHT = 360, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 10, 44


@dataclass(frozen=True)
class Line:
    """A line through points.

    Args:
        look: Class in the style of the page: `candidate`, `live`, `guide`, `negatives` or `positives`.
        points: In units of the axes.
    """

    look: str
    points: Sequence[Point]


@dataclass(frozen=True)
class Dot:
    """A point with its interval in the direction of the y axis."""

    look: str
    at: Point
    interval: Point | None = None


@dataclass(frozen=True)
class Plot:
    """What is drawn on two axes that both start at 0.

    Args:
        title: What is seen, for those who do not see it.
        x, y: Names of the axes.
        x_most, y_most: Their ends.
        lines, dots: What is on them, in the order of drawing.
    """

    title: str
    x: str
    y: str
    x_most: float = 1.0
    y_most: float = 1.0
    lines: Sequence[Line] = field(default=())
    dots: Sequence[Dot] = field(default=())


def plot(what: Plot) -> str:
    """The SVG of a plot."""
    parts = [
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><title>{markup(what.title)}</title>',
        *_axes(what),
        *(_line(what, line) for line in what.lines if line.points),
        *(_dot(what, dot) for dot in what.dots),
        "</svg>",
    ]
    return "".join(parts)


def _place(what: Plot, point: Point) -> Point:
    x = min(max(point[0] / what.x_most, 0.0), 1.0)
    y = min(max(point[1] / what.y_most, 0.0), 1.0)
    return _LEFT + x * (WIDTH - _LEFT - _RIGHT), HEIGHT - _BOTTOM - y * (HEIGHT - _TOP - _BOTTOM)


def _axes(what: Plot) -> list[str]:
    parts = []
    for tick in _ticks(what.x_most):
        x, bottom = _place(what, (tick, 0.0))
        parts.append(f'<path class="grid" d="M{x:.1f} {_TOP}V{bottom:.1f}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 15:.1f}" text-anchor="middle">{tick:g}</text>')
    for tick in _ticks(what.y_most):
        left, y = _place(what, (0.0, tick))
        parts.append(f'<path class="grid" d="M{left:.1f} {y:.1f}H{WIDTH - _RIGHT}"/>')
        parts.append(f'<text x="{left - 5:.1f}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    middle_x, middle_y = (WIDTH + _LEFT - _RIGHT) / 2, (HEIGHT + _TOP - _BOTTOM) / 2
    parts.append(f'<text x="{middle_x:.0f}" y="{HEIGHT - 8}" text-anchor="middle">{markup(what.x)}</text>')
    turned = f'transform="rotate(-90 12 {middle_y:.0f})"'
    parts.append(f'<text x="12" y="{middle_y:.0f}" text-anchor="middle" {turned}>{markup(what.y)}</text>')
    return parts


def _ticks(most: float) -> list[float]:
    """Round numbers from 0 to the end of an axis, three to seven of them."""
    step = 10.0 ** math.floor(math.log10(most))
    step *= next(part for part in (0.2, 0.25, 0.5, 1.0, 2.0) if most / (step * part) < 6.5)
    return [round(step * number, 12) for number in range(int(most / step + 1e-9) + 1)]


def _line(what: Plot, line: Line) -> str:
    """Points that fall on one pixel are drawn once."""
    placed = [f"{x:.1f} {y:.1f}" for x, y in (_place(what, point) for point in line.points)]
    return f'<path class="{line.look}" d="M{"L".join(dict.fromkeys(placed))}"/>'


def _dot(what: Plot, dot: Dot) -> str:
    x, y = _place(what, dot.at)
    whisker = ""
    if dot.interval:
        ends = [_place(what, (dot.at[0], end))[1] for end in dot.interval]
        whisker = f'<path class="{dot.look}" d="M{x:.1f} {ends[0]:.1f}V{ends[1]:.1f}"/>'
    return f'{whisker}<circle class="{dot.look}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'


@dataclass(frozen=True)
class Scale:
    """The range of values that strips below each other share."""

    low: float
    high: float

    def percent(self, value: float) -> str:
        """The place of a value, from 0 % to 100 % of the width."""
        share = (value - self.low) / (self.high - self.low)
        return f"{100.0 * min(max(share, 0.0), 1.0):.2f}%"


def scale_of(values: Sequence[float | None]) -> Scale | None:
    """The range of all values with room at both ends; None where there is no finite value."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return None
    low, high = min(known), max(known)
    room = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    return Scale(low - room, high + room)


@dataclass(frozen=True)
class Strip:
    """One value on a line.

    Args:
        title: What is seen, for those who do not see it.
        value, interval: What was found.
        previous: The same of the live version.
        least, most: Limits; what breaks them is shaded.
        look: Class of the dot: `pass`, `fail`, `error` or `too-few`.
        marks: Further places on the line, without a dot.
    """

    title: str
    value: float | None
    interval: Point | None = None
    previous: float | None = None
    least: float | None = None
    most: float | None = None
    look: str = "pass"
    marks: Sequence[float] = field(default=())


def strip(what: Strip, scale: Scale) -> str:
    """The SVG of a strip."""
    parts = [f'<svg class="strip" width="100%" height="22" role="img"><title>{markup(what.title)}</title>']
    if what.least is not None:
        parts.append(f'<rect class="barred" x="0" y="0" width="{scale.percent(what.least)}" height="22"/>')
        parts.append(_upright("limit", scale.percent(what.least), 0, 22))
    if what.most is not None:
        start = scale.percent(what.most)
        parts.append(f'<rect class="barred" x="{start}" y="0" width="100%" height="22"/>')
        parts.append(_upright("limit", start, 0, 22))
    if what.interval:
        low, high = (scale.percent(end) for end in what.interval)
        parts.append(f'<line class="{what.look}" x1="{low}" y1="11" x2="{high}" y2="11"/>')
    if what.previous is not None:
        parts.append(_upright("live", scale.percent(what.previous), 3, 19))
    parts += [_upright(what.look, scale.percent(mark), 6, 16) for mark in what.marks]
    if what.value is not None:
        parts.append(f'<circle class="{what.look}" cx="{scale.percent(what.value)}" cy="11" r="4.5"/>')
    return "".join([*parts, "</svg>"])


def _upright(look: str, x: str, top: int, bottom: int) -> str:
    return f'<line class="{look}" x1="{x}" y1="{top}" x2="{x}" y2="{bottom}"/>'
