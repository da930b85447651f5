"""Birds: song, chirps, owls, and the voices of the yard, by syrinx and beak."""

import numpy as np
from numpy.random import Generator

from .dsp import (
    SR,
    Signal,
    band,
    between,
    coloured,
    curve,
    normal,
    overlay,
    phase,
    samples,
    wander,
    white,
)
from .space import outdoors
from .voice import Formant, formants, steady, throat, vibrato


def _air(rng: Generator, x: Signal, far: tuple[float, float], hush: tuple[float, float]) -> Signal:
    """`x` in the open from `far` m, over a hush of leaves at a level drawn from `hush`."""
    out = outdoors(rng, x, distance=between(rng, *far), wet=between(rng, 0.02, 0.16))
    return out + between(rng, *hush) * coloured(rng, len(out), between(rng, 2.2, 4.0))


def _crow_part(rng: Generator, f0: Signal, rough: Signal, beak: tuple[float, float]) -> Signal:
    """A stretch of a crow through a wide-open beak; `rough` (n,) 0 clear to 1 torn."""
    n = len(f0)
    clear = throat(rng, f0 * (1 + wander(rng, n, 12, 0.004)), tilt=6, jitter=0.002, breath=0.04)
    shaken = f0 * (1 + wander(rng, n, 170, 0.04))
    torn = throat(rng, shaken, tilt=4, jitter=0.01, rough=1.0, breath=0.7)
    tracks = [
        Formant(steady(n, beak[0]), 1100, 0),
        Formant(steady(n, beak[1]), 1100, -5),
        Formant(steady(n, 5000), 1600, -16),
    ]
    return formants(clear * (1 - rough) + torn * rough, tracks, floor=-34)


def rooster(rng: Generator) -> Signal:
    """Cock-a-doodle-doo: a short call, then one long breath, torn at first, clear, torn at last."""
    base, torn = between(rng, 840, 1020), between(rng, 0.7, 1.0)
    beak = (between(rng, 1250, 1700), between(rng, 2300, 2900))
    out = np.zeros(samples(between(rng, 2.4, 3.0)))
    n, at = samples(between(rng, 0.2, 0.3)), between(rng, 0.05, 0.2)
    f0 = base * between(rng, 0.85, 1.0) * curve(n, [(0, 0.9), (0.3, 1.05), (1, 0.9)])
    first = _crow_part(rng, f0, np.full(n, torn), beak)
    overlay(out, first * curve(n, [(0, 0), (0.12, 0.9), (0.7, 1), (1, 0)]), at, 0.6)
    at += n / SR + between(rng, 0.07, 0.16)
    n = samples(between(rng, 1.0, 1.45))
    end = between(rng, 0.76, 0.88)
    f0 = base * curve(
        n, [(0, 0.88), (0.07, 1.04), (0.25, 1.07), (0.5, 1.03), (0.85, 0.96), (1, end)]
    )
    rest = between(rng, 0.0, 0.3)
    tears = [
        (0, torn),
        (0.1, 0.6 * torn),
        (0.2, torn),
        (0.28, 0.3 + rest),
        (0.36, torn),
        (0.45, 0.1),
    ]
    tears += [(0.75, 0.1), (0.9, 0.7 * torn), (1, torn)]
    long = _crow_part(rng, f0, curve(n, tears), beak)
    dip = between(rng, 0.35, 0.7)
    shape = [(0, 0), (0.02, 0.9), (0.12, 1), (0.17, dip), (0.21, 1), (0.33, dip), (0.38, 1)]
    shape += [(0.85, 0.8), (0.96, 0.4), (1, 0)]
    overlay(out, long * curve(n, shape), at)
    return _air(rng, out, (3, 35), (0.003, 0.02))


