"""What the Search & Map tab does when something is touched.

An error that the visitor can mend is told in place; any other is a bug, and Gradio logs it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from passt_core.errors import LibraryError, PasstError
from passt_core.library import change, soundmap
from passt_core.library.query import Filter
from passt_core.library.store import SoundLibrary
from passt_ui.lab.views import progress
from passt_ui.search import shown
from passt_ui.search.answer import answer
from passt_ui.search.question import Question, stretch_of
from passt_ui.search.visit import SearchVisit
from passt_ui.services import Services, Visitor, with_library
from passt_ui.tabs.explore import ExploreTab, hidden_notice, shown_notice
from passt_ui.tabs.search import LONGEST_TEXT, SearchTab

Changes = dict[Any, Any]

SEARCH = "search"
"""Id of the tab."""
TELL_EVERY_S = 0.5
MOST_EXAMPLES = 20
"""Sounds of a library in one question."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchHandlers:
    """The handlers; what belongs to a visitor is in ``state`` and in the tab's ``visit``."""

    services: Services
    state: gr.State
    tab: SearchTab
    explore: ExploreTab
    tabs: gr.Tabs

    def ask(
        self, visitor: Visitor | None, visit: SearchVisit | None, k: float, event: gr.EventData
    ) -> Changes:
        """A button of a card or a chip was pressed: ``more_like``, ``like``, ``without``, ..."""
        visitor, visit = self._begun(visitor, visit)
        ask, named = str(event._data["ask"]), str(event._data["id"])
        try:
            question = _asked(visit.question, ask, named, visitor.library)
        except LibraryError as error:
            return shown.refused(self.tab.notice, error)
        asking = visit.asking(question)
        narrowed = question.within is not visit.question.within
        return {
            **self._shown(visitor, asking, k),
            **(shown.show_filter(self.tab, visitor.library, asking) if narrowed else {}),
            self.explore.spectrogram: gr.HTML(stretch=_prop(question)),
        }

    def narrow(
        self,
        visitor: Visitor | None,
        visit: SearchVisit | None,
        k: float,
        labels: Sequence[str] | None,
        families: Sequence[str] | None,
        text: str | None,
    ) -> Changes:
        """Labels or families were chosen, or words typed."""
        visitor, visit = self._begun(visitor, visit)
        within = Filter(
            labels=frozenset(labels or ()),
            families=frozenset(families or ()),
            text=(text or "")[:LONGEST_TEXT],
        )
        if within == visit.question.within:
            return {self.tab.visit: visit}
        return self._shown(visitor, visit.asking(replace(visit.question, within=within)), k)

    def more(self, visitor: Visitor | None, visit: SearchVisit | None, k: float) -> Changes:
        """Another number of hits was asked for."""
        visitor, visit = self._begun(visitor, visit)
        return self._shown(visitor, visit, k)

    def dragged(
        self, visitor: Visitor | None, visit: SearchVisit | None, k: float, event: gr.EventData
    ) -> Changes:
        """A stretch that was dragged over the spectrogram shall be searched with."""
        visitor, visit = self._begun(visitor, visit)
        start, end = float(event._data["start"]), float(event._data["end"])
        try:
            stretch = stretch_of(visitor, start, end)
        except PasstError as error:
            return {self.explore.notice: shown_notice(error)}
        return {
            **self._shown(visitor, visit.asking(visit.question.of_stretch(stretch)), k),
            self.explore.notice: hidden_notice(),
            self.explore.spectrogram: gr.HTML(stretch=f"{stretch.start_s},{stretch.end_s}"),
            self.tabs: gr.Tabs(selected=SEARCH),
        }

    def typed(
        self,
        visitor: Visitor | None,
        visit: SearchVisit | None,
        k: float,
        start: float | None,
        end: float | None,
    ) -> Changes:
        """A stretch that was typed shall be searched with."""
        visitor, visit = self._begun(visitor, visit)
        try:
            stretch = stretch_of(visitor, start, end)
        except PasstError as error:
            return shown.refused(self.tab.notice, error)
        return {
            **self._shown(visitor, visit.asking(visit.question.of_stretch(stretch)), k),
            self.explore.spectrogram: gr.HTML(stretch=f"{stretch.start_s},{stretch.end_s}"),
        }

    def choose(
        self, visitor: Visitor | None, visit: SearchVisit | None, event: gr.EventData
    ) -> Changes:
        """A point of the map was clicked."""
        visitor, visit = self._begun(visitor, visit)
        visit = replace(visit, chosen=str(event._data["id"]))
        found = None
        if visitor.library is not None:
            try:
                found = answer(visitor.library, visit.question, visitor.hand, 1)
            except LibraryError:
                found = None  # nothing is asked: the card stands without a similarity
        card = shown.chosen(self.tab, visitor, visit, found)
        return {self.tab.visit: visit, self.tab.chosen: card}

    def lay(
        self,
        visitor: Visitor | None,
        visit: SearchVisit | None,
        neighbours: float | None,
        min_dist: float | None,
    ) -> Iterator[Changes]:
        """Lay the map out anew; :meth:`laid` takes it in hand."""
        visitor, visit = self._begun(visitor, visit)
        library, work = visitor.library, visit.desk.work
        near = soundmap.NEIGHBOURS if neighbours is None else round(neighbours)
        apart = soundmap.MIN_DIST if min_dist is None else float(min_dist)
        try:
            if library is None:
                raise LibraryError(visitor.library_problem)
            if work.running:
                raise LibraryError("a map of yours is being laid out; wait until it ends")
            soundmap.check_choices(near, apart)
        except LibraryError as error:
            yield shown.refused(self.tab.map_notice, error)
            return
        visit.desk.laid = None
        yield {self.tab.visit: visit, **shown.laying(self.tab, _laying(library, 0))}
        with work.begun(), ThreadPoolExecutor(1, thread_name_prefix="map") as thread:
            other = thread.submit(change.relaid, library, neighbours=near, min_dist=apart)
            yield from self._told(other, library, visit)
        try:
            if not work.stopped:
                visit.desk.laid = (library, other.result())
            yield shown.laid(self.tab, work.why)
        except PasstError as error:
            yield {**shown.laid(self.tab), **shown.refused(self.tab.map_notice, error)}
        except Exception:
            yield shown.laid(self.tab)
            raise

    def laid(self, visitor: Visitor | None, visit: SearchVisit | None, k: float) -> Changes:
        """A map has been laid out: it is taken in hand, if its library still is."""
        visitor, visit = self._begun(visitor, visit)
        done, visit.desk.laid = visit.desk.laid, None
        if done is None:
            return {self.tab.visit: visit}
        before, after = done
        if visitor.library is not before:
            told = "Another library was chosen meanwhile; it has the map that it had."
            return shown.laid(self.tab, told)
        key = self.services.libraries.keep(after)
        return self._with_map(replace(visitor, library=after, library_key=key), visit, k)

    def stop(self, visit: SearchVisit | None) -> Changes:
        """Stop was pressed: UMAP comes to its end, and its map is let go."""
        if visit is None or not visit.desk.work.running:
            return shown.laid(self.tab)
        visit.desk.work.stop("Stopped: the map stays as it was.")
        return {
            self.tab.stop: gr.Button(interactive=False),
            self.tab.progress: progress("Stopping; UMAP comes to its end first"),
        }

    def own_map(self, visitor: Visitor | None, visit: SearchVisit | None, k: float) -> Changes:
        """The library's own map was asked for."""
        visitor, visit = self._begun(visitor, visit)
        if visitor.chosen is None:
            return {self.tab.visit: visit}
        opened = with_library(visitor, visitor.chosen, self.services.libraries)
        if opened.library is None:
            return shown.refused(self.tab.map_notice, opened.library_problem)
        return self._with_map(opened, visit, k)

    def _with_map(self, visitor: Visitor, visit: SearchVisit, k: float) -> Changes:
        """The same library with another map: what was asked and chosen stays."""
        visit = replace(visit, key=visitor.library_key)
        return {
            self.state: visitor,
            **self._shown(visitor, visit, k),
            **shown.show_map(self.tab, visitor),
            **shown.laid(self.tab),
        }

    def _told(
        self, other: Future[SoundLibrary], library: SoundLibrary, visit: SearchVisit
    ) -> Iterator[Changes]:
        began = time.monotonic()
        while not wait([other], timeout=TELL_EVERY_S).done:
            if not visit.desk.work.stopped:
                line = _laying(library, time.monotonic() - began)
                yield {self.tab.progress: progress(line)}

    def _begun(
        self, visitor: Visitor | None, visit: SearchVisit | None
    ) -> tuple[Visitor, SearchVisit]:
        visitor = visitor or self.services.first
        return visitor, (visit or SearchVisit()).of_library(visitor.library_key)

    def _shown(self, visitor: Visitor, visit: SearchVisit, k: float) -> Changes:
        return shown.show_answer(self.tab, visitor, visit, int(k))


def _asked(question: Question, ask: str, named: str, library: SoundLibrary | None) -> Question:
    """A question after a button was pressed.

    Raises:
        LibraryError: the sound is not in the library any more, or there are too many.
    """
    if ask == "whole_clip":
        return question.whole_clip()
    if ask == "without":
        return question.without(named)
    if library is None or ask not in ("like", "unlike", "more_like"):
        raise LibraryError("there is no library to ask; choose one in the list of libraries")
    library.row(named)
    if ask != "more_like" and len({*question.examples, named}) > MOST_EXAMPLES:
        raise LibraryError(
            f"there are {MOST_EXAMPLES} sounds in the question already; take one away first"
        )
    asked: Question = getattr(question, ask)(named)
    return asked


def _prop(question: Question) -> str:
    """The stretch as the spectrogram takes it."""
    stretch = question.stretch
    return f"{stretch.start_s},{stretch.end_s}" if stretch else ""


def _laying(library: SoundLibrary, seconds: float) -> str:
    return f"Laying out {len(library.clips)} sounds · {seconds:.0f} s"
