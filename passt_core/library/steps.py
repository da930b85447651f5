"""Work that is done step by step: it can be watched, and stopped after any step."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Step:
    """How far a build is.

    Attributes:
        stage: ``reading`` (what the files hold), ``embedding`` or ``mapping``.
        done: files of this stage that are done; total: all of them; ``mapping`` has none.
    """

    stage: str
    done: int = 0
    total: int = 0


Progress = Callable[[Step], None]


def finished(steps: Generator[Step, None, T], progress: Progress | None = None) -> T:
    """Take all steps, telling each; returned is what comes of them."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        if progress:
            progress(step)
