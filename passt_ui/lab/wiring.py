"""Which touch of the Lab calls which handler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

if TYPE_CHECKING:
    from passt_ui.handlers import Handlers

LAB_QUEUE = "lab"
"""Long work of the Lab waits here, so that it does not keep other visitors' clips waiting."""


def wire(page: Handlers) -> list[dict[str, Any]]:
    """Connect the tab; returned is the long work, for whatever must stop it."""
    on, tab, state, visit = page.lab, page.lab.tab, page.state, page.lab.visit
    hands = [state, visit]
    works: dict[str, Any] = {
        "concurrency_id": LAB_QUEUE,
        "concurrency_limit": page.services.settings.jobs,
        "api_visibility": "undocumented",
        "show_progress": "hidden",
    }
    everything = [visit, *tab.setting, *tab.results]
    evaluate = gr.on(
        [tab.run.click, tab.way.input],
        on.evaluate,
        [*hands, tab.way],
        everything,
        api_name="lab_evaluate",
        **works,
    )
    train = tab.train.click(
        on.train,
        [*hands, tab.name, tab.kind],
        [visit, on.model, *tab.running, *tab.head],
        api_name="lab_train",
        **works,
    )
    both: list[dict[str, Any]] = [evaluate, train]
    chosen = works | {"outputs": everything}
    tab.tab.select(on.enter, hands, api_name="lab_enter", **chosen)
    tab.sounds.input(
        on.choose_sounds, [*hands, tab.sounds], api_name="lab_sounds", cancels=both, **chosen
    )
    tab.upload.upload(on.bring, [*hands, tab.upload], api_name="lab_bring", cancels=both, **chosen)
    quick: dict[str, Any] = {
        "api_visibility": "undocumented",
        "show_progress": "hidden",
        "queue": False,
    }
    for stop in (tab.stop, tab.stop_train):
        stop.click(
            on.stopped, None, tab.running, api_name=f"lab_stop_{stop._id}", cancels=both, **quick
        )
    gr.on(
        [part.select for part in (tab.matrix, tab.bars, tab.confusions)],
        on.choose_cell,
        hands,
        [*tab.cells, tab.matrix],
        api_name="lab_cell",
        trigger_mode="always_last",
        api_visibility="undocumented",
        show_progress_on=[tab.cell],
    )
    return both
