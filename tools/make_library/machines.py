"""Engines, rotors, rails, horns, sirens: pulse trains through resonances, on the move."""

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
    gusts,
    high,
    low,
    normal,
    overlay,
    phase,
    resonate,
    samples,
    soft_clip,
    times,
    wander,
    white,
)
from .modes import modal, pulses, through
from .space import mix, outdoors, pass_by, room
from .voice import partials, steady


def _exhaust(rng: Generator, length: float, modes: list[tuple[float, float]]) -> Signal:
    """Answer of an exhaust to one firing: damped (Hz, height) modes and a puff of noise."""
    freqs, heights = zip(*modes, strict=True)
    n = samples(length)
    ring = modal(length, freqs, [0.8 * length] * len(freqs), heights, rng=rng)
    puff = band(white(rng, n), 300, 6000, 1) * attack_decay(n, 0.0005, 0.5 * length)
    return normal(ring[:n]) + 0.5 * normal(puff)


def _revs(rng: Generator, n: int, idle: float, full: float) -> Signal:
    """Firing rate of a saw at work: idle, blips of the trigger, wobble under load, (n,)."""
    points, at = [(0.0, full if rng.random() < 0.6 else idle)], 0.0
    while at < 0.98:
        hold = at + between(rng, 0.12, 0.4)
        rate = (
            full * between(rng, 0.85, 1.05) if rng.random() < 0.75 else idle * between(rng, 1, 1.8)
        )
        points += [(min(at + 0.06, 0.99), rate), (min(max(hold, at + 0.08), 1.0), rate)]
        at = hold
    unique = {round(where, 4): rate for where, rate in points}
    return curve(n, sorted(unique.items())) * (1 + wander(rng, n, 7, 0.025))


def chainsaw(rng: Generator) -> Signal:
    """Two-stroke engine: one firing a turn, hard exhaust, chain over the bar, wood biting."""
    n = samples(between(rng, 2.9, 4.4))
    full = between(rng, 105, 195)
    flutter = between(rng, 0.006, 0.035)
    rate = _revs(rng, n, between(rng, 35, 62), full) * (1 + wander(rng, n, 25, flutter))
    effort = np.clip(rate / full, 0, 1.2)
    train = pulses(rng, rate, jitter=between(rng, 0.0, 0.03), spread=between(rng, 0.05, 0.25))
    decay = between(rng, 0.006, 0.012)
    size = samples(0.03)
    puff = coloured(rng, size, between(rng, 0.5, 2.8)) * attack_decay(size, 0.0005, 3 * decay)
    ported = through(train, normal(puff))
    ported += between(rng, 0.4, 1.5) * resonate(
        ported, [(between(rng, 250, 500), 1.5, 1.0), (between(rng, 700, 2000), 1.5, 1.0)]
    )
    tone = normal(partials(rate, between(rng, 3.0, 7.0)))
    rasp = band(coloured(rng, n, between(rng, 1.0, 2.5)), 800, 12000, 1) * effort**2
    rasp *= 1 + between(rng, 0.4, 0.9) * np.sin(phase(rate))
    out = mix(
        (soft_clip(ported, between(rng, 0.3, 2.0)) * effort**0.7, 0),
        (tone * effort, between(rng, -4, 3)),
        (rasp, between(rng, -12, -2)),
    )
    return outdoors(rng, out, distance=between(rng, 3, 40), wet=between(rng, 0.1, 0.4))


def four_stroke(rng: Generator, rate: Signal, idle: float) -> Signal:
    """Engine that fires `rate` (n,) times a second: unequal cylinders, pipe, valve clatter."""
    train = pulses(
        rng, rate, jitter=between(rng, 0.02, 0.07), spread=between(rng, 0.1, 0.26), cycle=4
    )
    modes = [
        (between(rng, a, b), h)
        for a, b, h in ((50, 85, 1.2), (115, 185, 1.0), (250, 400, 0.6), (600, 1000, 0.3))
    ]
    exhaust = low(through(train, _exhaust(rng, 0.05, modes)), between(rng, 500, 1100), 1)
    valves = pulses(rng, 4 * rate, jitter=0.05, spread=0.4, cycle=8)
    tick = high(white(rng, samples(0.008)), 1200) * attack_decay(samples(0.008), 0.0005, 0.008)
    whir = band(coloured(rng, len(rate), 4.0), 100, 3000, 1) * (rate / idle)
    return mix(
        (exhaust, 0),
        (through(valves, tick), between(rng, -26, -14)),
        (whir, between(rng, -9, -3)),
    )


def engine(rng: Generator) -> Signal:
    """A car's engine that is revved once."""
    n = samples(between(rng, 2.6, 3.8))
    idle = between(rng, 38, 72)
    points = [(0.0, 1.0), (0.3, 1.0), (0.48, between(rng, 1.0, 2.6)), (0.75, 1.3), (1.0, 1.0)]
    rate = idle * curve(n, points) * (1 + wander(rng, n, 4, 0.015))
    out = four_stroke(rng, rate, idle)
    return outdoors(rng, out, distance=between(rng, 2, 18), wet=between(rng, 0.12, 0.32))


