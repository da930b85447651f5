"""Labelled sounds on disk → :class:`Dataset`.

Two layouts are read: one folder per class, and a CSV with the columns ``filename`` (or ``file``), a
label (``label``, ``audioset_label`` or ``category``) and perhaps ``fold``, beside its sounds or
beside a folder ``audio`` that holds them (ESC-50's layout).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from passt_core.errors import DatasetError

FILE_COLUMNS = ("filename", "file")
"""Columns that may hold the file, the first one found counts."""
LABEL_COLUMNS = ("label", "audioset_label", "category")
"""Columns that may hold the label, the first one found counts."""
SOUND_SUFFIXES = frozenset(
    ".wav .flac .ogg .oga .opus .mp3 .aif .aiff .m4a .aac .webm .mp4 .w64".split()
)

_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class LabelledClip:
    """A sound file, its class, and the fold it belongs to where the dataset has folds."""

    path: Path
    label: str
    fold: int | None = None


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Labelled clips of two classes or more; every class has a clip.

    Attributes:
        name: of the folder or file that it was read from.
        clips: in the order of the source.
        labels: class names; a training's head takes this order.
    """

    name: str
    clips: tuple[LabelledClip, ...]
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.clips)

    @cached_property
    def folds(self) -> tuple[int, ...]:
        """Folds that occur, ascending; empty if the dataset has none."""
        return tuple(sorted({clip.fold for clip in self.clips if clip.fold is not None}))

    @cached_property
    def targets(self) -> tuple[int, ...]:
        """Place of each clip's label in :attr:`labels`."""
        place = {label: index for index, label in enumerate(self.labels)}
        return tuple(place[clip.label] for clip in self.clips)

    def only(self, fold: int) -> Dataset:
        """The clips of one fold.

        Raises:
            DatasetError: no clip is in it.
        """
        return self._part(fold, [clip for clip in self.clips if clip.fold == fold])

    def without(self, fold: int) -> Dataset:
        """The clips of all other folds, for training.

        Raises:
            DatasetError: no clip is in the fold, or nothing else is there.
        """
        self.only(fold)
        return self._part(fold, [clip for clip in self.clips if clip.fold != fold])

    def _part(self, fold: int, clips: list[LabelledClip]) -> Dataset:
        if not clips:
            known = ", ".join(map(str, self.folds)) or "none"
            raise DatasetError(
                f"{self.name} has no clips left for fold {fold}; its folds are {known}: "
                "name one of several"
            )
        return replace(self, clips=tuple(clips))


def load_dataset(path: str | Path, *, labels: tuple[str, ...] | None = None) -> Dataset:
    """Read a dataset: a CSV, a folder with one CSV in it, or a folder of class folders.

    Args:
        path: the CSV or the folder.
        labels: classes to expect, in order; None takes those that occur, sorted.

    Raises:
        DatasetError: nothing usable is there; the message says what and how to mend it.
    """
    path = Path(path)
    if path.is_file():
        return from_csv(path, labels=labels)
    if not path.is_dir():
        raise DatasetError(
            f"{path} is neither a folder nor a file; give a folder of class folders or a CSV"
        )
    tables = sorted(path.glob("*.csv"))
    if len(tables) > 1:
        raise DatasetError(
            f"{path.name} holds {len(tables)} CSV files ({_some(t.name for t in tables)}); "
            "name the one that lists the clips"
        )
    return from_csv(tables[0], labels=labels) if tables else from_folders(path, labels=labels)


def from_folders(folder: Path, *, labels: tuple[str, ...] | None = None) -> Dataset:
    """Read one folder per class; the folder's name is the label. Other files are passed over.

    Raises:
        DatasetError: no class folders, or one without a sound.
    """
    classes = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not classes:
        raise DatasetError(
            f"{folder.name} has no folders; put the clips of each class into a folder of its own"
        )
    clips = []
    for place in classes:
        sounds = sounds_under(place)
        if not sounds:
            raise DatasetError(
                f"class {place.name!r} of {folder.name} has no sound file; every class needs a "
                "clip: add one or remove the folder"
            )
        clips += [LabelledClip(path=sound, label=place.name) for sound in sounds]
    return _checked(folder.name, clips, labels)


