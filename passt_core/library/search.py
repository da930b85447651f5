"""The sounds of a library that are most like an embedding."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from passt_core.errors import LibraryError
from passt_core.inference.analysis import DIGITS
from passt_core.library import nearest
from passt_core.library.query import Filter, unit
from passt_core.library.store import SoundLibrary
from passt_core.library.tables import LibraryClip

Floats = NDArray[np.float32]

DISTRIBUTION_CLIPS = 100_000
"""Clips that stand for all of a larger library in a :class:`Distribution`."""

_BLOCK = 16_384
"""Embeddings in memory at a time."""
_SEED = 0
_ROUNDING = 1e-5
"""How far two ways to compute a cosine in float32 may be apart."""


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
        """File of the clip, under its source's folder."""
        return self.clip.file

    def report(self) -> dict[str, str | float]:
        """Plain values for JSON; times in seconds of the file."""
        return {
            "rank": self.rank,
            "id": self.id,
            "label": self.label,
            "family": self.clip.family,
            "similarity": round(self.similarity, DIGITS),
            "file": self.file,
            "start_s": self.clip.start_s,
            "end_s": self.clip.end_s,
        }


def search(
    library: SoundLibrary,
    embedding: NDArray[np.floating],
    k: int,
    *,
    exclude: Collection[str] = (),
    within: Filter | None = None,
) -> list[SearchHit]:
    """Find the k sounds that are most alike, best first; all of them if there are fewer.

    The similarities are exact. In a library of more than
    :data:`passt_core.library.nearest.EXACT_LIMIT` clips a neighbour can now and then be missed.

    Args:
        library: where to look.
        embedding: (D,), of any length but zero.
        k: how many, at least 1.
        exclude: ids of clips that are not wanted, as the query itself.
        within: which clips come into it; None: all.

    Raises:
        LibraryError: the embedding is of another model's shape, not finite or zero; or k is not
            at least 1.
    """
    query = _unit(embedding, library)
    unwanted = frozenset(exclude)
    allowed = library.numbers[within.matches(library.clips)] if within else None
    (similarities,), (numbers,) = nearest.search(
        library.index,
        query[None],
        k + len(unwanted) if k > 0 else k,
        vectors=lambda wanted: library.embeddings[library.rows_of(wanted)],
        allowed=allowed,
    )  # (1, found) each
    clips = [library.clips[row] for row in library.rows_of(numbers)]
    found = zip(similarities.tolist(), clips, strict=True)
    wanted = [(similarity, clip) for similarity, clip in found if clip.id not in unwanted][:k]
    return [
        SearchHit(rank=rank, similarity=similarity, clip=clip)
        for rank, (similarity, clip) in enumerate(wanted, start=1)
    ]


def more_like(
    library: SoundLibrary, clip_id: str, k: int, *, within: Filter | None = None
) -> list[SearchHit]:
    """Find the k sounds that are most like a clip of the library, without that clip.

    Raises:
        LibraryError: there is no clip of that id, or k is not at least 1.
    """
    embedding = library.embeddings[library.row(clip_id)]
    return search(library, embedding, k, exclude={clip_id}, within=within)


def similarities(library: SoundLibrary, embedding: NDArray[np.floating]) -> Floats:
    """How alike every clip of a library is: exact cosines, (N,), in the order of its clips.

    Reads all embeddings, in blocks: 3 GB for a million clips of dimension 768.

    Raises:
        LibraryError: as :func:`search`.
    """
    return _cosines(library.embeddings, _unit(embedding, library))


