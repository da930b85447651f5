"""Sound libraries that tests share: random vectors, written in milliseconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from passt_core.library import store
from passt_core.library.manifest import METRIC, SCHEMA, Manifest
from passt_core.library.store import LibraryClip, SoundLibrary
from passt_core.network.checkpoints import Checkpoint


def units(count: int, dim: int, seed: int = 0) -> NDArray[np.float32]:
    """Random vectors of length 1, (count, dim)."""
    vectors = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def clip(number: int, **changes: str) -> LibraryClip:
    """A clip with a Unicode label, and a comma, a quote and a line break in its file's name."""
    known = {"id": f"clip-{number}", "file": f'ö,"\r\n{number}.wav', "label": "Björk, 鳥"}
    return LibraryClip(**(known | changes), start_s=0.0, end_s=0.1 + number)


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
        "created": "2026-01-01T00:00:00+00:00",
        "tool_version": "0",
        "root": str(folder.parent),
        "labels": None,
        "files": {},
        "skipped": (),
    }
    places = np.random.default_rng(1).normal(size=(count, 2)).astype(np.float32)
    manifest = Manifest(**(about | changes))
    store.write(folder, manifest, clips=clips, embeddings=embeddings, places=places)
