"""Where sounds lie on a map: alike ones near each other (UMAP, McInnes et al. 2018)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from passt_core.errors import LibraryError
from passt_core.library.manifest import MapFacts
from passt_core.library.search import SearchHit
from passt_core.library.store import SoundLibrary

Floats = NDArray[np.float32]

SEED = 0
NEIGHBOURS = MapFacts.neighbours
MIN_DIST = MapFacts.min_dist
LEAST_NEIGHBOURS, MOST_NEIGHBOURS = 2, 200
LEAST_FOR_UMAP = 10
"""Below this many clips there is no neighbourhood to keep, and UMAP's start fails."""

MOST_FOR_UMAP = 50_000
"""Clips that UMAP lays out; it takes some minutes for so many."""
MOST_FOR_HDBSCAN = 20_000
LEAST_CLUSTER = 5
"""Clips in the smallest cluster."""
JOINED_NEIGHBOURS = 5
JUDGED_NEIGHBOURS = 10
MOST_JUDGED = 2000
"""Clips that the quality of a larger map is judged by: it looks at all their pairs."""

_SHARPNESS = 1e-3
"""Added to a cosine distance before it divides: a hit of distance 0 gets nearly all the weight."""


@dataclass(frozen=True, kw_only=True)
class MapQuality:
    """Figures of :func:`quality`, 0 to 1, and of how many clips they are."""

    judged: int
    trustworthiness: float | None
    preservation: float | None


def check_choices(neighbours: int, min_dist: float) -> None:
    """Hold the choices of a map against what UMAP takes.

    Raises:
        LibraryError: one is out of range.
    """
    if not LEAST_NEIGHBOURS <= neighbours <= MOST_NEIGHBOURS:
        raise LibraryError(
            f"neighbours is {neighbours}; a map takes {LEAST_NEIGHBOURS} to {MOST_NEIGHBOURS}: "
            "few show small groups, many the whole"
        )
    if not 0.0 <= min_dist < 1.0:
        raise LibraryError(
            f"min_dist is {min_dist:g}; a map takes 0 to below 1: 0 packs groups tightly"
        )


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

    Of more than :data:`MOST_FOR_UMAP` clips so many, drawn with a fixed seed, are laid out; each of
    the others gets the mean place of those that it is most like.

    Returns:
        (N, 2), centred on 0.
    """
    if len(embeddings) < LEAST_FOR_UMAP:
        places = _principal(embeddings)
    elif len(embeddings) <= MOST_FOR_UMAP:
        places = _umap(np.asarray(embeddings), min(neighbours, len(embeddings) - 1), min_dist)
    else:
        places = _sampled(embeddings, neighbours, min_dist)
    return (places - places.mean(axis=0)).astype(np.float32)


def joined(
    embeddings: Floats, places: Floats, new: Floats, *, neighbours: int = JOINED_NEIGHBOURS
) -> Floats:
    """Places for clips that join a map: each among the clips that it is most like.

    Args:
        embeddings: of the clips that are on the map, (N, D) of length 1.
        places: their places, (N, 2).
        new: embeddings of those that join, (M, D) of length 1.
        neighbours: how many clips give each its place.

    Returns:
        (M, 2).
    """
    index = faiss.IndexFlatIP(embeddings.shape[1])
    index.add(np.ascontiguousarray(embeddings, np.float32))
    wanted = np.ascontiguousarray(new, np.float32)
    similarities, rows = index.search(wanted, min(neighbours, len(embeddings)))
    weights = 1.0 / (1.0 - np.clip(similarities, -1.0, 1.0) + _SHARPNESS)  # (M, k)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("mk,mkd->md", weights, places[rows]).astype(np.float32)


def quality(embeddings: Floats, places: Floats) -> MapQuality:
    """How much of the neighbourhoods a map keeps.

    Args:
        embeddings: (N, D) of length 1.
        places: (N, 2).

    Returns:
        Trustworthiness (Venna & Kaski 2001, as scikit-learn has it) and the mean share of each
        clip's nearest sounds that are among its nearest on the map. None for fewer than four clips,
        of which every map is as good.
    """
    drawn = np.sort(np.random.default_rng(SEED).permutation(len(places))[:MOST_JUDGED])
    near = min(JUDGED_NEIGHBOURS, (len(drawn) - 1) // 2)
    if near < 1:
        return MapQuality(judged=len(drawn), trustworthiness=None, preservation=None)
    from sklearn.manifold import trustworthiness  # noqa: PLC0415 - a second
    from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415

    vectors, points = np.asarray(embeddings[drawn]), places[drawn]
    known = NearestNeighbors(n_neighbors=near, metric="cosine").fit(vectors).kneighbors()[1]
    shown = NearestNeighbors(n_neighbors=near).fit(points).kneighbors()[1]
    shared = [len(np.intersect1d(a, b)) / near for a, b in zip(known, shown, strict=True)]
    trusted = trustworthiness(vectors, points, n_neighbors=near, metric="cosine")
    return MapQuality(
        judged=len(drawn), trustworthiness=float(trusted), preservation=float(np.mean(shared))
    )


def clusters(embeddings: Floats, places: Floats) -> NDArray[np.int32]:
    """Groups of alike sounds, without knowing their labels.

    The islands of the map by HDBSCAN (Campello et al. 2013), which leaves out what lies between
    them. A library of more than :data:`MOST_FOR_HDBSCAN` clips is cut by k-means of the embeddings
    instead, into about as many groups as the root of half its clips.

    Returns:
        (N,): 0, 1, ... by falling size; -1 for none.
    """
    if len(places) < LEAST_FOR_UMAP:
        return np.full(len(places), -1, np.int32)
    if len(places) <= MOST_FOR_HDBSCAN:
        from sklearn.cluster import HDBSCAN  # noqa: PLC0415 - a second

        found = HDBSCAN(min_cluster_size=LEAST_CLUSTER, copy=True).fit_predict(places)
    else:
        from sklearn.cluster import MiniBatchKMeans  # noqa: PLC0415 - a second

        groups = round(np.sqrt(len(places) / 2))
        means = MiniBatchKMeans(groups, batch_size=4096, n_init=1, random_state=SEED)
        found = means.fit_predict(embeddings)
    return _by_size(np.asarray(found))


def _by_size(found: NDArray[np.integer]) -> NDArray[np.int32]:
    """Clusters numbered by falling size."""
    names, counts = np.unique(found[found >= 0], return_counts=True)
    order = names[np.argsort(-counts, kind="stable")]
    numbered = np.full(len(found), -1, np.int32)
    for number, name in enumerate(order):
        numbered[found == name] = number
    return numbered


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


def _sampled(embeddings: Floats, neighbours: int, min_dist: float) -> Floats:
    """Lay out some clips and put the others among them."""
    order = np.random.default_rng(SEED).permutation(len(embeddings))
    drawn, others = np.sort(order[:MOST_FOR_UMAP]), np.sort(order[MOST_FOR_UMAP:])
    known = np.asarray(embeddings[drawn])
    places = np.zeros((len(embeddings), 2), np.float32)
    places[drawn] = _umap(known, neighbours, min_dist)
    for part in np.array_split(others, -(-len(others) // MOST_FOR_UMAP)):
        places[part] = joined(known, places[drawn], np.asarray(embeddings[part]))
    return places


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
            init="pca",  # parts of the graph that know nothing of each other stay within one view
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
