"""CSV tables of labels from anyone → what they say of sounds that were uploaded."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from passt_core.errors import LibraryError
from passt_core.files import csv_writer
from passt_core.library.catalogue import LABELS_FILE

KEPT = ("label", "family", "licence", "origin")
"""Columns that a library keeps."""
LONGEST = 200
"""Characters of a name or a label that are kept."""
_FILE_COLUMNS = ("file", "filename")
_MOST_BYTES = 16 << 20
_NOT_BARE = re.compile(r"[^\w.]+")

Row = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Labels:
    """What tables say: rows by the file that they name, and by its bare last part."""

    rows: Mapping[str, Row]
    bare: Mapping[str, Row]

    @classmethod
    def of(cls, rows: Mapping[str, Row]) -> Labels:
        """From rows by file; a last part that two of them share stands for neither."""
        times = Counter(_bare(name) for name in rows)
        once = {_bare(name): row for name, row in rows.items() if times[_bare(name)] == 1}
        return cls(rows=rows, bare=once)

    def of_sound(self, name: str) -> Row:
        """The row of a sound: of its whole path, of an end of it, or of its own name."""
        parts = PurePosixPath(name).parts
        for start in range(len(parts)):
            row = self.rows.get("/".join(parts[start:]))
            if row is not None:
                return row
        return self.bare.get(_bare(name), {})


def read_table(path: Path, name: str) -> dict[str, Row]:
    """Rows of a CSV with a column ``file`` and, as far as there are any, those of :data:`KEPT`.

    Raises:
        LibraryError: it is too large, no CSV in UTF-8, or has no column ``file``.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise LibraryError(
            f"{name} has more than {_MOST_BYTES >> 20} MB; give a table of labels that is shorter"
        )
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="", strict=True)
            column = next(c for c in _FILE_COLUMNS if c in (reader.fieldnames or ()))
            return dict(_named(row, column) for row in reader if row[column])
    except StopIteration as error:
        raise LibraryError(
            f"{name} has no column 'file'; give a CSV with columns file and label"
        ) from error
    except (OSError, ValueError, csv.Error) as error:
        raise LibraryError(
            f"{name} cannot be read as labels ({str(error)[:LONGEST]}); "
            "give a CSV in UTF-8 with columns file and label"
        ) from error


def plain(text: str) -> str:
    """Text of anyone as one line that any page, log and file takes."""
    known = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in known).strip()[
        :LONGEST
    ]


def _bare(name: str) -> str:
    """The last part of a path without what an upload loses of it: spaces, quotes and the like."""
    return _NOT_BARE.sub("", PurePosixPath(name).name)


def _named(row: Mapping[str | None, str], column: str) -> tuple[str, Row]:
    known = {key: plain(row[key]) for key in KEPT if row.get(key)}
    return PurePosixPath(row[column].strip().replace("\\", "/")).as_posix(), known


def written(rows: Iterator[tuple[str, str, Row]], path: Path) -> None:
    """Write a library's own table: (file, id, what is known of it) of each sound."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv_writer(file)
        table.writerow(("file", "id", *KEPT))
        table.writerows((name, named, *(row.get(k, "") for k in KEPT)) for name, named, row in rows)


def titles(folder: Path) -> dict[str, str]:
    """What the sounds of a batch were called, by the names of their files; empty for any other."""
    try:
        with (folder / LABELS_FILE).open(encoding="utf-8", newline="") as file:
            return {row["file"]: row["id"] for row in csv.DictReader(file)}
    except (OSError, KeyError, ValueError, csv.Error):
        return {}
