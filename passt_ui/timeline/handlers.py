"""What the page does when a sound is to be heard along, or is looked at in another way.

A visitor's error is told in place; any other ends the work, and Gradio logs it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr

from passt_core.errors import AudioError, PasstError
from passt_core.inference.timeline import Timeline, listen
from passt_ui.hand import check_length
from passt_ui.lab.views import progress
from passt_ui.services import Services, Visitor
from passt_ui.tabs import timeline as tab_of
from passt_ui.tabs.explore import example_cards
from passt_ui.tabs.timeline import TimelineTab
from passt_ui.timeline import views
from passt_ui.timeline.asked import BY_LENGTH, WINDOW_S, Asked
from passt_ui.timeline.visit import Listening, Sound, TimelineVisit

Changes = dict[Any, Any]

FIRST = "clearing"
"""Example that stands there when the tab is opened: one sound in it follows another."""
EVERY_S = 1.0
"""From one picture of a sound that is being heard to the next."""
SHOWING_SHARE = 0.1
"""Of the time while a sound is being heard, for finding its events and drawing them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TimelineHandlers:
    """The handlers; what belongs to a visitor is in ``visit`` and in the page's state.

    ``turns`` are taken window by window: one long sound does not keep the others waiting.
    """

    services: Services
    state: gr.State
    visit: gr.State
    tab: TimelineTab
    turns: threading.Semaphore = field(default_factory=threading.Semaphore)

    def enter(
        self, visitor: Visitor | None, visit: TimelineVisit | None, *controls: Any
    ) -> Iterator[Changes]:
        """The tab was opened: the first time there is an example in it."""
        if visit is not None:
            return
        yield from self._example(visitor, None, FIRST, *controls)

    def open_file(
        self,
        visitor: Visitor | None,
        visit: TimelineVisit | None,
        file: str | None,
        *controls: Any,
    ) -> Iterator[Changes]:
        """A sound was dropped; the box is made ready for the next one."""
        if not file:
            return
        path = Path(file)
        changes = {
            self.tab.file: None,
            self.tab.examples: example_cards(self.services, ""),
        }
        yield from self._heard(visitor, visit, path, path.stem, changes, *controls)

    def open_example(
        self,
        visitor: Visitor | None,
        visit: TimelineVisit | None,
        event: gr.EventData,
        *controls: Any,
    ) -> Iterator[Changes]:
        """An example was chosen."""
        yield from self._example(visitor, visit, str(event._data["id"]), *controls)

    def open_hand(
        self, visitor: Visitor | None, visit: TimelineVisit | None, *controls: Any
    ) -> Iterator[Changes]:
        """The clip in hand in Explore is to be listened along."""
        held = visitor.hand if visitor else None
        if held is None:
            yield tab_of.refused(
                self.tab, "there is no clip in hand in Explore; drop one here, or choose an example"
            )
            return
        changes = {self.tab.examples: example_cards(self.services, "")}
        yield from self._heard(visitor, visit, held.path, held.title, changes, *controls)

    def again(
        self, visitor: Visitor | None, visit: TimelineVisit | None, *controls: Any
    ) -> Iterator[Changes]:
        """The sound in hand is to be heard again: cut in another way, or by another model."""
        if visit is None or visit.sound is None:
            return
        path, title = visit.sound.path, visit.sound.title
        yield from self._heard(visitor, visit, path, title, {}, *controls)

    def cancel(self, visit: TimelineVisit | None) -> Changes:
        """Cancel was pressed: what was heard stays."""
        if visit is None or not visit.stop("Stopped"):
            return tab_of.idle(self.tab, again=visit is not None and visit.sound is not None)
        return {self.tab.cancel: gr.Button(interactive=False)}

    def look(self, visit: TimelineVisit | None, *controls: Any) -> Changes:
        """Other classes, or another rule; nothing is listened to again."""
        unchanged: Changes = {self.tab.notice: gr.HTML(visible=False)}
        heard = visit.heard if visit else None
        if visit is None or heard is None:
            return unchanged
        try:
            asked = Asked.of(*controls)
            rule = asked.rule_for(heard.timeline.labels)
            seen = visit.look_at(heard.number, asked.look, rule)
            if seen is None:
                return unchanged
            shown = tab_of.show(self.tab, visit.token, seen, whole=not visit.listens)
        except PasstError as error:
            return tab_of.refused(self.tab, str(error))
        return {self.tab.notice: gr.HTML(value="", visible=False)} | shown

    def window_changed(self, window: float | None, hop: float | None) -> Changes:
        """Another window was chosen: hops that would leave sound out are not offered."""
        window_s = window or WINDOW_S
        kept = BY_LENGTH if hop is None or hop > window_s else hop
        return {self.tab.hop: gr.Dropdown(choices=tab_of.hop_choices(window_s), value=kept)}

    def model_changed(self, visitor: Visitor | None, visit: TimelineVisit | None) -> Changes:
        """Another model may have been chosen: say so beside what the old one heard."""
        sound = visit.sound if visit else None
        model = (visitor or self.services.first).predictor.checkpoint
        if visit is None or sound is None or sound.checkpoint is model or visit.is_empty:
            return {self.tab.notice: gr.HTML(value="", visible=False)}
        visit.stop("Stopped, for another model was chosen")
        return tab_of.refused(
            self.tab,
            f"this was heard by {sound.checkpoint.name}; press Listen again to hear it by "
            f"{model.name}",
        )

    def _example(
        self,
        visitor: Visitor | None,
        visit: TimelineVisit | None,
        example_id: str,
        *controls: Any,
    ) -> Iterator[Changes]:
        example = self.services.example(example_id)
        changes = {self.tab.examples: example_cards(self.services, example.id)}
        yield from self._heard(visitor, visit, example.path, example.title, changes, *controls)

    def _heard(
        self,
        visitor: Visitor | None,
        visit: TimelineVisit | None,
        path: Path,
        title: str,
        changes: Changes,
        *controls: Any,
    ) -> Iterator[Changes]:
        """Listen along a sound, telling how far it is; what was heard stays, whatever ends it.

        Controls that cannot be are refused before anything is let go.
        """
        predictor = (visitor or self.services.first).predictor
        try:
            asked = Asked.of(*controls)
            asked.cut.check(predictor)
        except PasstError as error:
            yield {self.tab.file: None} | tab_of.refused(self.tab, str(error))
            return
        visit = visit or TimelineVisit()
        self.services.timelines.keep(visit)
        sound = Sound(path=path, title=title, predictor=predictor)
        listening = visit.begin(sound, asked.look, asked.rule_for(predictor.labels))
        chosen = [label for label in asked.look.chosen if label in predictor.labels]
        yield {
            self.visit: visit,
            self.tab.chosen: gr.Dropdown(choices=sorted(predictor.labels), value=chosen or None),
            **changes,
            **tab_of.show_nothing(self.tab),
            **tab_of.listening(self.tab, progress(f"Opening {title}")),
        }
        fault = ""
        try:
            for changes in self._along(visit, listening, asked):
                if visit.is_current(listening):
                    yield changes
        except PasstError as error:
            fault = str(error)
        finally:
            listening.ended = True
        ended = self._ended(visit, listening, fault) if visit.is_current(listening) else {}
        if visit.is_current(listening):
            yield ended

    def _along(self, visit: TimelineVisit, listening: Listening, asked: Asked) -> Iterator[Changes]:
        """Take the snapshots of a sound in hand, one after the other.

        Raises:
            PasstError: it cannot be heard, or not to its end.
        """
        path, predictor = listening.sound.path, listening.sound.predictor
        most_s = self.services.settings.max_minutes * 60
        check_length(path, most_s)
        snapshots = listen(predictor, path, asked.cut.pace(predictor, path), every_s=EVERY_S)
        began = time.monotonic()
        paced = Sparing()
        with closing(self._in_turn(snapshots, listening)) as steps:
            for timeline in steps:
                seen = visit.hear(listening, timeline)
                if seen is None or listening.stopped or timeline.done:
                    return
                if timeline.duration_s > most_s:
                    raise AudioError(
                        f"this sound goes on after {most_s / 60:.0f} min, the limit here; what was "
                        "heard until then stays"
                    )
                told = views.on_the_way(timeline, time.monotonic() - began)
                shown: Changes = {self.tab.progress: progress(*told)}
                if paced.is_due():
                    with paced:
                        shown |= tab_of.show(self.tab, visit.token, seen, whole=False)
                yield shown

    def _in_turn(
        self, snapshots: Iterator[Timeline], listening: Listening
    ) -> Generator[Timeline, None, None]:
        """The same snapshots; each is computed when it is this sound's turn."""
        while not listening.stopped:
            with self.turns:
                timeline = next(snapshots, None)
            if timeline is None:
                return
            yield timeline

    def _ended(self, visit: TimelineVisit, listening: Listening, fault: str) -> Changes:
        """What is shown when nothing more comes: all that was heard, and why there is no more."""
        seen, told = visit.seen(), ""
        if fault and seen is not None and seen.heard.timeline.silent.all():
            visit.forget(listening)  # digital silence: that it is nothing else shows at its end
            seen = None
        if listening.stopped and seen is not None:
            how_far, _ = views.on_the_way(seen.heard.timeline, 0.0)
            told = f'<p class="passt-quiet">{listening.why} at {how_far}.</p>'
        ended = tab_of.idle(self.tab, told, again=True)
        if seen is None:
            ended |= tab_of.show_nothing(self.tab)
        else:
            ended |= tab_of.show(self.tab, visit.token, seen, whole=True)
        return ended | (tab_of.refused(self.tab, fault) if fault else {})


class Sparing:
    """Lets a work be done again when it has taken no more than a share of the time since it began.

    What is shown of a sound grows with it: shown at every snapshot, it would soon keep the model
    from listening.
    """

    def __init__(self) -> None:
        self._due = self._began = 0.0

    def is_due(self) -> bool:
        """Whether it may be done again."""
        return time.monotonic() >= self._due

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._due = self._began + (time.monotonic() - self._began) / SHOWING_SHARE
