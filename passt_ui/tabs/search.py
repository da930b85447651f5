"""The Search & Map tab: what is asked of the library, the map around it, and what was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from passt_core.library import soundmap
from passt_ui import components, views
from passt_ui.search import shown
from passt_ui.search.pictures import Pictures
from passt_ui.search.visit import SearchVisit, left
from passt_ui.services import Services, Visitor
from passt_ui.slider import Slider

Changes = dict[Any, Any]

HITS, MOST_HITS = 12, 50
VISIT_SECONDS = 6 * 3600.0
LONGEST_TEXT = 200


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchTab:
    """The tab's components, its state, and the pictures of its cards."""

    visit: gr.State
    line: gr.HTML
    asked: gr.HTML
    notice: gr.HTML
    labels: gr.Dropdown
    families: gr.Dropdown
    text: gr.Textbox
    left: gr.HTML
    start: gr.Number
    end: gr.Number
    stretch: gr.Button
    map: gr.HTML
    summary: gr.HTML
    facts: gr.HTML
    neighbours: Slider
    min_dist: Slider
    lay: gr.Button
    stop: gr.Button
    own: gr.Button
    progress: gr.HTML
    map_notice: gr.HTML
    chosen: gr.HTML
    found: gr.HTML
    likeness: gr.HTML
    k: gr.Slider
    csv: gr.DownloadButton
    json: gr.DownloadButton
    hits: gr.HTML
    pictures: Pictures = field(default_factory=Pictures)

    @property
    def outputs(self) -> list[gr.components.Component]:
        """What a new clip, library or model changes."""
        return [self.line, *self.filter, *self.answer, *self.map_options]

    @property
    def answer(self) -> list[gr.components.Component]:
        """What a new question changes."""
        return [
            self.visit,
            self.asked,
            self.notice,
            self.left,
            self.start,
            self.end,
            self.map,
            self.summary,
            self.chosen,
            self.found,
            self.likeness,
            self.csv,
            self.json,
            self.hits,
        ]

    @property
    def filter(self) -> list[gr.components.Component]:
        """What narrows a search."""
        return [self.labels, self.families, self.text]

    @property
    def map_options(self) -> list[gr.components.Component]:
        """What tells of the map, and lays it out anew."""
        return [self.facts, self.neighbours, self.min_dist, self.map_notice, *self.laying]

    @property
    def laying(self) -> list[gr.components.Component]:
        """What tells that a map is being laid out."""
        return [self.progress, self.lay, self.stop, self.own]


def build(services: Services) -> SearchTab:
    """Lay the tab out."""
    visit = gr.State(None, time_to_live=VISIT_SECONDS, delete_callback=left)
    line = gr.HTML("", elem_id="search-line", min_height=22)
    question = _question()
    with gr.Row(equal_height=False):
        with gr.Column(scale=8, min_width=320):
            middle = _map_column(services)
        with gr.Column(scale=4, min_width=300):
            right = _hits_column()
    return SearchTab(visit=visit, line=line, **question, **middle, **right)


def _question() -> dict[str, Any]:
    """What is asked, and the controls that change it."""
    asked = components.card_list("", elem_id="asked")
    notice = gr.HTML("", elem_id="search-notice", visible=False)
    with gr.Row(elem_id="search-filter"):
        labels = gr.Dropdown(
            [], multiselect=True, label="Labels", info="only these", elem_id="search-labels",
            min_width=150, scale=3,
        )  # fmt: skip
        families = gr.Dropdown(
            [], multiselect=True, label="Families", info="or of these", elem_id="search-families",
            min_width=150, scale=3,
        )  # fmt: skip
        text = gr.Textbox(
            label="Words",
            info="all of them in label, file or id",
            placeholder="wind 03",
            max_length=LONGEST_TEXT,
            elem_id="search-text",
            min_width=150,
            scale=3,
        )
        start = gr.Number(
            None, label="From, s", info="of your clip", elem_id="stretch-start", min_width=90
        )
        end = gr.Number(
            None, label="To, s", info="empty: its end", elem_id="stretch-end", min_width=90
        )
        stretch = gr.Button("Search this stretch", elem_id="stretch-search", min_width=180, scale=0)
    count = gr.HTML("", elem_id="search-left", min_height=20)
    return {
        "asked": asked,
        "notice": notice,
        "labels": labels,
        "families": families,
        "text": text,
        "left": count,
        "start": start,
        "end": end,
        "stretch": stretch,
    }


