"""Which touch of the Search & Map tab, or of a stretch in Explore, calls which handler."""

from __future__ import annotations

from typing import Any

import gradio as gr

from passt_ui import api
from passt_ui.library.wiring import LIBRARY_QUEUE
from passt_ui.search.handlers import SearchHandlers


def wire(on: SearchHandlers) -> None:
    """Connect the tab, and the spectrogram's stretch."""
    tab, state = on.tab, on.state
    hands = [state, tab.visit, tab.k]
    quiet: dict[str, Any] = {"api_visibility": "undocumented", "show_progress": "hidden"}
    _wire_question(on, hands, quiet)
    _wire_stretch(on, hands)
    tab.map.select(
        on.choose, [state, tab.visit], [tab.visit, tab.chosen], api_name="choose_sound", **quiet
    )
    _wire_map(on, hands, quiet)


def _wire_question(on: SearchHandlers, hands: list[Any], quiet: dict[str, Any]) -> None:
    """One after the other, for each begins with the question that the last one left."""
    tab = on.tab
    in_turn = quiet | {"concurrency_id": "search", "concurrency_limit": 1}
    everything = [*tab.answer, *tab.filter, on.explore.spectrogram]
    for name, cards in (("asked", tab.asked), ("hits", tab.hits), ("chosen", tab.chosen)):
        cards.ask(
            on.ask, hands, everything, trigger_mode="multiple", api_name=f"ask_{name}", **in_turn
        )
    gr.on(
        [tab.labels.input, tab.families.input, tab.text.change],
        on.narrow,
        [*hands, *tab.filter],
        tab.answer,
        trigger_mode="always_last",
        api_name="narrow",
        **in_turn,
    )
    tab.k.change(
        on.more, hands, tab.answer, trigger_mode="always_last", api_name="more_hits", **in_turn
    )


def _wire_stretch(on: SearchHandlers, hands: list[Any]) -> None:
    tab, explore = on.tab, on.explore
    listens: dict[str, Any] = {
        "concurrency_id": api.MODEL_QUEUE,
        "concurrency_limit": on.services.settings.jobs,
        "api_visibility": "undocumented",
    }
    explore.spectrogram.stretch(
        on.dragged,
        hands,
        [*tab.answer, explore.notice, explore.spectrogram, on.tabs],
        show_progress_on=[explore.spectrogram],
        api_name="search_stretch",
        **listens,
    )
    gr.on(
        [tab.stretch.click, tab.start.submit, tab.end.submit],
        on.typed,
        [*hands, tab.start, tab.end],
        [*tab.answer, explore.spectrogram],
        show_progress_on=[tab.hits],
        api_name="type_stretch",
        **listens,
    )


def _wire_map(on: SearchHandlers, hands: list[Any], quiet: dict[str, Any]) -> None:
    """Maps wait with the builds of libraries, which lay out maps too."""
    tab, state = on.tab, on.state
    shown = [state, *tab.answer, *tab.map_options]
    laid = tab.lay.click(
        on.lay,
        [state, tab.visit, tab.neighbours, tab.min_dist],
        [tab.visit, tab.map_notice, *tab.laying],
        concurrency_id=LIBRARY_QUEUE,
        concurrency_limit=on.services.settings.jobs,
        api_name="lay_map",
        **quiet,
    )
    laid.then(on.laid, hands, shown, api_name="map_laid", **quiet)
    tab.stop.click(on.stop, [tab.visit], tab.laying, api_name="map_stop", queue=False, **quiet)
    tab.own.click(on.own_map, hands, shown, api_name="own_map", **quiet)
