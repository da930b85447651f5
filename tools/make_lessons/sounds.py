"""The sounds that lessons are cut from: a list in a CSV, and the waveforms."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from passt_core.errors import DatasetError
from passt_core.signal import audio
from passt_core.signal.audio import SAMPLE_RATE

COLUMNS = ("file", "label", "fold", "weight")
LONGEST_S = 40.0
_SILENT = 2e-4
_SHORTEST = 400
_USUAL = 12
_RARITY = 0.6


@dataclass(frozen=True)
class Source:
    """One sound.

    Attributes:
        file: where it is.
        label: what it is; empty: not known.
        fold: 0 if it is never held out.
        weight: how often its kind is wanted.
        waveform: (n,) at 32 kHz, without silent ends.
    """

    file: Path
    label: str
    fold: int
    weight: float
    waveform: NDArray[np.float32]


def read(path: Path) -> list[Source]:
    """Read a list of sounds, with the columns of :data:`COLUMNS`; files relative to it.

    Sounds that are silent are left out.

    Raises:
        DatasetError: a column is missing or a file cannot be read.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    missing = [name for name in COLUMNS if not rows or name not in rows[0]]
    if missing:
        raise DatasetError(f"{path} has no column {missing[0]!r}; give {', '.join(COLUMNS)}")
    found = []
    for row in rows:
        place = path.parent / row["file"]
        waveform = trimmed(audio.load(place, duration_s=LONGEST_S, sample_rate=SAMPLE_RATE))
        if len(waveform) > _SHORTEST:
            kind = (row["label"], int(row["fold"]), float(row["weight"]))
            found.append(Source(place, *kind, waveform))
    return found


def trimmed(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    """Without digital silence before and after."""
    loud = np.flatnonzero(np.abs(waveform) > _SILENT)
    return waveform[loud[0] : loud[-1] + 1] if len(loud) else waveform[:0]


def chances(sources: list[Source]) -> NDArray[np.float64]:
    """How probable each sound is, (N,): by its weight, less where its label has many sounds."""
    counts = Counter(source.label for source in sources)
    rarity = [min(1.0, (_USUAL / counts[s.label]) ** _RARITY) if s.label else 1.0 for s in sources]
    weights = np.array([s.weight * r for s, r in zip(sources, rarity, strict=True)])
    return weights / weights.sum()
