"""Every score of what was said of clips, each with its intervals → :class:`Figure`.

A model and the baselines it is compared with go through the same door, :func:`measures`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from passt_core.lab import bootstrap, metrics, reliability
from passt_core.lab.bootstrap import Interval, Statistic
from passt_core.lab.metrics import Floats, Truth

THRESHOLD = 0.5
"""Probability from which a class of a multi-label dataset counts as said."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One score.

    Attributes:
        key: its name for a program; name: its name for a reader.
        value: 0 to 1, but for d′; None if it cannot be said, or is infinite.
        by_clip: interval when clips are drawn again.
        by_source: interval when whole sources are; None if the dataset does not tell them.
    """

    key: str
    name: str
    value: float | None
    by_clip: Interval | None = None
    by_source: Interval | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """What is to be scored, N clips and the dataset's C classes.

    Attributes:
        truth: (N, C).
        scores: the higher the likelier, (N, C).
        probabilities: (N, C), 0 to 1.
        multi_label: clips may be of several classes.
    """

    truth: Truth
    scores: Floats
    probabilities: Floats
    multi_label: bool

    @property
    def said(self) -> Truth:
        """What was decided, (N, C): the highest; in a multi-label dataset all from one half up."""
        if self.multi_label:
            return np.asarray(self.probabilities >= THRESHOLD)
        return metrics.one_hot(np.argmax(self.scores, axis=1), self.scores.shape[1])

    @property
    def first(self) -> tuple[NDArray[np.bool_], Floats]:
        """Of each clip whether its most probable class is right, and that probability, (N,)."""
        return top_answer(self.truth, self.probabilities)


@dataclass(frozen=True, kw_only=True, eq=False)
class Measure:
    """A score before its intervals: its value, and how it follows from drawn clips."""

    key: str
    name: str
    value: float
    statistic: Statistic


def figures(
    found: Sequence[Measure],
    sources: Sequence[str | None],
    *,
    resamples: int = bootstrap.RESAMPLES,
    seed: int = bootstrap.SEED,
) -> tuple[Figure, ...]:
    """Give measures their intervals.

    Args:
        found: measures of N clips.
        sources: of each clip; None: a clip of its own. If none is told, none is drawn by.
        resamples: how many; 0 leaves the intervals out.
        seed: of the draws.
    """
    none: tuple[Interval | None, ...] = (None,) * len(found)
    by_clip = by_source = none
    statistics = [measure.statistic for measure in found]
    if resamples:
        alone = np.arange(len(sources))
        by_clip = bootstrap.intervals(statistics, alone, resamples=resamples, seed=seed)
        if any(source is not None for source in sources):
            together = source_numbers(sources)
            by_source = bootstrap.intervals(statistics, together, resamples=resamples, seed=seed)
    return tuple(
        Figure(
            key=measure.key,
            name=measure.name,
            value=measure.value if math.isfinite(measure.value) else None,
            by_clip=_finite(clip),
            by_source=_finite(source),
        )
        for measure, clip, source in zip(found, by_clip, by_source, strict=True)
    )


def measures(judged: Judged) -> list[Measure]:
    """All that can be said of decisions, rankings and probabilities among the dataset's classes."""
    return [*_choices(judged), *_decisions(judged), *_rankings(judged), *_calibration(judged)]


def share(key: str, name: str, worth: Floats | NDArray[np.bool_]) -> Measure:
    """The mean of what each clip is worth, (N,); clips that are NaN do not count."""
    worth = worth.astype(np.float64)
    known = worth[~np.isnan(worth)]
    value = float(known.mean()) if len(known) else math.nan
    return Measure(key=key, name=name, value=value, statistic=bootstrap.mean(worth))


def top_error(key: str, name: str, right: NDArray[np.bool_], confidence: Floats) -> Measure:
    """Expected calibration error of the most probable class, (N,) each."""
    return Measure(
        key=key,
        name=name,
        value=reliability.calibration_error(right, confidence),
        statistic=bootstrap.calibration_error(right, confidence),
    )


