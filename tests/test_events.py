"""Events by two thresholds, against a plain loop."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from passt_core.errors import PasstError
from passt_core.inference.events import Event, EventRule, find_events
from passt_core.inference.timeline import Timeline

LABELS = ("Speech", "Music", "Bird")
Found = list[tuple[str, float, float]]


def timeline(probabilities: ArrayLike, *, hop_s: float = 1.0, last_s: float = 0.0) -> Timeline:
    """Windows of two hops; the last comes ``last_s`` before its place, aligned to the end."""
    table = np.asarray(probabilities, np.float32)
    starts = np.arange(len(table)) * hop_s
    starts[-1:] -= last_s
    ends = starts + 2 * hop_s
    return Timeline(
        model="made",
        labels=LABELS[: table.shape[1]],
        duration_s=float(ends[-1]),
        total_s=None,
        done=True,
        window_s=2 * hop_s,
        hop_s=hop_s,
        starts=starts,
        ends=ends,
        probabilities=table,
        silent=np.zeros(len(table), np.bool_),
        overview=np.zeros((128, 1), np.float32),
        overview_step_s=0.01,
    )


def one(*probabilities: float) -> Timeline:
    return timeline(np.array(probabilities)[:, None])


def spans(heard: Timeline, **rule: float) -> list[tuple[float, float]]:
    return [(event.start_s, event.end_s) for event in find_events(heard, EventRule(**rule))]


def looped(heard: Timeline, rule: EventRule) -> Found:
    """The same, window after window."""
    cells = heard.cells()
    found: Found = []
    for index, label in enumerate(heard.labels):
        runs: list[list[int]] = []
        run: list[int] = []
        for window, probability in enumerate([*heard.probabilities[:, index], 0.0]):
            if probability >= np.float32(rule.off):
                run.append(window)
            elif run:
                if any(heard.probabilities[w, index] >= np.float32(rule.on) for w in run):
                    runs.append(run)
                run = []
        merged: list[tuple[float, float]] = []
        for run in runs:
            begin, end = cells[run[0]], cells[run[-1] + 1]
            if merged and begin - merged[-1][1] < rule.merge_s - 1e-9:
                merged[-1] = (merged[-1][0], end)
            else:
                merged.append((begin, end))
        found += [(label, b, e) for b, e in merged if e - b > rule.least_s - 1e-9]
    return sorted(found, key=lambda event: (event[1], event[0]))


grades = st.sampled_from((0.0, 0.1, 0.25, 0.3, 0.5, 0.75, 1.0))


@settings(deadline=None, max_examples=300)
@given(
    table=st.lists(st.tuples(grades, grades, grades), min_size=1, max_size=20),
    thresholds=st.tuples(grades, grades).map(sorted),
    least=st.integers(0, 4),
    merge=st.integers(0, 4),
    last=st.sampled_from((0.0, 0.25, 0.5)),
)
def test_events_are_those_of_a_loop(
    table: list[tuple[float, ...]],
    thresholds: list[float],
    least: int,
    merge: int,
    last: float,
) -> None:
    off, on = (max(0.1, threshold) for threshold in thresholds)
    heard = timeline(table, hop_s=0.5, last_s=last if len(table) > 1 else 0.0)
    rule = EventRule(on=on, off=off, least_s=least * 0.5, merge_s=merge * 0.5)
    found = find_events(heard, rule)
    assert [(event.label, event.start_s, event.end_s) for event in found] == looped(heard, rule)
    cells = heard.cells()
    for event in found:
        inside = (cells[:-1] >= event.start_s) & (cells[1:] <= event.end_s)
        column, lengths = heard.probabilities[inside, event.index], np.diff(cells)[inside]
        assert event.peak == column.max() >= np.float32(rule.on)
        assert event.start_s <= event.peak_s <= event.end_s
        assert event.mean == pytest.approx(np.average(column, weights=lengths), rel=1e-5)
        assert heard.labels[event.index] == event.label


def test_an_event_begins_where_the_class_rose_over_off() -> None:
    heard = one(0.1, 0.35, 0.6, 0.9, 0.4, 0.2, 0.4)
    assert find_events(heard, EventRule(on=0.5, off=0.3)) == (
        Event(
            label="Speech",
            index=0,
            start_s=1.5,
            end_s=5.5,
            peak=pytest.approx(0.9),
            peak_s=4.0,
            mean=pytest.approx(0.5625),
        ),
    )


def test_the_first_and_the_last_event_reach_the_ends() -> None:
    assert spans(one(0.9, 0.1, 0.9)) == [(0.0, 1.5), (2.5, 4.0)]
    assert spans(one(0.9)) == [(0.0, 2.0)]


def test_gaps_shorter_than_merge_are_closed() -> None:
    heard = one(0.9, 0.1, 0.9, 0.1, 0.1, 0.9)
    apart = [(0.0, 1.5), (2.5, 3.5), (5.5, 7.0)]
    assert spans(heard, merge_s=1.0) == apart, "a gap of just that length stays"
    assert spans(heard, merge_s=1.01) == [(0.0, 3.5), (5.5, 7.0)]
    assert spans(heard, merge_s=2.5) == [(0.0, 7.0)]


def test_what_does_not_reach_on_bridges_nothing() -> None:
    assert spans(one(0.9, 0.0, 0.4, 0.0, 0.9), merge_s=2.0) == [(0.0, 1.5), (4.5, 6.0)]


def test_short_events_fall_away_after_merging() -> None:
    heard = one(0.1, 0.9, 0.1, 0.9, 0.1, 0.1, 0.1, 0.9, 0.1)
    assert spans(heard, least_s=1.0) == [(1.5, 2.5), (3.5, 4.5), (7.5, 8.5)]
    assert spans(heard, least_s=1.01) == []
    assert spans(heard, least_s=3.0, merge_s=1.5) == [(1.5, 4.5)]


def test_a_decimal_length_is_not_missed_by_a_rounding() -> None:
    heard = timeline(np.array([0.0, 0.9, 0.9, 0.9, 0.0])[:, None], hop_s=0.1)
    assert len(spans(heard, least_s=0.3)) == 1
    gap = timeline(np.array([0.9, 0.0, 0.0, 0.0, 0.9])[:, None], hop_s=0.1)
    assert len(spans(gap, merge_s=0.3)) == 2


def test_only_the_classes_that_are_meant() -> None:
    heard = timeline(np.full((3, 3), 0.8))
    assert [event.label for event in find_events(heard, EventRule())] == ["Bird", "Music", "Speech"]
    [event] = find_events(heard, EventRule(classes=frozenset({1})))
    assert (event.label, event.index) == ("Music", 1)


def test_nothing_heard_is_no_event() -> None:
    assert find_events(one(0.0, 0.2, 0.49), EventRule()) == ()


@pytest.mark.parametrize(
    ("rule", "reason"),
    (
        ({"on": 0.0, "off": 0.0}, "begin at a probability of 0; it must be above 0"),
        ({"on": 1.1}, "at most 1"),
        ({"on": float("nan")}, "at most 1"),
        ({"off": 0.0}, "above 0 and no higher"),
        ({"on": 0.4, "off": 0.5}, "below a probability of 0.5 and begin at 0.4"),
        ({"least_s": -1.0}, "the least length of events is -1 s; it must be 0 or more"),
        ({"merge_s": float("inf")}, "the gap of events is inf s"),
    ),
)
def test_a_rule_that_cannot_be_is_refused(rule: dict[str, float], reason: str) -> None:
    with pytest.raises(PasstError, match=reason):
        EventRule(**rule)


def test_looking_for_events_takes_room_for_those_alone() -> None:
    table = np.full((2000, 200), 0.2, np.float32)
    table[500:600, 7] = 0.8
    labels = tuple(f"class {index}" for index in range(200))
    wide = replace(timeline(table), labels=labels)
    tracemalloc.start()
    [event] = find_events(wide, EventRule())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert event.label == "class 7"
    assert most < table.nbytes / 4


@pytest.mark.parametrize("index", (-1, 3))
def test_a_class_that_is_not_there_is_refused(index: int) -> None:
    heard = timeline(np.full((3, 3), 0.8))
    with pytest.raises(PasstError, match=f"class {index} were asked for; .* are 0 to 2"):
        find_events(heard, EventRule(classes=frozenset({0, index})))
