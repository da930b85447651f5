"""People: crying, laughing, sneezing, breathing, singing, whistling."""

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
    phase,
    samples,
    wander,
    white,
)
from .modes import pulses, through
from .space import mix, room
from .voice import Formant, formants, steady, throat, vibrato


def _indoors(rng: Generator, x: Signal, hush: float) -> Signal:
    """`x` in a room of some size, over a hush of up to `hush`."""
    rt60, size = between(rng, 0.15, 0.8), between(rng, 2.5, 9.0)
    out = room(rng, x, rt60=rt60, wet=between(rng, 0.05, 0.35), size=size)
    return out + between(rng, 0.2 * hush, hush) * coloured(rng, len(out), between(rng, 3.0, 4.5))


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
    out = np.zeros(samples(between(rng, 3.4, 5.2)))
    pitch, pressed = between(rng, 350, 590), between(rng, 0.05, 0.6)
    at = between(rng, 0.05, 0.3)
    while at < len(out) / SR - 0.6:
        length = between(rng, 0.45, 1.4)
        overlay(out, _cry(rng, length, pitch * between(rng, 0.92, 1.1), pressed), at)
        at += length + 0.03
        gasp = between(rng, 0.14, 0.25)
        overlay(out, _gasp(rng, gasp), at, between(rng, 0.06, 0.2))
        at += gasp + between(rng, 0.02, 0.2)
    return _indoors(rng, out, 0.01)


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
    scale, pitch = between(rng, 0.95, 1.3), between(rng, 140, 350)
    out = np.zeros(samples(between(rng, 2.05, 2.8)))
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
    return _indoors(rng, out, 0.018)


def _ha(rng: Generator, pitch: float, vowel: tuple[float, float, float]) -> Signal:
    """One syllable of laughter: a puff of breath, then a short bright vowel that sinks."""
    n = samples(between(rng, 0.09, 0.15))
    f0 = pitch * curve(n, [(0, 1.05), (0.4, 1.0), (1, 0.72)])
    source = throat(rng, f0, tilt=6, jitter=0.015, rough=between(rng, 0.1, 0.4), breath=0.25)
    puff = white(rng, n) * curve(n, [(0, 0.5), (0.3, 0.1), (1, 0.25)])
    levels = (0.0, -4.0, -10.0)
    tracks = [
        Formant(steady(n, hz), 120 + 0.05 * hz, lv) for hz, lv in zip(vowel, levels, strict=True)
    ]
    shape = curve(n, [(0, 0), (0.3, 0.9), (0.55, 1), (1, 0)])
    return normal(formants(source + puff, tracks)) * shape


def laughter(rng: Generator) -> Signal:
    """Someone laughs, or a few do: rows of ha, four to six a second, breath drawn in between."""
    out = np.zeros(samples(between(rng, 2.6, 4.2)))
    for other in range(int(rng.choice([1, 1, 2, 3]))):
        size, near = between(rng, 0.95, 1.3), 1.0 if other == 0 else between(rng, 0.3, 0.8)
        vowel = (between(rng, 620, 900) * size, between(rng, 1200, 1700) * size, 2650 * size)
        pitch, gap = between(rng, 280, 520), between(rng, 0.16, 0.23)
        at = between(rng, 0.05, 0.3) + 0.3 * other
        while at < len(out) / SR - 0.5:
            height, loud = between(rng, 1.0, 1.3), 1.0
            for _ in range(int(rng.integers(4, 11))):
                overlay(out, _ha(rng, pitch * height, vowel), at, near * loud)
                height, loud = height * between(rng, 0.93, 1.01), 0.92 * loud
                at += gap * between(rng, 0.9, 1.12)
            gasp = between(rng, 0.2, 0.35)
            overlay(out, _gasp(rng, gasp), at, 0.15 * near)
            at += gasp + between(rng, 0.05, 0.2)
    return _indoors(rng, out, 0.01)


def _breath(rng: Generator, length: float, drawn_in: bool, mouth: float) -> Signal:
    """One breath: noise in throat and mouth, brighter on the way in."""
    n = samples(length)
    lift = 1.25 if drawn_in else 0.9
    air = coloured(rng, n, 2.5, 300) * (1 + wander(rng, n, 12, 0.1))
    tracks = [
        Formant(mouth * lift * curve(n, [(0, 550), (0.5, 800), (1, 650)]), 350, -3),
        Formant(mouth * lift * curve(n, [(0, 1400), (0.5, 1750), (1, 1500)]), 450, 0),
        Formant(steady(n, 3000 * mouth), 900, -5),
        Formant(steady(n, 5600), 2500, -12),
    ]
    rise = 0.45 if drawn_in else 0.2
    shape = curve(n, [(0, 0), (rise, 1), (0.75, 0.5), (1, 0)])
    return normal(formants(air, tracks, floor=-28)) * shape


def breathing(rng: Generator) -> Signal:
    """Someone breathes close by, at rest or out of breath."""
    out = np.zeros(samples(between(rng, 3.0, 4.8)))
    pace, mouth = between(rng, 0.35, 0.8), between(rng, 0.85, 1.2)
    into, at = between(rng, 0.4, 0.9), between(rng, 0.05, 0.2)
    while at < len(out) / SR - 0.4:
        overlay(out, _breath(rng, pace, True, mouth), at, into)
        at += pace * between(rng, 1.0, 1.1)
        overlay(out, _breath(rng, 1.2 * pace, False, mouth), at, 1.0)
        at += 1.2 * pace * between(rng, 1.05, 1.25)
    return out + between(rng, 0.01, 0.03) * coloured(rng, len(out), 4.0)


