"""Rain, thunder, wind; sea, brook, drips; fire. Each takes an rng, returns (n,) at `SR`."""

import numpy as np
from numpy.random import Generator

from .dsp import (
    SR,
    Response,
    Signal,
    at_times,
    attack_decay,
    band,
    between,
    coloured,
    grains,
    gusts,
    high,
    low,
    overlay,
    resonate,
    samples,
    shaped,
    times,
    wander,
    white,
)
from .modes import bubble, modal
from .space import mix, outdoors, room


def _drop_kernels(rng: Generator, low_hz: float, high_hz: float, count: int) -> list[Signal]:
    """Impacts of drops: noise of 1-5 ms with one resonance each."""
    kernels = []
    for _ in range(count):
        size = samples(between(rng, 0.004, 0.012))
        hit = white(rng, size) * attack_decay(size, 0.0002, between(rng, 0.003, 0.012))
        hz = between(rng, low_hz, high_hz)
        kernels.append(hit + 2 * resonate(hit, [(hz, 4, 1.0)]))
    return kernels


def rain(rng: Generator) -> Signal:
    """Steady hiss of far drops, near impacts, plinks in puddles, sometimes a roof."""
    return rain_for(rng, samples(between(rng, 3.2, 4.8)))


def rain_for(rng: Generator, n: int) -> Signal:
    """Rain of `n` samples, (n,)."""
    swell = gusts(rng, n, 0.6, 1.4)
    hiss = band(coloured(rng, n, between(rng, 0.8, 4.2)), 300, between(rng, 8000, 14500), 1)
    many = grains(rng, n, between(rng, 600, 4500), _drop_kernels(rng, 1200, 9500, 12), spread=0.8)
    near = grains(rng, n, between(rng, 12, 170), _drop_kernels(rng, 700, 5500, 10), spread=0.7)
    plinks = [bubble(between(rng, 750, 4800)) for _ in range(10)]
    puddle = grains(rng, n, between(rng, 4, 80), plinks, spread=0.8)
    out = mix(
        (hiss * swell, -3),
        (many * swell, between(rng, -7, 1)),
        (near, between(rng, -18, -7)),
        (puddle, between(rng, -28, -13)),
    )
    if rng.random() < 0.35:
        modes = [(between(rng, 220, 2300), between(rng, 3, 8), 1.0) for _ in range(6)]
        out = mix((out, 0), (resonate(many + 2 * near, modes), -6))
    return out


def _rumble_echoes(rng: Generator, n: int, at: float, length: float) -> Signal:
    """Energy of a strike over time: a long fall with rolls from far branches on it, (n,)."""
    t = times(n) - at
    energy = np.where(t > 0, (1 - np.exp(-t / 0.12)) * np.exp(-t / length), 0.0)
    rolls = np.zeros(n)
    for _ in range(int(rng.integers(5, 10))):
        width = between(rng, 0.25, 0.9)
        bump = attack_decay(samples(3 * width), 0.3 * width, 3 * width)
        overlay(rolls, bump, at + length * rng.beta(1.0, 1.6), between(rng, 0.2, 0.8))
    return np.asarray(energy + rolls * energy**0.5 + 0.01, dtype=np.float64)


def thunder(rng: Generator) -> Signal:
    """A strike whose highs go with distance, rumble that rolls on for seconds, rain around it."""
    n = samples(between(rng, 4.4, 5.8))
    distance = rng.uniform(0, 1)
    at = between(rng, 0.08, 0.7)
    energy = _rumble_echoes(rng, n, at, between(rng, 1.6, 3.6))
    since = np.maximum(times(n) - at, 0)
    edge = between(rng, 180, 700) + (1500 - 1150 * distance) * np.exp(
        -since / between(rng, 0.6, 1.6)
    )

    def dull(hz: Signal, seconds: Signal) -> Signal:
        corner = at_times(edge, seconds[0])[None, :]
        return 1 / (1 + (hz / corner) ** 4)

    deep = low(coloured(rng, n, 4.5, 40), 160) * energy
    body = shaped(coloured(rng, n, 3.5, 60) * gusts(rng, n, 9, 2.5), dull) * energy
    tearing = grains(
        rng, n, 260, _drop_kernels(rng, 300, 2500, 6), spread=1.2, density=energy**3 + 1e-9
    )
    hiss = band(coloured(rng, n, 2.0), 500, 9000, 1)
    layers = [
        (deep, between(rng, -6, 4)),
        (body, 0.0),
        (low(tearing, 1500 - 900 * distance), -22 - 8 * distance),
    ]
    layers.append((rain_for(rng, n), between(rng, -34, -18)))
    return outdoors(rng, mix(*layers, (hiss, -58)), distance=5 + 30 * distance, wet=0.3)


