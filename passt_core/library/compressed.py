"""The compressed index of a large library: lists of neighbours, one bit per dimension.

A fixed rotation, lists found by k-means, and in each list the sign of every dimension of what is
left (IVF with RaBitQ, Gao and Long 2024, arXiv:2405.12497; FAISS, Douze et al. 2024,
arXiv:2401.08281). It says which embeddings are worth comparing, not how alike they are.
"""

from __future__ import annotations

import math
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]

SEED = 0

_swig: Any = faiss
"""FAISS's type stubs know its C++ side; arrays and keywords are taken by its Python side."""

_TRAINING = 40
"""Embeddings per list that k-means sees."""
_ROUNDS = 10
"""Rounds of k-means."""
_PROBED = 64
"""Lists that are looked into; more where few numbers are allowed or many neighbours wanted."""
_CANDIDATES = (200, 5)
"""Candidates that are compared exactly: so many, or so many times the neighbours wanted."""
_BITMAP = 1 << 27
"""Numbers below this are filtered by a bit each, 16 MB at most; larger ones by a hash table."""
_TOLERANCE = 0.25
"""How far one bit per dimension may be from an embedding's similarity with itself, 1."""


def empty(embeddings: Floats) -> faiss.Index:
    """An empty index, its lists made from a sample of the embeddings.

    Without the rotation, a dimension of large values would get no more than its one bit.
    """
    lists = min(_lists(len(embeddings)), len(embeddings))
    index = faiss.index_factory(
        embeddings.shape[1], f"HR,IVF{lists},RaBitQ", faiss.METRIC_INNER_PRODUCT
    )
    means = faiss.extract_index_ivf(index).cp
    means.seed, means.niter, means.spherical, means.min_points_per_centroid = SEED, _ROUNDS, True, 1
    drawn = np.random.default_rng(SEED).permutation(len(embeddings))[: _TRAINING * lists]
    index.train(np.ascontiguousarray(embeddings[np.sort(drawn)]))
    return index


def _lists(count: int) -> int:
    """A power of two near twice the root: scanning the lists costs about what finding them does."""
    return 1 << max(0, round(math.log2(2.0 * math.sqrt(count))))


def suits(index: faiss.Index, count: int) -> bool:
    """Whether the lists of an index are about as many as an index of ``count`` would have."""
    return 0.25 < faiss.extract_index_ivf(index).nlist / _lists(count) < 4.0


def numbers_of(index: faiss.Index) -> Numbers:
    """The numbers in an index, (N,), in its own order."""
    lists = _swig.extract_index_ivf(index).invlists
    sizes = [lists.list_size(number) for number in range(lists.nlist)]
    held = [
        faiss.rev_swig_ptr(lists.get_ids(number), size) for number, size in enumerate(sizes) if size
    ]
    return np.concatenate(held) if held else np.empty(0, np.int64)


def candidates(
    index: faiss.Index, queries: Floats, k: int, allowed: Numbers | None, count: int
) -> Numbers:
    """Numbers that are worth comparing, (Q, at least k): more lists until there are enough."""
    wanted = min(max(_CANDIDATES[0], _CANDIDATES[1] * k), count)
    lists = faiss.extract_index_ivf(index).nlist
    widened = max(1.0, wanted / _CANDIDATES[0]) * index.ntotal / count
    probed = min(math.ceil(_PROBED * widened), lists)
    while True:
        _, numbers = index.search(queries, wanted, params=_parameters(allowed, probed))
        if probed == lists or (numbers >= 0).all():
            return np.sort(numbers, axis=1)  # rows of a file, read in their order
        probed = min(2 * probed, lists)


def finds(index: faiss.Index, vector: Floats, number: int) -> bool:
    """Whether an embedding stands under its number in the lists nearest to it."""
    parameters = _parameters(np.array([number]), _PROBED)
    (similarity,), (found,) = (a[0] for a in index.search(vector[None], 1, params=parameters))
    return found == number and abs(similarity - 1.0) < _TOLERANCE


def selector(allowed: Numbers) -> faiss.IDSelector:
    """What may be found, (n,) at least 1, as FAISS takes it."""
    allowed = np.ascontiguousarray(allowed, np.int64)
    top = int(allowed.max())
    if top >= _BITMAP:
        return _swig.IDSelectorBatch(allowed)
    bits = np.zeros(top + 1, bool)
    bits[allowed] = True
    return _swig.IDSelectorBitmap(np.packbits(bits, bitorder="little"))


def _parameters(allowed: Numbers | None, probed: int) -> faiss.SearchParameters:
    chosen = None if allowed is None else selector(allowed)
    lists = _swig.SearchParametersIVF(sel=chosen, nprobe=probed)
    return _swig.SearchParametersPreTransform(index_params=lists)
