"""The Explore tab: a clip, its patches, its classes, its neighbours."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import gradio as gr

from passt_core.errors import PasstError
from passt_core.inference.analysis import PatchGrid
from passt_core.network.patchout import PatchoutSpec
from passt_ui import components, figures, hand, media, neighbours, views
from passt_ui.hand import Hand
from passt_ui.services import Services, Visitor
from passt_ui.slider import Slider

NEIGHBOURS = 6
LARGEST_SEED = 9999
CLASSES, MOST_CLASSES = 5, 20

NO_PRESET, FIRST_PRESET = "None", "Like training"
PRESETS = MappingProxyType(
    {
        NO_PRESET: (0.0, 0.0, 0.0),
        FIRST_PRESET: (0.40, 0.33, 0.0),
        "Time": (0.5, 0.0, 0.0),
        "Frequency": (0.0, 0.5, 0.0),
        "Scattered": (0.0, 0.0, 0.5),
    }
)
"""Shares of the columns, rows and single patches that a preset takes.

:data:`FIRST_PRESET` is the published t=40 f=4 on 99 x 12 patches, as shares of this grid.
"""


@dataclass(frozen=True, kw_only=True)
class Mask:
    """What the controls say: columns, rows and single patches to take, and the seed."""

    time: int
    freq: int
    single: int
    seed: int

    @classmethod
    def of(
        cls, time: float | None, freq: float | None, single: float | None, seed: float | None
    ) -> Mask:
        """From the controls as they are: an emptied field is 0, and so is what is below it."""
        time, freq, single, seed = (max(0, int(n or 0)) for n in (time, freq, single, seed))
        return cls(time=time, freq=freq, single=single, seed=seed)

    def within(self, grid: PatchGrid) -> Mask:
        """The nearest mask that leaves a patch of ``grid``."""
        time = min(self.time, grid.columns - 1)
        freq = min(self.freq, grid.rows - 1)
        left = (grid.columns - time) * (grid.rows - freq)
        return replace(self, time=time, freq=freq, single=min(self.single, left - 1))

    def with_preset(self, name: str | None, grid: PatchGrid) -> Mask:
        """The mask of a preset on ``grid``, with this seed; None: this mask, as far as it fits."""
        if name is None:
            return self.within(grid)
        time, freq, single = PRESETS[name]
        columns, rows = round(time * grid.columns), round(freq * grid.rows)
        left = (grid.columns - columns) * (grid.rows - rows)
        taken = replace(self, time=columns, freq=rows, single=round(single * left))
        return taken.within(grid)

    def preset(self, grid: PatchGrid) -> str | None:
        """The preset that this mask is, if it is one."""
        return next((name for name in PRESETS if self.with_preset(name, grid) == self), None)

    @property
    def spec(self) -> PatchoutSpec:
        """The patchout that it stands for."""
        return PatchoutSpec(time=self.time, freq=self.freq, unstructured=self.single)


@dataclass(frozen=True, kw_only=True, eq=False)
class ExploreTab:
    """The tab's components."""

    notice: gr.HTML
    clip: gr.File
    record: gr.Audio
    examples: gr.HTML
    presets: gr.Radio
    time: gr.Slider
    freq: gr.Slider
    unstructured: gr.Slider
    seed: gr.Number
    draw: gr.Button
    line: gr.HTML
    window: gr.Slider
    spectrogram: gr.HTML
    how: gr.HTML
    top_k: gr.Slider
    bars: gr.HTML
    stats: gr.HTML
    hits: gr.HTML

    @property
    def outputs(self) -> list[gr.components.Component]:
        """What a new clip changes."""
        return [
            self.notice,
            self.line,
            self.window,
            self.spectrogram,
            self.how,
            self.bars,
            self.stats,
            self.hits,
            self.presets,
            self.time,
            self.freq,
            self.unstructured,
        ]

    @property
    def mask(self) -> list[gr.Slider | gr.Number]:
        """The mask's controls, in the order of :meth:`Mask.of`."""
        return [self.time, self.freq, self.unstructured, self.seed]

    @property
    def mask_outputs(self) -> list[gr.components.Component]:
        """What a new mask changes."""
        sliders = [self.time, self.freq, self.unstructured]
        return [self.notice, self.spectrogram, self.bars, self.stats, self.presets, *sliders]


