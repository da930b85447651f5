"""The two tables of a library: its clips, and the files that they were cut from."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

CLIPS = "clips.csv"
FILES = "files.csv"


class State(StrEnum):
    """What became of a file."""

    IN = "in"
    SKIPPED = "skipped"
    """It cannot be heard."""
    COPY = "copy"
    """Another file of the library has the same content."""
    REMOVED = "removed"
    """Someone took it out; building again leaves it out."""


@dataclass(frozen=True, kw_only=True)
class LibraryClip:
    """One sound of a library: a file, or a stretch of a long one.

    Attributes:
        number: unique in its library and never given twice, also after the clip was removed.
        id: unique in its library, and readable.
        source: position of the folder it lies in among the manifest's sources.
        file: path of the sound under that folder, with forward slashes.
        start_s, end_s: the stretch of the file that was embedded, in seconds.
        label, family, licence, origin: what is known of it; empty where nothing is.
    """

    number: int
    id: str
    source: int = 0
    file: str
    start_s: float
    end_s: float
    label: str = ""
    family: str = ""
    licence: str = ""
    origin: str = ""


@dataclass(frozen=True, kw_only=True)
class FileRecord:
    """A file that was looked at, and what became of it.

    Attributes:
        source, file: where it lies, as :class:`LibraryClip` has it.
        size: in bytes; modified_ns: when it was written, in ns, 0 where that is not to be kept.
        sha256: of its content; empty where it was not read.
        state: what became of it.
        reason: why it was skipped; of a copy the file that it is a copy of; of a file in the
            library the starts of stretches that were removed, in seconds.
    """

    source: int
    file: str
    size: int = 0
    modified_ns: int = 0
    sha256: str = ""
    state: State = State.IN
    reason: str = ""

    @property
    def key(self) -> tuple[int, str]:
        """Which file it is."""
        return self.source, self.file

    @property
    def without(self) -> frozenset[float]:
        """Where removed stretches begin, in seconds."""
        kept = self.state is State.IN and self.reason
        return frozenset(float(start) for start in self.reason.split()) if kept else frozenset()


def read_clips(path: Path) -> tuple[LibraryClip, ...]:
    """Read the table of clips.

    Raises:
        OSError, KeyError, TypeError, ValueError, csv.Error: it is not one.
    """
    return tuple(_clip(row) for row in _rows(path))


def write_clips(path: Path, clips: Iterable[LibraryClip]) -> None:
    """Write the table of clips."""
    _write(path, _CLIP_COLUMNS, clips)


def read_files(path: Path) -> tuple[FileRecord, ...]:
    """Read the table of files.

    Raises:
        OSError, KeyError, TypeError, ValueError, csv.Error: it is not one.
    """
    return tuple(_file(row) for row in _rows(path))


def write_files(path: Path, files: Iterable[FileRecord]) -> None:
    """Write the table of files."""
    _write(path, _FILE_COLUMNS, files)


def _clip(row: Mapping[str, str]) -> LibraryClip:
    known: dict[str, Any] = {key: row[key] for key in _CLIP_COLUMNS}
    stretch: dict[str, Any] = {f"{key}_s": float(known.pop(key)) for key in ("start", "end")}
    for key in ("number", "source"):
        known[key] = int(known[key])
    return LibraryClip(**known, **stretch)


def _file(row: Mapping[str, str]) -> FileRecord:
    known: dict[str, Any] = {key: row[key] for key in _FILE_COLUMNS}
    for key in ("source", "size", "modified_ns"):
        known[key] = int(known[key])
    return FileRecord(**(known | {"state": State(known["state"])}))


_CLIP_COLUMNS = tuple(field.name.removesuffix("_s") for field in fields(LibraryClip))
_FILE_COLUMNS = tuple(field.name for field in fields(FileRecord))


def _rows(path: Path) -> Iterable[Mapping[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, strict=True)


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[LibraryClip | FileRecord]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        table.writerow(columns)
        table.writerows(asdict(row).values() for row in rows)
