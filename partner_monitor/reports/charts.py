"""Charts of a printed report, as SVG: partners by status, stacked. Values in, markup out.

The colours differ in lightness, too, and always stand in the same order, so that they can be told
apart by the colour-blind and on a printer without colours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

WIDTH = 720
"""Of every chart, in the units in which a letter is 11 high."""

LABEL, TOTAL = 150, 44
BAR, GAP = 15, 6
PLOT, MARGIN, AXIS = 170, 44, 18
LONGEST_LABEL = 24

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Shade:
    """How a class of partners is filled, and which colour a number on it has."""

    fill: str
    ink: str


SHADES: Mapping[str, Shade] = {
    "gold": Shade("#f3c443", "#222"),
    "silver": Shade("#8295a8", "#000"),
    "ready": Shade("#2f6fb0", "#fff"),
    "other": Shade("#fff", "#222"),
}
"""In the order in which they are stacked; "other" is any status beside the three, or none."""


def legend() -> str:
    """The swatches with their words, for above the charts."""
    return "".join(f'<span class="key">{swatch(name)}{name}</span>' for name in SHADES)


def swatch(name: str) -> str:
    """A small square of a class's colour."""
    fill = SHADES[name].fill
    return (
        '<svg class="swatch" width="10" height="10" aria-hidden="true">'
        f'<rect x=".5" y=".5" width="9" height="9" fill="{fill}" stroke="#444"/></svg>'
    )


def bars(rows: Sequence[tuple[str, Counts]]) -> str:
    """A bar a country, as long as it has partners."""
    most = max((sum(counts.values()) for _, counts in rows), default=0)
    scale = (WIDTH - LABEL - TOTAL) / max(most, 1)
    parts = []
    for index, (name, counts) in enumerate(rows):
        y = index * (BAR + GAP)
        middle = y + BAR - 3.5
        label = name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…"
        parts.append(_text(LABEL - 8, middle, label, "end"))
        x = float(LABEL)
        for status, shade in SHADES.items():
            width = counts[status] * scale
            if not width:
                continue
            parts.append(_box(x, y, width, BAR, shade))
            if width > 8 + 7 * len(str(counts[status])):
                number = str(counts[status])
                parts.append(_text(x + width / 2, middle, number, "middle", shade.ink))
            x += width
        parts.append(_text(x + 6, middle, f"{sum(counts.values()):,}", "start"))
    return _svg(max(len(rows), 1) * (BAR + GAP), parts, "Partners by country and status")


def columns(days: Sequence[tuple[date, Counts]]) -> str:
    """A column a day, as high as there were partners."""
    most = max((sum(counts.values()) for _, counts in days), default=0)
    step, top = _scale(most)
    parts = []
    for value in range(0, top + 1, step):
        y = PLOT - value / top * (PLOT - 8)
        parts.append(
            f'<line x1="{MARGIN}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ccc"/>'
            + _text(MARGIN - 6, y + 4, f"{value:,}", "end")
        )
    place = (WIDTH - MARGIN) / max(len(days), 1)
    width = min(place * 0.8, 40)
    told = -(-len(days) // 9)
    for index, (day, counts) in enumerate(days):
        x = MARGIN + place * index + (place - width) / 2
        y = float(PLOT)
        # From the bottom up: what is stacked last, "gold", is on top.
        for status, shade in reversed(list(SHADES.items())):
            height = counts[status] / top * (PLOT - 8)
            if height:
                y -= height
                parts.append(_box(x, y, width, height, shade))
        # The newest day always has its date, and those before it at equal distances.
        if (len(days) - 1 - index) % told == 0:
            middle = min(x + width / 2, WIDTH - 30)
            parts.append(_text(middle, PLOT + AXIS - 3, f"{day:%Y-%m-%d}", "middle"))
    return _svg(PLOT + AXIS, parts, "Partners by day and status")


def _scale(most: int) -> tuple[int, int]:
    """The distance of the lines on the axis, and the top one: four or five round numbers."""
    step = 1
    while step * 5 < most:
        step = step * 5 // 2 if str(step).startswith("2") else step * 2
    return step, max(step * -(-most // step), step)


def _box(x: float, y: float, width: float, height: float, shade: Shade) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'fill="{shade.fill}" stroke="#444" stroke-width=".5"/>'
    )


def _text(x: float, y: float, text: str, anchor: str, ink: str = "#222") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{ink}">{escape(text)}</text>'
    )


def _svg(height: float, parts: Sequence[str], title: str) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{title}">'
        f"{''.join(parts)}</svg>"
    )
