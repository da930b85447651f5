"""Where sounds lie on a map: alike ones near each other (UMAP, McInnes et al. 2018)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from passt_core.errors import LibraryError
from passt_core.library.search import SearchHit
from passt_core.library.store import SoundLibrary

Floats = NDArray[np.float32]

SEED = 0
NEIGHBOURS = 15
MIN_DIST = 0.1
LEAST_FOR_UMAP = 10
"""Below this many clips there is no neighbourhood to keep, and UMAP's start fails."""

_SHARPNESS = 1e-3
"""Added to a cosine distance before it divides: a hit of distance 0 gets nearly all the weight."""


def layout(
    embeddings: Floats, *, neighbours: int = NEIGHBOURS, min_dist: float = MIN_DIST
) -> Floats:
    """Place sounds on a plane, the same each time.

    UMAP on the cosine of the embeddings. A library of fewer than :data:`LEAST_FOR_UMAP` clips is
    too small for it and gets its two principal components instead.

    The first call in a process imports UMAP and compiles it, which takes about 15 s.

    Args:
        embeddings: (N, D), N at least 1.
        neighbours: how many neighbours of each clip UMAP keeps together.
        min_dist: least distance between places, 0 to 1.

    Returns:
        (N, 2), centred on 0.
    """
    if len(embeddings) < LEAST_FOR_UMAP:
        places = _principal(embeddings)
    else:
        places = _umap(np.asarray(embeddings), min(neighbours, len(embeddings) - 1), min_dist)
    return (places - places.mean(axis=0)).astype(np.float32)


def place(hits: Sequence[SearchHit], library: SoundLibrary) -> Floats:
    """Where a query lies on a library's map: among its neighbours, nearer to the more alike.

    Args:
        hits: what :func:`passt_core.library.search.search` found for it, one at least.
        library: where it was found.

    Returns:
        (2,): mean of the neighbours' places, each weighted by the inverse of its cosine distance.

    Raises:
        LibraryError: no hits.
    """
    if not hits:
        raise LibraryError("a query without neighbours has no place; search with k of 1 or more")
    places = library.map[[library.row(hit.id) for hit in hits]]  # (k, 2)
    weights = [1.0 / (1.0 - hit.similarity + _SHARPNESS) for hit in hits]
    return np.average(places, axis=0, weights=weights).astype(np.float32)


def _umap(embeddings: Floats, neighbours: int, min_dist: float) -> Floats:
    with warnings.catch_warnings():
        # Of no use here: TensorFlow is not installed; the graph of well-parted classes has parts.
        warnings.simplefilter("ignore")
        from umap import UMAP  # noqa: PLC0415 - 13 s, which only this function should cost

        reducer = UMAP(
            n_components=2,
            n_neighbors=neighbours,
            min_dist=min_dist,
            metric="cosine",
            random_state=SEED,
            n_jobs=1,
        )
        return np.asarray(reducer.fit_transform(embeddings), dtype=np.float32)


def _principal(embeddings: Floats) -> Floats:
    """First two principal components, (N, 2); zeros where there are fewer."""
    centred = embeddings - embeddings.mean(axis=0)
    left, lengths, _ = np.linalg.svd(centred, full_matrices=False)
    scores = (left * lengths)[:, :2]
    # SVD leaves the sign open: the largest coordinate of each axis is made positive.
    largest = np.abs(scores).argmax(axis=0)
    scores = scores * np.where(np.take_along_axis(scores, largest[None], axis=0) < 0, -1.0, 1.0)
    return np.pad(scores, ((0, 0), (0, 2 - scores.shape[1])))
