"""A zip of sounds from anyone → sounds on disk, without trust in what the zip says.

Sounds are written under numbers, not under the names in the zip: no name can lead out of the
folder, collide with another or be too long for the disk. The names stay as what they are: text.
"""

from __future__ import annotations

import io
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
from passt_core.lab.datasets import SOUND_SUFFIXES

_CHUNK = 1 << 20
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
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_MAC_RESOURCES = "__MACOSX"
_TABLE = ".csv"
_SHOWN = 60


@dataclass(frozen=True, kw_only=True)
class ArchiveLimits:
    """How much a zip may hold.

    Attributes:
        entries: files and folders of any kind.
        directory_bytes: size of the zip's own list of them.
        sounds: sound files.
        unpacked_bytes: of all sounds together.
        ratio: of unpacked to packed bytes, counted once a megabyte is unpacked.
    """

    entries: int = 20_000
    directory_bytes: int = 4 << 20
    sounds: int = 5_000
    unpacked_bytes: int = 2 << 30
    ratio: int = 200


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
            _check_directory(file, archive.name, limits, shape)
            with zipfile.ZipFile(file) as bundle:
                members = _members(bundle, archive.name, limits, skipped, shape)
                budget = _Budget(archive.name, limits)
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
        raise _no_zip(archive.name, str(error), shape) from error
    except _MEMBER_ERRORS as error:  # in the list of members
        raise _no_zip(archive.name, f"{type(error).__name__}: {error}", shape) from error
    except OSError as error:
        raise DatasetError(
            f"{archive.name} cannot be unpacked ({error.strerror or error}); "
            "make room on the disk, or give fewer sounds"
        ) from error
    if not sounds:
        raise _no_sounds(archive.name, skipped, shape)
    return Unpacked(
        folder=folder, sounds=tuple(sounds), skipped=dict(skipped), tables=tuple(tables)
    )


def _check_directory(
    file: io.BufferedReader, name: str, limits: ArchiveLimits, shape: _Shape
) -> None:
    """Refuse a list of members that would fill the memory, before zipfile reads it whole."""
    size = file.seek(0, io.SEEK_END)
    start = max(0, size - (_END.size + (1 << 16)) - _LOCATOR_64.size)
    file.seek(start)
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) - end < _END.size:
        raise _no_zip(name, "it has no end record", shape)
    directory = _END.unpack_from(tail, end)[5]
    locator = end - _LOCATOR_64.size
    if locator >= 0 and tail[locator : locator + 4] == b"PK\x06\x07":
        file.seek(min(size, _LOCATOR_64.unpack_from(tail, locator)[2]))
        record = file.read(_END_64.size)
        if len(record) < _END_64.size:
            raise _no_zip(name, "its zip64 record is cut off", shape)
        directory = max(directory if directory != 0xFFFFFFFF else 0, _END_64.unpack(record)[8])
    file.seek(0)
    if directory > limits.directory_bytes:
        raise DatasetError(
            f"{name} lists its files in {directory / 1e6:.1f} MB; the limit is "
            f"{limits.directory_bytes / 1e6:.1f} MB: split it into smaller zips"
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
    _check_amount(archive, [entry for entry, _ in sounds], limits)
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


def _check_amount(archive: str, sounds: list[zipfile.ZipInfo], limits: ArchiveLimits) -> None:
    """Refuse by what the zip says of itself; what it hides is met while it is unpacked."""
    if len(sounds) > limits.sounds:
        raise DatasetError(
            f"{archive} holds {len(sounds)} sounds; the limit is {limits.sounds}: leave some out"
        )
    said = sum(entry.file_size for entry in sounds)
    if said > limits.unpacked_bytes:
        raise _too_large(archive, said, limits)


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


class _Budget:
    """Bytes that may still be unpacked; counted as they come, not as the zip says."""

    def __init__(self, archive: str, limits: ArchiveLimits) -> None:
        self._archive = archive
        self._limits = limits
        self._packed = 0
        self._unpacked = 0

    def begin(self, packed: int) -> None:
        self._packed += packed

    def take(self, unpacked: int) -> None:
        self._unpacked += unpacked
        if self._unpacked > self._limits.unpacked_bytes:
            raise _too_large(self._archive, self._unpacked, self._limits)
        if self._unpacked > max(_CHUNK, self._limits.ratio * self._packed):
            raise DatasetError(
                f"{self._archive} unpacks to more than {self._limits.ratio} times its size; "
                "no sounds do that: pack the sounds themselves"
            )


def _write(bundle: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, budget: _Budget) -> bool:
    """Unpack one member; False if it is damaged or packed in a way that cannot be read."""
    budget.begin(member.compress_size)
    try:
        with bundle.open(member) as source, path.open("xb") as target:
            while chunk := source.read(_CHUNK):
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


def _no_zip(name: str, reason: str, shape: _Shape) -> DatasetError:
    what = "sounds" if shape.loose else "class folders"
    return DatasetError(
        f"{name} cannot be read as a zip ({reason[:_SHOWN]}); pack the {what} again"
    )


def _too_large(name: str, size: int, limits: ArchiveLimits) -> DatasetError:
    return DatasetError(
        f"{name} unpacks to {size / 1e6:.0f} MB or more; the limit is "
        f"{limits.unpacked_bytes / 1e6:.0f} MB: leave some sounds out, or give FLAC or OGG"
    )


def _no_sounds(name: str, skipped: Counter[str], shape: _Shape) -> DatasetError:
    left = ", ".join(f"{count} {reason}" for reason, count in skipped.items())
    told = "it is empty" if not left else f"it has {left}"
    if shape.loose:
        return DatasetError(f"{name} has no sound in it ({told}); put sound files into the zip")
    return DatasetError(
        f"{name} has no sound in a class folder ({told}); "
        "put the sounds of each class into a folder of its own and zip the folders"
    )