def _sweep(rng: Generator, kind: int, middle: float, length: float) -> Signal:
    """One note of a song bird: fall, hook, trill, rise, two voices or a thin whistle."""
    n = samples(length)
    u = np.linspace(0, 1, n)
    shapes = [
        curve(n, [(0, 1.4), (0.3, 1.05), (1, 0.78)]),
        curve(n, [(0, 0.75), (0.45, 1.35), (1, 0.85)]),
        1 + between(rng, 0.08, 0.2) * np.sin(2 * np.pi * u * length * between(rng, 22, 60)),
        curve(n, [(0, 0.8), (0.7, 1.1), (1, 1.3)]),
        curve(n, [(0, 1.1), (0.2, 0.8), (0.6, 1.2), (1, 1.0)]),
        np.ones(n),
    ]
    f0 = np.clip(middle * shapes[kind], 1500, 9000) * (1 + wander(rng, n, 60, 0.004))
    tone = np.sin(phase(f0)) + between(rng, 0.02, 0.15) * np.sin(2 * phase(f0))
    if kind == 4:
        tone = tone + 0.6 * np.sin(phase(between(rng, 1.25, 1.6) * f0))
    puff = np.sin(np.pi * u ** between(rng, 0.6, 1.2)) ** 0.8
    return np.asarray(tone * puff, dtype=np.float64)


def _song(rng: Generator, n: int, middle: float, rest: tuple[float, float]) -> Signal:
    """One singer: motifs of a note said several times, with rests, (n,)."""
    out, at = np.zeros(n), between(rng, 0.05, 0.5)
    while at < n / SR - 0.3:
        kind, pitch = int(rng.integers(0, 6)), middle * between(rng, 0.7, 1.35)
        length, step = between(rng, 0.04, 0.22), between(rng, 0.94, 1.06)
        for _ in range(int(rng.integers(1, 9))):
            note = _sweep(rng, kind, pitch, length)
            overlay(out, note, at, between(rng, 0.5, 1.0))
            at += length * between(rng, 1.1, 1.6) + 0.008
            pitch *= step
        at += between(rng, *rest)
    return out


def bird(rng: Generator) -> Signal:
    """A song bird near by, one or two more further off."""
    n = samples(between(rng, 3.0, 5.0))
    out = _song(rng, n, between(rng, 2700, 5600), (0.1, 0.6))
    for _ in range(int(rng.integers(0, 3))):
        out += between(rng, 0.05, 0.25) * _song(rng, n, between(rng, 2400, 6200), (0.4, 1.2))
    return _air(rng, out, (4, 40), (0.002, 0.02))


def chirp(rng: Generator) -> Signal:
    """Sparrows in a hedge: short bent chirps, rich in overtones, two to six birds."""
    n = samples(between(rng, 3.0, 4.5))
    out = np.zeros(n)
    for other in range(int(rng.integers(2, 7))):
        top, gap = between(rng, 3600, 5600), between(rng, 0.22, 0.7)
        length, at = between(rng, 0.06, 0.14), between(rng, 0, 0.6)
        near = 1.0 if other == 0 else between(rng, 0.15, 0.6)
        while at < n / SR - 0.2:
            m = samples(length * between(rng, 0.85, 1.2))
            f0 = top * curve(m, [(0, 0.62), (0.2, 1.0), (0.5, 0.8), (0.75, 0.95), (1, 0.66)])
            f0 = f0 * between(rng, 0.95, 1.05)
            note = sum(h * np.sin(k * phase(f0)) for k, h in ((1, 1.0), (2, 0.3), (3, 0.08)))
            overlay(out, note * np.sin(np.pi * np.linspace(0, 1, m)), at, near)
            at += gap * between(rng, 0.6, 1.6)
    return _air(rng, out, (3, 20), (0.003, 0.02))


