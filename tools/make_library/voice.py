"""Source and filter: pulse trains of a throat, and formants that move (Fant 1960)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from .dsp import SR, Signal, at_times, normal, phase, shaped, wander, white

MAX_PARTIAL_HZ = 15_000
MAX_PARTIALS = 90


@dataclass(frozen=True)
class Formant:
    """One resonance: centre curve in Hz (n,), bandwidth in Hz, level in dB."""

    hz: Signal
    width: float
    level: float = 0.0


def partials(f0: Signal, tilt: float, *, even: float = 1.0) -> Signal:
    """Band-limited harmonic sum over `f0` (n,) in Hz, falling by `tilt` dB per octave."""
    angle = phase(f0)
    count = int(min(MAX_PARTIAL_HZ / max(float(np.min(f0)), 20.0), MAX_PARTIALS))
    out = np.zeros(len(f0))
    for k in range(1, count + 1):
        fade = np.clip((MAX_PARTIAL_HZ - k * f0) / 2000, 0, 1)
        amount = k ** (-tilt / 6.02) * (even if k % 2 == 0 else 1.0)
        out += amount * fade * np.sin(k * angle + 0.3 * k * k)
    return out


def formants(x: Signal, tracks: Sequence[Formant], *, floor: float = -40.0) -> Signal:
    """`x` through parallel resonances that move; `floor` dB passes everywhere."""

    def response(hz: Signal, seconds: Signal) -> Signal:
        total = np.full((hz.shape[0], seconds.shape[1]), 10 ** (floor / 20))
        for track in tracks:
            centre = at_times(track.hz, seconds[0])[None, :]
            bump = hz * track.width / np.hypot(hz**2 - centre**2, hz * track.width)
            total += 10 ** (track.level / 20) * bump**1.5
        return total

    return shaped(x, response)


def throat(
    rng: Generator,
    f0: Signal,
    *,
    tilt: float = 9.0,
    jitter: float = 0.01,
    rough: float = 0.0,
    breath: float = 0.05,
) -> Signal:
    """Glottal source with unit RMS (n,).

    `jitter` is the relative deviation of the pitch, `rough` the depth of period doubling and
    noise in amplitude (0..1), `breath` the level of air noise beside the pulses.
    """
    n = len(f0)
    pitch = f0 * (1 + wander(rng, n, 80, jitter) + wander(rng, n, 9, jitter))
    tone = normal(partials(pitch, tilt))
    halves = np.cos(phase(pitch) / 2 + wander(rng, n, 12, 1.5))
    shake = 1 + rough * (0.6 * halves + 0.5 * wander(rng, n, 150))
    air = white(rng, n) * (0.5 + 0.5 * np.cos(phase(pitch)))
    return normal(tone * np.maximum(shake, 0) + breath * air)


def steady(n: int, hz: float) -> Signal:
    """Constant formant centre, (n,)."""
    return np.full(n, float(hz))


def vibrato(n: int, rate: float, depth: float, *, onset: float = 0.2) -> Signal:
    """Relative pitch factor: `depth` at `rate` Hz, fading in over `onset` s, (n,)."""
    t = np.arange(n) / SR
    return np.asarray(
        1 + depth * np.minimum(t / onset, 1) * np.sin(2 * np.pi * rate * t), dtype=np.float64
    )
