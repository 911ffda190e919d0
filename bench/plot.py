"""A plot with two logarithmic axes as SVG text, readable in light and in dark."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

import msgspec

WIDTH, HEIGHT = 760, 460
LEFT, RIGHT, TOP, BOTTOM = 70, 30, 84, 62

#: The plot has a ground of its own, so it is readable on whatever page it stands; on both grounds
#: texts keep a contrast of at least 4.5, lines of at least 3. No CSS variables: not every program
#: that shows SVG knows them.
_STYLE = """
  text { font-family: system-ui, sans-serif; font-size: 13px; }
  .title { font-size: 17px; font-weight: 600; }
  .name { font-weight: 600; }
  .value { font-size: 12px; }
  .grid { stroke-width: 1; }
  .line { fill: none; stroke-width: 2.5; stroke-linejoin: round; }
  .s1 { stroke-dasharray: 7 4; }
"""
_COLOURS = """
  .ground { fill: %(ground)s; }
  text { fill: %(faint)s; }
  .title { fill: %(text)s; }
  .grid { stroke: %(grid)s; }
  .s0 { stroke: %(first)s; } .f0 { fill: %(first)s; }
  .s1 { stroke: %(second)s; } .f1 { fill: %(second)s; }
"""
_LIGHT = {
    "ground": "#ffffff",
    "text": "#1f2328",
    "faint": "#59636e",
    "grid": "#e3e6ea",
    "first": "#0b63ce",
    "second": "#b3420a",
}
_DARK = {
    "ground": "#14171b",
    "text": "#eceff2",
    "faint": "#a3adb8",
    "grid": "#2c3138",
    "first": "#6cb0ff",
    "second": "#ff9d5c",
}


class Series(msgspec.Struct, frozen=True):
    """One line: its name and its points, ascending; all numbers are more than 0."""

    name: str
    points: tuple[tuple[float, float], ...]


class Plot(msgspec.Struct, frozen=True):
    """What is drawn: texts, the unit of the numbers at the lines' ends, and one or two lines."""

    title: str
    subtitle: str
    x: str
    y: str
    unit: str
    series: tuple[Series, ...]


class Axis:
    """A logarithmic scale.

    Args:
        low, high: the numbers at its ends.
        start, end: the places of its ends in the drawing.
    """

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self._low = math.log10(low)
        self._span = math.log10(high) - self._low
        self._start = start
        self._length = end - start
        self.low = low
        self.high = high

    def place(self, value: float) -> float:
        """Return where a number stands."""
        share = (math.log10(value) - self._low) / self._span
        return round(self._start + share * self._length, 1)

    def ticks(self, steps: Sequence[int]) -> Iterator[float]:
        """Return the numbers to be marked: `steps` times each power of ten."""
        for power in range(math.floor(self._low), math.ceil(self._low + self._span) + 1):
            for step in steps:
                value = step * 10.0**power
                if self.low <= value <= self.high:
                    yield value


def draw(plot: Plot) -> str:
    """Return `plot` as the text of an SVG file."""
    xs = [x for series in plot.series for x, _y in series.points]
    ys = [y for series in plot.series for _x, y in series.points]
    across = Axis(_power_below(min(xs)), _power_above(max(xs)), LEFT, WIDTH - RIGHT)
    # A line that rises by half must look as if it did, so the axis starts at 1 and has room above.
    upwards = Axis(1, max(_power_above(max(ys)), 100), HEIGHT - BOTTOM, TOP)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'role="img" aria-labelledby="title desc">'
    )
    parts = [
        head,
        f'<title id="title">{escape(plot.title)}</title>',
        f'<desc id="desc">{escape(_description(plot))}</desc>',
        f"<style>{_style()}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{HEIGHT}" rx="8"/>',
        _text(LEFT, 34, plot.title, "title"),
        _text(LEFT, 56, plot.subtitle),
        *_grid(across, upwards),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 18, plot.x, anchor="middle"),
        _upright(20, (TOP + HEIGHT - BOTTOM) / 2, plot.y),
    ]
    highest = max(series.points[-1][1] for series in plot.series)
    for number, series in enumerate(plot.series):
        parts += _line(number, series, across, upwards)
        end, value = series.points[-1]
        # The upper line's number stands above it, the lower one's below: they never meet.
        y = upwards.place(value) + (-12 if value == highest else 21)
        text = f"{value:.1f} {plot.unit}"
        parts.append(_text(across.place(end), y, text, f"value f{number}", "end"))
    parts += _legend(plot.series)
    return "\n".join([*parts, "</svg>", ""])


def _style() -> str:
    dark = _COLOURS % _DARK
    return f"{_STYLE}{_COLOURS % _LIGHT}  @media (prefers-color-scheme: dark) {{{dark}  }}\n"


def _power_below(value: float) -> float:
    return 10.0 ** math.floor(math.log10(value))


def _power_above(value: float) -> float:
    return 10.0 ** math.ceil(math.log10(value))


def _description(plot: Plot) -> str:
    """Return the plot for those who do not see it."""
    lines = (
        f"{series.name}: " + ", ".join(f"{y:.1f} at {x:,.0f}" for x, y in series.points)
        for series in plot.series
    )
    return f"{plot.y} by {plot.x}. " + "; ".join(lines) + "."


def _grid(across: Axis, upwards: Axis) -> Iterator[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for value in across.ticks((1,)):
        x = across.place(value)
        yield f'<path class="grid" d="M{x} {TOP}V{bottom}"/>'
        yield _text(x, bottom + 20, f"{value:,.0f}", anchor="middle")
    for value in upwards.ticks((1, 2, 5)):
        y = upwards.place(value)
        yield f'<path class="grid" d="M{LEFT} {y}H{right}"/>'
        yield _text(LEFT - 9, y + 4, f"{value:,.0f}", anchor="end")


def _line(number: int, series: Series, across: Axis, upwards: Axis) -> Iterator[str]:
    places = [(across.place(x), upwards.place(y)) for x, y in series.points]
    path = "L".join(f"{x} {y}" for x, y in places)
    yield f'<path class="line s{number}" d="M{path}"/>'
    for x, y in places:
        yield f'<circle class="f{number}" cx="{x}" cy="{y}" r="4"/>'


def _legend(lines: Sequence[Series]) -> Iterator[str]:
    for number, series in enumerate(lines):
        y = TOP + 24 + 22 * number
        yield f'<path class="line s{number}" d="M{LEFT + 16} {y}h34"/>'
        yield f'<circle class="f{number}" cx="{LEFT + 33}" cy="{y}" r="4"/>'
        yield _text(LEFT + 60, y + 4, series.name, f"name f{number}")


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'


def _upright(x: float, y: float, text: str) -> str:
    turned = f"translate({x:g} {y:g}) rotate(-90)"
    return f'<text transform="{turned}" text-anchor="middle">{escape(text)}</text>'
