"""A library's map as a picture of the size of a stamp."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from passt_core.library.store import MAP
from passt_core.library.tables import LibraryClip
from passt_ui import palette
from passt_ui.mapdata import family

SIZE = (320, 112)
PAPER = "#151b27"
"""Behind the points, in both themes, as behind the spectrograms."""
_MARGIN = 0.08
_RADIUS = 2.4
_FINER = 2


def picture(folder: Path, clips: Sequence[LibraryClip]) -> str:
    """The map of a library as a PNG in a data URI; empty if it cannot be read.

    Args:
        folder: of the library.
        clips: N, in the order of the rows of its ``map.npy``, (N, 2).
    """
    try:
        places = np.load(folder / MAP, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return ""
    if places.shape != (len(clips), 2):
        return ""
    low, span = places.min(axis=0), np.ptp(places, axis=0)
    share = (places - low) / np.where(span > 0, span, 1.0)
    share = np.where(span > 0, share, 0.5)
    share[:, 1] = 1.0 - share[:, 1]
    size = _FINER * np.array(SIZE)
    at = (_MARGIN + (1 - 2 * _MARGIN) * share) * size  # (N, 2), in pixels
    image = Image.new("RGB", tuple(size.tolist()), PAPER)
    draw = ImageDraw.Draw(image)
    colours = palette.family_colours(map(family, clips))
    for (x, y), clip in zip(at.tolist(), clips, strict=True):
        draw.circle((x, y), _FINER * _RADIUS, fill=colours[family(clip)])
    buffer = io.BytesIO()
    image.resize(SIZE, Image.Resampling.LANCZOS).save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
