"""Files → one table of what a model hears in them; what was heard before a kill is not lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from passt_core.errors import PasstError
from passt_core.files import atomic_path
from passt_core.inference.ahead import WORKERS
from passt_core.inference.event_files import EventSource, Format
from passt_core.inference.many import outcomes
from passt_core.inference.predictor import Predictor, WindowProgress
from passt_core.inference.survey import journal, tables
from passt_core.inference.survey.asked import Asked, Cell, Events, Heard
from passt_core.inference.survey.journal import Journal, Known

SCHEMA = 1
"""Of the journal and of what is in it."""


@dataclass(frozen=True, kw_only=True)
class LabelFiles:
    """One more file for each sound, with its events, under a folder of the same structure."""

    folder: Path
    form: Format

    def path(self, file: str) -> Path:
        """Where the events of a sound go; the sound's whole name stays in it."""
        return self.folder / f"{file}{self.form.suffix}"


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What is to be made of which files.

    Attributes:
        files: name in the table, a path with slashes → file.
        asked: of each sound.
        out: the table; its name ends in .csv, .parquet or .jsonl.
        labels: files of labels to write too, where :class:`Events` are asked for.
        settings: what else the answers depend on, such as how the model was prepared.
        left_out: name → reason, of files that were not even tried.

    Raises:
        PasstError: the table's name says of no form; labels of something else than events.
    """

    files: Mapping[str, Path]
    asked: Asked
    out: Path
    labels: LabelFiles | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        tables.check_suffix(self.out)
        if self.labels and not isinstance(self.asked, Events):
            raise PasstError("labels are of events, and classes were asked for; ask for events")

    @property
    def skipped_out(self) -> Path:
        """The table of files that could not be heard."""
        return self.out.with_name(f"{self.out.name}.skipped.csv")


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What became of a survey.

    Attributes:
        heard: files in the table; before: those of them that an earlier run had heard.
        seconds: of sound in them; rows: of the table.
        skipped: name → reason, of files that are not in it.
    """

    heard: int
    before: int
    seconds: float
    rows: int
    skipped: Mapping[str, str]


def survey(
    wanted: Survey,
    predictor: Predictor,
    *,
    workers: int = WORKERS,
    progress: WindowProgress | None = None,
) -> Summary:
    """Listen to files and write the table.

    What each file gave is on disk at once, in a journal beside the table: after a kill, the same
    survey goes on from there. The table is written in one step at the end, in the order of the
    names.

    Args:
        wanted: the survey.
        predictor: the model.
        workers: threads that read and decode ahead of the model.
        progress: told the seconds of sound that are done, and how many there are to do.

    Raises:
        PasstError: the table is there already, or begun with other settings; the model cannot be
            asked this; no file could be heard.
        OSError: something cannot be written.
    """
    wanted.asked.check(predictor)
    if not journal.path_beside(wanted.out).exists():
        _check_nothing_is_there(wanted)
    with journal.opened(wanted.out, _settings(wanted, predictor)) as notes:
        keys, skipped = _known(wanted)
        before = notes.known() & keys
        todo = {key.file: key for key in sorted(keys - before)}
        files = {file: wanted.files[file] for file in todo}
        for found in outcomes(files, predictor, wanted.asked, workers=workers, progress=progress):
            notes.keep({todo[f]: heard for f, heard in found.items() if isinstance(heard, Heard)})
            skipped |= {f: reason for f, reason in found.items() if isinstance(reason, str)}
        heard = notes.known() & keys
        if not heard:
            raise PasstError(_none_heard(skipped))
        rows, seconds = _written(wanted, predictor, notes, heard)
        _write_skipped(wanted, skipped)
    journal.remove(wanted.out)
    return Summary(
        heard=len(heard),
        before=len(before),
        seconds=seconds,
        rows=rows,
        skipped=dict(sorted(skipped.items())),
    )


def _settings(wanted: Survey, predictor: Predictor) -> dict[str, object]:
    """All that the answers depend on."""
    model = f"{predictor.name} ({predictor.checkpoint.sha256[:12]})"
    listened = {
        "schema": SCHEMA,
        "model": model,
        "precision": predictor.precision,
        "keep-tokens": predictor.keep_tokens,
    }
    return {**listened, **wanted.settings, **wanted.asked.settings}


def _check_nothing_is_there(wanted: Survey) -> None:
    """Refuse to write over what no earlier run of the same survey has left.

    Raises:
        PasstError: a file that would be written exists.
    """
    labels = wanted.labels
    paths = [wanted.out, wanted.skipped_out]
    paths += [labels.path(file) for file in wanted.files] if labels else []
    for path in paths:
        if path.exists():
            raise PasstError(f"{path} is there already; name another, or delete it")


def _known(wanted: Survey) -> tuple[set[Known], dict[str, str]]:
    """What the files are known by, and why some are left out."""
    keys: set[Known] = set()
    skipped = dict(wanted.left_out)
    for file, path in wanted.files.items():
        try:
            keys.add(Known.of(file, path))
        except OSError as error:
            skipped[file] = (
                f"{path.name} cannot be opened ({error.strerror or error}); check the path"
            )
    return keys, skipped


def _written(
    wanted: Survey, predictor: Predictor, notes: Journal, heard: set[Known]
) -> tuple[int, float]:
    """Write the files of labels, then the table; how many rows, and of how many seconds."""
    if wanted.labels and isinstance(wanted.asked, Events):
        _write_labels(wanted.labels, wanted.asked, predictor, notes.heard(heard))
    seconds = 0.0

    def rows() -> Iterator[tuple[Cell, ...]]:
        nonlocal seconds
        for file, found in notes.heard(heard):
            seconds += found.duration_s
            yield from ((file, *row) for row in found.rows)

    count = tables.write(wanted.out, {"file": str, **wanted.asked.columns}, rows())
    return count, seconds


def _write_labels(
    labels: LabelFiles, asked: Events, predictor: Predictor, heard: Iterable[tuple[str, Heard]]
) -> None:
    front_end = predictor.checkpoint.front_end
    for file, found in heard:
        source = EventSource(
            file=file,
            model=predictor.name,
            duration_s=found.duration_s,
            low_hz=front_end.fmin,
            high_hz=front_end.fmax,
            window_s=asked.pace.window_s,
            hop_s=asked.pace.hop_s,
            rule=asked.rule,
        )
        text = labels.form.write(asked.events(found, predictor.labels), source)
        with atomic_path(labels.path(file)) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="")


def _write_skipped(wanted: Survey, skipped: Mapping[str, str]) -> None:
    if skipped:
        tables.write(wanted.skipped_out, {"file": str, "reason": str}, sorted(skipped.items()))


def _none_heard(skipped: Mapping[str, str]) -> str:
    file, reason = min(skipped.items())
    if len(skipped) == 1:
        return reason
    return (
        f"none of the {len(skipped)} files could be heard, {file} for one: {reason}; "
        "give sounds that can be read"
    )
