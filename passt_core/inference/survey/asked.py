"""What is asked of each sound of a survey: its classes, or its events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import numpy as np

from passt_core.inference.analysis import DIGITS, ClipAnalysis, Floats
from passt_core.inference.events import Event, EventRule, find_events
from passt_core.inference.many import Question, SecondsHeard
from passt_core.inference.predictor import Predictor
from passt_core.inference.timeline import Pace, Timeline, listen, listen_together
from passt_core.signal.decoding import Waveform

Cell = str | int | float
Row = Sequence[Cell]

HELD_S = 60.0
"""Sounds up to this length are decoded ahead of the model, whole, to find their events."""

CLIP, WINDOW = "clip", "window"


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What a sound gave: its length in seconds, and its rows of the table without the file."""

    duration_s: float
    rows: tuple[Row, ...]


class Asked(Question[Heard], Protocol):
    """A question whose answers are rows of a table."""

    @property
    def columns(self) -> Mapping[str, type]:
        """Columns of the answers: name → ``str``, ``int`` or ``float``; the file comes before."""
        ...

    @property
    def settings(self) -> Mapping[str, object]:
        """All that the answers depend on, but for the model, in plain values."""
        ...

    def check(self, predictor: Predictor) -> None:
        """Refuse a model that cannot be asked this, with a PasstError."""
        ...


@dataclass(frozen=True, kw_only=True)
class Classes:
    """The ``top_k`` most probable classes of each sound, and of each window of a longer one."""

    top_k: int = 5

    @property
    def columns(self) -> Mapping[str, type]:
        return _CLASS_COLUMNS

    @property
    def settings(self) -> Mapping[str, object]:
        return {"what": "classes", "top-k": self.top_k}

    def check(self, predictor: Predictor) -> None:
        """Any model can be asked."""

    def held_s(self, predictor: Predictor) -> float:
        return predictor.window_s

    def of_whole(self, sounds: Sequence[Waveform], predictor: Predictor) -> list[Heard]:
        rate = predictor.sample_rate
        analyses = predictor.analyze_batch([(samples, rate) for samples in sounds])
        return [self._of_analysis(analysis) for analysis in analyses]

    def of_file(self, path: Path, predictor: Predictor, told: SecondsHeard) -> Heard:
        """As :meth:`Predictor.analyze_file` hears it; the spectrogram is not kept."""
        rows: list[Row] = []
        sums = np.zeros(len(predictor.labels))
        count, duration_s = 0, 0.0
        for window in predictor.windows(path):
            span = (window.start_s, window.end_s)
            rows += self._ranked(WINDOW, span, window.probabilities, predictor.labels)
            sums += window.probabilities
            count, duration_s = count + 1, window.end_s
            told(duration_s)
        whole = (sums / count).astype(np.float32)
        clip = self._ranked(CLIP, (0.0, duration_s), whole, predictor.labels)
        return Heard(duration_s=duration_s, rows=(*clip, *(rows if count > 1 else ())))

    def _of_analysis(self, found: ClipAnalysis) -> Heard:
        span = (0.0, found.duration_s)
        rows = list(self._ranked(CLIP, span, found.probabilities, found.labels))
        for window in found.windows if len(found.windows) > 1 else ():
            span = (window.start_s, window.end_s)
            rows += self._ranked(WINDOW, span, window.probabilities, found.labels)
        return Heard(duration_s=found.duration_s, rows=tuple(rows))

    def _ranked(
        self, scope: str, span: tuple[float, float], probabilities: Floats, labels: tuple[str, ...]
    ) -> Iterator[Row]:
        start_s, end_s = (round(second, DIGITS) for second in span)
        best = np.argsort(-probabilities, kind="stable")[: self.top_k]
        for rank, index in enumerate(best, start=1):
            score = round(float(probabilities[index]), DIGITS)
            yield scope, start_s, end_s, rank, labels[index], score


@dataclass(frozen=True, kw_only=True)
class Events:
    """When which class is heard in each sound: :func:`find_events` of its timeline."""

    pace: Pace
    rule: EventRule

    @property
    def columns(self) -> Mapping[str, type]:
        return _EVENT_COLUMNS

    @property
    def settings(self) -> Mapping[str, object]:
        rule = asdict(self.rule) | {"classes": sorted(self.rule.classes)}
        return {"what": "events", **asdict(self.pace), **rule}

    def check(self, predictor: Predictor) -> None:
        self.pace.windowing(predictor)

    def held_s(self, predictor: Predictor) -> float:  # noqa: ARG002 - of any model
        return HELD_S

    def of_whole(self, sounds: Sequence[Waveform], predictor: Predictor) -> list[Heard]:
        return list(map(self._of_timeline, listen_together(predictor, sounds, self.pace)))

    def of_file(self, path: Path, predictor: Predictor, told: SecondsHeard) -> Heard:
        for timeline in listen(predictor, path, self.pace):
            told(timeline.duration_s)
        return self._of_timeline(timeline)

    def events(self, heard: Heard, labels: Sequence[str]) -> tuple[Event, ...]:
        """The events that rows tell of; ``labels`` are the model's classes."""
        events = []
        for label, *figures in heard.rows:
            named = zip(list(_EVENT_COLUMNS)[1:], map(float, figures), strict=True)
            events.append(Event(label=str(label), index=labels.index(str(label)), **dict(named)))
        return tuple(events)

    def _of_timeline(self, timeline: Timeline) -> Heard:
        rows: list[Row] = []
        for e in find_events(timeline, self.rule):
            figures = (e.start_s, e.end_s, e.peak, e.peak_s, e.mean)
            rows.append((e.label, *(round(figure, DIGITS) for figure in figures)))
        return Heard(duration_s=timeline.duration_s, rows=tuple(rows))


_CLASS_COLUMNS: Mapping[str, type] = MappingProxyType(
    {"scope": str, "start_s": float, "end_s": float, "rank": int, "label": str, "score": float}
)
_EVENT_COLUMNS: Mapping[str, type] = MappingProxyType(
    {
        "label": str,
        "start_s": float,
        "end_s": float,
        "peak": float,
        "peak_s": float,
        "mean": float,
    }
)
