"""A report as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from passt_core.lab.report import content
from passt_core.lab.report.content import Report, Table


def to_markdown(report: Report) -> str:
    """A title, tables and lists; nothing that a plain viewer does not show."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    found = report.evaluation
    yield f"# {_text(report.title)}"
    yield ""
    for name, value in content.facts(found):
        yield f"- {name}: {_text(value)}"
    for warning in content.warnings(found):
        yield f"- **Note:** {_text(warning)}"
    yield from _section("Scores", content.metrics_table(found))
    if report.baselines:
        yield from _section("Beside baselines", content.comparison_table(report))
    if report.robustness:
        yield from _section("Robustness", content.robustness_table(report))
    yield from _section("Classes", content.class_table(found))
    yield from _section("Commonest confusions", content.confusion_table(found))
    if found.unreadable:
        yield from _section("Clips that could not be heard", content.unreadable_table(found))
    yield ""
    yield "## What the figures mean"
    yield ""
    yield " ".join(content.definitions(report))


def _section(title: str, table: Table) -> Iterator[str]:
    headers, rows = table
    yield ""
    yield f"## {title}"
    yield ""
    if not rows:
        yield "None."
        return
    yield _row(headers)
    yield _row(tuple("---" for _ in headers))
    for row in rows:
        yield _row(row)


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(_text(cell) for cell in cells) + " |"


def _text(value: str) -> str:
    """Names of files and classes are text, not markup."""
    plain = " ".join(value.split())
    for mark in "\\`*_<>|[]":
        plain = plain.replace(mark, f"\\{mark}")
    return plain
