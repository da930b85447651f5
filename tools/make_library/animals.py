"""Beasts by source and filter: a throat, formants that move with the mouth, a place around."""

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
    low,
    normal,
    overlay,
    samples,
    soft_clip,
    times,
    wander,
)
from .modes import modal, pulses, through
from .space import mix, outdoors, room
from .voice import Formant, formants, steady, throat, vibrato


def _outside(rng: Generator, x: Signal, far: tuple[float, float], hush: float) -> Signal:
    """`x` in the open from `far` m, over a hush of up to `hush`."""
    out = outdoors(rng, x, distance=between(rng, *far), wet=between(rng, 0.04, 0.28))
    return out + between(rng, 0.2 * hush, hush) * coloured(rng, len(out), between(rng, 2.8, 4.2))


def _bark(rng: Generator, size: float, pitch: float, harsh: float) -> Signal:
    """One bark of 0.13-0.3 s; `size` 0 (lap dog) to 1 (mastiff), `pitch` in Hz at the top."""
    n = samples(between(rng, 0.1, 0.2) + 0.07 * size)
    f0 = pitch * curve(n, [(0, 0.7), (0.2, 1.0), (0.5, 0.95), (1, 0.55)])
    source = throat(rng, f0, tilt=7, jitter=0.015, rough=harsh, breath=0.35)
    scale = 1.4 - 0.6 * size
    jaw = curve(n, [(0, 0.5), (0.25, 1.0), (0.6, 0.9), (1, 0.5)])
    tracks = [
        Formant(scale * (380 + 420 * jaw), 260 * scale, 0),
        Formant(scale * (950 + 450 * jaw), 380 * scale, -3),
        Formant(steady(n, 2600 * scale), 600, -12),
        Formant(steady(n, 4300 * scale), 900, -20),
    ]
    shape = curve(n, [(0, 0), (0.08, 0.8), (0.25, 1), (0.5, 0.6), (0.8, 0.12), (1, 0)])
    return normal(soft_clip(formants(source, tracks), 0.5) * shape)


def dog(rng: Generator) -> Signal:
    """Barks in groups, in a yard or a room."""
    size = float(rng.uniform(0, 1))
    pitch = between(rng, 680, 1080) * (1 - size) + between(rng, 300, 500) * size
    harsh = between(rng, 0.15, 0.65)
    out = np.zeros(samples(between(rng, 2.4, 4.2)))
    at = between(rng, 0.08, 0.3)
    while at < len(out) / SR - 0.5:
        for _ in range(int(rng.integers(1, 4))):
            call = _bark(rng, size, pitch * between(rng, 0.92, 1.08), harsh)
            overlay(out, call, at, between(rng, 0.7, 1.0))
            at += between(rng, 0.24, 0.5)
        at += between(rng, 0.15, 0.7)
    if rng.random() < 0.5:
        out = room(rng, out, rt60=between(rng, 0.25, 1.1), wet=between(rng, 0.15, 0.5))
    else:
        out = outdoors(rng, out, distance=between(rng, 2, 45), wet=between(rng, 0.1, 0.45))
    return out + between(rng, 0.002, 0.014) * coloured(rng, len(out), between(rng, 3.0, 4.5))


def meow(rng: Generator) -> Signal:
    """Mi-a-ow: the mouth opens and closes over a pitch that arches a little."""
    out = np.zeros(samples(between(rng, 2.1, 3.6)))
    base, at = between(rng, 640, 900), between(rng, 0.1, 0.3)
    tilt, breath = between(rng, 2.0, 8.0), between(rng, 0.0, 0.15)
    first, second = between(rng, 1400, 1700), between(rng, 2300, 3000)
    balance, ends = between(rng, -10, -3), between(rng, 0.6, 0.85)
    while at < len(out) / SR - 0.9:
        n = samples(between(rng, 0.5, 1.0))
        f0 = base * curve(n, [(0, 0.86), (0.25, 1.04), (0.6, 1.0), (0.85, 0.95), (1, ends)])
        f0 = f0 * (1 + wander(rng, n, 6, 0.006))
        source = throat(rng, f0, tilt=tilt, jitter=0.002, rough=0.0, breath=breath)
        tracks = [
            Formant(first * curve(n, [(0, 0.5), (0.35, 1), (0.65, 0.9), (1, 0.55)]), 420, balance),
            Formant(second * curve(n, [(0, 1.15), (0.35, 1), (0.7, 0.85), (1, 0.6)]), 600, 0),
            Formant(steady(n, 3900), 600, -8),
            Formant(steady(n, 6500), 1300, -16),
        ]
        shape = curve(n, [(0, 0), (0.15, 0.6), (0.4, 1), (0.75, 0.6), (1, 0)])
        overlay(out, normal(formants(source, tracks, floor=-30)) * shape, at)
        at += n / SR + between(rng, 0.25, 0.6)
    out = room(rng, out, rt60=between(rng, 0.2, 0.7), wet=between(rng, 0.08, 0.3))
    return out + between(rng, 0.002, 0.008) * coloured(rng, len(out), 4.0)


