"""Which sounds a folder holds, and what is known of each."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from passt_core.errors import LibraryError
from passt_core.library.manifest import Source

LABELS_FILE = "library.csv"
"""A CSV of this name in the folder itself describes its sounds."""

AUDIO_SUFFIXES = frozenset(
    ".wav .wave .flac .ogg .oga .opus .mp3 .aif .aiff .aifc .au .caf .w64 .rf64 "
    ".m4a .m4b .aac .mp4 .mov .webm .mka .mkv .wma .amr .3gp .wv .tta .ape".split()
)

_FILE_COLUMNS = ("file", "filename")
_ORIGIN_COLUMNS = ("origin", "generator")

Row = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class SkippedFile:
    """A file that cannot be in a library, and why."""

    file: str
    reason: str
    source: int = 0


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder of sounds; :class:`passt_core.library.manifest.Source` with its paths opened."""

    root: Path
    labels: Path | None = None
    only: tuple[str, ...] | None = None

    @classmethod
    def of(cls, source: Source, home: Path) -> Place:
        """The place that the manifest of the library in ``home`` means."""
        labels = None if source.labels is None else (home / source.labels).resolve()
        return cls(root=(home / source.root).resolve(), labels=labels, only=source.only)


@dataclass(frozen=True, kw_only=True)
class Sound:
    """A file that may become a clip: what :class:`passt_core.library.tables.LibraryClip` says."""

    id: str
    file: str
    source: int = 0
    label: str = ""
    family: str = ""
    licence: str = ""
    origin: str = ""


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The sounds of a folder, by path, and what was left out before any was opened."""

    root: Path
    sounds: tuple[Sound, ...]
    skipped: tuple[SkippedFile, ...]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Paths under a folder of what may be a sound, sorted, and what was left out."""

    root: Path
    files: tuple[str, ...]
    skipped: tuple[SkippedFile, ...]


def gather(places: Sequence[Place]) -> tuple[tuple[Sound, ...], tuple[SkippedFile, ...]]:
    """List the sounds of several folders, and what is left out of them.

    An id that an earlier folder has taken is given with the name of its own folder before it.

    Raises:
        LibraryError: as :func:`catalogue`; a sound lies in two of the folders.
    """
    sounds: dict[str, Sound] = {}
    skipped: list[SkippedFile] = []
    taken: dict[Path, Path] = {}
    for source, place in enumerate(places):
        found = catalogue(place.root, place.labels, only=place.only)
        for sound in found.sounds:
            path = found.root / sound.file
            if path in taken:
                raise LibraryError(
                    f"{path} lies in {taken[path]} and in {found.root}, and both belong to the "
                    "library; name a folder that holds no other"
                )
            taken[path] = found.root
            named = _unlike(sound.id, found.root.name, sounds)
            sounds[named] = replace(sound, id=named, source=source)
        skipped += [replace(item, source=source) for item in found.skipped]
    return tuple(sounds.values()), tuple(skipped)


def _unlike(name: str, folder: str, taken: Collection[str]) -> str:
    """An id that is not taken: itself, with its folder's name, or with a number too."""
    number, tried = 1, name
    while tried in taken:
        tried = f"{folder}/{name}" if number == 1 else f"{folder}-{number}/{name}"
        number += 1
    return tried


def catalogue(
    folder: str | Path, labels: Path | None = None, *, only: Collection[str] | None = None
) -> Catalogue:
    """List the sounds of a folder and of the folders in it.

    Labels come from ``labels``, or else from ``library.csv`` in the folder: columns ``file`` (path
    under the folder) and, as far as there are any, ``label``, ``id``, ``family``, ``licence``,
    ``origin``. A sound that no row names is labelled with the name of its own folder, and not at
    all if it lies directly in ``folder``. Its id is its path.

    Args:
        folder: the sounds.
        labels: the CSV.
        only: paths under the folder of the files that are meant; None: all.

    Raises:
        LibraryError: the folder is not one, or holds no sound; the CSV cannot be read, or gives
            one id twice.
    """
    found = listing(folder, only=only)
    table = labels or found.root / LABELS_FILE
    rows = _read_rows(table) if labels or table.is_file() else {}
    absent = sorted(rows.keys() - set(found.files)) if only is None else []
    missing = tuple(
        SkippedFile(file=name, reason=f"{table.name} names it, but it is not there")
        for name in absent
    )
    sounds = tuple(_sound(name, rows.get(name, {})) for name in found.files)
    _check_ids(sounds, table.name)
    return Catalogue(root=found.root, sounds=sounds, skipped=(*found.skipped, *missing))


