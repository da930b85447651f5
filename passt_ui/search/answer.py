"""What a library answers: the sounds most alike, and how alike all of them are."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from passt_core.errors import LibraryError
from passt_core.library.manifest import Manifest
from passt_core.library.query import Filter
from passt_core.library.search import Distribution, SearchHit, search, similarities
from passt_core.library.soundmap import place
from passt_core.library.store import CHECKED, CLUSTERS, MAP, SoundLibrary
from passt_ui import mapdata
from passt_ui.hand import Hand
from passt_ui.packed import packed
from passt_ui.search.question import Question

LINKED = 8
"""Neighbours that give a question its place on the map and are linked to it."""
_LEAST_SPAN = 1e-6
"""Between the similarities of a library's sounds; below it all are alike."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """What was found.

    Attributes:
        library: where; left: how many of its sounds came into the search.
        title: what was asked, in few words.
        embedding: what was searched with, (D,) of length 1.
        hits: the sounds most alike, best first; none if no sound was left.
        linked: the sounds most alike of the whole library.
        likeness: how alike the sounds of the whole library are.
    """

    library: SoundLibrary
    left: int
    title: str
    embedding: NDArray[np.float32]
    hits: list[SearchHit]
    linked: list[SearchHit]
    likeness: Distribution

    def closer(self, similarity: float) -> str:
        """What a similarity means here: ``closer than 97 % of the library``."""
        return closer(self.likeness.share_below(similarity))

    def told(self, similarity: float) -> str:
        """A similarity, and what it means here."""
        return f"{similarity:.2f} is {self.closer(similarity)}"

    def on_map(self, key: str) -> str:
        """The question as the map shows it, as JSON: its place, its hits, how alike all are.

        A string, since Gradio sends what changed within a list, and that goes wrong. ``alike`` is
        base64 of uint8 (N,): 0 is a cosine of ``lo``, 255 one of ``hi``.

        Args:
            key: what the browser knows the library by.
        """
        x, y = place(self.linked, self.library)
        alike = similarities(self.library, self.embedding)  # (N,)
        lo, hi = float(alike.min()), float(alike.max())
        level = np.rint(255 * (alike - lo) / max(hi - lo, _LEAST_SPAN)).astype(np.uint8)
        found = {
            "key": key,
            "title": self.title,
            "x": float(x),
            "y": float(y),
            "hits": [hit.clip.number for hit in self.hits],
            "linked": [hit.clip.number for hit in self.linked],
            "alike": packed(level),
            "lo": lo,
            "hi": hi,
        }
        return json.dumps(found)

    def among(self) -> str:
        """The map in words: where the question lies."""
        labels: dict[str, int] = {}
        for hit in self.linked:
            name = hit.label or mapdata.UNLABELLED
            labels[name] = labels.get(name, 0) + 1
        told = ", ".join(f"{label} ({count})" for label, count in labels.items())
        return f"{self.title} lies among: {told}."


def answer(library: SoundLibrary, question: Question, hand: Hand | None, k: int) -> Answer:
    """Ask a library.

    Raises:
        LibraryError: the question makes no sense; see :meth:`Question.embedding`.
    """
    embedding = question.embedding(hand, library)
    left = int(question.within.matches(library.clips).sum())
    hits = []
    if left:
        hits = search(library, embedding, k, exclude=question.examples, within=question.within)
    return Answer(
        library=library,
        left=left,
        title=question.title(hand, library),
        embedding=embedding,
        hits=hits,
        linked=search(library, embedding, LINKED),
        likeness=Distribution.of(library, embedding),
    )


def closer(share: float) -> str:
    """``closer than 97.3 % of the library``, of a share of 0 to 1; never rounded up to all."""
    return f"closer than {math.floor(1000.0 * share) / 10:.1f} % of the library"


def loosen(within: Filter) -> str:
    """What to do where a filter leaves no sound."""
    named = bool(within.labels or within.families)
    remedy = "take words away"
    if named and within.text.strip():
        remedy = "take the words away, or choose more labels or families"
    elif named:
        remedy = "choose other labels or families"
    return f"No sound of the library is left: {remedy}."


def meanwhile(library: SoundLibrary) -> str:
    """What became of a library on disk since it was opened; empty if nothing."""
    try:
        now = Manifest.read(library.folder)
    except LibraryError:
        return (
            f"The library {library.name} was deleted meanwhile: its sounds cannot be heard any "
            "more; choose another in the list of libraries."
        )
    kept = [name for name in CHECKED if name not in (MAP, CLUSTERS)]
    if any(now.files.get(name) != library.manifest.files.get(name) for name in kept):
        return (
            f"The library {library.name} was changed meanwhile, and this is how it was; press its "
            "card in the Library tab to have it as it is now."
        )
    return ""
