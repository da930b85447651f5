"""What the robustness scores do to clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from passt_core.inference.predictor import Predictor
from passt_core.lab import robustness
from passt_core.lab.datasets import Dataset, LabelledClip
from passt_core.lab.evaluate import evaluate
from tests.sounds import RATE, noise, tone, write


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


def test_a_recording_at_8_khz_has_nothing_above_4_khz() -> None:
    audio = tone(1.0, hz=1000.0) + tone(1.0, hz=6000.0)
    found = robustness.from_rate(audio, RATE, 8_000)
    assert found.shape == audio.shape
    assert found.dtype == np.float32
    middle = slice(RATE // 10, -RATE // 10)  # the filter rings at the ends
    np.testing.assert_allclose(found[middle], tone(1.0, hz=1000.0)[middle], atol=0.01)


def test_all_conditions_are_scored_and_compared_with_unchanged(
    tiny: Predictor, tmp_path: Path
) -> None:
    clips = [
        LabelledClip(
            path=write(tmp_path / f"{index}.wav", noise(1.5, seed=index)),
            label=tiny.labels[index % 3],
            fold=1 + index // 5,
        )
        for index in range(6)
    ]
    dataset = Dataset(name="clips", clips=tuple(clips), labels=tiny.labels[:3])
    told: list[tuple[float, float | None]] = []
    found = robustness.robustness(
        tiny, dataset, 1, progress=lambda done, total: told.append((done, total))
    )
    assert [condition.name for condition in found] == [
        "unchanged",
        "75% of the patches kept",
        "50% of the patches kept",
        "25% of the patches kept",
        "loudest 1 s",
        "loudest 2.5 s",
        "loudest 5 s",
        "20 dB down",
        "pink noise, 10 dB",
        "padded to 10 s",
        "recorded at 8 kHz",
    ]
    assert told[-1] == (11, 11)
    whole = evaluate(tiny, dataset, 1)
    assert found[0].accuracy == whole.accuracy
    assert found[0].lost == 0.0
    assert found[5].accuracy == whole.accuracy  # all clips are shorter
    for condition in found:
        assert condition.lost == pytest.approx(whole.accuracy - condition.accuracy)
    half = evaluate(tiny, dataset, 1, thin=0.5)
    assert (found[2].accuracy, found[2].top_3) == (half.accuracy, half.top_3)
