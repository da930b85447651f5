"""Many sound files, one question: those that fit are decoded ahead of the model, others stream.

What is asked is the caller's: embeddings for a library, classes or events for a table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeVar

from passt_core.errors import AudioError
from passt_core.inference.ahead import WORKERS, ahead
from passt_core.inference.predictor import Predictor, WindowProgress
from passt_core.signal import audio
from passt_core.signal.audio import Waveform

BATCH = 32
"""Sounds that are given to the model together: several encoder passes of those of one length."""

A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)
SecondsHeard = Callable[[float], None]
"""Called with the seconds of a sound that were heard so far."""


class Question(Protocol[A_co]):
    """What is asked of each sound."""

    def held_s(self, predictor: Predictor) -> float:
        """Longest sound that is decoded whole, ahead of the model, in seconds."""
        ...

    def of_whole(self, sounds: Sequence[Waveform], predictor: Predictor) -> Sequence[A_co]:
        """Answers for sounds that are decoded, mono at the model's rate."""
        ...

    def of_file(self, path: Path, predictor: Predictor, told: SecondsHeard) -> A_co:
        """The answer for a file that is read as a stream."""
        ...


def outcomes(
    files: Mapping[str, Path],
    predictor: Predictor,
    asked: Question[A],
    *,
    workers: int = WORKERS,
    progress: WindowProgress | None = None,
) -> Iterator[dict[str, A | str]]:
    """Listen to files; one that cannot be read gives its reason.

    Sounds of like length are heard together. Memory is that of a few short sounds, or of what
    :meth:`Question.of_file` takes.

    Args:
        files: key → file.
        predictor: the model.
        asked: of each sound.
        workers: threads that read and decode ahead of the model.
        progress: told the seconds of sound that are done, and how many there are.

    Yields:
        What some more of the files gave, by key.
    """
    lengths: dict[str, float] = {}
    for key, length in ahead(lambda key: _length(files[key]), files, workers=workers):
        if isinstance(length, str):
            yield {key: length}
        else:
            lengths[key] = length
    clock = _Clock(lengths, progress)
    order = sorted(lengths, key=lambda key: lengths[key])  # so that alike lengths meet
    held = [key for key in order if lengths[key] <= asked.held_s(predictor)]
    rate = predictor.sample_rate
    decoded = ahead(lambda key: _decoded(files[key], rate), held, workers=workers, most=BATCH)
    for batch in iter(lambda: dict(islice(decoded, BATCH)), {}):
        yield _together(batch, files, predictor, asked)
        clock.heard(batch)
    for key in order[len(held) :]:
        yield {key: _alone(files[key], predictor, asked, clock.within)}
        clock.heard([key])


class _Clock:
    """Seconds of sound that are done, of all that the headers tell of."""

    def __init__(self, lengths: Mapping[str, float], progress: WindowProgress | None) -> None:
        self._lengths = {k: s if math.isfinite(s) else 0.0 for k, s in lengths.items()}
        self._total = sum(self._lengths.values()) or None
        self._done = 0.0
        self._progress = progress

    def heard(self, keys: Iterable[str]) -> None:
        self._done += sum(self._lengths[key] for key in keys)
        self.within(0.0)

    def within(self, seconds: float) -> None:
        """So much of the next sound is done too."""
        if self._progress:
            self._progress(self._done + seconds, self._total)


def _together(
    sounds: Mapping[str, Waveform | str],
    files: Mapping[str, Path],
    predictor: Predictor,
    asked: Question[A],
) -> dict[str, A | str]:
    """What sounds that were decoded give; a reason stays a reason."""
    whole = {key: sound for key, sound in sounds.items() if not isinstance(sound, str)}
    found: dict[str, A | str] = {k: sound for k, sound in sounds.items() if isinstance(sound, str)}
    try:
        answers = asked.of_whole(list(whole.values()), predictor)
    except AudioError:  # one of them; alone, each answers for itself
        return found | {key: _alone(files[key], predictor, asked) for key in whole}
    return found | dict(zip(whole, answers, strict=True))


def _alone(
    path: Path,
    predictor: Predictor,
    asked: Question[A],
    told: SecondsHeard = lambda _: None,
) -> A | str:
    """What a file gives, read as a stream: it may be hours long."""
    try:
        return asked.of_file(path, predictor, told)
    except (AudioError, OSError) as error:
        return str(error)


def _length(path: Path) -> float | str:
    """Seconds that the header tells of; infinite if it does not say."""
    try:
        seconds = audio.info(path).duration_s
    except (AudioError, OSError) as error:
        return str(error)
    return math.inf if seconds is None else seconds


def _decoded(path: Path, rate: int) -> Waveform | str:
    try:
        return audio.load(path, sample_rate=rate)
    except (AudioError, OSError) as error:
        return str(error)
