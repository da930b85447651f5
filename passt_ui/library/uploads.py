"""Uploaded files → a batch of sounds under numbers, with a table of the names they had."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from passt_core.errors import LibraryError, PasstError
from passt_core.lab.archive import Unpacked, unpack
from passt_core.lab.archive_checks import ArchiveLimits
from passt_core.library.catalogue import AUDIO_SUFFIXES, LABELS_FILE
from passt_ui.library.labels import Labels, Row, plain, read_table, written

ZIP, TABLE = ".zip", ".csv"


@dataclass(frozen=True, kw_only=True)
class Room:
    """How much a library may still take: sounds, and bytes of them."""

    sounds: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """What was taken of an upload.

    Attributes:
        sounds: how many; labelled: how many of them have a label.
        left_out: (file, reason) of what was not taken.
    """

    sounds: int
    labelled: int
    left_out: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class _Sound:
    path: Path
    name: str
    label: str = ""
    ours: bool = False


@dataclass
class _Found:
    """What lies in the uploads, as it is found."""

    sounds: list[_Sound] = field(default_factory=list)
    rows: dict[str, Row] = field(default_factory=dict)
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def add_table(self, path: Path, name: str) -> None:
        try:
            self.rows |= read_table(path, name)
        except PasstError as error:
            self.left_out.append((name, str(error)))


def take_in(paths: Sequence[Path], batch: Path, room: Room, taken: Collection[str] = ()) -> Arrived:
    """Put uploaded sounds into a batch: sound files, what zips hold, and labels from tables.

    Labels come from any CSV with columns ``file`` and ``label``, else from the folders in a zip.

    Args:
        paths: the uploads; they stay.
        batch: an empty folder, which gets numbered files and ``library.csv``. When this raises,
            the caller removes it.
        room: how much may be taken.
        taken: names that the library's clips have already.

    Raises:
        LibraryError: no sound among them, too many or too large ones, or they cannot be written.
        DatasetError: a zip is refused.
    """
    found = _Found()
    try:
        for path in paths:
            _look_at(path, batch, room, found)
        if not found.sounds:
            raise _no_sound(found)
        _check_room(found.sounds, room)
        return _keep(found, batch, taken)
    except OSError as error:
        raise LibraryError(
            f"the sounds cannot be kept ({error.strerror or error}); "
            "upload them again, or tell who runs this app to make room"
        ) from error


def _look_at(path: Path, batch: Path, room: Room, found: _Found) -> None:
    name, suffix = plain(path.name), path.suffix.lower()
    if not path.is_file():
        raise LibraryError(f"{name} is not here any more; upload it again")
    if suffix == ZIP:
        limits = ArchiveLimits(sounds=max(1, room.sounds), unpacked_bytes=room.bytes)
        unpacked = unpack(path, batch, limits, loose=True, suffixes=AUDIO_SUFFIXES)
        _look_into(name, unpacked, found)
    elif suffix == TABLE:
        found.add_table(path, name)
    elif suffix in AUDIO_SUFFIXES:
        found.sounds.append(_Sound(path=path, name=name))
    else:
        found.left_out.append((name, "it is no sound, zip or CSV"))


def _look_into(name: str, unpacked: Unpacked, found: _Found) -> None:
    found.sounds += [
        _Sound(path=sound.path, name=sound.name, label=sound.label, ours=True)
        for sound in unpacked.sounds
    ]
    for table in unpacked.tables:
        found.add_table(table.path, plain(table.name))
    found.left_out += [
        (name, f"{count} of its files left out: {reason}")
        for reason, count in unpacked.skipped.items()
    ]


def _check_room(sounds: Sequence[_Sound], room: Room) -> None:
    """Refuse what the library has no room for.

    Raises:
        LibraryError: too many, or too large.
    """
    if len(sounds) > room.sounds:
        raise LibraryError(
            f"these are {len(sounds)} sounds, and the library has room for {room.sounds} more; "
            "leave some out, or set PASST_MAX_LIBRARY_SOUNDS where the app is started"
        )
    size = sum(sound.path.stat().st_size for sound in sounds)
    if size > room.bytes:
        raise LibraryError(
            f"these are {size / 1e6:.1f} MB, and the library has room for {room.bytes / 1e6:.1f} "
            "more; leave some out, give FLAC or OGG, or set PASST_MAX_LIBRARY_MB where the app is "
            "started"
        )


def _keep(found: _Found, batch: Path, taken: Collection[str]) -> Arrived:
    labels = Labels.of(found.rows)
    known = [_known(sound, labels) for sound in found.sounds]
    numbered = [
        f"{batch.name}-{number:05d}{sound.path.suffix.lower()}"
        for number, sound in enumerate(found.sounds)
    ]
    for sound, number in zip(found.sounds, numbered, strict=True):
        _put(sound, batch / number)
    for folder in batch.iterdir():
        if folder.is_dir():  # what a zip was unpacked into
            shutil.rmtree(folder)
    names = _different((sound.name for sound in found.sounds), taken)
    written(zip(numbered, names, known, strict=True), batch / LABELS_FILE)
    return Arrived(
        sounds=len(known),
        labelled=sum(bool(row.get("label")) for row in known),
        left_out=tuple(found.left_out),
    )


def _known(sound: _Sound, labels: Labels) -> Row:
    row = labels.of_sound(sound.name)
    return row if row.get("label") else {**row, "label": plain(sound.label)}


def _put(sound: _Sound, target: Path) -> None:
    """Move what was unpacked; of an upload take a second name, or a copy where that cannot be."""
    if sound.ours:
        sound.path.replace(target)
        return
    try:
        os.link(sound.path, target)
    except OSError:
        shutil.copyfile(sound.path, target)


def _different(names: Iterator[str], taken: Collection[str]) -> list[str]:
    """Names that are all different: the second ``a.wav`` becomes ``a.wav (2)``."""
    used, found = set(taken), list[str]()
    times: Counter[str] = Counter()
    for name in names:
        tried = name or "sound"
        while tried in used:
            times[name] += 1
            tried = f"{name} ({times[name] + 1})"
        used.add(tried)
        found.append(tried)
    return found


def _no_sound(found: _Found) -> LibraryError:
    told = "; ".join(f"{name}: {reason}" for name, reason in found.left_out[:3])
    return LibraryError(
        f"there is no sound among these files{f' ({told})' if told else ''}; "
        "give sound files, or a zip of them"
    )
