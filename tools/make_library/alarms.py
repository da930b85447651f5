"""What calls for attention: bells on clocks and telephones, tones on the line, alarms, horns."""

import numpy as np
from numpy.random import Generator

from .dsp import (
    SR,
    Signal,
    attack_decay,
    between,
    coloured,
    curve,
    gusts,
    high,
    low,
    normal,
    overlay,
    resonate,
    samples,
    soft_clip,
    times,
    white,
)
from .machines import idling
from .modes import modal
from .space import mix, outdoors, room
from .voice import partials, steady


def _gong(rng: Generator, hz: float, t60: float) -> Signal:
    """One stroke on a small steel cup."""
    ratios = (1.0, 1.004, 2.41, 2.43, 4.2, 6.3)
    freqs = [hz * r * between(rng, 0.99, 1.01) for r in ratios]
    t60s = [t60, 0.9 * t60, 0.7 * t60, 0.6 * t60, 0.4 * t60, 0.3 * t60]
    cup = modal(1.2 * t60, freqs, t60s, [1, 0.7, 0.9, 0.6, 0.6, 0.4], rng=rng)
    m = samples(0.004)
    overlay(cup, high(white(rng, m), 2000) * attack_decay(m, 0.0002, 0.003), 0.0, 1.2)
    return cup


def rung(rng: Generator, length: float, rate: float, hz: float, t60: float) -> Signal:
    """A clapper between two cups for `length` s, `rate` strokes a second."""
    out = np.zeros(samples(length + t60))
    cups = (_gong(rng, hz, t60), _gong(rng, hz * between(rng, 1.05, 1.3), t60))
    at, k = 0.0, 0
    while at < length:
        overlay(out, cups[k % 2], at, between(rng, 0.7, 1.0))
        at, k = at + between(rng, 0.92, 1.08) / rate, k + 1
    return out


def alarm_clock(rng: Generator) -> Signal:
    """The bells of a wind-up clock, or the beeps of a digital one."""
    n = samples(between(rng, 2.2, 3.1))
    out = np.zeros(n)
    if rng.random() < 0.35:
        bell = rung(rng, n / SR, between(rng, 18, 30), between(rng, 1800, 3200), 0.8)
        overlay(out, bell, between(rng, 0.05, 0.3))
    else:
        hz, length = between(rng, 1700, 2500), between(rng, 0.06, 0.12)
        m = samples(length)
        tone = normal(partials(steady(m, hz), 4.0, even=0.3))
        beep = tone * curve(m, [(0, 0), (0.03, 1), (0.96, 1), (1, 0)])
        group, rest = int(rng.choice([3, 4, 4])), between(rng, 0.3, 0.55)
        at = between(rng, 0.05, 0.3)
        while at < n / SR:
            for _ in range(group):
                overlay(out, beep, at)
                at += 1.9 * length
            at += rest
    return _indoors(rng, out)


def _indoors(rng: Generator, x: Signal) -> Signal:
    """`x` in some room with a little hiss."""
    wet = room(rng, x, rt60=between(rng, 0.25, 0.9), wet=between(rng, 0.1, 0.4), size=4)
    return wet + float(np.std(wet)) * between(rng, 0.002, 0.02) * coloured(rng, len(x), 3.5)


def telephone_bell(rng: Generator) -> Signal:
    """An old telephone: two cups, one or two seconds of ringing, a rest, again."""
    n = samples(between(rng, 2.6, 3.7))
    out, hz, rate = np.zeros(n), between(rng, 1100, 1900), between(rng, 20, 28)
    double, at = rng.random() < 0.5, between(rng, 0.05, 0.3)
    length = 0.4 if double else between(rng, 1.2, 2.0)
    while at < n / SR - 0.4:
        overlay(out, rung(rng, length, rate, hz, between(rng, 0.7, 1.1)), at)
        if double:
            overlay(out, rung(rng, length, rate, hz, between(rng, 0.7, 1.1)), at + 0.6)
        at += (2.2 if double else length + 1.6) * between(rng, 0.95, 1.0)
    return _indoors(rng, out)


def ringtone(rng: Generator) -> Signal:
    """A mobile telephone: a motif of short bell-like tones that comes again."""
    n = samples(between(rng, 2.2, 3.1))
    out, root, step = np.zeros(n), between(rng, 700, 1300), between(rng, 0.09, 0.17)
    motif = [float(rng.choice([0, 4, 7, 9, 12, 16])) for _ in range(int(rng.integers(4, 9)))]
    index, ratio = between(rng, 0.5, 3.0), float(rng.choice([1.0, 2.0, 3.5]))
    at = 0.05
    while at < n / SR - 0.3:
        for tone in motif:
            t = times(samples(0.35))
            hz = root * 2 ** (tone / 12)
            swing = index * np.exp(-t / 0.08) * np.sin(2 * np.pi * ratio * hz * t)
            note = np.sin(2 * np.pi * hz * t + swing) * np.exp(-t / 0.12) * np.minimum(t / 0.002, 1)
            overlay(out, note, at)
            at += step
        at += 2 * step
    return _indoors(rng, high(out, 400, 1))


def _line(rng: Generator, x: Signal) -> Signal:
    """`x` as a telephone line passes it: 300 to 3400 Hz, some hiss and hum."""
    passed = low(high(x, 300), 3400, 4)
    return passed + float(np.std(passed)) * between(rng, 0.003, 0.03) * coloured(rng, len(x), 3.0)


