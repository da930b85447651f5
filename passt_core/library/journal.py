"""What a build has heard so far, on disk file by file: killed at any moment, it goes on there.

An SQLite file beside the library that is being built, gone when the library is written. Sounds are
known by their content (SHA-256): one that was moved, renamed or copied is not heard again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np

from passt_core.errors import LibraryError
from passt_core.inference.predictor import Predictor
from passt_core.journal import connected
from passt_core.library.embed import Heard, Outcome
from passt_core.library.manifest import SCHEMA

_TABLES = """
CREATE TABLE heard (
    sha256 TEXT PRIMARY KEY, reason TEXT, starts TEXT, ends TEXT, vectors BLOB
);
CREATE TABLE content (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
    sha256 TEXT NOT NULL
);
"""


def path_beside(home: Path) -> Path:
    """Where the journal of a library lies while it is built."""
    return home.with_name(f".{home.name}.journal")


def unfinished(index: Path) -> tuple[str, ...]:
    """Names of the libraries in a folder of libraries whose build was stopped, or goes on now."""
    found = index.glob(".*.journal") if index.is_dir() else ()
    return tuple(sorted(path.name[1:].removesuffix(".journal") for path in found))


class Journal:
    """An open journal; every entry is on disk when its method returns."""

    def __init__(self, database: sqlite3.Connection, dim: int) -> None:
        self._database = database
        self._dim = dim

    def heard(self) -> dict[str, Outcome]:
        """SHA-256 of each sound that was heard → what it gave."""
        rows = self._database.execute("SELECT sha256, reason, starts, ends, vectors FROM heard")
        return {row[0]: self._outcome(row[1:]) for row in rows}

    def keep(self, outcomes: Mapping[str, Outcome]) -> None:
        """Note what sounds gave, by their SHA-256."""
        rows = [(sha256, *_columns(outcome)) for sha256, outcome in outcomes.items()]
        with self._database:
            self._database.executemany("INSERT OR REPLACE INTO heard VALUES (?, ?, ?, ?, ?)", rows)

    def contents(self) -> dict[tuple[str, int, int], str]:
        """(path, size, time of writing in ns) of each file that was read → its SHA-256."""
        rows = self._database.execute("SELECT path, size, modified_ns, sha256 FROM content")
        return {(path, size, modified): sha256 for path, size, modified, sha256 in rows}

    def keep_content(self, path: str, size: int, modified_ns: int, sha256: str) -> None:
        """Note the SHA-256 of a file."""
        row = (path, size, modified_ns, sha256)
        with self._database:
            self._database.execute("INSERT OR REPLACE INTO content VALUES (?, ?, ?, ?)", row)

    def _outcome(self, row: tuple[str | None, str, str, bytes]) -> Outcome:
        reason, starts, ends, vectors = row
        if reason is not None:
            return reason
        stacked = np.frombuffer(vectors, np.float32).reshape(-1, self._dim)
        return Heard(starts=tuple(json.loads(starts)), ends=tuple(json.loads(ends)), units=stacked)


@contextmanager
def opened(home: Path, predictor: Predictor) -> Iterator[Journal]:
    """Open the journal of a library's build, or begin one.

    One of another model, or in another precision, begins anew.

    Raises:
        LibraryError: it cannot be written there, or another build of the library is writing it.
    """
    path = path_beside(home)
    checkpoint = predictor.checkpoint
    front_end = asdict(checkpoint.front_end)
    maker = json.dumps([SCHEMA, checkpoint.sha256, front_end, predictor.precision])
    try:
        with closing(_database(path, maker)) as database:
            yield Journal(database, predictor.embedding_dim)
    except (OSError, sqlite3.Error) as error:
        raise LibraryError(
            f"{path} cannot be written ({error}); let another build of the library end, or choose "
            "a folder that can be written to"
        ) from error


def remove(home: Path) -> None:
    """Remove the journal: the library is written."""
    with suppress(FileNotFoundError):
        path_beside(home).unlink()


def _database(path: Path, maker: str) -> sqlite3.Connection:
    """The journal of this maker; what else lies there is removed."""
    for _ in range(2):
        try:
            database, found = connected(path, _TABLES, maker)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:  # damaged
            path.unlink()
            continue
        if found == maker:
            return database
        database.close()
        path.unlink()
    raise sqlite3.OperationalError("it was replaced while it was opened")


def _columns(outcome: Outcome) -> tuple[str | None, str, str, bytes]:
    if isinstance(outcome, str):
        return outcome, "", "", b""
    vectors = np.ascontiguousarray(outcome.units, np.float32).tobytes()
    return None, json.dumps(outcome.starts), json.dumps(outcome.ends), vectors
