"""Speech by eSpeak NG, a formant synthesiser, set into rooms, corridors and the open.

The one part of the library that needs a program: ``apt-get install espeak-ng``. Another version of
it may speak a little differently; the shipped clips were made with 1.51.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from numpy.random import Generator
from scipy import signal

from passt_core.errors import PasstError

from .dsp import SR, Signal, between, coloured, high, low, normal, overlay, samples
from .sentences import SENTENCES
from .space import mix, outdoors, room

PROGRAM = "espeak-ng"
MEN = ("m1", "m2", "m3", "m4", "m5", "m7")
WOMEN = ("f1", "f2", "f3", "f4", "f5")
LONGEST = 4.6
"""Seconds of speech in a clip at most, so that its echo has room."""


def require() -> None:
    """Make sure that there is something to speak.

    Raises:
        PasstError: eSpeak NG is not installed.
    """
    if shutil.which(PROGRAM) is None:
        raise PasstError(
            f"speech is rendered by {PROGRAM}, which is not on the path; install the package "
            f"{PROGRAM}"
        )


def say(text: str, voice: str, *, pitch: int, speed: int) -> Signal:
    """Speak a sentence.

    Args:
        text: what to say.
        voice: eSpeak NG's language and variant, as ``de+f2``.
        pitch: 0 to 99.
        speed: words a minute.

    Returns:
        (n,) at `SR`, unit RMS, without silent ends.

    Raises:
        PasstError: eSpeak NG is not installed.
    """
    require()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        options = ("-v", voice, "-p", str(pitch), "-s", str(speed), "-w", str(path))
        subprocess.run((PROGRAM, *options, "--", text), check=True, capture_output=True)
        spoken, rate = soundfile.read(path, dtype="float64")
    heard = np.flatnonzero(np.abs(spoken) > 1e-3 * np.max(np.abs(spoken)))
    spoken = spoken[heard[0] : heard[-1] + 1]
    return normal(np.asarray(signal.resample_poly(spoken, SR, rate), dtype=np.float64))


def _sentence(rng: Generator, variants: tuple[str, ...], pitch: tuple[int, int]) -> Signal:
    """A sentence in a language drawn at random, spoken by one of `variants`, at most `LONGEST`."""
    language = sorted(SENTENCES)[int(rng.integers(0, len(SENTENCES)))]
    text = SENTENCES[language][int(rng.integers(0, len(SENTENCES[language])))]
    variant = variants[int(rng.integers(0, len(variants)))]
    height, speed = int(rng.integers(*pitch)), int(rng.integers(135, 205))
    spoken = say(text, f"{language}+{variant}", pitch=height, speed=speed)
    return spoken[: samples(LONGEST)]


def _breathed(rng: Generator, x: Signal) -> Signal:
    """`x` through a throat less even than a synthesiser's: air in the highs, level that sways."""
    air = high(np.abs(low(x, 1800)) * rng.standard_normal(len(x)), 2000)
    return np.asarray(x + between(rng, 0.02, 0.12) * air, dtype=np.float64)


def _placed(rng: Generator, x: Signal) -> Signal:
    """`x` near a microphone, in a room, in a corridor or in a yard, with what hums there."""
    out = np.zeros(max(len(x) + samples(between(rng, 0.25, 0.6)), samples(2.1)))
    overlay(out, x, between(rng, 0.05, 0.2))
    place = int(rng.integers(0, 4))
    if place == 0:
        out = room(rng, out, rt60=between(rng, 0.15, 0.3), wet=between(rng, 0.03, 0.1), size=3)
    elif place == 1:
        out = room(rng, out, rt60=between(rng, 0.35, 0.7), wet=between(rng, 0.15, 0.35), size=5)
    elif place == 2:
        out = room(rng, out, rt60=between(rng, 0.9, 1.6), wet=between(rng, 0.25, 0.5), size=12)
    else:
        out = outdoors(rng, out, distance=between(rng, 2, 8), wet=between(rng, 0.05, 0.2))
    return mix((out, 0), (coloured(rng, len(out), 4.0), between(rng, -46, -30)))


def man(rng: Generator) -> Signal:
    """A man says a sentence."""
    return _placed(rng, _breathed(rng, _sentence(rng, MEN, (25, 60))))


def woman(rng: Generator) -> Signal:
    """A woman says a sentence."""
    return _placed(rng, _breathed(rng, _sentence(rng, WOMEN, (40, 75))))


def conversation(rng: Generator) -> Signal:
    """Two people talk in turn, now and then into each other's words."""
    out, at, turn = np.zeros(samples(between(rng, 4.6, 5.4))), 0.08, 0
    first = bool(rng.integers(0, 2))
    while at < len(out) / SR - 0.6:
        voices = WOMEN[:2] if bool(turn % 2) == first else MEN[:2]
        part = _breathed(rng, _sentence(rng, voices, (35, 65)))[: samples(between(rng, 1.4, 2.4))]
        part[-samples(0.05) :] *= np.linspace(1, 0, samples(0.05))
        overlay(out, part, at, between(rng, 0.6, 1.0))
        at, turn = at + len(part) / SR + between(rng, -0.15, 0.3), turn + 1
    out = room(rng, out, rt60=between(rng, 0.3, 0.8), wet=between(rng, 0.1, 0.35), size=6)
    return mix((out, 0), (coloured(rng, len(out), 4.0), between(rng, -44, -30)))
