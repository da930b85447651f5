"""How far a figure would move with other clips: bootstrap intervals (Efron 1979).

A resample draws as many clips as there are, with replacement, and so gives each clip a weight: how
often it was drawn. A **statistic** takes the weights of many resamples, (B, N), to its value in
each, (B,). Drawing by source, all clips of a source come or stay away together: where clips were
cut from common recordings, the interval by clip is too narrow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from passt_core.lab.metrics import Floats, Truth
from passt_core.lab.reliability import BINS, bin_of

RESAMPLES = 1000
LEVEL = 0.95
SEED = 0

_CELLS = 2_000_000
"""Weights that are held at once."""

Weights = NDArray[np.float64]
"""How often each of N clips was drawn in each of B resamples, (B, N)."""
Statistic = Callable[[Weights], NDArray[np.float64]]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Where :data:`LEVEL` of the resamples lie: between these quantiles."""

    low: float
    high: float


def intervals(
    statistics: Sequence[Statistic],
    units: NDArray[np.integer],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> tuple[Interval | None, ...]:
    """One interval for each statistic, all from the same resamples.

    Args:
        statistics: of N clips.
        units: (N,), 0 to U - 1: what each clip comes and goes with; its own number, or its source.
        resamples: how many.
        seed: of the draws.

    Returns:
        None for a statistic that no resample has a value of.
    """
    drawn = list(draws(units, resamples=resamples, seed=seed))
    found = []
    for statistic in statistics:
        values = np.concatenate([statistic(weights) for weights in drawn])
        values = values[~np.isnan(values)]
        found.append(_interval(values) if len(values) else None)
    return tuple(found)


def _interval(values: NDArray[np.float64]) -> Interval:
    """Quantiles that are among the values, so that an infinite one does no harm."""
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(values, (tail, 1 - tail), method="inverted_cdf")
    return Interval(low=float(low), high=float(high))


def draws(units: NDArray[np.integer], *, resamples: int, seed: int) -> Iterator[Weights]:
    """Weights of all resamples, some at a time; always the same for one seed."""
    random = np.random.default_rng(seed)
    count = int(units.max()) + 1
    step = max(1, _CELLS // len(units))
    for start in range(0, resamples, step):
        chunk = min(step, resamples - start)
        often = random.multinomial(count, np.full(count, 1 / count), size=chunk)
        yield often[:, units].astype(np.float64)


def mean(values: Floats) -> Statistic:
    """Mean of what each clip is worth, (N,); clips that are NaN do not count."""
    there = ~np.isnan(values)
    return ratio(np.where(there, values, 0.0), there.astype(np.float64))


def ratio(parts: Floats, wholes: Floats) -> Statistic:
    """Sum of ``parts`` over the sum of ``wholes``, (N,) each."""
    return lambda weights: _divided(weights @ parts, weights @ wholes)


def mean_average_precision(truth: Truth, scores: Floats) -> Statistic:
    """Mean over the classes that a resample has clips of; truth and scores (N, C)."""
    return lambda weights: _mean_of_classes(_average_precision, truth, scores, weights)


def mean_roc_auc(truth: Truth, scores: Floats) -> Statistic:
    """Mean over the classes that a resample has clips of, and others; truth and scores (N, C)."""
    return lambda weights: _mean_of_classes(_roc_auc, truth, scores, weights)


def decision_scores(truth: Truth, said: Truth, *, macro: bool) -> tuple[Statistic, ...]:
    """Precision, recall and F1 of decisions (N, C): of each class, averaged, or of all together."""

    def statistic(over: Callable[[Counts], NDArray[np.float64]]) -> Statistic:
        def value(weights: Weights) -> NDArray[np.float64]:
            hit, told, is_one = (
                weights @ table.astype(np.float64) for table in (truth & said, said, truth)
            )  # (B, C) each
            if not macro:
                return over((hit.sum(axis=1), told.sum(axis=1), is_one.sum(axis=1)))
            return _nanmean(np.where(is_one > 0, over((hit, told, is_one)), np.nan))

        return value

    return (
        statistic(lambda n: _divided(n[0], n[1], empty=0.0)),
        statistic(lambda n: _divided(n[0], n[2], empty=0.0)),
        statistic(lambda n: _divided(2 * n[0], n[1] + n[2], empty=0.0)),
    )


Counts = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""Right, said and true."""


def calibration_error(right: Truth, confidence: Floats, bins: int = BINS) -> Statistic:
    """As :func:`passt_core.lab.reliability.calibration_error`; (N,) each."""
    place = bin_of(confidence, bins)
    gaps = (place[:, None] == np.arange(bins)) * (right - confidence.astype(np.float64))[:, None]
    return lambda weights: np.abs(weights @ gaps).sum(axis=1) / weights.sum(axis=1)


def classwise_error(truth: Truth, probabilities: Floats, bins: int = BINS) -> Statistic:
    """As :func:`passt_core.lab.reliability.classwise_error`; (N, C) each."""
    there = np.flatnonzero(truth.any(axis=0))
    each = [calibration_error(truth[:, i], probabilities[:, i], bins) for i in there]
    return lambda weights: np.mean([error(weights) for error in each], axis=0)


def _mean_of_classes(
    score: Callable[[Weights, Weights, NDArray[np.intp]], NDArray[np.float64]],
    truth: Truth,
    scores: Floats,
    weights: Weights,
) -> NDArray[np.float64]:
    values = []
    for index in np.flatnonzero(truth.any(axis=0)):
        order = np.argsort(-scores[:, index], kind="stable")
        ordered = scores[order, index]
        ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)  # of equal scores
        drawn, is_one = weights[:, order], truth[order, index]
        values.append(score(drawn * is_one, drawn * ~is_one, ends))
    return _nanmean(np.stack(values, axis=1))


def _average_precision(
    ones: Weights, others: Weights, ends: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Σ (R_k - R_k-1) P_k over the distinct scores, as scikit-learn has it; clips best first."""
    found = np.cumsum(ones, axis=1)[:, ends]
    told = found + np.cumsum(others, axis=1)[:, ends]
    steps = np.diff(found, axis=1, prepend=0.0)
    return _divided((steps * _divided(found, told, empty=0.0)).sum(axis=1), found[:, -1])


def _roc_auc(ones: Weights, others: Weights, ends: NDArray[np.intp]) -> NDArray[np.float64]:
    """Share of pairs in the right order, equal scores counting half; clips best first."""
    found = np.diff(np.cumsum(ones, axis=1)[:, ends], axis=1, prepend=0.0)
    above = np.cumsum(others, axis=1)[:, ends]
    equal = np.diff(above, axis=1, prepend=0.0)
    below = above[:, -1:] - above
    pairs = (found * (below + equal / 2)).sum(axis=1)
    return _divided(pairs, found.sum(axis=1) * above[:, -1])


def _divided(parts: Floats, wholes: Floats, empty: float = np.nan) -> NDArray[np.float64]:
    """``parts / wholes``, and ``empty`` where there is nothing to divide by."""
    return np.divide(parts, wholes, out=np.full(np.shape(parts), empty), where=wholes > 0)


def _nanmean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of the rows of (B, C) over what is not NaN; NaN where all is."""
    there = ~np.isnan(values)
    return _divided(np.where(there, values, 0.0).sum(axis=1), there.sum(axis=1))
