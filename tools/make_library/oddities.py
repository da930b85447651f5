"""Odd ones out: sounds of which the library holds one or two."""

import numpy as np
from numpy.random import Generator

from .dsp import (
    SR,
    Signal,
    between,
    curve,
    high,
    low,
    normal,
    overlay,
    resonate,
    samples,
    times,
    wander,
    white,
)
from .music import hertz, melody
from .space import outdoors, room
from .voice import partials, vibrato


def theremin(rng: Generator) -> Signal:
    """A hand in the air: one tone that glides from note to note, wide vibrato, never a gap."""
    n = samples(between(rng, 3, 4))
    notes = melody(rng, int(rng.integers(57, 69)), n / SR, between(rng, 0.6, 0.9))
    steps = np.full(n, hertz(notes[0][2]))
    for at, _, note in notes:
        steps[samples(at) :] = hertz(note)
    glide = np.exp(low(np.log(steps) - np.log(steps[0]), 3.0, 1)) * steps[0]
    f0 = glide * vibrato(n, between(rng, 5.2, 6.6), 0.02)
    hand = curve(n, [(0, 0), (0.08, 1), (0.5, 0.8), (0.9, 1), (1, 0)])
    return room(rng, partials(f0, 13.0) * hand, rt60=1.6, wet=0.4, size=9)


def boing(rng: Generator) -> Signal:
    """A door-stop spring that is flicked: a low twang whose pitch bends as it swings."""
    n = samples(2.6)
    out = np.zeros(n)
    for at in (0.1, between(rng, 1.1, 1.4)):
        m = samples(1.2)
        t = times(m)
        swing = 1 + 0.25 * np.exp(-t / 0.3) * np.sin(2 * np.pi * between(rng, 9, 14) * t)
        pitch = between(rng, 75, 120) * swing * (1 + 0.5 * np.exp(-t / 0.05))
        twang = resonate(partials(pitch, 2.0), [(600, 2, 1.0), (1600, 3, 0.7)])
        overlay(out, normal(twang) * np.exp(-t / 0.28) * np.minimum(t / 0.003, 1), at)
    return room(rng, out, rt60=0.5, wet=0.3, size=4)


def steam_whistle(rng: Generator) -> Signal:
    """A locomotive's whistle: three stopped pipes blown by steam, two calls, hiss before tone."""
    n = samples(4.6)
    out, root = np.zeros(n), between(rng, 420, 640)
    for at, length in ((0.15, 1.4), (2.0, 2.2)):
        m = samples(length)
        rise = 1 - 0.06 * np.exp(-times(m) / 0.09)
        tone = np.zeros(m)
        for ratio in (1.0, 1.26, 1.5):
            f0 = root * ratio * rise * (1 + wander(rng, m, 7, 0.003))
            tone += normal(partials(f0, 11.0, even=0.2))
        steam = normal(high(white(rng, m), 900, 1)) * (0.35 + np.exp(-times(m) / 0.1))
        shape = curve(m, [(0, 0), (0.08, 1), (0.85, 0.95), (1, 0)])
        overlay(out, (normal(tone) + 0.6 * steam) * shape, at)
    return outdoors(rng, out, distance=60, wet=0.6)
