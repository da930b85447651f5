"""Figures and HTML of the page: numbers against the analysis, and nothing unescaped."""

from __future__ import annotations

import base64
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from passt_core.inference.analysis import ClipAnalysis
from passt_core.inference.predictor import Predictor
from passt_core.network.model import PasstConfig
from passt_core.network.patchout import PatchoutSpec
from passt_core.signal.mel import MelConfig, MelSpectrogram
from passt_ui import figures, palette, views
from passt_ui.media import THUMBNAIL_SIZE, sound_uri, spectrum_uri
from tests.sounds import RATE, noise, randomised, save_network


@pytest.fixture(scope="module")
def heard(tiny: Predictor) -> ClipAnalysis:
    return tiny.analyze(noise(4.0), RATE)


@pytest.fixture(scope="module")
def masked(tiny: Predictor) -> ClipAnalysis:
    return tiny.analyze(noise(4.0), RATE, PatchoutSpec(time=5, freq=2, unstructured=3), 1)


def _buffer(data: dict[str, str]) -> np.ndarray:
    shape = [int(n) for n in data["shape"].split(",")]
    return np.frombuffer(base64.b64decode(data["bdata"]), data["dtype"]).reshape(shape)


def test_decibels_undo_the_normalisation() -> None:
    samples = torch.randn(1, RATE, generator=torch.Generator().manual_seed(0)) * 0.1
    front_end = MelSpectrogram(MelConfig()).eval()
    power = front_end.banks @ front_end._power(samples) + 1e-5
    expected = 10 * torch.log10(power)
    assert np.abs(figures.decibels(front_end(samples).numpy()) - expected.numpy()).max() <= 0.51


def test_the_spectrogram_has_its_axes(heard: ClipAnalysis) -> None:
    figure = figures.spectrogram(heard, start_s=5.0)
    trace, layout = figure["data"][0], figure["layout"]
    assert _buffer(trace["z"]).shape == heard.mel.shape
    assert layout["xaxis"]["range"] == pytest.approx([5.0, 5.0 + heard.mel.shape[1] * 0.01])
    assert layout["xaxis"]["ticktext"][0] == "5 s"
    assert "1k" in layout["yaxis"]["ticktext"]
    assert (trace["zmin"], trace["zmax"]) == (palette.DB_FLOOR, palette.DB_CEILING)


def test_a_tone_lies_at_its_tick(heard: ClipAnalysis) -> None:
    """The 1 kHz tick is where band 36 is, in which the reference puts a sine of 1 kHz."""
    places, names = figures.frequency_ticks(heard.grid)
    assert 36 <= places[names.index("1k")] <= 37


def test_ticks_do_not_touch(heard: ClipAnalysis) -> None:
    places, _ = figures.frequency_ticks(heard.grid)
    assert np.diff(sorted(places)).min() >= figures.LEAST_BANDS


def test_the_veil_is_what_the_patches_leave(masked: ClipAnalysis) -> None:
    veil = figures.veil(masked, 0.0)
    assert veil is not None
    expected = 100 * np.nan_to_num(1 - masked.grid.seen(masked.kept), nan=1.0)
    assert np.abs(_buffer(veil["z"]) - expected).max() <= 0.5


def test_no_mask_no_veil(heard: ClipAnalysis) -> None:
    assert figures.veil(heard, 0.0) is None


@given(st.floats(0, 7200), st.floats(0.1, 10))
def test_times_are_inside_the_axis_and_few(start: float, length: float) -> None:
    ticks = figures._time_ticks(start, start + length)
    assert len(ticks) <= figures.MAX_TICKS + 1
    assert all(start - 1e-3 <= tick <= start + length + 1e-3 for tick in ticks)


@pytest.mark.parametrize(
    ("seconds", "end", "text"),
    [(2.5, 10, "2.5 s"), (65, 70, "1:05"), (65.5, 70, "1:05.5"), (3600, 3601, "1:00:00")],
)
def test_clock(seconds: float, end: float, text: str) -> None:
    assert figures._tick(seconds, end) == text


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.found.append(tag)


HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


def _tags(html: str) -> list[str]:
    parser = _Tags()
    parser.feed(html)
    return parser.found


def test_hostile_names_stay_text() -> None:
    card = views.Card(title=HOSTILE, lines=(HOSTILE,), picture="", key=HOSTILE, sound=HOSTILE)
    for html in (
        views.cards([card], label=HOSTILE),
        views.notice(HOSTILE),
        views.note(HOSTILE),
        views.heading(HOSTILE),
    ):
        assert not {"script", "img"} & set(_tags(html))


def test_bars_are_the_analysis(heard: ClipAnalysis, masked: ClipAnalysis) -> None:
    html = views.class_bars(heard, masked, 3)
    for score in heard.top_k(3):
        assert f"all patches: {100 * score.score:.0f} %" in html
        assert f"with the mask: {100 * masked.score(score.index).score:.0f} %" in html
    assert "with the mask" not in views.class_bars(heard, heard, 3)


def test_stats_are_the_analysis(masked: ClipAnalysis) -> None:
    html = views.token_stats(masked)
    assert f"<dd>{len(masked.kept)}<" in html
    assert f"of {masked.full_sequence_length} tokens" in html
    assert f"{100 * masked.flops_share:.0f} %" in html


def test_overlapping_patches_are_explained(tiny: Predictor, tmp_path) -> None:
    config = PasstConfig(dim=32, depth=1, heads=2, classes=7)
    dense = Predictor.from_checkpoint(save_network(tmp_path / "d.safetensors", randomised(config)))
    assert "half of them are left" in views.veil_note(dense.analyze(noise(1.0), RATE))
    assert "taken whole" in views.veil_note(tiny.analyze(noise(1.0), RATE))


def test_pictures_and_sounds_travel_in_the_page(heard: ClipAnalysis) -> None:
    assert spectrum_uri(heard.mel).startswith("data:image/png;base64,")
    assert sound_uri(noise(0.5), RATE).startswith("data:audio/mpeg;base64,")
    assert THUMBNAIL_SIZE[0] > THUMBNAIL_SIZE[1]


def test_families_keep_their_colours() -> None:
    families = {"Rain": "weather", "Wind": "weather", "Dog": "animals"}
    colours = palette.label_colours(families)
    assert len(set(colours.values())) == 3
    assert palette.label_colours(families) == colours
