"""A small SVG of points and the front that bounds them, legible on light and on dark."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

WIDTH, HEIGHT = 560, 430
"""Of a panel, with its margins."""
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 40, 52
LEGEND_HEIGHT = 34
LOWEST, SLOWEST = 0.2, 1.15
"""What is worse than the best by more, or takes a larger share, is not drawn but counted."""
TICKS = 6
LETTER = 6.2
"""Width of a letter of a label, in pixels, about."""
LINE = 13

SVG = "http://www.w3.org/2000/svg"

STYLE = """
.paper { fill: #ffffff; } .ink { fill: #1c2127; } .quiet { fill: #5c6670; }
.grid { stroke: #e3e7eb; } .front { stroke: #1c2127; } .ring { stroke: #ffffff; }
.full { fill: #1c2127; } .patchout { fill: #0072b2; } .merging { fill: #d55e00; }
.blocks { fill: #009e73; } .pruning { fill: #b0529a; } .stride { fill: #b07d00; }
.precision { fill: #3a9fd6; } .together { fill: #7a7f85; }
.tuned { fill: #6a8f1a; }
text { font: 11px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
.title { font-size: 13px; font-weight: 600; } .tiny { font-size: 9px; }
@media (prefers-color-scheme: dark) {
  .paper { fill: #14181d; } .ink { fill: #e6e9ec; } .quiet { fill: #9aa5b0; }
  .grid { stroke: #2a3138; } .front { stroke: #e6e9ec; } .ring { stroke: #14181d; }
  .full { fill: #e6e9ec; } .patchout { fill: #56a8e0; } .merging { fill: #f0803c; }
  .blocks { fill: #35c79a; } .pruning { fill: #da8cc8; } .stride { fill: #e6b33c; }
  .precision { fill: #8fd0f5; } .together { fill: #a8b0b8; }
  .tuned { fill: #a8d34a; }
}
"""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One way; ``best`` if none is better in both."""

    x: float
    y: float
    number: int
    name: str
    family: str
    best: bool


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One picture beside others."""

    title: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Box:
    """A rectangle that is taken."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Values → pixels of a panel."""

    low_x: float
    high_x: float
    low_y: float
    high_y: float

    @classmethod
    def of(cls, points: Sequence[Point]) -> Scale:
        within = [point for point in points if point.x <= SLOWEST]
        best = max(point.y for point in within)
        worst = min(point.y for point in within if point.y >= best - LOWEST)
        pad = 0.06 * max(best - worst, 0.02)
        return cls(
            low_x=0.9 * min(point.x for point in within),
            high_x=1.03 * max(point.x for point in within),
            low_y=worst - pad,
            high_y=min(1.0, best + pad),
        )

    def holds(self, point: Point) -> bool:
        return point.x <= self.high_x and point.y >= self.low_y

    def x(self, value: float) -> float:
        share = (value - self.low_x) / (self.high_x - self.low_x)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        share = (value - self.low_y) / (self.high_y - self.low_y)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def picture(panels: Sequence[Panel], *, across: str) -> str:
    """An SVG of the panels side by side, with one legend below; ``across`` names their x axis."""
    width, height = WIDTH * len(panels), HEIGHT + LEGEND_HEIGHT
    parts = [
        f'<svg xmlns="{SVG}" viewBox="0 0 {width} {height}" width="{width}" role="img">',
        f"<title>{_text('; '.join(panel.title for panel in panels))}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{width}" height="{height}" rx="8"/>',
    ]
    for place, panel in enumerate(panels):
        parts += [f'<g transform="translate({place * WIDTH} 0)">', *_panel(panel, across), "</g>"]
    return "\n".join([*parts, *_legend(panels), "</svg>", ""])


def ticks(low: float, high: float) -> list[float]:
    """Round values between two, about :data:`TICKS` of them."""
    raw = (high - low) / TICKS
    unit = 10.0 ** np.floor(np.log10(raw))
    step = unit * next(factor for factor in (1, 2, 5, 10) if factor * unit >= raw)
    first = int(np.ceil(low / step - 1e-9))
    last = int(np.floor(high / step + 1e-9))
    return [round(float(step * place), 6) for place in range(first, last + 1)]


def _panel(panel: Panel, across: str) -> Iterator[str]:
    scale = Scale.of(panel.points)
    seen = [point for point in panel.points if scale.holds(point)]
    yield _said(panel.title, LEFT, 24, kind="ink title")
    yield from _axes(scale, across)
    best = sorted((point for point in seen if point.best), key=lambda point: point.x)
    if len(best) > 1:
        path = " ".join(f"{scale.x(p.x):.1f},{scale.y(p.y):.1f}" for p in best)
        yield f'<polyline class="front" points="{path}" fill="none" stroke-width="1.2"/>'
    for point in sorted(seen, key=lambda point: point.best):
        yield _dot(point, scale)
    yield from _labels(seen, scale)
    absent = len(panel.points) - len(seen)
    if absent:
        told = f"{absent} more are in the table alone"
        yield _said(told, WIDTH - RIGHT, HEIGHT - BOTTOM - 6, anchor="end")


def _axes(scale: Scale, across: str) -> Iterator[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for value in ticks(scale.low_y, scale.high_y):
        y = scale.y(value)
        yield f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield _said(f"{value:g}", LEFT - 8, y + 4, anchor="end")
    for value in ticks(scale.low_x, scale.high_x):
        x = scale.x(value)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>'
        yield _said(f"{value:g}", x, bottom + 16, anchor="middle")
    yield _said(across, (LEFT + right) / 2, bottom + 36, anchor="middle")


def _dot(point: Point, scale: Scale) -> str:
    radius = 5 if point.best else 3.5
    told = f"{point.number}. {point.name}: time {point.x:.2f}, {point.y:.3f}"
    return (
        f'<circle class="{point.family} ring" cx="{scale.x(point.x):.1f}" '
        f'cy="{scale.y(point.y):.1f}" r="{radius}"><title>{_text(told)}</title></circle>'
    )


def _labels(points: Sequence[Point], scale: Scale) -> Iterator[str]:
    """Names of those on the front, then numbers of the others, where there is room."""
    at = {point.number: (scale.x(point.x), scale.y(point.y)) for point in points}
    taken = [Box(x - 4, y - 4, x + 4, y + 4) for x, y in at.values()]
    for point in sorted(points, key=lambda point: (not point.best, point.number)):
        told = f"{point.number} {point.name}" if point.best else str(point.number)
        x, y = at[point.number]
        box = next((b for b in _places(x, y, told) if _free(b, taken)), None)
        if box is None:
            continue
        taken.append(box)
        kind = "ink" if point.best else "quiet tiny"
        yield _said(told, box.left, box.bottom - 3, kind=kind)


def _places(x: float, y: float, told: str) -> Iterator[Box]:
    """Where a label may stand: right, left, above, below, then further away."""
    width = LETTER * len(told)
    for away in (7, 13, 20, 28):
        for left, middle in (
            (x + away, y),
            (x - away - width, y),
            (x - width / 2, y - away - 3),
            (x - width / 2, y + away + 3),
            (x + away / 2, y - away),
            (x + away / 2, y + away),
            (x - away / 2 - width, y - away),
            (x - away / 2 - width, y + away),
        ):
            yield Box(left, middle - LINE / 2, left + width, middle + LINE / 2)


def _free(box: Box, taken: Sequence[Box]) -> bool:
    inside = box.left >= LEFT and box.right <= WIDTH and box.top >= TOP - 8
    below = box.bottom <= HEIGHT - BOTTOM
    return inside and below and not any(box.meets(other) for other in taken)


def _legend(panels: Sequence[Panel]) -> Iterator[str]:
    families = dict.fromkeys(point.family for panel in panels for point in panel.points)
    widths = [28 + LETTER * len(family) for family in families]
    starts = np.cumsum([LEFT, *widths])
    for family, (x, _) in zip(families, pairwise(starts), strict=True):
        y = HEIGHT + 10
        yield f'<circle class="{family}" cx="{x:.0f}" cy="{y - 4}" r="4"/>'
        yield _said(family, x + 8, y)


def _said(told: str, x: float, y: float, *, kind: str = "quiet", anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="{kind}" {place}>{_text(told)}</text>'


def _text(value: str) -> str:
    return html.escape(value, quote=False)
