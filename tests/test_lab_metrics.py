"""Metrics against scikit-learn and against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from passt_core.errors import DatasetError
from passt_core.lab import metrics

RANDOM = np.random.default_rng(0)
TARGETS = RANDOM.integers(0, 5, 60)
SCORES = RANDOM.standard_normal((60, 5)) + np.eye(5)[TARGETS]


def test_accuracy_and_top_k() -> None:
    said = SCORES.argmax(axis=1)
    assert metrics.accuracy(TARGETS, SCORES) == sklearn_metrics.accuracy_score(TARGETS, said)
    by_hand = [
        target in set(np.argsort(-row)[:2]) for target, row in zip(TARGETS, SCORES, strict=True)
    ]
    assert metrics.top_k(TARGETS, SCORES, 2) == pytest.approx(np.mean(by_hand))
    assert metrics.top_k(TARGETS, SCORES, 1) == metrics.accuracy(TARGETS, SCORES)
    assert metrics.top_k(TARGETS, SCORES, 5) == 1.0


def test_top_k_of_two_classes() -> None:
    scores = np.array([[0.2, 0.8], [0.9, 0.1], [0.4, 0.6]])
    assert metrics.top_k(np.array([1, 1, 1]), scores, 1) == pytest.approx(2 / 3)


def test_average_precision_is_scikit_learns_and_nan_where_no_target_is() -> None:
    scores = np.hstack([SCORES, SCORES[:, :1]])
    found = metrics.average_precision(TARGETS, scores)
    expected = sklearn_metrics.average_precision_score(np.eye(5)[TARGETS], SCORES, average=None)
    np.testing.assert_allclose(found[:5], expected)
    assert np.isnan(found[5])


def test_confusion_rows_are_the_truth() -> None:
    scores = np.array([[0.1, 0.9], [0.9, 0.1], [0.2, 0.8]])
    table = metrics.confusion(np.array([0, 0, 1]), scores)
    np.testing.assert_array_equal(table, [[1, 1], [0, 1]])


def test_retrieval_by_hand() -> None:
    """Directions at 0° a, 10° a, 25° b, 50° a, 91° b; lengths must not matter."""
    angles = np.radians([0, 10, 25, 50, 91])
    lengths = np.array([[1], [9], [2], [3], [4]])
    embeddings = np.stack([np.cos(angles), np.sin(angles)], axis=1) * lengths
    found = metrics.retrieval(embeddings, np.array([0, 0, 1, 0, 1]))
    precision = [
        (1 / 1 + 2 / 3) / 2,  # a at 0°: a, b, a, b
        (1 / 1 + 2 / 3) / 2,  # a at 10°: a, b, a, b
        1 / 4,  # b at 25°: a (15°), a and a (25°), b
        (1 / 2 + 2 / 4) / 2,  # a at 50°: b (25°), a (40°), b (41°), a
        1 / 2,  # b at 91°: a, b, a, a
    ]
    assert found.recall_at_1 == pytest.approx(2 / 5)
    assert found.map_at_10 == pytest.approx(np.mean(precision))


def test_retrieval_needs_a_second_clip_of_some_label() -> None:
    with pytest.raises(DatasetError, match="no label has two clips"):
        metrics.retrieval(np.eye(3), np.arange(3))
