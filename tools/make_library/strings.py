"""Plucked and bowed strings. Each takes an rng, which draws the instrument, and returns a Voice."""

import numpy as np
from numpy.random import Generator

from .dsp import (
    Signal,
    attack_decay,
    band,
    between,
    curve,
    high,
    low,
    normal,
    overlay,
    peak,
    samples,
    soft_clip,
    wander,
    white,
)
from .modes import modal, pluck, through
from .music import Voice, damped, hertz
from .voice import partials, vibrato


def body(rng: Generator, lowest: float, highest: float, ring: float, direct: float) -> Signal:
    """Answer of a wooden box to one tap, (k,).

    Modes as dense as a plate's, even in hertz, from `lowest` to `highest` Hz, that ring `ring` s
    at the lowest and less above; `direct` passes beside them.
    """
    freqs = np.concatenate([lowest * 2 ** rng.uniform(0, 2.5, 12), np.linspace(1, 2, 240)])
    freqs[12:] = rng.uniform(2 * lowest, highest, 240)
    freqs[:2] = (lowest, 2.05 * lowest)
    t60s = ring * (lowest / freqs) ** 0.55 * rng.uniform(0.6, 1.2, 252)
    heights = (lowest / freqs) ** 0.5 * rng.uniform(0.1, 0.6, 252)
    heights[:12] = rng.uniform(0.4, 1.0, 12)
    kernel = modal(1.2 * ring, freqs, t60s, heights, rng=rng)
    kernel /= np.sqrt(np.sum(kernel**2))
    kernel[0] += direct
    return kernel


def cavity(rng: Generator, lowest: float, highest: float, ring: float, direct: float) -> Signal:
    """Answer of a fiddle's box: 70 modes, as many in each octave, so that peaks stand apart."""
    freqs = lowest * (highest / lowest) ** np.sort(rng.random(70))
    freqs[0] = lowest
    t60s = ring * (lowest / freqs) ** 0.4 * rng.uniform(0.6, 1.2, 70)
    heights = (lowest / freqs) ** 0.35 * rng.uniform(0.2, 1.0, 70)
    kernel = modal(1.2 * ring, freqs, t60s, heights, rng=rng)
    kernel /= np.sqrt(np.sum(kernel**2))
    kernel[0] += direct
    return kernel


def _string(
    rng: Generator,
    hz: float,
    length: float,
    edge: float,
    *,
    t60: float,
    bright: float,
    place: float,
) -> Signal:
    """A plucked string that swings in two planes, a hair apart in pitch and decay."""
    first = pluck(rng, hz, length, t60=t60, bright=bright, place=place, edge=edge)
    second = pluck(rng, hz * 1.0006, length, t60=0.4 * t60, bright=bright, place=place, edge=edge)
    return normal(first + 0.6 * second)


def acoustic_guitar(rng: Generator) -> Voice:
    """Steel strings on a box: pick, two planes of swing, a body of many modes."""
    bright, place = between(rng, 0.8, 0.92), between(rng, 0.15, 0.25)
    box, nail = cavity(rng, between(rng, 92, 112), 2600, 0.06, 1.0), between(rng, 0.2, 0.5)
    edge, dull = between(rng, 2200, 4200), between(rng, 3000, 5500)

    def voice(note: int, length: float, loud: float) -> Signal:
        long, t60 = min(length + 0.5, 3.0), between(rng, 4.2, 6.2)
        string = _string(rng, hertz(note), long, edge * loud, t60=t60, bright=bright, place=place)
        m = samples(0.01)
        overlay(string, band(white(rng, m), 900, 7000) * attack_decay(m, 0.0006, 0.008), 0, nail)
        return normal(low(through(string * damped(len(string), length, 0.55), box), dull, 1))

    return voice


def ukulele(rng: Generator) -> Voice:
    """Four nylon strings on a small box, brushed with a nail: soft, short and dry."""
    bright, place = between(rng, 0.32, 0.5), between(rng, 0.22, 0.36)
    box, dull = cavity(rng, between(rng, 180, 215), 4300, 0.07, 0.6), between(rng, 1800, 3200)

    def voice(note: int, length: float, loud: float) -> Signal:
        t60 = between(rng, 2.5, 4.2) * (200 / hertz(note)) ** 0.3
        string = _string(
            rng, hertz(note), length + 0.3, 2000 * loud, t60=t60, bright=bright, place=place
        )
        m = samples(0.01)
        overlay(string, band(white(rng, m), 900, 7000) * attack_decay(m, 0.0006, 0.008), 0, 0.12)
        return normal(low(through(string * damped(len(string), length, 0.25), box), dull, 1))

    return voice


def pizzicato(rng: Generator) -> Voice:
    """Bowed instruments plucked with a finger: round, over at once, the box rings on."""
    bright, place = between(rng, 0.25, 0.4), between(rng, 0.3, 0.4)
    box = cavity(rng, between(rng, 230, 280), 2500, 0.42, 0.7)

    def voice(note: int, _length: float, loud: float) -> Signal:
        t60 = between(rng, 1.6, 2.4) * (200 / hertz(note)) ** 0.3
        string = _string(rng, hertz(note), 1.6, 1900 * loud, t60=t60, bright=bright, place=place)
        m = samples(0.01)
        overlay(string, band(white(rng, m), 900, 7000) * attack_decay(m, 0.0006, 0.008), 0, 0.12)
        return normal(low(through(string, box), 1900, 1))

    return voice


