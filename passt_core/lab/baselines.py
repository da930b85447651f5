"""What simple classifiers make of the same clips: the least that a model must be better than."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from passt_core.errors import DatasetError
from passt_core.lab.features import Features, extract
from passt_core.lab.labelled import Dataset, Fold
from passt_core.lab.measures import Figure, Judged, figures, measures, source_numbers
from passt_core.lab.metrics import Floats

CODES = 128
"""Sounds that a bag of codes knows, at most."""
SPLITS = 5
"""Parts that a dataset without folds is cut into."""
SEED = 0

_TREES = 300
_HIDDEN = 128
_ITERATIONS = 1000
_PATCHES = 20_000

Places = NDArray[np.intp]
"""Numbers of clips."""
Progress = Callable[[float, float | None], None]


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A classifier, trained on the other folds, and its scores.

    Attributes:
        name: what it is.
        clips: that were scored.
        figures: as an evaluation of a model has them, among the dataset's classes.
    """

    name: str
    clips: int
    figures: tuple[Figure, ...]

    def figure(self, key: str) -> Figure | None:
        """The figure of a key; None if there is none such."""
        return next((figure for figure in self.figures if figure.key == key), None)


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Which clips are trained on, and which are scored."""

    train: Places
    test: Places


Classifier = Callable[[Features, Part], Floats]
"""Sounds, and which to train on → probabilities of the others, (test clips, C)."""


def baselines(
    dataset: Dataset,
    fold: Fold | None = None,
    *,
    resamples: int = 0,
    progress: Progress | None = None,
) -> tuple[Baseline, ...]:
    """Train and score all of :data:`CLASSIFIERS`; always with the same result.

    Args:
        dataset: labelled clips.
        fold: the one to score, after training on all others. None scores every clip after training
            on the other folds; a dataset without folds is cut into :data:`SPLITS` parts, in which
            clips of one source stay together.
        resamples: of the bootstrap intervals; 0 leaves them out.
        progress: told after each classifier's part, of how many.

    Raises:
        DatasetError: no such fold, nothing to train on, or too few clips of a class to part them.
    """
    if fold is not None:
        dataset.without(fold)
    features = extract(dataset)
    parts = tuple(_parts(features.dataset, fold))
    done, found = 0, []
    for name, classifier in CLASSIFIERS.items():
        answers = []
        for part in parts:
            answers.append(classifier(features, part))
            done += 1
            if progress:
                progress(done, len(parts) * len(CLASSIFIERS))
        found.append(_scored(name, features, parts, answers, resamples))
    return tuple(found)


def _parts(dataset: Dataset, fold: Fold | None) -> Iterator[Part]:
    folds = dataset.folds if fold is None else (fold,)
    if not folds:
        yield from _cut(dataset)
        return
    own = np.array([clip.fold == one for one in folds for clip in dataset.clips])
    for inside in own.reshape(len(folds), len(dataset)):
        part = Part(train=np.flatnonzero(~inside), test=np.flatnonzero(inside))
        if not len(part.train) or not len(part.test):
            raise DatasetError(
                f"{dataset.name} has {len(part.train)} readable clips to train on and "
                f"{len(part.test)} to score; baselines need both: give it two folds or more"
            )
        yield part


def _cut(dataset: Dataset) -> Iterator[Part]:
    """Parts with all classes in each, as far as they go; clips of one source stay together."""
    targets = np.array(dataset.targets)
    counts = np.bincount(targets, minlength=len(dataset.labels))
    least = int(np.argmin(np.where(counts > 0, counts, len(targets) + 1)))
    if counts[least] < 2:
        raise DatasetError(
            f"class {dataset.labels[least]} of {dataset.name} has {counts[least]} readable clip; "
            "baselines train on some and are scored on others: give every class two or more"
        )
    groups = source_numbers([clip.source for clip in dataset.clips])
    number = min(SPLITS, int(counts[least]), int(groups.max()) + 1)
    if number < 2:
        raise DatasetError(
            f"all clips of {dataset.name} are of one source; baselines train on some sources and "
            "are scored on others: add another"
        )
    splits = StratifiedGroupKFold(number, shuffle=True, random_state=SEED)
    for train, test in splits.split(targets, targets, groups):
        if len(test):
            yield Part(train=train, test=test)


def _scored(
    name: str,
    features: Features,
    parts: Sequence[Part],
    answers: Sequence[Floats],
    resamples: int,
) -> Baseline:
    places = np.concatenate([part.test for part in parts])
    probabilities = np.concatenate(answers)
    dataset = features.dataset
    judged = Judged(
        truth=dataset.truth[places],
        scores=probabilities,
        probabilities=probabilities,
        multi_label=dataset.multi_label,
    )
    sources = [dataset.clips[place].source for place in places]
    told = figures(measures(judged), sources, resamples=resamples)
    return Baseline(name=name, clips=len(places), figures=told)


def _logistic_regression(features: Features, part: Part) -> Floats:
    regression = LogisticRegression(max_iter=_ITERATIONS)
    if features.dataset.multi_label:
        regression = OneVsRestClassifier(regression)
    return _answers(
        make_pipeline(StandardScaler(), regression), features.statistics, features, part
    )


def _random_forest(features: Features, part: Part) -> Floats:
    forest = RandomForestClassifier(_TREES, random_state=SEED)
    return _answers(forest, features.statistics, features, part)


def _bag_of_codes(features: Features, part: Part) -> Floats:
    """k-means codes of mel patches → how often each occurs in a clip → a small network.

    Codes are learnt from the clips that are trained on; the histograms are taken to the square
    root, so that a common code does not drown the rare ones (Hellinger's distance).
    """
    random = np.random.default_rng(SEED)
    heard = np.concatenate([features.patches[place] for place in part.train])
    chosen = heard[random.permutation(len(heard))[:_PATCHES]]
    codes = MiniBatchKMeans(min(CODES, len(chosen)), n_init=1, random_state=SEED).fit(chosen)
    bags = np.stack(
        [_bag(codes.predict(patches), codes.n_clusters) for patches in features.patches]
    )
    network = MLPClassifier((_HIDDEN,), max_iter=_ITERATIONS, random_state=SEED)
    return _answers(make_pipeline(StandardScaler(), network), bags, features, part)


def _bag(codes: NDArray[np.integer], count: int) -> Floats:
    return np.sqrt(np.bincount(codes, minlength=count) / len(codes))


CLASSIFIERS: MappingProxyType[str, Classifier] = MappingProxyType(
    {
        "logistic regression on log-mel statistics": _logistic_regression,
        "random forest on log-mel statistics": _random_forest,
        "bag-of-codes MLP": _bag_of_codes,
    }
)
"""What is trained, by name."""


def _answers(model: Any, x: Floats, features: Features, part: Part) -> Floats:
    """Train on some clips → probabilities of the others, (test clips, C).

    A class that no clip to train on is of has probability 0, one that all are of 1.
    """
    truth = features.dataset.truth[part.train]
    known = np.flatnonzero(truth.any(axis=0) & ~truth.all(axis=0))
    found = np.tile(truth.mean(axis=0), (len(part.test), 1))
    if not len(known):
        return found
    single = not features.dataset.multi_label or len(known) == 1
    y = truth.argmax(axis=1) if not features.dataset.multi_label else truth[:, known].astype(int)
    with warnings.catch_warnings():
        # Too few steps make a baseline a little worse, and are no reason to refuse it.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x[part.train], y[:, 0] if single and y.ndim == 2 else y)
    told = model.predict_proba(x[part.test])
    if isinstance(told, list):  # of a forest for several classes: one (clips, 2) each
        told = np.stack([one[:, 1] for one in told], axis=1)
    elif single and features.dataset.multi_label:
        told = told[:, 1:]
    found[:, known] = told
    return found