def owl(rng: Generator) -> Signal:
    """Hoots: nearly pure, breathy, swelling, in one of four fixed patterns, in a wood at night."""
    pitch, bend = between(rng, 265, 370), between(rng, 0.1, 0.18)
    second, breath = between(rng, 0.03, 0.16), between(rng, 0.2, 0.5)
    patterns = (
        [(0.0, 0.28), (0.5, 0.15), (0.74, 0.15), (1.2, 0.45), (1.95, 0.42)],
        [(0.0, 0.8), (1.7, 0.16), (2.0, 0.95)],
        [(0.0, 0.4), (0.85, 0.4), (1.7, 0.4)],
        [(0.0, 0.2), (0.4, 0.2), (0.8, 0.25), (1.25, 0.6)],
    )
    pattern = patterns[int(rng.integers(0, 4))]
    pace = between(rng, 0.85, 1.15)
    out = np.zeros(samples(pace * sum(pattern[-1]) + between(rng, 0.5, 1.0)))
    for at, length in pattern:
        n = samples(pace * length)
        f0 = pitch * curve(n, [(0, 1 - bend), (0.25, 1.0), (0.7, 0.99), (1, 1 - bend)])
        if length > 0.9:
            f0 = f0 * vibrato(n, between(rng, 7, 11), 0.02, onset=0.25)
        f0 = f0 * (1 + wander(rng, n, 25, 0.004))
        tone = np.sin(phase(f0)) + second * np.sin(2 * phase(f0)) + 0.03 * np.sin(3 * phase(f0))
        air = band(white(rng, n), 0.8 * pitch, 2.5 * pitch, 1)
        shape = curve(n, [(0, 0), (0.25, 0.7), (0.5, 1), (0.75, 0.75), (1, 0)])
        overlay(out, (tone + breath * air) * shape, pace * at + 0.12, between(rng, 0.8, 1.0))
    return _air(rng, out, (20, 60), (0.035, 0.09))


def pigeon(rng: Generator) -> Signal:
    """A dove coos: a closed beak, a swollen throat, a soft roll on the longest note."""
    pitch, roll = between(rng, 420, 620), between(rng, 18, 28)
    pattern = ([(0.0, 0.3, 0), (0.42, 0.7, 1), (1.25, 0.35, 0)], [(0.0, 0.55, 1), (0.7, 0.4, 0)])
    figure = pattern[int(rng.integers(0, 2))]
    out = np.zeros(samples(between(rng, 3.0, 4.5)))
    at, length = between(rng, 0.05, 0.3), figure[-1][0] + figure[-1][1]
    while at < len(out) / SR - 0.5 * length:
        for start, lasting, rolled in figure:
            n = samples(lasting)
            f0 = pitch * curve(n, [(0, 0.88), (0.3, 1.03), (0.7, 1.0), (1, 0.9)])
            sway = np.sin(2 * np.pi * roll * np.arange(n) / SR)
            f0 = f0 * (1 + 0.03 * rolled * sway) * (1 + wander(rng, n, 30, 0.005))
            tone = np.sin(phase(f0)) + 0.12 * np.sin(2 * phase(f0)) + 0.04 * np.sin(3 * phase(f0))
            air = band(white(rng, n), 0.7 * pitch, 1.6 * pitch, 1)
            shape = curve(n, [(0, 0), (0.2, 0.8), (0.6, 1), (1, 0)]) * (1 + 0.35 * rolled * sway)
            overlay(out, (tone + 0.2 * air) * shape, at + start, between(rng, 0.8, 1.0))
        at += length + between(rng, 0.3, 0.7)
    return _air(rng, out, (3, 14), (0.004, 0.02))


