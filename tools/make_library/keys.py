"""Keyboards: hammers, tines, pipes, reeds, oscillators. Each takes an rng and returns a Voice."""

import numpy as np
from numpy.random import Generator

from .dsp import (
    Signal,
    at_times,
    attack_decay,
    band,
    between,
    curve,
    low,
    normal,
    overlay,
    resonate,
    samples,
    shaped,
    times,
    wander,
    white,
)
from .modes import modal, through
from .music import Voice, damped, hertz
from .strings import body
from .voice import partials, steady


def piano(rng: Generator) -> Voice:
    """Three stiff strings a note, two-stage decay, a felt hammer, a soundboard of many modes."""
    board, hard = body(rng, between(rng, 70, 110), 3800, 0.35, 1.0), between(rng, 0.3, 1.0)
    strike = between(rng, 7.2, 9.0)

    def voice(note: int, length: float, loud: float) -> Signal:
        f0, stiff = hertz(note), 2.2e-4 * 2 ** ((note - 48) / 8.5)
        k = np.arange(1, int(min(30, 9000 / f0)) + 1)
        freqs = f0 * k * np.sqrt(1 + stiff * k**2)
        corner = 700 * (1 + 3 * hard) * loud * 2 ** ((note - 60) / 30)
        heights = np.abs(np.sin(np.pi * k / strike)) / k**0.6 / (1 + (freqs / corner) ** 2)
        quick = np.asarray(3.2 * 2 ** (-(note - 48) / 15) / (1 + 0.12 * k), dtype=np.float64)
        long = length + 0.4
        out = np.zeros(samples(long))
        for detune in (1.0, 1.0 + between(rng, 2e-4, 5e-4), 1.0 - between(rng, 1e-4, 4e-4)):
            out += modal(long, detune * freqs, quick, heights)
            out += modal(long, detune * freqs, 3.5 * quick, 0.3 * heights)
        m = samples(0.05)
        thud = band(white(rng, m), 60, 1400, 1) * attack_decay(m, 0.0015, 0.04)
        top = float(np.max(np.abs(out)))
        overlay(out, thud, 0.0, 0.25 * top)
        rise = np.minimum(np.arange(len(out)) / samples(0.0025), 1)
        return normal(through(out * rise * damped(len(out), length, 0.25), board))

    return voice


def electric_piano(rng: Generator) -> Voice:
    """Tines before pick-ups, by frequency modulation (Chowning 1973), tremolo behind."""
    bark, bell, rate = between(rng, 0.4, 1.4), between(rng, 0.03, 0.15), between(rng, 3.5, 6.5)
    depth = between(rng, 0.0, 0.4)

    def voice(note: int, length: float, loud: float) -> Signal:
        n = samples(length + 0.3)
        t, f0 = times(n), hertz(note)
        fall = np.exp(-t / (2.2 * (262 / f0) ** 0.5))
        index = bark * loud**1.5 * (0.35 + 0.65 * np.exp(-t / 0.35))
        tine = np.sin(2 * np.pi * f0 * t + index * np.sin(2 * np.pi * f0 * t)) * fall
        ting = bell * loud * np.sin(2 * np.pi * 14.02 * f0 * t) * np.exp(-t / 0.06)
        swing = 1 + depth * np.sin(2 * np.pi * rate * t + rng.uniform(0, 6))
        rise = np.minimum(t / 0.002, 1)
        return normal((tine + ting) * swing * rise * damped(n, length, 0.15))

    return voice


def organ(rng: Generator) -> Voice:
    """Church organ: flue ranks at several feet, wind that trembles a little, chiff."""
    ranks = [(1.0, 1.0, 6.0), (2.0, between(rng, 0.3, 0.9), 7.0), (0.5, between(rng, 0, 0.5), 7.0)]
    ranks += [(3.0, between(rng, 0, 0.35), 8.0), (4.0, between(rng, 0.1, 0.6), 8.0)]
    reed = between(rng, 0.0, 0.5)

    def voice(note: int, length: float, _loud: float) -> Signal:
        n = samples(length + 0.12)
        wind = 1 + wander(rng, n, 3, 0.0006)
        total = np.zeros(n)
        for ratio, amount, tilt in ranks:
            if hertz(note) * ratio < 6000:
                f0 = hertz(note) * ratio * between(rng, 0.9993, 1.0007) * wind
                total += amount * normal(partials(f0, tilt + 3))
        total += reed * normal(partials(hertz(note) * wind, 3.5))
        chiff = band(white(rng, n), hertz(note), 4 * hertz(note) + 2000, 1)
        total += 0.25 * normal(chiff) * (0.06 + np.exp(-times(n) / 0.03))
        edge = 0.05 / (length + 0.12)
        return normal(total) * curve(n, [(0, 0), (edge, 1), (1 - 1.5 * edge, 1), (1, 0)])

    return voice


def accordion(rng: Generator) -> Voice:
    """Free reeds in two or three ranks a few cents apart, so that they beat; bellows."""
    cents = between(rng, 6, 19)
    box = [(between(rng, 450, 700), 1.2, 1.0), (between(rng, 1500, 2600), 1.5, 0.8)]

    def voice(note: int, length: float, _loud: float) -> Signal:
        n = samples(length + 0.05)
        total = np.zeros(n)
        for shift, ratio in ((-0.3 * cents, 1), (cents, 1), (0.0, 0.5)):
            f0 = hertz(note) * ratio * 2 ** (shift / 1200) * (1 + wander(rng, n, 2, 0.0004))
            total += normal(partials(f0, 3.5)) * (1.0 if ratio == 1 else 0.4)
        total = 0.5 * total + resonate(total, box)
        edge = min(0.04 / length, 0.3)
        bellows = curve(n, [(0, 0), (edge, 0.9), (0.6, 1.0), (1 - edge, 0.9), (1, 0)])
        return normal(total) * bellows * (1 + wander(rng, n, 4, 0.04))

    return voice


def synthesizer(rng: Generator) -> Voice:
    """Three saws or pulses, apart by some cents, through a resonant filter that opens and falls."""
    cents, top = between(rng, 5, 22), between(rng, 1800, 7000)
    quality, fall = between(rng, 1.5, 5), between(rng, 0.15, 0.9)
    even = float(rng.choice([1.0, 1.0, 0.15]))

    def voice(note: int, length: float, loud: float) -> Signal:
        n = samples(length + 0.2)
        total = np.zeros(n)
        for shift in (-cents, 0.0, cents):
            total += partials(steady(n, hertz(note) * 2 ** (shift / 1200)), 5.5, even=even)
        edge = hertz(note) * 1.5 + top * loud * np.exp(-times(n) / fall)

        def response(hz: Signal, seconds: Signal) -> Signal:
            x = hz / at_times(edge, seconds[0])[None, :]
            return 1 / np.sqrt((1 - x**2) ** 2 + (x / quality) ** 2 + 1e-6) / (1 + 0.1 * x**2)

        shape = np.minimum(times(n) / 0.006, 1) * damped(n, length, 0.25)
        return normal(shaped(total, response) * shape)

    return voice


def echoed(rng: Generator, x: Signal) -> Signal:
    """`x` with a tape echo: three repeats, each duller."""
    wait, out, again = samples(between(rng, 0.18, 0.4)), x.copy(), x
    for k in range(1, 4):
        again = low(again, 2800) * 0.5
        out[k * wait :] += again[: max(len(x) - k * wait, 0)]
    return out
