"""Sound files → what each gave: those that fit are decoded ahead of the model, the rest stream."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

from passt_core.errors import AudioError
from passt_core.inference.predictor import Predictor, WindowProgress
from passt_core.inference.survey.asked import Asked, Heard
from passt_core.signal import audio
from passt_core.signal.audio import Waveform

T = TypeVar("T")
R = TypeVar("R")

BATCH = 32
"""Sounds that are given to the model together: several encoder passes of those of one length."""
WORKERS = 2

Outcome = Heard | str
"""What a file gave, or the reason why it gave nothing."""


def outcomes(
    files: Mapping[str, Path],
    predictor: Predictor,
    asked: Asked,
    *,
    workers: int = WORKERS,
    progress: WindowProgress | None = None,
) -> Iterator[dict[str, Outcome]]:
    """Listen to files; one that cannot be read gives its reason.

    Sounds of like length are heard together. Memory is that of a few short sounds, or of what
    :meth:`Asked.of_file` takes.

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
    for key, length in _ahead(lambda key: _length(files[key]), files, workers):
        if isinstance(length, str):
            yield {key: length}
        else:
            lengths[key] = length
    clock = _Clock(lengths, progress)
    order = sorted(lengths, key=lambda key: lengths[key])  # so that alike lengths meet
    held = [key for key in order if lengths[key] <= asked.held_s(predictor)]
    rate = predictor.sample_rate
    decoded = _ahead(lambda key: _decoded(files[key], rate), held, workers)
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
    asked: Asked,
) -> dict[str, Outcome]:
    """What sounds that were decoded give; a reason stays a reason."""
    whole = {key: sound for key, sound in sounds.items() if not isinstance(sound, str)}
    found: dict[str, Outcome] = {k: sound for k, sound in sounds.items() if isinstance(sound, str)}
    try:
        answers = asked.of_whole(list(whole.values()), predictor)
    except AudioError:  # one of them; alone, each answers for itself
        return found | {key: _alone(files[key], predictor, asked) for key in whole}
    return found | dict(zip(whole, answers, strict=True))


def _alone(
    path: Path,
    predictor: Predictor,
    asked: Asked,
    told: Callable[[float], None] = lambda _: None,
) -> Outcome:
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


def _ahead(work: Callable[[T], R], items: Iterable[T], workers: int) -> Iterator[tuple[T, R]]:
    """Do work in threads, a few items ahead of who takes the results; their order stays."""
    waiting: deque[tuple[T, Future[R]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="decode") as pool:
        try:
            for item in items:
                waiting.append((item, pool.submit(work, item)))
                if len(waiting) > BATCH + workers:
                    first, result = waiting.popleft()
                    yield first, result.result()
            while waiting:
                first, result = waiting.popleft()
                yield first, result.result()
        finally:
            for _, result in waiting:
                result.cancel()
