"""The sounds of a library that are most like an embedding."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from passt_core.errors import LibraryError
from passt_core.inference.analysis import DIGITS
from passt_core.library.store import SoundLibrary
from passt_core.library.tables import LibraryClip

_ZERO = 1e-12
"""Shortest embedding that points anywhere."""


@dataclass(frozen=True, kw_only=True)
class SearchHit:
    """A clip that was found.

    Attributes:
        rank: 1 for the most alike.
        similarity: cosine of the angle between the embeddings, -1 to 1.
        clip: the sound.
    """

    rank: int
    similarity: float
    clip: LibraryClip

    @property
    def id(self) -> str:
        """Id of the clip."""
        return self.clip.id

    @property
    def label(self) -> str:
        """Label of the clip, empty if it has none."""
        return self.clip.label

    @property
    def file(self) -> str:
        """File of the clip, under the library's root."""
        return self.clip.file

    def report(self) -> dict[str, str | float]:
        """Plain values for JSON."""
        return {
            "id": self.id,
            "label": self.label,
            "similarity": round(self.similarity, DIGITS),
            "file": self.file,
        }


def search(
    library: SoundLibrary,
    embedding: NDArray[np.floating],
    k: int,
    *,
    exclude: Collection[str] = (),
) -> list[SearchHit]:
    """Find the k sounds that are most alike, best first; all of them if there are fewer.

    Args:
        library: where to look.
        embedding: (D,), of any length but zero.
        k: how many, at least 1.
        exclude: ids of clips that are not wanted, as the query itself.

    Raises:
        LibraryError: the embedding is of another model's shape, not finite or zero; or k is not
            at least 1.
    """
    if k < 1:
        raise LibraryError(f"{k} neighbours were asked for; ask for at least 1")
    query = _unit(embedding, library)
    unwanted = frozenset(exclude)
    found = min(k + len(unwanted), len(library.clips))
    similarities, numbers = library.index.search(query[None], found)  # (1, found) each
    rows = library.rows_of(numbers)
    similarities = np.clip(similarities[0], -1.0, 1.0)
    # Equal similarities come in FAISS's own order; the library's order is the same every time.
    order = np.lexsort((rows[0], -similarities))
    best = [(library.clips[rows[0][i]], float(similarities[i])) for i in order]
    wanted = [(clip, similarity) for clip, similarity in best if clip.id not in unwanted][:k]
    return [
        SearchHit(rank=rank, similarity=similarity, clip=clip)
        for rank, (clip, similarity) in enumerate(wanted, start=1)
    ]


def share_below(library: SoundLibrary, similarity: float) -> float:
    """What share of the library's pairs is less alike than ``similarity``, 0 to 1.

    A cosine alone says little: two sounds of .93 are near in one model's space and far in
    another's. 0.99 here means that only one pair in a hundred is as alike as this.

    Returns:
        NaN in a library of one clip, which has no pairs.
    """
    pairs = library.pair_similarities
    if not len(pairs):
        return float("nan")
    return float(np.searchsorted(pairs, similarity) / len(pairs))


def _unit(embedding: NDArray[np.floating], library: SoundLibrary) -> NDArray[np.float32]:
    vector = np.asarray(embedding, dtype=np.float32)
    if vector.shape != (library.manifest.dim,):
        raise LibraryError(
            f"the embedding has shape {vector.shape} and the library {library.name} holds "
            f"({library.manifest.dim},); ask with an embedding of {library.manifest.model}"
        )
    length = float(np.linalg.norm(vector))
    if not _ZERO < length < np.inf:
        raise LibraryError(
            f"the embedding has length {length:g} and points nowhere; "
            "ask with a sound that the model can hear"
        )
    return vector / length
