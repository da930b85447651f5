"""Animals by source and filter: a throat or a wing, moving formants, a place around them."""

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
from .space import mix, outdoors, room
from .voice import Formant, formants, partials, steady, throat, vibrato


def _bark(rng: Generator, size: float, pitch: float, harsh: float) -> Signal:
    """One bark of 0.13-0.3 s; `size` 0 (lap dog) to 1 (mastiff), `pitch` in Hz at the top."""
    n = samples(between(rng, 0.13, 0.2) + 0.09 * size)
    f0 = pitch * curve(n, [(0, 0.6), (0.18, 1.0), (0.45, 0.92), (1, 0.5)])
    source = throat(rng, f0, tilt=4.5, jitter=0.03, rough=harsh, breath=0.5)
    scale = 1.55 - 0.75 * size
    open_jaw = curve(n, [(0, 0.5), (0.25, 1.0), (0.6, 0.9), (1, 0.55)])
    tracks = [
        Formant(520 * scale * (0.6 + 0.5 * open_jaw), 180 * scale, 0),
        Formant(1150 * scale * (0.8 + 0.25 * open_jaw), 260 * scale, -3),
        Formant(steady(n, 2500 * scale), 500, -12),
        Formant(steady(n, 4200 * scale), 900, -20),
    ]
    shape = curve(n, [(0, 0), (0.06, 0.8), (0.2, 1), (0.5, 0.6), (0.8, 0.15), (1, 0)])
    return normal(soft_clip(formants(source, tracks), 0.7) * shape)


def dog(rng: Generator) -> Signal:
    """Barks in groups, in a yard or a room; now and then a growl before them."""
    size = float(rng.uniform(0, 1))
    pitch = between(rng, 560, 800) * (1 - size) + between(rng, 190, 300) * size
    harsh = between(rng, 0.35, 0.9)
    out = np.zeros(samples(between(rng, 2.5, 5.0)))
    at = between(rng, 0.08, 0.3)
    while at < len(out) / SR - 0.5:
        for _ in range(int(rng.integers(1, 4))):
            call = _bark(rng, size, pitch * between(rng, 0.92, 1.08), harsh)
            overlay(out, call, at, between(rng, 0.7, 1.0))
            at += between(rng, 0.28, 0.45)
        at += between(rng, 0.2, 0.9)
    if rng.random() < 0.5:
        out = room(rng, out, rt60=between(rng, 0.3, 0.8), wet=between(rng, 0.2, 0.45))
    else:
        out = outdoors(rng, out, distance=between(rng, 3, 20), wet=between(rng, 0.15, 0.4))
    return out + between(rng, 0.002, 0.01) * coloured(rng, len(out), 4.0)


def _crow_syllable(
    rng: Generator, length: float, pitch: list[tuple[float, float]], rough: float
) -> Signal:
    """One syllable of a rooster: bright, pressed, formants around 1 and 2.3 kHz."""
    n = samples(length)
    f0 = curve(n, pitch) * (1 + wander(rng, n, 20, 0.008))
    source = throat(rng, f0, tilt=1.5, jitter=0.008, rough=rough, breath=0.12)
    tracks = [
        Formant(f0 * 1.9 + 100, 420, 0),
        Formant(steady(n, 2350), 700, -1),
        Formant(steady(n, 3900), 900, -8),
        Formant(steady(n, 6200), 1500, -18),
    ]
    shape = curve(n, [(0, 0), (0.08, 0.8), (0.3, 1.0), (0.85, 0.7), (1, 0)])
    return normal(formants(source, tracks)) * shape


def rooster(rng: Generator) -> Signal:
    """Cock-a-doodle-doo: two short, one rising, one long that falls and breaks."""
    base = between(rng, 430, 620)
    stretch, rough = between(rng, 0.85, 1.25), between(rng, 0.1, 0.45)
    plan = [
        (0.22, [(0, 0.75), (0.4, 1.0), (1, 0.9)], 0.7, 0.05),
        (0.16, [(0, 1.0), (0.5, 1.15), (1, 1.05)], 0.8, 0.03),
        (0.34, [(0, 1.1), (0.5, 1.45), (1, 1.4)], 1.0, 0.05),
        (1.05, [(0, 1.15), (0.12, 1.5), (0.6, 1.4), (0.85, 1.1), (1, 0.7)], 1.0, 0.0),
    ]
    out = np.zeros(samples(between(rng, 2.6, 4.5)))
    at = between(rng, 0.15, 0.5)
    for length, contour, loud, gap in plan:
        pitch = [(where, base * value) for where, value in contour]
        overlay(out, _crow_syllable(rng, stretch * length, pitch, rough), at, loud)
        at += stretch * (length + gap)
    out = outdoors(rng, out, distance=between(rng, 4, 40), wet=between(rng, 0.15, 0.45))
    return out + between(rng, 0.004, 0.02) * coloured(rng, len(out), 3.5)


