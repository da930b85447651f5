"""What the Timeline tab's controls ask for: how a sound is cut, what is shown, what is an event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from passt_core.errors import PasstError
from passt_core.inference.events import EventRule
from passt_core.inference.predictor import Predictor
from passt_core.inference.timeline import Pace
from passt_core.signal import audio
from passt_ui.timeline.visit import Look

WINDOWS_S = (0.5, 1.0, 2.0, 5.0, 10.0)
WINDOW_S = 2.0
HOPS_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
BY_LENGTH = 0.0
"""Stands for a hop that follows the sound's length."""

_PARTS = ((30.0, 8), (120.0, 4))
"""A hop by length: up to so many seconds a window has so many hops; two beyond."""
_LONGEST = 2


@dataclass(frozen=True, kw_only=True)
class Limits:
    """A control with a number: its name on the page, and the least and the most it may be."""

    name: str
    least: float
    most: float

    def checked(self, value: float | None) -> float:
        """The value, if it lies within.

        Raises:
            PasstError: it does not, or there is none.
        """
        if isinstance(value, int | float) and self.least <= value <= self.most:
            return float(value)
        said = f"{value:g}" if isinstance(value, int | float) else "empty"
        raise PasstError(
            f"“{self.name}” is {said}; choose from {self.least:g} to {self.most:g}: until then "
            "all stays as it was"
        )


ROWS = Limits(name="Rows", least=1, most=40)
BEGINS = Limits(name="Event begins at", least=0.05, most=1.0)
ENDS = Limits(name="and ends below", least=0.05, most=1.0)
LEAST = Limits(name="Least length (s)", least=0.0, most=30.0)
GAP = Limits(name="Join gaps (s)", least=0.0, most=30.0)


def hops(window_s: float) -> list[float]:
    """The hops that leave nothing out between windows of a length, in seconds."""
    return [hop for hop in HOPS_S if hop <= window_s]


@dataclass(frozen=True, kw_only=True)
class Cut:
    """The controls of the pace: length of a window, and the hop or :data:`BY_LENGTH`."""

    window_s: float
    hop_s: float

    def check(self, predictor: Predictor) -> None:
        """Refuse what does not suit the model, whatever the sound.

        Raises:
            PasstError: it does not.
        """
        least = predictor.checkpoint.front_end.frame_seconds
        hop = least if self.hop_s == BY_LENGTH else self.hop_s
        Pace(window_s=self.window_s, hop_s=hop).windowing(predictor)

    def pace(self, predictor: Predictor, path: Path) -> Pace:
        """The pace for a sound.

        Raises:
            PasstError: it does not suit the model, or the file is no sound.
        """
        hop = self.hop_s
        if hop == BY_LENGTH:
            length = audio.info(path).duration_s
            parts = next((n for most, n in _PARTS if length and length <= most), _LONGEST)
            frame = predictor.checkpoint.front_end.frame_seconds
            hop = max(1, round(self.window_s / parts / frame)) * frame
        return Pace(window_s=self.window_s, hop_s=hop)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The controls: which classes are shown, what counts as an event, how the sound is cut."""

    look: Look
    rule: EventRule
    cut: Cut

    @classmethod
    def of(
        cls,
        window: float | None,
        hop: float | None,
        classes: float | None,
        chosen: Sequence[str] | None,
        on: float | None,
        off: float | None,
        least: float | None,
        merge: float | None,
    ) -> Asked:
        """From the controls, in the order that the page hands them on.

        Raises:
            PasstError: a number is not within its limits, or no rule can be so.
        """
        return cls(
            look=Look(k=int(ROWS.checked(classes)), chosen=tuple(chosen or ())),
            rule=EventRule(
                on=BEGINS.checked(on),
                off=ENDS.checked(off),
                least_s=LEAST.checked(least),
                merge_s=GAP.checked(merge),
            ),
            cut=Cut(window_s=window or WINDOW_S, hop_s=hop or BY_LENGTH),
        )

    def rule_for(self, labels: Sequence[str]) -> EventRule:
        """The rule, over the classes that were chosen."""
        places = frozenset(labels.index(label) for label in self.look.chosen if label in labels)
        return replace(self.rule, classes=places)
