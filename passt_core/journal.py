"""What a long work has done so far, on disk: an SQLite file beside what is being made."""

from __future__ import annotations

import sqlite3
from pathlib import Path

_MAKER = "CREATE TABLE maker (text TEXT NOT NULL);"


def connected(path: Path, tables: str, maker: str) -> tuple[sqlite3.Connection, str]:
    """Open a journal, or begin one; it is locked for this connection until that is closed.

    Args:
        path: where it lies.
        tables: SQL that makes its tables, but for the one of its maker.
        maker: what its entries depend on, as text.

    Returns:
        The journal, and the maker that it was begun by.

    Raises:
        OSError, sqlite3.OperationalError: it cannot be written, or another process is writing it.
        sqlite3.DatabaseError: what is there is no journal.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path)
    try:
        # Lets go of the lock only when it is closed: two processes cannot mix their journals.
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        return database, _begun(database, tables, maker)
    except BaseException:
        database.close()
        raise


def _begun(database: sqlite3.Connection, tables: str, maker: str) -> str:
    """The maker of a journal; an empty database becomes that of the maker that is given."""
    database.execute("BEGIN EXCLUSIVE")
    found = {row[0] for row in database.execute("SELECT name FROM sqlite_master")}
    database.rollback()
    if not found:
        database.executescript(f"BEGIN EXCLUSIVE; {_MAKER} {tables}")
        database.execute("INSERT INTO maker VALUES (?)", (maker,))
        database.commit()
    elif "maker" not in found:
        raise sqlite3.DatabaseError("it has other tables")
    return "".join(row[0] for row in database.execute("SELECT text FROM maker"))
