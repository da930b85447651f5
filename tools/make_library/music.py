"""Scores and players: what is played, and how notes of one instrument become a clip."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from .dsp import Signal, between, normal, overlay, resonate
from .modes import pluck

Note = tuple[float, float, int]
"""Start in s, length in s, MIDI note."""

Voice = Callable[[int, float, float], Signal]
"""One instrument: (MIDI note, length in s, loudness 0..1) to its sound at about unit level."""

MODES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9, 12, 14))
PROGRESSIONS = (
    ((0, 4, 7), (-3, 0, 4), (-7, -3, 0), (-5, -1, 2)),
    ((0, 3, 7), (-4, 0, 3), (-9, -5, -2), (-2, 2, 5)),
    ((0, 4, 7), (-5, -1, 2), (-3, 0, 4), (-7, -3, 0)),
    ((0, 3, 7), (-7, -4, 0), (-5, -2, 2), (0, 3, 7)),
)
GUITAR_BODY = ((98.0, 8.0, 0.9), (204.0, 9.0, 0.7), (390.0, 8.0, 0.35), (620.0, 6.0, 0.25))


def hertz(note: float) -> float:
    """Frequency of a MIDI note number (A4 = 69 = 440 Hz)."""
    return float(440 * 2 ** ((note - 69) / 12))


def melody(rng: Generator, root: int, span: float, beat: float) -> list[Note]:
    """A walk through a scale: (start s, length s, MIDI note) up to `span` s, in beats of `beat`."""
    scale = MODES[int(rng.integers(0, len(MODES)))]
    notes, at, place = [], 0.05, int(rng.integers(0, 5))
    while at < span - beat:
        length = beat * float(rng.choice([0.5, 0.5, 1.0, 1.0, 1.5]))
        notes.append((at, length, root + scale[place % 7] + 12 * (place // 7)))
        place = int(np.clip(place + rng.choice([-3, -2, -1, -1, 1, 1, 2, 4]), 0, 11))
        at += length
    return notes


def chords(rng: Generator, root: int, span: float, beat: float) -> list[Note]:
    """Chords of a progression, a bass note under each, struck once or twice a bar of 4 beats."""
    steps, notes, at, k = PROGRESSIONS[int(rng.integers(0, 4))], [], 0.05, int(rng.integers(0, 4))
    twice = rng.random() < 0.5
    while at < span - beat:
        chord = steps[k % 4]
        notes.append((at, 4 * beat, root + chord[0] - 12))
        for late in (0.0, 2 * beat) if twice else (0.0,):
            notes += [(at + late, (2 if twice else 4) * beat, root + step) for step in chord]
        at, k = at + 4 * beat, k + 1
    return [note for note in notes if note[0] < span - 0.5 * beat]


def arpeggio(rng: Generator, root: int, span: float, beat: float) -> list[Note]:
    """Broken chords over two octaves in half beats."""
    steps, notes, at = PROGRESSIONS[int(rng.integers(0, 4))], [], 0.05
    shape = ((0, 1, 2, 3, 4, 3, 2, 1), (0, 2, 1, 3, 2, 4, 3, 5), (0, 1, 2, 4, 5, 4, 2, 1))
    order, k = shape[int(rng.integers(0, 3))], 0
    while at < span - beat:
        chord = steps[k // 8 % 4]
        step = order[k % 8]
        notes.append((at, 1.6 * beat, root + chord[step % 3] + 12 * (step // 3)))
        at, k = at + 0.5 * beat, k + 1
    return notes


SHAPES = (
    (40, 47, 52, 55, 59, 64), (43, 47, 50, 55, 59, 67), (48, 52, 55, 60, 64), (50, 57, 62, 66),
    (45, 52, 57, 60, 64), (45, 52, 57, 61, 64), (41, 48, 53, 57, 60, 65), (47, 54, 59, 62, 66),
)  # fmt: skip
"""Chord shapes of a guitar from its lowest string: E minor, G, C, D, A minor, A, F, B minor."""


def strums(rng: Generator, root: int, span: float, beat: float) -> list[Note]:
    """Chord shapes brushed down and up in half beats, from `root` - 45 frets up the neck."""
    fret, notes, at, k = max(root - 45, 0), [], 0.05, 0
    pattern = ((1, 0, 1, 1, 0, 1, 1, 1), (1, 0, 1, 0, 1, 0, 1, 1), (1, 0, 0, 0, 1, 0, 0, 0))
    rhythm = pattern[int(rng.integers(0, 3))]
    shape: tuple[int, ...] = ()
    while at < span - 0.5 * beat:
        if k % 8 == 0:
            shape = SHAPES[int(rng.integers(0, len(SHAPES)))]
        if rhythm[k % 8]:
            brushed = shape if k % 2 == 0 else shape[:1:-1]
            gap = between(rng, 0.008, 0.02)
            notes += [(at + gap * j, 1.2 * beat, note + fret) for j, note in enumerate(brushed)]
        at, k = at + 0.5 * beat, k + 1
    return notes


def picked(rng: Generator, root: int, span: float, beat: float) -> list[Note]:
    """Chord shapes string by string, a bass string first, from `root` - 45 frets up the neck."""
    fret, notes, at = max(root - 45, 0), [], 0.05
    order = ((0, 2, 3, 4, 3, 2), (0, 3, 2, 4, 1, 3, 2, 4), (0, 2, 4, 3))[int(rng.integers(0, 3))]
    while at < span - 0.5 * beat:
        shape = SHAPES[int(rng.integers(0, len(SHAPES)))]
        for j in order:
            notes.append((at, 2.5 * beat, shape[min(j, len(shape) - 1)] + fret))
            at += 0.5 * beat
    return [note for note in notes if note[0] < span - 0.3]


def small_strums(rng: Generator, root: int, span: float, beat: float) -> list[Note]:
    """The upper strings of `strums` a fourth or more above, as on a ukulele."""
    notes = strums(rng, 45, span, beat)
    return [(at, length, note + root - 50) for at, length, note in notes if note > 49]


def riff(rng: Generator, root: int, span: float, beat: float) -> list[Note]:
    """A figure of eight half beats on a few notes, that comes again."""
    notes, at, k = [], 0.05, 0
    figure = [int(rng.choice([0, 0, 3, 5, 7, 10, 12])) for _ in range(8)]
    figure[0], rests = 0, rng.random(8) < 0.25
    while at < span - 0.5 * beat:
        if k % 8 == 0 or not rests[k % 8]:
            notes.append((at, 0.45 * beat, root + figure[k % 8]))
        at, k = at + 0.5 * beat, k + 1
    return notes


def tune_and_chords(rng: Generator, root: int, span: float, beat: float) -> list[Note]:
    """A tune with chords below."""
    upper = melody(rng, root + 12, span, beat)
    return upper + [(at, length, note) for at, length, note in chords(rng, root, span, beat)]


def perform(rng: Generator, voice: Voice, n: int, notes: list[Note]) -> Signal:
    """Notes on one instrument, never quite even in time nor in force, (n,)."""
    out = np.zeros(n)
    for at, length, note in notes:
        loud = between(rng, 0.65, 1.0)
        overlay(out, voice(note, length, loud), at + rng.uniform(0, 0.012), loud)
    return out


def guitar_notes(rng: Generator, n: int, notes: list[Note]) -> Signal:
    """Plucked strings on a wooden body: (start s, s until the finger lifts, MIDI note), (n,)."""
    out = np.zeros(n)
    bright, place = between(rng, 0.45, 0.9), between(rng, 0.12, 0.3)
    for at, length, note in notes:
        string = pluck(
            rng, hertz(note), 3.2, t60=between(rng, 3.2, 6.0), bright=bright, place=place
        )
        overlay(out, normal(string) * damped(len(string), length), at, between(rng, 0.7, 1.0))
    return out + between(rng, 0.6, 1.1) * resonate(out, GUITAR_BODY)


def damped(n: int, length: float, fall: float = 0.35) -> Signal:
    """One for `length` s, then down by 60 dB in `fall` s: a finger or a felt ends it, (n,)."""
    late = np.maximum(np.arange(n) / 32_000 - length, 0)
    return np.asarray(10 ** (-3 * late / fall), dtype=np.float64)