def build(services: Services) -> ExploreTab:
    """Lay the tab out."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=270):
            left = _clip_column(services)
        with gr.Column(scale=8, min_width=320):
            middle = _picture_column()
        with gr.Column(scale=3, min_width=260):
            right = _classes_column()
    gr.HTML(views.heading("Nearest sounds in the library"))
    hits = components.card_list("", elem_id="neighbours")
    return ExploreTab(**left, **middle, **right, hits=hits)


def _clip_column(services: Services) -> dict[str, Any]:
    clip = gr.File(label="Clip: a sound, or a video's sound", elem_id="clip", height=150)
    record = gr.Audio(
        label="Record", sources=["microphone"], type="filepath", elem_id="record", buttons=[]
    )
    gr.HTML(views.heading("Examples"))
    examples = components.card_list(example_cards(services, ""), elem_id="examples")
    return {"clip": clip, "record": record, "examples": examples}


def _picture_column() -> dict[str, Any]:
    notice = gr.HTML("", elem_id="notice", visible=False)
    line = gr.HTML("", elem_id="clip-line", min_height=22)
    window = gr.Slider(
        1,
        2,
        value=1,
        step=1,
        visible=False,
        label="Window of the clip",
        elem_id="window",
        info="the model listens to a long clip in half overlapping windows",
    )
    picture = components.spectrogram("spectrogram")
    mask = _mask_row()
    how = gr.HTML("", elem_id="how")
    return {
        "notice": notice,
        "line": line,
        "window": window,
        "spectrogram": picture,
        **mask,
        "how": how,
    }


def _mask_row() -> dict[str, Any]:
    """The mask's controls, right under the picture that they change."""
    with gr.Group(elem_id="mask"):
        with gr.Row(equal_height=True):
            time = _slider("Time columns", "whole moments taken", "time")
            freq = _slider("Frequency rows", "whole bands taken", "freq")
            single = _slider("Single patches", "taken from the rest", "unstructured")
        with gr.Row(equal_height=True):
            presets = gr.Radio(
                list(PRESETS),
                value=FIRST_PRESET,
                label="Patchout: take patches away",
                elem_id="presets",
                scale=3,
                min_width=300,
            )
            seed = gr.Number(
                0,
                label="Seed",
                info="same seed, same patches",
                precision=0,
                elem_id="seed",
                scale=1,
                min_width=150,
            )
            draw = gr.Button("Draw again", elem_id="draw", scale=0, min_width=110, size="sm")
    return {
        "presets": presets,
        "time": time,
        "freq": freq,
        "unstructured": single,
        "seed": seed,
        "draw": draw,
    }


def _classes_column() -> dict[str, Any]:
    gr.HTML(views.heading("Classes"))
    bars = gr.HTML("", elem_id="classes", apply_default_css=False, min_height=250)
    top_k = gr.Slider(
        1, MOST_CLASSES, value=CLASSES, step=1, label="How many classes", elem_id="top-k"
    )
    gr.HTML(views.heading("Tokens"))
    stats = gr.HTML("", elem_id="tokens", apply_default_css=False, min_height=74)
    gr.HTML(
        views.how_to_read(
            "The encoder's cost grows with the sequence: the patches that are kept, plus the cls "
            "and dist tokens. Its work is counted in floating point operations of the transformer "
            "blocks. Probabilities are of each class alone (several can be high at once) unless "
            "the model was trained for one class per clip."
        )
    )
    return {"bars": bars, "top_k": top_k, "stats": stats}


def _slider(label: str, info: str, name: str) -> Slider:
    return Slider(
        0, 1, value=0, step=1, label=label, info=info, elem_id=f"mask-{name}", min_width=160
    )


def example_cards(services: Services, current: str) -> str:
    """The examples as cards; the one in hand is marked."""
    found = [
        views.Card(
            title=example.title,
            lines=(),
            picture=example.picture,
            key=f"example:{example.id}",
            choose=example.id,
            current=example.id == current,
        )
        for example in services.examples
    ]
    return views.cards(found, label="Example clips", small=True)


def show(
    tab: ExploreTab, visitor: Visitor, classes: int, mask: Mask, preset: str | None
) -> dict[Any, Any]:
    """Everything that a new clip, window or model changes, under the mask of the controls.

    A chosen preset is laid out anew over the window's grid; a mask that was set by hand stays as
    far as it fits.
    """
    held = visitor.hand
    if held is None:
        return {tab.notice: hidden_notice()}
    grid = held.window.grid
    mask = mask.with_preset(preset, grid)
    held = hand.with_mask(held, mask.spec, mask.seed)
    return {
        tab.line: views.clip_line(held),
        tab.window: _window_slider(held),
        tab.how: views.veil_note(held.masked),
        tab.hits: neighbours.cards(visitor, NEIGHBOURS),
        **_under_mask(tab, held, classes, mask),
        **_sliders(tab, grid, mask),
        tab.spectrogram: gr.HTML(value=_picture(held), veil=_veil(held), sounds=None),
    }


