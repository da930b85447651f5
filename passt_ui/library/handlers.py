"""What the page does when a library is chosen, taken from, exported or deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from passt_core.errors import LibraryError, PasstError
from passt_core.library import change
from passt_core.library.store import SoundLibrary
from passt_core.network.registry import BUNDLED
from passt_ui.library.building import BuildHandlers
from passt_ui.library.download import zipped
from passt_ui.library.listed import ListedLibrary, choices, chosen_key, find, of_app
from passt_ui.library.shown import LibraryShown
from passt_ui.library.visit import LibraryVisit
from passt_ui.services import Services, Visitor, with_library
from passt_ui.tabs import library as tab_of
from passt_ui.tabs.library import LibraryTab
from passt_ui.views import notice

Changes = dict[Any, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class LibraryHandlers:
    """The handlers of the library in hand, wherever on the page it is chosen.

    ``look`` is how the Search tab is looked at: how many hits, and what it is about.
    """

    services: Services
    visit: gr.State
    tab: LibraryTab
    shown: LibraryShown

    @property
    def building(self) -> BuildHandlers:
        """What makes libraries."""
        return BuildHandlers(services=self.services, visit=self.visit, tab=self.tab)

    def begin(self) -> LibraryVisit:
        """The page opens: two touches that come at once must not begin a visit each."""
        return LibraryVisit(self.services.storage)

    def enter(self, visitor: Visitor | None, visit: LibraryVisit | None) -> Changes:
        """The tab was opened, or another model was chosen; clips that are looked for stay so."""
        visitor, visit, listed = self._begun(visitor, visit)
        return {
            self.visit: visit,
            **tab_of.show_hand(self.tab, listed, visitor),
            self.shown.choice: gr.Dropdown(
                choices=choices(listed), value=chosen_key(visitor.chosen, listed)
            ),
        }

    def choose(
        self, visitor: Visitor | None, visit: LibraryVisit | None, key: str | None, *look: Any
    ) -> Changes:
        """A library was chosen from the list."""
        visitor, visit, listed = self._begun(visitor, visit)
        try:
            return self._in_hand(visitor, visit, find(key or "", listed), *look)
        except LibraryError as error:
            return self._unchosen(visitor, visit, listed, str(error))

    def choose_card(
        self,
        visitor: Visitor | None,
        visit: LibraryVisit | None,
        event: gr.EventData,
        *look: Any,
    ) -> Changes:
        """A library's card was pressed."""
        return self.choose(visitor, visit, str(event._data["id"]), *look)

    def built(self, visitor: Visitor | None, visit: LibraryVisit | None, *look: Any) -> Changes:
        """A build has ended: what it made is taken in hand."""
        visitor, visit, _ = self._begun(visitor, visit)
        key, visit.work.built = visit.work.built, ""
        return self.choose(visitor, visit, key, *look) if key else {self.visit: visit}

    def find_clips(
        self, visitor: Visitor | None, wanted: str, ticked: Sequence[str] | None
    ) -> Changes:
        """The clips whose names have a part that was typed; ticks among them stay."""
        return tab_of.show_clips(self.tab, visitor or self.services.first, wanted, ticked or ())

    def remove(
        self,
        visitor: Visitor | None,
        visit: LibraryVisit | None,
        ids: Sequence[str] | None,
        *look: Any,
    ) -> Changes:
        """Clips that were ticked shall go from the library in hand."""
        visitor, visit, _ = self._begun(visitor, visit)
        try:
            if not ids:
                raise LibraryError("no sound is ticked; tick those that shall go")
            chosen, library = self._changeable(visitor, visit)
            with visit.libraries.working(chosen.name):
                left = change.remove(library, ids, visitor.body)
        except PasstError as error:
            return tab_of.refused(self.tab.told, visit.libraries.said(str(error)))
        gone = len(library.clips) - len(left.clips)
        told = f"{_count(gone)} removed from {chosen.name}; {len(left.clips)} left."
        return {**self._in_hand(visitor, visit, chosen, *look), **self._told(told)}

    def ask(self, visitor: Visitor | None) -> Changes:
        """Delete was pressed: it is asked whether it is meant."""
        visitor = visitor or self.services.first
        chosen, library = visitor.chosen, visitor.library
        if chosen is None or not chosen.changeable:
            return tab_of.unasked(self.tab)
        return tab_of.asked(self.tab, chosen, len(library.clips) if library else None)

    def keep(self) -> Changes:
        """It was not meant."""
        return tab_of.unasked(self.tab)

    def delete(self, visitor: Visitor | None, visit: LibraryVisit | None, *look: Any) -> Changes:
        """It was meant: the library in hand goes, and that of the start takes its place."""
        visitor, visit, _ = self._begun(visitor, visit)
        chosen = visitor.chosen
        try:
            gone = self.building.changeable(visitor, visit.libraries)
            visit.libraries.delete(gone.name)
        except PasstError as error:
            message = visit.libraries.said(str(error))
            return {**tab_of.unasked(self.tab), **tab_of.refused(self.tab.told, message)}
        first = self.services.first.chosen
        other = of_app(BUNDLED) if first is None or first == chosen else first
        return {
            **self._in_hand(visitor, visit, other, *look),
            **self._told(f"{gone.name} is deleted."),
        }

    def export(self, visitor: Visitor | None, visit: LibraryVisit | None, form: str) -> Changes:
        """The table of the library in hand was asked for."""
        visitor, visit, _ = self._begun(visitor, visit)
        if visitor.library is None:
            return {self.visit: visit, **tab_of.refused(self.tab.told, visitor.library_problem)}
        try:
            path = zipped(visitor.library, visit.folder / "export", form)
        except (PasstError, OSError) as error:
            message = visit.libraries.said(str(error))
            return {self.visit: visit, **tab_of.refused(self.tab.told, message)}
        return {
            self.visit: visit,
            self.tab.download: gr.DownloadButton(value=str(path)),
            **self._told(f"{path.name} is ready."),
        }

    def _begun(
        self, visitor: Visitor | None, visit: LibraryVisit | None
    ) -> tuple[Visitor, LibraryVisit, list[ListedLibrary]]:
        """The visitor, their visit, and the libraries that they may choose among."""
        visit = visit or self.begin()
        return visitor or self.services.first, visit, self.services.listed(visit.libraries)

    def _in_hand(
        self, visitor: Visitor, visit: LibraryVisit, chosen: ListedLibrary, *look: Any
    ) -> Changes:
        listed = self.services.listed(visit.libraries)
        visitor = with_library(visitor, chosen, self.services.libraries)
        return {
            self.visit: visit,
            **tab_of.show(self.tab, listed, visitor),
            **self.shown.show(visitor, listed, *look),
        }

    def _unchosen(
        self, visitor: Visitor, visit: LibraryVisit, listed: list[ListedLibrary], message: str
    ) -> Changes:
        """A library that is not there was chosen: the lists are set right, all else stays."""
        return {
            self.visit: visit,
            **tab_of.show(self.tab, listed, visitor),
            **tab_of.refused(self.tab.told, message),
            self.shown.choice: gr.Dropdown(
                choices=choices(listed), value=chosen_key(visitor.chosen, listed)
            ),
            self.shown.notice: gr.HTML(value=notice(message), visible=True),
        }

    def _changeable(
        self, visitor: Visitor, visit: LibraryVisit
    ) -> tuple[ListedLibrary, SoundLibrary]:
        """The library in hand as it is on disk now, to be changed.

        Raises:
            LibraryError: it is the app's, is gone, or is not of the model in hand.
        """
        chosen = self.building.changeable(visitor, visit.libraries)
        opened = with_library(visitor, chosen, None)
        if opened.library is None:
            raise LibraryError(opened.library_problem)
        return chosen, opened.library

    def _told(self, message: str) -> Changes:
        text = f'<p class="passt-speaks" role="status">{escape(message)}</p>'
        return {self.tab.told: gr.HTML(value=text, visible=True)}


def _count(number: int) -> str:
    return f"{number} sound{'' if number == 1 else 's'}"
