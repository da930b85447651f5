"""The house and its bells: clocks, doors, bells, beeps."""

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
    high,
    low,
    normal,
    overlay,
    resonate,
    samples,
    white,
)
from .mallets import tubular_bells
from .modes import modal
from .music import hertz
from .space import mix, outdoors, room
from .voice import partials, steady


def _tick(rng: Generator, hz: float, ring: float, hard: float) -> Signal:
    """One beat of an escapement: contacts within 30 ms, small steel parts ringing above."""
    out, n = np.zeros(samples(0.2)), samples(0.02)
    freqs = hz * np.exp(rng.uniform(-0.9, 0.7, 12))
    heights = rng.uniform(0.2, 1.0, 12)
    plate = modal(0.15, freqs, ring * rng.uniform(0.5, 1.5, 12), heights, rng=rng)
    late = 0.0
    for loud in (0.5, 1.0, 0.45, 0.3):
        edge = band(white(rng, n), 0.4 * hz, 2.2 * hz, 1) * attack_decay(n, 0.0008, 0.014)
        overlay(out, normal(plate), late, 0.5 * loud)
        overlay(out, normal(edge), late, hard * loud)
        late += rng.uniform(0.002, 0.012)
    return out


def tick_tock(rng: Generator) -> Signal:
    """A clock in a room."""
    return clock(rng, samples(between(rng, 2.5, 3.7)))


def clock(rng: Generator, n: int) -> Signal:
    """Tick and tock differ a little; a wrist watch, an alarm clock, a wall clock, (n,)."""
    kind = int(rng.integers(0, 3))
    beats = (between(rng, 4.0, 5.2), between(rng, 2.0, 4.0), between(rng, 1.0, 2.2))[kind]
    hz = (between(rng, 2800, 6500), between(rng, 1800, 4000), between(rng, 1300, 3200))[kind]
    ring = between(rng, 0.028, 0.055)
    hard = between(rng, 0.4, 1.1)
    pair = (_tick(rng, hz, ring, hard), _tick(rng, hz * between(rng, 0.8, 0.93), ring, hard))
    limp = between(rng, -0.06, 0.06)
    out = np.zeros(n)
    at, k = between(rng, 0.02, 0.2), 0
    while at < n / SR - 0.1:
        overlay(out, pair[k % 2], at, between(rng, 0.9, 1.0) * (1.0 if k % 2 else 0.85))
        at += (1 + (limp if k % 2 else -limp)) / beats
        k += 1
    out = room(rng, out, rt60=between(rng, 0.2, 0.5), wet=between(rng, 0.15, 0.4), size=4.5)
    return out + float(np.std(out)) * between(rng, 0.1, 0.45) * coloured(
        rng, n, between(rng, 2.5, 4.2)
    )


def _panel(rng: Generator, base: float, hard: float) -> Signal:
    """One knuckle on a wooden door: low plate modes that die fast, a soft click of the bone."""
    ratios = np.array([1.0, 1.45, 1.9, 2.4, 3.1, 3.7, 4.6, 6.0, 7.3, 9.0])
    freqs = base * ratios * rng.uniform(0.97, 1.03, 10)
    decays: Signal = between(rng, 0.12, 0.22) / (1 + 0.25 * np.arange(10.0))
    body = modal(0.3, freqs, decays, ratios**-0.9, rng=rng)
    n = samples(0.03)
    bone = low(white(rng, n), between(rng, 900, 2500)) * attack_decay(n, 0.0008, 0.025)
    overlay(body, normal(bone), 0.0, hard)
    return body


def knock(rng: Generator) -> Signal:
    """Knuckles on a door: three to six knocks, once or twice, in a hallway."""
    out = np.zeros(samples(between(rng, 2.2, 2.9)))
    base, hard, gap = between(rng, 80, 190), between(rng, 0.3, 1.3), between(rng, 0.14, 0.28)
    at = between(rng, 0.1, 0.35)
    for _ in range(2):
        for _ in range(int(rng.integers(3, 6))):
            if at < len(out) / SR - 0.25:
                overlay(out, _panel(rng, base, hard), at, between(rng, 0.75, 1.0))
            at += gap * between(rng, 0.92, 1.08)
        at += between(rng, 0.4, 0.8)
    out = room(rng, out, rt60=between(rng, 0.25, 0.7), wet=between(rng, 0.2, 0.45), size=5)
    return out + between(rng, 0.003, 0.012) * coloured(rng, len(out), 4.0)


def _chime(rng: Generator, hz: float, length: float) -> Signal:
    """One struck chime bar (free-free bar ratios) with its plunger."""
    ratios = (1.0, 2.756, 5.404, 8.933)
    t60 = between(rng, 1.6, 3.0)
    bar = modal(
        length,
        [hz * r for r in ratios],
        [t60, 0.5 * t60, 0.2 * t60, 0.1 * t60],
        [1.0, 0.45, 0.2, 0.1],
    )
    beat = modal(length, [hz * 1.003], [t60], [0.25])
    n = samples(0.01)
    overlay(bar, band(white(rng, n), 1000, 8000) * attack_decay(n, 0.0003, 0.008), 0, 0.3)
    return bar + beat


