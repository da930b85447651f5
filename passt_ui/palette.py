"""The page's colours: one meaning, one colour, everywhere (Okabe and Ito's set, and Tol's)."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Mapping

SPECTRUM = "Magma"
"""Perceptually uniform map of the spectrograms."""
DB_FLOOR, DB_CEILING = -50.0, 20.0
"""Fixed limits of the colour scale in dB, so that two clips compare."""

_FAMILY_COLOURS = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#D55E00",
    "#56B4E9",
    "#882255",
    "#999933",
    "#44AA99",
    "#332288",
    "#AA4499",
    "#777777",
)
NONE = "#8a94a3"
"""Of what belongs to no group; it is seen on light and on dark."""
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "triangle-down", "pentagon")


def colour(index: int) -> str:
    """A colour for the group of an index; beyond the set they come round again."""
    return _FAMILY_COLOURS[index % len(_FAMILY_COLOURS)]


def symbol(index: int) -> str:
    """A shape for the group of an index: two groups of one colour, 12 apart, differ in it."""
    return SYMBOLS[index % len(SYMBOLS)]


def family_colours(families: Iterable[str]) -> dict[str, str]:
    """A colour for each family, in alphabetical order; beyond the set they come round again."""
    return {family: colour(index) for index, family in enumerate(sorted(set(families)))}


def label_colours(families: Mapping[str, str]) -> dict[str, str]:
    """A colour for each label (label → family): its family's, lighter or darker by its place."""
    base = family_colours(families.values())
    colours = {}
    for family in sorted(set(families.values())):
        members = sorted(label for label, own in families.items() if own == family)
        for index, label in enumerate(members):
            shift = (index - (len(members) - 1) / 2) / max(1, len(members))
            colours[label] = _lighter(base[family], 0.3 * shift)
    return colours


def _lighter(colour: str, amount: float) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue, light, saturation = colorsys.rgb_to_hls(red, green, blue)
    light = min(0.85, max(0.2, light + amount))
    rgb = colorsys.hls_to_rgb(hue, light, saturation)
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in rgb)
