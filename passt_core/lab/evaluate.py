"""A model against a labelled dataset → :class:`Evaluation`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from passt_core.inference.predictor import Predictor
from passt_core.lab import metrics
from passt_core.lab.answers import Answers, Change, Progress, check_known, clip_name, listen
from passt_core.lab.evaluation import ClassResult, ClipResult, Evaluation
from passt_core.lab.labelled import Dataset, Fold, leaking_sources
from passt_core.lab.measures import (
    Judged,
    Measure,
    classwise,
    figures,
    measures,
    share,
    top_answer,
    top_error,
)
from passt_core.lab.metrics import Truth
from passt_core.lab.reliability import Bin, reliability

__all__ = ("Change", "ClassResult", "ClipResult", "Evaluation", "evaluate", "judge")


def evaluate(
    predictor: Predictor,
    dataset: Dataset,
    fold: Fold | None = None,
    *,
    change: Change | None = None,
    thin: float = 0.0,
    known_only: bool = False,
    resamples: int = 0,
    progress: Progress | None = None,
) -> Evaluation:
    """Score a model.

    Args:
        predictor: the model.
        dataset: clips whose labels the model knows.
        fold: score only this one.
        change: what to do to each clip before it is heard.
        thin: share of each clip's patches to take away at random, 0 to below 1.
        known_only: leave out labels that the model does not know, not refuse them.
        resamples: of the bootstrap intervals; 0 leaves them out.
        progress: told of the clips heard.

    Raises:
        DatasetError: a label that the model does not know, no such fold, no readable clip.
    """
    kept = dataset.among(predictor.labels) if known_only else dataset
    check_known(predictor, kept)
    scored = kept if fold is None else kept.only(fold)
    answers = listen(predictor, scored, change=change, thin=thin, progress=progress)
    found = judge(predictor.name, answers, fold, resamples=resamples)
    left = tuple(label for label in dataset.labels if label not in kept.labels)
    return replace(
        found,
        precision=predictor.precision,
        keep_tokens=predictor.keep_tokens,
        left_out=left,
        leaks=leaking_sources(dataset),
    )


def judge(
    model: str, answers: Answers, fold: Fold | None = None, *, resamples: int = 0
) -> Evaluation:
    """Score what a model answered to the clips of a fold, or to all.

    Args:
        model: its name.
        answers: to the clips to be scored.
        fold: that these clips are of.
        resamples: of the bootstrap intervals; 0 leaves them out.
    """
    dataset, judged = answers.dataset, judged_answers(answers)
    found = [*measures(judged), *_of_all_classes(answers), *_calibration(answers, judged)]
    found += _neighbours(answers)
    told = figures(found, [clip.source for clip in dataset.clips], resamples=resamples)
    value = {figure.key: figure.value for figure in told}
    return Evaluation(
        model=model,
        dataset=dataset.name,
        fold=fold,
        clips=len(dataset),
        accuracy=value["accuracy"] or 0.0,
        accuracy_all=value["accuracy_all"] or 0.0,
        top_3=value["top_3"] or 0.0,
        mean_average_precision=value["mean_average_precision"] or 0.0,
        recall_at_1=value["recall_at_1"],
        map_at_10=value["map_at_10"],
        classes=_class_results(dataset.labels, judged),
        confusion=_confusion(judged),
        figures=told,
        multi_label=dataset.multi_label,
        temperature=answers.temperature,
        reliability=_bins(judged),
        results=_clip_results(dataset, judged),
        absent=_absent(dataset),
        unreadable=answers.unreadable,
        missing=len(dataset.missing),
    )


def judged_answers(answers: Answers) -> Judged:
    """Answers as choices among the dataset's classes."""
    return Judged(
        truth=answers.dataset.truth,
        scores=answers.scores()[:, answers.places],
        probabilities=answers.probabilities(among=answers.places),
        multi_label=answers.dataset.multi_label,
    )


def _of_all_classes(answers: Answers) -> list[Measure]:
    """With the choice among all the model's classes."""
    truth, scores = _truth_of_all(answers), answers.scores()
    found = [
        share("accuracy_all", "accuracy, all classes", metrics.hits(truth, scores)),
        share("top_3_all", "top 3, all classes", metrics.hits(truth, scores, 3)),
    ]
    if not answers.dataset.multi_label:
        first = top_answer(truth, answers.probabilities())
        found.append(top_error("ece_all", "ECE, all classes", *first))
    return found


def _calibration(answers: Answers, judged: Judged) -> list[Measure]:
    """The error that the model would have without its temperature."""
    raw = answers.probabilities(1.0, among=answers.places)
    key, name = "ece_uncalibrated", "ECE without temperature"
    if judged.multi_label:
        return [classwise(key, name, judged, raw)]
    return [top_error(key, name, *top_answer(judged.truth, raw))]


def _neighbours(answers: Answers) -> list[Measure]:
    found = metrics.neighbour_scores(answers.embeddings, answers.dataset.truth)
    return [
        share("recall_at_1", "retrieval R@1", found.first),
        share("recall_at_5", "retrieval R@5", found.five),
        share("map_at_10", "retrieval mAP@10", found.precision),
    ]


def _truth_of_all(answers: Answers) -> Truth:
    truth = np.zeros((len(answers.dataset), len(answers.labels)), bool)
    truth[:, answers.places] = answers.dataset.truth
    return truth


def _bins(judged: Judged) -> tuple[Bin, ...]:
    if judged.multi_label:
        return reliability(judged.truth, judged.probabilities)
    return reliability(*judged.first)


def _confusion(judged: Judged) -> tuple[tuple[int, ...], ...]:
    table = metrics.confusion_of_truth(judged.truth, judged.scores)
    return tuple(tuple(int(count) for count in row) for row in table)


def _class_results(labels: tuple[str, ...], judged: Judged) -> tuple[ClassResult, ...]:
    said, decided = judged.said, metrics.decided(judged.truth, judged.said)
    precision = metrics.average_precision(judged.truth, judged.scores)
    auc = metrics.roc_auc(judged.truth, judged.scores)
    return tuple(
        ClassResult(
            label=label,
            clips=int(judged.truth[:, index].sum()),
            said=int(said[:, index].sum()),
            recall=_told(decided.recall, index),
            precision=_told(decided.precision, index),
            f1=_told(decided.f1, index),
            average_precision=_told(precision, index),
            roc_auc=_told(auc, index),
        )
        for index, label in enumerate(labels)
    )


def _told(values: NDArray[np.float64], index: int) -> float | None:
    return None if np.isnan(values[index]) else float(values[index])


def _clip_results(dataset: Dataset, judged: Judged) -> tuple[ClipResult, ...]:
    first = np.argmax(judged.scores, axis=1)
    return tuple(
        ClipResult(
            file=clip_name(clip),
            labels=clip.labels,
            said=dataset.labels[said],
            probability=float(judged.probabilities[index, said]),
            right=dataset.labels[said] in clip.labels,
        )
        for index, (clip, said) in enumerate(zip(dataset.clips, first, strict=True))
    )


def _absent(dataset: Dataset) -> tuple[str, ...]:
    there = {label for clip in dataset.clips for label in clip.labels}
    return tuple(label for label in dataset.labels if label not in there)
