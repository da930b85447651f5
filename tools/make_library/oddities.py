"""Odd ones out: sounds of which the library holds one or two."""

import numpy as np
from numpy.random import Generator

from .dsp import (
    SR,
    Signal,
    band,
    between,
    coloured,
    curve,
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
from .music import hertz, melody
from .space import outdoors, room
from .voice import Formant, formants, partials, vibrato


def theremin(rng: Generator) -> Signal:
    """A hand in the air: one tone that glides from note to note, wide vibrato, never a gap."""
    n = samples(between(rng, 4.2, 5.4))
    notes = melody(rng, int(rng.integers(57, 69)), n / SR, between(rng, 0.6, 0.9))
    steps = np.full(n, hertz(notes[0][2]))
    for at, _, note in notes:
        steps[samples(at) :] = hertz(note)
    glide = np.exp(low(np.log(steps) - np.log(steps[0]), 3.0, 1)) * steps[0]
    f0 = glide * vibrato(n, between(rng, 5.2, 6.6), 0.02)
    hand = curve(n, [(0, 0), (0.08, 1), (0.5, 0.8), (0.9, 1), (1, 0)])
    return room(rng, partials(f0, 13.0) * hand, rt60=1.6, wet=0.4, size=9)


def sonar(rng: Generator) -> Signal:
    """A ping under water and its long echoes."""
    n = samples(between(rng, 4.5, 5.8))
    out, hz = np.zeros(n), between(rng, 900, 1700)
    m = samples(1.6)
    ping = np.sin(phase(hz * (1 + 0.004 * np.exp(-times(m) / 0.2)))) * np.exp(-times(m) / 0.25)
    for at in (0.2, 0.2 + between(rng, 2.2, 2.8)):
        for k in range(6):
            overlay(out, low(ping, 2500), at + 0.31 * k * between(rng, 0.8, 1.2), 0.45**k)
    out = room(rng, out, rt60=2.5, wet=0.6, size=40, dark=1800)
    return out + 0.01 * float(np.std(out)) * low(coloured(rng, n, 4.0), 600)


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


def didgeridoo(rng: Generator) -> Signal:
    """A drone of the lips in a hollow trunk; the mouth's vowels move over it in a rhythm."""
    n = samples(5.0)
    f0 = between(rng, 58, 78) * (1 + wander(rng, n, 3, 0.006))
    buzz = partials(f0, 4.5) * (1 + 0.15 * np.cos(phase(f0) / 2))
    pulse = 0.5 - 0.5 * np.cos(2 * np.pi * between(rng, 1.6, 2.4) * times(n))
    first, second = 380 + 350 * pulse, 1000 + 1100 * pulse**2
    tracks = [Formant(first, 110.0), Formant(second, 130.0, -4.0)]
    air = 0.03 * band(white(rng, n), 500, 5000, 1)
    out = normal(formants(buzz, tracks, floor=-16.0)) + air
    return outdoors(rng, out * (0.7 + 0.3 * pulse), distance=4, wet=0.25)


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
