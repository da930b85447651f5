"""Feet and hands: steps on several grounds, clapping, applause."""

import numpy as np
from numpy.random import Generator

from .dsp import (
    SR,
    Signal,
    attack_decay,
    band,
    between,
    coloured,
    grains,
    gusts,
    high,
    low,
    normal,
    overlay,
    resonate,
    samples,
    white,
)
from .space import outdoors, room


def _grit(rng: Generator, top: float) -> Signal:
    """A stone or a clod that shifts: a short noise with one broad resonance, 6-20 ms."""
    m = samples(between(rng, 0.006, 0.02))
    grain = white(rng, m) * attack_decay(m, 0.0008, between(rng, 0.008, 0.03))
    return low(resonate(grain, [(between(rng, 350, top), 1.6, 1.0)]), 1.5 * top)


def _press(rng: Generator, n: int, length: float) -> Signal:
    """How the weight comes down over one step: three to five uneven pushes, (n,)."""
    press = np.zeros(n)
    for _ in range(int(rng.integers(3, 6))):
        push = np.hanning(samples(length * between(rng, 0.25, 0.6)))
        at = between(rng, 0, length) - 0.5 * len(push) / SR
        overlay(press, push, max(at, 0.0), between(rng, 0.3, 1.0))
    return press


def _loose_step(rng: Generator, top: float, clicks: float) -> Signal:
    """One step on gravel: stones grind under the sole, some click; 0.5 s."""
    n = samples(0.5)
    press = _press(rng, n, between(rng, 0.16, 0.26))
    grind = band(coloured(rng, n, 1.0, 300), 300, top, 2) * gusts(rng, n, 200, 5.0)
    kernels = [_grit(rng, top) for _ in range(12)]
    slips = grains(rng, n, 250, kernels, spread=1.0, density=press + 1e-9) * np.sqrt(press)
    hiss = 0.06 * high(white(rng, n), 2500)
    return normal((grind + hiss) * press) + clicks * normal(slips)


def _firm_step(rng: Generator, tone: float, scrape: float, ring: float) -> Signal:
    """One step on earth or boards: heel and ball of the foot thump, the sole rubs faintly; 0.5 s.

    Thumps are damped waves of two or three periods near `tone` Hz; `ring` lengthens them.
    """
    n = samples(0.5)
    out, m = np.zeros(n), samples(0.16)
    toe = between(rng, 0.04, 0.11)
    for late, strength in ((0.0, 1.0), (toe, between(rng, 0.4, 0.9))):
        push = white(rng, m) * attack_decay(m, 0.003, 0.03)
        hz = tone * between(rng, 0.85, 1.2)
        thump = resonate(push, [(hz, 1.5 * ring, 1.0), (2.6 * hz, 2.0 * ring, 0.25)])
        overlay(out, normal(low(thump, 4 * tone)), late, strength)
    rub = low(coloured(rng, n, 2.0, 400), 3500, 1) * _press(rng, n, toe + 0.12)
    return out + scrape * normal(rub)


def footsteps(rng: Generator) -> Signal:
    """Someone walks or hurries, on gravel, on earth or on a floor of boards."""
    ground = ("gravel", "earth", "earth", "floor", "floor")[int(rng.integers(0, 5))]
    out = np.zeros(samples(between(rng, 3.0, 4.6)))
    gap, at, foot = between(rng, 0.42, 0.66), between(rng, 0.05, 0.3), 0
    tone, scrape = between(rng, 130, 240), between(rng, 0.02, 0.12)
    top, clicks = between(rng, 1900, 3200), between(rng, 0.3, 1.0)
    while at < len(out) / SR - 0.4:
        if ground == "gravel":
            step = _loose_step(rng, top, clicks)
        else:
            step = _firm_step(rng, tone, scrape, 1.0 if ground == "earth" else 1.1)
        overlay(out, step, at, between(rng, 0.6, 1.0) * (1 - 0.15 * (foot % 2)))
        at, foot = at + gap * between(rng, 0.94, 1.07), foot + 1
    if ground == "floor":
        wet = between(rng, 0.04, 0.16)
        out = room(rng, out, rt60=between(rng, 0.3, 1.2), wet=wet, size=between(rng, 4, 12))
    else:
        out = outdoors(rng, out, distance=between(rng, 1.5, 6), wet=between(rng, 0.02, 0.08))
    return out + between(rng, 0.005, 0.03) * coloured(rng, len(out), between(rng, 3.0, 4.2))


def _clap(rng: Generator, cup: float, dull: float) -> Signal:
    """One clap: skin meets in 2-5 bursts over some ms; the palms resonate at `cup` Hz."""
    out, n = np.zeros(samples(0.08)), samples(0.05)
    for _ in range(int(rng.integers(2, 6))):
        hit = white(rng, n) * attack_decay(n, 0.0003, between(rng, 0.012, 0.035))
        overlay(out, hit, 0.006 * rng.random(), rng.uniform(0.4, 1.0))
    ringing = resonate(out, [(cup, 1.8, 1.6), (2.1 * cup, 1.6, 0.8)])
    return normal(low(ringing + 0.3 * high(out, 1500), dull, 1))


def clapping(rng: Generator) -> Signal:
    """One to eight people clap, each with their own hands, pace and place."""
    out = np.zeros(samples(between(rng, 2.6, 4.2)))
    for person in range(int(rng.choice([1, 2, 3, 5, 8]))):
        cup, gap = between(rng, 1450, 2700), between(rng, 0.19, 0.38)
        dull = between(rng, 3500, 10_000)
        at, loud = between(rng, 0.0, 0.4), 1.0 if person == 0 else between(rng, 0.4, 0.9)
        while at < len(out) / SR - 0.1:
            clap = _clap(rng, cup * between(rng, 0.9, 1.1), dull)
            overlay(out, clap, at, loud * between(rng, 0.65, 1))
            at += gap * between(rng, 0.93, 1.08)
    rt60, size = between(rng, 0.3, 1.1), between(rng, 5, 15)
    out = room(rng, out, rt60=rt60, wet=between(rng, 0.04, 0.18), size=size)
    return out + between(rng, 0.003, 0.012) * coloured(rng, len(out), 4.0)