@dataclass(frozen=True, kw_only=True, eq=False)
class Distribution:
    """How alike the clips of a library are to an embedding.

    Attributes:
        ordered: cosines of M clips, ascending, (M,).
        count: clips of the library, of which M were compared.
        edges: limits of the histogram's bins, (B + 1,).
        counts: clips in each bin, (B,).
    """

    ordered: Floats
    count: int
    edges: Floats
    counts: NDArray[np.int64]

    @classmethod
    def of(
        cls, library: SoundLibrary, embedding: NDArray[np.floating], *, bins: int = 40
    ) -> Distribution:
        """The distribution over a library.

        Over all of its clips, or over :data:`DISTRIBUTION_CLIPS` of them, drawn with a fixed seed.

        Args:
            library: where to look.
            embedding: (D,), of any length but zero.
            bins: of the histogram, from the least alike to the most.

        Raises:
            LibraryError: as :func:`search`, or there is no bin.
        """
        if bins < 1:
            raise LibraryError(f"a histogram of {bins} bins shows nothing; ask for at least 1")
        query, count = _unit(embedding, library), len(library.clips)
        rows = None
        if count > DISTRIBUTION_CLIPS:
            drawn = np.random.default_rng(_SEED).permutation(count)[:DISTRIBUTION_CLIPS]
            rows = np.sort(drawn)
        ordered = np.sort(_cosines(library.embeddings, query, rows))
        counts, edges = np.histogram(ordered, bins=bins)
        return cls(ordered=ordered, count=count, edges=edges.astype(np.float32), counts=counts)

    def share_below(self, similarity: float) -> float:
        """What share of the clips is less alike than ``similarity``, 0 to 1.

        By more than a cosine's rounding: a clip that was found is not counted as below itself.
        """
        below = np.searchsorted(self.ordered, np.float32(similarity - _ROUNDING))
        return float(below / len(self.ordered))

    def percentile(self, percent: float) -> float:
        """The similarity that ``percent`` of the clips, 0 to 100, are below.

        Raises:
            LibraryError: it is not a percentage.
        """
        if not 0.0 <= percent <= 100.0:
            raise LibraryError(f"{percent:g} is no percentage; give 0 to 100")
        return float(np.percentile(self.ordered, percent))

    def report(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {
            "clips": self.count,
            "compared": len(self.ordered),
            "edges": [round(edge, DIGITS) for edge in self.edges.tolist()],
            "counts": self.counts.tolist(),
        }


def to_csv(hits: Sequence[SearchHit]) -> str:
    """Hits as a table with a header, best first; what is known of a clip stands beside it."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    table.writerow((*_REPORTED, "licence", "origin"))
    for hit in hits:
        report = hit.report()
        cells = (report[column] for column in _REPORTED)
        table.writerow((*cells, hit.clip.licence, hit.clip.origin))
    return text.getvalue()


def to_json(
    hits: Sequence[SearchHit], *, query: Mapping[str, object], library: str, model: str
) -> str:
    """Hits with what was asked, of which library and by which model.

    Args:
        hits: what was found.
        query: what was asked, in plain values.
        library: name of the library.
        model: name of the model.
    """
    told = [hit.report() | {"licence": hit.clip.licence, "origin": hit.clip.origin} for hit in hits]
    about = {"model": model, "library": library, "query": dict(query), "hits": told}
    return json.dumps(about, indent=2, ensure_ascii=False) + "\n"


_REPORTED = ("rank", "similarity", "id", "label", "family", "file", "start_s", "end_s")


def _cosines(embeddings: Floats, query: Floats, rows: NDArray[np.intp] | None = None) -> Floats:
    """Cosines with the embeddings, or with those of some rows, read in blocks."""
    count = len(embeddings) if rows is None else len(rows)
    found = np.empty(count, np.float32)
    for start in range(0, count, _BLOCK):
        part = slice(start, start + _BLOCK)
        found[part] = embeddings[part if rows is None else rows[part]] @ query
    return np.clip(found, -1.0, 1.0)


def _unit(embedding: NDArray[np.floating], library: SoundLibrary) -> Floats:
    shape = np.shape(embedding)
    if shape != (library.manifest.dim,):
        raise LibraryError(
            f"the embedding has shape {shape} and the library {library.name} holds "
            f"({library.manifest.dim},); ask with an embedding of {library.manifest.model}"
        )
    return unit(embedding)
