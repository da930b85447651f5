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
    n = samples(between(rng, 0.12, 0.18) + 0.08 * size)
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
    """Barks in groups, in a yard or a room; now and then a growl before them."""
    size = float(rng.uniform(0, 1))
    pitch = between(rng, 750, 1000) * (1 - size) + between(rng, 340, 460) * size
    harsh = between(rng, 0.1, 0.5)
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
    """One syllable of a rooster: pressed, most of it between 1 and 3.5 kHz."""
    n = samples(length)
    f0 = curve(n, pitch) * (1 + wander(rng, n, 15, 0.006))
    source = throat(rng, f0, tilt=5, jitter=0.004, rough=rough, breath=0.12)
    tracks = [
        Formant(steady(n, between(rng, 1300, 1700)), 600, 0),
        Formant(steady(n, between(rng, 2500, 3100)), 800, -3),
        Formant(steady(n, 4600), 900, -14),
    ]
    shape = curve(n, [(0, 0), (0.1, 0.8), (0.3, 1.0), (0.8, 0.7), (1, 0)])
    return normal(formants(source, tracks, floor=-34)) * shape


def rooster(rng: Generator) -> Signal:
    """Cock-a-doodle-doo: two short, one rising, one long that falls and breaks."""
    base = between(rng, 480, 620)
    stretch, rough = between(rng, 0.85, 1.05), between(rng, 0.15, 0.4)
    end = between(rng, 0.55, 0.85)
    plan = [
        (0.20, [(0, 0.7), (0.5, 0.95), (1, 0.85)], 0.6, 0.04),
        (0.15, [(0, 0.95), (0.5, 1.15), (1, 1.05)], 0.8, 0.03),
        (0.30, [(0, 1.0), (0.4, 1.28), (1, 1.22)], 1.0, 0.03),
        (0.95, [(0, 1.0), (0.1, 1.33), (0.6, 1.28), (0.85, 1.12), (1, end)], 1.0, 0.0),
    ]
    out = np.zeros(samples(between(rng, 2.2, 3.6)))
    at = between(rng, 0.1, 0.3)
    for length, contour, loud, gap in plan:
        pitch = [(where, base * value) for where, value in contour]
        overlay(out, _crow_syllable(rng, stretch * length, pitch, rough), at, loud)
        at += stretch * (length + gap)
    out = outdoors(rng, out, distance=between(rng, 4, 40), wet=between(rng, 0.1, 0.35))
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
    """Hoots: nearly pure, breathy, swelling, in a fixed pattern, in a wood at night."""
    pitch, bend = between(rng, 280, 355), between(rng, 0.11, 0.17)
    second, breath = between(rng, 0.05, 0.25), between(rng, 0.2, 0.6)
    patterns = (
        [(0.0, 0.3), (0.55, 0.14), (0.78, 0.16), (1.25, 0.42), (1.95, 0.4)],
        [(0.0, 0.75), (1.9, 0.2), (2.25, 1.1)],
        [(0.0, 0.35), (0.7, 0.35), (1.4, 0.55)],
    )
    pattern = patterns[int(rng.integers(0, 3))]
    out = np.zeros(samples(pattern[-1][0] + pattern[-1][1] + between(rng, 0.6, 1.2)))
    for at, length in pattern:
        n = samples(length)
        f0 = pitch * curve(n, [(0, 1 - bend), (0.25, 1.0), (0.7, 0.99), (1, 1 - bend)])
        if length > 0.9:
            f0 = f0 * vibrato(n, between(rng, 9, 13), 0.03, onset=0.3)
        f0 = f0 * (1 + wander(rng, n, 30, 0.004))
        tone = np.sin(phase(f0)) + second * np.sin(2 * phase(f0)) + 0.03 * np.sin(3 * phase(f0))
        air = band(white(rng, n), 0.8 * pitch, 2.5 * pitch, 1)
        shape = curve(n, [(0, 0), (0.3, 0.7), (0.5, 1), (0.75, 0.7), (1, 0)])
        overlay(out, (tone + breath * air) * shape, at + 0.15, between(rng, 0.8, 1.0))
    out = outdoors(rng, out, distance=between(rng, 30, 60), wet=between(rng, 0.05, 0.35))
    return out + between(rng, 0.04, 0.08) * coloured(rng, len(out), between(rng, 2.5, 4.0))


def _croak(
    rng: Generator, rate: float, bands: list[tuple[float, float, float]], length: float
) -> Signal:
    """One croak: a pulse train of the larynx rings the vocal sac's narrow resonances."""
    n = samples(length)
    speed = rate * curve(n, [(0, 0.85), (0.4, 1.0), (1, 1.15)])
    train = pulses(rng, speed, jitter=0.02, spread=0.08)
    shape = curve(n, [(0, 0.2), (0.4, 0.8), (0.8, 1.0), (1, 0)])
    rung = resonate(train * shape + 0.01 * white(rng, n) * shape, bands)
    return normal(high(rung, 0.7 * bands[0][0]))


