"""The sounds of a library that were found, as the page's cards."""

from __future__ import annotations

from passt_core.errors import LibraryError
from passt_core.library.search import SearchHit
from passt_core.library.store import SoundLibrary
from passt_ui import mapdata, views
from passt_ui.search.answer import Answer, answer
from passt_ui.search.pictures import Pictures, picture, sound_of
from passt_ui.search.question import Question
from passt_ui.services import Visitor
from passt_ui.times import moment
from passt_ui.views import Card


def cards(visitor: Visitor, k: int) -> str:
    """The k sounds most like the clip in hand, as cards that play; or why there are none."""
    if visitor.library is None:
        return views.note(visitor.library_problem)
    if visitor.hand is None:
        return views.note("Bring a clip, and the sounds most like it appear here.")
    try:
        found = answer(visitor.library, Question(), visitor.hand, k)
    except LibraryError as error:
        return views.note(str(error))
    shown = [_card(hit, visitor, found) for hit in found.hits]
    return views.cards(shown, label=f"{len(shown)} nearest sounds of {visitor.library.name}")


def hit_cards(visitor: Visitor, found: Answer, pictures: Pictures) -> str:
    """What was found, as cards that play and that can be asked with."""
    shown = [_card(hit, visitor, found, pictures) for hit in found.hits]
    return views.cards(shown, label=f"{len(shown)} nearest sounds of {found.library.name}")


def chosen_card(
    visitor: Visitor,
    library: SoundLibrary,
    clip_id: str,
    found: Answer | None,
    pictures: Pictures,
) -> str:
    """The sound that was chosen on the map, with how like what was asked it is.

    Raises:
        LibraryError: it is not in the library any more.
    """
    row = library.row(clip_id)
    alike = float(library.embeddings[row] @ found.embedding) if found else float("nan")
    hit = SearchHit(rank=0, similarity=alike, clip=library.clips[row])
    card = _card(hit, visitor, found, pictures, library)
    return views.cards([card], label="Chosen on the map")


def _card(
    hit: SearchHit,
    visitor: Visitor,
    found: Answer | None,
    pictures: Pictures | None = None,
    library: SoundLibrary | None = None,
) -> Card:
    """A sound; with ``pictures`` one that can be asked with."""
    clip, key = hit.clip, visitor.library_key
    held = found.library if found else library
    path = sound_of(held, clip) if held else None
    drawn = ""
    if path:
        draw = pictures.of if pictures else picture
        drawn = draw(visitor.predictor, path, clip)
    alike = (f"similarity {hit.similarity:.3f}", found.closer(hit.similarity)) if found else ()
    return Card(
        title=hit.label or hit.id,
        lines=(
            hit.id,
            *alike,
            _where(hit),
            *(() if path else ("the file is not there any more",)),
        ),
        picture=drawn,
        key=mapdata.sign(key, clip),
        sound=mapdata.sound_url(key, clip) if path and key else "",
        asks=hit.id if pictures else "",
        alike=hit.similarity if found and pictures else None,
        told=found.told(hit.similarity) if found and pictures else "",
    )


def _where(hit: SearchHit) -> str:
    """The stretch of the file; its id is the file's name, or names it."""
    return f"{moment(hit.clip.start_s)} to {moment(hit.clip.end_s)}"
