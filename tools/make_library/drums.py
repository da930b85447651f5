"""Drums and cymbals: skins by their modes, metal as dense modes and noise, patterns of both."""

import numpy as np
from numpy.random import Generator

from .dsp import (
    SR,
    Signal,
    attack_decay,
    band,
    between,
    coloured,
    high,
    low,
    normal,
    overlay,
    phase,
    samples,
    times,
    white,
)
from .modes import modal
from .space import room


def kick(rng: Generator) -> Signal:
    """One stroke of a bass drum: a tone that falls, the beater, air pushed out."""
    n = samples(0.5)
    t, f0 = times(n), between(rng, 42, 66)
    sweep = f0 * (1 + between(rng, 1.2, 3.5) * np.exp(-t / between(rng, 0.012, 0.03)))
    tone = np.sin(phase(sweep)) * 10 ** (-3 * t / between(rng, 0.28, 0.5))
    head = modal(0.3, [1.6 * f0, 2.2 * f0, 2.9 * f0], [0.2, 0.14, 0.1], [0.4, 0.3, 0.2], rng=rng)
    overlay(tone, head, 0.0)
    m = samples(0.02)
    beater = band(white(rng, m), 300, between(rng, 1000, 4800), 1) * attack_decay(m, 0.0005, 0.015)
    overlay(tone, normal(beater), 0.0, between(rng, 0.15, 0.7))
    m = samples(0.2)
    air = low(coloured(rng, m, 3.0), 400) * attack_decay(m, 0.001, 0.2)
    overlay(tone, air, 0.0, between(rng, 0.3, 1.4))
    return tone * np.minimum(t / 0.001, 1)


def snare_hit(rng: Generator, tune: float, snap: float) -> Signal:
    """One stroke: two coupled heads that fall in pitch, wires that buzz against the lower one."""
    n = samples(0.4)
    t = times(n)
    bend = 1 + 0.08 * np.exp(-t / 0.02)
    head = np.zeros(n)
    for ratio, t60, height in ((1, 0.15, 1), (1.83, 0.13, 0.8), (1.59, 0.1, 0.5), (2.3, 0.09, 0.4),
                               (2.92, 0.07, 0.35), (3.6, 0.05, 0.3)):  # fmt: skip
        start = rng.uniform(0, 6.28)
        head += height * np.sin(phase(tune * ratio * bend, start)) * 10 ** (-3 * t / t60)
    buzz = band(white(rng, n), between(rng, 1800, 2800), between(rng, 8000, 11_000), 1)
    decay = between(rng, 0.08, 0.16)
    buzz *= attack_decay(n, 0.001, decay) + 0.15 * attack_decay(n, 0.004, 2.5 * decay)
    m = samples(0.008)
    stick = normal(high(white(rng, m), 1000)) * attack_decay(m, 0.0002, 0.006)
    out = head * np.minimum(t / 0.0006, 1) + 1.6 * snap * normal(buzz)
    overlay(out, stick, 0.0, 1.2)
    return out


def metal(rng: Generator, base: float, length: float, sizzle: float) -> Signal:
    """A cymbal: 160 modes from `base` Hz up, noise above, `length` s to -60 dB."""
    freqs = base * 2 ** rng.uniform(0, 5.2, 160)
    t60s = length * rng.uniform(0.5, 1.0, 160) * (base / freqs) ** 0.15
    heights = rng.uniform(0.3, 1.0, 160) * (freqs / base) ** 0.25
    plate = modal(min(1.1 * length, 4.0), freqs, t60s, heights, rng=rng)
    n = len(plate)
    air = high(white(rng, n), 4500, 1) * attack_decay(n, 0.002, 0.8 * length)
    return normal(plate) * np.minimum(times(n) / 0.001, 1) + sizzle * normal(air)


def closed_hat(rng: Generator, base: float) -> Signal:
    """The two plates pressed together: a short, bright tick."""
    return high(metal(rng, base, between(rng, 0.12, 0.24), between(rng, 0.5, 0.9)), 1800)


def open_hat(rng: Generator, base: float) -> Signal:
    """The two plates apart: they sizzle against each other."""
    return high(metal(rng, base, between(rng, 0.7, 1.3), between(rng, 0.7, 1.4)), 2200)


