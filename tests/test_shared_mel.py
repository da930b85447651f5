"""Frames that windows share are the frames that each window would have had alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from passt_core.errors import AudioError
from passt_core.signal.mel import MelConfig, MelSpectrogram
from passt_core.signal.shared_mel import SharedMel, reflected
from tests.sounds import RATE, noise, tone

TOLERANCE = 1e-5


def sound(seconds: float) -> torch.Tensor:
    return torch.from_numpy(noise(seconds, seed=5) + tone(seconds, hz=5000, amplitude=0.3))


def assert_same(
    config: MelConfig, samples: torch.Tensor, starts: list[int], length: int, *, batch: int = 7
) -> None:
    mel = MelSpectrogram(config).eval()
    alone = mel(torch.stack([samples[start : start + length] for start in starts]))
    shared = list(SharedMel(mel)(samples, starts, length, batch=batch))
    assert [len(mels) for mels in shared[:-1]] == [batch] * (len(shared) - 1)
    torch.testing.assert_close(torch.cat(shared), alone, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("hop", (100, 160, 320))
@pytest.mark.parametrize("length", (514, 1920, 5120, 25_600, RATE))
def test_windows_of_every_length_agree(hop: int, length: int) -> None:
    samples = sound(2.0)
    starts = list(range(0, len(samples) - length + 1, 1600))
    assert_same(MelConfig(hop=hop), samples, starts, length)


@given(
    length=st.integers(514, 9000),
    step=st.integers(0, 12),
    origin=st.integers(0, 700),
    batch=st.integers(1, 9),
    window=st.sampled_from((640, 799, 800, 1024)),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_windows_on_any_grid_agree(
    length: int, step: int, origin: int, batch: int, window: int
) -> None:
    samples = sound(1.2)
    last = len(samples) - length
    starts = list(range(origin, origin + 15 * 320 * step + 1, 320 * max(1, step)))
    starts = [start for start in starts if start <= last] or [0]
    assert_same(MelConfig(window=window), samples, starts, length, batch=batch)


def test_a_last_window_off_the_grid_is_computed_alone() -> None:
    samples = sound(1.0)
    mel = MelSpectrogram(MelConfig()).eval()
    starts = [0, 3200, 6400, len(samples) - 16_000]
    shared = torch.cat(list(SharedMel(mel)(samples, starts, 16_000)))
    alone = mel(torch.stack([samples[s : s + 16_000] for s in starts]))
    torch.testing.assert_close(shared, alone, rtol=0, atol=TOLERANCE)


def test_windows_far_apart_cost_no_frames_between_them() -> None:
    assert_same(MelConfig(), sound(3.0), [0, 320, 64_000], 16_000, batch=1)


def test_silence_is_flat() -> None:
    mel = MelSpectrogram(MelConfig()).eval()
    [mels] = SharedMel(mel)(torch.zeros(RATE), [0, 1600], 5120)
    torch.testing.assert_close(mels, torch.full_like(mels, -1.4026), rtol=0, atol=1e-4)


def test_each_frame_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted where the transforms are done: the sound's frames, and three a window."""
    counted: list[int] = []
    transform = torch.fft.rfft

    def counting(seen: torch.Tensor) -> torch.Tensor:
        counted.append(seen[..., 0].numel())
        return transform(seen)

    monkeypatch.setattr(torch.fft, "rfft", counting)
    starts = list(range(0, 25 * 80_000, 80_000))
    mel = MelSpectrogram(MelConfig()).eval()
    windows = SharedMel(mel)(torch.zeros(starts[-1] + 320_000), starts, 320_000, batch=3)
    assert sum(map(len, windows)) == 25
    assert sum(counted) == 997 + 24 * 250 + 25 * 3


@pytest.mark.parametrize(
    ("starts", "length", "message"),
    (
        ([0], 513, "513 samples; the spectrum needs 514"),
        ([320, 0], 5120, "order"),
        ([0, 320], 32_000, "begin at 0 to 320 of 32000"),
        ([-1], 5120, "begin at -1"),
    ),
)
def test_what_is_no_window_is_refused(starts: list[int], length: int, message: str) -> None:
    mel = MelSpectrogram(MelConfig()).eval()
    with pytest.raises(AudioError, match=message):
        SharedMel(mel)(torch.zeros(RATE), starts, length)


def test_no_windows_are_no_batches() -> None:
    assert not list(SharedMel(MelSpectrogram(MelConfig()).eval())(torch.zeros(10), [], 5120))


@pytest.mark.parametrize("count", (1, 2, 5))
def test_reflection_goes_back_and_forth(count: int) -> None:
    expected = np.pad(np.arange(count), 9, mode="reflect")
    assert reflected(torch.arange(-9, count + 9), count).tolist() == expected.tolist()
