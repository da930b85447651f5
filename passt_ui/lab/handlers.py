"""What the Lab does when something is touched.

Long work is a generator: it tells how far it is and can be stopped between two clips or epochs. A
visitor's error is told in place; any other ends the work, and Gradio logs it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from passt_core.errors import LibraryError, PasstError
from passt_core.lab import judge
from passt_core.lab.heard import Heard, Outcome, hear
from passt_core.lab.judge import HEAD, Judgement
from passt_core.lab.probe import Epoch, ProbeConfig, Probed, steps
from passt_ui.lab import cells
from passt_ui.lab import views as lab_views
from passt_ui.lab.sounds import UPLOAD, LabelledSounds, library_key, of_library, of_zip, stored
from passt_ui.lab.visit import LabVisit, own_head
from passt_ui.models import model_choices
from passt_ui.services import Services, Visitor
from passt_ui.tabs import lab
from passt_ui.tabs.lab import LabTab
from passt_ui.views import notice

Changes = dict[Any, Any]
Told = Callable[[str], Changes]
"""A line of progress → what changes on the page."""

TELL_EVERY_S = 0.5


@dataclass(frozen=True, kw_only=True, eq=False)
class LabHandlers:
    """The Lab's handlers; what belongs to a visitor is in ``state`` and ``visitor``."""

    services: Services
    visit: gr.State
    model: gr.Dropdown
    tab: LabTab

    def enter(self, visitor: Visitor | None, visit: LabVisit | None) -> Iterator[Changes]:
        """The tab was opened: the sounds in hand are judged, if they need not be listened to."""
        visitor, visit = visitor or self.services.first, visit or LabVisit()
        if visit.sounds is None:
            yield from self._choose(visitor, visit, library_key(self.services.at_the_start()))
            return
        yield lab.show_choices(self.tab, visit, self.services.within_reach(visitor))
        if visit.judged is None:
            yield from self._judged_at_once(visitor, visit, visit.sounds)

    def choose_sounds(
        self, visitor: Visitor | None, visit: LabVisit | None, key: str
    ) -> Iterator[Changes]:
        """Other sounds were chosen."""
        yield from self._choose(visitor or self.services.first, visit or LabVisit(), key)

    def bring(
        self, visitor: Visitor | None, visit: LabVisit | None, path: str | None
    ) -> Iterator[Changes]:
        """A zip was brought; the box is made ready for the next one."""
        visitor, visit = visitor or self.services.first, visit or LabVisit()
        if not path:
            yield {self.visit: visit}
            return
        yield {self.tab.progress: lab_views.progress("Unpacking the zip")}
        try:
            sounds = of_zip(Path(path), Path(path).name)
        except PasstError as error:
            yield {self.tab.upload: None, self.tab.progress: "", **self._refused(error)}
            return
        if visit.upload is not None:
            visit.upload.remove()
        visit = replace(visit.with_sounds(sounds), upload=sounds)
        shown = self._sounds_shown(visitor, visit)
        yield {self.visit: visit, self.tab.upload: None, **shown}

    def evaluate(
        self, visitor: Visitor | None, visit: LabVisit | None, way: str
    ) -> Iterator[Changes]:
        """Judge the model on the sounds in hand."""
        visitor, visit = visitor or self.services.first, visit or LabVisit()

        def told(line: str) -> Changes:
            return lab.evaluating(self.tab, line)

        def work() -> Iterator[Changes]:
            visited, heard = yield from self._heard(visitor, visit, told)
            yield self._judged(visitor, visited, heard, way)

        yield from self._guarded(work(), self._refused)

    def train(
        self, visitor: Visitor | None, visit: LabVisit | None, name: str, kind: str
    ) -> Iterator[Changes]:
        """Train a head on the sounds in hand."""
        visitor, visit = visitor or self.services.first, visit or LabVisit()

        def told(line: str) -> Changes:
            return lab.training(self.tab, line)

        def work() -> Iterator[Changes]:
            visited, heard = yield from self._heard(visitor, visit, told)
            config = ProbeConfig(activation=kind)
            probed = yield from self._fit(heard, config)
            yield self._trained(visitor, visited, probed, name)

        yield from self._guarded(work(), self._not_trained)

    def stopped(self) -> Changes:
        """Stop was pressed."""
        return lab.idle(self.tab)

    def choose_cell(
        self, visitor: Visitor | None, visit: LabVisit | None, event: gr.EventData
    ) -> Changes:
        """A cell, a class or a confusion was chosen: its id is ``row:column``, or ``row:``."""
        visitor = visitor or self.services.first
        if visit is None or visit.judged is None or visit.sounds is None:
            return lab.no_cell(self.tab)
        row, _, column = str(event._data["id"]).partition(":")
        label, said = int(row), int(column) if column else None
        if not all(0 <= n < len(visit.judged.labels) for n in (label, said or 0)):
            return lab.no_cell(self.tab)
        found = cells.cards(
            visit.judged,
            label,
            said,
            sounds=visit.sounds,
            predictor=visitor.predictor,
        )
        chosen = None if said is None else [label, said]
        return {
            self.tab.cell_line: cells.line(visit.judged, label, said),
            self.tab.cell: found,
            self.tab.matrix: gr.HTML(chosen=chosen),
        }

    def with_model(self, visit: LabVisit | None, visitor: Visitor) -> Changes:
        """Another model has been chosen: what was judged was of the old one."""
        visit = visit or LabVisit()
        if visit.sounds is None:
            return {self.visit: visit}
        visit = replace(visit, judged=None)
        shown = self._sounds_shown(visitor, visit)
        return {self.visit: visit, **shown}

    def _choose(self, visitor: Visitor, visit: LabVisit, key: str) -> Iterator[Changes]:
        try:
            sounds = self._sounds_of(key, visitor, visit)
        except PasstError as error:
            visit = visit.with_sounds(None)
            yield {self.visit: visit, **lab.show_nothing(self.tab), **self._refused(error)}
            return
        visit = visit.with_sounds(sounds)
        shown = self._sounds_shown(visitor, visit)
        yield {self.visit: visit, **shown}
        yield from self._judged_at_once(visitor, visit, sounds)

    def _sounds_of(self, key: str, visitor: Visitor, visit: LabVisit) -> LabelledSounds:
        """The sounds of a key.

        Raises:
            PasstError: there are none.
        """
        if key != UPLOAD:
            return of_library(key, self.services.within_reach(visitor))
        if visit.upload is None:
            raise LibraryError("there is no zip of yours any more; bring it again")
        return visit.upload

    def _sounds_shown(self, visitor: Visitor, visit: LabVisit) -> Changes:
        listed = self.services.within_reach(visitor)
        return {
            **lab.show_sounds(self.tab, visit, visitor.predictor.checkpoint),
            **lab.show_choices(self.tab, visit, listed),
        }

    def _judged_at_once(
        self, visitor: Visitor, visit: LabVisit, sounds: LabelledSounds
    ) -> Iterator[Changes]:
        """Judge sounds that the model heard before; others wait until it is asked for."""

        def work() -> Iterator[Changes]:
            heard = visit.heard_with(visitor) or stored(sounds, visitor)
            if heard is None:
                yield {self.tab.progress: gr.HTML()}
                return
            visited = replace(visit, heard=heard, heard_by=visitor.body.sha256)
            way = lab.way_for(sounds, visitor.predictor.checkpoint)
            yield self._judged(visitor, visited, heard, way)

        yield from self._guarded(work(), self._refused)

    def _heard(
        self, visitor: Visitor, visit: LabVisit, told: Told
    ) -> Generator[Changes, None, tuple[LabVisit, Heard]]:
        """The sounds in hand as the model hears them, from where they were heard before if so."""
        yield told(lab_views.progress("Opening the sounds", 0.0))
        first = self.services.at_the_start()
        sounds = visit.sounds or of_library(library_key(first), [first])
        visit = visit if visit.sounds is sounds else visit.with_sounds(sounds)
        heard = visit.heard_with(visitor) or stored(sounds, visitor)
        if heard is None:
            heard = yield from self._listened(visitor, sounds, told)
        return replace(visit, heard=heard, heard_by=visitor.body.sha256), heard

    def _listened(
        self, visitor: Visitor, sounds: LabelledSounds, told: Told
    ) -> Generator[Changes, None, Heard]:
        longest = self.services.settings.max_minutes * 60
        outcomes: list[Outcome] = []
        began = last = time.monotonic()
        for outcome in hear(visitor.predictor, sounds.clips, max_seconds=longest):
            outcomes.append(outcome)
            now = time.monotonic()
            if now - last > TELL_EVERY_S:
                last = now
                yield told(_listening(len(outcomes), len(sounds.clips), now - began))
        return Heard.of(outcomes)

    def _judged(self, visitor: Visitor, visit: LabVisit, heard: Heard, way: str) -> Changes:
        checkpoint = visitor.predictor.checkpoint
        judged: Judgement = (
            judge.by_head(heard, checkpoint) if way == HEAD else judge.by_neighbours(heard)
        )
        own = visit.own
        on_its_own = (
            own is not None
            and visit.sounds is not None
            and own.predictor is visitor.predictor
            and own.sounds == (visit.sounds.key, visit.sounds.name)
            and judged.by == HEAD
        )
        return {
            self.visit: replace(visit, judged=judged),
            **lab.show_result(self.tab, visit, judged, checkpoint, own if on_its_own else None),
        }

    def _fit(self, heard: Heard, config: ProbeConfig) -> Generator[Changes, None, Probed]:
        epochs: list[Epoch] = []
        last = 0.0
        for step in steps(heard, config):
            if isinstance(step, Probed):
                return step
            if epochs and epochs[-1].decay != step.decay:
                epochs = []
            epochs.append(step)
            now = time.monotonic()
            if now - last > TELL_EVERY_S:
                last = now
                choice = config.decays.index(step.decay) + 1
                yield lab.show_curve(self.tab, epochs, choice, len(config.decays))
        raise RuntimeError("a training ends in its head")

    def _trained(self, visitor: Visitor, visit: LabVisit, probed: Probed, name: str) -> Changes:
        sounds = visit.sounds
        if sounds is None:
            raise LibraryError("the sounds are gone; choose them again")
        own = own_head(name, probed, visitor, sounds, self.services.settings)
        if visit.own is not None:
            visit.own.remove()
        models = model_choices(
            visitor.predictor.checkpoint.source,
            own=self.services.settings.own_checkpoints,
            head=own.choice,
        )
        return {
            self.visit: replace(visit, own=own),
            self.model: gr.Dropdown(choices=models),
            **lab.show_head(self.tab, own),
        }

    def _guarded(
        self, work: Iterator[Changes], refused: Callable[[PasstError], Changes]
    ) -> Iterator[Changes]:
        """Do long work; whatever ends it early, the page does not stay waiting."""
        try:
            yield from work
        except PasstError as error:
            yield {**lab.idle(self.tab), **refused(error)}
        except Exception:
            yield lab.idle(self.tab)
            raise

    def _refused(self, error: PasstError) -> Changes:
        return {self.tab.notice: gr.HTML(value=notice(str(error)), visible=True)}

    def _not_trained(self, error: PasstError) -> Changes:
        return {self.tab.train_notice: gr.HTML(value=notice(str(error)), visible=True)}


def _listening(done: int, total: int, seconds: float) -> str:
    left = seconds / done * (total - done)
    told = f"Listened to {done} of {total} sounds"
    if left >= 1:
        told += f", about {left:.0f} s left"
    return lab_views.progress(told, done / total)
