"""Scores of predictions and of embeddings, from arrays.

``truth`` is which clip is of which class, (N, C) of bool; ``scores`` are (N, C), the higher the
likelier; ``targets`` are the class numbers of clips of one class each, (N,).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    label_ranking_average_precision_score,
    precision_recall_fscore_support,
    roc_auc_score,
    top_k_accuracy_score,
)

from passt_core.errors import DatasetError

Floats = NDArray[np.floating]
Integers = NDArray[np.integer]
Truth = NDArray[np.bool_]

DEPTH = 10
"""Neighbours that the mean average precision of a retrieval looks at."""
FEW = 5
"""Neighbours of which one at least should be right."""
_BLOCK = 512
"""Queries that are compared with all clips at once."""


@dataclass(frozen=True, kw_only=True)
class Retrieval:
    """How well nearest neighbours share a label: of the first, of five, and of the first ten."""

    recall_at_1: float
    recall_at_5: float
    map_at_10: float


class NeighbourScores(NamedTuple):
    """Of each query, (N,), 0 to 1; NaN for one whose label no other clip has.

    Attributes:
        first: whether the nearest neighbour is right.
        five: whether one of the five nearest is.
        precision: average precision at ten.
    """

    first: NDArray[np.float64]
    five: NDArray[np.float64]
    precision: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Decisions:
    """Precision, recall and F1 of each class, (C,), 0 to 1; NaN for a class that has no clip.

    Attributes:
        precision, recall, f1: per class.
        macro: precision, recall and F1 as means over the classes that have clips.
        micro: the same of all decisions together.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    macro: tuple[float, float, float]
    micro: tuple[float, float, float]


def one_hot(targets: Integers, classes: int) -> Truth:
    """Class numbers (N,) → truth (N, ``classes``)."""
    return _of_places(targets, classes)


def accuracy(targets: Integers, scores: Floats) -> float:
    """Share of rows of ``scores`` (N, C) whose highest is at the target, 0 to 1."""
    return float(np.mean(np.argmax(scores, axis=1) == targets))


def top_k(targets: Integers, scores: Floats, k: int) -> float:
    """Share of rows (N, C) whose target is among the k highest, 0 to 1; 1 if k is C or more."""
    classes = scores.shape[1]
    if k >= classes:
        return 1.0
    if classes == 2:
        return accuracy(targets, scores)
    return float(top_k_accuracy_score(targets, scores, k=k, labels=np.arange(classes)))


def hits(truth: Truth, scores: Floats, k: int = 1) -> NDArray[np.bool_]:
    """Which clips have one of their classes among the k highest, (N,).

    For clips of one class each the mean is the top-k accuracy.
    """
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.asarray(np.take_along_axis(truth, best, axis=1).any(axis=1))


def average_precision(targets: Integers | Truth, scores: Floats) -> NDArray[np.float64]:
    """Average precision of each class, (C,), of targets (N,) or truth (N, C).

    NaN for a class that no clip is of.
    """
    truth = _as_truth(targets, scores)
    return np.array(
        [
            average_precision_score(truth[:, index], scores[:, index])
            if truth[:, index].any()
            else np.nan
            for index in range(scores.shape[1])
        ]
    )


def roc_auc(targets: Integers | Truth, scores: Floats) -> NDArray[np.float64]:
    """Area under the ROC curve of each class against the rest, (C,), of targets or truth.

    NaN for a class that no clip or every clip is of.
    """
    truth = _as_truth(targets, scores)
    return np.array(
        [
            roc_auc_score(truth[:, index], scores[:, index])
            if 0 < truth[:, index].sum() < len(truth)
            else np.nan
            for index in range(scores.shape[1])
        ]
    )


def d_prime(auc: float) -> float:
    """Sensitivity index d′ = √2 · Φ⁻¹(AUC), Φ the normal distribution.

    Two definitions are in use for several classes: d′ of the mean AUC (AudioSet's baseline and the
    papers that follow it) and the mean of the classes' d′. Here it is that **of the mean AUC**: a
    single class in perfect order, of which there are many in small tests, would make the other
    infinite.

    Returns:
        Infinite for an AUC of 1 (or, negative, of 0).
    """
    if not 0.0 < auc < 1.0:
        return math.inf if auc >= 1.0 else -math.inf
    return math.sqrt(2.0) * NormalDist().inv_cdf(auc)


def lwlrap(truth: Truth, scores: Floats) -> float:
    """Label-weighted label-ranking average precision, 0 to 1 (Fonseca et al. 2019, DCASE task 2).

    The mean, over every label of every clip, of the precision among the classes ranked no lower.
    That is scikit-learn's label-ranking average precision with each clip weighted by its number of
    labels.
    """
    weights = truth.sum(axis=1)
    return float(label_ranking_average_precision_score(truth, scores, sample_weight=weights))