def dial_tone(rng: Generator) -> Signal:
    """Two tones of an exchange, steady: 350 + 440 Hz and the like."""
    n = samples(between(rng, 2.2, 2.9))
    pair = ((350, 440), (350, 450), (350, 425))[int(rng.integers(0, 3))]
    tone = sum(np.sin(2 * np.pi * hz * times(n) + rng.uniform(0, 6)) for hz in pair)
    return _line(rng, soft_clip(np.asarray(tone), between(rng, 0.1, 0.6)))


def busy_signal(rng: Generator) -> Signal:
    """The engaged tone: half a second on, half a second off, 425 Hz or 480 + 620 Hz."""
    n = samples(between(rng, 2.2, 3))
    pair = ((480, 620), (425, 425), (400, 400))[int(rng.integers(0, 3))]
    tone = sum(np.sin(2 * np.pi * hz * times(n)) for hz in pair)
    period = between(rng, 0.4, 1.0)
    on = (np.mod(times(n) / period + rng.random(), 1) < 0.5).astype(np.float64)
    return _line(rng, soft_clip(np.asarray(tone), 0.3) * np.clip(low(on, 200, 1), 0, 1))


DTMF_LOW, DTMF_HIGH = (697, 770, 852, 941), (1209, 1336, 1477)


def dialling(rng: Generator) -> Signal:
    """A number keyed in: pairs of tones after ITU-T Q.23."""
    n = samples(between(rng, 2.2, 2.9))
    out, length, gap = np.zeros(n), between(rng, 0.07, 0.2), between(rng, 0.05, 0.16)
    at = between(rng, 0.05, 0.3)
    while at < n / SR - length:
        m = samples(length)
        pair = (float(rng.choice(DTMF_LOW)), float(rng.choice(DTMF_HIGH)))
        tone = sum(np.sin(2 * np.pi * hz * times(m)) for hz in pair)
        overlay(out, np.asarray(tone) * curve(m, [(0, 0), (0.03, 1), (0.97, 1), (1, 0)]), at)
        at += length + gap * between(rng, 0.8, 1.5)
    return _line(rng, out)


def smoke_alarm(rng: Generator) -> Signal:
    """A piezo disc near 3.1 kHz: three long beeps and a rest, or a fast warble, loud in a room."""
    n = samples(between(rng, 2.2, 3.4))
    hz, t = between(rng, 2800, 3500), times(n)
    if rng.random() < 0.6:
        place = np.mod(t + rng.random(), 4.0 if rng.random() < 0.5 else 2.6)
        on = ((np.mod(place, 1.0) < 0.5) & (place < 3.0)).astype(np.float64)
    else:
        on = (np.mod(t * between(rng, 4, 9), 1) < between(rng, 0.5, 0.75)).astype(np.float64)
    tone = partials(steady(n, hz), 7.0, even=0.5)
    out = tone * np.clip(low(on, 150, 1), 0, 1)
    return room(rng, out, rt60=between(rng, 0.4, 1.2), wet=between(rng, 0.3, 0.7), size=5)


def reversing_beeps(rng: Generator) -> Signal:
    """A lorry backs up: a buzzer on and off, its diesel below."""
    diesel = idling(rng)
    n = len(diesel)
    hz, rate = between(rng, 1000, 1700), between(rng, 0.9, 1.6)
    on = (np.mod(times(n) * rate + rng.random(), 1) < 0.5).astype(np.float64)
    tone = partials(steady(n, hz), 5.0, even=0.2)
    horn = resonate(tone, [(between(rng, 1200, 2800), 2.0, 1.0)]) + 0.3 * tone
    beeps = normal(horn) * np.clip(low(on, 120, 1), 0, 1)
    far = outdoors(rng, beeps, distance=between(rng, 8, 40), wet=between(rng, 0.3, 0.6))
    return mix((far, 0), (diesel, between(rng, -6, 1)))


def civil_siren(rng: Generator) -> Signal:
    """A rotor siren on a roof: winds up, holds, winds down, two ports a fifth apart, far echoes."""
    n = samples(between(rng, 3.3, 4.4))
    top = between(rng, 380, 620)
    kind = (
        [(0, 0.35), (0.5, 1), (1, 1)],
        [(0, 1), (0.4, 1), (1, 0.4)],
        [(0, 0.5), (0.5, 1), (1, 0.5)],
    )
    f0 = top * curve(n, kind[int(rng.integers(0, 3))])
    tone = partials(f0, 4.0) + between(rng, 0.3, 0.9) * partials(f0 * between(rng, 1.2, 1.5), 4.0)
    swing = 1 + 0.3 * np.sin(2 * np.pi * between(rng, 0.15, 0.5) * times(n) + rng.uniform(0, 6))
    out = resonate(tone * swing, [(700, 1.0, 1.0), (1500, 1.2, 0.6)])
    out = room(rng, out, rt60=3.0, wet=0.5, size=40, dark=1800)
    return outdoors(rng, out, distance=between(rng, 40, 200), wet=0.6)


def buzzer(rng: Generator) -> Signal:
    """A door or game buzzer: an armature that slaps at the mains' pace, in bursts."""
    n = samples(between(rng, 2.2, 2.9))
    out, at, rate = np.zeros(n), between(rng, 0.05, 0.3), float(rng.choice([50, 60, 100, 120]))
    while at < n / SR - 0.3:
        m = samples(between(rng, 0.4, 1.1))
        buzz = partials(rate * gusts(rng, m, 6, 0.03), between(rng, 0.5, 2.5))
        case = resonate(buzz, [(between(rng, 400, 900), 2, 1), (between(rng, 1500, 3000), 2, 0.8)])
        shape = curve(m, [(0, 0), (0.02, 1), (0.97, 1), (1, 0)])
        overlay(out, normal(case + 0.2 * buzz) * shape, at)
        at += m / SR + between(rng, 0.2, 0.6)
    return _indoors(rng, out)
