"""Clips that were heard, judged by a head or by their neighbours → :class:`Judgement`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from passt_core.errors import DatasetError
from passt_core.lab import metrics
from passt_core.lab.heard import Heard, Indices
from passt_core.lab.labelled import LabelledClip
from passt_core.network.checkpoints import Checkpoint

Floats = NDArray[np.float32]

HEAD, NEIGHBOURS = "head", "neighbours"
LEAST_CLASSES = 2
_TOP = 3
_Z = 1.959964
"""Standard deviations that 95 % of a normal distribution lie within."""


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """Clips of one class that were taken for another: how many, and of how many."""

    label: str
    said: str
    clips: int
    of: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Judgement:
    """What was said of labelled clips, N of them, among C classes.

    Attributes:
        by: :data:`HEAD` or :data:`NEIGHBOURS`.
        labels: the classes, C of them.
        clips: those that were judged.
        left_out: clips that were heard and not judged: their label is none of the classes, or no
            other clip has it.
        targets: place of each clip's label, (N,).
        scores: of each class for each clip, (N, C): logits, or the cosine to its nearest clip.
        shown: the same as a person reads it, (N, C): probabilities, or cosines.
        accuracy_all: the head's, with the choice among all of the model's classes; None for
            neighbours.
        recall_at_1, map_at_10: of the neighbours by cosine among the clips; NaN where no label has
            two clips.
    """

    by: str
    labels: tuple[str, ...]
    clips: tuple[LabelledClip, ...]
    left_out: int
    targets: Indices
    scores: Floats
    shown: Floats
    accuracy_all: float | None
    recall_at_1: float
    map_at_10: float

    def __len__(self) -> int:
        return len(self.clips)

    @cached_property
    def said(self) -> Indices:
        """The class of the highest score, (N,)."""
        return np.argmax(self.scores, axis=1)

    @property
    def accuracy(self) -> float:
        """Share of clips of which the right thing was said."""
        return metrics.accuracy(self.targets, self.scores)

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """Where the accuracy on many such clips lies with 95 % (Wilson's interval)."""
        return wilson(round(self.accuracy * len(self)), len(self))

    @property
    def top_3(self) -> float:
        """Share of clips whose class is among the three highest."""
        return metrics.top_k(self.targets, self.scores, _TOP)

    @property
    def mean_average_precision(self) -> float:
        """Mean over the classes of the average precision."""
        return float(np.nanmean(metrics.average_precision(self.targets, self.scores)))

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """Counts (C, C): rows are what it is, columns what was said."""
        return metrics.confusion(self.targets, self.scores)

    @cached_property
    def recalls(self) -> NDArray[np.float64]:
        """Share of each class's clips that were found, (C,); NaN for one without a clip."""
        counts = self.confusion.sum(axis=1)
        return np.where(counts, np.diag(self.confusion) / np.maximum(counts, 1), np.nan)

    def cell(self, label: int, said: int) -> Indices:
        """Clips of a class of which one thing was said, the surest first."""
        rows = np.flatnonzero((self.targets == label) & (self.said == said))
        return rows[np.argsort(-self.scores[rows, said], kind="stable")]

    def largest_confusions(self, k: int) -> tuple[Confusion, ...]:
        """The k pairs of different classes with the most clips; fewer if there are fewer."""
        counts = self.confusion.copy()
        np.fill_diagonal(counts, 0)
        order = np.argsort(-counts, axis=None, kind="stable")[:k]
        pairs = [divmod(int(place), len(self.labels)) for place in order]
        return tuple(
            Confusion(
                label=self.labels[row],
                said=self.labels[column],
                clips=int(counts[row, column]),
                of=int(self.confusion[row].sum()),
            )
            for row, column in pairs
            if counts[row, column]
        )


def known_among(labels: Iterable[str], checkpoint: Checkpoint) -> tuple[str, ...]:
    """Those labels that are also classes of a model, in their order."""
    classes = frozenset(checkpoint.labels)
    return tuple(label for label in labels if label in classes)


def by_head(heard: Heard, checkpoint: Checkpoint) -> Judgement:
    """Judge clips by a model's head, the choice being among the labels that it shares with them.

    Raises:
        DatasetError: they share fewer than two labels.
    """
    labels = known_among(heard.labels, checkpoint)
    if len(labels) < LEAST_CLASSES:
        raise DatasetError(
            f"{checkpoint.name} knows {len(labels)} of the {len(heard.labels)} labels; its head "
            "can be judged among two or more: judge by neighbours, or train a head on them"
        )
    rows = np.array([i for i, clip in enumerate(heard.clips) if clip.label in labels])
    head = {label: index for index, label in enumerate(checkpoint.labels)}
    columns = np.array([head[label] for label in labels])
    logits = heard.logits(checkpoint.network)[rows]  # (N, the model's classes)
    clips = tuple(heard.clips[row] for row in rows)
    targets = np.array([labels.index(clip.label) for clip in clips])
    recall_at_1, map_at_10 = _retrieval(heard)
    return Judgement(
        by=HEAD,
        labels=labels,
        clips=clips,
        left_out=len(heard) - len(rows),
        targets=targets,
        scores=logits[:, columns],
        shown=checkpoint.probabilities(torch.from_numpy(logits)).numpy()[:, columns],
        accuracy_all=metrics.accuracy(columns[targets], logits),
        recall_at_1=recall_at_1,
        map_at_10=map_at_10,
    )


def by_neighbours(heard: Heard) -> Judgement:
    """Judge each clip by the label of the nearest other clip, by cosine of the embeddings.

    The score of a class is the cosine to its nearest clip. A clip that is alone with its label
    cannot be found; it is not judged, and stays as a neighbour.

    Raises:
        DatasetError: fewer than two labels, or none with two clips.
    """
    if len(heard.labels) < LEAST_CLASSES:
        raise DatasetError(
            f"all {len(heard)} clips have the label {heard.labels[0]!r}; "
            "two classes or more are needed to tell apart: add another"
        )
    recall_at_1, map_at_10 = _retrieval(heard)
    rows = np.flatnonzero(_of_each(heard)[heard.targets] > 1)
    if not len(rows):
        raise DatasetError(
            "no label has two clips, so no neighbour can be right; give two clips or more per label"
        )
    scores = _nearest_of_each(heard)
    return Judgement(
        by=NEIGHBOURS,
        labels=heard.labels,
        clips=tuple(heard.clips[row] for row in rows),
        left_out=len(heard) - len(rows),
        targets=heard.targets[rows],
        scores=scores[rows],
        shown=scores[rows],
        accuracy_all=None,
        recall_at_1=recall_at_1,
        map_at_10=map_at_10,
    )


def wilson(right: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % interval for a share of ``right`` of ``of`` (E. B. Wilson 1927)."""
    share, spread = right / of, _Z**2 / of
    middle = (share + spread / 2) / (1 + spread)
    half = float(np.sqrt(share * (1 - share) * spread + spread**2 / 4)) / (1 + spread)
    return middle - half, middle + half


def _nearest_of_each(heard: Heard) -> Floats:
    """Cosine of every clip to the nearest other clip of every label, (N, C); -1: there is none."""
    vectors = heard.embeddings
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    alike = unit @ unit.T  # (N, N)
    np.fill_diagonal(alike, -1.0)
    columns = [
        alike[:, heard.targets == label].max(axis=1, initial=-1.0)
        for label in range(len(heard.labels))
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def _retrieval(heard: Heard) -> tuple[float, float]:
    if _of_each(heard).max() < 2:
        return float("nan"), float("nan")
    found = metrics.retrieval(heard.embeddings, heard.targets)
    return found.recall_at_1, found.map_at_10


def _of_each(heard: Heard) -> Indices:
    """Clips whose (first) label each class is, (C,)."""
    return np.bincount(heard.targets, minlength=len(heard.labels))