def _syllable(rng: Generator, kind: int, middle: float, length: float) -> Signal:
    """One note of a song bird: sweep, hook, trill or buzz around `middle` Hz."""
    n = samples(length)
    u = np.linspace(0, 1, n)
    shapes = [
        curve(n, [(0, 1.35), (1, 0.8)]),
        curve(n, [(0, 0.8), (0.5, 1.3), (1, 0.9)]),
        1 + 0.16 * np.sin(2 * np.pi * u * length * between(rng, 25, 45)),
        curve(n, [(0, 0.85), (1, 1.25)]),
    ]
    f0 = np.clip(middle * shapes[kind], 1200, 9500)
    tone = np.sin(phase(f0)) + 0.08 * np.sin(2 * phase(f0))
    return np.asarray(tone * np.sin(np.pi * u) ** 0.7 + 0.01 * white(rng, n), dtype=np.float64)


def bird(rng: Generator) -> Signal:
    """Song of whistled motifs with rests, among leaves; sometimes a second bird far off."""
    n = samples(between(rng, 3.5, 6.0))
    out = np.zeros(n)
    for distance, loud in ((0, 1.0), (1, 0.18 if rng.random() < 0.6 else 0.0)):
        at = between(rng, 0.05, 0.6)
        middle = between(rng, 2600, 5200)
        while at < n / SR - 0.3:
            kind, repeats = int(rng.integers(0, 4)), int(rng.integers(2, 8))
            pitch, length = middle * between(rng, 0.75, 1.3), between(rng, 0.05, 0.2)
            for _ in range(repeats):
                overlay(out, _syllable(rng, kind, pitch, length), at, loud * between(rng, 0.6, 1))
                at += length * between(rng, 1.15, 1.5) + 0.01
            at += between(rng, 0.15, 0.7) + 0.4 * distance
    out = outdoors(rng, out, distance=between(rng, 5, 25), wet=between(rng, 0.1, 0.4))
    return out + between(rng, 0.003, 0.02) * coloured(rng, n, 3.0)


def _chirps(rng: Generator, n: int) -> Signal:
    """One cricket: scraper teeth ring the wing at 4-5 kHz, in chirps or one long trill."""
    carrier = between(rng, 3900, 5200)
    tooth, pulses_in = between(rng, 26, 36), int(rng.integers(3, 6))
    period = between(rng, 0.3, 0.6)
    t = times(n) + rng.uniform(0, period)
    strokes = np.clip(np.sin(2 * np.pi * tooth * t), 0, 1) ** 0.8
    sounding = np.mod(t, period) < pulses_in / tooth
    if rng.random() < 0.35:
        sounding = np.ones(n, dtype=bool)
    f0 = carrier * (1 + wander(rng, n, 3, 0.002)) * (1 - 0.012 * strokes)
    tone = np.sin(phase(f0)) + 0.06 * np.sin(2 * phase(f0))
    smooth = low(sounding.astype(np.float64), 150, 1)
    return np.asarray(tone * strokes * smooth * (1 + wander(rng, n, 2, 0.1)), dtype=np.float64)


def cricket(rng: Generator) -> Signal:
    """One near cricket, some far ones, the night behind them."""
    n = samples(between(rng, 3.5, 5.5))
    out = _chirps(rng, n)
    for _ in range(int(rng.integers(1, 5))):
        out = out + between(rng, 0.05, 0.35) * _chirps(rng, n)
    out = outdoors(rng, out, distance=between(rng, 2, 12), wet=0.12)
    return out + between(rng, 0.004, 0.02) * coloured(rng, n, 3.0)


