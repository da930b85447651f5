"""Sound files → the embeddings of their stretches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from passt_core.errors import AudioError
from passt_core.inference.analysis import WindowAnalysis
from passt_core.inference.predictor import Predictor
from passt_core.signal import audio
from passt_core.signal.audio import Waveform

BATCH = 16
"""Files that are decoded and held at a time."""

_SHORTEST = 1e-12
_MICROSECOND = 6


@dataclass(frozen=True, kw_only=True, eq=False)
class Heard:
    """What a file gave.

    Attributes:
        starts, ends: of its stretches, S of them, in seconds.
        units: their embeddings of length 1, (S, D).
    """

    starts: tuple[float, ...]
    ends: tuple[float, ...]
    units: NDArray[np.float32]


Outcome = Heard | str
"""What a file gave, or the reason why it gave nothing."""


def embed(files: Mapping[str, Path], predictor: Predictor) -> Iterator[dict[str, Outcome]]:
    """Listen to files; one that cannot be read gives its reason.

    A clip that the model takes whole is one stretch. A longer one is cut into windows, one after
    the other and the last aligned to the end; windows of digital silence are left out.

    Args:
        files: key → file.
        predictor: the model.

    Yields:
        What some more of the files gave, by key.
    """
    lengths: dict[str, float] = {}
    for key, path in files.items():
        try:
            header = audio.info(path)
        except (AudioError, OSError) as error:
            yield {key: str(error)}
        else:
            lengths[key] = np.inf if header.duration_s is None else header.duration_s
    readable = sorted(lengths, key=lambda key: lengths[key])  # so that alike lengths meet
    short = [key for key in readable if lengths[key] <= predictor.window_s]
    for first in range(0, len(short), BATCH):
        batch = short[first : first + BATCH]
        yield dict(zip(batch, _together([files[key] for key in batch], predictor), strict=True))
    for key in readable[len(short) :]:
        yield {key: _alone(files[key], predictor)}


def _together(paths: Sequence[Path], predictor: Predictor) -> list[Outcome]:
    """What each file of a batch gives."""
    rate = predictor.sample_rate
    sounds: dict[int, Waveform] = {}
    outcomes: dict[int, Outcome] = {}
    for index, path in enumerate(paths):
        try:
            sounds[index] = audio.load(path, sample_rate=rate)
        except (AudioError, OSError) as error:
            outcomes[index] = str(error)
    try:
        analyses = predictor.analyze_batch([(samples, rate) for samples in sounds.values()])
    except AudioError:  # one of them; alone, each answers for itself
        return [_alone(path, predictor) for path in paths]
    for index, analysis in zip(sounds, analyses, strict=True):
        outcomes[index] = _heard(analysis.windows, analysis.duration_s)
    return [outcomes[index] for index in range(len(paths))]


def _alone(path: Path, predictor: Predictor) -> Outcome:
    """What a file gives, read as a stream: it may be hours long."""
    try:
        return _heard(predictor.stretches(path))
    except (AudioError, OSError) as error:
        return str(error)


def _heard(windows: Iterable[WindowAnalysis], duration_s: float = np.inf) -> Heard:
    """Keep what a library needs of windows; ``duration_s`` is the clip's, without any padding."""
    kept = [(window.start_s, window.end_s, _unit(window.embedding)) for window in windows]
    return Heard(
        starts=tuple(round(start, _MICROSECOND) for start, _, _ in kept),
        ends=tuple(round(min(end, duration_s), _MICROSECOND) for _, end, _ in kept),
        units=np.stack([unit for _, _, unit in kept]),
    )


def _unit(embedding: NDArray[np.float32]) -> NDArray[np.float32]:
    return embedding / max(float(np.linalg.norm(embedding)), _SHORTEST)
