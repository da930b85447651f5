"""How well a library is searched: clips of one fold look for their like in the other folds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.preprocessing import StandardScaler

from passt_core.errors import DatasetError
from passt_core.inference.predictor import Predictor
from passt_core.lab import metrics
from passt_core.lab.features import extract
from passt_core.lab.heard import Heard, hear
from passt_core.lab.labelled import Dataset, Fold, check_folds
from passt_core.lab.metrics import Floats, NeighbourScores, Retrieval

Progress = Callable[[float, float | None], None]


@dataclass(frozen=True, kw_only=True)
class Searched:
    """Clips of some folds as queries, all clips of the folds that are not theirs as the library.

    Attributes:
        fold: of the queries; None: the mean over the queries of all folds.
        queries: how many found something to find; library: clips that each was looked for among.
        model: by cosine of the model's embeddings.
        statistics: by cosine of standardised statistics of the log-mel (mean, deviation, quantiles
            and steps of each band): what can be had without any model.
    """

    fold: Fold | None
    queries: int
    library: int
    model: Retrieval
    statistics: Retrieval


def retrieve(
    dataset: Dataset,
    predictor: Predictor,
    *,
    folds: tuple[Fold, ...] | None = None,
    progress: Progress | None = None,
) -> tuple[Searched, ...]:
    """Search with the clips of each fold among all other clips.

    A fold keeps clips of one recording together, so that no clip finds a part of itself.

    Args:
        dataset: labelled clips in two folds or more.
        predictor: the model.
        folds: to ask from; None: all.
        progress: told of the clips that the model has heard.

    Returns:
        One result a fold, and, of several, their mean.

    Raises:
        DatasetError: fewer than two folds, an unknown one, clips of one source in several, or a
            clip that cannot be read.
    """
    if len(dataset.folds) < 2:
        raise DatasetError(
            f"{dataset.name} has {len(dataset.folds)} folds; queries of one are looked for in the "
            "others: give clips two folds or more in a CSV"
        )
    check_folds(dataset)
    for fold in folds or ():
        dataset.only(fold)
    features = extract(dataset)
    heard = _heard(dataset, predictor, progress)
    reasons = [one.reason for one in heard.unreadable or features.unreadable]
    if reasons:
        raise DatasetError(
            f"{len(reasons)} clips of {dataset.name} cannot be read; the first: {reasons[0]}. "
            "Leave them out"
        )
    of = np.array([str(clip.fold) for clip in dataset.clips])
    models, plain, results = [], [], []
    for fold in folds or dataset.folds:
        asks = of == str(fold)
        scaler = StandardScaler().fit(features.statistics[~asks])
        models.append(_searched(heard.embeddings, dataset, asks))
        plain.append(_searched(scaler.transform(features.statistics), dataset, asks))
        results.append(_result(fold, int((~asks).sum()), models[-1], plain[-1]))
    if len(results) > 1:
        library = round(float(np.mean([one.library for one in results])))
        results.append(_result(None, library, _joined(models), _joined(plain)))
    return tuple(results)


def _heard(dataset: Dataset, predictor: Predictor, progress: Progress | None) -> Heard:
    outcomes = []
    for outcome in hear(predictor, dataset.clips):
        outcomes.append(outcome)
        if progress:
            progress(len(outcomes), len(dataset))
    return Heard.of(outcomes)


def _searched(vectors: Floats, dataset: Dataset, asks: metrics.Truth) -> NeighbourScores:
    truth = dataset.truth
    return metrics.search_scores(vectors[asks], truth[asks], vectors[~asks], truth[~asks])


def _result(
    fold: Fold | None, library: int, model: NeighbourScores, statistics: NeighbourScores
) -> Searched:
    return Searched(
        fold=fold,
        queries=int((~np.isnan(model.first)).sum()),
        library=library,
        model=metrics.mean_retrieval(model),
        statistics=metrics.mean_retrieval(statistics),
    )


def _joined(scores: list[NeighbourScores]) -> NeighbourScores:
    return NeighbourScores(*map(np.concatenate, zip(*scores, strict=True)))
