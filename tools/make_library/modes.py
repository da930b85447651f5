"""Struck and plucked bodies: modal synthesis, Karplus-Strong strings, bubbles, pulse trains."""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from scipy import signal

from .dsp import SR, Signal, clicks, samples, times

MODE_RANGE_DB = 90.0


def modal(
    duration: float,
    freqs: Sequence[float] | Signal,
    t60s: Sequence[float] | Signal,
    heights: Sequence[float] | Signal,
    *,
    rng: Generator | None = None,
) -> Signal:
    """Sum of damped sines: Hz, seconds to -60 dB, amplitudes; random phases with an `rng`.

    Each mode ends where it has fallen by `MODE_RANGE_DB`.
    """
    t = times(samples(duration))
    out = np.zeros(len(t))
    for hz, t60, height in zip(freqs, t60s, heights, strict=True):
        start = rng.uniform(0, 2 * np.pi) if rng else 0.0
        if hz < 0.48 * SR:
            now = t[: samples(t60 * MODE_RANGE_DB / 60)]
            mode = np.sin(2 * np.pi * hz * now + start) * 10 ** (-3 * now / t60)
            out[: len(now)] += height * mode
    return out


def pluck(
    rng: Generator,
    hz: float,
    duration: float,
    *,
    t60: float = 3.0,
    bright: float = 0.5,
    place: float = 0.2,
    edge: float | None = None,
) -> Signal:
    """Karplus-Strong string (Karplus and Strong 1983; pick-position comb, fractional delay).

    `t60` in s of the lowest partial, `bright` in 0..1 (loop filter), `place` of the pick as a
    fraction of the string. It starts as noise, or, with `edge` in Hz, as the kink that a pick of
    that sharpness leaves, with some noise: its partials then fall as those of a real string.
    """
    n = samples(duration)
    period = SR / hz
    damping = 0.5 * (1 - bright)
    delay = period - damping
    whole, part = int(delay), delay - int(delay)
    loop = np.convolve([1 - damping, damping], [1 - part, part])
    loop *= 10 ** (-3 * period / SR / t60)
    burst = rng.uniform(-1, 1, int(period) + 1)
    if edge is not None:
        burst *= 0.12
        burst[0] += np.sqrt(len(burst))
        b, a = signal.butter(1, edge, fs=SR)
        burst = signal.lfilter(b, a, burst)
    comb = np.zeros(n)
    comb[: len(burst)] += burst
    shift = max(int(place * period), 1)
    comb[shift : shift + len(burst)] -= burst
    feedback = np.concatenate([[1.0], np.zeros(whole - 1), -loop])
    out = np.asarray(signal.lfilter([1.0], feedback, comb), dtype=np.float64)
    return out - np.mean(out)


def bubble(hz: float, *, rise: float = 0.1, height: float = 1.0) -> Signal:
    """Sound of one gas bubble (Minnaert; damping and rise after van den Doel 2005)."""
    damping = 0.043 * hz + 0.0014 * hz**1.5
    t = times(samples(min(6.0 / damping, 0.4)))
    angle = 2 * np.pi * hz * (t + 0.5 * rise * damping * t**2)
    attack = 1 - np.exp(-t * 2500)
    return np.asarray(height * attack * np.sin(angle) * np.exp(-damping * t), dtype=np.float64)


def pulses(
    rng: Generator, rate: Signal, *, jitter: float = 0.02, spread: float = 0.2, cycle: int = 1
) -> Signal:
    """Pulse train that fires `rate` (n,) times a second.

    `jitter` is the deviation of a place in periods; heights vary by `spread` from pulse to
    pulse, and half of that repeats every `cycle` pulses (unequal cylinders, unequal blades).
    """
    turns = np.cumsum(rate) / SR + rng.uniform()
    places = np.flatnonzero(np.diff(np.floor(turns)) > 0)
    late = rng.standard_normal(len(places)) * jitter * SR / np.maximum(rate[places], 1e-6)
    own = rng.standard_normal(cycle) * spread
    heights = 1 + own[np.arange(len(places)) % cycle] + rng.standard_normal(len(places)) * spread
    return clicks(len(rate), np.round(places + late).astype(np.int64), heights)


def through(x: Signal, kernel: Signal) -> Signal:
    """`x` convolved with `kernel`, cut to the length of `x`."""
    return np.asarray(signal.fftconvolve(x, kernel)[: len(x)], dtype=np.float64)