def owl(rng: Generator) -> Signal:
    """Hoots of a large owl: nearly pure, breathy, in a fixed pattern, in a wood."""
    pitch = between(rng, 290, 430)
    patterns = (
        [(0.0, 0.3), (0.55, 0.14), (0.78, 0.16), (1.25, 0.42), (1.95, 0.4)],
        [(0.0, 0.75), (1.9, 0.2), (2.25, 1.1)],
        [(0.0, 0.35), (0.7, 0.35), (1.4, 0.55)],
    )
    pattern = patterns[int(rng.integers(0, 3))]
    out = np.zeros(samples(pattern[-1][0] + pattern[-1][1] + between(rng, 0.9, 1.6)))
    for at, length in pattern:
        n = samples(length)
        f0 = pitch * curve(n, [(0, 0.9), (0.25, 1.0), (0.7, 0.99), (1, 0.88)])
        if length > 0.9:
            f0 = f0 * vibrato(n, between(rng, 9, 13), 0.03, onset=0.3)
        tone = np.sin(phase(f0)) + 0.22 * np.sin(2 * phase(f0)) + 0.06 * np.sin(3 * phase(f0))
        air = band(white(rng, n), 0.8 * pitch, 2.5 * pitch, 1)
        shape = np.sin(np.pi * np.linspace(0, 1, n)) ** 0.6
        overlay(out, (tone + 0.1 * air) * shape, at + 0.15, between(rng, 0.8, 1.0))
    out = outdoors(rng, out, distance=between(rng, 20, 60), wet=between(rng, 0.3, 0.6))
    return out + between(rng, 0.006, 0.02) * coloured(rng, len(out), 3.5)


def _croak(
    rng: Generator, rate: float, bands: list[tuple[float, float, float]], length: float
) -> Signal:
    """One croak: a pulse train of the larynx through the vocal sac's resonances."""
    n = samples(length)
    speed = rate * curve(n, [(0, 0.8), (0.4, 1.0), (1, 1.25)])
    train = pulses(rng, speed, jitter=0.04, spread=0.12)
    tick = attack_decay(samples(0.02), 0.0005, 0.02) * white(rng, samples(0.02))
    source = 0.25 * through(train, tick) + 4 * train
    shape = curve(n, [(0, 0.2), (0.5, 0.8), (0.85, 1.0), (1, 0)])
    return normal(resonate(source, bands)) * shape


def frog(rng: Generator) -> Signal:
    """Frogs at a pond: croaks or two-part ribbits, others answering further off."""
    n = samples(between(rng, 3.0, 5.0))
    out = np.zeros(n)
    for loud in (1.0, 0.35, 0.2):
        first, second = between(rng, 450, 900), between(rng, 1500, 2600)
        bands = [(first, 7.0, 1.0), (second, 8.0, 0.9), (2.1 * second, 9.0, 0.15)]
        rate, length = between(rng, 45, 110), between(rng, 0.18, 0.4)
        at, gap = between(rng, 0.05, 0.7), between(rng, 0.5, 1.1)
        while at < n / SR - 0.4:
            overlay(out, _croak(rng, rate, bands, length), at, loud)
            overlay(out, _croak(rng, 1.3 * rate, bands, 0.5 * length), at + 1.05 * length, loud)
            at += gap * between(rng, 0.9, 1.25)
    out = outdoors(rng, out, distance=between(rng, 3, 15), wet=0.2)
    return out + between(rng, 0.005, 0.02) * coloured(rng, n, 3.0)


def meow(rng: Generator) -> Signal:
    """Mi-a-ow: the mouth opens and closes over a pitch that arches."""
    out = np.zeros(samples(between(rng, 2.0, 3.6)))
    base, at = between(rng, 430, 720), between(rng, 0.1, 0.3)
    while at < len(out) / SR - 0.9:
        n = samples(between(rng, 0.6, 1.05))
        f0 = base * curve(n, [(0, 0.8), (0.3, 1.1), (0.6, 1.0), (1, 0.62)])
        f0 = f0 * (1 + wander(rng, n, 6, 0.01))
        source = throat(rng, f0, tilt=5, jitter=0.006, rough=0.08, breath=0.1)
        tracks = [
            Formant(curve(n, [(0, 450), (0.35, 1150), (0.65, 1050), (1, 500)]), 220, 0),
            Formant(curve(n, [(0, 2700), (0.35, 2100), (0.7, 1600), (1, 1150)]), 320, -4),
            Formant(steady(n, 3700), 500, -8),
            Formant(steady(n, 5600), 900, -16),
        ]
        shape = curve(n, [(0, 0), (0.15, 0.6), (0.4, 1), (0.75, 0.6), (1, 0)])
        overlay(out, normal(formants(source, tracks)) * shape, at)
        at += n / SR + between(rng, 0.25, 0.6)
    out = room(rng, out, rt60=between(rng, 0.25, 0.6), wet=between(rng, 0.15, 0.4))
    return out + between(rng, 0.002, 0.008) * coloured(rng, len(out), 4.0)


