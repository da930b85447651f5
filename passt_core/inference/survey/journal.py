"""What a survey has heard so far, on disk file by file: killed at any moment, it goes on there.

An SQLite file beside the table that is being made, gone when the table is written. A file is known
by its path under the folder, its size and its time of writing; so are the files that were written.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from passt_core.errors import PasstError
from passt_core.inference.survey.asked import Heard
from passt_core.journal import connected

_TABLES = """
CREATE TABLE heard (
    file TEXT PRIMARY KEY, size INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
    duration_s REAL NOT NULL, rows TEXT NOT NULL
);
CREATE TABLE written (
    file TEXT PRIMARY KEY, size INTEGER NOT NULL, modified_ns INTEGER NOT NULL
);
"""


class Known(NamedTuple):
    """What a file is known by."""

    file: str
    size: int
    modified_ns: int

    @classmethod
    def of(cls, file: str, path: Path) -> Known:
        """The file at ``path``, under the name ``file``; an OSError if it cannot be looked at."""
        about = path.stat()
        return cls(file, about.st_size, about.st_mtime_ns)


def path_beside(out: Path) -> Path:
    """Where the journal of a table lies while it is made."""
    return out.with_name(f".{out.name}.survey")


class Journal:
    """An open journal; every entry is on disk when its method returns."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def known(self) -> set[Known]:
        """The files that were heard."""
        rows = self._database.execute("SELECT file, size, modified_ns FROM heard")
        return {Known(*row) for row in rows}

    def keep(self, outcomes: Mapping[Known, Heard]) -> None:
        """Note what files gave."""
        rows = [(*key, heard.duration_s, json.dumps(heard.rows)) for key, heard in outcomes.items()]
        with self._database:
            self._database.executemany("INSERT OR REPLACE INTO heard VALUES (?, ?, ?, ?, ?)", rows)

    def heard(self, wanted: set[Known]) -> Iterator[tuple[str, Heard]]:
        """What some of the files gave, in the order of their names; one is held at a time."""
        columns = "file, size, modified_ns, duration_s, rows"
        for row in self._database.execute(f"SELECT {columns} FROM heard ORDER BY file"):  # noqa: S608
            key, duration_s, rows = Known(*row[:3]), row[3], row[4]
            if key in wanted:
                yield key.file, Heard(duration_s=duration_s, rows=tuple(json.loads(rows)))

    def written(self) -> set[Known]:
        """The files that this survey has put in place, and those that it was about to."""
        rows = self._database.execute("SELECT file, size, modified_ns FROM written")
        return {Known(*row) for row in rows}

    def keep_written(self, files: Iterable[Known]) -> None:
        """Note files that are about to be put in place, so that they are known again."""
        with self._database:
            self._database.executemany("INSERT OR REPLACE INTO written VALUES (?, ?, ?)", files)


@contextmanager
def opened(out: Path, settings: Mapping[str, object]) -> Iterator[Journal]:
    """Open the journal of a table, or begin one; one that nothing was noted in does not stay.

    Args:
        out: the table.
        settings: what it depends on, in plain values.

    Raises:
        PasstError: the journal is of other settings, is damaged, cannot be written, or another
            survey is writing it.
    """
    path = path_beside(out)
    is_empty = False
    try:
        database, maker = connected(path, _TABLES, json.dumps(settings))
        with closing(database):
            _check_settings(json.loads(maker), settings, path)
            journal = Journal(database)
            try:
                yield journal
            finally:
                is_empty = not journal.known()
    except sqlite3.OperationalError as error:
        raise PasstError(
            f"{path} cannot be written ({error}); let another run that writes {out.name} end, or "
            "choose a folder that can be written to"
        ) from error
    except (sqlite3.DatabaseError, json.JSONDecodeError) as error:
        raise PasstError(
            f"{path} is not what a run before this one left ({error}); delete it to begin anew"
        ) from error
    finally:
        if is_empty:
            path.unlink(missing_ok=True)


def remove(out: Path) -> None:
    """Remove the journal: the table is written."""
    path_beside(out).unlink(missing_ok=True)


def _check_settings(
    before: Mapping[str, object], settings: Mapping[str, object], path: Path
) -> None:
    """Refuse to go on with what was begun differently.

    Raises:
        PasstError: a setting is another than before.
    """
    now = json.loads(json.dumps(settings))
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            raise PasstError(
                f"{path.name} was begun with {name} {before.get(name)}, and now it is "
                f"{now.get(name)}; ask as before to go on, or delete {path} to begin anew"
            )
