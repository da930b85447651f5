"""People: crying, sneezing, walking, clapping, whistling."""

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
    high,
    low,
    normal,
    overlay,
    phase,
    resonate,
    samples,
    wander,
    white,
)
from .space import outdoors, room
from .voice import Formant, formants, steady, throat, vibrato


def _cry(rng: Generator, length: float, pitch: float, pressed: float) -> Signal:
    """One cry on a breath: pitch arches, the mouth stays wide open."""
    n = samples(length)
    arch = [(0, 0.82), (0.12, 1.0), (0.4, 1.08), (0.75, 1.0), (1, 0.72)]
    f0 = pitch * curve(n, arch) * (1 + wander(rng, n, 8, 0.012))
    f0 = f0 * vibrato(n, between(rng, 5, 8), 0.012)
    source = throat(rng, f0, tilt=4, jitter=0.01, rough=pressed, breath=0.06)
    tracks = [
        Formant(curve(n, [(0, 800), (0.2, 1150), (0.8, 1100), (1, 750)]), 230, 0),
        Formant(curve(n, [(0, 1700), (0.3, 2000), (1, 1650)]), 320, -3),
        Formant(steady(n, 3300), 500, -4),
        Formant(steady(n, 4900), 800, -10),
        Formant(steady(n, 7000), 1200, -20),
    ]
    shape = curve(n, [(0, 0), (0.08, 0.7), (0.3, 1), (0.8, 0.8), (1, 0)])
    return normal(formants(source, tracks)) * shape


def _gasp(rng: Generator, length: float) -> Signal:
    """Breath drawn in: noise through an open throat, now and then a squeak of voice."""
    n = samples(length)
    f0 = steady(n, between(rng, 450, 650))
    source = throat(rng, f0, tilt=6, rough=0.5, breath=2.5)
    tracks = [Formant(steady(n, hz), 400, lv) for hz, lv in ((1000, 0), (2200, -2), (4200, -5))]
    return normal(formants(source, tracks)) * np.sin(np.pi * np.linspace(0, 1, n)) ** 1.2


def baby_cry(rng: Generator) -> Signal:
    """An infant cries: phonation of about a second, a gasp, again."""
    out = np.zeros(samples(between(rng, 4.0, 6.0)))
    pitch, pressed = between(rng, 380, 540), between(rng, 0.05, 0.5)
    at = between(rng, 0.05, 0.3)
    while at < len(out) / SR - 0.6:
        length = between(rng, 0.55, 1.3)
        overlay(out, _cry(rng, length, pitch * between(rng, 0.92, 1.1), pressed), at)
        at += length + 0.03
        gasp = between(rng, 0.14, 0.25)
        overlay(out, _gasp(rng, gasp), at, between(rng, 0.06, 0.2))
        at += gasp + between(rng, 0.02, 0.2)
    out = room(rng, out, rt60=between(rng, 0.25, 0.7), wet=between(rng, 0.15, 0.4), size=4)
    return out + between(rng, 0.002, 0.008) * coloured(rng, len(out), 4.0)


def _spoken(rng: Generator, f0: Signal, vowel: tuple[float, float, float], breath: float) -> Signal:
    """A voiced stretch with fixed formants."""
    n = len(f0)
    source = throat(rng, f0, tilt=8, jitter=0.012, rough=0.15, breath=breath)
    levels = (0.0, -6.0, -14.0)
    tracks = [
        Formant(steady(n, hz), 90 + 0.06 * hz, lv) for hz, lv in zip(vowel, levels, strict=True)
    ]
    return normal(formants(source, tracks))


def _burst(rng: Generator, scale: float) -> Signal:
    """The air of a sneeze past tongue and teeth: noise whose centre falls, 0.25-0.38 s."""
    n = samples(between(rng, 0.25, 0.38))
    start, end = between(rng, 3000, 6000), between(rng, 1200, 3000)
    lips = curve(n, [(0, start), (0.3, 3400), (1, end)]) * scale
    mouth = Formant(lips, between(rng, 1200, 2000), 0)
    throaty = Formant(0.45 * lips, 700, between(rng, -9, -2))
    air = formants(white(rng, n), [mouth, throaty], floor=between(rng, -26, -18))
    rise, hold = between(rng, 0.07, 0.13), between(rng, 0.45, 0.75)
    return normal(air * curve(n, [(0, 0), (rise, 1), (0.35, hold), (1, 0)]))