def wind(rng: Generator) -> Signal:
    """Turbulence: deep buffeting, air that brightens with its strength, sometimes an edge."""
    n = samples(between(rng, 4.0, 5.4))
    force = np.clip(1 + wander(rng, n, 0.5, 0.32) + wander(rng, n, 2.2, 0.12), 0.3, 2.4)
    centre = between(rng, 230, 560)
    noise = coloured(rng, n, between(rng, 2.0, 3.2), 40)

    def air(hz: Signal, seconds: Signal) -> Signal:
        strength = at_times(force, seconds[0])[None, :]
        middle = centre * (0.5 + 0.5 * strength)
        bump = 1 / (1 + ((hz - middle) / (0.7 * middle)) ** 2)
        return (bump + 0.35 / (1 + (hz / (1500 * strength)) ** 2)) * strength**1.5

    buffets = low(coloured(rng, n, 6.0, 25), 90) * force**2 * gusts(rng, n, 5, 2.5)
    layers = [(shaped(noise, air), 0.0), (buffets, between(rng, -10, 6))]
    if rng.random() < 0.6:
        layers.append((shaped(white(rng, n), _edge_tone(rng, force)), between(rng, -18, -4)))
    return mix(*layers)


def _edge_tone(rng: Generator, force: Signal) -> Response:
    """Response of an edge that whistles: a narrow band that follows the wind's strength."""
    edge = between(rng, 300, 560)

    def response(hz: Signal, seconds: Signal) -> Signal:
        strength = at_times(force, seconds[0])[None, :]
        middle = edge * (0.7 + 0.3 * strength)
        return strength**2.5 / (1 + ((hz - middle) / 45) ** 2)

    return response


def _wave_colour(
    rng: Generator, n: int, breaks: list[tuple[float, float]]
) -> tuple[Signal, Signal]:
    """Level and cut-off (Hz) of the surf: slow swell, quick break, long wash, (n,) each."""
    t = times(n)
    force = np.full(n, 0.10)
    bright = np.full(n, 500.0)
    for at, size in breaks:
        rise = np.exp(-(((t - at) / 0.9) ** 2)) * (t < at) + (t >= at)
        fall = np.exp(-np.maximum(t - at, 0) / (1.5 * size + 0.8))
        force += size * rise * fall
        bright += size * 7000 * rise**2 * np.exp(-np.maximum(t - at - 0.3, 0) / 2.2)
    return force * gusts(rng, n, 6, 0.8), bright


def waves(rng: Generator) -> Signal:
    """Surf: rumble before the break, bright crash, foam that hisses as it runs back."""
    n = samples(between(rng, 4.6, 5.6))
    first = between(rng, 0.5, 2.8)
    breaks = [(first, between(rng, 0.5, 1.0))]
    breaks += [(first + between(rng, 1.6, 3.6), between(rng, 0.3, 0.9))]
    breaks += [(first - between(rng, 2.4, 5.0), between(rng, 0.4, 0.9))]
    force, bright = _wave_colour(rng, n, breaks)

    def surf(hz: Signal, seconds: Signal) -> Signal:
        edge = at_times(bright, seconds[0])[None, :]
        level = at_times(force, seconds[0])[None, :]
        return level / (1 + (hz / edge) ** 2) ** 0.6

    body = shaped(coloured(rng, n, between(rng, 1.8, 4.0), 60), surf)
    foam = grains(rng, n, 2500, _drop_kernels(rng, 2500, 9000, 8), spread=0.9, density=bright - 400)
    gurgle = [bubble(between(rng, 350, 1500)) for _ in range(8)]
    slosh = grains(rng, n, 80, gurgle, spread=0.9, density=force)
    swell = low(coloured(rng, n, 4.0), 160) * force
    return mix(
        (body, 0),
        (foam * force, between(rng, -18, -10)),
        (slosh, between(rng, -30, -20)),
        (swell, between(rng, -16, -7)),
    )


