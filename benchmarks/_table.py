"""Timing two things in turn, and the table that compares them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """``what`` took ``seconds``, ``against`` took ``other``: a ratio of ``aim`` at most is good."""

    what: str
    seconds: float
    against: str
    other: float
    aim: float | None = None

    @property
    def ratio(self) -> float:
        return self.seconds / self.other


def in_turn(runs: int, *functions: Callable[[], object]) -> list[float]:
    """Median seconds of each function; each is warmed once, then they take turns."""
    for function in functions:
        function()
    times = [[clocked(function) for function in functions] for _ in range(runs)]
    return [statistics.median(column) for column in zip(*times, strict=True)]


def clocked(function: Callable[[], object]) -> float:
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def show(rows: list[Row]) -> None:
    head = ("what", "ms", "against", "ms", "ratio", "aim")
    cells = [
        (
            row.what,
            f"{1000 * row.seconds:.1f}",
            row.against,
            f"{1000 * row.other:.1f}",
            f"{row.ratio:.3f}",
            ""
            if row.aim is None
            else f"<= {row.aim:g} {'ok' if row.ratio <= row.aim else 'MISSED'}",
        )
        for row in rows
    ]
    show_cells(head, cells)


def show_cells(head: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    for line in (head, tuple("-" * width for width in widths), *cells):
        print("| " + " | ".join(map(str.ljust, line, widths)) + " |")
