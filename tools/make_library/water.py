"""Water that falls and is poured: a waterfall, a jug into a glass, splashes."""

import numpy as np
from numpy.random import Generator

from .dsp import (
    SR,
    Signal,
    attack_decay,
    band,
    between,
    coloured,
    curve,
    grains,
    gusts,
    normal,
    overlay,
    peak,
    samples,
    white,
)
from .modes import bubble
from .space import mix, outdoors, room


def waterfall(rng: Generator) -> Signal:
    """A fall of some metres: a broad steady roar, bubbles in the pool, spray."""
    n = samples(between(rng, 3.0, 4.2))
    body = band(coloured(rng, n, between(rng, 2.5, 4.5), 120), 80, 9000, 1) * gusts(rng, n, 4, 0.7)
    deep = [bubble(between(rng, 150, 700), rise=0.05) for _ in range(30)]
    pool = grains(rng, n, between(rng, 700, 1600), deep, spread=0.8)
    fine = [bubble(between(rng, 900, 5000), rise=0.1) for _ in range(30)]
    foam = grains(rng, n, between(rng, 2000, 5000), fine, spread=0.7)
    spray = band(white(rng, n), 3000, 12_000, 1) * gusts(rng, n, 2, 1.0)
    out = mix(
        (body, 0),
        (pool, between(rng, -12, -4)),
        (foam, between(rng, -14, -6)),
        (spray, between(rng, -26, -14)),
    )
    return outdoors(rng, out, distance=between(rng, 4, 30), wet=between(rng, 0.05, 0.2))


def pour(rng: Generator) -> Signal:
    """Water poured into a vessel: bubbles, and the air column above them that shortens."""
    n = samples(between(rng, 2.6, 4.4))
    small = [bubble(hz, rise=0.08) for hz in np.geomspace(600, 4200, 40)]
    flow = curve(n, [(0, 0), (0.08, 1), (0.85, between(rng, 0.6, 1.0)), (1, 0)])
    stream = grains(rng, n, between(rng, 180, 520), small, spread=0.8, density=flow + 1e-6)
    splash = band(white(rng, n), 1200, 8000, 1) * flow * gusts(rng, n, 14, 3.0)
    source = mix((stream, 0), (splash, between(rng, -14, -6)))
    start, end = between(rng, 350, 600), between(rng, 900, 1900)
    steps = 24
    column = np.zeros(n)
    for k, hz in enumerate(np.geomspace(start, end, steps)):
        here = np.maximum(1 - np.abs(np.linspace(0, steps - 1, n) - k), 0)
        column += here * peak(source, float(hz), 12.0)
    out = mix((source, 0), (column, between(rng, -5, 3)))
    rt60, wet = between(rng, 0.2, 0.6), between(rng, 0.05, 0.25)
    return room(rng, out, rt60=rt60, wet=wet, size=between(rng, 3, 6))


def _plunge(rng: Generator, size: float) -> Signal:
    """A body falls into water: slap, cavity that closes, a crowd of bubbles, drops that rain."""
    n = samples(1.6)
    slap = band(white(rng, n), 250, 7000, 1) * attack_decay(n, 0.015, 0.2 + 0.35 * size)
    crown = band(white(rng, n), 900, 9000, 1) * attack_decay(n, 0.06, 0.4 + 0.5 * size)
    after = curve(n, [(0, 0.4), (0.1, 1), (0.35, 0.3), (1, 0.01)])
    gurgle = [bubble(between(rng, 180, 900) / (0.6 + size), rise=0.15) for _ in range(20)]
    bubbles = grains(rng, n, 60 + 90 * size, gurgle, spread=0.8, density=after**2)
    drops = [bubble(between(rng, 1200, 5000), rise=0.1) for _ in range(20)]
    rain = grains(rng, n, 150, drops, spread=0.8, density=after)
    out = 0.2 * normal(slap) + 0.6 * normal(crown) + 1.2 * normal(bubbles) + 0.4 * normal(rain)
    return out * curve(n, [(0, 1), (0.8, 1), (1, 0)])


def splash(rng: Generator) -> Signal:
    """Stones or feet into a pond: two to five splashes over lapping water."""
    out = np.zeros(samples(between(rng, 3.0, 4.4)))
    at = between(rng, 0.05, 0.3)
    while at < len(out) / SR - 0.8:
        overlay(out, _plunge(rng, between(rng, 0.1, 1.0)), at, between(rng, 0.5, 1.0))
        at += between(rng, 0.5, 1.3)
    lap = [bubble(between(rng, 300, 1200)) for _ in range(20)]
    ripples = grains(rng, len(out), 25, lap, spread=0.9)
    far = outdoors(rng, out, distance=between(rng, 2, 15), wet=between(rng, 0.05, 0.2))
    return mix((far, 0), (ripples, between(rng, -26, -16)))
