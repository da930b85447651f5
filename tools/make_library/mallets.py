"""Struck bars, bells, bowls and pans by their modes. Each takes an rng and returns a Voice."""

import numpy as np
from numpy.random import Generator

from .dsp import (
    Signal,
    attack_decay,
    band,
    between,
    coloured,
    high,
    normal,
    overlay,
    samples,
    times,
    white,
)
from .modes import modal
from .music import Voice, hertz


def _mallet(rng: Generator, length: float, low_hz: float, high_hz: float) -> Signal:
    """Contact of a mallet: noise of `length` s in a band, unit level."""
    n = samples(4 * length)
    return normal(band(white(rng, n), low_hz, high_hz, 1) * attack_decay(n, 0.0006, 3 * length))


def marimba(rng: Generator) -> Voice:
    """Wooden bars tuned 1 : 3.93 : 9.6, tubes below that lengthen the lowest mode."""
    hard, tube = between(rng, 0.1, 0.7), between(rng, 0.8, 1.6)

    def voice(note: int, _length: float, loud: float) -> Signal:
        f0 = hertz(note)
        t60 = tube * (330 / f0) ** 0.5
        bar = modal(
            min(1.6 * t60, 2.5),
            [f0, 3.93 * f0, 9.6 * f0, 16.2 * f0],
            [t60, 0.24 * t60, 0.09 * t60, 0.05 * t60],
            [1.0, (0.25 + hard) * loud, 0.3 * hard * loud, 0.2 * hard * loud],
        )
        overlay(bar, _mallet(rng, 0.006, 150, 2500), 0.0, 0.12 + 0.25 * hard)
        return bar

    return voice


def xylophone(rng: Generator) -> Voice:
    """Hard rosewood bars tuned 1 : 3 : 6.1, short and bright."""
    dry, hard = between(rng, 0.25, 0.55), between(rng, 0.5, 1.0)

    def voice(note: int, _length: float, loud: float) -> Signal:
        f0 = hertz(note)
        t60 = dry * (880 / f0) ** 0.5
        bar = modal(
            1.5 * t60,
            [f0, 3.0 * f0, 6.1 * f0, 10.2 * f0],
            [t60, 0.4 * t60, 0.2 * t60, 0.1 * t60],
            [1.0, 0.7 * hard * loud, 0.5 * hard * loud, 0.3 * hard],
        )
        overlay(bar, _mallet(rng, 0.003, 800, 7000), 0.0, 0.5 * hard)
        return bar

    return voice


def vibraphone(rng: Generator) -> Voice:
    """Aluminium bars tuned 1 : 4 : 10 that ring for seconds, discs that turn in the tubes."""
    rate, depth = between(rng, 3.0, 7.0), between(rng, 0.0, 0.55)

    def voice(note: int, length: float, loud: float) -> Signal:
        f0 = hertz(note)
        t60 = 5.0 * (330 / f0) ** 0.4
        bar = modal(
            min(length + 1.2, 3.5),
            [f0, 1.0007 * f0, 4.0 * f0, 10.1 * f0],
            [t60, 0.8 * t60, 0.3 * t60, 0.07 * t60],
            [1.0, 0.25, 0.3 * loud, 0.12 * loud],
        )
        disc = 1 + depth * np.sin(2 * np.pi * rate * times(len(bar)) + rng.uniform(0, 6))
        overlay(bar, _mallet(rng, 0.005, 200, 3000), 0.0, 0.1)
        tail = np.clip((len(bar) - np.arange(len(bar))) / samples(0.3), 0, 1)
        return bar * disc * tail

    return voice


def glockenspiel(rng: Generator) -> Voice:
    """Small steel bars with the ratios of a free bar, brass or plastic beaters."""
    hard = between(rng, 0.3, 1.0)

    def voice(note: int, _length: float, loud: float) -> Signal:
        f0 = hertz(note)
        t60 = between(rng, 1.6, 2.6) * (2000 / f0) ** 0.5
        bar = modal(
            1.8,
            [f0, 1.002 * f0, 2.756 * f0, 5.404 * f0, 8.93 * f0],
            [t60, 0.7 * t60, 0.5 * t60, 0.3 * t60, 0.15 * t60],
            [1.0, 0.2, 0.5 * hard, 0.35 * hard * loud, 0.2 * hard],
        )
        overlay(bar, _mallet(rng, 0.002, 2000, 11000), 0.0, 0.4 * hard)
        return bar

    return voice


def tubular_bells(rng: Generator) -> Voice:
    """Long brass tubes: free-bar modes 4 to 9, of which the ear makes a note an octave below."""
    long = between(rng, 3.0, 6.0)

    def voice(note: int, _length: float, loud: float) -> Signal:
        ratios = np.array([0.31, 0.66, 1.0, 1.49, 2.0, 2.6, 3.26, 4.0, 5.7])
        heights = np.array([0.15, 0.35, 1.0, 0.8, 0.9, 0.4 * loud, 0.4 * loud, 0.3 * loud, 0.2])
        freqs = 2 * hertz(note) * ratios
        tube = modal(4.0, freqs, long / np.sqrt(ratios + 0.5), heights, rng=rng)
        tube += modal(4.0, 1.0012 * freqs, long / np.sqrt(ratios + 0.5), 0.4 * heights, rng=rng)
        overlay(tube, _mallet(rng, 0.004, 900, 8000), 0.0, 0.5)
        return tube

    return voice


def singing_bowl(rng: Generator) -> Voice:
    """A bronze bowl struck with felt: few modes, each a pair that beats slowly for seconds."""
    beats = [between(rng, 0.6, 3.5) for _ in range(5)]

    def voice(note: int, _length: float, loud: float) -> Signal:
        f0, out = hertz(note), np.zeros(samples(6.0))
        ratios, heights = (1.0, 2.76, 5.12, 8.1, 11.5), (1.0, 0.8, 0.45 * loud, 0.2 * loud, 0.1)
        for ratio, height, beat in zip(ratios, heights, beats, strict=True):
            hz, t60 = f0 * ratio, 14.0 / ratio**0.75
            out += modal(6.0, [hz, hz + beat], [t60, t60], [height, 0.7 * height], rng=rng)
        overlay(out, _mallet(rng, 0.015, 100, 1500), 0.0, 0.15)
        return out * np.minimum(times(len(out)) / 0.008, 1)

    return voice


def wind_chime(rng: Generator) -> Signal:
    """Wind chimes: five to seven thin tubes that the air lets strike, some at a time, (n,)."""
    n = samples(between(rng, 2.6, 3.8))
    out, root = np.zeros(n), between(rng, 800, 1700)
    scale = root * 2 ** (np.array([0, 2, 4, 7, 9, 12, 14])[: int(rng.integers(5, 8))] / 12)
    at = between(rng, 0.05, 0.4)
    while at < n / 32_000 - 0.3:
        hz = float(rng.choice(scale))
        tube = modal(
            2.5,
            [hz, 1.004 * hz, 2.756 * hz, 2.77 * hz, 5.404 * hz],
            [2.4, 2.0, 1.2, 1.0, 0.5],
            [1.0, 0.6, 0.7, 0.3, 0.4],
            rng=rng,
        )
        overlay(tube, high(_mallet(rng, 0.002, 2000, 10000), 2000), 0.0, 0.3)
        overlay(out, tube, at, rng.lognormal(-0.3, 0.5))
        at += float(rng.exponential(0.22)) + (0.5 if rng.random() < 0.12 else 0.0)
    return out + 0.002 * coloured(rng, n, 4.0)
