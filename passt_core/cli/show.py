"""How results look: aligned tables, JSON, one-line errors, progress on a terminal."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import typer
from tqdm import tqdm

from passt_core.library.steps import Step, finished

T = TypeVar("T")
Report = Callable[[float, float | None], None]
"""Called with how much is done and, where it is known, how much there is."""

_GAP = "  "
_PATIENCE_S = 0.5
"""What is done sooner needs no bar."""


def echo_json(result: Any) -> None:
    """Print a result as JSON; in ASCII, so that any terminal and pipe takes it."""
    typer.echo(json.dumps(result, indent=2))


def echo_table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows in aligned columns: numbers to the right, all else to the left."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(_width(cell) for cell in column) for column in zip(headers, *cells, strict=True)]
    numeric = [
        bool(rows) and all(isinstance(row[i], int | float) for row in rows)
        for i in range(len(headers))
    ]
    for line in (headers, *cells):
        padded = (
            _pad(cell, width, right)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        )
        typer.echo(_GAP.join(padded).rstrip())


def echo_facts(facts: Sequence[tuple[str, object]]) -> None:
    """Print names and values in two columns; facts that are None are left out."""
    told = [(name, _cell(value)) for name, value in facts if value is not None]
    widest = max(len(name) for name, _ in told)
    for name, value in told:
        typer.echo(f"{name:<{widest}}{_GAP}{value}".rstrip())


def one_line(message: object) -> str:
    """A message without line breaks and without what could steer a terminal."""
    printable = "".join(c if c.isprintable() else " " for c in str(message))
    return " ".join(printable.split())


@contextmanager
def progress(what: str, unit: str, *, scaled: bool = False) -> Iterator[Report]:
    """Show a bar on standard error while the block runs; nothing unless that is a terminal.

    Args:
        what: is done.
        unit: it is counted in.
        scaled: count in thousands and millions, as for bytes.
    """
    options = {"desc": what, "unit": unit, "unit_scale": scaled}
    with tqdm(**options, disable=None, leave=False, delay=_PATIENCE_S) as bar:

        def report(done: float, total: float | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield report


def steps_shown(steps: Generator[Step, None, T]) -> T:
    """Take the steps of a build; on a terminal a bar tells stage, rate and time left.

    Returns:
        What the build gave.
    """
    stage = ""
    with tqdm(unit="file", disable=None, leave=False, delay=_PATIENCE_S) as bar:

        def report(step: Step) -> None:
            nonlocal stage
            if step.stage != stage:
                stage = step.stage
                bar.reset(step.total)
                bar.set_description(stage)
            bar.update(step.done - bar.n)

        return finished(steps, report)


def _cell(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{one_line(key)}={one_line(item)}" for key, item in value.items())
    return f"{value:.3f}" if isinstance(value, float) else one_line(value)


def _width(text: str) -> int:
    """Columns on a terminal: East Asian characters take two, combining ones none."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(bool(unicodedata.combining(c)) for c in text)


def _pad(text: str, width: int, right: bool) -> str:
    fill = " " * (width - _width(text))
    return fill + text if right else text + fill
