"""Insects by wing and by scraper; frogs by the sac of the throat."""

import numpy as np
from numpy.random import Generator

from .dsp import (
    SR,
    Signal,
    band,
    between,
    coloured,
    curve,
    gusts,
    high,
    low,
    normal,
    overlay,
    phase,
    resonate,
    samples,
    times,
    wander,
    white,
)
from .modes import pulses
from .space import mix, outdoors
from .voice import partials


def _stridulation(rng: Generator, n: int) -> Signal:
    """One cricket: scraper teeth ring the wing at 3.4-6 kHz, in chirps or one long trill, (n,)."""
    carrier, tooth = between(rng, 3600, 5600), between(rng, 28, 44)
    syllables, period = int(rng.integers(2, 7)), between(rng, 0.25, 0.75)
    t = times(n) + rng.uniform(0, period)
    strokes = np.clip(np.sin(2 * np.pi * tooth * t), 0, 1) ** 0.7
    sounding = np.mod(t, period) < syllables / tooth
    if rng.random() < 0.3:
        sounding = np.ones(n, dtype=bool)
    f0 = carrier * (1 + wander(rng, n, 3, 0.002)) * (1 - 0.015 * strokes)
    tone = np.sin(phase(f0)) + 0.1 * np.sin(2 * phase(f0))
    scrape = band(white(rng, n), 0.85 * carrier, 1.15 * carrier)
    smooth = low(sounding.astype(np.float64), 150, 1)
    loud = strokes * smooth * (1 + wander(rng, n, 2, 0.1))
    return np.asarray((tone + between(rng, 0.1, 0.5) * normal(scrape)) * loud, dtype=np.float64)


def cricket(rng: Generator) -> Signal:
    """One near cricket, a meadow of far ones, the night behind them."""
    n = samples(between(rng, 3.0, 4.5))
    out = _stridulation(rng, n)
    for _ in range(int(rng.integers(1, 6))):
        out = out + between(rng, 0.08, 0.5) * _stridulation(rng, n)
    out = outdoors(rng, out, distance=between(rng, 2, 25), wet=between(rng, 0.05, 0.2))
    return out + between(rng, 0.025, 0.07) * coloured(rng, n, between(rng, 2.0, 3.5))


def _croak(
    rng: Generator, rate: float, bands: list[tuple[float, float, float]], length: float
) -> Signal:
    """One croak: a pulse train of the larynx rings the vocal sac's narrow resonances."""
    n = samples(length)
    speed = rate * curve(n, [(0, 0.85), (0.4, 1.0), (1, 1.15)])
    train = pulses(rng, speed, jitter=0.02, spread=0.08)
    shape = curve(n, [(0, 0.2), (0.4, 0.8), (0.8, 1.0), (1, 0)])
    rung = resonate(train * shape + 0.01 * white(rng, n) * shape, bands)
    return normal(high(rung, 0.7 * bands[0][0]))


def frog(rng: Generator) -> Signal:
    """Frogs at a pond: croaks or two-part ribbits, others answering further off."""
    n = samples(between(rng, 2.8, 4.4))
    out = np.zeros(n)
    for loud in (1.0, 0.35, 0.2):
        first, second = between(rng, 620, 1100), between(rng, 1700, 2600)
        sharp = between(rng, 8, 25)
        bands = [(first, sharp, 0.8), (second, 1.3 * sharp, 1.0), (2.1 * second, 9.0, 0.05)]
        rate, length = between(rng, 24, 120), between(rng, 0.14, 0.4)
        at, gap = between(rng, 0.05, 0.7), between(rng, 0.45, 0.95)
        while at < n / SR - 0.4:
            overlay(out, _croak(rng, rate, bands, length), at, loud)
            overlay(out, _croak(rng, 1.3 * rate, bands, 0.5 * length), at + 1.05 * length, loud)
            at += gap * between(rng, 0.9, 1.25)
    out = outdoors(rng, out, distance=between(rng, 2, 20), wet=between(rng, 0.1, 0.3))
    return out + between(rng, 0.005, 0.02) * coloured(rng, n, 3.0)


def _wings(rng: Generator, n: int, hz: float, flutter: float, tilt: float) -> Signal:
    """Beating wings of one insect: harmonics that waver, near and far by turns, (n,)."""
    drift = wander(rng, n, 1.6, 0.05) + wander(rng, n, 12, flutter)
    f0 = hz * (1 + np.clip(drift, -0.3, 0.3))
    tone = normal(partials(f0, tilt)) * (1 + wander(rng, n, 60, 0.3))
    near = np.clip(0.55 + wander(rng, n, 0.9, 0.35), 0.06, 1.5)
    return np.asarray(tone * near, dtype=np.float64)


def bee(rng: Generator) -> Signal:
    """A bee, or the bees of a hedge: wings at 150-280 Hz around a flower."""
    n = samples(between(rng, 2.8, 4.5))
    base, out = between(rng, 150, 285), np.zeros(n)
    flutter, tilt = between(rng, 0.008, 0.06), between(rng, 2.5, 6.0)
    for other in range(int(rng.integers(1, 8))):
        wings = _wings(rng, n, base * between(rng, 0.85, 1.18), flutter, tilt)
        out += wings * (1.0 if other == 0 else between(rng, 0.1, 0.6))
    body = resonate(out, [(480, 1.2, 1.0), (1300, 1.5, 0.6), (3000, 2.0, 0.25)]) + 0.3 * out
    air = band(coloured(rng, n, 3.0), 200, 6000, 1) * gusts(rng, n, 10, 2)
    return outdoors(rng, mix((body, 0), (air, between(rng, -28, -16))), distance=5, wet=0.05)


def fly(rng: Generator) -> Signal:
    """A fly circles a still room: one insect, wings near 200 Hz, landings between the rounds."""
    n = samples(between(rng, 2.8, 4.2))
    wings = _wings(rng, n, between(rng, 190, 270), between(rng, 0.02, 0.05), between(rng, 2.5, 4.5))
    aloft = low((wander(rng, n, 1.2, 1.0) > between(rng, -1.2, -0.4)).astype(np.float64), 12, 1)
    body = resonate(wings, [(520, 1.2, 1.0), (1500, 1.5, 0.7), (3300, 2.0, 0.3)]) + 0.3 * wings
    air = coloured(rng, n, 4.0)
    return mix((body * np.clip(aloft, 0.02, 1), 0), (air, between(rng, -40, -26)))


def mosquito(rng: Generator) -> Signal:
    """A mosquito at the ear: a thin whine of 420-720 Hz that comes and goes."""
    n = samples(between(rng, 2.8, 4.2))
    passes = np.clip(0.4 + wander(rng, n, 0.8, 0.45), 0.02, 1.6)
    hz = between(rng, 420, 720) * (1 + 0.08 * (passes - 0.4)) * (1 + wander(rng, n, 14, 0.012))
    tone = normal(partials(hz, between(rng, 3.0, 6.0))) * (1 + wander(rng, n, 45, 0.15))
    thin = high(tone, 300, 1)
    return mix((thin * passes, 0), (coloured(rng, n, 4.0), between(rng, -42, -28)))
