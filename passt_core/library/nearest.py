"""Nearest embeddings by inner product (FAISS), each under its clip's number."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from passt_core.errors import LibraryError

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
EXACT = "exact"


def build(embeddings: Floats, numbers: Integers) -> faiss.Index:
    """An index over embeddings (N, D) of length 1 by their numbers (N,)."""
    index = faiss.IndexIDMap2(faiss.IndexFlatIP(embeddings.shape[1]))
    index.add_with_ids(np.ascontiguousarray(embeddings, np.float32), numbers)
    return index


def changed(
    index: faiss.Index,
    embeddings: Floats,
    numbers: Integers,
    *,
    new: NDArray[np.bool_],
    removed: Integers,
) -> faiss.Index:
    """The index of a changed library: ``embeddings`` and ``numbers`` are all that it holds now.

    Args:
        index: of what it held; it stays what it is.
        embeddings: (N, D) of length 1.
        numbers: (N,).
        new: which of them are not in the index, (N,).
        removed: numbers in the index that are not there any more.
    """
    return build(embeddings, numbers)


def write(index: faiss.Index, path: Path) -> None:
    """Write an index.

    Raises:
        OSError: it cannot be written.
    """
    faiss.write_index(index, str(path))


def read(path: Path) -> faiss.Index:
    """Read an index.

    Raises:
        LibraryError: it cannot be read.
    """
    try:
        return faiss.read_index(str(path))
    except RuntimeError as error:
        raise LibraryError(f"{path} cannot be read as a FAISS index") from error


def kind(index: faiss.Index) -> str:
    """What kind of index it is."""
    return EXACT


def holds(index: faiss.Index, embeddings: Floats, numbers: Integers) -> bool:
    """Whether an index is of these embeddings by these numbers."""
    return (index.ntotal, index.d) == embeddings.shape
