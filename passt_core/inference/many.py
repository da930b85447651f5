"""Many sound files, one question: short ones are decoded ahead of the model, others stream.

What is asked is the caller's: embeddings for a library, classes or events for a table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from passt_core.errors import AudioError
from passt_core.inference.ahead import WORKERS, ahead
from passt_core.inference.predictor import Predictor, WindowProgress
from passt_core.signal import audio
from passt_core.signal.decoding import Waveform

BATCH = 32
"""Sounds that are given to the model together: several encoder passes of those of one length."""
BATCH_S = 320.0
"""Seconds of sound that they have at most, together; as many wait for the model."""
BEYOND_S = 1.0
"""A sound that goes on for longer than this after the end that its header tells of is streamed."""

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

    Sounds of like length are heard together. Memory is that of twice :data:`BATCH_S` of sound and
    of one more held sound for each thread, or of what :meth:`Question.of_file` takes.

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
    decoded = ahead(
        lambda key: _decoded(files[key], rate, lengths[key]),
        held,
        workers=workers,
        most=1.0,
        size=lambda key: _share(lengths[key]),
    )
    for batch in _batches(held, lengths):
        yield _together(dict(islice(decoded, len(batch))), files, predictor, asked)
        clock.heard(batch)
    for key in order[len(held) :]:
        yield {key: _alone(files[key], predictor, asked, clock.within)}
        clock.heard([key])


def _share(seconds: float) -> float:
    """Part of a batch that a sound takes."""
    return max(1 / BATCH, seconds / BATCH_S)


def _batches(keys: Sequence[str], lengths: Mapping[str, float]) -> Iterator[list[str]]:
    """Keys in their order, as many together as a batch takes."""
    batch: list[str] = []
    taken = 0.0
    for key in keys:
        share = _share(lengths[key])
        if batch and taken + share > 1.0:
            yield batch
            batch, taken = [], 0.0
        batch.append(key)
        taken += share
    if batch:
        yield batch


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
    sounds: Mapping[str, Waveform | str | None],
    files: Mapping[str, Path],
    predictor: Predictor,
    asked: Question[A],
) -> dict[str, A | str]:
    """What sounds that were decoded give; a reason stays a reason, and what is longer streams."""
    found: dict[str, A | str] = {k: sound for k, sound in sounds.items() if isinstance(sound, str)}
    longer = [key for key, sound in sounds.items() if sound is None]
    found |= {key: _alone(files[key], predictor, asked) for key in longer}
    whole = {key: sound for key, sound in sounds.items() if isinstance(sound, np.ndarray)}
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
        return str(audio.unreadable(path, error))


def _length(path: Path) -> float | str:
    """Seconds that the header tells of; infinite if it does not say."""
    try:
        seconds = audio.info(path).duration_s
    except (AudioError, OSError) as error:
        return str(audio.unreadable(path, error))
    return math.inf if seconds is None else seconds


def _decoded(path: Path, rate: int, seconds: float) -> Waveform | str | None:
    """A sound of about so many seconds, whole, or why it cannot be read; None: it is longer."""
    most_s = seconds + BEYOND_S
    try:
        sound = audio.load(path, duration_s=most_s, sample_rate=rate, silence_allowed=True)
        if len(sound) >= round(most_s * rate):
            return None
        [sound] = audio.checked_stream([sound], rate, name=path.name)
    except (AudioError, OSError) as error:
        return str(audio.unreadable(path, error))
    return sound
