"""Five phrases that eight instruments play alike: one search finds the timbre or the tune."""

from collections.abc import Mapping
from types import MappingProxyType

from numpy.random import Generator

from .dsp import Signal, samples
from .instruments import INSTRUMENTS, finish
from .music import Note, perform

Bar = tuple[tuple[float, float, int], ...]
"""Beat, length in beats, MIDI note."""

_TUNE: Bar = (
    (0, 1, 62), (1, 0.5, 66), (1.5, 0.5, 69), (2, 1.5, 71), (3.5, 0.5, 69),
    (4, 1, 67), (5, 0.5, 66), (5.5, 0.5, 64), (6, 0.5, 61), (6.5, 1.3, 62),
)  # fmt: skip
_CHORDS: Bar = tuple(
    (1.5 * k, 1.4, note)
    for k, chord in enumerate(((48, 60, 63, 67), (44, 60, 63, 68), (53, 60, 65, 68), (43, 59, 62)))
    for note in chord
)
_ARPEGGIO: Bar = tuple(
    (0.5 * (6 * k + j), 0.9, root + step)
    for k, (root, third) in enumerate(((55, 4), (52, 3)))
    for j, step in enumerate((0, 7, 12, 12 + third, 19, 12))
)
_RIFF: Bar = tuple(
    (4.0 * k + at, length, note)
    for k in range(2)
    for at, length, note in (
        (0, 0.4, 52), (0.5, 0.4, 52), (1, 0.4, 55), (1.75, 0.6, 57), (2.5, 0.4, 52), (3, 0.4, 50),
        (3.5, 0.4, 59 if k else 47),
    )
)  # fmt: skip
_WALTZ: Bar = (
    *(
        (3.0 * k + beat, 0.9 if beat else 1.6, note)
        for k, bar in enumerate(((41, 65, 69), (48, 64, 70), (46, 65, 70), (41, 65, 69)))
        for beat, notes in enumerate((bar[:1], bar[1:], bar[1:]))
        for note in notes
    ),
    *((0, 2.8, 77), (3, 2.0, 76), (5, 1.0, 74), (6, 2.0, 74), (8, 1.0, 76), (9, 2.8, 77)),
)

PHRASES: Mapping[str, tuple[float, Bar]] = MappingProxyType(
    {
        "d-major-120bpm": (120, _TUNE),
        "c-minor-90bpm": (90, _CHORDS),
        "g-major-100bpm": (100, _ARPEGGIO),
        "e-minor-125bpm": (125, _RIFF),
        "f-major-180bpm": (180, _WALTZ),
    }
)
"""Name of each phrase, by its key and tempo: beats a minute and notes."""

TAIL = 0.2

TIMBRES = (
    "piano", "electric-piano", "vibraphone", "organ", "harp", "acoustic-guitar", "marimba",
    "synthesizer",
)  # fmt: skip
"""Who plays each phrase: keys of `INSTRUMENTS`."""


def notes_of(phrase: str, octave: int) -> list[Note]:
    """Notes of a phrase in seconds, moved by octaves."""
    tempo, bar = PHRASES[phrase]
    beat = 60 / tempo
    return [(0.05 + at * beat, length * beat, note + 12 * octave) for at, length, note in bar]


def play(rng: Generator, phrase: str, timbre: str) -> Signal:
    """One of `PHRASES` on one of `INSTRUMENTS`, with a tail of `TAIL` s."""
    chosen = INSTRUMENTS[timbre]
    notes = notes_of(phrase, chosen.octave)
    n = samples(max(at + length for at, length, _ in notes) + TAIL)
    return finish(rng, chosen, perform(rng, chosen.voice(rng), n, notes))
