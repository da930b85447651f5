"""A model against a labelled dataset → :class:`Evaluation`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from passt_core.errors import AudioError, DatasetError
from passt_core.inference.analysis import ClipAnalysis, PatchGrid
from passt_core.inference.predictor import Clip, Predictor
from passt_core.lab import metrics
from passt_core.lab.datasets import Dataset, LabelledClip
from passt_core.network.patchout import PatchoutSpec
from passt_core.signal import audio as audio_io
from passt_core.signal.audio import Waveform

_BATCH = 8
_TOP = 3

Change = Callable[[Waveform, int], Waveform]
"""Samples (n,) and their rate in Hz → changed samples."""


@dataclass(frozen=True, kw_only=True)
class ClassResult:
    """One class: how many clips, the share found, average precision (None: cannot be said)."""

    label: str
    clips: int
    recall: float
    average_precision: float | None


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Scores of a model on a dataset, 0 to 1.

    Attributes:
        model, dataset: their names; fold: the one that was scored, None: all.
        clips: how many.
        accuracy: with the choice among the dataset's classes.
        accuracy_all: with the choice among all the model's classes.
        top_3: share of clips whose label is among the three highest of the dataset's classes.
        mean_average_precision: mean over the classes.
        recall_at_1, map_at_10: neighbours by cosine of the embeddings among the clips scored.
        classes: one result each, in the dataset's order.
        confusion: rows are what it is, columns what was said.
    """

    model: str
    dataset: str
    fold: int | None
    clips: int
    accuracy: float
    accuracy_all: float
    top_3: float
    mean_average_precision: float
    recall_at_1: float
    map_at_10: float
    classes: tuple[ClassResult, ...]
    confusion: tuple[tuple[int, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it."""
        return asdict(self)


def evaluate(
    predictor: Predictor,
    dataset: Dataset,
    fold: int | None = None,
    *,
    change: Change | None = None,
    thin: float = 0.0,
) -> Evaluation:
    """Score a model.

    Args:
        predictor: the model.
        dataset: clips whose labels the model knows.
        fold: score only this one.
        change: what to do to each clip before it is heard.
        thin: share of each clip's patches to take away at random, 0 to below 1.

    Raises:
        DatasetError: a label that the model does not know, no such fold, an unreadable clip.
    """
    places = _places(predictor, dataset)
    scored = dataset if fold is None else dataset.only(fold)
    analyses = list(_analyses(predictor, scored.clips, change, thin))
    targets = np.array(scored.targets)
    everything = np.stack([analysis.logits for analysis in analyses])  # (N, model's classes)
    scores = everything[:, places]  # (N, dataset's classes)
    found = metrics.retrieval(np.stack([a.embedding for a in analyses]), targets)
    precision = metrics.average_precision(targets, scores)
    table = metrics.confusion(targets, scores)
    return Evaluation(
        model=predictor.name,
        dataset=dataset.name,
        fold=fold,
        clips=len(scored),
        accuracy=metrics.accuracy(targets, scores),
        accuracy_all=metrics.accuracy(np.array(places)[targets], everything),
        top_3=metrics.top_k(targets, scores, _TOP),
        mean_average_precision=float(np.nanmean(precision)),
        recall_at_1=found.recall_at_1,
        map_at_10=found.map_at_10,
        classes=_class_results(dataset.labels, table, precision),
        confusion=tuple(tuple(int(count) for count in row) for row in table),
    )


def _places(predictor: Predictor, dataset: Dataset) -> list[int]:
    """Where each of the dataset's labels stands in the model's head."""
    known = {label: index for index, label in enumerate(predictor.labels)}
    unknown = [label for label in dataset.labels if label not in known]
    if unknown:
        raise DatasetError(
            f"{predictor.name} has no class {unknown[0]!r} ({len(unknown)} of {dataset.name}'s "
            f"{len(dataset.labels)} labels are unknown to it); use its names, such as "
            f"{predictor.labels[0]!r}, or choose a model trained on these labels"
        )
    return [known[label] for label in dataset.labels]


def _analyses(
    predictor: Predictor, clips: tuple[LabelledClip, ...], change: Change | None, thin: float
) -> Iterator[ClipAnalysis]:
    for start in range(0, len(clips), _BATCH):
        batch = [_loaded(predictor, clip, change) for clip in clips[start : start + _BATCH]]
        if not thin:
            yield from predictor.analyze_batch(batch)
            continue
        for audio, rate in batch:
            spec = PatchoutSpec(unstructured=int(thin * _patches(predictor, len(audio))))
            yield predictor.analyze(audio, rate, spec)


def _patches(predictor: Predictor, samples: int) -> int:
    """Patches of each window of a clip."""
    windowing, checkpoint = predictor.windowing, predictor.checkpoint
    window = min(max(samples, windowing.least), windowing.length)
    frames = checkpoint.front_end.frames(window)
    return PatchGrid.of(checkpoint.config, checkpoint.front_end, frames).patches


def _loaded(predictor: Predictor, clip: LabelledClip, change: Change | None) -> Clip:
    rate = predictor.sample_rate
    try:
        audio = audio_io.load(clip.path, sample_rate=rate)
    except AudioError as error:
        raise DatasetError(f"a clip cannot be scored: {error}") from error
    return (change(audio, rate) if change else audio), rate


def _class_results(
    labels: tuple[str, ...], table: metrics.Integers, precision: metrics.Floats
) -> tuple[ClassResult, ...]:
    counts = table.sum(axis=1)
    return tuple(
        ClassResult(
            label=label,
            clips=int(count),
            recall=float(row[index] / count) if count else 0.0,
            average_precision=None if np.isnan(value) else float(value),
        )
        for index, (label, count, row, value) in enumerate(
            zip(labels, counts, table, precision, strict=True)
        )
    )
