"""How a model's accuracy holds when clips are cut, turned down, padded, noisy or thinned."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from passt_core.inference.predictor import Predictor
from passt_core.lab.datasets import Dataset
from passt_core.lab.evaluate import Change, evaluate
from passt_core.signal.audio import Waveform

_HOP_S = 0.1
_WINDOW_S = 10.0
_SEED = 0

THINNED = (0.5, 0.75)
"""Shares of the patches that are taken away at random."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """Accuracy among the dataset's classes, 0 to 1, under one change."""

    name: str
    accuracy: float


def robustness(
    predictor: Predictor, dataset: Dataset, fold: int | None = None
) -> tuple[Condition, ...]:
    """Score a model on unchanged clips, under each change, and with patches taken away.

    Raises:
        DatasetError: as :func:`passt_core.lab.evaluate.evaluate`.
    """
    found = []
    for name, change in CHANGES.items():
        scores = evaluate(predictor, dataset, fold, change=change)
        found.append(Condition(name=name, accuracy=scores.accuracy))
    for share in THINNED:
        scores = evaluate(predictor, dataset, fold, thin=share)
        found.append(Condition(name=f"{share:.0%} of the patches out", accuracy=scores.accuracy))
    return tuple(found)


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


CHANGES: MappingProxyType[str, Change] = MappingProxyType(
    {
        "unchanged": lambda audio, rate: audio,  # noqa: ARG005
        "loudest 1 s": lambda audio, rate: loudest(audio, rate, 1.0),
        "loudest 2.5 s": lambda audio, rate: loudest(audio, rate, 2.5),
        "padded to 10 s": padded,
        "20 dB down": lambda audio, rate: 0.1 * audio,  # noqa: ARG005
        "pink noise, 10 dB": lambda audio, rate: with_pink_noise(audio, 10.0),  # noqa: ARG005
    }
)
