"""``analyze FOLDER --out TABLE``: all sounds of a folder in, one table out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from passt_core.cli.options import load_predictor
from passt_core.cli.show import echo_facts, echo_json, one_line, progress
from passt_core.errors import PasstError

if TYPE_CHECKING:
    from passt_core.inference.survey.asked import Asked
    from passt_core.inference.survey.run import LabelFiles, Summary, Survey

Out = Annotated[
    Path | None,
    typer.Option(
        metavar="TABLE",
        help="Write a table: .csv, .parquet or .jsonl. Needed for a folder.",
        show_default=False,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=64,
        metavar="N",
        help="Of a table: threads that decode ahead of the model [default: 2]",
    ),
]
AsEvents = Annotated[
    bool, typer.Option("--events", help="Of a table: events, from when to when, not classes.")
]
Window = Annotated[float | None, typer.Option(metavar="S", help="Of events: window [default: 2]")]
Hop = Annotated[
    float | None, typer.Option(metavar="S", help="Of events: window to window [default: 1]")
]
On = Annotated[
    float | None, typer.Option(metavar="P", help="Of events: probability reached [default: 0.5]")
]
Off = Annotated[
    float | None, typer.Option(metavar="P", help="Of events: probability held [default: 0.3]")
]
Least = Annotated[
    float | None, typer.Option(metavar="S", help="Of events: leave shorter ones out [default: 0]")
]
Merge = Annotated[
    float | None, typer.Option(metavar="S", help="Of events: close shorter gaps [default: 0]")
]
LabelFolder = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Of events: write a file of labels per sound.", show_default=False
    ),
]
LabelForm = Annotated[
    str | None,
    typer.Option(metavar="FORM", help="audacity, raven, webvtt, json or csv [default: audacity]"),
]

DEFAULT_FORM = "audacity"
DEFAULT_WORKERS = 2
_TOLD = 20
"""Skipped files that are named on the terminal; the table beside the output has all."""


@dataclass(frozen=True, kw_only=True)
class FolderOptions:
    """The options of ``analyze`` that are of a table; None: not given."""

    out: Path | None = None
    workers: int | None = None
    as_events: bool = False
    window: float | None = None
    hop: float | None = None
    on: float | None = None
    off: float | None = None
    least: float | None = None
    merge: float | None = None
    labels: Path | None = None
    labels_format: str | None = None

    @property
    def of_events(self) -> dict[str, Any]:
        """Those that were given and are of events."""
        options = {
            "--window": self.window,
            "--hop": self.hop,
            "--on": self.on,
            "--off": self.off,
            "--least": self.least,
            "--merge": self.merge,
            "--labels": self.labels,
            "--labels-format": self.labels_format,
        }
        return _given(options)

    def check(self, clip: Path) -> None:
        """Refuse options that say nothing together.

        Raises:
            PasstError: they do not.
        """
        if self.out is None:
            given = [*(["--events"] if self.as_events else []), *self.of_events]
            given += ["--workers"] if self.workers else []
            if given:
                raise PasstError(f"{given[0]} is of a table, and none was asked for; give --out")
            if _is_folder(clip):
                raise PasstError(
                    f"{clip} is not a file but a folder; say where the table of its sounds goes, "
                    "such as --out results.csv"
                )
        if self.of_events and not self.as_events:
            raise PasstError(f"{next(iter(self.of_events))} is of events; give --events with it")
        if self.labels_format and not self.labels:
            raise PasstError("--labels-format says how labels are written; give --labels DIR too")


def analyze_folder(
    path: Path,
    options: FolderOptions,
    *,
    model: str,
    precision: str,
    keep_tokens: float,
    top_k: int,
    as_json: bool,
) -> None:
    """Listen to the sounds of a folder, or to one, and write a table.

    Raises:
        PasstError: as :func:`passt_core.inference.survey.run.survey`; there is no sound.
    """
    from passt_core.inference.survey.journal import path_beside  # noqa: PLC0415 - torch
    from passt_core.inference.survey.run import survey  # noqa: PLC0415

    wanted = _wanted(path, options, top_k)
    predictor = load_predictor(model, precision, keep_tokens)
    try:
        with progress("listening", "s") as report:
            workers = options.workers or DEFAULT_WORKERS
            summary = survey(wanted, predictor, workers=workers, progress=report)
    except KeyboardInterrupt:
        kept = "what was heard is kept: give the same command to go on"
        is_kept = path_beside(wanted.out).exists()
        typer.echo(f"stopped; {kept if is_kept else 'nothing was heard yet'}", err=True)
        raise
    for file, reason in sorted(summary.skipped.items())[:_TOLD]:
        typer.echo(f"skipped {one_line(file)}: {one_line(reason)}", err=True)
    if len(summary.skipped) > _TOLD:
        more = len(summary.skipped) - _TOLD
        typer.echo(f"skipped {more} more: see {wanted.skipped_out}", err=True)
    _echo_summary(wanted, summary, predictor.name, as_json=as_json)


def _wanted(path: Path, options: FolderOptions, top_k: int) -> Survey:
    from passt_core.inference.survey.run import Survey  # noqa: PLC0415 - torch

    if options.out is None:
        raise PasstError("a table was asked for without its name; give --out")
    left_out: dict[str, str] = {}
    files = {one_line(path.name): path}
    if _is_folder(path):
        from passt_core.library.catalogue import listing  # noqa: PLC0415

        found = listing(path)
        files = {file: found.root / file for file in found.files}
        left_out = {item.file: item.reason for item in found.skipped}
    return Survey(
        files=files,
        asked=_asked(options, top_k),
        out=options.out,
        labels=_labels(options),
        settings={"of": str(path.resolve())},
        left_out=left_out,
    )


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that the system does not take; who opens it says so
        return False


def _asked(options: FolderOptions, top_k: int) -> Asked:
    from passt_core.inference.events import EventRule  # noqa: PLC0415 - torch
    from passt_core.inference.survey.asked import Classes, Events  # noqa: PLC0415
    from passt_core.inference.timeline import Pace  # noqa: PLC0415

    if not options.as_events:
        return Classes(top_k=top_k)
    pace: dict[str, Any] = {"window_s": options.window, "hop_s": options.hop}
    rule: dict[str, Any] = {
        "on": options.on,
        "off": options.off,
        "least_s": options.least,
        "merge_s": options.merge,
    }
    return Events(pace=Pace(**_given(pace)), rule=EventRule(**_given(rule)))


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _labels(options: FolderOptions) -> LabelFiles | None:
    from passt_core.inference.event_files import FORMATS  # noqa: PLC0415 - torch
    from passt_core.inference.survey.run import LabelFiles  # noqa: PLC0415

    name = options.labels_format or DEFAULT_FORM
    if name not in FORMATS:
        raise PasstError(f"--labels-format is {name!r}; use one of {', '.join(FORMATS)}")
    return None if options.labels is None else LabelFiles(folder=options.labels, form=FORMATS[name])


def _echo_summary(wanted: Survey, summary: Summary, model: str, *, as_json: bool) -> None:
    skipped = len(summary.skipped)
    facts: list[tuple[str, object]] = [
        ("table", str(wanted.out)),
        ("model", model),
        ("sounds", summary.heard),
        ("heard before", summary.before or None),
        ("skipped", skipped or None),
        ("seconds", round(summary.seconds, 3)),
        ("rows", summary.rows),
        ("labels", str(wanted.labels.folder) if wanted.labels else None),
    ]
    if as_json:
        echo_json({name.replace(" ", "_"): value for name, value in facts if value is not None})
    else:
        echo_facts(facts)
