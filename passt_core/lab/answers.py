"""What a model answers to the clips of a dataset → :class:`Answers`: heard once, scored at will."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from passt_core.errors import AudioError, DatasetError
from passt_core.inference.analysis import ClipAnalysis, PatchGrid
from passt_core.inference.predictor import Clip, Predictor
from passt_core.lab.labelled import Dataset, LabelledClip, some
from passt_core.network.checkpoints import probabilities
from passt_core.network.patchout import PatchoutSpec
from passt_core.signal import audio as audio_io
from passt_core.signal.decoding import Waveform

Floats = NDArray[np.floating]

_BATCH = 8

Change = Callable[[Waveform, int], Waveform]
"""Samples (n,) and their rate in Hz → changed samples."""
Progress = Callable[[float, float | None], None]
"""Called with the clips heard so far, and how many there are."""


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """A clip that could not be heard, and why."""

    file: str
    reason: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """Of N clips cut into W windows, what a model of M classes and D dimensions says.

    Attributes:
        labels: the model's, M of them.
        activation: ``sigmoid`` or ``softmax``; temperature: what logits are divided by before it.
        dataset: the clips that could be heard, N of them.
        window_logits: (W, M), clip after clip.
        starts: (N,), each clip's first window.
        embeddings: (N, D).
        unreadable: clips that could not be heard.
    """

    labels: tuple[str, ...]
    activation: str
    temperature: float
    dataset: Dataset
    window_logits: Floats
    starts: NDArray[np.integer]
    embeddings: Floats
    unreadable: tuple[Unreadable, ...]

    @property
    def logits(self) -> Floats:
        """Mean over each clip's windows, (N, M)."""
        return self._clip_means(self.window_logits).astype(np.float32)

    @property
    def places(self) -> list[int]:
        """Where each of the dataset's labels stands in the model's head."""
        known = {label: index for index, label in enumerate(self.labels)}
        return [known[label] for label in self.dataset.labels]

    def probabilities(
        self, temperature: float | None = None, *, among: Sequence[int] | None = None
    ) -> Floats:
        """What the model makes of the logits, (N, M) or (N, len(among)), float64.

        Args:
            temperature: None takes the model's own.
            among: classes to choose from; a softmax is then over these alone.
        """
        logits = self.window_logits if among is None else self.window_logits[:, list(among)]
        found = probabilities(
            torch.from_numpy(logits).double(),
            activation=self.activation,
            temperature=temperature or self.temperature,
        )
        return self._clip_means(found.numpy())

    def scores(self) -> Floats:
        """What the classes are ranked by, (N, M): logits, or of a softmax its logarithm."""
        if self.activation == "softmax":
            cooled = torch.from_numpy(self.logits) / self.temperature
            return cooled.log_softmax(dim=1).numpy()
        return self.logits

    def _clip_means(self, windows: Floats) -> Floats:
        counts = np.diff(np.append(self.starts, len(windows)))
        sums = np.add.reduceat(windows, self.starts, axis=0, dtype=np.float64)
        return np.asarray(sums / counts[:, None])


def listen(
    predictor: Predictor,
    dataset: Dataset,
    *,
    change: Change | None = None,
    thin: float = 0.0,
    progress: Progress | None = None,
) -> Answers:
    """Hear every clip.

    Args:
        predictor: the model.
        dataset: clips whose labels the model knows.
        change: what to do to each clip before it is heard.
        thin: share of each clip's patches to take away at random, 0 to below 1.
        progress: told after each batch.

    Raises:
        DatasetError: a label that the model does not know; not one clip can be heard.
    """
    check_known(predictor, dataset)
    heard: list[LabelledClip] = []
    analyses: list[ClipAnalysis] = []
    unreadable: list[Unreadable] = []
    for start in range(0, len(dataset), _BATCH):
        batch = dataset.clips[start : start + _BATCH]
        for clip, found in zip(batch, _heard(predictor, batch, change, thin), strict=True):
            if isinstance(found, AudioError):
                unreadable.append(Unreadable(file=clip_name(clip), reason=str(found)))
            else:
                heard.append(clip)
                analyses.append(found)
        if progress:
            progress(min(start + _BATCH, len(dataset)), len(dataset))
    if not heard:
        raise DatasetError(
            f"none of the {len(dataset)} clips of {dataset.name} can be scored; the first: "
            f"{unreadable[0].reason}"
        )
    counts = [len(analysis.windows) for analysis in analyses]
    return Answers(
        labels=predictor.labels,
        activation=predictor.checkpoint.activation,
        temperature=predictor.checkpoint.temperature,
        dataset=replace(dataset, clips=tuple(heard)),
        window_logits=np.stack([w.logits for a in analyses for w in a.windows]),
        starts=np.cumsum([0, *counts[:-1]]),
        embeddings=np.stack([analysis.embedding for analysis in analyses]),
        unreadable=tuple(unreadable),
    )


def check_known(predictor: Predictor, dataset: Dataset) -> None:
    """Hold that the model has every class of the dataset.

    Raises:
        DatasetError: it has not.
    """
    unknown = set(dataset.labels) - set(predictor.labels)
    if unknown:
        raise DatasetError(
            f"{predictor.name} has no class {some(unknown)} ({len(unknown)} of {dataset.name}'s "
            f"{len(dataset.labels)} labels are unknown to it); use its names, such as "
            f"{predictor.labels[0]!r}, choose a model trained on these labels, or leave them out "
            "(--known-only)"
        )


def clip_name(clip: LabelledClip) -> str:
    """A clip's file and the folder that it lies in: enough to find it, and no more."""
    return "/".join(clip.path.parts[-2:])


def _heard(
    predictor: Predictor, clips: Sequence[LabelledClip], change: Change | None, thin: float
) -> Iterator[ClipAnalysis | AudioError]:
    """Each clip's analysis, or why there is none."""
    loaded = [_loaded(predictor, clip, change) for clip in clips]
    sounds = [found for found in loaded if not isinstance(found, AudioError)]
    analyses = iter(_analyses(predictor, sounds, thin))
    for found in loaded:
        yield found if isinstance(found, AudioError) else next(analyses)


def _analyses(predictor: Predictor, sounds: list[Clip], thin: float) -> Iterator[ClipAnalysis]:
    if not thin:
        yield from predictor.analyze_batch(sounds)
        return
    for audio, rate in sounds:
        spec = PatchoutSpec(unstructured=int(thin * _patches(predictor, len(audio))))
        yield predictor.analyze(audio, rate, spec)


def _patches(predictor: Predictor, samples: int) -> int:
    """Patches of each window of a clip."""
    windowing, checkpoint = predictor.windowing, predictor.checkpoint
    window = min(max(samples, windowing.least), windowing.length)
    frames = checkpoint.front_end.frames(window)
    return PatchGrid.of(checkpoint.config, checkpoint.front_end, frames).patches


def _loaded(predictor: Predictor, clip: LabelledClip, change: Change | None) -> Clip | AudioError:
    rate = predictor.sample_rate
    try:
        audio = audio_io.load(clip.path, sample_rate=rate)
    except AudioError as error:
        return error
    return (change(audio, rate) if change else audio), rate
