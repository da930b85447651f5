"""The page: frame, tabs, and the events between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from passt_core.errors import PasstError
from passt_core.network.registry import BUNDLED, OFFICIAL
from passt_ui import api, components, hand, neighbours, views
from passt_ui.services import Services, Visitor, load_model, visitor_with
from passt_ui.tabs import about, explore, search

TITLE = "PaSST Explorer"
FILES_KEPT = (3600, 86_400)
"""Uploaded files: looked at every hour, deleted when a day old."""
VISIT_SECONDS = 6 * 3600.0
CHECKPOINT_TYPES = [".safetensors", ".pt", ".ckpt"]

Changes = dict[Any, Any]


def build_app(services: Services) -> gr.Blocks:
    """Build the page and its endpoints."""
    with gr.Blocks(
        title=TITLE, fill_width=True, analytics_enabled=False, delete_cache=FILES_KEPT
    ) as app:
        Page(services)
        api.build(services)
    return app.queue(max_size=64)


def launch_options(services: Services) -> dict[str, Any]:
    """Arguments of ``launch`` that the page needs wherever it runs."""
    gr.set_static_paths([str(path) for path in components.SCRIPTS])
    settings = services.settings
    return {
        "server_name": settings.host,
        "server_port": settings.port,
        "allowed_paths": services.sound_folders,
        "max_file_size": settings.max_file_mb * gr.FileSize.MB,
        "css_paths": [str(components.STYLES)],
        "theme": theme(),
        "share": False,
        "footer_links": ["api", "settings"],
        "ssr_mode": False,
    }


def theme() -> gr.themes.Base:
    """Calm and local: the system's own fonts, nothing fetched."""
    fonts = ["Inter", "ui-sans-serif", "system-ui", "sans-serif"]
    return gr.themes.Base(
        primary_hue="sky",
        neutral_hue="slate",
        font=fonts,
        font_mono=["ui-monospace", "Consolas", "monospace"],
    ).set(
        block_border_width="1px",
        block_radius="10px",
        block_shadow="none",
        body_background_fill="white",
        body_background_fill_dark="#111827",
    )


