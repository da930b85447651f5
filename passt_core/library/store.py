"""A sound library on disk: what was embedded, by which model, and where it lies on the map.

A library is a folder of ``manifest.json``, ``clips.csv``, ``files.csv``, ``embeddings.npy``,
``faiss.index``, ``map.npy`` and ``clusters.npy``; the sounds stay where they are. It is opened only
with the model that made it, and only if every file is what the manifest says.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from passt_core.errors import LibraryError
from passt_core.files import atomic_folder, atomic_path, settle_folder, sha256_of
from passt_core.library import nearest
from passt_core.library.manifest import MANIFEST, Manifest, reason_of, rebuild_command
from passt_core.library.tables import (
    CLIPS,
    FILES,
    FileRecord,
    LibraryClip,
    read_clips,
    read_files,
    write_clips,
    write_files,
)
from passt_core.network.checkpoints import Checkpoint

EMBEDDINGS = "embeddings.npy"
FAISS = "faiss.index"
MAP = "map.npy"
CLUSTERS = "clusters.npy"
CHECKED = (CLIPS, FILES, EMBEDDINGS, MAP, CLUSTERS)
"""Files that cannot be had again without the sounds; the FAISS file can always be made again."""

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Contents:
    """What a library holds, to be written.

    Attributes:
        clips: N sounds; files: what they were cut from, and what was left out.
        embeddings: (N, D) float32 of length 1.
        places: (N, 2) float32 on the map; clusters: (N,) int32, -1 for none.
        index: the FAISS index over the embeddings, by the clips' numbers.
    """

    clips: tuple[LibraryClip, ...]
    files: tuple[FileRecord, ...]
    embeddings: Floats
    places: Floats
    clusters: NDArray[np.int32]
    index: faiss.Index


@dataclass(frozen=True, kw_only=True, eq=False)
class SoundLibrary:
    """A library that is open.

    Attributes:
        folder: where it lies.
        manifest: what it is made of.
        clips: its sounds, N of them.
        embeddings: (N, D) float32 of length 1, read from disk as they are used.
        map: (N, 2) places of the sounds.
        clusters: (N,) which cluster each belongs to, -1 for none.
        index: the FAISS index over the embeddings, by the clips' numbers.
        rebuild: the command that makes the library again.
    """

    folder: Path
    manifest: Manifest
    clips: tuple[LibraryClip, ...]
    embeddings: Floats
    map: Floats
    clusters: NDArray[np.int32]
    index: faiss.Index
    rebuild: str

    @classmethod
    def open(cls, folder: str | Path, checkpoint: Checkpoint) -> SoundLibrary:
        """Open a library with the model that made it.

        Args:
            folder: where the library lies.
            checkpoint: the model that queries will come from.

        Raises:
            LibraryError: it is missing, damaged or made by another model; the message ends in the
                command that makes it again.
        """
        folder = Path(folder)
        manifest = Manifest.read(folder, checkpoint.source)
        again = rebuild_command(folder, manifest, checkpoint.source)
        _check_model(manifest, checkpoint, again)
        check_files(folder, manifest, again)
        count = manifest.count
        embeddings = _array(folder / EMBEDDINGS, np.float32, (count, manifest.dim), again)
        clips = _read_clips(folder / CLIPS, count, again)
        return cls(
            folder=folder,
            manifest=manifest,
            clips=clips,
            embeddings=embeddings,
            map=np.array(_array(folder / MAP, np.float32, (count, 2), again)),
            clusters=np.array(_array(folder / CLUSTERS, np.int32, (count,), again)),
            index=_opened_index(folder, manifest, embeddings, _numbers(clips)),
            rebuild=again,
        )

    @property
    def name(self) -> str:
        """Name of the library."""
        return self.manifest.name

    @cached_property
    def roots(self) -> tuple[Path, ...]:
        """Folders of the sounds, absolute, in the order of the manifest's sources."""
        return tuple((self.folder / s.root).resolve() for s in self.manifest.sources)

    @cached_property
    def numbers(self) -> Integers:
        """Numbers of the clips, (N,)."""
        return _numbers(self.clips)

    @cached_property
    def files(self) -> tuple[FileRecord, ...]:
        """What the clips were cut from, and what was left out; read when it is first asked for."""
        return read_files(self.folder / FILES)

    def row(self, clip_id: str) -> int:
        """Place of a clip in :attr:`clips`, :attr:`embeddings` and :attr:`map`.

        Raises:
            LibraryError: there is no clip of that id.
        """
        if clip_id not in self._rows:
            raise LibraryError(
                f"the library {self.name} has no clip {clip_id!r}; use an id of its {CLIPS}"
            )
        return self._rows[clip_id]

    def clip(self, clip_id: str) -> LibraryClip:
        """The clip of an id.

        Raises:
            LibraryError: there is none.
        """
        return self.clips[self.row(clip_id)]

    def rows_of(self, numbers: Integers) -> Integers:
        """Rows of clips, (n,), by their numbers, which must be there."""
        return self._order[np.searchsorted(self.numbers, numbers, sorter=self._order)]

    def sound_path(self, clip: LibraryClip) -> Path:
        """The file of a clip, absolute; never outside its root, whatever the CSV says.

        Raises:
            LibraryError: the file is not there, or not under the root.
        """
        if not 0 <= clip.source < len(self.roots):
            raise LibraryError(
                f"{clip.id!r} is of source {clip.source}, and the library {self.name} has "
                f"{len(self.roots)}; make it again: {self.rebuild}"
            )
        root = self.roots[clip.source]
        path = (root / clip.file).resolve()
        if not path.is_relative_to(root):
            raise LibraryError(
                f"{clip.file!r} leads out of the library's folder of sounds; it is not opened: "
                "move the sound into the folder and build the library again"
            )
        if not path.is_file():
            raise LibraryError(
                f"{clip.file!r} is not in {root} any more; "
                f"put it back, or build again: {self.rebuild}"
            )
        return path

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        """Rows by ascending numbers."""
        return np.argsort(self.numbers)

    @cached_property
    def _rows(self) -> Mapping[str, int]:
        return {clip.id: row for row, clip in enumerate(self.clips)}


