"""A build that is watched: told in lines of progress, and stopped when the visitor asks."""

from __future__ import annotations

import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

from passt_core.errors import PasstError
from passt_core.library.build import Steps
from passt_core.library.steps import Step
from passt_core.library.store import SoundLibrary
from passt_ui.library.visit import Work

T = TypeVar("T")

TELL_EVERY_S = 0.3
_SAID = MappingProxyType(
    {"reading": "Read {} of {} files", "embedding": "Listened to {} of {} sounds"}
)
_MAPPING = "Laying out the map and the index"


class StoppedError(PasstError):
    """A build that was stopped; what was heard is kept."""


@dataclass
class Pace:
    """How far a stage is, how fast it goes, and how long it will take."""

    stage: str = ""
    began: float = field(default_factory=time.monotonic)
    first: int = 0

    def line(self, step: Step, now: float) -> str:
        """What is done of the stage, and from its second step on how fast and until when."""
        if step.stage != self.stage:
            self.stage, self.began, self.first = step.stage, now, step.done
        if step.stage not in _SAID:
            return _MAPPING
        told = _SAID[step.stage].format(step.done, step.total)
        seconds, done = now - self.began, step.done - self.first
        if seconds <= 0 or not done:
            return told
        return f"{told} · {_rate(done / seconds)}{_left(seconds / done * (step.total - step.done))}"


def watched(steps: Steps, work: Work) -> Generator[tuple[str, float | None], None, SoundLibrary]:
    """Take the steps of a build, telling now and then how far it is, as (line, share of a stage).

    Raises:
        StoppedError: it was asked to; what was heard stays for the next build of the same name.
        PasstError: what the build raises.
    """
    pace, last, told = Pace(), 0.0, ""
    one_by_one = _in_one_thread(steps)
    try:
        while True:
            try:
                step = next(one_by_one)
            except StopIteration as end:
                library: SoundLibrary = end.value
                return library
            now = time.monotonic()
            line = pace.line(step, now)
            if work.stopped:
                raise StoppedError(_stopped(work.why, step))
            if now - last > TELL_EVERY_S or step.stage != told:
                last, told = now, step.stage
                yield line, step.done / step.total if step.total else None
    finally:
        one_by_one.close()


def _in_one_thread(steps: Generator[Step, None, T]) -> Generator[Step, None, T]:
    """The same steps, all taken in one thread, as an open journal wants it.

    A page's handler is taken on in another thread after each change that it tells of.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="library") as thread:
        try:
            while True:
                try:
                    step = thread.submit(next, steps).result()
                except StopIteration as end:
                    result: T = end.value
                    return result
                yield step
        finally:
            thread.submit(steps.close).result()


def _stopped(why: str, step: Step) -> str:
    kept = "the sounds that were read"
    if step.stage == "embedding":
        kept = f"the {step.done} sounds that were heard, of {step.total}"
    return f"{why} Kept: {kept}; press the button again, with the same sounds, to go on."


def _rate(per_second: float) -> str:
    return f"{per_second:.0f} per s" if per_second >= 1 else f"{60 * per_second:.1f} per min"


def _left(seconds: float) -> str:
    if seconds < 1:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    return f" · about {f'{minutes} min {rest} s' if minutes else f'{rest} s'} left"