def snoring(rng: Generator) -> Signal:
    """A sleeper: the palate rattles on each breath in, air leaves with a sigh."""
    out = np.zeros(samples(between(rng, 3.4, 5.0)))
    rate, size = between(rng, 32, 75), between(rng, 0.85, 1.15)
    inward, at = between(rng, 0.7, 1.2), between(rng, 0.05, 0.3)
    while at < len(out) / SR - 0.6:
        n = samples(inward * between(rng, 0.9, 1.1))
        speed = rate * curve(n, [(0, 0.8), (0.5, 1.05), (1, 0.9)]) * (1 + wander(rng, n, 8, 0.05))
        train = pulses(rng, speed, jitter=0.04, spread=0.3)
        rattle = through(train, attack_decay(samples(0.03), 0.001, 0.03))
        source = normal(rattle * (0.4 + white(rng, n))) + 0.12 * white(rng, n)
        tracks = [
            Formant(size * curve(n, [(0, 350), (0.5, 520), (1, 420)]), 150, 0),
            Formant(size * curve(n, [(0, 1000), (0.5, 1250), (1, 1100)]), 250, -5),
            Formant(steady(n, 2500 * size), 600, -12),
        ]
        shape = curve(n, [(0, 0), (0.3, 0.8), (0.7, 1), (1, 0)])
        overlay(out, normal(formants(source, tracks)) * shape, at)
        at += n / SR + between(rng, 0.05, 0.25)
        outward = between(rng, 0.6, 1.0)
        overlay(out, _breath(rng, outward, False, size), at, between(rng, 0.08, 0.3))
        at += outward + between(rng, 0.1, 0.4)
    return _indoors(rng, out, 0.006)


def heartbeat(rng: Generator) -> Signal:
    """A heart through a stethoscope: two dull beats, a pause, a faint rush of blood."""
    n = samples(between(rng, 3.4, 5.0))
    out, gap = np.zeros(n), 60 / between(rng, 62, 104)
    dull, at = between(rng, 70, 130), between(rng, 0.05, 0.3)
    while at < n / SR - 0.5:
        for late, tone, loud in ((0.0, 1.0, 1.0), (0.36 * gap**0.5, 1.3, between(rng, 0.5, 0.9))):
            m = samples(0.16)
            beat = attack_decay(m, 0.012, 0.14)
            f0 = dull * tone * curve(m, [(0, 1.3), (0.3, 1.0), (1, 0.7)])
            thud = (np.sin(phase(f0)) + 0.4 * np.sin(2 * phase(f0))) * beat
            thud += 0.5 * normal(low(white(rng, m), 3 * dull)) * beat
            overlay(out, thud, at + late, loud * between(rng, 0.9, 1.0))
        at += gap * between(rng, 0.97, 1.03)
    rush = band(coloured(rng, n, 4.0), 80, 600, 1)
    return mix((low(out, between(rng, 350, 800)), 0), (rush, between(rng, -36, -22)))


def _sung(rng: Generator, n: int, hz: float, vowel: tuple[float, float, float]) -> Signal:
    """One singer holds one note, (n,)."""
    f0 = hz * between(rng, 0.992, 1.008) * vibrato(n, between(rng, 4.8, 6.2), 0.009, onset=0.4)
    f0 = f0 * (1 + wander(rng, n, 5, 0.003)) * curve(n, [(0, 0.97), (0.06, 1), (1, 1)])
    source = throat(rng, f0, tilt=9, jitter=0.003, rough=0.02, breath=0.05)
    size = between(rng, 0.94, 1.1)
    levels = (0.0, -5.0, -12.0)
    tracks = [
        Formant(steady(n, size * v), 80 + 0.04 * v, lv) for v, lv in zip(vowel, levels, strict=True)
    ]
    return normal(formants(source, [*tracks, Formant(steady(n, 3100), 500, -15)]))


def choir(rng: Generator) -> Signal:
    """A choir sings two or three chords on open vowels in a hall."""
    vowels = ((730.0, 1150.0, 2600.0), (420.0, 850.0, 2500.0), (500.0, 1700.0, 2500.0))
    out = np.zeros(samples(between(rng, 4.0, 5.2)))
    root, length = between(rng, 105, 165), between(rng, 1.2, 1.9)
    at = 0.05
    for step in rng.permutation((0, 5, -3, 7, 2))[:3]:
        n, vowel = samples(1.1 * length), vowels[int(rng.integers(0, 3))]
        third = int(rng.choice([3, 4]))
        for interval in (0, 7, 12, 12 + third, 19):
            hz = root * 2 ** ((int(step) + interval) / 12)
            for _ in range(3):
                voice = _sung(rng, n, hz, vowel) * curve(
                    n, [(0, 0), (0.15, 1), (0.85, 0.9), (1, 0)]
                )
                overlay(out, voice, at + 0.06 * rng.random(), between(rng, 0.7, 1.0))
        at += length
    hall = room(rng, out, rt60=between(rng, 1.2, 2.4), wet=between(rng, 0.4, 0.8), size=18)
    return hall + 0.003 * coloured(rng, len(out), 4.0)


SCALE = (0, 2, 4, 5, 7, 9, 11, 12, 14)


def whistling(rng: Generator) -> Signal:
    """A tune between the lips: one partial, slides between notes, breath around it."""
    n = samples(between(rng, 3.0, 4.6))
    key = between(rng, 680, 1250)
    pitch, loud, place = np.zeros(n), np.zeros(n), int(rng.integers(0, 6))
    at = samples(0.1)
    while at < n - samples(0.3):
        length = samples(between(rng, 0.13, 0.6))
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
    return _indoors(rng, out, 0.012)
