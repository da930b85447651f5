"""A sound library on disk: what was embedded, by which model, and where it lies on the map.

A library is a folder of ``manifest.json``, ``clips.csv``, ``embeddings.npy``, ``faiss.index`` and
``map.npy``; the sounds stay where they are. It is opened only with the model that made it, and
only if every file is what the manifest says.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from passt_core.errors import LibraryError
from passt_core.files import atomic_folder, atomic_path, sha256_of
from passt_core.library.manifest import MANIFEST, Manifest, reason_of, rebuild_command
from passt_core.network.checkpoints import Checkpoint

CLIPS = "clips.csv"
EMBEDDINGS = "embeddings.npy"
FAISS = "faiss.index"
MAP = "map.npy"
CHECKED = (CLIPS, EMBEDDINGS, MAP)
"""Files whose SHA-256 the manifest holds; the FAISS file can always be made again."""

PAIRED_CLIPS = 1000
"""Clips whose pairs stand for all pairs of a larger library: half a million pairs."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class LibraryClip:
    """One sound of a library.

    Attributes:
        id: unique in its library.
        file: path of the sound under the library's root, with forward slashes.
        start_s, end_s: the stretch of the file that was embedded, in seconds.
        label, family, licence, origin: what is known of it; empty where nothing is.
    """

    id: str
    file: str
    start_s: float
    end_s: float
    label: str = ""
    family: str = ""
    licence: str = ""
    origin: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class SoundLibrary:
    """A library that is open.

    Attributes:
        folder: where it lies.
        manifest: what it is made of.
        clips: its sounds, N of them.
        embeddings: (N, D) float32 of length 1, read from disk as they are used.
        map: (N, 2) places of the sounds.
        index: the FAISS index over the embeddings, in their order.
        rebuild: the command that makes the library again.
    """

    folder: Path
    manifest: Manifest
    clips: tuple[LibraryClip, ...]
    embeddings: Floats
    map: Floats
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
        _check_files(folder, manifest, again)
        shapes = {EMBEDDINGS: (manifest.count, manifest.dim), MAP: (manifest.count, 2)}
        embeddings, places = (_array(folder / name, shape, again) for name, shape in shapes.items())
        return cls(
            folder=folder,
            manifest=manifest,
            clips=_read_clips(folder / CLIPS, manifest.count, again),
            embeddings=embeddings,
            map=np.array(places),
            index=_read_index(folder / FAISS, embeddings),
            rebuild=again,
        )

    @property
    def name(self) -> str:
        """Name of the library."""
        return self.manifest.name

    @cached_property
    def root(self) -> Path:
        """Folder of the sounds, absolute."""
        return (self.folder / self.manifest.root).resolve()

    @cached_property
    def pair_similarities(self) -> Floats:
        """Similarities of pairs of different clips, ascending, (P,).

        All pairs of a library of up to :data:`PAIRED_CLIPS` clips; of a larger one those of so many
        clips, drawn with a fixed seed.
        """
        drawn = np.random.default_rng(0).permutation(len(self.clips))[:PAIRED_CLIPS]
        vectors = np.asarray(self.embeddings[np.sort(drawn)])
        return np.sort((vectors @ vectors.T)[np.triu_indices(len(vectors), k=1)])

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

    def sound_path(self, clip: LibraryClip) -> Path:
        """The file of a clip, absolute; never outside :attr:`root`, whatever the CSV says.

        Raises:
            LibraryError: the file is not there, or not under the root.
        """
        path = (self.root / clip.file).resolve()
        if not path.is_relative_to(self.root):
            raise LibraryError(
                f"{clip.file!r} leads out of the library's folder of sounds; it is not opened: "
                "move the sound into the folder and build the library again"
            )
        if not path.is_file():
            raise LibraryError(
                f"{clip.file!r} is not in {self.root} any more; "
                f"put it back, or build again: {self.rebuild}"
            )
        return path

    @cached_property
    def _rows(self) -> Mapping[str, int]:
        return {clip.id: row for row, clip in enumerate(self.clips)}


