"""The Search & Map tab: the library around the clip in hand."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from passt_ui import components, mapdata, neighbours, views
from passt_ui.services import Services, Visitor

HITS, MOST_HITS = 12, 50


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchTab:
    """The tab's components."""

    line: gr.HTML
    map: gr.HTML
    chosen: gr.HTML
    k: gr.Slider
    hits: gr.HTML
    summary: gr.HTML

    @property
    def outputs(self) -> list[gr.components.Component]:
        """What a new clip changes."""
        return [self.line, self.map, self.chosen, self.hits, self.summary]


def build(services: Services) -> SearchTab:
    """Lay the tab out."""
    visitor = services.first
    with gr.Row(equal_height=False):
        with gr.Column(scale=8, min_width=320):
            line = gr.HTML("", elem_id="search-line", min_height=22)
            soundmap = components.soundmap(
                map_value(visitor), label="Map of the library", elem_id="map"
            )
            summary = gr.HTML("", elem_id="map-summary")
            gr.HTML(
                views.how_to_read(
                    "Every point is a sound of the library; UMAP lays sounds near each other that "
                    "the model finds alike. Distances on the map are approximate: only the list of "
                    "similarities is exact. Your clip is the star, at the weighted mean of its "
                    "nearest sounds, to which the dotted lines lead; what was found has a ring. "
                    "Click a point to hear it, drag to move, scroll to zoom. A lasso or a box "
                    "around points makes a list of them that plays through. Click a name in the "
                    "legend to hide its sounds."
                )
            )
        with gr.Column(scale=4, min_width=300):
            gr.HTML(views.heading("Chosen on the map"))
            chosen = components.card_list(_nothing_chosen(), elem_id="chosen")
            gr.HTML(views.heading("Most like your clip"))
            k = gr.Slider(
                1, MOST_HITS, value=HITS, step=1, label="How many sounds", elem_id="search-k"
            )
            hits = components.card_list("", elem_id="hits")
    return SearchTab(line=line, map=soundmap, chosen=chosen, k=k, hits=hits, summary=summary)


def show(tab: SearchTab, visitor: Visitor, k: int) -> dict[Any, Any]:
    """Everything that a new clip or model changes."""
    line = views.clip_line(visitor.hand) if visitor.hand else ""
    if visitor.library is None:
        line += views.note(visitor.library_problem)
    return {
        tab.line: line,
        tab.map: gr.HTML(value=map_value(visitor), query=neighbours.query(visitor, int(k))),
        tab.chosen: _nothing_chosen(),
        tab.hits: neighbours.cards(visitor, int(k)),
        tab.summary: f'<p class="passt-quiet">{escape(neighbours.summary(visitor))}</p>',
    }


def map_value(visitor: Visitor) -> dict[str, str]:
    """Where the browser finds the map; empty where there is no library for the model."""
    return mapdata.urls(visitor.library_key) if visitor.library else {}


def _nothing_chosen() -> str:
    return views.note("Click a point of the map: it plays, and its card appears here.")