def purr(rng: Generator) -> Signal:
    """Purring: some 25 laryngeal pulses a second, louder out than in, heard from near."""
    n = samples(between(rng, 3.0, 4.5))
    breath = np.sin(2 * np.pi * times(n) / between(rng, 1.0, 1.7) + rng.uniform(0, 6))
    rate = between(rng, 26, 33) * (1 + 0.05 * np.tanh(3 * breath)) * (1 + wander(rng, n, 3, 0.02))
    train = pulses(rng, rate, jitter=between(rng, 0.01, 0.12), spread=between(rng, 0.28, 0.4))
    size = samples(0.04)
    bottom, top = between(rng, 200, 290), between(rng, 420, 540)
    burst = attack_decay(size, between(rng, 0.001, 0.003), between(rng, 0.019, 0.029))
    cloud = low(through(np.abs(train), burst), 400, 1)
    air = band(coloured(rng, n, between(rng, 2.5, 5.0)), bottom, top, 1) * cloud
    thump = through(
        train,
        modal(0.04, [between(rng, 60, 150), between(rng, 200, 400)], [0.03, 0.02], [1.0, 0.6]),
    )
    depth = between(rng, 0.5, 0.95)
    loud = 1 - depth + depth * (0.5 + 0.5 * np.tanh(2.5 * breath))
    hush = band(coloured(rng, n, 2.0), 500, 6000, 1) * loud
    return mix(
        (air * loud, 0), (thump * loud, between(rng, -24, 0)), (hush, between(rng, -34, -20))
    )


def sheep(rng: Generator) -> Signal:
    """Bleats: a tense nasal voice that shakes; one sheep near, sometimes a lamb further off."""
    out = np.zeros(samples(between(rng, 2.2, 3.8)))
    flock = 1 + int(rng.random() < 0.4)
    for other in range(flock):
        base = between(rng, 210, 360) * (1.5 if other else 1.0)
        shake, depth = between(rng, 6.5, 9.5), between(rng, 0.04, 0.07)
        size, near = between(rng, 0.85, 1.1), 1.0 if other == 0 else between(rng, 0.15, 0.4)
        at = between(rng, 0.1, 0.3) + 0.6 * other
        while at < len(out) / SR - 0.8:
            call = _bleat(rng, base * between(rng, 0.93, 1.07), shake, depth, size)
            overlay(out, call, at, near * between(rng, 0.7, 1.0))
            at += len(call) / SR + between(rng, 0.2, 0.9)
    return _outside(rng, out, (2, 30), 0.02)


def _bleat(rng: Generator, base: float, shake: float, depth: float, size: float) -> Signal:
    """One bleat: the mouth opens from a hum, the tremor is in pitch and strength alike."""
    n = samples(between(rng, 0.6, 1.2))
    tremor = vibrato(n, shake, depth, onset=0.1)
    f0 = base * curve(n, [(0, 0.9), (0.15, 1.05), (0.6, 1.0), (1, 0.85)]) * tremor
    source = throat(rng, f0, tilt=4, jitter=0.008, rough=between(rng, 0.15, 0.5), breath=0.15)
    tracks = [
        Formant(size * curve(n, [(0, 400), (0.2, 680), (0.8, 640), (1, 480)]), 160, 0),
        Formant(size * curve(n, [(0, 1200), (0.2, 1650), (1, 1450)]), 220, -1),
        Formant(steady(n, 2500 * size), 350, -4),
        Formant(steady(n, 3700 * size), 600, -9),
    ]
    shape = curve(n, [(0, 0), (0.1, 0.8), (0.4, 1), (0.8, 0.7), (1, 0)]) * tremor**7
    return normal(formants(source, tracks)) * shape
