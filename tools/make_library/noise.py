"""Test signals: noises of several colours, hum, static, a sine wave, sweeps."""

import numpy as np
from numpy.random import Generator
from scipy import signal

from .dsp import (
    SR,
    Signal,
    band,
    between,
    coloured,
    curve,
    grains,
    gusts,
    high,
    low,
    normal,
    samples,
    soft_clip,
    times,
    white,
)
from .space import mix
from .voice import partials, steady


def white_noise(rng: Generator) -> Signal:
    """Noise of equal power in each hertz, as from an idle channel; some of it band-limited."""
    n = samples(between(rng, 2.2, 3.1))
    return low(white(rng, n), between(rng, 9000, 15_500), 1)


def pink_noise(rng: Generator) -> Signal:
    """Noise of equal power in each octave."""
    n = samples(between(rng, 2.2, 3.1))
    return coloured(rng, n, between(rng, 2.8, 3.3), between(rng, 15, 60))


def brown_noise(rng: Generator) -> Signal:
    """Noise that falls by 6 dB an octave, as a random walk does."""
    n = samples(between(rng, 2.2, 3.1))
    return coloured(rng, n, between(rng, 5.4, 6.4), between(rng, 30, 90))


def static(rng: Generator) -> Signal:
    """A radio between stations: hiss that breathes, crackle, mains in it, all a little too loud."""
    n = samples(between(rng, 2.2, 3.3))
    hiss = band(white(rng, n), between(rng, 130, 320), between(rng, 4800, 10_500), 1)
    hiss = hiss * gusts(rng, n, between(rng, 1.4, 3.2), between(rng, 1.4, 3.5))
    snaps = [high(white(rng, m), 400) * np.hanning(m) for m in (12, 20, 45, 90)]
    crackle = grains(rng, n, between(rng, 8, 280), snaps, spread=1.2)
    mains = partials(steady(n, 50.0), 1.5)
    out = mix((hiss, 0), (crackle, between(rng, -12, 2)), (mains, between(rng, -15, -10)))
    return soft_clip(out, between(rng, 1.5, 4))


def mains_hum(rng: Generator) -> Signal:
    """A transformer: twice the mains frequency and its harmonics, a bad earth's buzz, hiss."""
    n = samples(between(rng, 2.2, 3))
    mains = float(rng.choice([50.0, 60.0]))
    core = resonant = partials(steady(n, 2 * mains), between(rng, 4, 10))
    buzz = high(partials(steady(n, mains), between(rng, 1.5, 4)), 300, 1)
    resonant = low(core, between(rng, 500, 1500)) * gusts(rng, n, 0.7, 0.4)
    hiss = coloured(rng, n, 2.0)
    return mix((resonant, 0), (buzz, between(rng, -24, -6)), (hiss, between(rng, -46, -34)))


def sine_wave(rng: Generator) -> Signal:
    """A test tone: one sine, steady or stepped."""
    n = samples(between(rng, 2.2, 2.9))
    steps = int(rng.choice([1, 1, 3]))
    tones = np.repeat([between(rng, 180, 3200) for _ in range(steps)], -(-n // steps))[:n]
    return np.sin(2 * np.pi * np.cumsum(low(tones - tones[0], 80, 1) + tones[0]) / SR)


def chirp(rng: Generator) -> Signal:
    """Sweeps of a sine up or down, in octaves a second or in hertz a second, one or several."""
    n = samples(between(rng, 2.2, 2.9))
    count = int(rng.choice([1, 2, 4, 6]))
    each = n // count
    bottom, top = between(rng, 90, 500), between(rng, 2500, 11_000)
    ends = (bottom, top) if rng.random() < 0.6 else (top, bottom)
    method = "logarithmic" if rng.random() < 0.7 else "linear"
    sweep = signal.chirp(times(each), ends[0], each / SR, ends[1], method)
    sweep = sweep * curve(each, [(0, 0), (0.02, 1), (0.96, 1), (1, 0)])
    return normal(np.tile(sweep, count))
