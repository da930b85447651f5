"""The log-mel of a sound of any length, in a picture of bounded size."""

from __future__ import annotations

import math
from copy import copy

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

MOST_COLUMNS = 4096

_GRID = 1e-6
"""Part of a frame that the end of a sound may be off and still lie on it."""


class Overview:
    """Maxima of a spectrogram over stretches of time, which grow longer as the sound does.

    A column is one frame, then two, then four, so that there are never more than
    :data:`MOST_COLUMNS`.
    """

    def __init__(self, bands: int, frame_s: float) -> None:
        self._frame_s = frame_s
        self._cells = np.full((bands, MOST_COLUMNS), -np.inf, np.float32)
        self._per_column = 1
        self._shown = 0  # frames
        self._waiting: tuple[int, Floats] | None = None

    def add(self, start_s: float, mel: Floats) -> None:
        """Take the log-mel (bands, frames) of the next window, which begins at ``start_s``.

        Where two windows overlap, the earlier is shown to the middle of what they share and the
        later from there on: the edges of a window are bent by its padding.
        """
        first = round(start_s / self._frame_s)
        if self._waiting is not None:
            before, earlier = self._waiting
            self._show(*self._waiting, end=(first + before + earlier.shape[1]) // 2)
        self._waiting = first, mel

    def picture(self, end_s: float) -> tuple[Floats, float]:
        """What is there so far, up to ``end_s``: (bands, K), and the seconds of one column."""
        if self._waiting is None:
            return self._cells[:, :0].copy(), self._frame_s
        drawn = copy(self)  # the last window gives way to the next, so it is drawn aside
        drawn._cells = self._cells.copy()
        first, mel = self._waiting
        frames = min(first + mel.shape[1], math.ceil(end_s / self._frame_s - _GRID))
        drawn._show(first, mel, end=frames)
        columns = -(-frames // drawn._per_column)
        return drawn._cells[:, :columns], drawn._per_column * self._frame_s

    def _show(self, first: int, mel: Floats, end: int) -> None:
        """Draw the frames of a window that are not there yet, as far as frame ``end``."""
        while end > MOST_COLUMNS * self._per_column:
            halved = np.maximum(self._cells[:, ::2], self._cells[:, 1::2])
            self._cells[:, : MOST_COLUMNS // 2] = halved
            self._cells[:, MOST_COLUMNS // 2 :] = -np.inf
            self._per_column *= 2
        piece = mel[:, self._shown - first : end - first]
        place = np.arange(self._shown, self._shown + piece.shape[1]) // self._per_column
        begins = np.flatnonzero(np.diff(place, prepend=-1))
        columns = place[begins]
        drawn = np.maximum.reduceat(piece, begins, axis=1)
        self._cells[:, columns] = np.maximum(self._cells[:, columns], drawn)
        self._shown = end
