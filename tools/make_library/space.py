"""Places: rooms, open air, distance, things that pass by."""

import itertools

import numpy as np
from numpy.random import Generator
from scipy import signal

from .dsp import SR, Signal, low, normal, samples, times, white

SPEED_OF_SOUND = 343.0
"""Metres per second in air at 20 degrees Celsius."""


def _image_taps(rng: Generator, size: float, reflect: float) -> Signal:
    """First- and second-order image sources of a box room about `size` m wide, as pulses."""
    box = size * rng.uniform([0.8, 0.6, 0.4], [1.2, 1.0, 0.6])
    ear, source = box * rng.uniform(0.2, 0.8, 3), box * rng.uniform(0.2, 0.8, 3)
    direct = float(np.linalg.norm(source - ear))
    taps = np.zeros(samples(0.1 + 6 * size / SPEED_OF_SOUND))
    for order in itertools.product((-1, 0, 1), repeat=3):
        turns = np.array(order)
        bounces = int(np.abs(turns).sum())
        if bounces == 0 or bounces > 2:
            continue
        mirrored = np.where(turns % 2 == 0, source, box * (turns + 1) - source)
        path = float(np.linalg.norm(mirrored - ear))
        place = samples(max(path - direct, 0) / SPEED_OF_SOUND)
        taps[place] += reflect**bounces * direct / max(path, direct)
    return taps


def room(
    rng: Generator, x: Signal, *, rt60: float, wet: float, size: float = 5.0, dark: float = 5000.0
) -> Signal:
    """`x` in a room: early image sources, then a diffuse tail that loses its highs first.

    `rt60` in s, `wet` the level of the reflections (1 leaves the tail 6 dB under the dry sound),
    `size` in m, `dark` the corner of the late tail in Hz. Same length as `x`.
    """
    t = times(samples(rt60))
    noise = white(rng, len(t))
    tail = 0.5 * noise * 10 ** (-3 * t / (0.5 * rt60)) + low(noise, dark) * 10 ** (-3 * t / rt60)
    tail *= np.minimum(t / 0.012, 1)
    tail /= np.sqrt(np.sum(tail**2))
    early = signal.fftconvolve(x, 0.7 * _image_taps(rng, size, 0.6))[: len(x)]
    late = signal.fftconvolve(x, tail)[: len(x)]
    return np.asarray(x + wet * early + 0.5 * wet * low(late, 1.6 * dark), dtype=np.float64)


def outdoors(rng: Generator, x: Signal, *, distance: float = 10.0, wet: float = 0.25) -> Signal:
    """`x` heard in the open from `distance` m: air takes the highs, walls send a few echoes."""
    far = low(x, float(np.clip(60_000 / distance**0.6, 1500, 15_500)), 1)
    out = far.copy()
    for _ in range(4):
        wait = samples(rng.uniform(0.04, 0.35))
        echo = low(far, rng.uniform(1200, 3500))
        out[wait:] += wet * rng.uniform(0.1, 0.5) * echo[: max(len(x) - wait, 0)]
    t = times(samples(0.9))
    tail = white(rng, len(t)) * 10 ** (-3 * t / 0.9)
    tail = low(tail / np.sqrt(np.sum(tail**2)), 3000)
    return np.asarray(out + wet * signal.fftconvolve(far, tail)[: len(x)], dtype=np.float64)


def pass_by(x: Signal, *, speed: float, closest: float, when: float, floor: float = 0.02) -> Signal:
    """A source that drives past: Doppler shift and 1/r level.

    `speed` in m/s, `closest` distance in m reached at `when` s. Same length as `x`; the source
    is read later than it sounds, so `x` should be steady.
    """
    t = times(len(x))
    distance = np.hypot(closest, speed * (t - when))
    read = (t - (distance - closest) / SPEED_OF_SOUND) * SR
    read = np.mod(read, len(x) - 1)
    moved = np.interp(read, np.arange(len(x)), x)
    return np.asarray(moved * np.maximum(closest / distance, floor), dtype=np.float64)


def mix(*layers: tuple[Signal, float]) -> Signal:
    """Sum of (signal, RMS in dB) layers, cut to the shortest."""
    n = min(len(x) for x, _ in layers)
    total = np.zeros(n)
    for x, level in layers:
        total += normal(x[:n]) * 10 ** (level / 20)
    return total
