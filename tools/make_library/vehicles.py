"""On the road, on rails, in the air, at sea: motors that pull, tyres, propellers, jets, horns."""

import numpy as np
from numpy.random import Generator

from .dsp import (
    SR,
    Signal,
    at_times,
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
    resonate,
    samples,
    shaped,
    soft_clip,
    times,
    wander,
    white,
)
from .modes import modal, pulses, through
from .space import mix, outdoors, pass_by, room
from .voice import partials, steady


def _pipe(rng: Generator, length: float, lowest: float) -> Signal:
    """Answer of an exhaust pipe to one firing: a puff, and modes above `lowest` Hz."""
    freqs = lowest * np.array([1.0, 2.1, 3.0, 4.2, 6.1, 9.0]) * rng.uniform(0.9, 1.1, 6)
    t60s = length * np.array([1.0, 0.8, 0.6, 0.5, 0.4, 0.3])
    ring = modal(length, freqs, t60s, np.array([1, 0.8, 0.6, 0.5, 0.35, 0.25]), rng=rng)
    puff = band(white(rng, len(ring)), 150, 5000, 1) * attack_decay(len(ring), 0.001, 0.4 * length)
    return normal(ring) + between(rng, 0.2, 0.6) * normal(puff)


def bursts(rng: Generator, train: Signal, length: float, slope: float) -> Signal:
    """Noise that bursts at each pulse of `train` for about `length` s, never the same twice."""
    m = samples(3 * length)
    envelope = through(np.abs(train), attack_decay(m, 0.1 * length, 3 * length))
    return coloured(rng, len(train), slope) * envelope


def motor(
    rng: Generator,
    rate: Signal,
    *,
    cycle: int,
    lowest: float,
    rough: float,
    load: Signal,
    breath: float = 0.1,
) -> Signal:
    """A piston engine that fires `rate` (n,) times a second, in cycles of `cycle` cylinders.

    `lowest` is the lowest mode of its exhaust in Hz, `rough` in 0..1 how unevenly it burns,
    `load` (n,) opens the throttle: louder, brighter, more intake noise; `breath` is the noise of
    the gas against the tone of the pipe.
    """
    n = len(rate)
    train = pulses(rng, rate, jitter=0.02 + 0.05 * rough, spread=0.08 + 0.25 * rough, cycle=cycle)
    exhaust = through(train, _pipe(rng, 0.06, lowest))
    gas = normal(bursts(rng, train, 0.35 / float(np.mean(rate)), 2.0))
    gas = low(resonate(gas, [(4 * lowest, 1.5, 1.0), (11 * lowest, 1.5, 0.7)]) + 0.2 * gas, 7000, 1)
    exhaust = normal(exhaust) + breath * normal(gas)
    dull, sharp = low(exhaust, 5 * lowest, 1), high(exhaust, 3 * lowest, 1)
    intake = band(coloured(rng, n, 3.0), 150, 4000, 1) * (0.4 + load)
    gears = partials(rate * between(rng, 1.6, 3.4), 6.0) * load
    knocks = pulses(rng, 2 * rate, jitter=0.05, spread=0.5, cycle=2 * cycle)
    m = samples(0.006)
    tappets = through(knocks, band(white(rng, m), 1500, 7000, 1) * attack_decay(m, 0.0004, 0.006))
    return mix(
        (soft_clip(normal(dull) * (0.5 + load) + 0.7 * normal(sharp) * load, 0.6), 0),
        (intake, between(rng, -14, -8)),
        (gears, between(rng, -24, -15)),
        (tappets, between(rng, -28, -18)),
    )


def revving(rng: Generator) -> Signal:
    """Someone blips the throttle of a car, or pulls away through a gear or two."""
    n = samples(between(rng, 2.6, 3.8))
    idle, top = between(rng, 24, 40), between(rng, 110, 210)
    if rng.random() < 0.5:
        change = between(rng, 0.45, 0.65)
        points = [(0, idle), (0.12, 0.4 * top), (change, top), (change + 0.06, 0.55 * top),
                  (1, 0.95 * top)]  # fmt: skip
    else:
        points = [(0, idle), (0.08, idle), (0.2, top), (0.36, 1.3 * idle), (0.44, 1.2 * idle),
                  (0.6, 0.9 * top), (0.8, 1.3 * idle), (1, idle)]  # fmt: skip
    rate = curve(n, points) * (1 + wander(rng, n, 4, 0.01))
    rising = np.clip(np.gradient(rate) * SR / top, -0.5, 1.0)
    load = np.clip(0.35 + 0.5 * rate / top + 0.6 * low(rising, 8, 1), 0.1, 1.6)
    out = motor(
        rng, rate, cycle=4, lowest=between(rng, 60, 130), rough=between(rng, 0.05, 0.35), load=load
    )
    return outdoors(rng, out * load, distance=between(rng, 3, 15), wet=between(rng, 0.1, 0.3))