def _map_column(services: Services) -> dict[str, Any]:
    soundmap_ = components.soundmap(
        shown.map_value(services.first), label="Map of the library", elem_id="map"
    )
    summary = gr.HTML("", elem_id="map-summary")
    gr.HTML(
        views.how_to_read(
            "Every point is a sound of the library; UMAP lays sounds near each other that "
            "the model finds alike. Distances on the map are approximate: only the list of "
            "similarities is exact. What is asked is the star, at the weighted mean of its "
            "nearest sounds, to which the dotted lines lead; what was found has a ring. "
            "Click a point to hear it, drag to move, scroll to zoom. A lasso or a box "
            "around points makes a list of them that plays through. Click a name in the "
            "legend to hide its sounds."
        )
    )
    return {"map": soundmap_, "summary": summary, **_map_options()}


def _map_options() -> dict[str, Any]:
    with gr.Accordion("How this map was laid out, and another one", open=False, elem_id="map-more"):
        facts = gr.HTML("", elem_id="map-facts", apply_default_css=False)
        with gr.Row(equal_height=True):
            near = Slider(
                soundmap.LEAST_NEIGHBOURS,
                soundmap.MOST_NEIGHBOURS,
                value=soundmap.NEIGHBOURS,
                step=1,
                label="Neighbours",
                info="few show small groups, many the whole",
                elem_id="map-neighbours",
                min_width=180,
            )
            min_dist = Slider(
                0,
                0.99,
                value=soundmap.MIN_DIST,
                step=0.01,
                label="min_dist",
                info="0 packs groups tightly, more spreads them",
                elem_id="map-min-dist",
                min_width=180,
            )
        with gr.Row(elem_id="map-tools"):
            lay = gr.Button("Lay out anew", variant="primary", size="sm", elem_id="map-lay")
            stop = gr.Button("Stop", size="sm", visible=False, elem_id="map-stop")
            own = gr.Button(
                "Back to the library's own map", size="sm", visible=False, elem_id="map-own"
            )
        progress = gr.HTML("", elem_id="map-progress", min_height=44)
        notice = gr.HTML("", elem_id="map-notice", visible=False)
        gr.HTML('<p class="passt-quiet">The new map is yours alone, until you leave.</p>')
    return {
        "facts": facts,
        "neighbours": near,
        "min_dist": min_dist,
        "lay": lay,
        "stop": stop,
        "own": own,
        "progress": progress,
        "map_notice": notice,
    }


def _hits_column() -> dict[str, Any]:
    gr.HTML(views.heading("Chosen on the map"))
    chosen = components.card_list(views.note(shown.NOTHING_CHOSEN), elem_id="chosen")
    found = gr.HTML(views.heading("Most like your clip"), elem_id="found")
    likeness = components.likeness("likeness")
    k = gr.Slider(1, MOST_HITS, value=HITS, step=1, label="How many sounds", elem_id="search-k")
    with gr.Row(elem_id="search-export"):
        csv, json = (
            gr.DownloadButton(
                f"Save as {form.upper()}",
                size="sm",
                min_width=110,
                interactive=False,
                elem_id=f"export-{form}",
            )
            for form in ("csv", "json")
        )
    hits = components.card_list("", elem_id="hits")
    return {
        "chosen": chosen,
        "found": found,
        "likeness": likeness,
        "k": k,
        "csv": csv,
        "json": json,
        "hits": hits,
    }


def show(
    tab: SearchTab, visitor: Visitor, k: int, visit: SearchVisit | None = None
) -> dict[Any, Any]:
    """Everything that a new clip, library or model changes: the whole clip in hand is asked for.

    What narrows the search stays where the library does.
    """
    line = views.clip_line(visitor.hand) if visitor.hand else ""
    now = (visit or SearchVisit()).of_library(visitor.library_key)
    return {
        tab.line: line,
        **({} if now is visit else shown.show_filter(tab, visitor.library, now)),
        **shown.show_answer(tab, visitor, now.asking(now.question.whole_clip()), k),
        **shown.show_map(tab, visitor),
    }
