"""What the Search & Map tab shows of a question, its answer and the map."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import gradio as gr

from passt_core.errors import LibraryError
from passt_core.library.manifest import Manifest, MapFacts
from passt_core.library.store import SoundLibrary
from passt_ui import figures, mapdata, neighbours, views
from passt_ui.lab.views import progress
from passt_ui.search import views as search_views
from passt_ui.search.answer import Answer, answer, meanwhile
from passt_ui.search.visit import SearchVisit
from passt_ui.services import Visitor
from passt_ui.slider import Slider

if TYPE_CHECKING:
    from passt_ui.tabs.search import SearchTab

Changes = dict[Any, Any]

NOTHING_CHOSEN = "Click a point of the map: it plays, and its card appears here."


def show_answer(tab: SearchTab, visitor: Visitor, visit: SearchVisit, k: int) -> Changes:
    """What a question is answered with; or why it is not, and nothing of an old answer."""
    library, stretch = visitor.library, visit.question.stretch
    known: Changes = {
        tab.visit: visit,
        tab.start: stretch.start_s if stretch else None,
        tab.end: stretch.end_s if stretch else None,
    }
    if library is None:
        return known | _no_answer(tab, visitor, visit, views.note(visitor.library_problem))
    try:
        found = answer(library, visit.question, visitor.hand, int(k))
        written = visit.desk.written(
            found, visit.question, visitor.hand, visitor.predictor.checkpoint.name
        )
    except LibraryError as error:
        return known | _no_answer(tab, visitor, visit, views.note(str(error)))
    told = meanwhile(library)
    table, report = (
        gr.DownloadButton(value=str(path), interactive=bool(found.hits)) for path in written
    )
    return known | {
        tab.asked: search_views.asked(visit.question.parts(visitor.hand, library), visit.question),
        tab.notice: gr.HTML(value=views.notice(told) if told else "", visible=bool(told)),
        tab.left: search_views.left(found.left, library),
        tab.map: map_value(visitor, found.on_map(visitor.library_key)),
        tab.summary: search_views.summary(found),
        tab.chosen: chosen(tab, visitor, visit, found),
        tab.found: search_views.found(found, visit.question),
        tab.likeness: _likeness(found),
        tab.csv: table,
        tab.json: report,
        tab.hits: _hits(tab, visitor, visit, found),
    }


def _hits(tab: SearchTab, visitor: Visitor, visit: SearchVisit, found: Answer) -> str:
    if not found.hits:
        return search_views.nothing_left(visit.question)
    return neighbours.hit_cards(visitor, found, tab.pictures)


def _likeness(found: Answer) -> str:
    """JSON for the histogram."""
    told = f"The most alike, {found.told(found.hits[0].similarity)}." if found.hits else ""
    value = {
        "figure": figures.likeness(found.likeness, found.hits),
        "summary": search_views.likeness(found),
        "told": told,
    }
    return json.dumps(value)


def _no_answer(tab: SearchTab, visitor: Visitor, visit: SearchVisit, reason: str) -> Changes:
    library = visitor.library
    parts = visit.question.parts(visitor.hand, library)
    return {
        tab.asked: search_views.asked(parts, visit.question),
        tab.notice: gr.HTML(value="", visible=False),
        tab.left: "",
        tab.map: map_value(visitor),
        tab.summary: "",
        tab.chosen: chosen(tab, visitor, visit, None),
        tab.found: views.heading("Most alike"),
        tab.likeness: "",
        tab.csv: gr.DownloadButton(value=None, interactive=False),
        tab.json: gr.DownloadButton(value=None, interactive=False),
        tab.hits: reason,
    }


def chosen(tab: SearchTab, visitor: Visitor, visit: SearchVisit, found: Answer | None) -> str:
    """The card of the sound that was chosen on the map."""
    if not visit.chosen or visitor.library is None:
        return views.note(NOTHING_CHOSEN)
    try:
        return neighbours.chosen_card(visitor, visitor.library, visit.chosen, found, tab.pictures)
    except LibraryError as error:
        return views.note(str(error))


def show_filter(tab: SearchTab, library: SoundLibrary | None, visit: SearchVisit) -> Changes:
    """What a library can be narrowed by; what it has none of is not shown."""
    clips = library.clips if library else ()
    labels = sorted({clip.label for clip in clips if clip.label})
    families = sorted({clip.family for clip in clips if clip.family})
    within = visit.question.within
    return {
        tab.labels: gr.Dropdown(
            multiselect=True, choices=labels, value=sorted(within.labels), visible=bool(labels)
        ),
        tab.families: gr.Dropdown(
            multiselect=True,
            choices=families,
            value=sorted(within.families),
            visible=bool(families),
        ),
        tab.text: within.text,
    }


def show_map(tab: SearchTab, visitor: Visitor) -> Changes:
    """How the map in hand was made."""
    library = visitor.library
    facts = library.manifest.map if library else MapFacts()
    return {
        tab.facts: search_views.map_facts(library) if library else "",
        tab.neighbours: Slider(value=facts.neighbours),
        tab.min_dist: Slider(value=facts.min_dist),
        tab.map_notice: gr.HTML(value="", visible=False),
        tab.own: gr.Button(visible=library is not None and not is_own_map(library)),
    }


def is_own_map(library: SoundLibrary) -> bool:
    """Whether a library has the map that lies on disk."""
    try:
        return Manifest.read(library.folder).map == library.manifest.map
    except LibraryError:
        return True


def laying(tab: SearchTab, line: str) -> Changes:
    """A map is being laid out."""
    return {
        tab.progress: progress(line),
        tab.map_notice: gr.HTML(value="", visible=False),
        tab.lay: gr.Button(interactive=False),
        tab.stop: gr.Button(visible=True, interactive=True),
    }


def laid(tab: SearchTab, line: str = "") -> Changes:
    """None is being laid out any more."""
    return {
        tab.progress: search_views.told(line) if line else "",
        tab.lay: gr.Button(interactive=True),
        tab.stop: gr.Button(visible=False),
    }


def refused(place: gr.HTML, error: Exception | str) -> Changes:
    """A sentence in place."""
    return {place: gr.HTML(value=views.notice(str(error)), visible=True)}


def map_value(visitor: Visitor, query: str = "") -> dict[str, str]:
    """Where the browser finds the map, and what is asked; empty without a library for the model.

    In one value, not in a prop beside it: of a tab that was not opened yet only values are kept.
    """
    return mapdata.urls(visitor.library_key) | {"query": query} if visitor.library else {}
