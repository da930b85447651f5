"""Scores of predictions and of embeddings, from arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, confusion_matrix, top_k_accuracy_score

from passt_core.errors import DatasetError

Floats = NDArray[np.floating]
Integers = NDArray[np.integer]

DEPTH = 10
"""Neighbours that the mean average precision of a retrieval looks at."""


@dataclass(frozen=True, kw_only=True)
class Retrieval:
    """How well nearest neighbours share a label: of the first one, and of the first ten."""

    recall_at_1: float
    map_at_10: float


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


def average_precision(targets: Integers, scores: Floats) -> NDArray[np.float64]:
    """Average precision of each class, (C,); NaN for a class that no target names."""
    return np.array(
        [
            average_precision_score(targets == index, scores[:, index])
            if np.any(targets == index)
            else np.nan
            for index in range(scores.shape[1])
        ]
    )


def confusion(targets: Integers, scores: Floats) -> NDArray[np.int64]:
    """Counts (C, C): rows are what it is, columns what was said."""
    said = np.argmax(scores, axis=1)
    return confusion_matrix(targets, said, labels=np.arange(scores.shape[1]))


def retrieval(embeddings: Floats, targets: Integers) -> Retrieval:
    """Search every clip's neighbours among the others by cosine.

    Args:
        embeddings: (N, D), of any length.
        targets: (N,). Clips whose label no other clip has are left out as queries.

    Returns:
        recall@1: share of queries whose nearest neighbour has their label. mAP@10: mean over the
        queries of the precision at each hit among the first ten, over the hits there could be.

    Raises:
        DatasetError: no label has two clips.
    """
    unit = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    similarity = unit @ unit.T
    np.fill_diagonal(similarity, -np.inf)
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :-1]  # (N, N - 1)
    hits = targets[order] == targets[:, None]
    possible = hits.sum(axis=1)
    hits, possible = hits[possible > 0, :DEPTH], np.minimum(possible[possible > 0], DEPTH)
    if not len(hits):
        raise DatasetError(
            "no label has two clips, so no neighbour can be right; give two clips or more per label"
        )
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    return Retrieval(
        recall_at_1=float(hits[:, 0].mean()),
        map_at_10=float(((precision * hits).sum(axis=1) / possible).mean()),
    )