def join(datasets: Sequence[Dataset]) -> Dataset:
    """All clips of several datasets; what they call by one label is one class.

    Raises:
        DatasetError: a clip is in two of them.
    """
    if len(datasets) == 1:
        return datasets[0]
    clips = [clip for dataset in datasets for clip in dataset.clips]
    return _checked(" + ".join(dataset.name for dataset in datasets), clips, None)


def sounds_under(folder: Path) -> list[Path]:
    """Every sound file in a folder and the folders in it, sorted; no more than the name is read."""
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in SOUND_SUFFIXES)


def from_csv(table: Path, *, labels: tuple[str, ...] | None = None) -> Dataset:
    """Read a CSV of clips.

    Raises:
        DatasetError: unreadable, a column is missing, a file that it names is not there.
    """
    rows, columns = _rows(table)
    file_column = next((name for name in FILE_COLUMNS if name in columns), None)
    label_column = next((name for name in LABEL_COLUMNS if name in columns), None)
    if file_column is None or label_column is None:
        raise DatasetError(
            f"{table.name} has the columns {', '.join(columns) or '(none)'}; it needs filename "
            f"and one of {', '.join(LABEL_COLUMNS)}: rename them"
        )
    folder = table.parent / "audio" if (table.parent / "audio").is_dir() else table.parent
    clips = [
        _clip(f"line {number} of {table.name}", row, folder, (file_column, label_column))
        for number, row in enumerate(rows, start=2)
    ]
    missing = [clip.path.name for clip in clips if not clip.path.is_file()]
    if missing:
        raise DatasetError(
            f"{table.name} names {len(missing)} files that are not in {folder.name} "
            f"({_some(missing)}); add them or take their rows out"
        )
    return _checked(table.stem, clips, labels)


def _rows(table: Path) -> tuple[list[dict[str, str]], list[str]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            return list(reader), list(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(
            f"{table.name} cannot be read as a CSV ({error}); give UTF-8 text with a header row"
        ) from error


def _clip(place: str, row: dict[str, str], folder: Path, columns: tuple[str, str]) -> LabelledClip:
    filename, label = ((row.get(column) or "").strip() for column in columns)
    if not filename or not label:
        raise DatasetError(
            f"{place} has {columns[0]} {filename!r} and {columns[1]} {label!r}; "
            "both are needed: fill them in or take the row out"
        )
    if Path(filename).is_absolute() or ".." in Path(filename).parts:
        raise DatasetError(
            f"{place} names {filename!r}; files must lie beside the CSV: "
            "give a path inside its folder"
        )
    return LabelledClip(path=folder / filename, label=label, fold=_fold(place, row))


def _fold(place: str, row: dict[str, str]) -> int | None:
    text = (row.get("fold") or "").strip()
    if not text:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise DatasetError(f"{place} has fold {text!r}; folds are whole numbers") from error


def _checked(name: str, clips: list[LabelledClip], labels: tuple[str, ...] | None) -> Dataset:
    found = {clip.label for clip in clips}
    repeated = len(clips) - len({clip.path for clip in clips})
    if repeated:
        raise DatasetError(
            f"{name} lists {repeated} clips more than once; each clip has one row and one label"
        )
    if labels is not None:
        _check_labels(name, found, labels)
    if len(labels or found) < 2:
        raise DatasetError(
            f"{name} has {len(found)} class ({_some(found) or 'no clips'}); "
            "two classes or more are needed to tell apart: add another"
        )
    return Dataset(name=name, clips=tuple(clips), labels=labels or tuple(sorted(found)))


def _check_labels(name: str, found: set[str], labels: tuple[str, ...]) -> None:
    empty, unknown = set(labels) - found, found - set(labels)
    if empty:
        raise DatasetError(
            f"no clip of {name} has the label {_some(empty)}; every class needs a clip: "
            "add some or leave the class out"
        )
    if unknown:
        raise DatasetError(
            f"{name} has clips labelled {_some(unknown)}, which is not among the "
            f"{len(labels)} expected classes; correct the labels or add the class"
        )


def _some(names: Iterable[str]) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more
