"""The result of scoring a model on a dataset, as a value: :class:`Evaluation`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from passt_core.lab.answers import Unreadable
from passt_core.lab.labelled import Fold
from passt_core.lab.measures import Figure
from passt_core.lab.reliability import Bin


@dataclass(frozen=True, kw_only=True)
class ClassResult:
    """One class of the dataset; scores are 0 to 1, or None if they cannot be said.

    Attributes:
        label: its name.
        clips: how many are of it.
        recall: the share of them found.
        average_precision, roc_auc: of the ranking of all clips by this class's score.
        precision: the share of clips said to be of it that are; f1: of precision and recall.
        said: how many clips were said to be of it.
    """

    label: str
    clips: int
    recall: float | None
    average_precision: float | None
    precision: float | None = None
    f1: float | None = None
    roc_auc: float | None = None
    said: int = 0


@dataclass(frozen=True, kw_only=True)
class ClipResult:
    """One clip: file and folder, its classes, what was said first, and how sure (0 to 1)."""

    file: str
    labels: tuple[str, ...]
    said: str
    probability: float
    right: bool


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Scores of a model on a dataset, 0 to 1.

    Attributes:
        model, dataset: their names; fold: the one that was scored, None: all.
        clips: how many were scored.
        accuracy: share of clips whose highest class is right, with the choice among the dataset's
            classes; in a multi-label dataset, is one of the clip's.
        accuracy_all: with the choice among all the model's classes.
        top_3: share of clips with a right label among the three highest of the dataset's classes.
        mean_average_precision: mean over the classes that have clips.
        recall_at_1, map_at_10: neighbours by cosine of the embeddings among the clips scored; None
            if no class has two clips.
        classes: one result each, in the dataset's order.
        confusion: rows are what it is, columns what was said first; see
            :func:`passt_core.lab.metrics.confusion_of_truth` for clips of several classes.
        figures: every score, with its intervals.
        multi_label: clips may be of several classes.
        precision, keep_tokens: that it listened with: see
            :class:`passt_core.inference.predictor.Predictor`.
        temperature: the model's; the figure ``ece_uncalibrated`` is without it.
        reliability: bins of the most probable class's probability; in a multi-label dataset, of
            every class's.
        results: one for each clip.
        absent: classes without a clip here, left out of all means over classes.
        left_out: classes that the model does not know, left out with their clips.
        unreadable: clips that could not be heard. missing: how many files are listed and not there.
        leaks: sources with clips in several folds: scores of a fold are then too good.
    """

    model: str
    dataset: str
    fold: Fold | None
    clips: int
    accuracy: float
    accuracy_all: float
    top_3: float
    mean_average_precision: float
    recall_at_1: float | None
    map_at_10: float | None
    classes: tuple[ClassResult, ...]
    confusion: tuple[tuple[int, ...], ...]
    figures: tuple[Figure, ...] = ()
    multi_label: bool = False
    precision: str = "fp32"
    keep_tokens: float = 1.0
    temperature: float = 1.0
    reliability: tuple[Bin, ...] = ()
    results: tuple[ClipResult, ...] = ()
    absent: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    missing: int = 0
    leaks: tuple[str, ...] = ()

    def figure(self, key: str) -> Figure | None:
        """The figure of a key; None if this evaluation has none such."""
        return next((figure for figure in self.figures if figure.key == key), None)

    def confusions(self, most: int = 10) -> tuple[tuple[str, str, int], ...]:
        """The commonest mistakes: what it is, what was said, how often; the commonest first."""
        table = np.array(self.confusion)
        np.fill_diagonal(table, 0)
        order = np.argsort(-table, axis=None, kind="stable")[:most]
        pairs = zip(*np.unravel_index(order, table.shape), strict=True)
        names = [result.label for result in self.classes]
        return tuple((names[i], names[j], int(table[i, j])) for i, j in pairs if table[i, j])

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it."""
        return asdict(self)