def decided(truth: Truth, said: Truth) -> Decisions:
    """Precision, recall and F1 of decisions ``said`` (N, C)."""
    there = truth.any(axis=0)
    options = {"zero_division": 0.0}
    each = precision_recall_fscore_support(truth, said, average=None, **options)[:3]
    kept = np.flatnonzero(there)
    macro = precision_recall_fscore_support(truth, said, average="macro", labels=kept, **options)
    micro = precision_recall_fscore_support(truth, said, average="micro", **options)
    precision, recall, f1 = (np.where(there, values, np.nan) for values in each)
    return Decisions(
        precision=precision,
        recall=recall,
        f1=f1,
        macro=(float(macro[0]), float(macro[1]), float(macro[2])),
        micro=(float(micro[0]), float(micro[1]), float(micro[2])),
    )


def confusion(targets: Integers, scores: Floats) -> NDArray[np.int64]:
    """Counts (C, C): rows are what it is, columns what was said."""
    said = np.argmax(scores, axis=1)
    return confusion_matrix(targets, said, labels=np.arange(scores.shape[1]))


def confusion_of_truth(truth: Truth, scores: Floats) -> NDArray[np.int64]:
    """Counts (C, C) for clips of several classes: rows are what it is, columns what was said first.

    A clip stands in the row of each of its classes. If the highest score is one of them, it is on
    the diagonal of each; else in the column of the highest.
    """
    said = np.argmax(scores, axis=1)
    clip, label = np.nonzero(truth)
    column = np.where(truth[clip, said[clip]], label, said[clip])
    return confusion_matrix(label, column, labels=np.arange(scores.shape[1]))


def _as_truth(targets: Integers | Truth, scores: Floats) -> Truth:
    return targets.astype(bool) if targets.ndim == 2 else _of_places(targets, scores.shape[1])


def _of_places(targets: NDArray[np.generic], classes: int) -> Truth:
    return targets[:, None] == np.arange(classes)[None, :]


def retrieval(embeddings: Floats, targets: Integers | Truth) -> Retrieval:
    """Search every clip's neighbours among the others by cosine.

    Args:
        embeddings: (N, D), of any length.
        targets: (N,), or truth (N, C), where a neighbour is right if it shares a class. Clips whose
            label no other clip has are left out as queries.

    Returns:
        recall@k: share of queries of whose k nearest neighbours at least one has their label.
        mAP@10: mean over the queries of the precision at each hit among the first ten, over the
        hits there could be.

    Raises:
        DatasetError: no label has two clips.
    """
    return mean_retrieval(neighbour_scores(embeddings, targets))


def mean_retrieval(scores: NeighbourScores) -> Retrieval:
    """The means over the queries that could find something.

    Raises:
        DatasetError: none could.
    """
    asked = ~np.isnan(scores.first)
    if not asked.any():
        raise DatasetError(
            "no label has two clips, so no neighbour can be right; give two clips or more per label"
        )
    return Retrieval(
        recall_at_1=float(scores.first[asked].mean()),
        recall_at_5=float(scores.five[asked].mean()),
        map_at_10=float(scores.precision[asked].mean()),
    )


def neighbour_scores(embeddings: Floats, targets: Integers | Truth) -> NeighbourScores:
    """Scores of every clip's neighbours among the others.

    Both arguments are as :func:`retrieval` takes them.
    """
    unit = _units(embeddings)
    blocks = []
    for start in range(0, len(unit), _BLOCK):
        queries = np.arange(start, min(start + _BLOCK, len(unit)))
        similarity, alike = unit[queries] @ unit.T, _alike(targets[queries], targets)  # (b, N)
        own = queries - start
        similarity[own, queries] = -np.inf
        alike[own, queries] = False
        blocks.append(_ranked(similarity, alike, len(unit) - 1))
    return NeighbourScores(*map(np.concatenate, zip(*blocks, strict=True)))


def search_scores(
    queries: Floats, wanted: Integers | Truth, library: Floats, held: Integers | Truth
) -> NeighbourScores:
    """Scores of the neighbours that queries have in a library that they are no part of.

    Args:
        queries: (Q, D), of any length.
        wanted: their targets, as :func:`retrieval` takes them.
        library: (N, D), of any length.
        held: its targets.
    """
    similarity = _units(queries) @ _units(library).T
    return NeighbourScores(*_ranked(similarity, _alike(wanted, held), len(library)))


def _units(vectors: Floats) -> Floats:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def _ranked(
    similarity: Floats, alike: Truth, others: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """As :class:`NeighbourScores`, for similarities (b, N) of which ``others`` count."""
    order = np.argsort(-similarity, axis=1, kind="stable")[:, : min(DEPTH, others)]
    found = np.take_along_axis(alike, order, axis=1)
    possible = np.minimum(alike.sum(axis=1), DEPTH)
    asked = possible > 0
    precision = np.cumsum(found, axis=1) / np.arange(1, found.shape[1] + 1)
    total = (precision * found).sum(axis=1)
    first, five = (np.where(asked, found[:, :k].any(axis=1), np.nan) for k in (1, FEW))
    none = np.full(len(alike), np.nan)
    return first, five, np.divide(total, possible, out=none, where=asked)


def _alike(queries: Integers | Truth, targets: Integers | Truth) -> NDArray[np.bool_]:
    """Which two clips share a class, (b, N)."""
    if targets.ndim == 1:
        return np.equal(queries[:, None], targets[None, :])
    return np.asarray(queries.astype(np.float32) @ targets.T.astype(np.float32) > 0)
