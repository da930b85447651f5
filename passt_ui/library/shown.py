"""What of the page, outside the Library tab, tells of the library in hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from passt_ui import neighbours, views
from passt_ui.library.listed import ListedLibrary, choices, chosen_key
from passt_ui.search.visit import SearchVisit
from passt_ui.services import Visitor
from passt_ui.tabs import about, explore, search
from passt_ui.tabs.search import SearchTab

Changes = dict[Any, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class LibraryShown:
    """The components.

    Attributes:
        state: the visitor's.
        speaks, choice, notice: of the header.
        hits: of the Explore tab; search: its tab; about: the About tab's text.
    """

    state: gr.State
    speaks: gr.HTML
    choice: gr.Dropdown
    notice: gr.HTML
    hits: gr.HTML
    search: SearchTab
    about: gr.HTML

    @property
    def outputs(self) -> list[gr.components.Component]:
        """What another library changes."""
        return [self.state, self.hits, *self.search.outputs, self.about, *self.header]

    @property
    def header(self) -> list[gr.components.Component]:
        """What stands above the tabs."""
        return [self.speaks, self.choice, self.notice]

    def show(
        self,
        visitor: Visitor,
        listed: list[ListedLibrary],
        hits: float,
        asked: SearchVisit | None = None,
    ) -> Changes:
        """Everything that another library changes; the clip in hand stays.

        Args:
            visitor: with the library.
            listed: those that may be chosen.
            hits: how many the Search tab shows.
            asked: what it is about.
        """
        return {
            self.state: visitor,
            self.hits: neighbours.cards(visitor, explore.NEIGHBOURS),
            self.about: about.about(visitor),
            **search.show(self.search, visitor, int(hits), asked),
            **self.show_header(visitor, listed),
        }

    def show_header(self, visitor: Visitor, listed: list[ListedLibrary]) -> Changes:
        """What the header says: which library answers, or why none does."""
        value = chosen_key(visitor.chosen, listed)
        return {
            self.speaks: views.speaks(visitor.predictor.checkpoint, visitor.library),
            self.choice: gr.Dropdown(choices=choices(listed), value=value),
            self.notice: self.problem(visitor),
        }

    def problem(self, visitor: Visitor) -> gr.HTML:
        """Why the library that was asked for cannot be had; hidden where it can."""
        told = visitor.library_problem
        return gr.HTML(value=views.notice(told) if told else "", visible=bool(told))