def motorcycle(rng: Generator) -> Signal:
    """One or two cylinders with little to muffle them: idles, blips, rides off or by."""
    n = samples(between(rng, 2.6, 3.8))
    idle, top = between(rng, 14, 24), between(rng, 60, 120)
    kind = int(rng.integers(0, 3))
    points = (
        [(0, idle), (0.25, 1.1 * idle), (0.36, 0.6 * top), (0.55, 1.5 * idle), (0.7, 0.8 * top),
         (1, 1.4 * idle)],
        [(0, 0.4 * top), (0.35, top), (0.42, 0.6 * top), (0.8, top), (0.86, 0.65 * top),
         (1, 0.85 * top)],
        [(0, 0.9 * top), (1, 0.95 * top)],
    )[kind]  # fmt: skip
    rate = curve(n, points) * (1 + wander(rng, n, 5, 0.015))
    load = np.clip(0.4 + 0.8 * rate / top, 0.3, 1.4)
    out = motor(
        rng,
        rate,
        cycle=2,
        lowest=between(rng, 70, 140),
        rough=between(rng, 0.4, 0.9),
        load=load,
        breath=between(rng, 0.35, 0.6),
    )
    if kind == 2:
        when = between(rng, 0.4, 0.6) * n / SR
        out = pass_by(out, speed=between(rng, 15, 30), closest=between(rng, 4, 9), when=when)
    return outdoors(rng, out, distance=between(rng, 3, 15), wet=between(rng, 0.1, 0.3))


def car_passing(rng: Generator) -> Signal:
    """Tyres on asphalt, dry or wet, that swell, pass and go; a motor under them."""
    n = samples(between(rng, 2.9, 4.1))
    speed, closest = between(rng, 16, 34), between(rng, 3, 7)
    when = between(rng, 0.4, 0.6) * n / SR
    wet = rng.random() < 0.3
    tyres = band(coloured(rng, n, 2.0), 250, 3500, 1)
    tyres += 0.7 * normal(band(white(rng, n), 700, 1300, 1))
    if wet:
        tyres += 0.6 * high(white(rng, n), 2500, 1)
    rate = steady(n, between(rng, 60, 110))
    engine = motor(rng, rate, cycle=4, lowest=70, rough=0.15, load=np.full(n, 0.5))
    rush = low(coloured(rng, n, 4.0), 500)
    near = mix((tyres, 0), (engine, between(rng, -6, 3)), (rush, between(rng, -8, -2)))
    gone = pass_by(near, speed=speed, closest=closest, when=when, floor=0.03)
    distance = np.hypot(closest, speed * (times(n) - when))

    def air(hz: Signal, seconds: Signal) -> Signal:
        edge = 9000 / (1 + at_times(distance, seconds[0])[None, :] / 25)
        return 1 / np.sqrt(1 + (hz / edge) ** 2)

    street = low(coloured(rng, n, 4.0), 900) * gusts(rng, n, 0.6, 1.5)
    out = outdoors(rng, shaped(gone, air), distance=4, wet=0.15)
    return mix((out, 0), (street, between(rng, -34, -22)))


def over_ground(x: Signal, late: Signal, amount: float) -> Signal:
    """`x` with its reflection off the ground `late` (n,) s after it: the comb that sweeps."""
    place = np.arange(len(x)) - late * SR
    return x + amount * np.interp(place, np.arange(len(x)), x, left=0.0)


def jet(rng: Generator) -> Signal:
    """A jet overhead: a roar that darkens as it goes, the whine of its fan, the ground's comb."""
    n = samples(between(rng, 3, 4.4))
    middle = between(rng, 0.35, 0.65)
    path = curve(n, [(0, between(rng, 0.3, 0.7)), (middle, 1), (1, between(rng, 0.3, 0.6))])
    edge = 300 + between(rng, 1500, 4000) * path**2

    def air(hz: Signal, seconds: Signal) -> Signal:
        return 1 / (1 + (hz / at_times(edge, seconds[0])[None, :]) ** 2)

    roar = shaped(coloured(rng, n, 2.5, 60), air) * gusts(rng, n, 12, 0.8)
    rumble = low(coloured(rng, n, 3.0, 30), 250) * gusts(rng, n, 10, 1.0)
    fan = between(rng, 1100, 2600) * curve(n, [(0, 1.15), (middle, 1.0), (1, 0.8)])
    whine = (normal(partials(fan, 9.0)) + 0.5 * normal(partials(1.37 * fan, 9.0))) * path
    out = mix((roar, 0), (rumble, between(rng, -6, 0)), (whine, between(rng, -28, -15)))
    late = between(rng, 0.0012, 0.004) * curve(n, [(0, 0.25), (middle, 1.0), (1, 0.2)])
    return outdoors(rng, over_ground(out * path, late, 0.7), distance=between(rng, 8, 40), wet=0.15)


