"""Where things lie on disk, and how they are written."""

from __future__ import annotations

import csv
import glob
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

ROOT = Path(__file__).resolve().parents[1]
ASSETS = ROOT / "assets"
INDEX = ROOT / "index"

_CHUNK = 1 << 20
_ABANDONED_S = 3600.0
"""A temporary folder that nothing was put into for so long belongs to a process that was killed."""


def cache_folder() -> Path:
    """Folder for fetched checkpoints: ``PASST_CACHE``, else ``~/.cache/passt-explorer``."""
    chosen = os.environ.get("PASST_CACHE")
    return Path(chosen) if chosen else Path.home() / ".cache" / "passt-explorer"


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``target`` that replaces it when the block ends well.

    After an error, or a kill, what was at ``target`` is as it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        prefix=f".{target.stem[:40]}-", suffix=f"{target.suffix}.tmp", dir=target.parent
    )
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``target`` that replaces it when the block ends well.

    After an error what was at ``target`` is as it was. A folder cannot be replaced in one step:
    after a kill between the two steps, :func:`settle_folder` puts the old one back.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    settle_folder(target)
    _remove_abandoned(target)
    name = tempfile.mkdtemp(prefix=f".{target.name[:40]}-", suffix=".tmp", dir=target.parent)
    temporary, aside = Path(name), _aside(target)
    try:
        yield temporary
        temporary.chmod(0o755)
        if target.exists():
            target.replace(aside)
        temporary.replace(target)
    finally:
        settle_folder(target)
        shutil.rmtree(temporary, ignore_errors=True)


def settle_folder(target: Path) -> None:
    """End a replacement of ``target`` that was cut short: the old one returns, or is removed."""
    aside = _aside(target)
    if not aside.is_dir():
        return
    if target.exists():
        shutil.rmtree(aside, ignore_errors=True)
    else:
        aside.replace(target)


def _remove_abandoned(target: Path) -> None:
    """Remove what killed processes left of ``target``; another that writes it now is let be."""
    for left in target.parent.glob(f".{glob.escape(target.name[:40])}-????????.tmp"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(left)


def _aside(target: Path) -> Path:
    return target.with_name(f".{target.name}.old")


class _Lines:
    """A text file that each row of a table is a line of, without its carriage return."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, row: str) -> int:
        return self._file.write(row.removesuffix("\r\n") + "\n")


def csv_writer(file: TextIO) -> Any:
    """A :func:`csv.writer` whose rows end in a line feed, and whose cells may hold anything.

    A cell is quoted if it holds what rows end in. Told to end them in a line feed, the module
    leaves a carriage return bare, and whoever reads it takes it for the end of a row.
    """
    return csv.writer(_Lines(file))


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
