"""What a model makes of a clip, as values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from passt_core.network.model import PasstConfig
from passt_core.network.patchout import PatchoutSpec
from passt_core.signal.mel import MelConfig, band_edges_hz

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

DIGITS = 6
"""Decimals of the figures in a report."""


@dataclass(frozen=True, kw_only=True)
class PatchGrid:
    """The patches of one window: where each lies in frames and bands, in seconds and Hz.

    Patches are numbered frequency-major: index = row x columns + column, row 0 the lowest.
    """

    rows: int
    columns: int
    frames: int
    config: PasstConfig
    front_end: MelConfig

    @classmethod
    def of(cls, config: PasstConfig, front_end: MelConfig, frames: int) -> PatchGrid:
        """The grid that ``config`` lays over a window of ``frames`` frames."""
        return cls(
            rows=config.rows,
            columns=config.columns(frames),
            frames=frames,
            config=config,
            front_end=front_end,
        )

    @property
    def patches(self) -> int:
        """Patches in all."""
        return self.rows * self.columns

    @property
    def overlaps(self) -> bool:
        """True if neighbouring patches share cells of the spectrogram."""
        return min(self.config.stride_freq, self.config.stride_time) < self.config.patch

    def seconds(self, column: int) -> tuple[float, float]:
        """When a column begins and ends, in seconds from the window's start."""
        first = column * self.config.stride_time
        step = self.front_end.frame_seconds
        return first * step, (first + self.config.patch) * step

    def hz(self, row: int) -> tuple[float, float]:
        """Where a row begins and ends, in Hz."""
        first = row * self.config.stride_freq
        return float(self.band_edges[first]), float(self.band_edges[first + self.config.patch])

    @cached_property
    def band_edges(self) -> NDArray[np.float64]:
        """Frequencies between the mel bands in Hz, shape (bands + 1,)."""
        return band_edges_hz(self.front_end).numpy()

    def seen(self, kept: Indices) -> Floats:
        """How much of each cell is left.

        Args:
            kept: indices of the patches that stay.

        Returns:
            (bands, frames): of the patches that cover a cell, the fraction that stays; NaN where
            no patch reaches (the last frames, when the stride does not divide the window).
        """
        everything = self._cover(np.arange(self.patches))
        left = self._cover(np.asarray(kept))
        with np.errstate(invalid="ignore"):
            return (left / np.where(everything > 0, everything, np.nan)).astype(np.float32)

    def _cover(self, indices: Indices) -> Floats:
        """How many of the patches cover each cell, (bands, frames)."""
        row, column = np.divmod(indices[:, None, None], self.columns)  # (n, 1, 1)
        inside = np.arange(self.config.patch)
        band = row * self.config.stride_freq + inside[:, None]  # (n, patch, 1)
        frame = column * self.config.stride_time + inside  # (n, 1, patch)
        count = np.zeros((self.config.mel_bands, self.frames), np.float32)
        np.add.at(count, (band, frame), 1.0)
        return count


@dataclass(frozen=True, kw_only=True)
class ClassScore:
    """One class of a clip: its name, place in the head, logit and probability."""

    label: str
    index: int
    logit: float
    score: float


@dataclass(frozen=True, kw_only=True, eq=False)
class WindowAnalysis:
    """What the model makes of one window: logits (C,), probabilities (C,), embedding (D,).

    The logits are the network's own; a calibrated model's temperature is in the probabilities.
    """

    start_s: float
    end_s: float
    logits: Floats
    probabilities: Floats
    embedding: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class ClipAnalysis:
    """What a model makes of a clip: one encoder pass per window, all of it kept.

    Attributes:
        model: name of the checkpoint.
        labels: class names in head order, C of them.
        duration_s: length of the clip in seconds.
        mel: normalised log-mel of the whole clip, (bands, frames).
        grid: patches of one window (all windows of a clip are of one length).
        patchout: what was taken away; seed: where its draws began.
        kept: patches that stayed, ascending, (n,); the same in every window.
        windows: the windows in order.
        logits, probabilities: means over the windows, (C,).
        embedding: mean over the windows, not normalised, (D,).
        precision: that it was computed in.
        merged_to: tokens, with cls and dist, that merging left for the last block; without merging
            the :attr:`sequence_length`.
        flops_share: of the encoder's floating point operations that was left, 0 to 1.
    """

    model: str
    labels: tuple[str, ...]
    duration_s: float
    mel: Floats
    grid: PatchGrid
    patchout: PatchoutSpec
    seed: int
    kept: Indices
    windows: tuple[WindowAnalysis, ...]
    logits: Floats
    probabilities: Floats
    embedding: Floats
    precision: str
    merged_to: int
    flops_share: float

    def top_k(self, k: int) -> list[ClassScore]:
        """The k most probable classes of the clip, best first; at most all of them."""
        return _best(self, self.labels, k)

    def window_top_k(self, window: WindowAnalysis, k: int) -> list[ClassScore]:
        """The k most probable classes of one window, best first."""
        return _best(window, self.labels, k)

    def score(self, index: int) -> ClassScore:
        """The class at a place of the head."""
        return _score(self, self.labels, index)

    def report(self, k: int) -> dict[str, Any]:
        """Plain values for JSON: the k best classes of the clip and of each window, and tokens."""
        return {
            "model": self.model,
            "precision": self.precision,
            "duration_s": round(self.duration_s, DIGITS),
            "tokens": {
                "kept": len(self.kept),
                "all": self.grid.patches,
                "sequence_length": self.sequence_length,
                "merged_to": self.merged_to,
                "flops_share": round(self.flops_share, DIGITS),
            },
            "top_k": [_plain(score) for score in self.top_k(k)],
            "windows": [
                {
                    "start_s": round(window.start_s, DIGITS),
                    "end_s": round(window.end_s, DIGITS),
                    "top_k": [_plain(score) for score in self.window_top_k(window, k)],
                }
                for window in self.windows
            ],
        }

    @property
    def unit_embedding(self) -> Floats:
        """The embedding with length 1, as a library stores it."""
        return self.embedding / max(float(np.linalg.norm(self.embedding)), 1e-12)

    @property
    def dropped(self) -> Indices:
        """Patches that were taken away, ascending."""
        return np.setdiff1d(np.arange(self.grid.patches), self.kept)

    @property
    def sequence_length(self) -> int:
        """Tokens that the encoder worked on: kept patches, cls and dist."""
        return len(self.kept) + self.grid.config.extra_tokens

    @property
    def full_sequence_length(self) -> int:
        """Tokens without patchout."""
        return self.grid.patches + self.grid.config.extra_tokens


def _score(heard: WindowAnalysis | ClipAnalysis, labels: tuple[str, ...], index: int) -> ClassScore:
    return ClassScore(
        label=labels[index],
        index=index,
        logit=float(heard.logits[index]),
        score=float(heard.probabilities[index]),
    )


def _best(
    heard: WindowAnalysis | ClipAnalysis, labels: tuple[str, ...], k: int
) -> list[ClassScore]:
    order = np.argsort(-heard.probabilities, kind="stable")[: max(0, k)]
    return [_score(heard, labels, int(index)) for index in order]


def _plain(score: ClassScore) -> dict[str, Any]:
    return {"label": score.label, "score": round(score.score, DIGITS)}