def clips_of(folder: Path) -> tuple[LibraryClip, ...]:
    """The clips of a library, whatever model it is of.

    Raises:
        LibraryError: there is no library, or its table of clips cannot be read.
    """
    manifest = Manifest.read(folder)
    return _read_clips(folder / CLIPS, manifest.count, rebuild_command(folder, manifest))


def write(folder: Path, manifest: Manifest, contents: Contents) -> None:
    """Write a library; what lay in ``folder`` stays until all of the new one is on disk.

    Args:
        folder: where it shall lie.
        manifest: its ``files`` are filled in here.
        contents: what it holds.

    Raises:
        LibraryError: it cannot be written there, or the parts do not fit each other.
    """
    _check_fit(manifest, contents)
    try:
        with atomic_folder(folder) as temporary:
            write_clips(temporary / CLIPS, contents.clips)
            write_files(temporary / FILES, contents.files)
            arrays = {
                EMBEDDINGS: contents.embeddings.astype(np.float32, copy=False),
                MAP: contents.places.astype(np.float32, copy=False),
                CLUSTERS: contents.clusters.astype(np.int32, copy=False),
            }
            for name, array in arrays.items():
                np.save(temporary / name, array, allow_pickle=False)
            nearest.write(contents.index, temporary / FAISS)
            sums = {name: sha256_of(temporary / name) for name in (*CHECKED, FAISS)}
            _write_manifest(temporary / MANIFEST, replace(manifest, files=sums))
    except OSError as error:
        raise LibraryError(
            f"the library cannot be written to {folder} ({error.strerror or error}); "
            "make room, or choose another folder"
        ) from error


def check_there(folder: Path) -> None:
    """Hold that a folder is that of a library, whatever state it is in.

    Raises:
        LibraryError: it is not.
    """
    settle_folder(folder)
    if not (folder / MANIFEST).is_file():
        raise LibraryError(f"there is no sound library in {folder}; name one that is listed")


def delete(folder: Path) -> None:
    """Delete a library, not the sounds that it is of.

    Raises:
        LibraryError: there is no library, or it cannot be deleted.
    """
    check_there(folder)
    try:
        (folder / MANIFEST).unlink()  # from here on it is none, whatever happens
        shutil.rmtree(folder)
    except OSError as error:
        raise LibraryError(
            f"{folder} cannot be deleted ({error.strerror or error}); change its permissions"
        ) from error


