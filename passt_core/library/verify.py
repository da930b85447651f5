"""Whether a library is what its manifest says, and its sounds what they were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from passt_core.errors import LibraryError
from passt_core.files import sha256_of
from passt_core.library import nearest
from passt_core.library.manifest import Manifest, rebuild_command
from passt_core.library.store import EMBEDDINGS, FAISS, SoundLibrary, check_files
from passt_core.library.tables import State
from passt_core.network.checkpoints import Checkpoint

_LENGTH_OFF = 1e-3


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that is not as it should be: where, what, and what to do."""

    where: str
    what: str
    remedy: str


def verify(folder: Path, checkpoint: Checkpoint, *, sounds: bool = False) -> list[Fault]:
    """Look for faults in a library on disk; nothing is changed.

    Args:
        folder: of the library.
        checkpoint: its model.
        sounds: read every sound file too and compare its SHA-256.

    Returns:
        The faults; none is good.

    Raises:
        LibraryError: it cannot be looked at: it is not there, its manifest or another of its files
            is damaged, or it is of another model.
    """
    manifest = Manifest.read(folder, checkpoint.source)
    again = rebuild_command(folder, manifest, checkpoint.source)
    check_files(folder, manifest, again)
    stale = list(_stale_index(folder, manifest))
    library = SoundLibrary.open(folder, checkpoint)
    faults = [*stale, *_of_vectors(library)]
    faults += _of_sounds(library, read=sounds)
    return faults


def _stale_index(folder: Path, manifest: Manifest) -> Iterator[Fault]:
    """The FAISS file, before opening makes it again."""
    path = folder / FAISS
    if not path.is_file():
        yield Fault(where=FAISS, what="it is missing", remedy="it was made again")
    elif sha256_of(path) != manifest.files.get(FAISS):
        yield Fault(where=FAISS, what="it is damaged", remedy="it was made again")


def _of_vectors(library: SoundLibrary) -> Iterator[Fault]:
    lengths = np.linalg.norm(library.embeddings, axis=1)
    off = int((np.abs(lengths - 1.0) > _LENGTH_OFF).sum() + np.isnan(lengths).sum())
    if off:
        yield Fault(
            where=EMBEDDINGS, what=f"{off} embeddings are not of length 1", remedy=library.rebuild
        )
    if not nearest.holds(library.index, library.embeddings, library.numbers):
        yield Fault(where=FAISS, what="it holds other clips", remedy=library.rebuild)


def _of_sounds(library: SoundLibrary, *, read: bool) -> Iterator[Fault]:
    for record in library.files:
        if record.state is not State.IN:
            continue
        path = library.roots[record.source] / record.file
        try:
            size = path.stat().st_size
            if size == record.size and (not read or sha256_of(path) == record.sha256):
                continue
            what = "it has changed since it was heard"
        except OSError:
            what = "it is not there any more"
        yield Fault(where=record.file, what=what, remedy="build the library again")


def health(folder: Path, checkpoint: Checkpoint) -> str:
    """A library's health in a few words: ``good``, or the first fault."""
    try:
        faults = verify(folder, checkpoint)
    except LibraryError as error:
        return str(error)
    if not faults:
        return "good"
    more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
    return f"{faults[0].where}: {faults[0].what}{more}"