class Page:
    """The visible page. Its methods are the handlers; what belongs to a visitor is in the state."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.visitor = gr.State(None, time_to_live=VISIT_SECONDS)
        self._frame()
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Explore", id="explore"):
                self.explore = explore.build(services)
            with gr.Tab("Search & Map", id="search"):
                self.search = search.build(services)
            with gr.Tab("About", id="about"):
                self.about = about.build(services)
        self._wire()

    def _frame(self) -> None:
        """Title, which model speaks, and the choice of another."""
        first = self.services.first
        with gr.Row(elem_id="passt-top", equal_height=False):
            with gr.Column(scale=5, min_width=280):
                gr.HTML(
                    '<div class="passt-title"><h1>PaSST Explorer</h1>'
                    "<p>See, hear and search sound the way an audio transformer does.</p></div>"
                )
                self.speaks = gr.HTML(views.speaks(first.predictor.checkpoint), elem_id="speaks")
            with gr.Column(scale=3, min_width=250):
                self.model = gr.Dropdown(
                    model_choices(self.services.settings.model),
                    value=self.services.settings.model,
                    label="Model",
                    elem_id="model",
                )
            with gr.Column(scale=1, min_width=180):
                self.own = gr.UploadButton(
                    "Use my own checkpoint",
                    file_types=CHECKPOINT_TYPES,
                    type="filepath",
                    elem_id="own-checkpoint",
                    visible=self.services.settings.own_checkpoints,
                    size="sm",
                )
        self.model_notice = gr.HTML("", visible=False, elem_id="model-notice")

    def _wire(self) -> None:
        tab, found, state = self.explore, self.search, self.visitor
        everything = [state, tab.clip, tab.examples, *self._shown()]
        hear = {"inputs": [state, tab.clip, tab.top_k, found.k], "outputs": everything}
        listens: dict[str, Any] = {
            "concurrency_id": api.MODEL_QUEUE,
            "concurrency_limit": self.services.settings.jobs,
            "api_visibility": "undocumented",
            "show_progress_on": [tab.spectrogram],
        }
        gr.on(
            [_root().load],
            self.first_clip,
            [state, tab.top_k, found.k],
            everything,
            api_name="first_clip",
            **listens,
        )
        gr.on(
            [tab.clip.upload, tab.clip.stop_recording],
            self.open_clip,
            **hear,
            api_name="open_clip",
            **listens,
        )
        tab.examples.select(
            self.open_example,
            [state, tab.top_k, found.k],
            everything,
            api_name="open_example",
            **listens,
        )
        tab.clip.clear(self.put_down, [state, found.k], everything, api_name="put_down", **listens)
        tab.window.release(
            self.choose_window,
            [state, tab.window, tab.top_k],
            everything,
            api_name="choose_window",
            **listens,
        )
        self._wire_mask(listens)
        self._wire_models(everything, listens)
        found.map.select(
            self.choose_sound,
            [state],
            [found.chosen],
            api_name="choose_sound",
            api_visibility="undocumented",
        )
        found.k.change(
            self.more_hits,
            [state, found.k],
            [found.hits],
            trigger_mode="always_last",
            api_name="more_hits",
            api_visibility="undocumented",
        )

    def _wire_mask(self, listens: dict[str, Any]) -> None:
        tab, state = self.explore, self.visitor
        controls = tab.mask_inputs
        quiet = listens | {"show_progress": "hidden", "show_progress_on": None}
        gr.on(
            [control.change for control in controls],
            self.mask,
            [state, *controls],
            tab.mask_outputs,
            trigger_mode="always_last",
            api_name="mask",
            **quiet,
        )
        tab.presets.input(
            self.preset,
            [state, tab.presets],
            [tab.time, tab.freq, tab.unstructured],
            api_name="preset",
            api_visibility="undocumented",
        )
        tab.draw.click(
            explore.new_seed, None, tab.seed, api_name="new_seed", api_visibility="undocumented"
        )
        tab.spectrogram.listen(
            self.listen, [state, *controls], [tab.spectrogram], api_name="listen", **quiet
        )

    def _wire_models(self, everything: list[Any], listens: dict[str, Any]) -> None:
        tab, found = self.explore, self.search
        outputs = [*everything, self.speaks, self.about, self.model, self.model_notice]
        inputs = [self.visitor, tab.top_k, found.k]
        self.model.input(
            self.choose_model, [self.model, *inputs], outputs, api_name="choose_model", **listens
        )
        self.own.upload(
            self.own_model, [self.own, *inputs], outputs, api_name="own_model", **listens
        )

    def _shown(self) -> list[Any]:
        """Every component that a new clip changes."""
        tab = self.explore
        return [
            tab.notice,
            tab.line,
            tab.window,
            tab.spectrogram,
            tab.how,
            tab.bars,
            tab.stats,
            tab.hits,
            tab.presets,
            tab.time,
            tab.freq,
            tab.unstructured,
            *self.search.outputs,
        ]

    # Handlers. Each returns what changes; an error of the visitor's is told in place.

    def first_clip(self, visitor: Visitor | None, k: int, hits: int) -> Changes:
        """The page opens with an example in hand."""
        return self._open_example(visitor, self.services.examples[0].id, k, hits)

    def open_example(
        self, visitor: Visitor | None, k: int, hits: int, event: gr.EventData
    ) -> Changes:
        """An example was chosen."""
        return self._open_example(visitor, str(event._data["id"]), k, hits)

    def open_clip(
        self, visitor: Visitor | None, path: str | None, k: int, hits: int, progress=gr.Progress()
    ) -> Changes:
        """A clip was uploaded or recorded."""
        visitor = visitor or self.services.first
        if not path:
            return self.put_down(visitor, hits)
        changes = self._opened(visitor, path, None, k, hits, progress)
        return changes | {self.explore.examples: explore.example_cards(self.services, "")}

    def put_down(self, visitor: Visitor | None, hits: int) -> Changes:
        """The clip was taken away."""
        visitor = replace(visitor or self.services.first, hand=None)
        return self._emptied(visitor, hits) | {
            self.explore.examples: explore.example_cards(self.services, "")
        }

    def choose_window(self, visitor: Visitor | None, position: int, k: int) -> Changes:
        """Another window of a long clip was chosen."""
        if visitor is None or visitor.hand is None:
            return {self.visitor: visitor}
        moved = replace(visitor, hand=hand.at_window(visitor.hand, int(position) - 1))
        return {self.visitor: moved, **explore.show(self.explore, moved, int(k))}

    def mask(
        self, visitor: Visitor | None, time: int, freq: int, single: int, seed: int, k: int
    ) -> Changes:
        """The mask's controls have moved."""
        if visitor is None or visitor.hand is None:
            return {self.explore.notice: explore.hidden_notice()}
        try:
            masked = explore.masked(visitor.hand, time, freq, single, seed)
        except PasstError as error:
            return {self.explore.notice: explore.shown_notice(error)}
        return explore.show_mask(self.explore, masked, int(k))

    def preset(self, visitor: Visitor | None, name: str) -> tuple[int, int, int]:
        """A preset was chosen."""
        return explore.preset(visitor, name)

    def listen(
        self,
        visitor: Visitor | None,
        time: int,
        freq: int,
        single: int,
        seed: int,
        k: int,
        event: gr.EventData,
    ) -> gr.HTML:
        """The sound of the mask was asked for."""
        if visitor is None or visitor.hand is None:
            return gr.HTML()
        masked = explore.masked(visitor.hand, time, freq, single, seed)
        return explore.listen(masked, str(event._data["part"]))

    def choose_model(
        self, name: str, visitor: Visitor | None, k: int, hits: int, progress=gr.Progress()
    ) -> Changes:
        """Another model was chosen by name; a published one may have to be fetched."""

        def fetched(done: int, total: int | None) -> None:
            progress((done, total or done), desc=f"Fetching {name}", unit="bytes")

        return self._with_model(lambda: self.services.shelf.open(name, fetched), visitor, k, hits)

    def own_model(self, path: str, visitor: Visitor | None, k: int, hits: int) -> Changes:
        """A visitor's own checkpoint was uploaded."""
        return self._with_model(lambda: load_model(self.services.settings, path), visitor, k, hits)

    def choose_sound(self, visitor: Visitor | None, event: gr.EventData) -> str:
        """A point of the map was clicked."""
        return neighbours.found_card(visitor or self.services.first, str(event._data["id"]))

    def more_hits(self, visitor: Visitor | None, hits: int) -> str:
        """Another number of hits was asked for."""
        return neighbours.cards(visitor or self.services.first, int(hits))

    def _open_example(self, visitor: Visitor | None, id: str, k: int, hits: int) -> Changes:
        example = self.services.example(id)
        visitor = visitor or self.services.first
        changes = self._opened(visitor, str(example.path), example.title, k, hits, None)
        return changes | {
            self.explore.clip: str(example.path),
            self.explore.examples: explore.example_cards(self.services, example.id),
        }

    def _opened(
        self,
        visitor: Visitor,
        path: str,
        title: str | None,
        k: int,
        hits: int,
        progress: gr.Progress | None,
    ) -> Changes:
        try:
            held = hand.open_clip(
                visitor.predictor,
                path,
                title=title,
                max_seconds=self.services.settings.max_minutes * 60,
                progress=_told(progress),
            )
        except PasstError as error:
            empty = self._emptied(replace(visitor, hand=None), hits)
            return empty | {self.explore.notice: explore.shown_notice(error)}
        return self._filled(replace(visitor, hand=held), k, hits)

    def _filled(self, visitor: Visitor, k: int, hits: int) -> Changes:
        return {
            self.visitor: visitor,
            **explore.show(self.explore, visitor, int(k)),
            **search.show(self.search, visitor, int(hits)),
        }

    def _emptied(self, visitor: Visitor, hits: int) -> Changes:
        return {
            self.visitor: visitor,
            **explore.show_nothing(self.explore, visitor),
            **search.show(self.search, visitor, int(hits)),
        }

    def _with_model(
        self, opened: Callable[[], Any], visitor: Visitor | None, k: int, hits: int
    ) -> Changes:
        visitor = visitor or self.services.first
        try:
            predictor = opened()
        except PasstError as error:
            return {
                self.model_notice: explore.shown_notice(error),
                self.model: gr.Dropdown(value=visitor.predictor.checkpoint.source),
            }
        chosen = visitor_with(self.services.settings, predictor)
        source = predictor.checkpoint.source
        changes = {
            self.speaks: views.speaks(predictor.checkpoint),
            self.about: about.about(chosen),
            self.model: gr.Dropdown(choices=model_choices(source), value=source),
            self.model_notice: explore.hidden_notice(),
        }
        if visitor.hand is None:
            return changes | self._emptied(chosen, hits)
        held = visitor.hand
        return changes | self._opened(chosen, str(held.path), held.title, k, hits, None)


def model_choices(extra: str) -> list[tuple[str, str]]:
    """Names of the models as the page lists them, with the visitor's own one."""
    official = [
        (f"{name} · {entry.score} · fetched from the network", name)
        for name, entry in OFFICIAL.items()
    ]
    choices = [("bundled · small, offline", BUNDLED), *official]
    if extra not in {name for _, name in choices}:
        choices.append((f"{Path(extra).name} · your own", extra))
    return choices


def _told(progress: gr.Progress | None) -> Callable[[float, float | None], None] | None:
    if progress is None:
        return None

    def tell(done: float, total: float | None) -> None:
        share = min(1.0, done / total) if total else 0.0
        progress(share, desc=f"Listened to {done / 60:.1f} min")

    return tell


def _root() -> gr.Blocks:
    root = gr.context.Context.root_block
    if root is None:
        raise RuntimeError("the page is built inside gr.Blocks()")
    return root