def idling(rng: Generator) -> Signal:
    """A car, van or lorry that stands with its engine on."""
    n = samples(between(rng, 2.4, 3.6))
    idle = between(rng, 21, 36)
    out = four_stroke(rng, idle * (1 + wander(rng, n, 2.5, 0.02)), idle)
    return outdoors(rng, out, distance=between(rng, 2, 9), wet=between(rng, 0.05, 0.2))


def helicopter(rng: Generator) -> Signal:
    """Rotor: a soft thump at each blade, wash that beats with it, gears and turbine behind."""
    n = samples(between(rng, 2.9, 4.1))
    rate = steady(n, between(rng, 11.0, 20.0)) * (1 + wander(rng, n, 0.5, 0.01))
    train = pulses(rng, rate, jitter=0.01, spread=0.06, cycle=int(rng.integers(2, 5)))
    size = samples(0.12)
    thump = modal(0.12, [between(rng, 44, 78), between(rng, 88, 145)], [0.16, 0.12], [1.0, 0.8])
    crack = band(white(rng, size), 80, between(rng, 500, 1500), 1) * attack_decay(size, 0.015, 0.1)
    blades = through(train, normal(thump) + between(rng, 0.1, 0.5) * normal(crack))
    beat = 0.5 + 0.5 * np.cos(phase(rate))
    wash = band(coloured(rng, n, 4.5), 60, 2500, 1) * (between(rng, 0.3, 0.8) + beat**2)
    hiss = band(coloured(rng, n, 3.0), 600, 7000, 1) * (0.6 + 0.6 * beat)
    gears = partials(steady(n, between(rng, 380, 620)) * (1 + wander(rng, n, 1, 0.002)), 5)
    out = mix(
        (blades, 0),
        (wash, between(rng, -2, 4)),
        (hiss, between(rng, -16, -8)),
        (gears, between(rng, -34, -22)),
    )
    path = [(0.0, rng.uniform(0.3, 1)), (rng.uniform(0.3, 0.7), 1.0), (1.0, rng.uniform(0.3, 1))]
    return outdoors(
        rng, out * curve(n, path), distance=between(rng, 12, 100), wet=between(rng, 0.2, 0.4)
    )


def vacuum_cleaner(rng: Generator) -> Signal:
    """Universal motor and fan: whine with harmonics under broad air noise, run up, moved about."""
    n = samples(between(rng, 2.5, 3.7))
    start = between(rng, 0.0, 0.12)
    spin = curve(n, [(0.0, 0.35), (start + 0.12, 0.95), (0.5, 1.0), (1.0, 1.0)])
    f0 = between(rng, 200, 370) * spin * (1 + wander(rng, n, 1.5, 0.006))
    whine = resonate(partials(f0, 5.0), [(1200, 1.0, 1.0), (3200, 1.5, 0.6)]) + 0.2 * partials(
        f0, 8
    )
    air = resonate(
        coloured(rng, n, 2.5),
        [(between(rng, 420, 800), 0.7, 1.0), (between(rng, 2000, 3200), 0.6, 0.6)],
    )
    air = (air + 0.25 * coloured(rng, n, 1.5)) * spin**2 * gusts(rng, n, 1.5, 1.2)
    hum = partials(steady(n, 100.0), 6)
    out = mix((air, 0), (whine * spin, between(rng, -10, -5)), (hum, -22))
    return room(rng, out, rt60=between(rng, 0.3, 0.7), wet=between(rng, 0.5, 0.9), size=5)


def wheels(rng: Generator, n: int) -> Signal:
    """Bogies over rail joints: pairs of double clacks that pass at an even pace, (n,)."""
    out, gap, size = np.zeros(n), between(rng, 1.0, 1.8), samples(0.25)
    clacks = []
    for _ in range(4):
        hit = coloured(rng, size, between(rng, 4.0, 6.5)) * attack_decay(
            size, between(rng, 0.003, 0.015), between(rng, 0.1, 0.2)
        )
        body = resonate(hit, [(between(rng, 180, 360), 3, 1.0), (between(rng, 500, 1100), 3, 0.5)])
        clacks.append(hit + 2 * body)
    at = -gap * rng.random()
    while at < n / SR:
        for k, late in enumerate((0.0, 0.13, 0.36, 0.49)):
            overlay(out, clacks[k], at + late * gap, between(rng, 0.5, 1.0))
        at += gap * between(rng, 0.97, 1.03)
    return out


def _air_horn(rng: Generator, n: int) -> Signal:
    """Chord of a locomotive horn: bright reeds, a breath of air, a slow start, (n,)."""
    root = between(rng, 235, 310)
    total = np.zeros(n)
    for ratio in (1.0, 1.19, 1.335, 1.68):
        f0 = steady(n, root * ratio) * (1 + wander(rng, n, 5, 0.002))
        total += normal(partials(f0, 4.0)) * between(rng, 0.6, 1.0)
    horn = resonate(total, [(800, 1.0, 1.0), (1600, 1.2, 0.5)]) + 0.3 * total
    return low(normal(horn) + 0.05 * high(white(rng, n), 1500), 3500, 1)


