"""Building blocks: noise, filters, curves, grains. Signals are float64 (n,) at `SR` Hz."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import interpolate, signal

SR = 32_000
"""Sample rate of everything the package makes, in Hz."""

STFT_SIZE = 1024
STFT_HOP = STFT_SIZE // 4

Signal = NDArray[np.float64]
Response = Callable[[Signal, Signal], Signal]


def samples(duration: float) -> int:
    """Number of samples in `duration` seconds."""
    return round(duration * SR)


def times(n: int) -> Signal:
    """Times of `n` samples in seconds, (n,)."""
    return np.arange(n) / SR


def gain(decibel: float) -> float:
    """Amplitude factor of a level in dB."""
    return float(10 ** (decibel / 20))


def between(rng: Generator, low: float, high: float) -> float:
    """One number drawn evenly between `low` and `high`, evenly in octaves if both are above 20."""
    if low > 20:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))
    return float(rng.uniform(low, high))


def normal(x: Signal) -> Signal:
    """`x` scaled to a root mean square of one (silence stays silence)."""
    return x / max(float(np.sqrt(np.mean(x**2))), 1e-12)


def white(rng: Generator, n: int) -> Signal:
    """White Gaussian noise with unit variance, (n,)."""
    return rng.standard_normal(n)


def coloured(rng: Generator, n: int, slope: float, floor_hz: float = 30.0) -> Signal:
    """Noise whose level falls by `slope` dB per octave above `floor_hz`, unit RMS, (n,)."""
    spectrum = np.fft.rfft(white(rng, n))
    hz = np.maximum(np.fft.rfftfreq(n, 1 / SR), floor_hz)
    return normal(np.fft.irfft(spectrum * (hz / 1000) ** (-slope / 6.02), n))


def low(x: Signal, hz: float, order: int = 2) -> Signal:
    """Butterworth low-pass at `hz`."""
    sos = signal.butter(order, min(hz, 0.49 * SR), "low", fs=SR, output="sos")
    return np.asarray(signal.sosfilt(sos, x), dtype=np.float64)


def high(x: Signal, hz: float, order: int = 2) -> Signal:
    """Butterworth high-pass at `hz`."""
    sos = signal.butter(order, hz, "high", fs=SR, output="sos")
    return np.asarray(signal.sosfilt(sos, x), dtype=np.float64)


def band(x: Signal, low_hz: float, high_hz: float, order: int = 2) -> Signal:
    """Butterworth band-pass from `low_hz` to `high_hz`."""
    edges = (low_hz, min(high_hz, 0.49 * SR))
    sos = signal.butter(order, edges, "band", fs=SR, output="sos")
    return np.asarray(signal.sosfilt(sos, x), dtype=np.float64)


def peak(x: Signal, hz: float, quality: float) -> Signal:
    """Two-pole resonance at `hz` with unit gain at its peak."""
    b, a = signal.iirpeak(min(hz, 0.48 * SR), quality, fs=SR)
    return np.asarray(signal.lfilter(b, a, x), dtype=np.float64)


def resonate(x: Signal, resonances: Sequence[tuple[float, float, float]]) -> Signal:
    """Sum of `x` through resonances given as (Hz, quality, gain)."""
    out = np.zeros_like(x)
    for hz, quality, amount in resonances:
        out += amount * peak(x, hz, quality)
    return out


def curve(n: int, points: Sequence[tuple[float, float]]) -> Signal:
    """Smooth monotone curve through (fraction of the length, value) points, (n,)."""
    where, value = zip(*points, strict=True)
    fit = interpolate.PchipInterpolator(where, value, extrapolate=False)
    place = np.clip(np.linspace(0, 1, n), where[0], where[-1])
    return np.asarray(fit(place), dtype=np.float64)


def wander(rng: Generator, n: int, rate: float, depth: float = 1.0) -> Signal:
    """Smooth random curve around zero: about `rate` turns a second, deviation `depth`, (n,)."""
    knots = max(int(np.ceil(n / SR * rate)) + 4, 5)
    spline = interpolate.CubicSpline(np.arange(knots), rng.standard_normal(knots) * depth)
    start = rng.uniform(0, 1)
    return np.asarray(spline(start + times(n) * rate), dtype=np.float64)


def gusts(rng: Generator, n: int, rate: float, depth_db: float) -> Signal:
    """Random positive gain around one that moves by `depth_db` (one deviation), (n,)."""
    return np.asarray(10 ** (wander(rng, n, rate, depth_db) / 20), dtype=np.float64)


def attack_decay(n: int, attack: float, decay: float) -> Signal:
    """Envelope: raised-cosine attack in `attack` s, then down by 60 dB in `decay` s, (n,)."""
    t = times(n)
    rise = 0.5 - 0.5 * np.cos(np.pi * np.minimum(t / max(attack, 1 / SR), 1))
    return np.asarray(rise * 10 ** (-3 * np.maximum(t - attack, 0) / decay), dtype=np.float64)


def phase(hz: Signal, start: float = 0.0) -> Signal:
    """Running phase in radians of a frequency curve in Hz, (n,)."""
    return start + 2 * np.pi * np.cumsum(hz) / SR


def overlay(out: Signal, x: Signal, at: float, amount: float = 1.0) -> None:
    """Add `x` into `out` from `at` seconds on; what lies outside is left off."""
    start = samples(at)
    skip = max(-start, 0)
    part = x[skip : max(len(out) - start, 0)]
    if len(part):
        out[start + skip : start + skip + len(part)] += amount * part


def clicks(n: int, places: NDArray[np.int64], heights: Signal) -> Signal:
    """Train of single-sample pulses, (n,)."""
    train = np.zeros(n)
    inside = (places >= 0) & (places < n)
    np.add.at(train, places[inside], heights[inside])
    return train


def grains(
    rng: Generator,
    n: int,
    rate: float,
    kernels: Sequence[Signal],
    *,
    spread: float = 1.0,
    density: Signal | None = None,
) -> Signal:
    """Poisson cloud: `rate` kernels a second, log-normal heights of `spread`, (n,).

    `density` (n,) weights the places; without it they are even.
    """
    cumulative = np.cumsum(np.ones(n) if density is None else np.maximum(density, 0))
    cumulative /= cumulative[-1]
    out = np.zeros(n)
    for kernel in kernels:
        count = int(rng.poisson(rate * n / SR / len(kernels)))
        places = np.searchsorted(cumulative, rng.random(count))
        heights = rng.lognormal(0, spread, count) * rng.choice([-1.0, 1.0], count)
        out += signal.fftconvolve(clicks(n, places, heights), kernel)[:n]
    return out


def shaped(x: Signal, response: Response) -> Signal:
    """Filter that moves in time: STFT of `x` times `response(hz (F, 1), seconds (1, T))`."""
    pad = STFT_SIZE
    padded = np.pad(x, (pad, pad))
    options = {"fs": SR, "window": "hann", "nperseg": STFT_SIZE, "noverlap": STFT_SIZE - STFT_HOP}
    hz, seconds, frames = signal.stft(padded, **options)
    frames *= response(hz[:, None], seconds[None, :] - pad / SR)
    _, out = signal.istft(frames, **options)
    return np.asarray(out[pad : pad + len(x)], dtype=np.float64)


def at_times(track: Signal, seconds: Signal) -> Signal:
    """Values of a per-sample curve at the given times in seconds (clamped at both ends)."""
    return np.asarray(np.interp(seconds, times(len(track)), track), dtype=np.float64)


def soft_clip(x: Signal, drive: float) -> Signal:
    """Saturate `x` (taken at unit RMS) by `tanh` with the given drive."""
    return np.asarray(np.tanh(drive * normal(x)) / drive, dtype=np.float64)
