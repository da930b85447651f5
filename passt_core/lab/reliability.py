"""Does a model's confidence say how often it is right? Bins, and their error in one number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from passt_core.lab.metrics import Floats, Truth

BINS = 15
"""Bins of equal width between 0 and 1, as in Guo et al. 2017."""


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Answers whose confidence lies in (low, high], the first bin with its low end.

    Attributes:
        low, high: its ends.
        count: answers in it.
        confidence: their mean confidence; None if there are none.
        accuracy: the share of them that is right; None if there are none.
    """

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


def reliability(right: NDArray[np.bool_], confidence: Floats, bins: int = BINS) -> tuple[Bin, ...]:
    """Sort answers into bins by confidence.

    Args:
        right: whether each answer is right, any shape.
        confidence: the probability that each was given with, of the same shape.
        bins: how many.
    """
    right, confidence = np.ravel(right), np.ravel(confidence).astype(np.float64)
    place, edges = bin_of(confidence, bins), np.linspace(0.0, 1.0, bins + 1)
    found = []
    for index in range(bins):
        inside = place == index
        count = int(inside.sum())
        found.append(
            Bin(
                low=float(edges[index]),
                high=float(edges[index + 1]),
                count=count,
                confidence=float(confidence[inside].mean()) if count else None,
                accuracy=float(right[inside].mean()) if count else None,
            )
        )
    return tuple(found)


def bin_of(confidence: Floats, bins: int = BINS) -> NDArray[np.intp]:
    """Number of the bin that each confidence lies in."""
    inner = np.linspace(0.0, 1.0, bins + 1)[1:-1]
    return np.searchsorted(inner, confidence, side="left")


def calibration_error(right: NDArray[np.bool_], confidence: Floats, bins: int = BINS) -> float:
    """Expected calibration error: mean |accuracy - confidence| of the bins, weighted by count.

    The arguments are as :func:`reliability` takes them.

    Returns:
        0 to 1 (Naeini et al. 2015; Guo et al. 2017, equation 5).
    """
    gap = np.ravel(right).astype(np.float64) - np.ravel(confidence)
    place = bin_of(np.ravel(confidence).astype(np.float64), bins)
    return float(np.abs(np.bincount(place, gap, minlength=bins)).sum() / len(gap))


def classwise_error(truth: Truth, probabilities: Floats, bins: int = BINS) -> float:
    """Mean over the classes that have clips of :func:`calibration_error` of "it is this class".

    Args:
        truth: which clip is of which class, (N, C).
        probabilities: the model's, (N, C).
        bins: how many, for each class.
    """
    there = np.flatnonzero(truth.any(axis=0))
    errors = [calibration_error(truth[:, i], probabilities[:, i], bins) for i in there]
    return float(np.mean(errors))
