"""Winds and brass. Each takes an rng, which draws the instrument, and returns a Voice."""

import numpy as np
from numpy.random import Generator

from .dsp import (
    Signal,
    attack_decay,
    band,
    between,
    curve,
    normal,
    overlay,
    peak,
    phase,
    resonate,
    samples,
    times,
    wander,
    white,
)
from .music import Voice, hertz
from .voice import MAX_PARTIAL_HZ, partials, vibrato


def _breath(n: int, length: float, attack: float) -> Signal:
    """Blowing pressure over a note: tongued, a slight swell, let go, (n,)."""
    edge = min(attack / length, 0.35)
    points = [(0, 0), (edge, 0.92), (0.45, 1.0), (1 - 0.8 * edge, 0.85), (1, 0)]
    return curve(n, points)


def flute(rng: Generator) -> Voice:
    """Few harmonics, breath that locks to the tone, vibrato in force more than in pitch."""
    rate, depth = between(rng, 4.4, 6.2), between(rng, 0.06, 0.22)
    air_level, tilt = between(rng, 0.05, 0.18), between(rng, 11.5, 15.5)

    def voice(note: int, length: float, loud: float) -> Signal:
        n, hz = samples(length + 0.06), hertz(note)
        f0 = hz * vibrato(n, rate, 0.004, onset=0.35) * (1 + wander(rng, n, 6, 0.0015))
        f0 = f0 * (1 - 0.02 * np.exp(-times(n) / 0.03))
        swell = vibrato(n, rate, depth, onset=0.35) * (1 + wander(rng, n, 12, 0.03))
        tone = partials(f0, tilt - 1.5 * loud, even=1.4)
        air = normal(peak(white(rng, n), hz, 10)) + 0.5 * normal(band(white(rng, n), 900, 7000, 1))
        shape = _breath(n, length, 0.06)
        out = (normal(tone) * swell + air_level * air) * shape
        m = samples(0.04)
        chiff = normal(band(white(rng, m), hz, 6000, 1)) * attack_decay(m, 0.008, 0.04)
        overlay(out, chiff, 0.0, 0.5 * air_level)
        return out

    return voice


def brassy(f0: Signal, force: Signal, brightest: float) -> Signal:
    """Harmonics that come in one after the other as `force` (n,) in 0..1 grows (Risset 1966)."""
    angle, out = phase(f0), np.zeros(len(f0))
    corner = brightest * np.clip(force, 0.02, 1) ** 1.6
    for k in range(1, int(min(MAX_PARTIAL_HZ / float(np.min(f0)), 64)) + 1):
        out += np.sin(k * angle + 0.2 * k * k) / (1 + (k * f0 / corner) ** 2)
    return out * force


def brass(rng: Generator, brightest: float, attack: float, horn: float) -> Voice:
    """Lips in a cup: pitch that finds its place, brightness that follows force."""
    rate, depth = between(rng, 4.8, 5.8), between(rng, 0.0, 0.006)

    def voice(note: int, length: float, loud: float) -> Signal:
        n = samples(length + 0.05)
        f0 = hertz(note) * vibrato(n, rate, depth, onset=0.6) * (1 + wander(rng, n, 10, 0.002))
        f0 = f0 * (1 - 0.03 * np.exp(-times(n) / 0.025))
        force = _breath(n, length, attack) * (0.7 + 0.3 * loud) * (1 + wander(rng, n, 14, 0.03))
        blip = 1 + 0.25 * np.exp(-(((times(n) - attack) / 0.02) ** 2))
        tone = brassy(f0, np.clip(force * blip, 0, 1.2), brightest)
        tone = 0.6 * tone + resonate(tone, [(horn, 1.2, 1.0), (2.1 * horn, 1.5, 0.5)])
        air = normal(band(white(rng, n), 800, 5000, 1)) * force
        return normal(tone) + 0.012 * air

    return voice


def trumpet(rng: Generator) -> Voice:
    """A trumpet."""
    return brass(rng, between(rng, 2200, 4200), between(rng, 0.03, 0.06), between(rng, 1000, 1400))


def trombone(rng: Generator) -> Voice:
    """A trombone."""
    return brass(rng, between(rng, 900, 1900), between(rng, 0.05, 0.09), between(rng, 480, 650))


def french_horn(rng: Generator) -> Voice:
    """A horn with a hand in its bell: dark and round."""
    return brass(rng, between(rng, 500, 950), between(rng, 0.06, 0.1), between(rng, 380, 500))


def harmonica(rng: Generator) -> Voice:
    """Free reeds blown and drawn, bent into pitch, hands that open and close."""
    rate, depth = between(rng, 4.5, 6.0), between(rng, 0.2, 0.38)

    def voice(note: int, length: float, _loud: float) -> Signal:
        n = samples(length + 0.05)
        bend = 1 - between(rng, 0.0, 0.05) * np.exp(-times(n) / 0.08)
        f0 = hertz(note) * bend * (1 + wander(rng, n, 4, 0.001))
        tone = partials(f0, 3.0) + 0.7 * partials(f0 * 1.003, 3.5)
        tone = resonate(tone, [(900, 1.2, 0.8), (2100, 1.5, 1.0), (3600, 2, 0.6)]) + 0.2 * tone
        hands = vibrato(n, rate, depth, onset=0.3)
        air = normal(band(white(rng, n), 1500, 8000, 1))
        return (normal(tone) * hands + 0.04 * air) * _breath(n, length, 0.035)

    return voice
