"""Files → one table of what a model hears in them; what was heard before a kill is not lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from passt_core.errors import PasstError
from passt_core.files import atomic_path
from passt_core.inference.ahead import WORKERS
from passt_core.inference.event_files import EventSource, Format
from passt_core.inference.many import outcomes
from passt_core.inference.predictor import Predictor, WindowProgress
from passt_core.inference.survey import journal, tables
from passt_core.inference.survey.asked import Asked, Cell, Events, Heard, Row
from passt_core.inference.survey.journal import Journal, Known

SCHEMA = 2
"""Of the journal and of what is in it."""

_TOGETHER = 16
"""Files of labels that are written at a time."""


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

    def written(self, files: Iterable[str]) -> Iterator[Path]:
        """All that is written if these of the files are heard, and others are not."""
        yield from (self.out, self.skipped_out)
        if self.labels:
            yield from map(self.labels.path, files)


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
        PasstError: a file that would be written is there already, and this survey has not written
            it; the survey was begun with other settings; the model cannot be asked this; no file
            could be heard.
        OSError: something cannot be written.
    """
    wanted.asked.check(predictor)
    with journal.opened(wanted.out, _settings(wanted, predictor)) as notes:
        keys, skipped = _known(wanted)
        _check_free(wanted.written(key.file for key in keys), notes)
        before = notes.known() & keys
        todo = {key.file: key for key in sorted(keys - before)}
        files = {file: wanted.files[file] for file in todo}
        for found in outcomes(files, predictor, wanted.asked, workers=workers, progress=progress):
            notes.keep({todo[f]: heard for f, heard in found.items() if isinstance(heard, Heard)})
            skipped |= {f: reason for f, reason in found.items() if isinstance(reason, str)}
        heard = notes.known() & keys
        if not heard:
            raise PasstError(_none_heard(skipped))
        _check_free(wanted.written(key.file for key in heard), notes)
        rows, seconds = _written(wanted, predictor, notes, heard)
        _write_skipped(wanted, notes, skipped)
    journal.remove(wanted.out)
    return Summary(
        heard=len(heard),
        before=len(before),
        seconds=seconds,
        rows=rows,
        skipped=dict(sorted(skipped.items())),
    )


def _settings(wanted: Survey, predictor: Predictor) -> dict[str, object]:
    """All that the answers and their places depend on."""
    model = f"{predictor.name} ({predictor.checkpoint.sha256[:12]})"
    labels = wanted.labels
    listened = {
        "schema": SCHEMA,
        "model": model,
        "precision": predictor.precision,
        "keep-tokens": predictor.keep_tokens,
        "labels": str(labels.folder.resolve()) if labels else None,
        "labels-format": labels.form.name if labels else None,
    }
    return {**listened, **wanted.settings, **wanted.asked.settings}


def _check_free(paths: Iterable[Path], notes: Journal) -> None:
    """Refuse to write over what this survey has not written itself.

    Raises:
        PasstError: a file that would be written exists.
    """
    ours = notes.written()
    for path in paths:
        if _is_there(path) and _as_written(path, path) not in ours:
            raise PasstError(f"{path} is there already; name another, or delete it")


def _is_there(path: Path) -> bool:
    """Whether there is something of this name; an OSError if there cannot be."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _as_written(path: Path, file: Path) -> Known:
    """What ``file``, at ``path`` or about to be put there, is known by among what was written."""
    return Known.of(str(path.parent.resolve() / path.name), file)


def _known(wanted: Survey) -> tuple[set[Known], dict[str, str]]:
    """What the files are known by, and why some are left out."""
    keys: set[Known] = set()
    skipped = dict(wanted.left_out)
    for file, path in wanted.files.items():
        reason = _unfit(file, wanted.labels)
        try:
            keys |= {Known.of(file, path)} if reason is None else set()
        except OSError as error:
            reason = f"{path.name} cannot be opened ({error.strerror or error}); check the path"
        if reason is not None:
            skipped[file] = reason
    return keys, skipped


def _unfit(file: str, labels: LabelFiles | None) -> str | None:
    """Why a sound cannot have a file of labels, if one is to be written."""
    if labels is None:
        return None
    path = labels.path(file)
    try:
        # A name is held against a limit only in a folder that is there.
        there = next(parent for parent in path.parents if parent.is_dir())
        for tried in (path, there / path.name):
            _is_there(tried)
    except OSError as error:
        return (
            f"its labels cannot be called {path.name} ({error.strerror or error}); "
            "give the sound a shorter name"
        )
    return None


def _written(
    wanted: Survey, predictor: Predictor, notes: Journal, heard: set[Known]
) -> tuple[int, float]:
    """Write the files of labels, then the table; how many rows, and of how many seconds."""
    if wanted.labels and isinstance(wanted.asked, Events):
        _write_labels(wanted.labels, wanted.asked, predictor, notes, heard)
    seconds = 0.0

    def rows() -> Iterator[tuple[Cell, ...]]:
        nonlocal seconds
        for file, found in notes.heard(heard):
            seconds += found.duration_s
            yield from ((file, *row) for row in found.rows)

    columns = {"file": str, **wanted.asked.columns}
    return _write_table(wanted.out, columns, rows(), notes), seconds


def _write_table(path: Path, columns: tables.Columns, rows: Iterable[Row], notes: Journal) -> int:
    return tables.write(
        path, columns, rows, lambda made: notes.keep_written([_as_written(path, made)])
    )


def _write_labels(
    labels: LabelFiles, asked: Events, predictor: Predictor, notes: Journal, heard: set[Known]
) -> None:
    """Write the files of labels, many to an entry of the journal: each waits for the disk."""
    texts = _label_texts(labels, asked, predictor, notes.heard(heard))
    for some in iter(lambda: dict(islice(texts, _TOGETHER)), {}):
        with ExitStack() as placed:
            made = {path: placed.enter_context(atomic_path(path)) for path in some}
            for path, temporary in made.items():
                temporary.write_text(some[path], encoding="utf-8", newline="")
            notes.keep_written(_as_written(*pair) for pair in made.items())


def _label_texts(
    labels: LabelFiles, asked: Events, predictor: Predictor, heard: Iterable[tuple[str, Heard]]
) -> Iterator[tuple[Path, str]]:
    """Each file of labels, and what it is to say."""
    for file, found in heard:
        source = EventSource.of(
            file,
            predictor.checkpoint,
            asked.rule,
            duration_s=found.duration_s,
            window_s=asked.pace.window_s,
            hop_s=asked.pace.hop_s,
        )
        text = labels.form.write(asked.events(found, predictor.labels), source)
        yield labels.path(file), text


def _write_skipped(wanted: Survey, notes: Journal, skipped: Mapping[str, str]) -> None:
    if skipped:
        columns = {"file": str, "reason": str}
        _write_table(wanted.skipped_out, columns, sorted(skipped.items()), notes)


def _none_heard(skipped: Mapping[str, str]) -> str:
    file, reason = min(skipped.items())
    if len(skipped) == 1:
        return reason
    return (
        f"none of the {len(skipped)} files could be heard, {file} for one: {reason}; "
        "give sounds that can be read"
    )
