"""Metrics against scikit-learn and against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from passt_core.errors import DatasetError
from passt_core.lab import metrics

RANDOM = np.random.default_rng(0)
TRUTH = RANDOM.random((60, 5)) < 0.3
TRUTH[~TRUTH.any(axis=1), 0] = True
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


def test_hits_are_top_k_accuracy_where_a_clip_has_one_class() -> None:
    truth = metrics.one_hot(TARGETS, 5)
    for k in (1, 2, 3):
        assert metrics.hits(truth, SCORES, k).mean() == pytest.approx(
            metrics.top_k(TARGETS, SCORES, k)
        )


def test_retrieval_by_truth_is_retrieval_by_targets() -> None:
    embeddings = RANDOM.standard_normal((60, 4))
    by_truth = metrics.retrieval(embeddings, metrics.one_hot(TARGETS, 5))
    assert by_truth == metrics.retrieval(embeddings, TARGETS)


def test_neighbours_of_several_classes_need_one_in_common() -> None:
    """Three clips on a line, a+b, b, c: the middle one is nearest to both."""
    truth = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1]], bool)
    angles = np.radians([0, 10, 15])
    first, _, precision = metrics.neighbour_scores(
        np.stack([np.cos(angles), np.sin(angles)], axis=1), truth
    )
    np.testing.assert_array_equal(first, [1.0, 0.0, np.nan])
    np.testing.assert_array_equal(precision, [1.0, 0.5, np.nan])


def test_roc_auc_is_the_share_of_pairs_in_order_and_nan_without_pairs() -> None:
    scores = np.round(SCORES, 1)  # with ties
    found = metrics.roc_auc(TRUTH, scores)
    for index in range(5):
        ones, others = scores[TRUTH[:, index], index], scores[~TRUTH[:, index], index]
        above = (ones[:, None] > others).mean() + (ones[:, None] == others).mean() / 2
        assert found[index] == pytest.approx(above)
    alone = metrics.roc_auc(np.array([[1, 0], [1, 0]], bool), np.eye(2))
    assert np.isnan(alone).all()


def test_d_prime_is_the_distance_of_two_normals_that_have_this_auc() -> None:
    """Scores N(0, 1) and N(1.7, 1): d′ is 1.7, and the AUC follows from it."""
    random = np.random.default_rng(1)
    ones, others = random.standard_normal(20_000) + 1.7, random.standard_normal(20_000)
    auc = sklearn_metrics.roc_auc_score(np.repeat([1, 0], 20_000), np.append(ones, others))
    assert metrics.d_prime(auc) == pytest.approx(1.7, abs=0.02)
    assert metrics.d_prime(0.5) == 0.0
    assert metrics.d_prime(1.0) == np.inf
    assert metrics.d_prime(0.0) == -np.inf


def lwlrap_by_hand(truth: metrics.Truth, scores: metrics.Floats) -> float:
    """Per class over its labels, then weighted by the classes' share of labels (DCASE 2019)."""
    precision = np.zeros(truth.shape)
    for clip, (row, values) in enumerate(zip(truth, scores)):
        order = np.argsort(-values)
        for place, label in enumerate(order):
            if row[label]:
                precision[clip, label] = row[order[: place + 1]].sum() / (place + 1)
    labels = truth.sum(axis=0)
    each = precision.sum(axis=0) / np.maximum(labels, 1)
    return float((each * labels / labels.sum()).sum())


@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(2, 30))
def test_lwlrap_is_the_class_weighted_sum_of_its_paper(seed: int, classes: int, clips: int) -> None:
    random = np.random.default_rng(seed)
    truth = random.random((clips, classes)) < 0.4
    truth[np.arange(clips), random.integers(0, classes, clips)] = True
    scores = random.standard_normal((clips, classes))
    assert metrics.lwlrap(truth, scores) == pytest.approx(lwlrap_by_hand(truth, scores))


def test_decisions_by_hand() -> None:
    truth = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]], bool)
    said = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]], bool)
    found = metrics.decided(truth, said)
    np.testing.assert_allclose(found.precision, [1.0, 0.5, np.nan])
    np.testing.assert_allclose(found.recall, [0.5, 0.5, np.nan])
    np.testing.assert_allclose(found.f1, [2 / 3, 0.5, np.nan])
    assert found.macro == pytest.approx((0.75, 0.5, (2 / 3 + 0.5) / 2))
    assert found.micro == pytest.approx((0.5, 0.5, 0.5))


def test_confusion_of_clips_of_several_classes() -> None:
    truth = np.array([[1, 1, 0], [1, 0, 1], [0, 0, 1]], bool)
    scores = np.array([[0.9, 0.1, 0.2], [0.1, 0.9, 0.2], [0.1, 0.2, 0.9]])
    table = metrics.confusion_of_truth(truth, scores)
    np.testing.assert_array_equal(table, [[1, 1, 0], [0, 1, 0], [0, 1, 1]])
    alone = metrics.one_hot(TARGETS, 5)
    np.testing.assert_array_equal(
        metrics.confusion_of_truth(alone, SCORES), metrics.confusion(TARGETS, SCORES)
    )
