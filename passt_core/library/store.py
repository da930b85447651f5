"""A sound library on disk: what was embedded, by which model, and where it lies on the map.

A library is a folder of ``manifest.json``, ``clips.csv``, ``embeddings.npy``, ``faiss.index`` and
``map.npy``; the sounds stay where they are. It is opened only with the model that made it, and
only if every file is what the manifest says.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from passt_core.errors import LibraryError
from passt_core.files import (
    ASSETS,
    INDEX,
    ROOT,
    atomic_folder,
    atomic_path,
    settle_folder,
    sha256_of,
)
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.registry import BUNDLED
from passt_core.signal.mel import MelConfig

SCHEMA = 1
METRIC = "cosine"

MANIFEST = "manifest.json"
CLIPS = "clips.csv"
EMBEDDINGS = "embeddings.npy"
FAISS = "faiss.index"
MAP = "map.npy"
CHECKED = (CLIPS, EMBEDDINGS, MAP)
"""Files whose SHA-256 the manifest holds; the FAISS file can always be made again."""

BUNDLED_SOUNDS = ASSETS / "library"
"""What the library called ``bundled`` is made of."""

PAIRED_CLIPS = 1000
"""Clips whose pairs stand for all pairs of a larger library: half a million pairs."""

Floats = NDArray[np.float32]

_NAME = re.compile(r"\w[\w .+-]{0,59}")
_UNKNOWN = "FOLDER"


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


@dataclass(frozen=True, kw_only=True)
class SkippedFile:
    """A file that is not in a library, and why."""

    file: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a library is made of, and by what.

    Attributes:
        schema: version of the format.
        name: of the library.
        model, weights_sha256, front_end: what embedded it.
        dim: length of an embedding; metric: how two are compared; count: how many there are.
        created: when, as ISO 8601 in UTC; tool_version: of this package.
        root: folder of the sounds; labels: the CSV that described them, if one was given by hand.
            Both relative to the library's folder where everything lies in the project.
        files: SHA-256 of each of :data:`CHECKED`.
        skipped: what lies in the folder of the sounds and could not be embedded.
    """

    schema: int
    name: str
    model: str
    weights_sha256: str
    front_end: MelConfig
    dim: int
    metric: str
    count: int
    created: str
    tool_version: str
    root: str
    labels: str | None
    files: Mapping[str, str]
    skipped: tuple[SkippedFile, ...]

    @classmethod
    def read(cls, folder: Path, model: str = BUNDLED) -> Manifest:
        """Read a library's manifest.

        Args:
            folder: where the library lies.
            model: name or path of the checkpoint that a message shall rebuild it with.

        Raises:
            LibraryError: there is no library, or its manifest is damaged or of another version.
        """
        settle_folder(folder)
        again = rebuild_command(folder, model=model)
        try:
            text = (folder / MANIFEST).read_text(encoding="utf-8")
            schema = json.loads(text)["schema"]
            if schema == SCHEMA:
                return TypeAdapter(cls).validate_json(text)
        except FileNotFoundError as error:
            raise LibraryError(
                f"there is no sound library in {folder}; make it: {again}"
            ) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LibraryError(
                f"{folder / MANIFEST} cannot be read ({_reason(error)}); "
                f"make the library again: {again}"
            ) from error
        raise LibraryError(
            f"the library in {folder} has schema {schema}; this version reads {SCHEMA}; "
            f"make it again: {again}"
        )


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
    """

    folder: Path
    manifest: Manifest
    clips: tuple[LibraryClip, ...]
    embeddings: Floats
    map: Floats
    index: faiss.Index

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
                f"put it back, or build again: {rebuild_command(self.folder, self.manifest)}"
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


def check_name(name: str) -> str:
    """Return ``name`` if a library can be called so.

    Raises:
        LibraryError: it could not be, or should not be, the name of a folder.
    """
    if not _NAME.fullmatch(name):
        raise LibraryError(
            f"a library cannot be called {name[:80]!r}; use up to 60 letters, digits, spaces, "
            "and . + - _ and begin with a letter or digit"
        )
    return name


def portable(path: Path, folder: Path) -> str:
    """``path`` as a manifest in ``folder`` says it: relative if both lie in the project."""
    path, folder = path.resolve(), folder.resolve()
    if path.is_relative_to(ROOT) and folder.is_relative_to(ROOT):
        return Path(os.path.relpath(path, folder)).as_posix()
    return path.as_posix()


def rebuild_command(folder: Path, manifest: Manifest | None = None, model: str = BUNDLED) -> str:
    """The command that makes the library in ``folder`` again.

    Args:
        folder: of the library.
        manifest: what is known of it; None: nothing.
        model: name or path of the checkpoint that shall embed it.
    """
    index = folder.resolve().parent
    if manifest is not None:
        root = _shown(folder / manifest.root)
    else:
        root = _shown(BUNDLED_SOUNDS) if folder.name == BUNDLED else _UNKNOWN
    command = ["python", "-m", "passt_core", "library", "build", root, "--name", folder.name]
    if manifest and manifest.labels:
        command += ["--labels", _shown(folder / manifest.labels)]
    if model != BUNDLED:
        command += ["--model", model]
    if index != INDEX:
        command += ["--index", str(index)]
    return shlex.join(command)


def _shown(path: Path) -> str:
    path = path.resolve()
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


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
            f"{path} is not an array ({_reason(error)}); make the library again: {again}"
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
            f"{path} cannot be read ({_reason(error)}); make the library again: {again}"
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


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    if isinstance(error, KeyError):
        return f"no {error}"
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__
