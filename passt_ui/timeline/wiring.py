"""Which touch of the Timeline tab calls which handler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from passt_ui.timeline.handlers import TimelineHandlers

TIMELINE_QUEUE = "timeline"
"""Sounds wait here, so that an hour of one does not keep other visitors' clips waiting."""
TOGETHER = 8
"""Sounds that may be on the way at a time; the model hears them in turn, some windows of each."""


def wire(on: TimelineHandlers, models: Sequence[Any]) -> None:
    """Connect the tab; ``models`` are events by which another model is taken in hand."""
    _hear_sounds(on)
    _answer_at_once(on)
    _follow_models(on, models)


def _hear_sounds(on: TimelineHandlers) -> None:
    """What listens to a sound waits its turn."""
    tab = on.tab
    hands, controls = [on.state, on.visit], [*tab.cut, *tab.look]
    how: dict[str, Any] = {
        "outputs": [on.visit, *tab.outputs],
        "concurrency_id": TIMELINE_QUEUE,
        "concurrency_limit": TOGETHER,
        "api_visibility": "undocumented",
        "show_progress": "hidden",
        "trigger_mode": "multiple",
    }
    tab.tab.select(on.enter, [*hands, *controls], api_name="timeline_enter", **how)
    tab.file.upload(on.open_file, [*hands, tab.file, *controls], api_name="timeline_file", **how)
    tab.examples.select(on.open_example, [*hands, *controls], api_name="timeline_example", **how)
    tab.hand.click(on.open_hand, [*hands, *controls], api_name="timeline_hand", **how)
    tab.again.click(on.again, [*hands, *controls], api_name="timeline_again", **how)


def _answer_at_once(on: TimelineHandlers) -> None:
    """What needs no model waits for nobody."""
    tab = on.tab
    how: dict[str, Any] = {
        "api_visibility": "undocumented",
        "show_progress": "hidden",
        "queue": False,
    }
    stopped = [tab.progress, tab.again, tab.cancel]
    tab.cancel.click(on.cancel, [on.visit], stopped, api_name="timeline_cancel", **how)
    cut = [tab.window, tab.hop]
    tab.window.input(on.window_changed, cut, [tab.hop], api_name="timeline_window", **how)
    # A field that is left is put within its limits by the page: a change, and no input.
    gr.on(
        [tab.chosen.input, *(slider.change for slider in tab.sliders)],
        on.look,
        [on.visit, *tab.cut, *tab.look],
        [*tab.shown, tab.line, tab.files],
        trigger_mode="always_last",
        api_name="timeline_look",
        **how,
    )


def _follow_models(on: TimelineHandlers, models: Sequence[Any]) -> None:
    for number, chosen in enumerate(models):
        chosen.then(
            on.model_changed,
            [on.state, on.visit],
            [on.tab.notice],
            api_name=f"timeline_model_{number}",
            api_visibility="undocumented",
            show_progress="hidden",
        )
