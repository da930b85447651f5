"""The nearest embeddings in a library of any size (FAISS, Douze et al. 2024, arXiv:2401.08281).

Two kinds of index stand behind the same functions. Up to :data:`EXACT_LIMIT` embeddings are all
compared with the query: *exact*. Of more, a *compressed* index chooses candidates, and their
float32 embeddings say how alike they are: what is reported is exact with both kinds, and only with
the second can a neighbour be missed. ``docs/decisions/0013-nearest.md`` tells how often, and what
else was tried.

An embedding is known by its number, which stays when others come and go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from passt_core.errors import LibraryError
from passt_core.files import atomic_path
from passt_core.library import compressed
from passt_core.library.compressed import SEED, Floats, Numbers

Vectors = Callable[[Numbers], Floats]
"""Numbers (n,) → their embeddings (n, D), as read from the library's file."""

_swig: Any = faiss
"""FAISS's type stubs know its C++ side; arrays and keywords are taken by its Python side."""

EXACT_LIMIT = 50_000
"""Most embeddings of the exact kind."""

_BLOCK = 16_384
"""Embeddings in memory at a time: 50 MB of dimension 768."""
_FEW = 20_000
"""Up to so many allowed embeddings are all compared exactly, without the index."""
_SAMPLE = 64
"""Embeddings that :func:`holds` looks for in a compressed index."""
_UNIT = 1e-3
"""How far from 1 the length of an embedding may be."""


def build(embeddings: Floats, numbers: Numbers, *, limit: int = EXACT_LIMIT) -> faiss.Index:
    """Index the embeddings of a library, the same each time.

    They are read in blocks: a memory map of any size is never held in memory as a whole.

    Args:
        embeddings: (N, D) float32 of length 1.
        numbers: (N,) their numbers, 0 or more, each once.
        limit: most embeddings of the exact kind.

    Raises:
        LibraryError: the numbers do not fit the embeddings, or these are not of length 1.
    """
    _check(embeddings, numbers)
    index = _exact(embeddings) if len(embeddings) <= limit else compressed.empty(embeddings)
    _add(index, embeddings, numbers, np.arange(len(numbers)))
    return index


def changed(
    index: faiss.Index,
    embeddings: Floats,
    numbers: Numbers,
    *,
    new: NDArray[np.bool_],
    removed: Numbers,
    limit: int = EXACT_LIMIT,
) -> faiss.Index:
    """The index of a library after a change; the one before stays as it is.

    Only what is new is added and only what went is removed, unless the lists that were made for
    the library no longer suit it: then they are made anew.

    Args:
        index: of the library before.
        embeddings: (N, D) of the library now.
        numbers: (N,) of the library now.
        new: (N,), True where the index does not hold the embedding yet.
        removed: numbers to take out; one that is new as well gets its new embedding.
        limit: most embeddings of the exact kind.

    Raises:
        LibraryError: as :func:`build`.
    """
    _check(embeddings, numbers)
    rows = np.flatnonzero(new)
    if index.d != embeddings.shape[1] or not _suits(index, len(numbers), len(rows), limit):
        return build(embeddings, numbers, limit=limit)
    # An index that is mapped from its file must not be written to: FAISS would end the process.
    after = _swig.deserialize_index(_swig.serialize_index(index))
    if len(removed):
        after.remove_ids(np.ascontiguousarray(removed, np.int64))
    _add(after, embeddings, numbers, rows)
    if not np.array_equal(np.sort(_numbers_of(after)), np.sort(numbers)):
        return build(embeddings, numbers, limit=limit)
    return after


def write(index: faiss.Index, path: Path) -> None:
    """Write an index; a file that was there stays until all of the new one is on disk.

    Raises:
        LibraryError: it cannot be written there.
    """
    try:
        with atomic_path(path) as temporary:
            faiss.write_index(index, str(temporary))
    except (OSError, RuntimeError) as error:
        raise LibraryError(
            f"{path} cannot be written ({_reason(error)}); make room or choose another folder"
        ) from error