def propeller_plane(rng: Generator) -> Signal:
    """A small aeroplane: blades and cylinders that beat, a drone that bends as it passes."""
    n = samples(between(rng, 3, 4.4))
    rate = between(rng, 64, 110) * (1 + wander(rng, n, 0.7, 0.004))
    fire = motor(
        rng,
        rate,
        cycle=6,
        lowest=between(rng, 80, 130),
        rough=0.5,
        load=np.full(n, 0.7),
        breath=between(rng, 0.1, 0.3),
    )
    blades = partials(rate * between(rng, 1.004, 1.03), between(rng, 4.5, 6.5))
    near = mix((low(fire, 1800, 1), 0), (blades, between(rng, -5, 1)))
    when = between(rng, 0.3, 0.7) * n / SR
    flown = pass_by(
        near, speed=between(rng, 30, 55), closest=between(rng, 60, 140), when=when, floor=0.1
    )
    late = between(rng, 0.001, 0.003) * curve(n, [(0, 0.4), (0.5, 1.0), (1, 0.4)])
    return outdoors(rng, over_ground(flown, late, 0.6), distance=between(rng, 20, 60), wet=0.2)


def foghorn(rng: Generator) -> Signal:
    """A ship's or lighthouse's horn: low reeds or a piston, one or two long blasts, echoes."""
    n = samples(between(rng, 3, 4.3))
    out = np.zeros(n)
    f0, at = between(rng, 75, 190), between(rng, 0.1, 0.4)
    while at < n / SR - 1.0:
        length = between(rng, 1.3, 2.6)
        m = samples(length)
        pitch = f0 * (1 - 0.05 * np.exp(-times(m) / 0.08)) * (1 + wander(rng, m, 6, 0.002))
        tone = partials(pitch, between(rng, 2.5, 5.0)) + 0.5 * partials(1.006 * pitch, 5.0)
        tone = 0.3 * normal(tone) + normal(
            resonate(tone, [(between(rng, 220, 420), 1.5, 1.0), (900, 1.5, 0.4)])
        )
        air = 0.05 * band(white(rng, m), 300, 3000, 1)
        shape = curve(m, [(0, 0), (0.07, 1), (0.9, 1), (1, 0)])
        overlay(out, (tone + air) * shape, at)
        at += length + between(rng, 0.5, 1.2)
    out = room(
        rng, out, rt60=between(rng, 1.5, 3.0), wet=between(rng, 0.3, 0.6), size=30, dark=1500
    )
    sea = band(coloured(rng, n, 3.5), 80, 3000, 1) * gusts(rng, n, 0.5, 3)
    return mix((out, 0), (sea, between(rng, -36, -26)))


def train_horn(rng: Generator) -> Signal:
    """Five air chimes of a locomotive in a chord, two to four blasts, over far wheels."""
    n = samples(between(rng, 3.4, 4.2))
    out, root = np.zeros(n), between(rng, 270, 345)
    ratios = ((1.0, 1.19, 1.335, 1.5, 1.78), (1.0, 1.26, 1.5, 1.68), (1.0, 1.335))
    chord = ratios[int(rng.integers(0, 3))]
    at = between(rng, 0.1, 0.3)
    while at < n / SR - 0.5:
        length = between(rng, 0.5, 1.7)
        m = samples(length)
        total = np.zeros(m)
        for ratio in chord:
            f0 = (
                root
                * ratio
                * (1 - 0.03 * np.exp(-times(m) / 0.06))
                * (1 + wander(rng, m, 4, 0.001))
            )
            total += normal(partials(f0, between(rng, 2.5, 4.5))) * between(rng, 0.6, 1.0)
        horn = resonate(total, [(900, 1.0, 1.0), (1900, 1.2, 0.7)]) + 0.3 * total
        air = 0.06 * high(white(rng, m), 1200)
        shape = curve(m, [(0, 0), (min(0.08 / length, 0.3), 1), (0.92, 1), (1, 0)])
        overlay(out, (normal(horn) + air) * shape, at)
        at += length + between(rng, 0.2, 0.6)
    rumble = low(coloured(rng, n, 4.5, 40), 700) * gusts(rng, n, 3, 2)
    roar = band(coloured(rng, n, 4.0), 150, 4000, 1) * gusts(rng, n, 5, 1.5)
    far = outdoors(rng, out, distance=between(rng, 20, 90), wet=between(rng, 0.4, 0.8))
    return mix((far, 0), (rumble, between(rng, -12, -3)), (roar, between(rng, -12, -4)))