def stream(rng: Generator) -> Signal:
    """A brook: thousands of bubbles over the soft noise of moving water."""
    n = samples(between(rng, 3.4, 4.8))
    middle = between(rng, 430, 1350)
    sizes = middle * rng.lognormal(0.15, 0.5, 40)
    kernels = [bubble(float(hz), rise=between(rng, 0.02, 0.25)) for hz in np.clip(sizes, 250, 5000)]
    flow = grains(rng, n, between(rng, 130, 520), kernels, spread=0.9)
    fine = grains(rng, n, 900, [bubble(between(rng, 1500, 6000)) for _ in range(20)], spread=0.7)
    wash = band(coloured(rng, n, 3.0), 200, 6000, 1) * gusts(rng, n, 3, 1.5)
    return mix((flow, 0), (fine, between(rng, -12, -6)), (wash, between(rng, -10, -3)))


def drip(rng: Generator) -> Signal:
    """Drops from a tap or a roof into standing water: a tick, rising bubbles, a little spray."""
    n = samples(between(rng, 2.8, 4.4))
    out = np.zeros(n)
    at, gap = between(rng, 0.05, 0.3), between(rng, 0.07, 0.22)
    middle, hard = between(rng, 800, 1700), between(rng, 0.08, 0.2)
    fine = [bubble(between(rng, 2200, 7000), rise=0.1) for _ in range(12)]
    spray = between(rng, 0.05, 0.4)
    while at < n / SR - 0.2:
        hit = white(rng, samples(0.004)) * attack_decay(samples(0.004), 0.0003, 0.004)
        overlay(out, high(hit, 1500), at, hard)
        for k in range(int(rng.integers(1, 5))):
            hz = middle * between(rng, 0.65, 1.7)
            drop = bubble(hz, rise=between(rng, 0.1, 0.4), height=between(rng, 0.4, 1.0))
            overlay(out, drop, at + 0.01 + 0.045 * k * rng.random(), 0.75**k)
        m = samples(0.15)
        patter = grains(rng, m, 120, fine, density=attack_decay(m, 0.01, 0.15))
        overlay(out, patter, at + 0.01, spray)
        at += gap * between(rng, 0.35, 1.8)
    rt60, wet = between(rng, 0.4, 1.2), between(rng, 0.05, 0.3)
    out = room(rng, out, rt60=rt60, wet=wet, size=between(rng, 3, 7))
    return out + between(rng, 0.002, 0.006) * coloured(rng, n, 4.0)


def _snap_kernels(rng: Generator, count: int) -> list[Signal]:
    """Snaps of burning wood: hard onset, 1-8 ms, a few resonances."""
    kernels = []
    for _ in range(count):
        length = between(rng, 0.002, 0.014)
        n = samples(3 * length)
        hit = white(rng, n) * attack_decay(n, 0.0001, 2.2 * length)
        tone = modal(
            3 * length,
            [between(rng, 700, 7000) for _ in range(3)],
            [2 * length] * 3,
            [1.0] * 3,
            rng=rng,
        )
        kernels.append(hit + 1.2 * tone[:n])
    return kernels


def fire(rng: Generator) -> Signal:
    """Crackle with heavy-tailed snaps over the soft roar and lick of flames."""
    n = samples(between(rng, 3.2, 4.8))
    bursts = gusts(rng, n, 3.0, 7.0)
    crackle = grains(
        rng, n, between(rng, 7, 24), _snap_kernels(rng, 18), spread=1.2, density=bursts
    )
    fizz = grains(rng, n, between(rng, 40, 140), _snap_kernels(rng, 12), spread=1.0, density=bursts)
    lick = low(coloured(rng, n, 5.0, 40), between(rng, 220, 700)) * gusts(rng, n, 7, 3.5)
    hiss = high(coloured(rng, n, 2.0), 1200) * gusts(rng, n, 1.5, 2.5)
    return mix(
        (crackle, 0),
        (fizz, between(rng, -18, -9)),
        (lick, between(rng, -10, 4)),
        (hiss, between(rng, -22, -11)),
    )