def write(
    folder: Path,
    manifest: Manifest,
    *,
    clips: tuple[LibraryClip, ...],
    embeddings: Floats,
    places: Floats,
) -> None:
    """Write a library; what lay in ``folder`` stays until all of the new one is on disk.

    Args:
        folder: where it shall lie.
        manifest: its ``files`` are filled in here.
        clips: N sounds.
        embeddings: (N, D), of length 1.
        places: (N, 2).

    Raises:
        LibraryError: it cannot be written there, or the parts do not fit each other.
    """
    shapes = (len(clips), embeddings.shape, places.shape)
    if shapes != (manifest.count, (manifest.count, manifest.dim), (manifest.count, 2)):
        raise LibraryError(f"clips, embeddings and places of shapes {shapes} do not fit together")
    try:
        with atomic_folder(folder) as temporary:
            _write_clips(temporary / CLIPS, clips)
            np.save(temporary / EMBEDDINGS, embeddings.astype(np.float32), allow_pickle=False)
            np.save(temporary / MAP, places.astype(np.float32), allow_pickle=False)
            faiss.write_index(_flat_index(embeddings), str(temporary / FAISS))
            about = asdict(manifest) | {"files": {n: sha256_of(temporary / n) for n in CHECKED}}
            text = json.dumps(about, indent=2, ensure_ascii=False)
            (temporary / MANIFEST).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise LibraryError(
            f"the library cannot be written to {folder} ({error.strerror}); choose another folder"
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


def _check_files(folder: Path, manifest: Manifest, again: str) -> None:
    for name in CHECKED:
        path = folder / name
        if not path.is_file():
            raise LibraryError(f"{path} is missing; make the library again: {again}")
        if sha256_of(path) != manifest.files.get(name):
            raise LibraryError(
                f"{path} is damaged (its SHA-256 is not the manifest's); "
                f"make the library again: {again}"
            )


def _array(path: Path, shape: tuple[int, int], again: str) -> Floats:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise LibraryError(
            f"{path} is not an array ({reason_of(error)}); make the library again: {again}"
        ) from error
    if array.dtype != np.float32 or array.shape != shape:
        raise LibraryError(
            f"{path} holds {array.dtype} of shape {array.shape} where float32 of {shape} belongs; "
            f"make the library again: {again}"
        )
    return array


def _read_clips(path: Path, count: int, again: str) -> tuple[LibraryClip, ...]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            clips = tuple(_clip(row) for row in csv.DictReader(file, strict=True))
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise LibraryError(
            f"{path} cannot be read ({reason_of(error)}); make the library again: {again}"
        ) from error
    if len({clip.id for clip in clips}) != count or len(clips) != count:
        raise LibraryError(
            f"{path} lists {len(clips)} clips where {count} with unique ids belong; "
            f"make the library again: {again}"
        )
    return clips


def _clip(row: Mapping[str, str]) -> LibraryClip:
    known: dict[str, Any] = {key: row[key] for key in _COLUMNS if key not in ("start", "end")}
    return LibraryClip(**known, start_s=float(row["start"]), end_s=float(row["end"]))


_COLUMNS = tuple(field.name.removesuffix("_s") for field in fields(LibraryClip))


def _write_clips(path: Path, clips: tuple[LibraryClip, ...]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        table.writerow(_COLUMNS)
        table.writerows(asdict(clip).values() for clip in clips)


def _flat_index(embeddings: Floats) -> faiss.Index:
    index = faiss.IndexFlatIP(embeddings.shape[1])
    index.add(np.ascontiguousarray(embeddings, dtype=np.float32))
    return index


def _read_index(path: Path, embeddings: Floats) -> faiss.Index:
    """The FAISS file if it holds exactly the embeddings, else a new one, kept if possible."""
    with suppress(OSError, RuntimeError, MemoryError):
        index = faiss.read_index(str(path))
        if _holds(index, embeddings):
            return index
    index = _flat_index(embeddings)
    with suppress(OSError, RuntimeError), atomic_path(path) as temporary:
        faiss.write_index(index, str(temporary))
    return index


def _holds(index: faiss.Index, embeddings: Floats) -> bool:
    if not isinstance(index, faiss.IndexFlat) or index.metric_type != faiss.METRIC_INNER_PRODUCT:
        return False
    if (index.ntotal, index.d) != embeddings.shape:
        return False
    return np.array_equal(index.reconstruct_n(0, index.ntotal), embeddings)
