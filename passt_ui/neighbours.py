"""The library's answer to a clip, as the page shows it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

from passt_core.errors import LibraryError
from passt_core.library.search import SearchHit, search, share_below, similarities
from passt_core.library.soundmap import place
from passt_core.library.store import SoundLibrary
from passt_core.library.tables import LibraryClip
from passt_ui import mapdata, views
from passt_ui.media import thumbnail
from passt_ui.services import Visitor
from passt_ui.views import Card

LINKED = 8
"""Neighbours that give a clip its place on the map and are linked to it."""
_LEAST_SPAN = 1e-6
"""Between the similarities of a library's sounds; below it all are alike."""


def cards(visitor: Visitor, k: int) -> str:
    """The k sounds most like the clip in hand, as cards that play; or why there are none."""
    if visitor.library is None:
        return views.note(visitor.library_problem)
    if visitor.hand is None:
        return views.note("Bring a clip, and the sounds most like it appear here.")
    hits = search(visitor.library, visitor.hand.clip.embedding, k)
    found = [_card(hit, visitor, visitor.library) for hit in hits]
    return views.cards(found, label=f"{len(found)} nearest sounds of {visitor.library.name}")


def query(visitor: Visitor, k: int) -> str | None:
    """The clip in hand as the map shows it, as JSON: its place, its k hits, how alike all are.

    A string, since Gradio sends what changed within a list, and that goes wrong. ``alike`` is
    base64 of uint8 (N,): 0 is a cosine of ``lo``, 255 one of ``hi``.
    """
    library, hand = visitor.library, visitor.hand
    if library is None or hand is None:
        return None
    hits = search(library, hand.clip.embedding, max(k, LINKED))
    x, y = place(hits[:LINKED], library)
    alike = similarities(library, hand.clip.embedding)  # (N,)
    lo, hi = float(alike.min()), float(alike.max())
    level = np.rint(255 * (alike - lo) / max(hi - lo, _LEAST_SPAN)).astype(np.uint8)
    found = {
        "key": visitor.library_key,
        "title": hand.title,
        "x": float(x),
        "y": float(y),
        "hits": [hit.clip.number for hit in hits[:k]],
        "linked": [hit.clip.number for hit in hits[:LINKED]],
        "alike": mapdata.packed(level),
        "lo": lo,
        "hi": hi,
    }
    return json.dumps(found)


def summary(visitor: Visitor) -> str:
    """The map in words: where the clip lies."""
    library, hand = visitor.library, visitor.hand
    if library is None or hand is None:
        return ""
    labels: dict[str, int] = {}
    for hit in search(library, hand.clip.embedding, LINKED):
        labels[hit.label] = labels.get(hit.label, 0) + 1
    told = ", ".join(f"{label} ({count})" for label, count in labels.items())
    return f"{hand.title} lies among: {told}."


def found_card(visitor: Visitor, clip_id: str) -> str:
    """The sound that was chosen on the map, with how like the clip in hand it is."""
    library = visitor.library
    if library is None:
        return views.note(visitor.library_problem)
    clip = library.clip(clip_id)
    similarity = float("nan")
    if visitor.hand is not None:
        similarity = float(
            library.embeddings[library.row(clip_id)] @ visitor.hand.clip.unit_embedding
        )
    hit = SearchHit(rank=0, similarity=similarity, clip=clip)
    return views.cards([_card(hit, visitor, library)], label="Chosen on the map")


def _card(hit: SearchHit, visitor: Visitor, library: SoundLibrary) -> Card:
    path = _sound(library, hit.clip)
    there = () if path else ("the file is not there any more",)
    key = visitor.library_key
    return Card(
        title=hit.label or hit.id,
        lines=(hit.id, *_likeness(hit, library), *there),
        picture=thumbnail(visitor.predictor, path) if path else "",
        key=mapdata.sign(key, hit.clip),
        sound=mapdata.sound_url(key, hit.clip) if path and key else "",
    )


def _sound(library: SoundLibrary, clip: LibraryClip) -> Path | None:
    """The file of a clip; None if it was moved away since the library was built."""
    try:
        return library.sound_path(clip)
    except LibraryError:
        return None


def _likeness(hit: SearchHit, library: SoundLibrary) -> tuple[str, ...]:
    if math.isnan(hit.similarity):
        return ()
    return (f"similarity {hit.similarity:.3f}", *_among_pairs(share_below(library, hit.similarity)))


def _among_pairs(share: float) -> tuple[str, ...]:
    """What a similarity means here: which share of the library's pairs are less alike."""
    if math.isnan(share):
        return ()
    percent = 100 * share
    told = f"{percent:.1f}" if percent > 99 else f"{percent:.0f}"
    return (f"closer than {told} % of library pairs",)
