"""A timeline → events: from when to when a class was heard."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from passt_core.errors import PasstError
from passt_core.inference.timeline import Timeline

_NANOSECOND = 1e-9
"""Sums of binary fractions may miss a decimal length by less."""


@dataclass(frozen=True, kw_only=True)
class EventRule:
    """When a probability is an event: a trigger with hysteresis.

    Attributes:
        on: probability that an event reaches somewhere, above 0 and at most 1.
        off: probability that it stays at or above from its begin to its end, at most ``on``.
        least_s: shorter events fall away, seconds; after merging.
        merge_s: events of one class with a shorter gap between them are one, seconds.
        classes: places in the head of the classes that are meant; empty: all.
    """

    on: float = 0.5
    off: float = 0.3
    least_s: float = 0.0
    merge_s: float = 0.0
    classes: frozenset[int] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        if not 0.0 < self.on <= 1.0:
            raise PasstError(
                f"events begin at a probability of {self.on:g}; it must be above 0 and at most 1"
            )
        if not 0.0 < self.off <= self.on:
            raise PasstError(
                f"events end below a probability of {self.off:g} and begin at {self.on:g}; "
                "the first must be above 0 and no higher than the second"
            )
        for what, value in (("the least length", self.least_s), ("the gap", self.merge_s)):
            if not (math.isfinite(value) and value >= 0.0):
                raise PasstError(
                    f"{what} of events is {value:g} s; it must be 0 or more, and finite"
                )


@dataclass(frozen=True, kw_only=True)
class Event:
    """A class that was heard for a time.

    Attributes:
        label: the class; index: its place in the head.
        start_s, end_s: seconds from the sound's beginning.
        peak: its highest probability; peak_s: the middle of the first window that has it.
        mean: its mean probability from begin to end, the gaps that were merged included.
    """

    label: str
    index: int
    start_s: float
    end_s: float
    peak: float
    peak_s: float
    mean: float


def find_events(timeline: Timeline, rule: EventRule) -> tuple[Event, ...]:
    """The events of a timeline.

    An event is where a class reaches ``rule.on``, and all around it where it stays at
    ``rule.off`` or above. A window speaks for its stretch of :meth:`Timeline.cells`.

    Returns:
        By start, then by label.

    Raises:
        PasstError: the rule names a class that the model does not have.
    """
    classes = _chosen(rule.classes, len(timeline.labels))
    peaks = timeline.probabilities.max(axis=0, initial=0.0)
    classes = classes[peaks[classes] >= rule.on]  # a few of hundreds: the others are not copied
    borders = timeline.cells()
    heard = np.zeros((len(classes), len(borders) + 1), np.float32)  # a quiet window at both ends
    heard[:, 1:-1] = timeline.probabilities[:, classes].T
    row, first, last = _merged(*_runs(heard, rule), borders, rule.merge_s)
    long = borders[last] - borders[first] > rule.least_s - _NANOSECOND
    row, first, last = row[long], first[long], last[long]
    lengths = np.diff(borders)
    centres = (timeline.starts + timeline.ends) / 2
    events = []
    for place, begin, end in zip(row, first, last, strict=True):
        index = int(classes[place])
        stretch = timeline.probabilities[begin:end, index]
        peak = int(stretch.argmax())
        events.append(
            Event(
                label=timeline.labels[index],
                index=index,
                start_s=float(borders[begin]),
                end_s=float(borders[end]),
                peak=float(stretch[peak]),
                peak_s=float(centres[begin + peak]),
                mean=float(stretch @ lengths[begin:end] / (borders[end] - borders[begin])),
            )
        )
    return tuple(sorted(events, key=lambda event: (event.start_s, event.label)))


_Places = NDArray[np.int64]


def _chosen(classes: Collection[int], count: int) -> _Places:
    chosen = np.array(sorted(classes), np.int64) if classes else np.arange(count)
    if len(chosen) and not 0 <= chosen[0] <= chosen[-1] < count:
        wrong = chosen[0] if chosen[0] < 0 else chosen[-1]
        raise PasstError(
            f"events of class {wrong} were asked for; the model's classes are 0 to {count - 1}"
        )
    return chosen


def _runs(heard: NDArray[np.float32], rule: EventRule) -> tuple[_Places, _Places, _Places]:
    """Stretches at ``off`` or above that reach ``on``: row, first window, window after the last."""
    change = np.diff((heard >= rule.off).astype(np.int8), axis=1)
    row, first = np.nonzero(change == 1)
    last = np.nonzero(change == -1)[1]
    peaks = np.maximum.reduceat(heard.ravel(), _flat(heard, row, first, last))[::2]
    reached = peaks >= rule.on
    return row[reached], first[reached], last[reached]


def _merged(
    row: _Places, first: _Places, last: _Places, borders: NDArray[np.float64], merge_s: float
) -> tuple[_Places, _Places, _Places]:
    """Make one of neighbours in a row with a shorter gap than ``merge_s``."""
    gaps = borders[first[1:]] - borders[last[:-1]]
    apart = (row[1:] != row[:-1]) | (gaps > merge_s - _NANOSECOND)
    ends = np.ones(len(row) and 1, np.bool_)
    begins, closes = np.concatenate([ends, apart]), np.concatenate([apart, ends])
    return row[begins], first[begins], last[closes]


def _flat(heard: NDArray[np.float32], row: _Places, first: _Places, last: _Places) -> _Places:
    """Begin and end of each stretch in the flattened array, in turn, as ``reduceat`` takes them."""
    begin = row * heard.shape[1] + 1
    return np.stack([begin + first, begin + last], axis=1).ravel()