def hi_hat(rng: Generator) -> Signal:
    """Hi-hat pattern in straight or swung beats: tip and shank, open strokes that are choked."""
    out = np.zeros(samples(between(rng, 2.2, 3.1)))
    base, step = between(rng, 260, 480), between(rng, 0.14, 0.3)
    closed = [closed_hat(rng, base) for _ in range(3)]
    opened, every = open_hat(rng, base), int(rng.choice([4, 6, 8]))
    at, k, swing = 0.05, 0, between(rng, 0.0, 0.3)
    while at < len(out) / SR - 0.2:
        if k % every == every - 1:
            m = min(samples(1.6 * step), len(opened))
            choke = np.clip((m - np.arange(m)) / samples(0.02), 0, 1)
            overlay(out, opened[:m] * choke, at, 0.8)
        else:
            loud = (0.9 if k % 2 == 0 else 0.5) * between(rng, 0.85, 1.0)
            overlay(out, closed[int(rng.integers(0, 3))], at, loud)
        at += step * (1 + (swing if k % 2 == 0 else -swing)) * between(rng, 0.99, 1.01)
        k += 1
    out = room(rng, out, rt60=between(rng, 0.5, 1.1), wet=between(rng, 0.3, 0.5), dark=9000)
    return out + 0.001 * coloured(rng, len(out), 3.0)


def snare(rng: Generator) -> Signal:
    """Snare drum: back beat with ghosts, a march with flams, a roll."""
    out = np.zeros(samples(between(rng, 2.2, 3.1)))
    tune, snap = between(rng, 165, 290), between(rng, 0.25, 0.6)
    kind = int(rng.integers(0, 3))
    step = (between(rng, 0.13, 0.2), between(rng, 0.13, 0.2), between(rng, 0.04, 0.055))[kind]
    accents = ((0.0, 0.0, 1.0, 0.15), (1.0, 0.35, 0.6, 0.35), (0.5, 0.45, 0.55, 0.42))[kind]
    at, k = 0.05, 0
    while at < len(out) / SR - 0.35:
        loud = accents[k % 4] * between(rng, 0.85, 1.05)
        if loud > 0:
            overlay(out, snare_hit(rng, tune * between(rng, 0.98, 1.02), snap), at, loud)
        if kind == 1 and k % 4 == 0:
            overlay(out, snare_hit(rng, tune, snap), at - 0.028, 0.3)
        at += step * between(rng, 0.97, 1.03)
        k += 1
    return room(rng, out, rt60=between(rng, 0.5, 1.5), wet=between(rng, 0.45, 0.7), size=7)


def bass_drum(rng: Generator) -> Signal:
    """Bass drum alone: four to the floor or a slow figure, in a room or a hall."""
    out = np.zeros(samples(between(rng, 2.2, 2.9)))
    stroke, beat = kick(rng), between(rng, 0.36, 0.62)
    figure = [1.0, *(float(rng.choice([0, 0.8, 1.0])) for _ in range(3))]
    at, k = 0.05, 0
    while at < len(out) / SR - 0.3:
        overlay(out, stroke, at, figure[k % 4] * between(rng, 0.9, 1.0))
        at, k = at + beat, k + 1
    return room(rng, out, rt60=between(rng, 0.8, 1.5), wet=between(rng, 0.45, 0.65), size=6)


def cymbal(rng: Generator) -> Signal:
    """A crash that rings on, or a ride with its bell of stick clicks."""
    n = samples(between(rng, 2.3, 3.4))
    out = np.zeros(n)
    if rng.random() < 0.5:
        at = between(rng, 0.05, 0.3)
        while at < n / SR - 0.8:
            crash = metal(rng, between(rng, 260, 480), between(rng, 2.2, 4.0), 0.9)
            overlay(out, high(crash, 250), at, between(rng, 0.7, 1.0))
            at += between(rng, 1.2, 3.0)
    else:
        base, step = between(rng, 380, 620), between(rng, 0.17, 0.3)
        ping = high(metal(rng, base, between(rng, 1.4, 2.4), 0.4), 400)
        m = samples(0.01)
        tip = normal(high(white(rng, m), 3000)) * attack_decay(m, 0.0003, 0.008)
        at, k = 0.05, 0
        while at < n / SR - 0.3:
            if k % 4 != 1:
                overlay(out, ping, at, between(rng, 0.5, 0.8))
                overlay(out, tip, at, 2.0)
            at, k = at + step, k + 1
    return room(rng, out, rt60=between(rng, 0.4, 1.2), wet=between(rng, 0.1, 0.3), dark=8000)