def train(rng: Generator) -> Signal:
    """Cars over joints with rumble, roar and squeal; in some clips the horn calls."""
    n = samples(between(rng, 3.5, 4.2))
    joints = wheels(rng, n)
    sway = gusts(rng, n, 3, 1.2) * (1 + 0.6 * low(np.abs(joints), 8, 1) / np.std(joints))
    rumble = low(coloured(rng, n, 4.5, 40), 300) * sway
    roar = band(coloured(rng, n, 4.0), 150, 5000, 1) * sway
    layers = [(joints, 0.0), (rumble, between(rng, -6, -3)), (roar, between(rng, -6, 1))]
    if rng.random() < 0.4:
        f0 = between(rng, 1800, 3200) * (1 + wander(rng, n, 2, 0.01))
        squeal = (partials(f0, 8) + 0.3 * partials(1.47 * f0, 8)) * gusts(rng, n, 3, 6)
        layers.append((squeal, between(rng, -30, -20)))
    if rng.random() < 0.5:
        blow = np.zeros(n)
        length = samples(between(rng, 1.0, 2.2))
        shape = curve(length, [(0, 0), (0.06, 1), (0.9, 1), (1, 0)])
        overlay(blow, _air_horn(rng, length) * shape, between(rng, 0.3, 1.6))
        layers.append((blow, between(rng, -3, 3)))
    out = mix(*layers)
    return outdoors(rng, out, distance=between(rng, 8, 45), wet=between(rng, 0.2, 0.45))


def car_horn(rng: Generator) -> Signal:
    """Two diaphragm horns a third apart, one to four honks, in a street."""
    out = np.zeros(samples(between(rng, 2.2, 2.9)))
    root, ratio = between(rng, 300, 430), between(rng, 1.19, 1.3)
    at = between(rng, 0.1, 0.3)
    for _ in range(int(rng.integers(1, 5))):
        length = between(rng, 0.15, 1.0)
        n = samples(length)
        start = 1 - 0.06 * np.exp(-times(n) / 0.02)
        tone = partials(root * start, 1.0) + partials(root * ratio * start, 1.0)
        horn = resonate(tone, [(1300, 2.0, 1.0), (2600, 2.5, 1.0), (3600, 3.0, 0.5)]) + 0.12 * tone
        shape = curve(n, [(0, 0), (min(0.015 / length, 0.3), 1), (1 - 0.02 / length, 0.95), (1, 0)])
        overlay(out, normal(horn) * shape, at)
        at += length + between(rng, 0.12, 0.4)
        if at > len(out) / SR - 0.5:
            break
    out = outdoors(rng, out, distance=between(rng, 5, 40), wet=between(rng, 0.3, 0.7))
    street = low(coloured(rng, len(out), 3.5), 2500) * gusts(rng, len(out), 1, 2)
    return out + between(rng, 0.01, 0.05) * street


def siren_tone(rng: Generator, n: int, kind: str) -> Signal:
    """Electronic siren through its horn: `wail`, `yelp` or `hilo`, (n,)."""
    t = times(n)
    bottom, top = between(rng, 560, 760), between(rng, 1200, 1500)
    start = rng.random()
    if kind == "hilo":
        period = between(rng, 0.9, 1.3)
        low_tone, ratio = between(rng, 400, 500), between(rng, 1.24, 1.36)
        f0 = low(low_tone * np.where(np.mod(t / period + start, 1) < 0.5, 1.0, ratio), 60, 1)
        f0 = np.maximum(f0, 200)
    else:
        period = between(rng, 2.4, 4.0) if kind == "wail" else between(rng, 0.22, 0.36)
        swing = 0.5 - 0.5 * np.cos(2 * np.pi * np.mod(t / period + start, 1) ** 0.8)
        f0 = bottom * (top / bottom) ** swing
    tone = partials(f0, 3.0)
    horn = resonate(tone, [(1100, 1.2, 1.0), (2300, 1.5, 0.8), (3400, 2.0, 0.4)]) + 0.25 * tone
    return normal(soft_clip(horn, 1.0))


def siren(rng: Generator) -> Signal:
    """An emergency vehicle: stands, or drives past with Doppler shift, in a street."""
    n = samples(between(rng, 2.9, 4.1))
    kind = ("wail", "wail", "yelp", "hilo")[int(rng.integers(0, 4))]
    tone = siren_tone(rng, n, kind)
    if rng.random() < 0.5:
        when = between(rng, 0.35, 0.7) * n / SR
        tone = pass_by(tone, speed=between(rng, 12, 26), closest=between(rng, 5, 12), when=when)
    out = outdoors(rng, tone, distance=between(rng, 10, 50), wet=between(rng, 0.3, 0.8))
    street = low(coloured(rng, n, 3.5), 2500) * gusts(rng, n, 1, 2)
    return mix((out, 0), (street, between(rng, -28, -18)))
