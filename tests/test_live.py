"""A sound that comes in blocks: its last stretch, its level, its minute."""

from __future__ import annotations

import numpy as np
import pytest

from passt_core.errors import AudioError
from passt_core.inference.live import FLOOR_DB, KEPT_S, Live, Rolling, decibels
from passt_core.inference.predictor import Predictor
from tests.sounds import tone

RATE = 48_000


def blocks(sound: np.ndarray, seconds: float) -> list[np.ndarray]:
    size = round(seconds * RATE)
    return [sound[first : first + size] for first in range(0, len(sound), size)]


def recorded(seconds: float) -> np.ndarray:
    """Sixteen bits at the browser's rate."""
    time = np.arange(round(seconds * RATE)) / RATE
    return np.int16(20_000 * np.sin(2 * np.pi * 440 * time))


def test_the_last_stretch_is_that_of_the_whole_sound() -> None:
    sound, rolling = recorded(3.3), Rolling(seconds=1.0)
    for block in blocks(sound, 0.25):
        rolling = rolling.add(block, RATE)
        assert len(rolling.samples) <= RATE
    np.testing.assert_allclose(rolling.samples, sound[-RATE:] / 32768, atol=1e-7)
    assert rolling.heard_s == pytest.approx(3.3)


def test_a_value_is_not_changed_by_what_comes_after() -> None:
    first = Rolling().add(recorded(0.5), RATE)
    before = first.samples.copy()
    first.add(recorded(2.0), RATE)
    np.testing.assert_array_equal(first.samples, before)


def test_channels_are_mixed_and_another_rate_begins_anew() -> None:
    both = np.stack([recorded(0.5), -recorded(0.5)], axis=1)
    rolling = Rolling().add(both, RATE)
    assert rolling.samples.ndim == 1
    assert not rolling.samples.any()
    other = rolling.add(recorded(0.5), 44_100)
    assert (len(other.samples), other.sample_rate) == (24_000, 44_100)


@pytest.mark.parametrize("block", (np.zeros(10, np.int16), np.full(9600, np.nan, np.float32)))
def test_what_is_no_sound_is_refused(block: np.ndarray) -> None:
    with pytest.raises(AudioError):
        Rolling().add(block, RATE)


@pytest.mark.parametrize("seconds", (0.0, -1.0, np.inf, np.nan))
def test_a_window_has_a_length(seconds: float) -> None:
    with pytest.raises(AudioError, match="it must be"):
        Rolling(seconds=seconds)


def test_a_moment_is_what_the_model_says_of_the_last_stretch(tiny: Predictor) -> None:
    live, sound = Live(rolling=Rolling(seconds=0.5)), recorded(1.2)
    for block in blocks(sound, 0.2):
        live = live.hear(tiny, block, RATE)
    expected = tiny.analyze(sound[-RATE // 2 :], RATE).probabilities
    np.testing.assert_allclose(live.moments[-1].probabilities, expected, atol=1e-6)
    assert [round(moment.at_s, 3) for moment in live.moments] == [0.2, 0.4, 0.6, 0.8, 1.0, 1.2]


def test_the_level_is_that_of_the_newest_block(tiny: Predictor) -> None:
    live = Live().hear(tiny, recorded(0.5), RATE).hear(tiny, np.zeros(4800, np.int16), RATE)
    loud, quiet = live.moments
    assert loud.peak_db == pytest.approx(20 * np.log10(20_000 / 32_768), abs=0.01)
    assert loud.level_db == pytest.approx(loud.peak_db - 3.01, abs=0.05)
    assert (quiet.level_db, quiet.peak_db) == (FLOOR_DB, FLOOR_DB)


def test_digital_silence_is_not_judged(tiny: Predictor) -> None:
    live = Live().hear(tiny, np.zeros(RATE, np.int16), RATE)
    assert not live.moments[-1].probabilities.any()


def test_only_a_minute_is_kept(tiny: Predictor) -> None:
    live, block = Live(rolling=Rolling(seconds=0.3)), tone(5.0)
    for _ in range(15):
        live = live.hear(tiny, block, 32_000)
    assert live.rolling.heard_s == pytest.approx(75.0)
    assert live.moments[0].at_s > 75.0 - KEPT_S
    assert len(live.moments) == 12


def test_decibels_have_a_floor() -> None:
    assert decibels(1.0) == 0.0
    assert decibels(0.1) == pytest.approx(-20.0)
    assert decibels(0.0) == decibels(1e-9) == FLOOR_DB
