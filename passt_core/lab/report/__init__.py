"""An evaluation as a file that can be read: JSON, Markdown, or one self-contained HTML page."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import MappingProxyType

from passt_core.errors import ReportError
from passt_core.files import atomic_path
from passt_core.lab.report.content import Report
from passt_core.lab.report.markdown import to_markdown
from passt_core.lab.report.page import to_html

__all__ = ("FORMATS", "Report", "check_targets", "to_html", "to_json", "to_markdown", "write")


def to_json(report: Report) -> str:
    """Everything, as JSON; two reports are the same if and only if their scores are."""
    return json.dumps(report.to_dict(), indent=2, allow_nan=False) + "\n"


FORMATS: MappingProxyType[str, Callable[[Report], str]] = MappingProxyType(
    {".html": to_html, ".md": to_markdown, ".json": to_json}
)
"""How a report is told, by the ending of its file's name."""


def check_targets(paths: Sequence[Path], *, force: bool = False) -> None:
    """Hold that reports can be written there: worth asking before an hour of scoring.

    Args:
        paths: files to write.
        force: a file that is there may be replaced.

    Raises:
        ReportError: a format that is not known, no such folder, or a file that is there.
    """
    for path in paths:
        if path.suffix.lower() not in FORMATS:
            raise ReportError(
                f"{path} ends in {path.suffix or 'nothing'!r}; a report is told as "
                f"{', '.join(FORMATS)}: name it so"
            )
        if not path.parent.is_dir():
            raise ReportError(f"{path.parent} is no folder; make it, or name one that is there")
        if path.is_dir() or (path.exists() and not force):
            raise ReportError(f"{path} is there already; name another file, or use --force")


def write(path: Path, report: Report, *, force: bool = False) -> None:
    """Write a report in the format that the file's name asks for; atomic.

    Raises:
        ReportError: as :func:`check_targets`; or, for HTML, Plotly is not installed.
    """
    check_targets([path], force=force)
    text = FORMATS[path.suffix.lower()](report)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
