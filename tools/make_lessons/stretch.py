"""Cutting a stretch out of a sound, and what may happen to it on its way to a microphone."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, sosfilt

from passt_core.signal.audio import SAMPLE_RATE

Wave = NDArray[np.float32]

SPEED_RATE, SPEED_OCTAVES = 0.6, 0.26
EQ_RATE, EQ_DB, EQ_POINTS = 0.25, 8.0, 6
LOWPASS_RATE, LOWPASS_HZ, LOWPASS_ORDER = 0.15, (2500.0, 12_000.0), 6
ROOM_RATE, ROOM_S, ROOM_SHARE = 0.12, (0.1, 0.7), (0.2, 0.8)
REPEAT_RATE, REPEAT_GAP_S = 0.4, 0.6
_TRIES, _LIVELY = 4, 0.25
_REPEATED = 3200
_FALL = 6.9  # nepers: 60 dB
_FAINT = 1e-9


def cut(waveform: Wave, samples: int, rng: np.random.Generator) -> Wave:
    """A stretch (samples,) at a random tape speed; a short sound is repeated or set in silence."""
    bent = rng.random() < SPEED_RATE
    speed = 2.0 ** rng.uniform(-SPEED_OCTAVES, SPEED_OCTAVES) if bent else 1.0
    needed = int(samples * speed)
    taken = waveform
    if len(waveform) > needed:
        start = _lively_start(waveform, needed, rng)
        taken = waveform[start : start + needed]
    if bent:
        taken = soxr.resample(taken, SAMPLE_RATE, SAMPLE_RATE / speed, quality="LQ")
    return _filled(taken, samples, rng)


def _lively_start(waveform: Wave, needed: int, rng: np.random.Generator) -> int:
    level = np.square(waveform).mean()
    start = 0
    for _ in range(_TRIES):
        start = int(rng.integers(0, len(waveform) - needed + 1))
        if np.square(waveform[start : start + needed]).mean() > _LIVELY * level:
            break
    return start


def _filled(taken: Wave, samples: int, rng: np.random.Generator) -> Wave:
    if len(taken) >= samples:
        return taken[:samples]
    if rng.random() < REPEAT_RATE and len(taken) > _REPEATED:
        gap = np.zeros(int(rng.uniform(0.0, REPEAT_GAP_S) * SAMPLE_RATE), np.float32)
        once = np.concatenate([taken, gap])
        return np.tile(once, -(-samples // len(once)))[:samples]
    before = int(rng.integers(0, samples - len(taken) + 1))
    return np.pad(taken, (before, samples - len(taken) - before))


def altered(wave: Wave, rng: np.random.Generator) -> Wave:
    """Sometimes another timbre, a low-pass or a room."""
    if rng.random() < EQ_RATE:
        spectrum = np.fft.rfft(wave)
        places = np.linspace(0, EQ_POINTS - 1, len(spectrum))
        bend = np.interp(places, np.arange(EQ_POINTS), rng.uniform(-EQ_DB, EQ_DB, EQ_POINTS))
        wave = np.fft.irfft(spectrum * 10.0 ** (bend / 20.0), len(wave)).astype(np.float32)
    if rng.random() < LOWPASS_RATE:
        edge = float(np.exp(rng.uniform(*np.log(LOWPASS_HZ))))
        sections = butter(LOWPASS_ORDER, edge, fs=SAMPLE_RATE, output="sos")
        wave = sosfilt(sections, wave).astype(np.float32)
    if rng.random() < ROOM_RATE:
        length = int(rng.uniform(*ROOM_S) * SAMPLE_RATE)
        tail = rng.standard_normal(length) * np.exp(-_FALL * np.arange(length) / length)
        wet = fftconvolve(wave, tail / np.linalg.norm(tail))[: len(wave)]
        wave = (wave + rng.uniform(*ROOM_SHARE) * wet).astype(np.float32)
    return wave


def rms(wave: Wave) -> float:
    """Root mean square, never quite 0."""
    return float(np.sqrt(np.square(wave).mean()) + _FAINT)


def noise(samples: int, rng: np.random.Generator) -> Wave:
    """Noise of unit power whose spectrum falls as 1/f^a, a from 0 to 1."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    spectrum *= np.arange(1, len(spectrum) + 1) ** -rng.uniform(0.0, 1.0)
    wave = np.fft.irfft(spectrum, samples).astype(np.float32)
    return wave / rms(wave)


def peaked(wave: Wave, peak: float) -> Wave:
    """With a given peak."""
    return (wave * (peak / max(float(np.abs(wave).max()), 1e-4))).astype(np.float32)