def show_mask(tab: ExploreTab, held: Hand, classes: int, mask: Mask) -> dict[Any, Any]:
    """What a new mask changes.

    Controls that asked for more than there is are set right; the others are left alone, for they
    may have moved on meanwhile.
    """
    possible = mask.within(held.window.grid)
    held = hand.with_mask(held, possible.spec, possible.seed)
    sliders = {} if possible == mask else _sliders(tab, held.window.grid, possible)
    return {
        **_under_mask(tab, held, classes, possible),
        **sliders,
        tab.spectrogram: gr.HTML(veil=_veil(held), sounds=None),
    }


def _under_mask(tab: ExploreTab, held: Hand, classes: int, mask: Mask) -> dict[Any, Any]:
    return {
        tab.notice: hidden_notice(),
        tab.bars: views.class_bars(held.window, held.masked, classes),
        tab.stats: views.token_stats(held.masked),
        tab.presets: mask.preset(held.window.grid),
    }


def _sliders(tab: ExploreTab, grid: PatchGrid, mask: Mask) -> dict[Any, Any]:
    """The mask's sliders at its values, with room for what the grid has."""
    at = {
        tab.time: (grid.columns, mask.time),
        tab.freq: (grid.rows, mask.freq),
        tab.unstructured: (grid.patches, mask.single),
    }
    return {
        slider: Slider(maximum=max(1, size - 1), value=value)
        for slider, (size, value) in at.items()
    }


def show_nothing(tab: ExploreTab, visitor: Visitor) -> dict[Any, Any]:
    """No clip in hand: nothing of an earlier one stays."""
    return {
        tab.notice: hidden_notice(),
        tab.line: views.note("Upload a clip, record one, or choose an example."),
        tab.window: gr.Slider(visible=False),
        tab.spectrogram: gr.HTML(value="", veil="", sounds=None),
        tab.how: "",
        tab.bars: views.note("The classes of your clip appear here."),
        tab.stats: views.note("Its tokens are counted here."),
        tab.hits: neighbours.cards(visitor, NEIGHBOURS),
    }


def preset(visitor: Visitor | None, name: str) -> tuple[int, int, int]:
    """A preset's columns, rows and single patches on the window in hand."""
    if visitor is None or visitor.hand is None:
        return 0, 0, 0
    mask = Mask(time=0, freq=0, single=0, seed=0).with_preset(name, visitor.hand.window.grid)
    return mask.time, mask.freq, mask.single


def listen(held: Hand, mask: Mask, part: str) -> gr.HTML:
    """The sounds of what is left and what was taken, for the browser to play ``part``."""
    mask = mask.within(held.window.grid)
    both = hand.sounds(hand.with_mask(held, mask.spec, mask.seed))
    rate = held.predictor.sample_rate
    left, taken = (media.sound_uri(sound, rate) for sound in (both.left, both.taken))
    return gr.HTML(sounds={"part": part, "left": left, "taken": taken})


def new_seed() -> int:
    """Any seed."""
    return random.randrange(LARGEST_SEED + 1)


def hidden_notice() -> gr.HTML:
    """No notice."""
    return gr.HTML(value="", visible=False)


def shown_notice(error: PasstError) -> gr.HTML:
    """A notice in place of what could not be shown."""
    return gr.HTML(value=views.notice(str(error)), visible=True)


def _veil(held: Hand) -> str:
    trace = figures.veil(held.masked, held.start_s)
    return json.dumps(trace) if trace else ""


def _picture(held: Hand) -> str:
    grid = held.window.grid
    middle = (grid.band_edges[:-1] + grid.band_edges[1:]) / 2
    rate = held.predictor.sample_rate
    picture = {
        "key": f"{held.predictor.name}:{held.path}:{held.position}",
        "figure": figures.spectrogram(held.window, held.start_s),
        "lines": figures.patch_lines(grid, held.start_s),
        "audio": media.sound_uri(held.samples, rate),
        "start_s": held.start_s,
        "frame_s": grid.front_end.frame_seconds,
        "bands_hz": [round(float(hz)) for hz in middle],
        "summary": views.summary(held),
        "rest": f"{grid.rows} rows x {grid.columns} columns of patches · click to hear from there",
    }
    return json.dumps(picture)


def _window_slider(held: Hand) -> gr.Slider:
    count = len(held.clip.windows)
    return gr.Slider(minimum=1, maximum=max(2, count), value=held.position + 1, visible=count > 1)
