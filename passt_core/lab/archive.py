"""A zip of sounds from anyone → sounds on disk, without trust in what the zip says.

Sounds are written under numbers, not under the names in the zip: no name can lead out of the
folder, collide with another or be too long for the disk. The names stay as what they are: text.
"""

from __future__ import annotations

import errno
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from passt_core.errors import DatasetError
from passt_core.lab.archive_checks import (
    CHUNK,
    ArchiveLimits,
    Budget,
    check_amount,
    check_directory,
    no_zip,
)
from passt_core.lab.datasets import SOUND_SUFFIXES

_MEMBER_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
"""What zipfile and its decompressors raise on a member that cannot be read."""
_MAC_RESOURCES = "__MACOSX"
_TABLE = ".csv"


@dataclass(frozen=True, kw_only=True)
class UnpackedSound:
    """A sound of a zip: where it lies now, its class, and what the zip called it."""

    path: Path
    label: str
    name: str


@dataclass(frozen=True, kw_only=True)
class UnpackedTable:
    """A CSV of a zip: where it lies now, and what the zip called it."""

    path: Path
    name: str


@dataclass(frozen=True, kw_only=True)
class Unpacked:
    """The sounds of a zip, in its order.

    Attributes:
        folder: what they lie in; it belongs to the caller, who removes it.
        sounds: at least one.
        skipped: reason → how many entries were left out for it; folders do not count.
        tables: CSV files; only of a loose zip.
    """

    folder: Path
    sounds: tuple[UnpackedSound, ...]
    skipped: dict[str, int]
    tables: tuple[UnpackedTable, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Shape:
    """What is taken of a zip: see :func:`unpack`."""

    loose: bool
    suffixes: frozenset[str]

    @property
    def packed(self) -> str:
        """What there should be in the zip, in words."""
        return "sounds" if self.loose else "class folders"

    def is_table(self, name: str) -> bool:
        return self.loose and PurePosixPath(name).suffix.lower() == _TABLE

    def takes(self, name: str) -> bool:
        return self.is_table(name) or PurePosixPath(name).suffix.lower() in self.suffixes


_Member = tuple[zipfile.ZipInfo, str, str]
"""A file of a zip, its label, and its name as text."""


def unpack(
    archive: Path,
    parent: Path | None = None,
    limits: ArchiveLimits | None = None,
    *,
    loose: bool = False,
    suffixes: frozenset[str] = SOUND_SUFFIXES,
) -> Unpacked:
    """Unpack the sounds of a zip.

    One folder around all the classes may be there. Sounds of folders within a class are the
    class's. What is hidden, no sound, a link or damaged is left out and counted.

    Args:
        archive: the zip.
        parent: where a new folder for the sounds shall be made; None: the system's temporary one.
        limits: how much it may hold.
        loose: sounds need no class folder: their label is the innermost folder that they lie in,
            or none; CSV tables are unpacked too.
        suffixes: endings of the names of sounds, in lower case.

    Returns:
        The sounds. When this raises, nothing of them is left on the disk.

    Raises:
        DatasetError: no zip, damaged, encrypted, a name that leads out of it, over a limit, or
            without any sound, in a class folder if it is not loose.
    """
    limits = limits or ArchiveLimits()
    shape = _Shape(loose=loose, suffixes=suffixes)
    folder = Path(tempfile.mkdtemp(prefix="sounds-", dir=parent))
    try:
        return _unpack(archive, folder, limits, shape)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _unpack(archive: Path, folder: Path, limits: ArchiveLimits, shape: _Shape) -> Unpacked:
    skipped: Counter[str] = Counter()
    sounds: list[UnpackedSound] = []
    tables: list[UnpackedTable] = []
    try:
        with archive.open("rb") as file:
            check_directory(file, archive.name, limits, packed=shape.packed)
            with zipfile.ZipFile(file) as bundle:
                members = _members(bundle, archive.name, limits, skipped, shape)
                budget = Budget(archive.name, limits)
                for member, label, name in members:
                    number = len(sounds) + len(tables)
                    path = folder / f"{number:05d}{PurePosixPath(name).suffix.lower()}"
                    if not _write(bundle, member, path, budget):
                        skipped["damaged"] += 1
                    elif shape.is_table(name):
                        tables.append(UnpackedTable(path=path, name=name))
                    else:
                        sounds.append(UnpackedSound(path=path, label=label, name=name))
    except zipfile.BadZipFile as error:
        raise no_zip(archive.name, str(error), shape.packed) from error
    except _MEMBER_ERRORS as error:  # in the list of members
        raise no_zip(archive.name, f"{type(error).__name__}: {error}", shape.packed) from error
    except OSError as error:
        if error.errno == errno.EINVAL:  # it tells of places before its own beginning
            raise no_zip(archive.name, "its list is not where it says", shape.packed) from error
        raise DatasetError(
            f"{archive.name} cannot be unpacked ({error.strerror or error}); "
            "make room on the disk, or give fewer sounds"
        ) from error
    if not sounds:
        raise _no_sounds(archive.name, skipped, shape)
    return Unpacked(
        folder=folder, sounds=tuple(sounds), skipped=dict(skipped), tables=tuple(tables)
    )


def _members(
    bundle: zipfile.ZipFile,
    archive: str,
    limits: ArchiveLimits,
    skipped: Counter[str],
    shape: _Shape,
) -> list[_Member]:
    """Every sound that is taken, and of a loose zip every table; the rest is counted."""
    entries = bundle.infolist()
    if len(entries) > limits.entries:
        raise DatasetError(
            f"{archive} holds {len(entries)} files; the limit is {limits.entries}: "
            "split it into smaller zips"
        )
    sounds = []
    for entry in entries:
        parts = _parts(entry.filename, archive)
        reason = _unwanted(entry, parts, shape)
        if reason:
            skipped[reason] += 1
        elif not entry.is_dir():
            sounds.append((entry, parts))
    check_amount(archive, [entry for entry, _ in sounds], limits)
    return _loose(sounds) if shape.loose else _in_classes(sounds, skipped)


def _loose(sounds: list[tuple[zipfile.ZipInfo, tuple[str, ...]]]) -> list[_Member]:
    """Sounds with the name of their own folder for a label."""
    return [
        (entry, _printable(parts[-2]) if len(parts) > 1 else "", _printable("/".join(parts)))
        for entry, parts in sounds
    ]


def _in_classes(
    sounds: list[tuple[zipfile.ZipInfo, tuple[str, ...]]], skipped: Counter[str]
) -> list[_Member]:
    """Sounds with the name of their class folder for a label; what is in none is counted."""
    wrapped = _wrapping(parts for _, parts in sounds)
    found = []
    for entry, parts in sounds:
        inside = parts[wrapped:]
        if len(inside) < 2:
            skipped["in no class folder"] += 1
        else:
            found.append((entry, _printable(inside[0]), _printable("/".join(inside))))
    return found


def _parts(name: str, archive: str) -> tuple[str, ...]:
    """The folders and the file of a member's name.

    Raises:
        DatasetError: the name is absolute or leads out of the archive.
    """
    plain = name.replace("\\", "/")
    parts = tuple(part for part in plain.split("/") if part not in ("", "."))
    drive = bool(parts) and len(parts[0]) == 2 and parts[0][1] == ":" and parts[0][0].isalpha()
    if plain.startswith("/") or drive or ".." in parts:
        raise DatasetError(
            f"{archive} holds {_printable(name)!r}, a name that leads out of it; nothing of it was "
            "unpacked: pack the sounds again, with names inside the zip"
        )
    return parts


def _unwanted(entry: zipfile.ZipInfo, parts: tuple[str, ...], shape: _Shape) -> str | None:
    """Why a member is left out; None if it is wanted or a folder."""
    if not parts or parts[0] == _MAC_RESOURCES or any(part.startswith(".") for part in parts):
        return "hidden"
    if entry.is_dir():
        return None
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return "links and devices"
    if not shape.takes(parts[-1]):
        return "not sounds"
    return "encrypted" if entry.flag_bits & 1 else None


def _wrapping(names: Iterator[tuple[str, ...]]) -> int:
    """How many folders stand around all the class folders; sounds beside them do not count."""
    folders = [parts[:-1] for parts in names]
    depth = 0
    while True:
        inside = [way[depth:] for way in folders if len(way) > depth]
        one = len({way[0] for way in inside}) == 1
        if not one or not any(len(way) > 1 for way in inside):
            return depth
        depth += 1


def _write(bundle: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, budget: Budget) -> bool:
    """Unpack one member; False if it is damaged or packed in a way that cannot be read."""
    budget.begin(member.compress_size)
    try:
        with bundle.open(member) as source, path.open("xb") as target:
            while chunk := source.read(CHUNK):
                budget.take(len(chunk))
                target.write(chunk)
    except _MEMBER_ERRORS:
        path.unlink(missing_ok=True)
        return False
    return True


def _printable(text: str) -> str:
    """A name as text that any page, log and file takes."""
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text).strip()
    return clean or "\N{REPLACEMENT CHARACTER}"


def _no_sounds(name: str, skipped: Counter[str], shape: _Shape) -> DatasetError:
    left = ", ".join(f"{count} {reason}" for reason, count in skipped.items())
    told = "it is empty" if not left else f"it has {left}"
    if shape.loose:
        return DatasetError(f"{name} has no sound in it ({told}); put sound files into the zip")
    return DatasetError(
        f"{name} has no sound in a class folder ({told}); "
        "put the sounds of each class into a folder of its own and zip the folders"
    )