def sneeze(rng: Generator) -> Signal:
    """Ah-tchoo: breath drawn in, a cry, a violent burst of air, a vowel that dies away."""
    scale, pitch = between(rng, 1.0, 1.25), between(rng, 165, 320)
    out = np.zeros(samples(between(rng, 2.0, 2.6)))
    open_vowel = (780 * scale, 1330 * scale, 2650 * scale)
    last_vowel = (between(rng, 400, 800) * scale, 1150 * scale, 2500 * scale)

    n, at = samples(between(rng, 0.25, 0.55)), between(rng, 0.1, 0.3)
    inhale = _spoken(rng, pitch * curve(n, [(0, 0.9), (1, 1.35)]), open_vowel, between(rng, 2, 3.3))
    overlay(out, inhale * curve(n, [(0, 0), (0.7, 1), (1, 0.1)]), at, between(rng, 0.02, 0.15))
    at += n / SR + between(rng, 0.02, 0.2)

    n = samples(between(rng, 0.05, 0.16))
    cry = _spoken(rng, pitch * curve(n, [(0, 1.2), (1, 1.9)]), open_vowel, between(rng, 0.2, 1.5))
    overlay(out, cry * curve(n, [(0, 0), (0.3, 1), (1, 0.6)]), at, between(rng, 0.2, 0.6))
    at += n / SR - 0.02
    overlay(out, _burst(rng, scale), at)

    n = samples(between(rng, 0.22, 0.5))
    f0 = pitch * curve(n, [(0, 1.9), (0.25, 1.6), (1, 0.75)])
    vowel = _spoken(rng, f0, last_vowel, between(rng, 0.2, 1.5))
    vowel *= curve(n, [(0, 0), (0.1, 1), (0.5, 0.5), (1, 0)])
    overlay(out, vowel, at + between(rng, 0.05, 0.2), between(rng, 0.2, 0.7))
    out = room(rng, out, rt60=between(rng, 0.2, 0.45), wet=between(rng, 0.05, 0.3), size=4)
    return out + between(rng, 0.006, 0.02) * coloured(rng, len(out), 4.0)


def _step(rng: Generator, ground: str, weight: float) -> Signal:
    """One step, heel then toe, on gravel, leaves, wood or stone; 0.5 s."""
    n, toe = samples(0.5), between(rng, 0.1, 0.17)
    press = np.zeros(n)
    overlay(press, attack_decay(samples(0.3), 0.03, 0.3), 0.0, 0.6)
    overlay(press, attack_decay(samples(0.36), 0.07, 0.35), toe, 1.0)
    thud = low(white(rng, n), between(rng, 100, 250)) * press
    scuff = band(coloured(rng, n, 2.0), 700, 7000, 1) * press**1.5
    if ground in ("gravel", "leaves"):
        top, rate = (5000.0, 2500.0) if ground == "gravel" else (8000.0, 5000.0)
        sizes = rng.uniform(0.002, 0.006, 12)
        kernels = [_grit(rng, float(size), top) for size in sizes]
        crunch = grains(rng, n, rate, kernels, spread=1.1, density=press**1.2 + 1e-9) * press**0.5
        return normal(crunch) + weight * 0.5 * normal(thud)
    out = weight * 0.5 * normal(thud) + weight * between(rng, 0.1, 0.5) * normal(scuff)
    tone = between(rng, 150, 350) if ground == "wood" else between(rng, 600, 1500)
    for late, loud in ((0.0, 1.0), (toe, between(rng, 0.15, 0.4))):
        m = samples(0.09)
        hit = coloured(rng, m, 3.0) * attack_decay(m, 0.003, between(rng, 0.04, 0.09))
        heel = hit + 1.5 * resonate(hit, [(tone, 1.5, 1.0), (2.7 * tone, 1.5, 0.6)])
        overlay(out, normal(heel), late, loud)
    return normal(out)


def _grit(rng: Generator, length: float, top: float) -> Signal:
    """One grain of gravel or leaf that gives way: a short noise with one resonance."""
    m = samples(length)
    grain = white(rng, m) * attack_decay(m, 0.0002, 0.006)
    return resonate(grain, [(between(rng, 900, top), 3, 1.0)]) + 0.2 * grain