def read(path: Path) -> faiss.Index:
    """Open an index, mapped from its file: parts of it are read as searches need them.

    FAISS checks little of what it reads. Open only files that this library wrote, and ask
    :func:`holds` whether it is the right one.

    Raises:
        LibraryError: it is missing, damaged or of another kind.
    """
    try:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        kind(index)
    except (RuntimeError, MemoryError, LibraryError) as error:
        raise LibraryError(
            f"{path} cannot be read as an index ({_reason(error)}); remove it, and it is made again"
        ) from error
    return index


def kind(index: Any) -> str:
    """``exact`` or ``compressed``.

    Raises:
        LibraryError: it is neither, and none of ours.
    """
    if index.metric_type == faiss.METRIC_INNER_PRODUCT:
        if isinstance(index, faiss.IndexIDMap2) and isinstance(
            faiss.downcast_index(index.index), faiss.IndexFlat
        ):
            return "exact"
        if isinstance(index, faiss.IndexPreTransform) and isinstance(
            faiss.downcast_index(index.index), faiss.IndexIVFRaBitQ
        ):
            return "compressed"
    raise LibraryError(
        f"an index of type {type(index).__name__} is not one of a library; make it again"
    )


def holds(index: Any, embeddings: Floats, numbers: Numbers) -> bool:
    """Whether an index is the one of these embeddings.

    The numbers are compared in both kinds. An exact index has to hold the very embeddings; of a
    compressed one, a sample with a fixed seed is looked for where it belongs.

    Args:
        index: of either kind.
        embeddings: (N, D) of the library.
        numbers: (N,) of the library.
    """
    if (index.ntotal, index.d) != embeddings.shape or len(numbers) != index.ntotal:
        return False
    held = _numbers_of(index)
    if not np.array_equal(np.sort(held), np.sort(numbers)):
        return False
    if kind(index) == "exact":
        order = np.argsort(numbers)
        rows = order[np.searchsorted(numbers, held, sorter=order)]
        return all(
            np.array_equal(index.index.reconstruct_n(start, len(part)), embeddings[part])
            for start, part in _parts(rows)
        )
    drawn = np.sort(np.random.default_rng(SEED).permutation(len(numbers))[:_SAMPLE])
    with _one_thread():
        return all(compressed.finds(index, embeddings[row], int(numbers[row])) for row in drawn)


def search(
    index: faiss.Index,
    queries: Floats,
    k: int,
    *,
    vectors: Vectors,
    allowed: Numbers | None = None,
) -> tuple[Floats, Numbers]:
    """The k nearest embeddings of each query, the most alike first, the lower number of equals.

    Args:
        index: of either kind.
        queries: (Q, D) of length 1.
        k: how many, at least 1.
        vectors: gives the library's embeddings by number; the exact kind does not need it.
        allowed: numbers of the library that may be found; None: all.

    Returns:
        Cosine similarities, -1 to 1, and numbers, (Q, min(k, N)) each, N being the embeddings that
        may be found.

    Raises:
        LibraryError: k is not at least 1, or the queries are not of the index's dimension.
    """
    _check_query(index, queries, k)
    if len(queries) == 1:
        with _one_thread():
            return _search(index, queries, k, vectors, allowed)
    return _search(index, queries, k, vectors, allowed)


