"""Small things in the house: keys, glass, doors, cutlery, coins, zips, switches, water closets."""

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
from .modes import modal, pulses
from .space import mix, room
from .voice import partials, steady


def thing(
    rng: Generator,
    lowest: float,
    count: int,
    ring: float,
    *,
    spread: float = 6.0,
    hard: float = 0.5,
) -> Signal:
    """A small stiff object struck once: `count` modes over `spread` times `lowest` Hz."""
    freqs = lowest * spread ** np.sort(rng.random(count))
    t60s = ring * (lowest / freqs) ** 0.5 * rng.lognormal(-0.7, 0.5, count)
    out = modal(1.3 * ring, freqs, t60s, rng.lognormal(0, 0.7, count), rng=rng)
    m = samples(0.006)
    tap = band(white(rng, m), 0.5 * lowest, 12_000, 1) * attack_decay(m, 0.0003, 0.005)
    out = normal(out) * float(np.sqrt(len(out) / SR / 0.05))
    overlay(out, normal(tap), 0.0, 2 * hard)
    return out


def handful(rng: Generator, n: int, things: list[Signal], rate: float, burst: float) -> Signal:
    """Things that collide by chance, `rate` times a second, in bursts of `burst` dB, (n,)."""
    crowd = np.clip(gusts(rng, n, between(rng, 2, 4), burst), 0.01, 20)
    return grains(rng, n, rate, things, spread=0.8, density=crowd)


def kitchen(rng: Generator, x: Signal, wet: float) -> Signal:
    """`x` in a small hard room with a little hiss."""
    out = room(rng, x, rt60=between(rng, 0.25, 0.5), wet=wet, size=4, dark=8000)
    return out + float(np.std(out)) * between(rng, 0.004, 0.05) * coloured(rng, len(x), 3.0)


def typing(rng: Generator) -> Signal:
    """A computer keyboard: each key goes down and comes up, two small clicks each, in bursts."""
    n = samples(between(rng, 2.3, 3.6))
    out, pace, at = np.zeros(n), between(rng, 4.5, 10), 0.08
    lowest, highest = between(rng, 900, 1600), between(rng, 5000, 8500)
    while at < n / SR - 0.25:
        for late, loud in ((0.0, 1.0), (between(rng, 0.07, 0.13), 0.4)):
            for k in range(2):
                m = samples(between(rng, 0.01, 0.03))
                edges = lowest * between(rng, 0.8, 1.2), highest * between(rng, 0.8, 1.2)
                click = band(white(rng, m), *edges, 1) * attack_decay(m, 0.0004, m / SR)
                place = at + late + k * between(rng, 0, 0.015)
                overlay(out, normal(click), place, loud * between(rng, 0.4, 1.0))
        at += float(rng.gamma(4, 0.25)) / pace + (
            between(rng, 0.2, 0.6) if rng.random() < 0.1 else 0
        )
    out = room(rng, out, rt60=between(rng, 0.2, 0.35), wet=between(rng, 0.38, 0.5), size=3)
    return out + float(np.std(out)) * between(rng, 0.1, 0.4) * coloured(rng, n, between(rng, 1, 4))


def keys_jangling(rng: Generator) -> Signal:
    """A bunch of keys shaken: small flat steel, high and short, in swings."""
    n = samples(between(rng, 2.2, 2.9))
    lowest = between(rng, 2300, 3000)
    keys = [
        thing(rng, lowest * between(rng, 0.85, 1.18), 10, between(rng, 0.025, 0.1), spread=3.5,
              hard=between(rng, 0.3, 1.0))
        for _ in range(10)
    ]  # fmt: skip
    out = handful(rng, n, keys, between(rng, 28, 50), between(rng, 8.5, 10))
    return kitchen(rng, out, between(rng, 0.2, 0.45))


def glass_chink(rng: Generator) -> Signal:
    """Glasses in a rack that touch: thin bowls, a few high modes each, short when held."""
    n = samples(between(rng, 2.2, 2.9))
    lowest = between(rng, 2600, 3600)
    glasses = [
        thing(rng, lowest * between(rng, 0.8, 1.3), 6, between(rng, 0.06, 0.14), spread=7, hard=1.2)
        for _ in range(8)
    ]
    out = handful(rng, n, glasses, between(rng, 13, 28), between(rng, 5.5, 8))
    return kitchen(rng, out, between(rng, 0.15, 0.5))


def shatter(rng: Generator) -> Signal:
    """A pane or a bottle breaks: a crack, a burst of shards, pieces that settle for a second."""
    n = samples(between(rng, 2.2, 2.9))
    out, at = np.zeros(n), between(rng, 0.1, 0.4)
    m = samples(0.12)
    overlay(out, 6 * normal(high(white(rng, m), 900, 1)) * attack_decay(m, 0.0005, 0.12), at)
    overlay(out, 3 * thing(rng, 400, 48, 0.12, spread=12, hard=2), at)
    shards = [
        thing(rng, between(rng, 2200, 6000), 8, between(rng, 0.04, 0.12), spread=5, hard=1.0)
        for _ in range(16)
    ]
    since = times(n) - at
    density = np.where(since > 0, np.exp(-since / 0.12) + 0.12 * np.exp(-since / 0.6), 0.0) + 1e-6
    out += grains(rng, n, between(rng, 90, 190), shards, spread=0.9, density=density)
    return kitchen(rng, out, between(rng, 0.25, 0.5))