def classwise(key: str, name: str, judged: Judged, probabilities: Floats) -> Measure:
    """Expected calibration error of each class alone, averaged."""
    return Measure(
        key=key,
        name=name,
        value=reliability.classwise_error(judged.truth, probabilities),
        statistic=bootstrap.classwise_error(judged.truth, probabilities),
    )


def top_answer(truth: Truth, probabilities: Floats) -> tuple[NDArray[np.bool_], Floats]:
    """Whether the most probable class is right, and its probability, (N,) each."""
    first = np.argmax(probabilities, axis=1)
    clips = np.arange(len(first))
    return truth[clips, first], probabilities[clips, first]


def _choices(judged: Judged) -> list[Measure]:
    truth, scores = judged.truth, judged.scores
    found = [
        share("accuracy", "accuracy", metrics.hits(truth, scores)),
        share("top_3", "top 3", metrics.hits(truth, scores, 3)),
        share("top_5", "top 5", metrics.hits(truth, scores, 5)),
    ]
    if judged.multi_label:
        found.append(share("exact_match", "exact match", (truth == judged.said).all(axis=1)))
    return found


def _decisions(judged: Judged) -> list[Measure]:
    truth, said = judged.truth, judged.said
    decided = metrics.decided(truth, said)
    found = []
    for kind, values in (("macro", decided.macro), ("micro", decided.micro)):
        statistics = bootstrap.decision_scores(truth, said, macro=kind == "macro")
        named = zip(("precision", "recall", "F1"), values, statistics, strict=True)
        found += [
            Measure(
                key=f"{name.lower()}_{kind}", name=f"{name}, {kind}", value=value, statistic=drawn
            )
            for name, value, drawn in named
        ]
    return found


def _rankings(judged: Judged) -> list[Measure]:
    truth, scores = judged.truth, judged.scores
    auc, mean_auc = _mean(metrics.roc_auc(truth, scores)), bootstrap.mean_roc_auc(truth, scores)
    return [
        Measure(
            key="mean_average_precision",
            name="mAP",
            value=_mean(metrics.average_precision(truth, scores)),
            statistic=bootstrap.mean_average_precision(truth, scores),
        ),
        Measure(key="roc_auc", name="ROC AUC", value=auc, statistic=mean_auc),
        Measure(
            key="d_prime",
            name="d′ of the mean AUC",
            value=metrics.d_prime(auc) if not math.isnan(auc) else math.nan,
            statistic=lambda weights: np.array([metrics.d_prime(v) for v in mean_auc(weights)]),
        ),
        Measure(
            key="lwlrap",
            name="lwlrap",
            value=metrics.lwlrap(truth, scores),
            statistic=_lwlrap(truth, scores),
        ),
    ]


def _calibration(judged: Judged) -> list[Measure]:
    each = classwise("ece_classwise", "ECE, class-wise", judged, judged.probabilities)
    if judged.multi_label:
        return [each]
    return [top_error("ece", "ECE", *judged.first), each]


def _lwlrap(truth: Truth, scores: Floats) -> Statistic:
    """Each clip's precisions at its labels, over its number of labels."""
    clip, label = np.nonzero(truth)
    no_lower = scores[clip] >= scores[clip, label][:, None]  # (labels of all clips, C)
    precision = (no_lower & truth[clip]).sum(axis=1) / no_lower.sum(axis=1)
    parts = np.bincount(clip, precision, minlength=len(truth)).astype(np.float64)
    return bootstrap.ratio(parts, truth.sum(axis=1).astype(np.float64))


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


def _finite(interval: Interval | None) -> Interval | None:
    if interval is None or not (math.isfinite(interval.low) and math.isfinite(interval.high)):
        return None
    return interval


def source_numbers(sources: Sequence[str | None]) -> NDArray[np.integer]:
    """A number from 0 for each source; a clip without one has its own."""
    names = [
        ("clip", str(index)) if source is None else ("source", source)
        for index, source in enumerate(sources)
    ]
    places = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([places[name] for name in names])
