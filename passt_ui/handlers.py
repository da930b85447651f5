"""What the page does when something is touched.

Every handler takes the visitor's state and the controls, and returns what changes. An error that
the visitor can mend is told in place; any other is a bug, and Gradio logs it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from passt_core.errors import PasstError
from passt_core.inference.predictor import Predictor
from passt_core.network.checkpoints import Checkpoint
from passt_ui import hand, views
from passt_ui.lab.handlers import LabHandlers
from passt_ui.lab.visit import LabVisit
from passt_ui.library.handlers import LibraryHandlers
from passt_ui.models import OWN, model_choices
from passt_ui.search.visit import SearchVisit
from passt_ui.services import Services, Visitor, load_model, visitor_with
from passt_ui.tabs import about, explore, search
from passt_ui.tabs.explore import Mask

Changes = dict[Any, Any]

EXPLORE = "explore"
"""Id of the tab that a model is tried in."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Header:
    """What stands above the tabs."""

    speaks: gr.HTML
    model: gr.Dropdown
    own: gr.UploadButton
    library: gr.Dropdown
    notice: gr.HTML


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a visitor wants results shown: classes, hits, the mask, and its preset, if it is one.

    ``search`` is what their Search & Map tab is about.
    """

    classes: int
    hits: int
    search: SearchVisit | None
    preset: str | None
    mask: Mask

    @classmethod
    def of(
        cls,
        classes: float,
        hits: float,
        search: SearchVisit | None,
        preset: str | None,
        *mask: float | None,
    ) -> Look:
        """From the controls, in the order that the page hands them on."""
        return cls(
            classes=int(classes),
            hits=int(hits),
            search=search,
            preset=preset,
            mask=Mask.of(*mask),
        )


@dataclass(frozen=True, eq=False)
class ModelChoice:
    """A model that was chosen.

    Attributes:
        opened: opens it.
        failed: where the list of models goes if that fails.
        trunk: the checkpoint whose body it has, where only its head is its own.
    """

    opened: Callable[[], Predictor]
    failed: str
    trunk: Checkpoint | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Handlers:
    """The page's handlers over its components; what belongs to a visitor is in ``state``."""

    services: Services
    state: gr.State
    header: Header
    explore: explore.ExploreTab
    search: search.SearchTab
    about: gr.HTML
    library: LibraryHandlers
    lab: LabHandlers
    tabs: gr.Tabs

    def first_clip(self, visitor: Visitor | None, *look: Any) -> Changes:
        """The page opens with an example in hand."""
        return self._example(visitor, self.services.examples[0].id, Look.of(*look))

    def open_example(self, visitor: Visitor | None, event: gr.EventData, *look: Any) -> Changes:
        """An example was chosen."""
        return self._example(visitor, str(event._data["id"]), Look.of(*look))

    def open_clip(
        self,
        visitor: Visitor | None,
        path: str | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio is asked for it
        *look: Any,
        title: str | None = None,
    ) -> Changes:
        """A clip was uploaded or recorded; the boxes are made ready for the next one."""
        if not path:
            return {self.state: visitor}
        first = visitor or self.services.first
        changes = self._opened(first, path, title, Look.of(*look), progress)
        return changes | {
            self.explore.clip: None,
            self.explore.record: None,
            self.explore.examples: explore.example_cards(self.services, ""),
        }

    def choose_window(self, visitor: Visitor | None, position: float, *look: Any) -> Changes:
        """Another window of a long clip was chosen."""
        if visitor is None or visitor.hand is None or visitor.hand.position == position - 1:
            return {self.state: visitor}
        moved = replace(visitor, hand=hand.at_window(visitor.hand, int(position) - 1))
        shown = Look.of(*look)
        changes = explore.show(self.explore, moved, shown.classes, shown.mask, shown.preset)
        del changes[self.explore.window]  # it may have moved on meanwhile
        return {self.state: moved, **changes}

    def mask(self, visitor: Visitor | None, classes: float, *mask: float | None) -> Changes:
        """The mask's controls have moved, or the number of classes has."""
        if visitor is None or visitor.hand is None:
            return {self.explore.notice: explore.hidden_notice()}
        return explore.show_mask(self.explore, visitor.hand, int(classes), Mask.of(*mask))

    def listen(self, visitor: Visitor | None, event: gr.EventData, *mask: float | None) -> gr.HTML:
        """The sound of the mask was asked for."""
        if visitor is None or visitor.hand is None:
            return gr.HTML()
        return explore.listen(visitor.hand, Mask.of(*mask), str(event._data["part"]))

    def choose_model(
        self,
        name: str,
        visitor: Visitor | None,
        visit: LabVisit | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio is asked for it
        *look: Any,
    ) -> Changes:
        """Another model was chosen by name; a published one may have to be fetched."""
        if name == OWN:
            return {self.header.own: gr.UploadButton(visible=True)}
        if visit and visit.own and name == visit.own.choice[1]:
            return self.use_head(visitor, visit, *look, show=False)

        def fetched(done: int, total: int | None) -> None:
            progress((done, total or done), desc=f"Fetching {name}", unit="bytes")

        before = (visitor or self.services.first).predictor.checkpoint.source
        choice = ModelChoice(lambda: self.services.shelf.open(name, fetched), failed=before)
        return self._with_model(choice, visitor, visit, Look.of(*look))

    def own_model(
        self, path: str, visitor: Visitor | None, visit: LabVisit | None, *look: Any
    ) -> Changes:
        """A visitor's own checkpoint was uploaded."""
        choice = ModelChoice(lambda: load_model(self.services.settings, path), failed=OWN)
        return self._with_model(choice, visitor, visit, Look.of(*look))

    def use_head(
        self, visitor: Visitor | None, visit: LabVisit | None, *look: Any, show: bool = True
    ) -> Changes:
        """The head that the visitor trained shall speak; ``show`` opens the Explore tab."""
        own = visit.own if visit else None
        if own is None:
            return {self.header.notice: explore.hidden_notice()}
        choice = ModelChoice(lambda: own.predictor, failed=OWN, trunk=own.body)
        changes = self._with_model(choice, visitor, visit, Look.of(*look))
        return changes | ({self.tabs: gr.Tabs(selected=EXPLORE)} if show else {})

    def _example(self, visitor: Visitor | None, example_id: str, look: Look) -> Changes:
        example = self.services.example(example_id)
        visitor = visitor or self.services.first
        changes = self._opened(visitor, str(example.path), example.title, look, None)
        return changes | {
            self.explore.examples: explore.example_cards(self.services, example.id),
        }

    def _opened(
        self,
        visitor: Visitor,
        path: str,
        title: str | None,
        look: Look,
        progress: gr.Progress | None,
    ) -> Changes:
        """What changes when a file is listened to; if that fails, nothing of an old clip stays."""
        try:
            held = hand.open_clip(
                visitor.predictor,
                path,
                title=title,
                max_seconds=self.services.settings.max_minutes * 60,
                progress=_told(progress),
            )
        except PasstError as error:
            empty = self._emptied(replace(visitor, hand=None), look)
            return empty | {self.explore.notice: explore.shown_notice(error)}
        filled = replace(visitor, hand=held)
        return {
            self.state: filled,
            **explore.show(self.explore, filled, look.classes, look.mask, look.preset),
            **search.show(self.search, filled, look.hits, look.search),
        }

    def _emptied(self, visitor: Visitor, look: Look) -> Changes:
        return {
            self.state: visitor,
            **explore.show_nothing(self.explore, visitor),
            **search.show(self.search, visitor, look.hits, look.search),
        }

    def _with_model(
        self, choice: ModelChoice, visitor: Visitor | None, visit: LabVisit | None, look: Look
    ) -> Changes:
        """What changes when a model is chosen; the clip in hand is heard again by it.

        Where it cannot be opened, the list of models goes back and all else stays.
        """
        visitor = visitor or self.services.first
        try:
            predictor = choice.opened()
        except PasstError as error:
            return {
                self.header.notice: explore.shown_notice(error),
                self.header.model: gr.Dropdown(value=choice.failed),
                self.header.own: gr.UploadButton(visible=choice.failed == OWN),
            }
        chosen = visitor_with(
            self.services.settings,
            predictor,
            choice.trunk,
            shelf=self.services.libraries,
            chosen=visitor.chosen,
        )
        changes = self._headed(chosen, visit) | self.lab.with_model(visit, chosen)
        held = visitor.hand
        if held is None:
            return changes | self._emptied(chosen, look)
        return changes | self._opened(chosen, str(held.path), held.title, look, None)

    def _headed(self, chosen: Visitor, visit: LabVisit | None) -> Changes:
        """What the header and the About tab say of a model that was chosen."""
        checkpoint = chosen.predictor.checkpoint
        own = visit.own if visit else None
        models = model_choices(
            checkpoint.source,
            own=self.services.settings.own_checkpoints,
            head=own.choice if own else None,
        )
        return {
            self.header.speaks: views.speaks(checkpoint, chosen.library),
            self.header.model: gr.Dropdown(choices=models, value=checkpoint.source),
            self.header.notice: self.library.shown.problem(chosen),
            self.header.own: gr.UploadButton(visible=False),
            self.about: about.about(chosen),
        }


def _told(progress: gr.Progress | None) -> Callable[[float, float | None], None] | None:
    if progress is None:
        return None

    def tell(done: float, total: float | None) -> None:
        share = min(1.0, done / total) if total else 0.0
        progress(share, desc=f"Listened to {done / 60:.1f} min")

    return tell
