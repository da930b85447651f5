"""Tools and household machines: motors, blades, needles, fans, print heads."""

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
    resonate,
    samples,
    wander,
    white,
)
from .modes import pulses, through
from .space import mix, outdoors, room
from .vehicles import bursts
from .voice import partials


def universal_motor(rng: Generator, speed: Signal, slots: float) -> Signal:
    """Brush motor that turns `speed` (n,) times a second: its slots' whine, brushes, imbalance."""
    whine = partials(slots * speed, 4.0)
    second = partials(2.37 * slots * speed, 6.0)
    hum = partials(speed, 5.0)
    brush = band(white(rng, len(speed)), 1500, 9000, 1)
    brush *= 1 + 0.6 * np.sin(2 * np.pi * np.cumsum(slots * speed) / SR)
    return mix(
        (whine, 0), (second, between(rng, -14, -6)), (hum, between(rng, -12, -3)),
        (brush, between(rng, -14, -6)),
    )  # fmt: skip


def drill(rng: Generator) -> Signal:
    """Electric drill: runs up, bites, labours, runs free; some with a hammer."""
    n = samples(between(rng, 2.2, 3.4))
    top, start = between(rng, 28, 55), between(rng, 0.03, 0.12)
    points = [(0, 0.15), (start, 0.3), (start + 0.1, 1.0), (0.35, 0.98), (0.45, 0.72), (0.7, 0.68),
              (0.8, 0.98), (0.93, 0.95), (1, 0.4)]  # fmt: skip
    speed = top * curve(n, points) * (1 + wander(rng, n, 9, 0.012))
    gear = universal_motor(rng, speed, between(rng, 14, 24))
    work = curve(n, [(0, 0), (0.38, 0), (0.46, 1), (0.7, 1), (0.78, 0), (1, 0)])
    bite = band(coloured(rng, n, 1.5), 500, 8000, 1) * work * gusts(rng, n, 12, 3)
    out = mix((gear * (0.5 + 0.5 * speed / top), 0), (bite, between(rng, -10, -2)))
    if rng.random() < 0.4:
        m = samples(0.03)
        blow = band(white(rng, m), 300, 5000, 1) * attack_decay(m, 0.0005, 0.03)
        hammer = through(pulses(rng, 1.1 * speed, jitter=0.02, spread=0.2), blow) * work
        out = mix((out, 0), (hammer, between(rng, -2, 5)))
    return room(rng, out, rt60=between(rng, 0.3, 0.8), wet=between(rng, 0.2, 0.5), size=4)


def sewing_machine(rng: Generator) -> Signal:
    """Stitches: needle bar, shuttle and feed clack in turn, in runs that start and stop."""
    n = samples(between(rng, 2.3, 3.6))
    top = between(rng, 9, 17)
    points = [(0, 0.3), (0.1, 0.9), (0.35, 1.0), (0.5, 0.8), (0.62, 1.0), (0.9, 0.95), (1, 0.4)]
    rate = top * curve(n, points) * (1 + wander(rng, n, 3, 0.03))
    out = np.zeros(n)
    for late, base, loud in ((0.0, 1400, 1.0), (0.3, 2600, 0.7), (0.55, 600, 0.9)):
        beats = pulses(rng, rate, jitter=0.02, spread=0.25)
        clack = bursts(rng, beats, between(rng, 0.008, 0.02), 0.5)
        clack = clack + resonate(clack, [(base * between(rng, 0.8, 1.3), 3, 2), (2.7 * base, 3, 1)])
        out += np.roll(normal(clack), samples(late / top)) * loud
    whine = universal_motor(rng, 9 * rate, 4)
    out = mix((out, 0), (whine, between(rng, -10, -3)))
    return room(rng, out, rt60=between(rng, 0.2, 0.5), wet=between(rng, 0.2, 0.4), size=4)


def jackhammer(rng: Generator) -> Signal:
    """A pneumatic hammer on concrete: blows, exhaust bursts, rubble; it stops and starts."""
    n = samples(between(rng, 2.3, 3.4))
    rate = between(rng, 17, 30) * (1 + wander(rng, n, 2, 0.02))
    on = curve(n, [(0, 1), (0.5, 1), (0.52, 0), (0.6, 0), (0.62, 1), (1, 1)])
    on = on if rng.random() < 0.5 else np.ones(n)
    train = pulses(rng, rate, jitter=0.03, spread=0.3)
    chisel = bursts(rng, train, between(rng, 0.004, 0.009), 0.0)
    chisel = high(chisel, 700, 1) + resonate(chisel, [(between(rng, 1500, 3500), 3, 1.5)])
    ground = low(bursts(rng, train, 0.015, 4.0), 500)
    gas = band(bursts(rng, train, 0.03, 1.0), 400, 5000, 1)
    out = mix((chisel, 0), (ground, between(rng, -6, 0)), (gas, between(rng, -9, -3))) * on
    rubble = band(coloured(rng, n, 2.0), 500, 7000, 1) * gusts(rng, n, 15, 4) * on
    return outdoors(
        rng, mix((out, 0), (rubble, -16)), distance=between(rng, 5, 30), wet=between(rng, 0.2, 0.4)
    )


def hand_saw(rng: Generator) -> Signal:
    """Sawing wood by hand: strokes to and fro, teeth that rasp faster in the middle."""
    n = samples(between(rng, 2.4, 3.4))
    out, at, push = np.zeros(n), 0.05, True
    length, teeth = between(rng, 0.19, 0.32), between(rng, 140, 480)
    lowest, highest = between(rng, 950, 1300), between(rng, 2600, 4700)
    wood = [(lowest, 2.5, 1.0), (2.6 * lowest, 2.5, 0.9), (highest, 2.5, 0.6)]
    slope, dust = between(rng, 0.2, 2.5), between(rng, 0.1, 1.6)
    while at < n / SR - length:
        m = samples(length * between(rng, 0.92, 1.08))
        speed = np.sin(np.pi * np.arange(m) / m) ** 0.7
        bites = pulses(rng, 20 + teeth * speed, jitter=0.18, spread=0.5)
        rasp = bursts(rng, bites, 0.004, slope) + dust * coloured(rng, m, slope) * speed
        stroke = normal(resonate(rasp, wood) + 0.3 * rasp) * speed
        overlay(out, stroke, at, 1.0 if push else between(rng, 0.4, 0.75))
        at, push = at + length * between(rng, 0.95, 1.15), not push
    out = low(out, between(rng, 6000, 10_500), 1)
    return room(rng, out, rt60=between(rng, 0.3, 0.8), wet=between(rng, 0.36, 0.58), size=5)


def shaver(rng: Generator) -> Signal:
    """Electric shaver or clippers: a reed that swings at twice the mains, harsh, by the ear."""
    n = samples(between(rng, 2.2, 3))
    rate = between(rng, 96, 124) * (1 + wander(rng, n, 2, 0.004))
    buzz = partials(rate, between(rng, 1.5, 3.0)) + 0.3 * white(rng, n)
    skin = resonate(
        buzz, [(between(rng, 700, 1300), 1.5, 1.0), (between(rng, 2400, 4200), 1.5, 1.0)]
    )
    stubble = band(white(rng, n), 2000, 9000, 1) * np.clip(wander(rng, n, 6, 1.0), 0, 3)
    moved = gusts(rng, n, 1.5, 2.5)
    out = mix((skin * moved, 0), (0.1 * buzz, -14), (stubble, between(rng, -22, -14)))
    return room(rng, out, rt60=0.3, wet=0.35, size=2.5)