def door_slam(rng: Generator) -> Signal:
    """A door thrown shut: a whoosh and a hinge, the panel's boom, the latch, the frame's rattle."""
    n = samples(between(rng, 2.2, 2.9))
    out = np.zeros(n)
    at = between(rng, 0.5, 0.9)
    m = samples(0.3)
    overlay(out, low(coloured(rng, m, 3.0), 900) * np.linspace(0, 1, m) ** 3, at - 0.3, 0.12)
    if rng.random() < 0.5:
        overlay(out, _creak(rng, 0.4, between(rng, 25, 60)), at - 0.48, 0.15)
    for _ in range(2 if rng.random() < 0.4 else 1):
        base = between(rng, 55, 110)
        ratios = np.array([1, 1.5, 2.1, 2.7, 3.6, 4.4, 5.9, 7.7, 11, 15])
        panel = modal(
            0.5, base * ratios, [0.45 / (1 + 0.3 * k) for k in range(10)], ratios**-0.5, rng=rng
        )
        k = samples(0.09)
        thump = low(white(rng, k), 1800) * attack_decay(k, 0.0008, 0.07)
        overlay(out, normal(panel), at)
        overlay(out, normal(thump), at, 4.0)
        bang = band(coloured(rng, k, 3.0), 120, 6000, 1) * attack_decay(k, 0.0008, 0.06)
        overlay(out, normal(bang), at, between(rng, 3.0, 6.0))
        overlay(
            out, thing(rng, 700, 16, 0.05, spread=8, hard=1.2), at - between(rng, 0.03, 0.09), 0.8
        )
        at += between(rng, 0.9, 1.3)
    return room(
        rng, out, rt60=between(rng, 0.5, 1.6), wet=between(rng, 0.3, 0.7), size=6, dark=3000
    )


def _creak(rng: Generator, length: float, rate: float) -> Signal:
    """Stick and slip of a dry hinge: pulses whose pace drifts, through a few modes of wood."""
    n = samples(length)
    pace = rate * 2 ** wander(rng, n, 3.5, 0.6) * curve(n, [(0, 0.6), (0.5, 1.4), (1, 0.8)])
    train = pulses(rng, pace, jitter=0.08, spread=0.3)
    wood = [(between(rng, 350, 800), 9, 1.0), (between(rng, 900, 1700), 10, 1.0),
            (between(rng, 1800, 3200), 10, 0.7)]  # fmt: skip
    shape = curve(n, [(0, 0), (0.1, 1), (0.85, 0.8), (1, 0)])
    return normal(resonate(train, wood) + 0.05 * train) * shape


def dishes(rng: Generator) -> Signal:
    """Plates and pans put down, stacked and pushed: china that rings short, in heaps."""
    n = samples(between(rng, 2.2, 3.3))
    lowest = between(rng, 1050, 1700)
    plates = [
        thing(rng, lowest * between(rng, 0.6, 1.7), 14, between(rng, 0.045, 0.1), spread=6.5,
              hard=between(rng, 0.3, 1.9))
        for _ in range(10)
    ]  # fmt: skip
    out = handful(rng, n, plates, between(rng, 12, 24), between(rng, 2, 4))
    return kitchen(rng, out, between(rng, 0.4, 0.55))


def coins(rng: Generator) -> Signal:
    """Coins dropped on a table, one, some, a handful: thick discs, high and very short."""
    n = samples(between(rng, 2.2, 2.9))
    lowest = between(rng, 1100, 3000)
    discs = [
        thing(rng, lowest * between(rng, 0.7, 1.5), 40, between(rng, 0.028, 0.055), spread=7)
        for _ in range(10)
    ]
    out = handful(rng, n, discs, between(rng, 30, 60), between(rng, 5, 9))
    return kitchen(rng, out, between(rng, 0.22, 0.4))


def microwave(rng: Generator) -> Signal:
    """Hum and fan of a microwave oven, then its beeps."""
    n = samples(between(rng, 2.6, 3.7))
    end = between(rng, 0.55, 0.75)
    on = curve(n, [(0, 1), (end, 1), (end + 0.03, 0.05), (1, 0.05)])
    hum = partials(steady(n, float(rng.choice([100.0, 120.0]))), between(rng, 3, 6))
    fan = band(coloured(rng, n, 3.0), 120, 5000, 1)
    out = mix((hum, 0), (fan, between(rng, -4, 3))) * on
    m, at = samples(between(rng, 0.15, 0.5)), (end + 0.06) * n / SR
    beep = partials(steady(m, between(rng, 1900, 2500)), 8.0, even=0.3)
    beep = normal(beep) * curve(m, [(0, 0), (0.03, 1), (0.97, 1), (1, 0)])
    while at < n / SR - m / SR:
        overlay(out, beep, at, 0.8)
        at += 1.7 * m / SR
    return room(rng, out, rt60=0.4, wet=0.4, size=4)


def hammering(rng: Generator) -> Signal:
    """A nail driven into a board: steel on steel that rises in pitch, the bench's thump."""
    n = samples(between(rng, 2.2, 3))
    out, at = np.zeros(n), between(rng, 0.1, 0.3)
    nail, bench = between(rng, 1800, 3400), between(rng, 90, 180)
    gap = between(rng, 0.4, 0.8)
    while at < n / SR - 0.3:
        blow = thing(rng, nail, 24, between(rng, 0.04, 0.1), spread=4, hard=1.6)
        k = samples(0.12)
        body = resonate(white(rng, k) * attack_decay(k, 0.0006, 0.08), [(bench, 1.5, 1.0)])
        body += 0.3 * band(white(rng, k), 300, 2500, 1) * attack_decay(k, 0.0005, 0.05)
        overlay(out, blow, at, 0.8)
        overlay(out, 2.5 * normal(body), at, between(rng, 0.8, 1.0))
        at, nail = at + gap * between(rng, 0.75, 1.3), nail * 1.02
    return room(rng, out, rt60=between(rng, 0.3, 0.9), wet=0.35, size=6)