def listing(folder: str | Path, *, only: Collection[str] | None = None) -> Listing:
    """List the files of a folder, and of the folders in it, that are called as sounds are.

    Args:
        folder: the sounds.
        only: paths under the folder of the files that are meant; None: all.

    Raises:
        LibraryError: the folder is not one, or holds no sound.
    """
    root = Path(folder).resolve()
    if not root.is_dir():
        raise LibraryError(f"{folder} is not a folder; give the folder that holds the sounds")
    names, skipped = _files(root)
    if only is not None:
        names, skipped = names & set(only), [item for item in skipped if item.file in only]
    if not names:
        raise LibraryError(
            f"there is no sound in {folder} or the folders in it; "
            "WAV, FLAC, OGG, Opus, MP3, AIFF, M4A and the like are taken"
        )
    return Listing(root=root, files=tuple(sorted(names)), skipped=tuple(skipped))


def _files(root: Path) -> tuple[set[str], list[SkippedFile]]:
    """Paths of the sounds under ``root``, and those that cannot be in a library."""
    names: set[str] = set()
    skipped = []
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() not in AUDIO_SUFFIXES or path.is_dir():
            continue
        name = path.relative_to(root).as_posix()
        if any(part.startswith(".") for part in PurePosixPath(name).parts):
            continue  # hidden, as the "._" files that macOS leaves beside sounds
        reason = _unfit(path, name, root)
        if reason is None:
            names.add(name)
        else:
            shown = name.encode("utf-8", "replace").decode("utf-8")
            skipped.append(SkippedFile(file=shown, reason=reason))
    return names, skipped


def _unfit(path: Path, name: str, root: Path) -> str | None:
    try:
        name.encode("utf-8")
        if path.resolve().is_relative_to(root):
            return None
    except UnicodeEncodeError:
        return "its name is not valid UTF-8; rename it"
    except RuntimeError:  # a link to itself
        return "it is a link that leads nowhere; remove it"
    return "it is a link that leads out of the folder; copy the sound into the folder"


def _sound(name: str, row: Row) -> Sound:
    folder = PurePosixPath(name).parent.name
    origin = next((row[column] for column in _ORIGIN_COLUMNS if row.get(column)), "")
    return Sound(
        id=row.get("id") or name,
        file=name,
        label=row["label"] if row.get("label") else folder,
        family=row.get("family") or "",
        licence=row.get("licence") or "",
        origin=origin,
    )


def _read_rows(table: Path) -> dict[str, Row]:
    """Rows by file."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="", strict=True)
            column = next(c for c in _FILE_COLUMNS if c in (reader.fieldnames or ()))
            rows = [{k: v for k, v in row.items() if k is not None} for row in reader]
    except StopIteration as error:
        raise LibraryError(
            f"{table.name} has no column 'file'; give a CSV with columns file and label"
        ) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LibraryError(
            f"{table} cannot be read as labels ({error}); "
            "give a CSV in UTF-8 with columns file and label"
        ) from error
    return {_normal(row[column]): row for row in rows if row[column]}


def _normal(name: str) -> str:
    return PurePosixPath(name.strip().replace("\\", "/")).as_posix()


def _check_ids(sounds: tuple[Sound, ...], table: str) -> None:
    seen: dict[str, str] = {}
    for sound in sounds:
        if sound.id in seen:
            raise LibraryError(
                f"{table} gives the id {sound.id!r} to {seen[sound.id]} and to {sound.file}; "
                "ids must be unique"
            )
        seen[sound.id] = sound.file