def names(index: Path) -> tuple[str, ...]:
    """Names of the libraries in a folder of libraries, sorted."""
    if not index.is_dir():
        return ()
    found = (path.parent.name for path in index.glob(f"*/{MANIFEST}"))
    return tuple(sorted(name for name in found if not name.startswith(".")))


def locate(name_or_folder: str, index: Path) -> Path:
    """Folder of a library: one of that name in ``index``, else one that lies at that path."""
    folder = Path(name_or_folder)
    named = index / folder.name
    return folder if (folder / MANIFEST).is_file() and not named.is_dir() else named


def _check_model(manifest: Manifest, checkpoint: Checkpoint, again: str) -> None:
    made_by = (manifest.weights_sha256, manifest.front_end, manifest.dim)
    if made_by != (checkpoint.sha256, checkpoint.front_end, checkpoint.config.dim):
        raise LibraryError(
            f"the library {manifest.name} was made by the model {manifest.model} "
            f"({manifest.weights_sha256[:8]}…), and this is {checkpoint.name} "
            f"({checkpoint.sha256[:8]}…): their embeddings cannot be compared; "
            f"make it again: {again}"
        )


def check_files(folder: Path, manifest: Manifest, again: str) -> None:
    """Hold the files of a library against its manifest.

    Raises:
        LibraryError: one is missing or damaged; the message names it.
    """
    for name in CHECKED:
        path = folder / name
        if not path.is_file():
            raise LibraryError(f"{path} is missing; make the library again: {again}")
        if sha256_of(path) != manifest.files.get(name):
            raise LibraryError(
                f"{path} is damaged (its SHA-256 is not the manifest's); "
                f"make the library again: {again}"
            )


def _array(path: Path, dtype: type, shape: tuple[int, ...], again: str) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise LibraryError(
            f"{path} is not an array ({reason_of(error)}); make the library again: {again}"
        ) from error
    if array.dtype != dtype or array.shape != shape:
        raise LibraryError(
            f"{path} holds {array.dtype} of shape {array.shape} where {np.dtype(dtype)} of {shape} "
            f"belongs; make the library again: {again}"
        )
    return array


def _read_clips(path: Path, count: int, again: str) -> tuple[LibraryClip, ...]:
    try:
        clips = read_clips(path)
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise LibraryError(
            f"{path} cannot be read ({reason_of(error)}); make the library again: {again}"
        ) from error
    different = min(len({clip.id for clip in clips}), len({clip.number for clip in clips}))
    if not len(clips) == different == count:
        raise LibraryError(
            f"{path} lists {len(clips)} clips where {count} with unique ids and numbers belong; "
            f"make the library again: {again}"
        )
    return clips


def _numbers(clips: Sequence[LibraryClip]) -> Integers:
    return np.array([clip.number for clip in clips], np.int64)


def _check_fit(manifest: Manifest, contents: Contents) -> None:
    count = manifest.count
    shapes = (
        len(contents.clips),
        contents.embeddings.shape,
        contents.places.shape,
        contents.clusters.shape,
        contents.index.ntotal,
    )
    if shapes != (count, (count, manifest.dim), (count, 2), (count,), count):
        raise LibraryError(
            f"clips, embeddings, places, clusters and index of shapes {shapes} do not fit together "
            f"in a library of {count} clips"
        )


def _write_manifest(path: Path, manifest: Manifest) -> None:
    text = json.dumps(asdict(manifest), indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _opened_index(
    folder: Path, manifest: Manifest, embeddings: Floats, numbers: Integers
) -> faiss.Index:
    """The FAISS file if it is the one that was written, else a new one, kept if possible."""
    path = folder / FAISS
    with suppress(OSError, LibraryError):
        if sha256_of(path) == manifest.files.get(FAISS):
            index = nearest.read(path)
            if nearest.holds(index, embeddings, numbers):
                return index
    index = nearest.build(embeddings, numbers)
    with suppress(OSError, LibraryError):
        with atomic_path(path) as temporary:
            nearest.write(index, temporary)
        with atomic_path(folder / MANIFEST) as temporary:
            sums = {**manifest.files, FAISS: sha256_of(path)}
            _write_manifest(temporary, replace(manifest, files=sums))
    return index
