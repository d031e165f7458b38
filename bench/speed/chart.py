"""A line chart as SVG: the same numbers give the same bytes, readable on a light and on a dark page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 72, 24, 76, 56

COLOURS = ("#2f81d6", "#d9822b", "#2e9e6b", "#b565c9", "#c94f4f")
"""Told apart on white and on nearly black, and by most who see few colours; dashes help the others."""

DASHES = ("", "7 4", "2 4", "10 4 2 4", "1 5")

_SIZE = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'

_STYLE = """\
<style>
  text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #3d444d }
  .title { font-size: 16px; font-weight: 600 }
  .axis { stroke: #818b98 }
  .grid { stroke: #818b98; stroke-opacity: 0.25 }
  @media (prefers-color-scheme: dark) { text { fill: #d1d7e0 } }
</style>"""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its name in the legend, and (x, y) in ascending order of x."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn. Axis labels name the unit.

    ``log_x`` and ``log_y`` are for values above zero; x has a mark at each measured value, y at round ones.
    """

    title: str
    x_label: str
    y_label: str
    lines: Sequence[Line]
    log_x: bool = False
    log_y: bool = False


def svg(chart: Chart) -> str:
    """The picture. Raises ``ValueError`` without a point, or for zero and less on a logarithmic axis."""
    xs = sorted({x for line in chart.lines for x, _ in line.points})
    ys = [y for line in chart.lines for _, y in line.points]
    if not xs:
        raise ValueError(f"nothing to draw: {chart.title}")
    y_ticks = log_ticks(min(ys), max(ys)) if chart.log_y else linear_ticks(max(ys))
    across = _Scale(xs[0], xs[-1], LEFT + 12, WIDTH - RIGHT - 12, log=chart.log_x)
    up = _Scale(y_ticks[0], y_ticks[-1], HEIGHT - BOTTOM, TOP, log=chart.log_y)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {_SIZE} role="img" aria-label="{escape(chart.title)}">',
        _STYLE,
        _text(LEFT, 24, chart.title, 'class="title"'),
        *_legend(chart.lines),
        *(_grid_line(up(tick), tick) for tick in y_ticks),
        f'<path class="axis" fill="none" d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>',
        *_x_marks(xs, across),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, chart.x_label, 'text-anchor="middle"'),
        _text(0, 0, chart.y_label, f'text-anchor="middle" transform="translate(18 {_middle()}) rotate(-90)"'),
    ]
    for number, line in enumerate(chart.lines):
        parts += _drawn(line, number, across, up)
    return "\n".join([*parts, "</svg>"]) + "\n"


def linear_ticks(highest: float) -> list[float]:
    """From 0 to the first round value that is not below ``highest``: 4 to 10 steps of 1, 2 or 5 tens."""
    if highest <= 0:
        return [0.0, 1.0]
    power: float = 10 ** math.floor(math.log10(highest / 4))
    step = next(power * factor for factor in (1, 2, 5, 10) if highest / (power * factor) <= 8)
    return [step * i for i in range(math.ceil(round(highest / step, 9)) + 1)]


def log_ticks(lowest: float, highest: float) -> list[float]:
    """1, 2, 5, 10, ... around the values; over more than three decades the powers of ten alone."""
    if lowest <= 0:
        raise ValueError(f"no place for {lowest} on a logarithmic axis")
    factors = (1, 2, 5) if highest / lowest <= 1000 else (1,)
    powers = range(math.floor(math.log10(lowest)), math.ceil(math.log10(highest)) + 1)
    ticks = [factor * 10.0**power for power in powers for factor in factors]
    below = max(tick for tick in ticks if tick <= lowest)
    above = next((tick for tick in ticks if tick >= highest and tick > below), ticks[-1])
    return [tick for tick in ticks if below <= tick <= above]


def number(value: float) -> str:
    """As people write it: ``1,200``, ``25``, ``0.5``."""
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where a value lies between two edges (pixels)."""

    lowest: float
    highest: float
    start: float
    end: float
    log: bool

    def __call__(self, value: float) -> float:
        low, high, at = (self._flat(v) for v in (self.lowest, self.highest, value))
        share = (at - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)

    def _flat(self, value: float) -> float:
        return math.log10(value) if self.log else value


def _legend(lines: Sequence[Line]) -> list[str]:
    parts, x = [], float(LEFT)
    for index, line in enumerate(lines):
        stroke = _stroke(index)
        parts.append(f'<path {stroke} d="M{x:.0f} 49h26"/>')
        parts.append(f'<circle cx="{x + 13:.0f}" cy="49" r="3.5" fill="{_colour(index)}"/>')
        parts.append(_text(x + 32, 53, line.name))
        x += 32 + 7.1 * len(line.name) + 22
    return parts


def _grid_line(y: float, tick: float) -> str:
    line = f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
    return line + "\n" + _text(LEFT - 8, y + 4.5, number(tick), 'text-anchor="end"')


def _x_marks(xs: Sequence[float], across: _Scale) -> list[str]:
    """A label at each measured value, but where it would run into the last one."""
    parts, free = [], 0.0
    for value in xs:
        x, label = across(value), number(value)
        parts.append(f'<path class="axis" d="M{x:.1f} {HEIGHT - BOTTOM}v5"/>')
        if x - 4 * len(label) >= free:
            parts.append(_text(x, HEIGHT - BOTTOM + 20, label, 'text-anchor="middle"'))
            free = x + 4 * len(label) + 6
    return parts


def _drawn(line: Line, index: int, across: _Scale, up: _Scale) -> list[str]:
    places = [(across(x), up(y)) for x, y in line.points]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{_colour(index)}"/>' for x, y in places]
    return [f'<path {_stroke(index)} d="M{path}"/>', *dots]


def _stroke(index: int) -> str:
    dash = DASHES[index % len(DASHES)]
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'fill="none" stroke-width="2" stroke="{_colour(index)}"{dashed}'


def _colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def _text(x: float, y: float, text: str, attributes: str = "") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}"' + (f" {attributes}" if attributes else "")
    return f"<text {place}>{escape(text)}</text>"


def _middle() -> int:
    return (TOP + HEIGHT - BOTTOM) // 2