def _search(
    index: faiss.Index, queries: Floats, k: int, vectors: Vectors, allowed: Numbers | None
) -> tuple[Floats, Numbers]:
    queries = np.ascontiguousarray(queries, np.float32)
    count = index.ntotal if allowed is None else len(allowed)
    k = min(k, count)
    if k == 0:
        return np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
    if kind(index) == "exact":
        found, numbers = index.search(queries, k, params=_within(allowed))
        return _ordered(found, numbers, k)
    if allowed is not None and count <= _FEW:
        rows = np.sort(allowed)
        return _ordered(queries @ vectors(rows).T, np.tile(rows, (len(queries), 1)), k)
    candidates = compressed.candidates(index, queries, k, allowed, count)
    found = np.stack(
        [vectors(numbers) @ query for numbers, query in zip(candidates, queries, strict=True)]
    )
    return _ordered(found, candidates, k)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let FAISS use one thread for what this thread asks; others keep theirs.

    One query is not worth more. Where the processor is busy, waiting for a second thread took ten
    times as long as the search.
    """
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


def _exact(embeddings: Floats) -> faiss.Index:
    return faiss.IndexIDMap2(faiss.IndexFlatIP(embeddings.shape[1]))


def _suits(index: faiss.Index, count: int, added: int, limit: int) -> bool:
    """Whether an index may take a change, or is of the wrong kind or its lists out of date."""
    if kind(index) == "exact":
        return count <= limit
    return limit < count and 2 * added <= count and compressed.suits(index, count)


def _add(index: faiss.Index, embeddings: Floats, numbers: Numbers, rows: NDArray[np.intp]) -> None:
    for _, part in _parts(rows):
        block = np.ascontiguousarray(embeddings[part])
        lengths = np.linalg.norm(block, axis=1)
        wrong = np.flatnonzero(~(np.abs(lengths - 1.0) < _UNIT))  # NaN is wrong too
        if len(wrong):
            raise LibraryError(
                f"the embedding of number {numbers[part[wrong[0]]]} has length "
                f"{lengths[wrong[0]]:g} where 1 belongs; make the library again"
            )
        index.add_with_ids(block, np.ascontiguousarray(numbers[part], np.int64))


def _parts(rows: NDArray[np.intp]) -> Iterator[tuple[int, NDArray[np.intp]]]:
    for start in range(0, len(rows), _BLOCK):
        yield start, rows[start : start + _BLOCK]


def _within(allowed: Numbers | None) -> Any:
    selector = None if allowed is None else compressed.selector(allowed)
    return _swig.SearchParameters(sel=selector)


def _numbers_of(index: Any) -> Numbers:
    """The numbers in an index, (N,), in its own order."""
    if kind(index) == "exact":
        return np.asarray(_swig.vector_to_array(index.id_map))
    return compressed.numbers_of(index)


def _ordered(similarities: Floats, numbers: Numbers, k: int) -> tuple[Floats, Numbers]:
    """The k best of each row, (Q, k) each, in an order that does not hang on FAISS's own."""
    order = np.lexsort((numbers, -similarities))[:, :k]
    best = np.take_along_axis(similarities, order, axis=1)
    return np.clip(best, -1.0, 1.0), np.take_along_axis(numbers, order, axis=1)


def _check(embeddings: Floats, numbers: Numbers) -> None:
    if embeddings.ndim != 2 or embeddings.dtype != np.float32:
        raise LibraryError(
            f"embeddings of type {embeddings.dtype} and shape {embeddings.shape} cannot be "
            "indexed; give float32 of shape (N, D)"
        )
    if numbers.shape != embeddings.shape[:1] or not np.issubdtype(numbers.dtype, np.integer):
        raise LibraryError(
            f"{numbers.dtype} numbers of shape {numbers.shape} do not fit {len(embeddings)} "
            "embeddings; give one integer for each"
        )
    if len(numbers) and (numbers.min() < 0 or len(np.unique(numbers)) < len(numbers)):
        raise LibraryError("numbers of embeddings must be 0 or more and each stand once")


def _check_query(index: faiss.Index, queries: Floats, k: int) -> None:
    if k < 1:
        raise LibraryError(f"{k} neighbours were asked for; ask for at least 1")
    if queries.ndim != 2 or queries.shape[1] != index.d:
        raise LibraryError(
            f"queries of shape {queries.shape} do not fit an index of dimension {index.d}; "
            f"give (Q, {index.d})"
        )


def _reason(error: Exception) -> str:
    """What FAISS says in its own last words, without the place in its source."""
    return str(error).strip().splitlines()[-1].rsplit("Error: ", 1)[-1] or type(error).__name__