def footsteps(rng: Generator) -> Signal:
    """Someone walks, on one of four grounds."""
    ground = ("gravel", "wood", "stone", "leaves")[int(rng.integers(0, 4))]
    out = np.zeros(samples(between(rng, 3.5, 5.0)))
    at, gap, weight = between(rng, 0.1, 0.4), between(rng, 0.46, 0.66), between(rng, 0.5, 1.2)
    foot = 0
    while at < len(out) / SR - 0.5:
        loud = between(rng, 0.75, 1.0) * (0.85 if foot % 2 else 1.0)
        overlay(out, _step(rng, ground, weight), at, loud)
        at += gap * between(rng, 0.95, 1.06)
        foot += 1
    if ground in ("wood", "stone"):
        out = room(rng, out, rt60=between(rng, 0.3, 0.8), wet=between(rng, 0.02, 0.2), size=7)
    else:
        out = outdoors(rng, out, distance=3, wet=0.08)
    return out + between(rng, 0.01, 0.08) * coloured(rng, len(out), 3.5)


def _clap(rng: Generator, cup: float, dull: float) -> Signal:
    """One clap: skin meets in 2-5 bursts over some ms; the palms resonate at `cup` Hz."""
    out, n = np.zeros(samples(0.08)), samples(0.05)
    for _ in range(int(rng.integers(2, 6))):
        hit = white(rng, n) * attack_decay(n, 0.0003, between(rng, 0.012, 0.035))
        overlay(out, hit, 0.006 * rng.random(), rng.uniform(0.4, 1.0))
    ringing = resonate(out, [(cup, 1.8, 1.6), (2.1 * cup, 1.6, 0.8)])
    return normal(low(ringing + 0.3 * high(out, 1500), dull, 1))


def clapping(rng: Generator) -> Signal:
    """One to a dozen people clap, each with their own hands, pace and place."""
    out = np.zeros(samples(between(rng, 3.0, 4.5)))
    for person in range(int(rng.choice([1, 2, 3, 4, 6]))):
        cup, gap, dull = (
            between(rng, 1400, 2400),
            between(rng, 0.21, 0.34),
            between(rng, 3000, 9000),
        )
        at, loud = between(rng, 0.0, 0.4), 1.0 if person == 0 else between(rng, 0.4, 0.9)
        while at < len(out) / SR - 0.1:
            clap = _clap(rng, cup * between(rng, 0.92, 1.08), dull)
            overlay(out, clap, at, loud * between(rng, 0.7, 1))
            at += gap * between(rng, 0.94, 1.07)
    out = room(rng, out, rt60=between(rng, 0.25, 0.6), wet=between(rng, 0.05, 0.2), size=8)
    return out + between(rng, 0.003, 0.009) * coloured(rng, len(out), 4.0)


SCALE = (0, 2, 4, 5, 7, 9, 11, 12, 14)


def whistling(rng: Generator) -> Signal:
    """A tune between the lips: one partial, slides between notes, breath around it."""
    n = samples(between(rng, 3.5, 5.0))
    key = between(rng, 750, 1150)
    pitch, loud, place = np.zeros(n), np.zeros(n), int(rng.integers(0, 6))
    at = samples(0.1)
    while at < n - samples(0.3):
        length = samples(between(rng, 0.16, 0.5))
        place = int(np.clip(place + rng.integers(-2, 3), 0, len(SCALE) - 1))
        pitch[at : at + length] = SCALE[place]
        loud[at : at + length] = 0.0 if rng.random() < 0.08 else 1.0
        at += length
    pitch[:at][pitch[:at] == 0] = 0
    smooth = low(pitch, between(rng, 8, 14), 1)
    envelope = np.clip(low(loud, 14, 1), 0, 1)
    sway = vibrato(n, between(rng, 4.5, 6.5), between(rng, 0.004, 0.015))
    f0 = key * 2 ** (smooth / 12) * sway * (1 + wander(rng, n, 12, 0.003))
    tone = np.sin(phase(f0)) + 0.03 * np.sin(2 * phase(f0)) + 0.012 * np.sin(3 * phase(f0))
    air = formants(white(rng, n), [Formant(f0, 160, 0), Formant(2.6 * f0, 1500, -16)])
    out = (tone * (1 + wander(rng, n, 14, 0.06)) + 0.12 * normal(air)) * envelope
    out = room(rng, out, rt60=between(rng, 0.4, 1.2), wet=between(rng, 0.15, 0.4))
    return out + between(rng, 0.003, 0.01) * coloured(rng, n, 4.0)
