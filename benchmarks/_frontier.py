"""The table of :mod:`benchmarks.pareto`, its figures as JSON, and who is beaten by none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks._picture import Panel, Point, picture
from benchmarks._quality import Worth
from benchmarks._table import show_cells
from passt_core.files import atomic_path

HEAD = ("no.", "way", "FLOPs", "time")
HEAD_OF_WORTH = (
    *("accuracy", "of all classes", "lost", "won", "change, 95 %", "R@1", "mAP@10", "cosine"),
)
BEGIN, END = "<!-- table of {} -->", "<!-- /table of {} -->"
"""Between these lines of efficiency.md stands what was measured last."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One way: ``flops`` and ``time`` are shares of the full network's."""

    number: int
    family: str
    name: str
    flops: float
    time: float
    worth: Worth | None


def front(costs: Sequence[float], worths: Sequence[float]) -> list[int]:
    """Places of those that no other beats in both, cheapest first."""
    order = sorted(range(len(costs)), key=lambda place: (costs[place], -worths[place]))
    found: list[int] = []
    for place in order:
        if not found or worths[place] > worths[found[-1]]:
            found.append(place)
    return found


def cells(rows: Sequence[Row]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and lines of the table."""
    head = HEAD + (HEAD_OF_WORTH if rows[0].worth else ())
    return head, [_line(row) for row in rows]


def _line(row: Row) -> tuple[str, ...]:
    line = (str(row.number), row.name, f"{row.flops:.2f}", f"{row.time:.2f}")
    found = row.worth
    if found is None:
        return line
    return (
        *line,
        f"{found.accuracy:.3f}",
        f"{found.accuracy_all:.3f}",
        str(found.lost),
        str(found.won),
        f"{100 * found.low:+.1f} to {100 * found.high:+.1f}",
        f"{found.recall_at_1:.3f}",
        f"{found.map_at_10:.3f}",
        f"{found.likeness:.3f}",
    )


def show_rows(rows: Sequence[Row]) -> None:
    show_cells(*cells(rows))


def write(folder: Path, rows: Sequence[Row], big: Sequence[Row]) -> None:
    """Put what was measured into a folder; of a page that is there only the tables change."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {"bundled": rows} | ({"PaSST-S": big} if big else {})
    data = {name: [asdict(row) for row in listed] for name, listed in tables.items()}
    _replace(folder / "efficiency.json", json.dumps(data, indent=1) + "\n")
    page = folder / "efficiency.md"
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    for name, listed in tables.items():
        text = with_table(text, name, markdown(listed))
    _replace(page, text)
    if rows[0].worth:
        _replace(folder / "pareto.svg", drawn(rows))


def markdown(rows: Sequence[Row]) -> str:
    head, lines = cells(rows)
    aligned = ["---:" if name != "way" else "---" for name in head]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, aligned, *lines))


def with_table(text: str, name: str, table: str) -> str:
    """A page with its table of that name put in place of the old one, or at the end."""
    begin, end = BEGIN.format(name), END.format(name)
    before, found, rest = text.partition(begin)
    after = rest.partition(end)[2] if found else "\n"
    if not found and before:
        before = before.rstrip() + "\n\n"
    return f"{before}{begin}\n{table}\n{end}{after}"


def drawn(rows: Sequence[Row]) -> str:
    """Two panels over the time: accuracy among all classes, and retrieval."""
    panels = []
    for title, of in (
        ("accuracy among all classes", lambda worth: worth.accuracy_all),
        ("retrieval mAP@10", lambda worth: worth.map_at_10),
    ):
        known = [(row, row.worth) for row in rows if row.worth is not None]
        values = [of(found) for _, found in known]
        best = front([row.time for row, _ in known], values)
        points = [
            Point(
                x=row.time,
                y=value,
                number=row.number,
                name=row.name,
                family=row.family,
                best=place in best,
            )
            for place, ((row, _), value) in enumerate(zip(known, values, strict=True))
        ]
        panels.append(Panel(title=title, points=tuple(points)))
    return picture(panels, across="processor time of a 10 s clip, as a share of the full network's")


def _replace(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
