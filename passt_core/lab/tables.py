"""The two plain layouts → :class:`Dataset`: one folder per class, and a CSV of clips."""

from __future__ import annotations

import csv
from pathlib import Path

from passt_core.errors import DatasetError
from passt_core.lab.labelled import Dataset, Fold, LabelledClip, checked, some

FILE_COLUMNS = ("filename", "file")
"""Columns that may hold the file, the first one found counts."""
LABEL_COLUMNS = ("label", "audioset_label", "category", "labels")
"""Columns that may hold the label, the first one found counts; ``labels`` may hold several."""
SOURCE_COLUMNS = ("source", "src_file")
"""Columns that may hold the recording that a clip was cut from, the first one found counts."""
SEVERAL = "labels"
SEPARATOR = ";"
"""Between the labels of one clip; AudioSet's names have commas in them."""
SOUND_SUFFIXES = frozenset(
    ".wav .flac .ogg .oga .opus .mp3 .aif .aiff .m4a .aac .webm .mp4 .w64".split()
)

Row = dict[str, str]
Labels = tuple[str, ...] | None
"""Classes to expect, in order; None takes those that occur."""


def sounds_under(folder: Path) -> list[Path]:
    """Every sound file in a folder and the folders in it, sorted; no more than the name is read."""
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in SOUND_SUFFIXES)


def from_folders(folder: Path, *, labels: Labels = None) -> Dataset:
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
    return checked(folder.name, clips, labels)


def from_csv(table: Path, *, labels: Labels = None) -> Dataset:
    """Read a CSV of clips.

    Its columns: ``filename`` (or ``file``); ``label``, ``audioset_label``, ``category``, or
    ``labels`` with several apart by semicolons; perhaps ``fold`` (whole numbers) or ``split``
    (names), and ``source``. The sounds lie beside it or in a folder ``audio`` beside it.

    Raises:
        DatasetError: unreadable, a column is missing, a file that it names is not there.
    """
    rows, columns = read_rows(table)
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
            f"({some(missing)}); add them or take their rows out"
        )
    return checked(table.stem, clips, labels)


def read_rows(table: Path) -> tuple[list[Row], list[str]]:
    """Rows of a CSV with a header, and the header.

    Raises:
        DatasetError: it cannot be read.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            return list(reader), list(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(
            f"{table.name} cannot be read as a CSV ({error}); give UTF-8 text with a header row"
        ) from error


def _clip(place: str, row: Row, folder: Path, columns: tuple[str, str]) -> LabelledClip:
    filename, label = ((row.get(column) or "").strip() for column in columns)
    several = label.split(SEPARATOR) if columns[1] == SEVERAL else [label]
    found = list(dict.fromkeys(name.strip() for name in several if name.strip()))
    if not filename or not found:
        raise DatasetError(
            f"{place} has {columns[0]} {filename!r} and {columns[1]} {label!r}; "
            "both are needed: fill them in or take the row out"
        )
    if Path(filename).is_absolute() or ".." in Path(filename).parts:
        raise DatasetError(
            f"{place} names {filename!r}; files must lie beside the CSV: "
            "give a path inside its folder"
        )
    source = next((row[name] for name in SOURCE_COLUMNS if row.get(name)), None)
    return LabelledClip(
        path=folder / filename,
        label=found[0],
        also=tuple(found[1:]),
        fold=_fold(place, row),
        source=source,
    )


def _fold(place: str, row: Row) -> Fold | None:
    text = (row.get("fold") or "").strip()
    if not text:
        return (row.get("split") or "").strip() or None
    try:
        return int(text)
    except ValueError as error:
        raise DatasetError(f"{place} has fold {text!r}; folds are whole numbers") from error
