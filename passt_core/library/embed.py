"""Sound files → the embeddings of their stretches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from passt_core.inference.analysis import WindowAnalysis
from passt_core.inference.many import SecondsHeard, outcomes
from passt_core.inference.predictor import Predictor
from passt_core.signal.decoding import Waveform

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
    return outcomes(files, predictor, _Embeddings())


class _Embeddings:
    """What a library asks of a sound."""

    def held_s(self, predictor: Predictor) -> float:
        return predictor.window_s

    def of_whole(self, sounds: Sequence[Waveform], predictor: Predictor) -> list[Heard]:
        rate = predictor.sample_rate
        found = predictor.analyze_batch([(samples, rate) for samples in sounds])
        return [_heard(analysis.windows, analysis.duration_s) for analysis in found]

    def of_file(self, path: Path, predictor: Predictor, told: SecondsHeard) -> Heard:  # noqa: ARG002
        return _heard(predictor.stretches(path))


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