def doorbell(rng: Generator) -> Signal:
    """Ding-dong from chime bars or long tubes, once or twice."""
    out = np.zeros(samples(between(rng, 2.2, 3)))
    bar = tubular_bells(rng) if rng.random() < 0.6 else None
    note, down = int(rng.integers(67, 80)), int(rng.choice([3, 4, 5]))
    at = between(rng, 0.08, 0.25)
    for _ in range(1 if rng.random() < 0.5 else 2):
        gap = between(rng, 0.35, 0.75)
        for late, drop in ((0.0, 0), (gap, down)):
            stroke = bar(note - drop, 2.0, 0.8) if bar else _chime(rng, hertz(note - drop), 3.0)
            overlay(out, normal(stroke), at + late)
        at += gap + between(rng, 0.7, 1.1)
    out = room(rng, out, rt60=between(rng, 0.4, 1.0), wet=between(rng, 0.2, 0.45))
    return out + between(rng, 0.002, 0.008) * coloured(rng, len(out), 4.0)


BELL_RATIOS = (0.5, 1.0, 1.183, 1.506, 2.0, 2.514, 2.662, 3.011, 4.166, 5.433, 6.796, 8.215)
"""Partials of a tuned church bell against the prime: hum, prime, tierce, quint, nominal, ..."""


def church_bell(rng: Generator) -> Signal:
    """A bell in its tower: each partial a beating pair, the clapper's bite, streets around."""
    out = np.zeros(samples(4.2))
    prime = between(rng, 270, 570)
    freqs: list[float] = []
    for ratio in BELL_RATIOS:
        freqs += [prime * ratio * between(rng, 0.997, 1.003)] * 2
        freqs[-1] *= 1 + between(rng, 0.0004, 0.0025)
    t60s = [between(rng, 6, 9) / (1 + 0.55 * (k // 2)) for k in range(len(freqs))]
    heights = [
        (0.6, 0.8, 1.0, 0.4, 1.1, 0.5, 0.5, 0.6, 0.45, 0.3, 0.2, 0.15)[k // 2]
        * between(rng, 0.3, 1.0)
        for k in range(len(freqs))
    ]
    strike = modal(6.0, freqs, t60s, heights, rng=rng)
    n = samples(0.05)
    bite = band(white(rng, n), 1200, 9000) * attack_decay(n, 0.0006, 0.04)
    at, gap = between(rng, 0.05, 0.3), between(rng, 1.1, 2.2)
    while at < 3.6:
        loud = between(rng, 0.75, 1.0)
        overlay(out, strike, at, loud)
        overlay(out, bite, at, 0.5 * loud)
        at += gap * between(rng, 0.98, 1.03)
    out = outdoors(rng, out, distance=between(rng, 12, 90), wet=between(rng, 0.25, 0.6))
    return mix((out, 0), (coloured(rng, len(out), 3.5), -38))


def bicycle_bell(rng: Generator) -> Signal:
    """Tring-tring: the thumb lever's clappers hit a small steel dome many times."""
    out = np.zeros(samples(between(rng, 2.2, 2.9)))
    base = between(rng, 1850, 3200)
    freqs = [base * r * between(rng, 0.985, 1.015) for r in (1.0, 1.003, 2.35, 2.36, 3.9, 5.4)]
    t60 = between(rng, 0.5, 1.3)
    dome = modal(
        1.2,
        freqs,
        [t60, t60, 0.7 * t60, 0.7 * t60, 0.4 * t60, 0.25 * t60],
        [1.0, 0.8, 0.8, 0.6, 0.5, 0.3],
        rng=rng,
    )
    n = samples(0.004)
    at = between(rng, 0.05, 0.2)
    for _ in range(int(rng.integers(2, 4))):
        for k in range(int(rng.integers(5, 9))):
            hit = high(white(rng, n), 2500) * attack_decay(n, 0.0002, 0.003)
            overlay(out, dome, at, between(rng, 0.5, 1.0) * (0.7 if k % 2 else 1.0))
            overlay(out, hit, at, 0.7)
            at += between(rng, 0.038, 0.06)
        at += between(rng, 0.15, 0.45)
        if at > len(out) / SR - 0.6:
            break
    out = outdoors(rng, out, distance=between(rng, 2, 14), wet=between(rng, 0.1, 0.25))
    return out + 0.006 * coloured(rng, len(out), 3.5)


def beep(rng: Generator) -> Signal:
    """Beeps of an appliance: a square-driven buzzer with its narrow resonance, in groups."""
    out = np.zeros(samples(between(rng, 2.2, 2.9)))
    hz, length = between(rng, 980, 3200), between(rng, 0.07, 0.4)
    gap, group = length * between(rng, 0.7, 1.5), int(rng.integers(1, 5))
    n = samples(length)
    tone = partials(steady(n, hz), 6.0, even=0.15)
    buzzer = 0.4 * tone + resonate(tone, [(between(rng, 2200, 4000), 3.0, 1.0)])
    edge = min(0.003 / length, 0.2)
    sound = normal(buzzer) * curve(n, [(0, 0), (edge, 1), (1 - edge, 1), (1, 0)])
    at, k = between(rng, 0.05, 0.3), 1
    while at < len(out) / SR - length:
        overlay(out, sound, at)
        at += length + gap + (between(rng, 0.4, 0.6) if k % group == 0 and group > 1 else 0)
        k += 1
    out = room(rng, out, rt60=between(rng, 0.25, 0.8), wet=between(rng, 0.15, 0.45), size=5)
    return out + between(rng, 0.003, 0.012) * low(coloured(rng, len(out), 3.5), 6000)
