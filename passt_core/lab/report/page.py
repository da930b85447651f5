"""A report as one HTML page that needs nothing else: no network, no other file.

Plotly's own script goes into the page. It is taken from the files of the installed package, which
are located without importing it: the core draws nothing, and runs without Plotly.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from passt_core.errors import ReportError
from passt_core.lab.report import content, figures
from passt_core.lab.report.content import Report, Table
from passt_core.lab.report.style import BEHAVIOUR, CSS

SCRIPT = Path("package_data") / "plotly.min.js"
"""Plotly's script, inside its package."""
_NUMERIC = frozenset("0123456789-–")


def to_html(report: Report) -> str:
    """The whole page.

    Raises:
        ReportError: Plotly is not installed.
    """
    script = plotly_script()
    pictures: dict[str, figures.Plot] = {}
    body = "\n".join(_body(report, pictures))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(report.title)}</title>
<style>{CSS}</style>
</head>
<body>
<main>
{body}
</main>
<script>{_in_script(script)}</script>
<script id="pictures" type="application/json">{_json(pictures)}</script>
<script>{BEHAVIOUR}</script>
</body>
</html>
"""


def plotly_script() -> str:
    """Plotly's script, from the installed package.

    Raises:
        ReportError: it is not installed, or not as expected.
    """
    found = find_spec("plotly")
    path = None if found is None or found.origin is None else Path(found.origin).parent / SCRIPT
    if path is None or not path.is_file():
        raise ReportError(
            "an HTML report needs the script of the package plotly, and it is not installed; "
            "install plotly, or name a report that ends in .md or .json"
        )
    return path.read_text(encoding="utf-8")


def _body(report: Report, pictures: dict[str, figures.Plot]) -> Iterator[str]:
    """Sections of the page; what they show is put into ``pictures`` by its id."""

    def picture(name: str, plot: figures.Plot, told: str) -> str:
        pictures[name] = plot
        height = plot["layout"]["height"]
        return (
            f'<div class="picture" id="{name}" role="img" aria-label="{escape(told)}" '
            f'style="min-height:{height}px"></div>'
        )

    found = report.evaluation
    yield _head(report)
    yield _section("Scores", _table(content.metrics_table(found)))
    if report.baselines:
        shown = picture("comparison", figures.comparison(report), "Scores beside baselines")
        yield _section("Beside baselines", shown + _table(content.comparison_table(report)))
    shown = picture("confusion", figures.confusion(found), "Confusion matrix")
    yield _section("Confusion", shown)
    mistakes = content.confusion_table(found)
    yield _section("Commonest confusions", _table(mistakes) if mistakes[1] else "<p>None.</p>")
    shown = picture("classes", figures.classes(found), "Average precision and F1 of each class")
    yield _section("Classes", shown + _folded("As a table", _table(content.class_table(found))))
    shown = picture("reliability", figures.reliability(found), "Reliability diagram")
    yield _section("Calibration", f"<p>{_calibration(report)}</p>" + shown)
    if report.robustness:
        shown = picture("robustness", figures.robustness(report), "Accuracy under each change")
        yield _section("Robustness", shown + _table(content.robustness_table(report)))
    if found.unreadable:
        table = _table(content.unreadable_table(found))
        yield _section("Clips that could not be heard", table)
    meaning = "".join(f"<li>{escape(line)}</li>" for line in content.definitions(report))
    yield _section("What the figures mean", f"<ul>{meaning}</ul>")


def _head(report: Report) -> str:
    facts = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in content.facts(report.evaluation)
    )
    notes = "".join(
        f'<p class="note">{escape(note)}.</p>' for note in content.warnings(report.evaluation)
    )
    return f"<h1>{escape(report.title)}</h1>\n<dl>{facts}</dl>\n{notes}"


def _calibration(report: Report) -> str:
    """The error in words."""
    found = report.evaluation
    key = "ece_classwise" if found.multi_label else "ece"
    with_it, without = found.figure(key), found.figure("ece_uncalibrated")
    told = content.number(with_it.value if with_it else None)
    raw = content.number(without.value if without else None)
    kind = "Class-wise calibration error" if found.multi_label else "Calibration error"
    return f"{kind} {told} with temperature {found.temperature:.3g}, {raw} without."


def _section(title: str, inner: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{inner}\n</section>"


def _folded(title: str, inner: str) -> str:
    return f"<details><summary>{escape(title)}</summary>\n{inner}\n</details>"


def _table(table: Table) -> str:
    headers, rows = table
    right = [
        bool(rows) and all(row[column][:1] in _NUMERIC for row in rows)
        for column in range(len(headers))
    ]
    head = "".join(_cell("th", text, own) for text, own in zip(headers, right, strict=True))
    lines = [
        "<tr>"
        + "".join(_cell("td", text, own) for text, own in zip(row, right, strict=True))
        + "</tr>"
        for row in rows
    ]
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>'
        + "\n".join(lines)
        + "</tbody></table></div>"
    )


def _cell(tag: str, text: str, right: bool) -> str:
    kind = ' class="number"' if right else ""
    return f"<{tag}{kind}>{escape(text)}</{tag}>"


def _json(value: Any) -> str:
    """JSON in which no name of a class or file can end the script that it stands in."""
    told = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return told.replace("<", "\\u003c")


def _in_script(code: str) -> str:
    """JavaScript in which no string ends the script, or begins what would hide its end."""
    return code.replace("</script", "<\\/script").replace("<!--", "\\x3c!--")
