"""What the robustness scores do to clips."""

from __future__ import annotations

import numpy as np
import pytest

from passt_core.lab import robustness
from tests.sounds import RATE, noise, tone


def test_the_loudest_stretch() -> None:
    audio = np.concatenate([0.1 * noise(1.0), tone(0.5), 0.1 * noise(1.0)])
    found = robustness.loudest(audio, RATE, 0.5)
    np.testing.assert_array_equal(found, tone(0.5))
    assert len(robustness.loudest(audio, RATE, 10.0)) == len(audio)


def test_padding_puts_the_clip_in_the_middle() -> None:
    found = robustness.padded(tone(1.0), RATE)
    assert len(found) == 10 * RATE
    np.testing.assert_array_equal(found[round(4.5 * RATE) : round(5.5 * RATE)], tone(1.0))


def test_pink_noise_has_its_level_and_its_slope() -> None:
    audio = tone(2.0)
    added = robustness.with_pink_noise(audio, 10.0) - audio
    assert 10 * np.log10(np.square(audio).mean() / np.square(added).mean()) == pytest.approx(10.0)
    power = np.square(np.abs(np.fft.rfft(added)))
    hz = np.fft.rfftfreq(len(added), 1 / RATE)
    octaves = [power[(hz >= low) & (hz < 2 * low)].sum() for low in (250, 1000, 4000)]
    assert max(octaves) < 1.3 * min(octaves)