def purr(rng: Generator) -> Signal:
    """Purring: some 25 laryngeal pulses a second, louder out than in, heard from near."""
    n = samples(between(rng, 3.5, 5.0))
    breath = np.sin(2 * np.pi * times(n) / between(rng, 1.3, 2.2) + rng.uniform(0, 6))
    rate = between(rng, 22, 28) * (1 + 0.05 * np.tanh(3 * breath)) * (1 + wander(rng, n, 3, 0.02))
    train = pulses(rng, rate, jitter=0.03, spread=0.12)
    size = samples(0.035)
    puff = band(white(rng, size), 80, 1800, 1) * attack_decay(size, 0.003, 0.03)
    thump = modal(0.035, [55, 120, 240, 420], [0.04, 0.03, 0.02, 0.015], [1.0, 0.9, 0.6, 0.4])
    loud = 0.35 + 0.65 * (0.5 + 0.5 * np.tanh(2.5 * breath))
    body = through(train, normal(puff) + normal(thump)) * loud
    air = (
        band(coloured(rng, n, 3.0), 300, 4000, 1)
        * (0.3 + 0.7 * loud)
        * (0.4 + low(np.abs(train), 30))
    )
    return mix((body, 0), (air, between(rng, -18, -10)))


def bee(rng: Generator) -> Signal:
    """A bee or a fly on its way: wing beats with many harmonics, passing and turning."""
    n = samples(between(rng, 3.0, 5.0))
    f0 = between(rng, 170, 245) * (1 + wander(rng, n, 2.0, 0.035) + wander(rng, n, 25, 0.006))
    wings = normal(partials(f0, 3.5)) * (1 + wander(rng, n, 40, 0.15))
    body = resonate(wings, [(420, 2.0, 1.0), (1100, 2.0, 0.7), (2600, 2.0, 0.35)])
    near = np.clip(0.5 + wander(rng, n, 0.7, 0.35), 0.06, 1.4)
    air = high(white(rng, n), 1500) * 0.015
    out = (normal(body) + air) * near * gusts(rng, n, 8, 0.8)
    return outdoors(rng, out, distance=4, wet=0.06) + 0.01 * coloured(rng, n, 3.0)


def moo(rng: Generator) -> Signal:
    """A cow: a long low call, nasal first, then open."""
    out = np.zeros(samples(between(rng, 2.8, 4.2)))
    n = samples(between(rng, 1.5, 2.3))
    f0 = between(rng, 95, 150) * curve(
        n, [(0, 0.75), (0.25, 1.0), (0.6, 1.12), (0.85, 1.0), (1, 0.7)]
    )
    source = throat(rng, f0, tilt=3.5, jitter=0.01, rough=0.2, breath=0.08)
    tracks = [
        Formant(curve(n, [(0, 230), (0.3, 330), (0.6, 520), (1, 380)]), 110, 0),
        Formant(curve(n, [(0, 650), (0.4, 800), (0.7, 1000), (1, 800)]), 160, -5),
        Formant(steady(n, 1900), 300, -14),
        Formant(steady(n, 2900), 400, -20),
    ]
    shape = curve(n, [(0, 0), (0.12, 0.7), (0.5, 1), (0.85, 0.7), (1, 0)])
    overlay(out, normal(formants(source, tracks)) * shape, between(rng, 0.15, 0.5))
    out = outdoors(rng, out, distance=between(rng, 5, 30), wet=between(rng, 0.15, 0.4))
    return out + between(rng, 0.006, 0.02) * coloured(rng, len(out), 3.5)
