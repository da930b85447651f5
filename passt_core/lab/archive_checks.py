"""How much a zip from anyone may hold, and what of it is refused before or while it is unpacked."""

from __future__ import annotations

import io
import struct
import zipfile
from dataclasses import dataclass

from passt_core.errors import DatasetError

CHUNK = 1 << 20
"""Bytes that are unpacked at a time."""
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
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


def check_directory(
    file: io.BufferedReader, name: str, limits: ArchiveLimits, *, packed: str
) -> None:
    """Refuse a list of members that would fill the memory, before zipfile reads it whole."""
    size = file.seek(0, io.SEEK_END)
    start = max(0, size - (_END.size + (1 << 16)) - _LOCATOR_64.size)
    file.seek(start)
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) - end < _END.size:
        raise no_zip(name, "it has no end record", packed)
    directory = _END.unpack_from(tail, end)[5]
    locator = end - _LOCATOR_64.size
    if locator >= 0 and tail[locator : locator + 4] == b"PK\x06\x07":
        file.seek(min(size, _LOCATOR_64.unpack_from(tail, locator)[2]))
        record = file.read(_END_64.size)
        if len(record) < _END_64.size:
            raise no_zip(name, "its zip64 record is cut off", packed)
        directory = max(directory if directory != 0xFFFFFFFF else 0, _END_64.unpack(record)[8])
    file.seek(0)
    if directory > limits.directory_bytes:
        raise DatasetError(
            f"{name} lists its files in {directory / 1e6:.1f} MB; the limit is "
            f"{limits.directory_bytes / 1e6:.1f} MB: split it into smaller zips"
        )


def check_amount(archive: str, sounds: list[zipfile.ZipInfo], limits: ArchiveLimits) -> None:
    """Refuse by what the zip says of itself; what it hides is met while it is unpacked."""
    if len(sounds) > limits.sounds:
        raise DatasetError(
            f"{archive} holds {len(sounds)} sounds; the limit is {limits.sounds}: leave some out"
        )
    said = sum(entry.file_size for entry in sounds)
    if said > limits.unpacked_bytes:
        raise too_large(archive, said, limits)


class Budget:
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
            raise too_large(self._archive, self._unpacked, self._limits)
        if self._unpacked > max(CHUNK, self._limits.ratio * self._packed):
            raise DatasetError(
                f"{self._archive} unpacks to more than {self._limits.ratio} times its size; "
                "no sounds do that: pack the sounds themselves"
            )


def no_zip(name: str, reason: str, packed: str) -> DatasetError:
    return DatasetError(
        f"{name} cannot be read as a zip ({reason[:_SHOWN]}); pack the {packed} again"
    )


def too_large(name: str, size: int, limits: ArchiveLimits) -> DatasetError:
    return DatasetError(
        f"{name} unpacks to {size / 1e6:.0f} MB or more; the limit is "
        f"{limits.unpacked_bytes / 1e6:.0f} MB: leave some sounds out, or give FLAC or OGG"
    )
