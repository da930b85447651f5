"""What a lesson's targets are: what the teacher said, and over it what the labels know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

KNOWN = 0.98
ALONE, TOGETHER = 0.35, 0.6
"""How much of the teacher's score is left for other classes, where the labels of all are known."""
UNDER = ((4.0, 0.9), (9.0, 0.75), (14.0, 0.45), (float("inf"), 0.2))
"""Target of a second sound by how many decibels it lies under the first."""
EXCLUDED = 0.02


def gathered(scores: NDArray[np.float32], columns: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """The teacher's scores (T,) → those of our classes (C,): the largest of each one's members."""
    return np.array([scores[list(c)].max() if len(c) else 0.0 for c in columns], np.float32)


def target(
    said: NDArray[np.float32],
    places: Mapping[str, int],
    first: str,
    second: str | None,
    under_db: float,
    exclusive: Sequence[int] = (),
) -> NDArray[np.float32]:
    """Targets (C,) of a stretch.

    Args:
        said: the teacher's scores of our classes, (C,).
        places: class → column.
        first: label of the sound; empty: not known.
        second: label of what lies under it; empty: not known, None: nothing does.
        under_db: how far under.
        exclusive: columns of a set whose clips have exactly one of its classes, if this is one.
    """
    found = said.copy()
    if second is None and first:
        found *= ALONE
        found[list(exclusive)] = np.minimum(found[list(exclusive)], EXCLUDED)
    elif second is not None and first in places and second in places:
        found *= TOGETHER
    if second is not None and second in places:
        share = next(value for most, value in UNDER if under_db < most)
        found[places[second]] = max(found[places[second]], share)
    if first in places:
        found[places[first]] = max(found[places[first]], KNOWN)
    return found
