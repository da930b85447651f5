"""Instruments: strings, hammers, bars, skins and pipes, playing short phrases."""

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
    high,
    low,
    normal,
    overlay,
    peak,
    resonate,
    samples,
    wander,
    white,
)
from .modes import modal, pluck
from .space import room
from .voice import partials, steady, vibrato

MODES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9, 12, 14))
CHORDS = ((0, 4, 7), (0, 3, 7), (0, 5, 9), (0, 4, 9))


def hertz(note: float) -> float:
    """Frequency of a MIDI note number (A4 = 69 = 440 Hz)."""
    return float(440 * 2 ** ((note - 69) / 12))


def melody(rng: Generator, root: int, span: float, beat: float) -> list[tuple[float, float, int]]:
    """A walk through a scale: (start s, length s, MIDI note) up to `span` s, in beats of `beat`."""
    scale = MODES[int(rng.integers(0, len(MODES)))]
    notes, at, place = [], 0.05, int(rng.integers(0, 5))
    while at < span - beat:
        length = beat * float(rng.choice([0.5, 0.5, 1.0, 1.0, 1.5]))
        notes.append((at, length, root + scale[place % 7] + 12 * (place // 7)))
        place = int(np.clip(place + rng.choice([-3, -2, -1, -1, 1, 1, 2, 4]), 0, 11))
        at += length
    return notes


GUITAR_BODY = ((98.0, 8.0, 0.9), (204.0, 9.0, 0.7), (390.0, 8.0, 0.35), (620.0, 6.0, 0.25))


def guitar_notes(rng: Generator, n: int, notes: list[tuple[float, float, int]]) -> Signal:
    """Plucked strings on a wooden body: (start s, s until the finger lifts, MIDI note), (n,)."""
    out = np.zeros(n)
    bright, place = between(rng, 0.45, 0.9), between(rng, 0.12, 0.3)
    body = between(rng, 0.6, 1.1)
    for at, length, note in notes:
        string = pluck(
            rng, hertz(note), 3.2, t60=between(rng, 3.2, 6.0), bright=bright, place=place
        )
        overlay(out, normal(string) * _damped(len(string), length), at, between(rng, 0.7, 1.0))
    return out + body * resonate(out, GUITAR_BODY)


def _damped(n: int, length: float) -> Signal:
    """One while a note lasts, then the fast decay of a string under a lifted finger, (n,)."""
    late = np.maximum(np.arange(n) / SR - length, 0)
    return np.asarray(10 ** (-3 * late / 0.35), dtype=np.float64)


def guitar(rng: Generator) -> Signal:
    """Steel-string guitar: strums, an arpeggio or a tune."""
    n = samples(between(rng, 3.5, 5.5))
    root, beat = int(rng.integers(40, 48)), between(rng, 0.22, 0.5)
    notes: list[tuple[float, float, int]] = []
    kind, at = int(rng.choice([0, 0, 1, 2])), 0.05
    if kind == 2:
        notes = melody(rng, root + 8, n / SR - 0.4, beat)
    while kind != 2 and at < n / SR - 0.5:
        chord = CHORDS[int(rng.integers(0, 4))]
        shift = int(rng.choice([0, 5, 7, -2]))
        strings = [root + shift + c + 12 * k for k in range(2) for c in chord]
        gap = between(rng, 0.012, 0.03) if kind == 0 else 0.55 * beat
        notes += [(at + gap * k, 2.5 * beat, s) for k, s in enumerate(strings)]
        at += 2 * beat + 0.2 if kind == 0 else gap * len(strings)
    out = guitar_notes(rng, n, notes)
    return room(rng, out, rt60=between(rng, 0.3, 0.9), wet=between(rng, 0.1, 0.3))


def _piano_note(rng: Generator, note: int, length: float, hard: float) -> Signal:
    """Two detuned stiff strings, two-stage decay, a felt hammer on the soundboard."""
    f0, stiff = hertz(note), 7e-5 * 2 ** ((note - 48) / 9)
    count = int(min(22, 12_000 / f0))
    out = np.zeros(samples(length + 0.3))
    long = 9.0 * 2 ** (-(note - 48) / 22)
    for detune, share in ((1.0, 1.0), (1.0007, 0.8)):
        k = np.arange(1, count + 1)
        freqs = detune * f0 * k * np.sqrt(1 + stiff * k**2)
        heights = share * np.abs(np.sin(np.pi * k / 8.0)) * k ** (-1.9 + hard)
        quick = long / (1 + 0.22 * k) / 4
        body = modal(length + 0.3, freqs, quick, heights)
        body += modal(length + 0.3, freqs, 4 * quick, 0.35 * heights)
        out += body[: len(out)]
    m = samples(0.06)
    thud = resonate(low(white(rng, m), 2500), [(130, 4, 1.0), (320, 4, 0.8), (800, 3, 0.4)])
    overlay(out, thud * attack_decay(m, 0.001, 0.05), 0.0, 0.5 * float(np.max(np.abs(out))))
    rise = np.minimum(np.arange(len(out)) / samples(0.003), 1)
    damper = np.clip((len(out) - np.arange(len(out))) / samples(0.25), 0, 1)
    return normal(out * rise * damper)


def piano(rng: Generator) -> Signal:
    """A few bars at the piano: right hand with chords below."""
    n = samples(between(rng, 3.5, 5.5))
    root, beat, hard = int(rng.integers(57, 67)), between(rng, 0.3, 0.6), between(rng, 0.1, 0.9)
    out = np.zeros(n)
    for at, length, note in melody(rng, root, n / SR - 0.3, beat):
        overlay(out, _piano_note(rng, note, 1.8 * length, hard), at, between(rng, 0.7, 1.0))
    at = 0.05
    while at < n / SR - 0.6 and rng.random() < 0.85:
        for step in CHORDS[int(rng.integers(0, 4))]:
            low_note = _piano_note(rng, root - 12 + step, 4 * beat, 0.8 * hard)
            overlay(out, low_note, at + between(rng, 0, 0.02), 0.45)
        at += 4 * beat
    return room(rng, out, rt60=between(rng, 0.5, 1.4), wet=between(rng, 0.15, 0.35), size=7)


def flute(rng: Generator) -> Signal:
    """A flute: few harmonics, breath that locks to the tone, vibrato, soft slurs."""
    n = samples(between(rng, 3.5, 5.5))
    root, beat = int(rng.integers(67, 77)), between(rng, 0.35, 0.7)
    out = np.zeros(n)
    for at, length, note in melody(rng, root, n / SR - 0.3, beat):
        m = samples(length + 0.05)
        f0 = steady(m, hertz(note)) * vibrato(m, between(rng, 4.8, 5.8), 0.006, onset=0.35)
        swell = vibrato(m, 5.3, 0.14, onset=0.35) * (1 + wander(rng, m, 12, 0.03))
        tone = partials(f0, 10.5, even=1.3)
        air = peak(white(rng, m), hertz(note), 12) + 0.06 * band(white(rng, m), 1500, 8000, 1)
        edge = min(0.06 / length, 0.3)
        shape = curve(m, [(0, 0), (edge, 0.9), (0.5, 1), (1 - edge, 0.85), (1, 0)])
        overlay(out, (normal(tone) * swell + 0.16 * normal(air)) * shape, at)
        n_chiff = samples(0.05)
        chiff = band(white(rng, n_chiff), hertz(note), 5000, 1) * attack_decay(n_chiff, 0.01, 0.05)
        overlay(out, chiff, at, 0.08)
    return room(rng, out, rt60=between(rng, 0.8, 2.0), wet=between(rng, 0.2, 0.45), size=9)


def marimba(rng: Generator) -> Signal:
    """Wooden bars tuned 1 : 4 : 10 with tubes below; a xylophone is higher and shorter."""
    n = samples(between(rng, 3.0, 4.5))
    xylophone = rng.random() < 0.4
    root = int(rng.integers(72, 80) if xylophone else rng.integers(55, 66))
    ratios = (1.0, 3.0, 6.2, 10.5) if xylophone else (1.0, 3.93, 9.6, 16.0)
    hard = between(rng, 0.2, 0.8)
    out = np.zeros(n)
    for at, _, note in melody(rng, root, n / SR - 0.3, between(rng, 0.2, 0.4)):
        f0 = hertz(note)
        t60 = (0.5 if xylophone else 1.1) * (440 / f0) ** 0.4
        bar = modal(
            1.2,
            [f0 * r for r in ratios],
            [t60, 0.3 * t60, 0.12 * t60, 0.06 * t60],
            [1.0, 0.35 + hard, 0.25 * hard + 0.1, 0.2 * hard],
        )
        m = samples(0.015)
        overlay(
            bar, band(white(rng, m), 300, 4000, 1) * attack_decay(m, 0.0008, 0.012), 0, 0.5 * hard
        )
        overlay(out, bar, at, between(rng, 0.65, 1.0))
    return room(rng, out, rt60=between(rng, 0.4, 1.2), wet=between(rng, 0.15, 0.35), size=7)


def _snare_hit(rng: Generator, tune: float, snap: float) -> Signal:
    """One stroke: head modes that drop in pitch, wires that rattle after."""
    n = samples(0.35)
    head = modal(
        0.35,
        [tune, 1.59 * tune, 2.14 * tune, 2.3 * tune, 2.65 * tune],
        [0.16, 0.12, 0.1, 0.08, 0.07],
        [1.0, 0.7, 0.45, 0.35, 0.3],
        rng=rng,
    )
    wires = band(white(rng, n), 1400, 11000, 1) * attack_decay(n, 0.001, between(rng, 0.16, 0.26))
    stick = high(white(rng, samples(0.006)), 1500) * attack_decay(samples(0.006), 0.0002, 0.005)
    out = head + snap * normal(wires) * 0.9
    overlay(out, stick, 0.0, 0.8)
    return out


def snare(rng: Generator) -> Signal:
    """Snare drum: a march, a back beat with ghosts, or a roll."""
    out = np.zeros(samples(between(rng, 2.5, 4.0)))
    tune, snap = between(rng, 165, 240), between(rng, 0.5, 1.0)
    step, kind = between(rng, 0.1, 0.16), int(rng.choice([0, 0, 1, 1, 2]))
    accents = ((1.0, 0.0, 0.3, 0.3), (0.0, 0.0, 1.0, 0.12), (0.45, 0.4, 0.5, 0.42))[kind]
    step = 0.5 * step if kind == 2 else step
    at, k = 0.05, 0
    while at < len(out) / SR - 0.3:
        loud = accents[k % 4] * between(rng, 0.85, 1.0)
        if loud > 0:
            overlay(out, _snare_hit(rng, tune * between(rng, 0.99, 1.01), snap), at, loud)
        at += step * between(rng, 0.98, 1.02)
        k += 1
    return room(rng, out, rt60=between(rng, 0.3, 0.9), wet=between(rng, 0.15, 0.4))


def _hat(rng: Generator, base: float, length: float) -> Signal:
    """Two cymbals on a stand: dense inharmonic modes and noise, closed or half open."""
    freqs = base * rng.uniform(1.0, 9.0, 60)
    t60s = length * rng.uniform(0.4, 1.0, 60)
    metal = modal(length, freqs, t60s, rng.uniform(0.3, 1.0, 60), rng=rng)
    n = len(metal)
    sizzle = high(white(rng, n), 6000) * attack_decay(n, 0.001, 0.8 * length)
    return high(normal(metal) * attack_decay(n, 0.0008, length) + 0.7 * sizzle, 3500)


def hi_hat(rng: Generator) -> Signal:
    """Hi-hat pattern: closed strokes with accents, an open one that is choked."""
    out = np.zeros(samples(between(rng, 2.5, 4.0)))
    base, step = between(rng, 1100, 1700), between(rng, 0.12, 0.24)
    closed, opened = _hat(rng, base, between(rng, 0.06, 0.14)), _hat(rng, base, 0.55)
    every = int(rng.choice([4, 8, 16]))
    at, k = 0.05, 0
    while at < len(out) / SR - 0.2:
        if k % every == every - 1:
            m = samples(min(step, 0.5))
            choked = opened[:m] * np.clip((m - np.arange(m)) / samples(0.015), 0, 1)
            overlay(out, choked, at, 0.9)
        else:
            overlay(out, closed, at, between(rng, 0.5, 0.7) + (0.35 if k % 2 == 0 else 0.0))
        at += step * between(rng, 0.985, 1.015)
        k += 1
    out = room(rng, out, rt60=between(rng, 0.25, 0.6), wet=between(rng, 0.08, 0.2), dark=9000)
    return out + 0.002 * coloured(rng, len(out), 3.0)
