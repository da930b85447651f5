"""Labelled clips, each heard once → their embeddings, of which heads and neighbours judge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from passt_core.errors import AudioError, DatasetError
from passt_core.inference.analysis import ClipAnalysis
from passt_core.inference.predictor import Predictor
from passt_core.lab.labelled import LabelledClip, truth_of
from passt_core.network.model import Passt
from passt_core.signal import audio as audio_io

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

BATCH = 8
"""Clips that are decoded and held at a time."""


@dataclass(frozen=True, kw_only=True, eq=False)
class HeardClip:
    """A clip and the embeddings of its windows, (W, D)."""

    clip: LabelledClip
    windows: Floats


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """A clip that could not be heard, and why."""

    clip: LabelledClip
    reason: str


Outcome = HeardClip | Unreadable


@dataclass(frozen=True, kw_only=True, eq=False)
class Heard:
    """Clips that a network has heard, N of them, and those that it could not.

    Attributes:
        clips: those that were heard; windows: the embeddings of each one's windows, (W, D).
        unreadable: the others.
    """

    clips: tuple[LabelledClip, ...]
    windows: tuple[Floats, ...]
    unreadable: tuple[Unreadable, ...]

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Heard:
        """Put outcomes together, in their order.

        Raises:
            DatasetError: nothing could be heard.
        """
        listed = list(outcomes)
        good = [outcome for outcome in listed if isinstance(outcome, HeardClip)]
        bad = tuple(outcome for outcome in listed if isinstance(outcome, Unreadable))
        if not good:
            first = f"; the first: {bad[0].reason}" if bad else ""
            raise DatasetError(
                f"none of the {len(bad)} sounds could be read{first}. "
                "Give sounds that play elsewhere"
            )
        return cls(
            clips=tuple(one.clip for one in good),
            windows=tuple(one.windows for one in good),
            unreadable=bad,
        )

    def __len__(self) -> int:
        return len(self.clips)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Labels that occur, sorted."""
        return tuple(sorted({label for clip in self.clips for label in clip.labels}))

    @cached_property
    def targets(self) -> Indices:
        """Place of each clip's (first) label in :attr:`labels`, (N,)."""
        return np.array([self._places[clip.label] for clip in self.clips], np.int64)

    @cached_property
    def truth(self) -> NDArray[np.bool_]:
        """Which clip is of which class, (N, C)."""
        return truth_of(self.clips, self._places)

    @cached_property
    def counts(self) -> Indices:
        """Clips of each label, (C,)."""
        return self.truth.sum(axis=0)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {label: index for index, label in enumerate(self.labels)}

    @cached_property
    def embeddings(self) -> Floats:
        """Mean over each clip's windows, (N, D)."""
        return np.stack([windows.mean(axis=0) for windows in self.windows])

    @torch.inference_mode()
    def logits(self, network: Passt) -> Floats:
        """What a network's head says of every clip: mean over its windows, (N, classes).

        The network's body must be the one that heard the clips.
        """
        stacked = torch.from_numpy(np.concatenate(self.windows))  # (all windows, D)
        head = network.head
        said = head(stacked.to(next(head.parameters()).device)).float().cpu().numpy()
        ends = np.cumsum([len(windows) for windows in self.windows])[:-1]
        return np.stack([part.mean(axis=0) for part in np.split(said, ends)])


def hear(
    predictor: Predictor, clips: Sequence[LabelledClip], *, max_seconds: float | None = None
) -> Iterator[Outcome]:
    """Listen to clips, one after the other; one that cannot be read is told, not raised.

    Args:
        predictor: the model.
        clips: sounds of any length.
        max_seconds: longer ones are unreadable; None: there is no limit.

    Yields:
        What each clip gave, in their order.
    """
    for start in range(0, len(clips), BATCH):
        yield from _hear(predictor, clips[start : start + BATCH], max_seconds)


def _hear(
    predictor: Predictor, clips: Sequence[LabelledClip], max_seconds: float | None
) -> Iterator[Outcome]:
    """Hear short clips together, and long ones as streams."""
    loaded: dict[int, Floats] = {}
    outcomes: dict[int, Outcome] = {}
    for index, clip in enumerate(clips):
        try:
            if _is_short(clip, predictor.window_s, max_seconds):
                loaded[index] = audio_io.load(clip.path, sample_rate=predictor.sample_rate)
            else:
                outcomes[index] = _alone(predictor, clip)
        except (AudioError, OSError) as error:
            outcomes[index] = Unreadable(clip=clip, reason=str(error))
    outcomes |= zip(loaded, _together(predictor, loaded, clips), strict=True)
    yield from (outcomes[index] for index in range(len(clips)))


def _together(
    predictor: Predictor, loaded: dict[int, Floats], clips: Sequence[LabelledClip]
) -> Iterator[Outcome]:
    """Hear decoded clips in one batch, or each for itself where one of them spoils it."""
    rate = predictor.sample_rate
    try:
        analyses = predictor.analyze_batch([(samples, rate) for samples in loaded.values()])
    except AudioError:
        yield from (_alone(predictor, clips[index]) for index in loaded)
    else:
        yield from (
            _heard(clips[index], analysis) for index, analysis in zip(loaded, analyses, strict=True)
        )


def _alone(predictor: Predictor, clip: LabelledClip) -> Outcome:
    try:
        return _heard(clip, predictor.analyze_file(clip.path))
    except (AudioError, OSError) as error:
        return Unreadable(clip=clip, reason=str(error))


def _heard(clip: LabelledClip, analysis: ClipAnalysis) -> HeardClip:
    return HeardClip(clip=clip, windows=np.stack([w.embedding for w in analysis.windows]))


def _is_short(clip: LabelledClip, window_s: float, max_seconds: float | None) -> bool:
    seconds = audio_io.info(clip.path).duration_s
    if max_seconds is not None and seconds is not None and seconds > max_seconds:
        raise AudioError(
            f"{clip.path.name} lasts {seconds / 60:.1f} min; the limit here is "
            f"{max_seconds / 60:.1f} min: cut it"
        )
    return seconds is not None and seconds <= window_s
