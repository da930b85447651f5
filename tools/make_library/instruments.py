"""The band, as data: which voice, in which register, what it plays, how fast, in which room."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from numpy.random import Generator

from . import keys, mallets, music, strings, winds
from .dsp import Signal, between, coloured, samples
from .music import Note, Voice
from .space import room

Score = Callable[[Generator, int, float, float], list[Note]]


@dataclass(frozen=True)
class Instrument:
    """One instrument; `label` is an AudioSet display name.

    `roots` is the range of MIDI notes on which its music stands, `beats` the range of a beat in
    s, `rt60` that of its rooms in s, `octave` moves shared phrases into its register.
    """

    label: str
    voice: Callable[[Generator], Voice]
    roots: tuple[int, int]
    scores: tuple[Score, ...]
    beats: tuple[float, float] = (0.35, 0.65)
    rt60: tuple[float, float] = (0.4, 1.2)
    seconds: tuple[float, float] = (2.7, 3.7)
    octave: int = 0


TUNE, CHORDS, ARPEGGIO, RIFF = music.melody, music.chords, music.arpeggio, music.riff
STRUMS, PICKED = music.strums, music.picked
BOTH = music.tune_and_chords

INSTRUMENTS: Mapping[str, Instrument] = MappingProxyType(
    {
        "acoustic-guitar": Instrument(
            "Acoustic guitar", strings.acoustic_guitar, (43, 49), (STRUMS, PICKED), octave=-1
        ),
        "electric-guitar": Instrument(
            "Electric guitar",
            strings.electric_guitar,
            (40, 50),
            (RIFF, TUNE, RIFF),
            rt60=(0.2, 0.7),
        ),
        "bass-guitar": Instrument(
            "Bass guitar", strings.bass_guitar, (28, 38), (RIFF, TUNE), rt60=(0.2, 0.4), octave=-2
        ),
        "ukulele": Instrument(
            "Ukulele", strings.ukulele, (54, 60), (music.small_strums,), (0.4, 0.7), (0.3, 1.2)
        ),
        "pizzicato": Instrument(
            "Pizzicato", strings.pizzicato, (50, 58), (PICKED, RIFF, ARPEGGIO), (0.35, 0.55)
        ),
        "harp": Instrument(
            "Harp", strings.harp, (50, 64), (ARPEGGIO, BOTH, ARPEGGIO), (0.28, 0.6), (0.9, 2.2)
        ),
        "harpsichord": Instrument(
            "Harpsichord", strings.harpsichord, (52, 62), (BOTH, ARPEGGIO, TUNE), (0.25, 0.55)
        ),
        "violin": Instrument(
            "Violin, fiddle", strings.violin, (57, 72), (TUNE,), (0.3, 0.8), (0.7, 2.0)
        ),
        "string-section": Instrument(
            "String section",
            strings.string_section,
            (52, 62),
            (CHORDS, TUNE),
            (0.45, 0.8),
            (1.0, 2.4),
        ),
        "piano": Instrument("Piano", keys.piano, (50, 64), (BOTH, ARPEGGIO, CHORDS), (0.3, 0.7)),
        "electric-piano": Instrument(
            "Electric piano", keys.electric_piano, (50, 62), (CHORDS, BOTH)
        ),
        "organ": Instrument("Organ", keys.organ, (52, 64), (CHORDS, BOTH), (0.3, 0.6), (1.8, 3.5)),
        "accordion": Instrument("Accordion", keys.accordion, (55, 65), (BOTH, TUNE), (0.28, 0.5)),
        "synthesizer": Instrument(
            "Synthesizer", keys.synthesizer, (40, 60), (RIFF, ARPEGGIO, CHORDS), (0.3, 0.55)
        ),
        "flute": Instrument("Flute", winds.flute, (64, 79), (TUNE,), (0.3, 0.8), (0.9, 2.4)),
        "trumpet": Instrument("Trumpet", winds.trumpet, (58, 70), (TUNE,), (0.25, 0.6)),
        "trombone": Instrument("Trombone", winds.trombone, (43, 55), (TUNE,), (0.35, 0.7)),
        "french-horn": Instrument("French horn", winds.french_horn, (48, 60), (TUNE,), (0.45, 0.8)),
        "harmonica": Instrument("Harmonica", winds.harmonica, (60, 72), (TUNE, CHORDS), (0.3, 0.6)),
        "marimba": Instrument("Marimba, xylophone", mallets.marimba, (48, 64), (TUNE, ARPEGGIO)),
        "xylophone": Instrument(
            "Marimba, xylophone", mallets.xylophone, (72, 84), (TUNE, ARPEGGIO), (0.22, 0.45)
        ),
        "vibraphone": Instrument("Vibraphone", mallets.vibraphone, (55, 68), (TUNE, CHORDS, BOTH)),
        "glockenspiel": Instrument(
            "Glockenspiel", mallets.glockenspiel, (79, 88), (TUNE,), (0.3, 0.6), octave=2
        ),
        "singing-bowl": Instrument(
            "Singing bowl",
            mallets.singing_bowl,
            (48, 70),
            (RIFF,),
            (4.0, 7.0),
            (0.4, 1.2),
            (3.2, 4.4),
        ),
    }
)


def play(rng: Generator, name: str) -> Signal:
    """A few bars of an instrument of `INSTRUMENTS`, new music each time."""
    chosen = INSTRUMENTS[name]
    n = samples(between(rng, *chosen.seconds))
    voice = chosen.voice(rng)
    score = chosen.scores[int(rng.integers(0, len(chosen.scores)))]
    root, beat = (
        int(rng.integers(chosen.roots[0], chosen.roots[1] + 1)),
        between(rng, *chosen.beats),
    )
    notes = score(rng, root, n / 32_000 - 0.2, beat)
    return finish(rng, chosen, music.perform(rng, voice, n, notes))


def finish(rng: Generator, chosen: Instrument, x: Signal) -> Signal:
    """`x` in a room of the instrument's kind, some echo on a synthesizer, a breath of hiss."""
    if chosen.voice is keys.synthesizer and rng.random() < 0.6:
        x = keys.echoed(rng, x)
    x = room(rng, x, rt60=between(rng, *chosen.rt60), wet=between(rng, 0.25, 0.6), size=6.5)
    return x + 0.0008 * coloured(rng, len(x), 3.0)