def bass_guitar(rng: Generator) -> Voice:
    """Electric bass: heavy strings by finger or pick, a pick-up near the bridge."""
    bright, place = between(rng, 0.25, 0.75), between(rng, 0.12, 0.3)
    edge = between(rng, 900, 2600)

    def voice(note: int, length: float, loud: float) -> Signal:
        long, t60 = length + 0.3, between(rng, 3, 5)
        string = _string(rng, hertz(note), long, 900, t60=t60, bright=bright, place=place)
        return normal(low(string, edge * (0.6 + loud)) * damped(len(string), length, 0.2))

    return voice


def electric_guitar(rng: Generator) -> Voice:
    """Overdriven guitar: string, fifth and octave through a clipping amplifier and its box."""
    drive, edge, power = between(rng, 4, 19), between(rng, 3200, 5200), rng.random() < 0.6
    place = between(rng, 0.08, 0.2)

    def voice(note: int, length: float, _loud: float) -> Signal:
        total = np.zeros(samples(length + 0.25))
        for step in (0, 7, 12) if power else (0,):
            total += _string(
                rng, hertz(note + step), length + 0.25, 2500, t60=6.0, bright=0.8, place=place
            )
        total = high(total, 90, 1) * damped(len(total), length, 0.12)
        hum = 0.002 * white(rng, len(total))
        return normal(
            low(peak(soft_clip(total + hum, drive), 2600, 1.2) * 0.6, edge, 4)
            + low(soft_clip(total, drive), edge, 4)
        )

    return voice


def harp(rng: Generator) -> Voice:
    """Concert harp: gut and nylon plucked by the flesh of a finger, never damped."""
    box, bright = body(rng, between(rng, 120, 190), 2600, 0.2, 0.8), between(rng, 0.3, 0.6)

    def voice(note: int, _length: float, loud: float) -> Signal:
        t60 = 4.5 * (220 / hertz(note)) ** 0.35
        place, edge = between(rng, 0.36, 0.5), 400 + 1500 * loud**2
        string = pluck(rng, hertz(note), 3.0, t60=t60, bright=bright, place=place, edge=edge)
        return normal(through(string, box))

    return voice


def harpsichord(rng: Generator) -> Voice:
    """Quills on thin brass strings, an eight- and a four-foot rank; the jack falls back."""
    box, place = body(rng, between(rng, 110, 180), 6500, 0.25, 1.2), between(rng, 0.07, 0.14)
    four = between(rng, 0.25, 0.7)

    def voice(note: int, length: float, _loud: float) -> Signal:
        long = length + 0.3
        hz, t60 = hertz(note), 3.6 * (260 / hertz(note)) ** 0.3
        string = normal(pluck(rng, hz, long, t60=t60, bright=0.94, place=place, edge=3500))
        string += four * normal(
            pluck(rng, 2.001 * hz, long, t60=0.7 * t60, bright=0.94, place=place, edge=3500)
        )
        string = string * damped(len(string), length, 0.12)
        m = samples(0.03)
        jack = band(white(rng, m), 900, 6000) * attack_decay(m, 0.002, 0.025)
        overlay(string, jack, 0.0, 0.35)
        overlay(string, jack, length, 0.2)
        return normal(through(string, box))

    return voice


def bowed(rng: Generator, box: Signal, tilt: float, rate: float, depth: float) -> Voice:
    """A bow on a string: saw-like, vibrato that the body turns into shimmer, hair noise."""
    noise = between(rng, 0.03, 0.09)

    def voice(note: int, length: float, _loud: float) -> Signal:
        n = samples(length + 0.08)
        f0 = hertz(note) * vibrato(n, rate * between(rng, 0.95, 1.05), depth, onset=0.4)
        f0 = f0 * (1 + wander(rng, n, 8, 0.0015)) * (1 - 0.012 * np.exp(-np.arange(n) / 900))
        edge = min(0.09 / length, 0.4)
        shape = curve(n, [(0, 0), (edge, 0.8), (0.5, 1), (1 - 0.5 * edge, 0.8), (1, 0)])
        tone = normal(partials(f0, tilt)) * (1 + wander(rng, n, 18, 0.08))
        hair = band(white(rng, n), 1000, 7000, 1) * (1 + 2 * np.exp(-np.arange(n) / 1600))
        return normal(through((tone + noise * normal(hair)) * shape, box))

    return voice


def violin(rng: Generator) -> Voice:
    """A fiddle."""
    box = cavity(rng, between(rng, 270, 300), 6000, 0.06, 0.25)
    return bowed(rng, box, 5.0, between(rng, 5.2, 6.4), between(rng, 0.006, 0.012))


def string_section(rng: Generator) -> Voice:
    """Seven fiddles and violas that never quite agree."""
    players = [
        bowed(
            rng,
            cavity(rng, between(rng, 190, 300), 5000, 0.07, 0.2),
            6.0,
            between(rng, 4.8, 6.2),
            between(rng, 0.004, 0.009),
        )
        for _ in range(5)
    ]

    def voice(note: int, length: float, loud: float) -> Signal:
        out = np.zeros(samples(length + 0.3))
        for player in players:
            part = player(note, length + between(rng, 0, 0.1), loud)
            overlay(out, part, between(rng, 0, 0.09))
        return normal(out)

    return voice
