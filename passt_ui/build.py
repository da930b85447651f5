"""The page: its frame, its tabs, and which touch calls which handler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from threading import Semaphore
from typing import Any

import gradio as gr

from passt_ui import api, components, views
from passt_ui.handlers import EXPLORE, Handlers, Header
from passt_ui.lab import wiring
from passt_ui.lab.handlers import LabHandlers
from passt_ui.lab.visit import left
from passt_ui.library import visit as library_visit
from passt_ui.library import wiring as library_wiring
from passt_ui.library.handlers import LibraryHandlers
from passt_ui.library.listed import choices, chosen_key
from passt_ui.library.shown import LibraryShown
from passt_ui.models import model_choices
from passt_ui.routes import LibraryRoutes
from passt_ui.search import wiring as search_wiring
from passt_ui.search.handlers import SEARCH, SearchHandlers
from passt_ui.services import Services
from passt_ui.tabs import about, explore, lab, library, search, timeline
from passt_ui.timeline import component as timeline_component
from passt_ui.timeline import live
from passt_ui.timeline import visit as timeline_visit
from passt_ui.timeline import wiring as timeline_wiring
from passt_ui.timeline.handlers import TimelineHandlers
from passt_ui.timeline.routes import TimelineRoutes

TITLE = "PaSST Explorer"
FILES_KEPT = (3600, 86_400)
"""Uploaded files: looked at every hour, deleted when a day old."""
VISIT_SECONDS = 6 * 3600.0
WAITING = 64
"""Events that may wait in the queue; more are told to come back."""
LIBRARY_STYLE = components.WEB / "library.css"
CHECKPOINT_TYPES = (".safetensors", ".pt", ".ckpt")


@dataclass(frozen=True, kw_only=True, eq=False)
class _Visits:
    """What belongs to one visitor: the clip, model and library in hand, and each tab's own."""

    hand: gr.State
    lab: gr.State
    library: gr.State
    timeline: gr.State
    microphone: gr.State

    @classmethod
    def empty(cls) -> _Visits:
        kept = partial(gr.State, None, time_to_live=VISIT_SECONDS)
        return cls(
            hand=kept(),
            lab=kept(delete_callback=left),
            library=kept(delete_callback=library_visit.left),
            timeline=kept(delete_callback=timeline_visit.left),
            microphone=kept(),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Layout:
    """The page's components."""

    header: Header
    tabs: gr.Tabs
    explore: explore.ExploreTab
    timeline: timeline.TimelineTab
    live: live.LiveTab
    search: search.SearchTab
    library: library.LibraryTab
    lab: lab.LabTab
    about: gr.HTML


def build_app(services: Services) -> gr.Blocks:
    """Build the page and its endpoints."""
    with gr.Blocks(
        title=TITLE, fill_width=True, analytics_enabled=False, delete_cache=FILES_KEPT
    ) as app:
        visits, page = _Visits.empty(), _laid_out(services)
        handlers = _handlers(services, visits, page)
        models = _wire(app, handlers, wiring.wire(handlers))
        timeline_wiring.wire(
            TimelineHandlers(
                services=services,
                state=visits.hand,
                visit=visits.timeline,
                tab=page.timeline,
                turns=Semaphore(services.settings.jobs),
            ),
            models,
        )
        live.wire(
            live.LiveHandlers(
                services=services, state=visits.hand, visit=visits.microphone, tab=page.live
            )
        )
        api.build(services)
    return app.queue(max_size=WAITING)


def _laid_out(services: Services) -> _Layout:
    header = _header(services)
    with gr.Tabs(elem_id="tabs") as tabs:
        with gr.Tab("Explore", id=EXPLORE):
            explore_tab = explore.build(services)
        with gr.Tab("Timeline", id="timeline") as line:
            timeline_tab, live_tab = timeline.build(services, line)
        with gr.Tab("Search & Map", id=SEARCH):
            search_tab = search.build(services)
        with gr.Tab("Library", id="library") as stock:
            library_tab = library.build(services, stock)
        with gr.Tab("Lab", id="lab") as room:
            lab_tab = lab.build(services, room)
        with gr.Tab("About", id="about"):
            about_text = about.build(services)
    return _Layout(
        header=header,
        tabs=tabs,
        explore=explore_tab,
        timeline=timeline_tab,
        live=live_tab,
        search=search_tab,
        library=library_tab,
        lab=lab_tab,
        about=about_text,
    )


def _handlers(services: Services, visits: _Visits, page: _Layout) -> Handlers:
    """The handlers of all tabs but the Timeline, over the page's components."""
    header = page.header
    shown = LibraryShown(
        state=visits.hand,
        speaks=header.speaks,
        choice=header.library,
        notice=header.notice,
        hits=page.explore.hits,
        search=page.search,
        about=page.about,
    )
    return Handlers(
        services=services,
        state=visits.hand,
        header=header,
        explore=page.explore,
        search=page.search,
        about=page.about,
        library=LibraryHandlers(
            services=services, visit=visits.library, tab=page.library, shown=shown
        ),
        lab=LabHandlers(services=services, visit=visits.lab, model=header.model, tab=page.lab),
        tabs=page.tabs,
    )


def launch_options(services: Services) -> dict[str, Any]:
    """Arguments of ``launch`` that the page needs wherever it runs."""
    scripts = (*components.SCRIPTS, *timeline_component.SCRIPTS)
    gr.set_static_paths([str(path) for path in scripts])
    settings = services.settings
    return {
        "server_name": settings.host,
        "server_port": settings.port,
        "app_kwargs": {
            "routes": [
                *TimelineRoutes(services.timelines).routes(),
                *LibraryRoutes(services.libraries).routes(),
            ]
        },
        "max_file_size": settings.max_file_mb * gr.FileSize.MB,
        "css_paths": [
            str(path) for path in (*components.STYLES, LIBRARY_STYLE, timeline_component.STYLE)
        ],
        "theme": theme(),
        "share": False,
        "footer_links": ["api"],
        "ssr_mode": False,
    }


def theme() -> gr.themes.Base:
    """Calm and local: the system's own fonts, nothing fetched."""
    return gr.themes.Base(
        primary_hue="sky",
        neutral_hue="slate",
        font=["Inter", "ui-sans-serif", "system-ui", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    ).set(
        block_border_width="1px",
        block_radius="10px",
        block_shadow="none",
        body_background_fill="white",
        body_background_fill_dark="#111827",
        block_info_text_color="*neutral_500",
        block_info_text_color_dark="*neutral_300",
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_300",
    )


def _header(services: Services) -> Header:
    """Title, which model speaks, and the choice of another."""
    settings = services.settings
    with gr.Row(elem_id="passt-top", equal_height=False):
        with gr.Column(scale=5, min_width=280):
            gr.HTML(
                '<div class="passt-title"><h1>PaSST Explorer</h1>'
                "<p>See, hear and search sound the way an audio transformer does.</p></div>"
            )
            speaks = gr.HTML(
                views.speaks(services.first.predictor.checkpoint, services.first.library),
                elem_id="speaks",
                apply_default_css=False,
            )
        with gr.Column(scale=3, min_width=230):
            model = gr.Dropdown(
                model_choices(settings.model, own=settings.own_checkpoints),
                value=settings.model,
                label="Model",
                elem_id="model",
            )
            own = gr.UploadButton(
                "Choose a .safetensors, .pt or .ckpt file",
                file_types=list(CHECKPOINT_TYPES),
                type="filepath",
                elem_id="own-checkpoint",
                visible=False,
                size="sm",
            )
        with gr.Column(scale=3, min_width=230):
            listed = services.listed()
            library_choice = gr.Dropdown(
                choices(listed),
                value=chosen_key(services.first.chosen, listed),
                label="Library",
                elem_id="library",
            )
    notice = gr.HTML("", visible=False, elem_id="model-notice", apply_default_css=False)
    return Header(speaks=speaks, model=model, own=own, library=library_choice, notice=notice)


def _wire(app: gr.Blocks, on: Handlers, works: list[dict[str, Any]]) -> list[Any]:
    """Which touch calls which handler. Endpoints of the page itself are left out of the docs.

    Another model stops ``works``, which the old one does. Returned is what takes another model.
    """
    tab, found, state = on.explore, on.search, on.state
    listens: dict[str, Any] = {
        "concurrency_id": api.MODEL_QUEUE,
        "concurrency_limit": on.services.settings.jobs,
        "api_visibility": "undocumented",
    }
    everything = [state, tab.clip, tab.record, tab.examples, *tab.outputs, *found.outputs]
    look = [tab.top_k, found.k, found.visit, tab.presets, *tab.mask]
    dimmed = [tab.spectrogram, tab.bars, tab.hits]
    shown = listens | {"show_progress_on": dimmed, "outputs": everything}

    app.load(
        on.library.begin,
        None,
        on.library.visit,
        queue=False,
        show_progress="hidden",
        api_name="library_begin",
        api_visibility="undocumented",
    )
    app.load(on.first_clip, [state, *look], api_name="first_clip", **shown)
    tab.clip.upload(on.open_clip, [state, tab.clip, *look], api_name="open_clip", **shown)
    tab.record.stop_recording(
        partial(on.open_clip, title="Your recording"),
        [state, tab.record, *look],
        api_name="open_recording",
        **shown,
    )
    tab.examples.select(
        on.open_example,
        [state, *look],
        trigger_mode="multiple",  # the last one that was pressed is the last one heard
        api_name="open_example",
        **shown,
    )
    tab.window.change(
        on.choose_window,
        [state, tab.window, *look],
        trigger_mode="always_last",
        api_name="choose_window",
        **shown,
    )
    _wire_mask(on, listens)
    models = _wire_models(
        on, works, shown | {"outputs": [*everything, *vars(on.header).values()]}, look
    )
    search_wiring.wire(
        SearchHandlers(services=on.services, state=state, tab=found, explore=tab, tabs=on.tabs)
    )
    return models


def _wire_models(
    on: Handlers,
    works: list[dict[str, Any]],
    shown: dict[str, Any],
    look: Sequence[gr.components.Component],
) -> list[Any]:
    room = on.lab
    shown["outputs"] += [on.about, on.tabs, room.visit, *room.tab.setting, *room.tab.results]
    hands = [on.state, room.visit, *look]
    shown["cancels"] = works
    named = on.header.model.input(
        on.choose_model, [on.header.model, *hands], api_name="choose_model", **shown
    )
    own = on.header.own.upload(on.own_model, [on.header.own, *hands], api_name="own_model", **shown)
    used = room.tab.use.click(on.use_head, hands, api_name="use_head", **shown)
    library_wiring.wire(
        on.library,
        [on.search.k, on.search.visit],
        on.services.settings.jobs,
        [
            (on.header.model.input, named.then, [on.header.model]),
            (on.header.own.upload, own.then, []),
            (room.tab.use.click, used.then, []),
        ],
    )
    return [named, own, used]


def _wire_mask(on: Handlers, listens: dict[str, Any]) -> None:
    """Sliders move the mask while they are dragged; a preset or a seed moves the sliders."""
    tab, state = on.explore, on.state
    quiet = listens | {"show_progress": "hidden"}
    quick: dict[str, Any] = {
        "api_visibility": "undocumented",
        "show_progress": "hidden",
        "queue": False,
    }
    gr.on(
        [control.change for control in (tab.top_k, *tab.mask)],
        on.mask,
        [state, tab.top_k, *tab.mask],
        tab.mask_outputs,
        trigger_mode="always_last",
        api_name="mask",
        **quiet,
    )
    tab.presets.input(
        explore.preset, [state, tab.presets], tab.mask[:3], api_name="preset", **quick
    )
    tab.draw.click(explore.new_seed, None, tab.seed, api_name="new_seed", **quick)
    tab.spectrogram.listen(
        on.listen, [state, *tab.mask], [tab.spectrogram], api_name="listen", **quiet
    )
