"""Intervals: what is drawn, and that a weighted score is the score of the clips drawn."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from passt_core.lab import bootstrap, measures, metrics, reliability
from passt_core.lab.measures import Judged


def judged(seed: int, *, clips: int = 40, classes: int = 4, multi_label: bool = False) -> Judged:
    random = np.random.default_rng(seed)
    truth = metrics.one_hot(random.integers(0, classes, clips), classes)
    if multi_label:
        truth |= random.random((clips, classes)) < 0.2
    scores = np.round(random.standard_normal((clips, classes)) + truth, 1)  # with ties
    return Judged(
        truth=truth,
        scores=scores,
        probabilities=1 / (1 + np.exp(-scores)),
        multi_label=multi_label,
    )


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.booleans())
def test_a_weighted_score_is_the_score_of_the_clips_drawn(seed: int, multi_label: bool) -> None:
    """Every measure, its statistic against the measure itself on the repeated rows."""
    whole = judged(seed, multi_label=multi_label)
    weights = next(bootstrap.draws(np.arange(40), resamples=1, seed=seed))
    drawn = np.repeat(np.arange(40), weights[0].astype(int))
    part = replace(
        whole,
        truth=whole.truth[drawn],
        scores=whole.scores[drawn],
        probabilities=whole.probabilities[drawn],
    )
    assume(whole.truth[drawn].any(axis=0).all())  # else class-wise errors have others to average
    for measure, expected in zip(measures.measures(whole), measures.measures(part), strict=True):
        assert measure.key == expected.key
        assert measure.statistic(weights)[0] == pytest.approx(expected.value), measure.key


def test_all_clips_once_give_the_score_itself() -> None:
    for multi_label in (False, True):
        for measure in measures.measures(judged(0, multi_label=multi_label)):
            assert measure.statistic(np.ones((2, 40))) == pytest.approx([measure.value] * 2)


def test_the_interval_of_a_mean_is_that_of_theory() -> None:
    values = np.random.default_rng(0).random(400)
    (interval,) = bootstrap.intervals([bootstrap.mean(values)], np.arange(400))
    assert interval is not None
    error = 1.96 * values.std() / math.sqrt(400)
    assert interval.low == pytest.approx(values.mean() - error, abs=0.15 * error)
    assert interval.high == pytest.approx(values.mean() + error, abs=0.15 * error)


def test_draws_are_the_same_for_one_seed_and_as_many_as_there_are() -> None:
    units = np.array([0, 0, 1, 2, 2, 2])
    (one,), (again,) = (list(bootstrap.draws(units, resamples=50, seed=3)) for _ in range(2))
    (other,) = bootstrap.draws(units, resamples=50, seed=4)
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    assert one.shape == (50, 6)
    assert (one[:, 0] == one[:, 1]).all()  # of one source
    assert (one[:, 0] + one[:, 2] + one[:, 3] == 3).all()  # three sources are drawn each time


def test_by_source_is_wider_where_sources_are_alike() -> None:
    """Twenty sources of ten clips, each right or wrong as a whole."""
    right = np.repeat(np.arange(20) % 2 == 0, 10)
    sources = [f"recording {index // 10}" for index in range(200)]
    (figure,) = measures.figures([measures.share("accuracy", "accuracy", right)], sources)
    assert figure.value == 0.5
    assert figure.by_clip is not None
    assert figure.by_source is not None
    width = figure.by_clip.high - figure.by_clip.low
    assert figure.by_source.high - figure.by_source.low > 2.5 * width


def test_without_sources_or_resamples_there_is_no_interval() -> None:
    found = [measures.share("accuracy", "accuracy", np.array([True, False]))]
    (by_clip,) = measures.figures(found, [None, None], resamples=20)
    assert by_clip.by_clip is not None
    assert by_clip.by_source is None
    (bare,) = measures.figures(found, ["a", "b"], resamples=0)
    assert bare.by_clip is None
    assert bare.by_source is None


def test_clips_that_do_not_count() -> None:
    measure = measures.share("recall_at_1", "R@1", np.array([1.0, np.nan, 0.0, 1.0]))
    assert measure.value == pytest.approx(2 / 3)
    drawn = np.array([[0.0, 3.0, 1.0, 0.0], [0.0, 4.0, 0.0, 0.0]])
    np.testing.assert_array_equal(measure.statistic(drawn), [0.0, np.nan])


def test_what_is_infinite_is_not_told() -> None:
    """Perfect scores: d′ has no end."""
    truth = metrics.one_hot(np.arange(20) % 2, 2)
    perfect = Judged(truth=truth, scores=truth * 1.0, probabilities=truth * 1.0, multi_label=False)
    found = {f.key: f for f in measures.figures(measures.measures(perfect), [None] * 20)}
    assert found["roc_auc"].value == 1.0
    assert found["d_prime"].value is None
    assert found["d_prime"].by_clip is None


def test_calibration_error_by_hand() -> None:
    confidence = np.array([0.05, 0.1, 0.95, 1.0, 0.0])
    right = np.array([False, True, True, False, False])
    bins = reliability.reliability(right, confidence, 10)
    assert [b.count for b in bins] == [3, 0, 0, 0, 0, 0, 0, 0, 0, 2]  # 0.1 closes the first
    assert bins[0].confidence == pytest.approx(0.05)
    assert bins[0].accuracy == pytest.approx(1 / 3)
    assert bins[1].confidence is None
    expected = (3 * abs(1 / 3 - 0.05) + 2 * abs(1 / 2 - 0.975)) / 5
    assert reliability.calibration_error(right, confidence, 10) == pytest.approx(expected)
    from_bins = sum(b.count * abs(b.accuracy - b.confidence) for b in bins if b.count) / 5
    assert from_bins == pytest.approx(expected)


def test_a_calibrated_model_has_next_to_no_error() -> None:
    random = np.random.default_rng(0)
    confidence = random.random(50_000)
    assert reliability.calibration_error(random.random(50_000) < confidence, confidence) < 0.01
    assert reliability.calibration_error(random.random(50_000) < 0.5, confidence) > 0.2


def test_the_class_wise_error_leaves_out_classes_without_clips() -> None:
    truth = np.array([[1, 0, 0], [0, 1, 0]], bool)
    probabilities = np.array([[1.0, 0.0, 0.9], [0.5, 0.5, 0.9]])
    assert reliability.classwise_error(truth, probabilities) == pytest.approx(
        ((0.0 + 0.5) / 2 + (0.0 + 0.5) / 2) / 2
    )