def frog(rng: Generator) -> Signal:
    """Frogs at a pond: croaks or two-part ribbits, others answering further off."""
    n = samples(between(rng, 3.0, 5.0))
    out = np.zeros(n)
    for loud in (1.0, 0.35, 0.2):
        first, second = between(rng, 750, 1250), between(rng, 1900, 2800)
        sharp = between(rng, 8, 25)
        bands = [(first, sharp, 0.8), (second, 1.3 * sharp, 1.0), (2.1 * second, 9.0, 0.05)]
        rate, length = between(rng, 30, 150), between(rng, 0.12, 0.35)
        at, gap = between(rng, 0.05, 0.7), between(rng, 0.5, 1.1)
        while at < n / SR - 0.4:
            overlay(out, _croak(rng, rate, bands, length), at, loud)
            overlay(out, _croak(rng, 1.3 * rate, bands, 0.5 * length), at + 1.05 * length, loud)
            at += gap * between(rng, 0.9, 1.25)
    out = outdoors(rng, out, distance=between(rng, 3, 15), wet=0.2)
    return out + between(rng, 0.005, 0.02) * coloured(rng, n, 3.0)


def meow(rng: Generator) -> Signal:
    """Mi-a-ow: the mouth opens and closes over a pitch that arches a little."""
    out = np.zeros(samples(between(rng, 2.0, 3.4)))
    base, at = between(rng, 760, 960), between(rng, 0.1, 0.3)
    tilt, breath = between(rng, 2.0, 8.0), between(rng, 0.0, 0.15)
    first, second = between(rng, 1400, 1700), between(rng, 2300, 3000)
    balance, ends = between(rng, -10, -3), between(rng, 0.6, 0.85)
    while at < len(out) / SR - 0.9:
        n = samples(between(rng, 0.6, 0.95))
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
    out = room(rng, out, rt60=between(rng, 0.25, 0.5), wet=between(rng, 0.1, 0.25))
    return out + between(rng, 0.002, 0.008) * coloured(rng, len(out), 4.0)


def purr(rng: Generator) -> Signal:
    """Purring: some 25 laryngeal pulses a second, louder out than in, heard from near."""
    n = samples(between(rng, 3.5, 5.0))
    breath = np.sin(2 * np.pi * times(n) / between(rng, 1.0, 1.7) + rng.uniform(0, 6))
    rate = between(rng, 27, 32) * (1 + 0.05 * np.tanh(3 * breath)) * (1 + wander(rng, n, 3, 0.02))
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


def bee(rng: Generator) -> Signal:
    """Bees or flies: wing beats with many harmonics that flutter, pass and turn."""
    n = samples(between(rng, 3.0, 5.0))
    base, out = between(rng, 160, 260), np.zeros(n)
    flutter = between(rng, 0.01, 0.05)
    for other in range(int(rng.integers(1, 6))):
        drift = wander(rng, n, 2.0, 0.04) + wander(rng, n, 12, flutter)
        f0 = base * between(rng, 0.88, 1.15) * (1 + np.clip(drift, -0.3, 0.3))
        wings = normal(partials(f0, between(rng, 3.0, 7.0))) * (1 + wander(rng, n, 60, 0.3))
        near = np.clip(0.5 + wander(rng, n, 0.7, 0.35), 0.06, 1.4)
        out += wings * near * (1.0 if other == 0 else between(rng, 0.1, 0.6))
    body = resonate(out, [(500, 1.2, 1.0), (1200, 1.5, 0.6), (2800, 2.0, 0.25)]) + 0.3 * out
    air = band(coloured(rng, n, 3.0), 200, 6000, 1) * gusts(rng, n, 10, 2)
    return outdoors(rng, mix((body, 0), (air, between(rng, -26, -14))), distance=6, wet=0.06)


def sheep(rng: Generator) -> Signal:
    """Bleats: a tense voice that shakes eight times a second, mouth opening from nasal."""
    out = np.zeros(samples(between(rng, 2.2, 3.8)))
    base, at = between(rng, 300, 430), between(rng, 0.1, 0.3)
    shake, depth = between(rng, 8.0, 10.5), between(rng, 0.03, 0.055)
    size = between(rng, 0.8, 1.05)
    while at < len(out) / SR - 0.9:
        n = samples(between(rng, 0.55, 1.1))
        tremor = vibrato(n, shake, depth, onset=0.08)
        f0 = base * curve(n, [(0, 0.85), (0.15, 1.05), (0.6, 1.0), (1, 0.82)]) * tremor
        source = throat(rng, f0, tilt=5, jitter=0.006, rough=between(rng, 0.05, 0.3), breath=0.1)
        tracks = [
            Formant(size * curve(n, [(0, 450), (0.2, 800), (0.8, 750), (1, 550)]), 200, 0),
            Formant(size * curve(n, [(0, 1300), (0.2, 1750), (1, 1500)]), 260, -2),
            Formant(steady(n, 2700 * size), 400, -6),
            Formant(steady(n, 4000 * size), 700, -12),
        ]
        shape = curve(n, [(0, 0), (0.1, 0.8), (0.4, 1), (0.8, 0.6), (1, 0)]) * tremor**6
        overlay(out, normal(formants(source, tracks)) * shape, at, between(rng, 0.7, 1.0))
        at += n / SR + between(rng, 0.2, 0.8)
    out = outdoors(rng, out, distance=between(rng, 4, 25), wet=between(rng, 0.05, 0.25))
    return out + between(rng, 0.004, 0.02) * coloured(rng, len(out), 3.5)
