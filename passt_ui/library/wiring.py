"""Which touch of the Library tab, or of the list of libraries, calls which handler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from passt_ui.library.handlers import LibraryHandlers

LIBRARY_QUEUE = "library"
"""Builds wait here, so that they do not keep other visitors' clips waiting."""

_PRESSED = "() => setTimeout(() => document.querySelector('#library-download')?.click(), 150)"


def wire(
    on: LibraryHandlers, look: Sequence[gr.components.Component], jobs: int, models: Sequence[Any]
) -> None:
    """Connect the tab and the header's list.

    Args:
        on: the handlers.
        look: how the Search tab is looked at: how many hits, and what it is about.
        jobs: builds that may go on at the same time.
        models: events by which another model is chosen, what follows each, and what else tells
            which model it is.
    """
    tab, shown = on.tab, on.shown
    hands = [shown.state, on.visit]
    quiet: dict[str, Any] = {"api_visibility": "undocumented", "show_progress": "hidden"}
    everything = {"outputs": [on.visit, *tab.hand, *shown.outputs]} | quiet
    _wire_building(on, look, jobs, everything)
    shown.choice.input(
        on.choose, [*hands, shown.choice, *look], api_name="choose_library", **everything
    )
    tab.cards.select(on.choose_card, [*hands, *look], api_name="library_card", **everything)
    _wire_entering(on, tab.tab.select, "library_enter", quiet)
    for number, (chosen, follows, name) in enumerate(models):
        stopped = f"library_model_{number}"
        chosen(
            on.building.model_changed,
            [on.visit, *name],
            [tab.progress, *tab.buttons],
            api_name=stopped,
            queue=False,
            **quiet,
        )
        _wire_entering(on, follows, f"{stopped}_known", quiet)
    _wire_hand(on, look, everything, quiet)


def _wire_entering(on: LibraryHandlers, event: Any, name: str, quiet: dict[str, Any]) -> None:
    """Then, not at once, clips are looked for: by what is typed when all else is shown."""
    tab, shown = on.tab, on.shown
    outputs = [on.visit, *tab.hand, shown.choice]
    event(on.enter, [shown.state, on.visit], outputs, api_name=name, **quiet).then(
        on.find_clips,
        [shown.state, tab.filter, tab.picked],
        [tab.picked],
        api_name=f"{name}_clips",
        **quiet,
    )


def _wire_building(
    on: LibraryHandlers,
    look: Sequence[gr.components.Component],
    jobs: int,
    everything: dict[str, Any],
) -> None:
    tab, build = on.tab, on.building
    hands = [on.shown.state, on.visit]
    works: dict[str, Any] = {
        "outputs": [on.visit, *tab.building, *tab.inputs],
        "concurrency_id": LIBRARY_QUEUE,
        "concurrency_limit": jobs,
        "api_visibility": "undocumented",
        "show_progress": "hidden",
    }
    for button, handler, inputs in (
        (tab.build, build.build, [*hands, *tab.inputs]),
        (tab.add, build.add, [*hands, tab.files]),
        (tab.rebuild, build.rebuild, hands),
    ):
        done = button.click(handler, inputs, api_name=f"library_{handler.__name__}", **works)
        done.then(
            on.built, [*hands, *look], api_name=f"library_{handler.__name__}_done", **everything
        )
    tab.stop.click(
        build.stop,
        [on.visit],
        [tab.progress, *tab.buttons],
        api_name="library_stop",
        queue=False,
        api_visibility="undocumented",
        show_progress="hidden",
    )
    tab.folder.upload(
        lambda files: files,
        tab.folder,
        tab.files,
        api_name="library_folder",
        api_visibility="undocumented",
        show_progress="hidden",
    )


def _wire_hand(
    on: LibraryHandlers,
    look: Sequence[gr.components.Component],
    everything: dict[str, Any],
    quiet: dict[str, Any],
) -> None:
    tab, state = on.tab, on.shown.state
    hands = [state, on.visit]
    tab.filter.input(
        on.find_clips,
        [state, tab.filter, tab.picked],
        [tab.picked],
        trigger_mode="always_last",
        api_name="library_find",
        **quiet,
    )
    tab.remove.click(
        on.remove, [*hands, tab.picked, *look], api_name="library_remove", **everything
    )
    tab.delete.click(on.ask, [state], tab.asking, api_name="library_ask", **quiet)
    tab.keep.click(on.keep, None, tab.asking, api_name="library_keep", **quiet)
    tab.sure.click(on.delete, [*hands, *look], api_name="library_delete", **everything)
    ready = tab.export.click(
        on.export,
        [*hands, tab.form],
        [on.visit, tab.download, tab.told],
        api_name="library_export",
        **quiet,
    )
    ready.success(None, None, None, js=_PRESSED, **quiet)