def tambourine(rng: Generator) -> Signal:
    """Pairs of tin jingles on a hoop: each shake is a burst of small collisions."""
    out = np.zeros(samples(between(rng, 2.2, 2.9)))
    base, ring = between(rng, 2800, 3900), between(rng, 0.1, 0.28)
    jingles = [
        modal(
            0.4, base * 4 ** rng.random(36), ring * rng.uniform(0.2, 1, 36), rng.random(36), rng=rng
        )
        for _ in range(14)
    ]
    step, strong = between(rng, 0.11, 0.19), int(rng.choice([2, 4]))
    at, k = 0.06, 0
    while at < len(out) / SR - 0.25:
        loud = 1.0 if k % strong == strong // 2 else 0.4
        for _ in range(int(rng.integers(18, 36))):
            late = float(rng.gamma(2.0, 0.011))
            jingle = jingles[int(rng.integers(0, 14))]
            overlay(out, jingle, at + late, loud * rng.lognormal(-0.3, 0.5))
        if loud == 1.0:
            m = samples(0.05)
            slap = band(white(rng, m), 250, 1800) * attack_decay(m, 0.001, 0.05)
            overlay(out, slap, at, 1.2)
        at, k = at + step * between(rng, 0.97, 1.03), k + 1
    return room(rng, out, rt60=between(rng, 0.2, 0.6), wet=between(rng, 0.1, 0.25), dark=9000)


def maraca(rng: Generator) -> Signal:
    """Seeds in a gourd: clouds of tiny impacts through one broad resonance."""
    n = samples(between(rng, 2.2, 2.9))
    out, step = np.zeros(n), between(rng, 0.12, 0.2)
    middle = between(rng, 3200, 6000)
    at, k = 0.05, 0
    while at < n / SR - 0.15:
        m = samples(between(rng, 0.06, 0.1))
        seeds = (rng.random(m) < 0.05) * rng.lognormal(0, 0.6, m) * rng.choice([-1, 1], m)
        shape = attack_decay(m, between(rng, 0.012, 0.03), 0.09)
        burst = band(seeds * shape, 0.6 * middle, 1.6 * middle, 1)
        overlay(out, normal(burst), at, 1.0 if k % 2 == 0 else 0.55)
        at, k = at + step * between(rng, 0.96, 1.04), k + 1
    return room(rng, out, rt60=0.3, wet=0.15, dark=9000)


def timed(rng: Generator, out: Signal, sound: Signal, places: list[float], loud: float) -> None:
    """Add a stroke at each place in s, a little uneven."""
    for at in places:
        if at < len(out) / SR:
            overlay(out, sound, at + rng.uniform(0, 0.006), loud * between(rng, 0.85, 1.0))


def drum_kit(rng: Generator) -> Signal:
    """Bass drum, snare, hi-hat in a groove, a crash at its start."""
    beat = between(rng, 0.4, 0.68)
    n = samples(min(8 * beat + 0.2, 5.0))
    out = np.zeros(n)
    base, tune, snap = between(rng, 420, 900), between(rng, 170, 240), between(rng, 0.5, 1.0)
    eighths = [0.05 + 0.5 * beat * k for k in range(16)]
    kicks = [eighths[k] for k in (0, 8) + ((5, 13), (3, 10), (7, 11, 15))[int(rng.integers(0, 3))]]
    timed(rng, out, kick(rng), kicks, 2.2)
    timed(rng, out, snare_hit(rng, tune, snap), [eighths[k] for k in (2, 6, 10, 14)], 0.75)
    hats = eighths if rng.random() < 0.6 else [at + d for at in eighths for d in (0, 0.25 * beat)]
    timed(rng, out, closed_hat(rng, base), hats, 0.22)
    timed(rng, out, open_hat(rng, base)[: samples(0.5 * beat)], [eighths[7]], 0.3)
    if rng.random() < 0.6:
        timed(rng, out, high(metal(rng, 320, 2.5, 0.8), 250), [eighths[0]], 0.35)
    return room(rng, low(out, 14_000), rt60=between(rng, 0.3, 0.9), wet=between(rng, 0.15, 0.35))