def _rasp(
    rng: Generator,
    length: float,
    pitch: list[tuple[float, float]],
    throaty: float,
    tube: tuple[float, float, float],
) -> Signal:
    """A harsh call: period doubling and noise on a low tone, three resonances of the throat."""
    n = samples(length)
    f0 = curve(n, pitch) * (1 + wander(rng, n, 120, 0.02 * throaty))
    source = throat(rng, f0, tilt=3, jitter=0.008, rough=throaty, breath=0.1 + 0.35 * throaty)
    levels, widths = (0.0, -2.0, -10.0), (250.0, 350.0, 700.0)
    tracks = [
        Formant(hz * curve(n, [(0, 0.85), (0.3, 1.0), (1, 0.9)]), width, level)
        for hz, width, level in zip(tube, widths, levels, strict=True)
    ]
    shape = curve(n, [(0, 0), (0.12, 0.85), (0.5, 1), (0.85, 0.6), (1, 0)])
    return normal(formants(source, tracks, floor=-36)) * shape


def crow(rng: Generator) -> Signal:
    """Caws in twos to fours from a tree, sometimes answered."""
    out = np.zeros(samples(between(rng, 3.0, 4.5)))
    for distance in range(int(rng.integers(1, 3))):
        pitch, rough = between(rng, 440, 620), between(rng, 0.7, 1.1)
        tube = (between(rng, 1450, 1850), between(rng, 2400, 3000), between(rng, 3400, 4200))
        length, at = between(rng, 0.25, 0.42), between(rng, 0.05, 0.3) + 0.7 * distance
        while at < len(out) / SR - 0.5:
            for _ in range(int(rng.integers(2, 5))):
                arch = [(0, 0.85 * pitch), (0.2, 1.08 * pitch), (0.7, pitch), (1, 0.8 * pitch)]
                call = _rasp(rng, length, arch, rough, tube)
                overlay(out, call, at, between(rng, 0.8, 1.0) * 0.3**distance)
                at += length + between(rng, 0.12, 0.3)
            at += between(rng, 0.4, 0.9)
    return _air(rng, out, (8, 50), (0.004, 0.03))


def duck(rng: Generator) -> Signal:
    """Quacks: nasal, harsh, a row that falls in pitch and strength."""
    out = np.zeros(samples(between(rng, 2.6, 4.0)))
    pitch, rough = between(rng, 210, 300), between(rng, 0.3, 0.8)
    tube = (between(rng, 950, 1250), between(rng, 1600, 2000), between(rng, 2700, 3300))
    at = between(rng, 0.05, 0.25)
    while at < len(out) / SR - 0.4:
        loud, height, gap = 1.0, 1.0, between(rng, 0.2, 0.32)
        for _ in range(int(rng.integers(3, 8))):
            length = between(rng, 0.12, 0.2)
            arch = [(0, 0.8), (0.25, 1.05), (0.6, 1.0), (1, 0.75)]
            quack = _rasp(rng, length, [(u, pitch * height * v) for u, v in arch], rough, tube)
            overlay(out, quack, at, loud)
            at, loud, height = at + gap * between(rng, 0.9, 1.15), 0.9 * loud, 0.985 * height
        at += between(rng, 0.3, 0.8)
    return _air(rng, out, (2, 14), (0.004, 0.02))


def goose(rng: Generator) -> Signal:
    """Geese honk: the voice breaks upward within each call; a few birds at once."""
    out = np.zeros(samples(between(rng, 3.2, 4.4)))
    for other in range(int(rng.integers(1, 5))):
        pitch, rough = between(rng, 240, 350), between(rng, 0.3, 0.7)
        tube = (between(rng, 900, 1200), between(rng, 1900, 2400), between(rng, 3000, 3600))
        at, near = between(rng, 0.05, 0.5), 1.0 if other == 0 else between(rng, 0.2, 0.7)
        while at < len(out) / SR - 0.4:
            length = between(rng, 0.16, 0.28)
            arch = [(0, 0.75), (0.3, 0.85), (0.42, 1.3), (0.8, 1.25), (1, 0.95)]
            honk = _rasp(rng, length, [(u, pitch * v) for u, v in arch], rough, tube)
            overlay(out, honk, at, near * between(rng, 0.7, 1.0))
            at += length + between(rng, 0.15, 0.6)
    return _air(rng, out, (6, 40), (0.004, 0.02))
