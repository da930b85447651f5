"""Sound libraries that tests share: random vectors, written in milliseconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from passt_core.library import nearest, store
from passt_core.library.manifest import METRIC, SCHEMA, Manifest, MapFacts, Source
from passt_core.library.store import Contents, SoundLibrary
from passt_core.library.tables import FileRecord, LibraryClip
from passt_core.network.checkpoints import Checkpoint


def units(count: int, dim: int, seed: int = 0) -> NDArray[np.float32]:
    """Random vectors of length 1, (count, dim)."""
    vectors = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def clip(number: int, **changes: str) -> LibraryClip:
    """A clip with a Unicode label, and a comma, a quote and a line break in its file's name."""
    known = {"id": f"clip-{number}", "file": f'ö,"\r\n{number}.wav', "label": "Björk, 鳥"}
    return LibraryClip(**(known | changes), number=7 * number, start_s=0.0, end_s=0.1 + number)


def random_library(
    folder: Path, checkpoint: Checkpoint, embeddings: NDArray[np.float32], **changes: object
) -> SoundLibrary:
    """Write the library of these embeddings, as made by ``checkpoint``, and open it."""
    write(folder, checkpoint, embeddings, **changes)
    return SoundLibrary.open(folder, checkpoint)


def write(
    folder: Path, checkpoint: Checkpoint, embeddings: NDArray[np.float32], **changes: object
) -> None:
    """Write a library; ``changes`` are of its clips or its manifest."""
    count = len(embeddings)
    clips = changes.pop("clips", tuple(clip(number) for number in range(count)))
    about: dict[str, object] = {
        "schema": SCHEMA,
        "name": folder.name,
        "model": checkpoint.name,
        "weights_sha256": checkpoint.sha256,
        "front_end": checkpoint.front_end,
        "dim": embeddings.shape[1],
        "metric": METRIC,
        "count": count,
        "seconds": 1.0,
        "created": "2026-01-01T00:00:00+00:00",
        "changed": "2026-01-01T00:00:00+00:00",
        "tool_version": "0",
        "sources": (Source(root=str(folder.parent)),),
        "next_number": 7 * count,
        "map": MapFacts(),
        "files": {},
    }
    numbers = np.array([clip.number for clip in clips], np.int64)
    contents = Contents(
        clips=clips,
        files=tuple(FileRecord(source=clip.source, file=clip.file) for clip in clips),
        embeddings=embeddings,
        places=np.random.default_rng(1).normal(size=(count, 2)).astype(np.float32),
        clusters=np.arange(count, dtype=np.int32) % 3 - 1,
        index=nearest.build(embeddings, numbers),
    )
    store.write(folder, Manifest(**(about | changes)), contents)
