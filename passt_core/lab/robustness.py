"""How a model's accuracy holds when clips are thinned, cut, turned down, noisy, padded or dull."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import soxr

from passt_core.inference.predictor import Predictor
from passt_core.lab.answers import Progress
from passt_core.lab.evaluate import Change, Evaluation, evaluate
from passt_core.lab.labelled import Dataset, Fold
from passt_core.signal.decoding import Waveform

_HOP_S = 0.1
_WINDOW_S = 10.0
_SEED = 0
_TELEPHONE_HZ = 8_000

THINNED = (0.25, 0.5, 0.75)
"""Shares of the patches that are taken away at random."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """Accuracy under one change, 0 to 1.

    Attributes:
        name: what was done to the clips.
        accuracy: among the dataset's classes; accuracy_all: among all the model's.
        top_3: among the dataset's classes.
        lost: accuracy of unchanged clips less this one.
    """

    name: str
    accuracy: float
    accuracy_all: float | None = None
    top_3: float | None = None
    lost: float | None = None


def robustness(
    predictor: Predictor,
    dataset: Dataset,
    fold: Fold | None = None,
    *,
    known_only: bool = False,
    progress: Progress | None = None,
) -> tuple[Condition, ...]:
    """Score a model on unchanged clips, with patches taken away, and under each change.

    Args:
        predictor: the model.
        dataset: clips whose labels the model knows.
        fold: score only this one.
        known_only: leave out labels that the model does not know, not refuse them.
        progress: told after each condition, of how many.

    Raises:
        DatasetError: as :func:`passt_core.lab.evaluate.evaluate`.
    """
    found: list[Condition] = []
    conditions = list(_conditions())
    for name, change, thin in conditions:
        scores = evaluate(predictor, dataset, fold, change=change, thin=thin, known_only=known_only)
        found.append(_condition(name, scores, found[0] if found else None))
        if progress:
            progress(len(found), len(conditions))
    return tuple(found)


def _conditions() -> Iterator[tuple[str, Change, float]]:
    """Name, change of the clip, and share of the patches taken away; unchanged clips first."""
    (first, unchanged), *others = CHANGES.items()
    yield first, unchanged, 0.0
    for share in THINNED:
        yield f"{1 - share:.0%} of the patches kept", unchanged, share
    for name, change in others:
        yield name, change, 0.0


def _condition(name: str, scores: Evaluation, unchanged: Condition | None) -> Condition:
    return Condition(
        name=name,
        accuracy=scores.accuracy,
        accuracy_all=scores.accuracy_all,
        top_3=scores.top_3,
        lost=unchanged.accuracy - scores.accuracy if unchanged else 0.0,
    )


def loudest(audio: Waveform, rate: int, seconds: float) -> Waveform:
    """The stretch with the most energy, on a grid of 0.1 s; a shorter clip is left as it is."""
    length, hop = round(seconds * rate), round(_HOP_S * rate)
    starts = range(0, max(1, len(audio) - length + 1), hop)
    energies = [float(np.square(audio[start : start + length]).sum()) for start in starts]
    best = starts[int(np.argmax(energies))]
    return audio[best : best + length]


def padded(audio: Waveform, rate: int) -> Waveform:
    """The clip in the middle of ten seconds of digital silence."""
    missing = max(0, round(_WINDOW_S * rate) - len(audio))
    return np.pad(audio, (missing // 2, missing - missing // 2))


def with_pink_noise(audio: Waveform, snr_db: float) -> Waveform:
    """The clip with noise of power 1/f, ``snr_db`` below the clip's mean power; always the same."""
    spectrum = np.fft.rfft(np.random.default_rng(_SEED).standard_normal(len(audio)))
    pink = np.fft.irfft(spectrum / np.sqrt(np.arange(1, len(spectrum) + 1)), len(audio))
    level = np.square(audio).mean() / np.square(pink).mean() * 10 ** (-snr_db / 10)
    return (audio + np.sqrt(level) * pink).astype(np.float32)


def from_rate(audio: Waveform, rate: int, origin: int) -> Waveform:
    """The clip as if it had been recorded at ``origin`` Hz: brought to that rate and back."""
    back = soxr.resample(soxr.resample(audio, rate, origin), origin, rate)
    fitted = np.zeros_like(audio)
    fitted[: len(back)] = back[: len(audio)]
    return fitted


CHANGES: MappingProxyType[str, Change] = MappingProxyType(
    {
        "unchanged": lambda audio, rate: audio,  # noqa: ARG005
        "loudest 1 s": lambda audio, rate: loudest(audio, rate, 1.0),
        "loudest 2.5 s": lambda audio, rate: loudest(audio, rate, 2.5),
        "loudest 5 s": lambda audio, rate: loudest(audio, rate, 5.0),
        "20 dB down": lambda audio, rate: 0.1 * audio,  # noqa: ARG005
        "pink noise, 10 dB": lambda audio, rate: with_pink_noise(audio, 10.0),  # noqa: ARG005
        "padded to 10 s": padded,
        "recorded at 8 kHz": lambda audio, rate: from_rate(audio, rate, _TELEPHONE_HZ),
    }
)
"""What may be done to a clip; unchanged is first, and what the others are compared with."""
