"""The front end: fixed anchors, another way to the same numbers, what training changes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from passt_core.signal.mel import (
    MelAugment,
    MelConfig,
    MelSpectrogram,
    band_edges_hz,
    hz_to_mel,
    mel_to_hz,
)
from tests.sounds import RATE, noise, tone

SILENCE = (np.log(1e-5) + 4.5) / 5


def mel_of(samples: NDArray[np.float32], config: MelConfig | None = None) -> torch.Tensor:
    return MelSpectrogram(config or MelConfig()).eval()(torch.from_numpy(samples)[None])[0]


def by_hand(samples: NDArray[np.float32], config: MelConfig) -> NDArray[np.float64]:
    """The same spectrogram in numpy and float64, written from its description."""
    x = samples.astype(np.float64)
    x = x[1:] - 0.97 * x[:-1]
    x = np.pad(x, config.n_fft // 2, mode="reflect")
    turns = np.arange(config.window) / (config.window - 1)
    window = np.zeros(config.n_fft)
    margin = (config.n_fft - config.window) // 2
    window[margin : margin + config.window] = 0.5 - 0.5 * np.cos(2 * np.pi * turns)
    starts = range(0, len(x) - config.n_fft + 1, config.hop)
    frames = np.stack([x[start : start + config.n_fft] * window for start in starts])
    power = np.abs(np.fft.rfft(frames)) ** 2

    def mel(hz: NDArray[np.float64] | float) -> NDArray[np.float64]:
        return 1127 * np.log(1 + np.asarray(hz) / 700)

    points = np.linspace(mel(config.fmin), mel(config.fmax), config.bands + 2)
    bins = mel(np.arange(config.n_fft // 2) * config.sample_rate / config.n_fft)
    low, centre, high = points[:-2, None], points[1:-1, None], points[2:, None]
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    banks = np.maximum(0, np.minimum(rising, falling))
    return (np.log(banks @ power[:, :-1].T + 1e-5) + 4.5) / 5


def test_digital_silence_is_flat() -> None:
    mel = mel_of(np.zeros(RATE, np.float32))
    torch.testing.assert_close(mel, torch.full_like(mel, SILENCE), rtol=0, atol=1e-6)
    assert float(mel[0, 0]) == pytest.approx(-1.4026, abs=5e-5)


def test_a_sine_peaks_where_it_should() -> None:
    mel = mel_of(tone(10.0, hz=1000, amplitude=0.5))
    middle = mel[:, 500]
    assert mel.shape == (128, 1000)
    assert int(middle.argmax()) == 36
    assert float(middle.max()) == pytest.approx(2.0905, abs=5e-4)


@pytest.mark.parametrize("hop", (100, 160, 320))
def test_another_way_to_the_same_numbers(hop: int) -> None:
    config, samples = MelConfig(hop=hop), noise(0.7) + tone(0.7, hz=5000)
    np.testing.assert_allclose(mel_of(samples, config), by_hand(samples, config), rtol=0, atol=2e-4)


@given(samples=st.integers(514, 20_000), hop=st.sampled_from((100, 160, 320)))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_frames_are_counted_right(samples: int, hop: int) -> None:
    config = MelConfig(hop=hop)
    frames = config.frames(samples)
    assert mel_of(np.zeros(samples, np.float32), config).shape == (128, frames)
    fewest = config.samples(frames)
    assert config.frames(fewest) == frames
    assert config.frames(fewest - 1) == frames - 1 or fewest == 1


def test_a_batch_is_its_clips() -> None:
    clips = torch.from_numpy(np.stack([noise(0.5, seed=seed) for seed in range(3)]))
    front_end = MelSpectrogram(MelConfig()).eval()
    together = front_end(clips)
    for index in range(3):
        torch.testing.assert_close(together[index], front_end(clips[index : index + 1])[0])


def test_half_precision_does_not_reach_the_spectrogram() -> None:
    clip = torch.from_numpy(noise(0.5))[None]
    front_end = MelSpectrogram(MelConfig()).eval()
    with torch.autocast("cpu", torch.bfloat16):
        low = front_end(clip)
    assert low.dtype == torch.float32
    torch.testing.assert_close(low, front_end(clip))


def test_it_has_no_weights_to_save() -> None:
    assert not MelSpectrogram(MelConfig()).state_dict()


# --- training --------------------------------------------------------------------------------


def trained(samples: NDArray[np.float32], augment: MelAugment, seed: int = 0) -> torch.Tensor:
    front_end = MelSpectrogram(MelConfig(), augment).train()
    torch.manual_seed(seed)
    return front_end(torch.from_numpy(samples)[None])[0]


def test_only_training_is_random() -> None:
    samples, augment = noise(3.0), MelAugment()
    assert torch.equal(mel_of(samples), mel_of(samples))
    assert torch.equal(trained(samples, augment), trained(samples, augment))
    assert not torch.equal(trained(samples, augment), trained(samples, augment, seed=1))


def test_training_moves_the_band_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    front_end = MelSpectrogram(MelConfig()).train()
    asked: list[tuple[float, float]] = []

    def recorded(fmin: float, fmax: float) -> torch.Tensor:
        asked.append((fmin, fmax))
        return front_end.banks

    monkeypatch.setattr(front_end, "_banks", recorded)
    torch.manual_seed(0)
    for _ in range(2000):
        front_end._jittered_banks()
    low, high = zip(*asked, strict=True)
    assert set(low) == set(range(10))
    assert 14_001 <= min(high) < 14_020
    assert 15_980 < max(high) <= 16_000


def test_jitter_changes_numbers_a_little() -> None:
    samples, plain = noise(1.0), MelAugment(freq_mask=0, time_mask=0)
    difference = (trained(samples, plain) - mel_of(samples)).abs()
    assert 0 < float(difference.median()) < 0.3


def test_training_masks_stripes_of_each_clip_by_itself() -> None:
    """Masked cells are 0 before the normalisation, 0.9 after it."""
    clips = torch.from_numpy(np.stack([noise(5.0, seed=seed) for seed in range(4)]))
    torch.manual_seed(3)
    mel = MelSpectrogram(MelConfig()).train()(clips)
    masked = torch.isclose(mel, torch.tensor(0.9), atol=1e-6)
    rows, columns = masked.all(dim=2).sum(dim=1), masked.all(dim=1).sum(dim=1)
    assert (rows <= 48).all()
    assert (columns <= 192).all()
    assert len(set(rows.tolist())) > 1, "one mask for all clips"
    assert len(set(columns.tolist())) > 1, "one mask for all clips"


# --- the axis --------------------------------------------------------------------------------


def test_mel_and_hz_are_inverse() -> None:
    hz = torch.tensor([0.0, 63.0, 1000.0, 15_000.0], dtype=torch.float64)
    torch.testing.assert_close(mel_to_hz(hz_to_mel(hz)), hz)
    assert float(hz_to_mel(torch.tensor(1000.0))) == pytest.approx(1000.0, abs=0.1)


def test_band_edges_tile_the_axis() -> None:
    config = MelConfig()
    edges = band_edges_hz(config)
    assert edges.shape == (config.bands + 1,)
    assert (edges.diff() > 0).all()
    assert 0 < edges[0] < 20
    assert 14_500 < edges[-1] < 15_000
    assert edges[36] <= 1000 < edges[37], "the anchor: 1 kHz peaks in band 36"


@given(hz=st.floats(200, 14_000))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_a_tone_peaks_in_the_band_that_covers_it(hz: float) -> None:
    edges = band_edges_hz(MelConfig()).numpy()
    middle = mel_of(tone(0.3, hz=hz))[:, 15]
    covering = int(np.searchsorted(edges, hz)) - 1
    # Under 1 kHz bands are as narrow as the bins of the transform: a neighbour may win.
    assert abs(int(middle.argmax()) - covering) <= (0 if hz > 3000 else 1)
