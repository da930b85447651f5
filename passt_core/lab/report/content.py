"""What a report tells, in whatever format: :class:`Report` and its tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from passt_core.lab.baselines import Baseline
from passt_core.lab.bootstrap import LEVEL, Interval
from passt_core.lab.evaluation import Evaluation
from passt_core.lab.measures import THRESHOLD, Figure
from passt_core.lab.reliability import BINS
from passt_core.lab.robustness import Condition

CONFUSIONS = 10
"""Mistakes that are listed."""
DIGITS = 3
NOTHING = "–"

_SHOWN = 5
_COMPARED = ("accuracy", "top_3", "f1_macro", "mean_average_precision", "lwlrap")
_MICRO = frozenset({"precision_micro", "recall_micro", "f1_micro"})

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""Headers, rows."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """An evaluation, and what was asked for beside it."""

    evaluation: Evaluation
    baselines: tuple[Baseline, ...] = ()
    robustness: tuple[Condition, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it; what was not asked for is left out."""
        told = self.evaluation.to_dict()
        if self.baselines:
            told["baselines"] = [asdict(baseline) for baseline in self.baselines]
        if self.robustness:
            told["robustness"] = [asdict(condition) for condition in self.robustness]
        return told

    @property
    def title(self) -> str:
        """Who was asked about what."""
        return f"{self.evaluation.model} on {self.evaluation.dataset}"


def facts(found: Evaluation) -> list[tuple[str, str]]:
    """Name and value of what was scored."""
    kind = "several classes a clip" if found.multi_label else "one class a clip"
    merged = "none merged" if found.keep_tokens == 1.0 else f"merged to {found.keep_tokens:.1%}"
    return [
        ("model", found.model),
        ("precision", found.precision),
        ("tokens", merged),
        ("dataset", found.dataset),
        ("fold", "all" if found.fold is None else str(found.fold)),
        ("clips", str(found.clips)),
        ("classes", f"{len(found.classes)}, {kind}"),
        ("temperature", f"{found.temperature:.3g}"),
    ]


def warnings(found: Evaluation) -> Iterator[str]:
    """What a reader must know to trust the figures."""
    if found.leaks:
        yield (
            f"{len(found.leaks)} sources have clips in more than one fold "
            f"({_some(found.leaks)}): a model trained on other folds has heard them, "
            "and scores of one fold are too good"
        )
    if found.unreadable:
        files = _some([clip.file for clip in found.unreadable])
        yield f"{len(found.unreadable)} clips could not be heard and are not scored ({files})"
    if found.missing:
        yield f"{found.missing} files are listed and not there; they are not scored"
    if found.left_out:
        yield f"{len(found.left_out)} classes are unknown to the model ({_some(found.left_out)})"
    if found.absent:
        yield (
            f"{len(found.absent)} classes have no clip here ({_some(found.absent)}) and are left "
            "out of the means over classes"
        )


def definitions(report: Report) -> Iterator[str]:
    """What the figures mean."""
    found = report.evaluation
    if found.multi_label:
        yield "Accuracy and top k: a clip counts if one of its classes is among the k highest."
        yield f"Precision, recall and F1: a class is said from a probability of {THRESHOLD:g} up."
        yield "ECE, class-wise: the mean over classes of the error of “it is this class”."
    else:
        yield "Accuracy: the highest score among the dataset's classes is the right one."
        yield f"ECE: of the probability of the most probable class, in {BINS} bins."
    yield "“All classes”: among all that the model has, not only the dataset's."
    yield (
        "Macro: the mean over the classes that have clips. d′ = √2 Φ⁻¹(AUC) of the mean AUC over "
        "classes, not the mean of the classes' d′."
    )
    if any(figure.by_clip for figure in found.figures):
        yield (
            f"Intervals: {LEVEL:.0%} of bootstrap resamples; by source, all clips of a source are "
            "drawn together."
        )
    if report.baselines:
        yield "Baselines were trained on the other folds, and choose among the dataset's classes."


def metrics_table(found: Evaluation) -> Table:
    """Every figure, with its intervals where there are some."""
    by_clip = any(figure.by_clip for figure in found.figures)
    by_source = any(figure.by_source for figure in found.figures)
    headers = ["metric", "value"]
    headers += [f"{LEVEL:.0%}, by clip"] * by_clip + [f"{LEVEL:.0%}, by source"] * by_source
    rows = []
    for figure in shown(found):
        row = [figure.name, number(figure.value)]
        row += [interval(figure.by_clip)] * by_clip + [interval(figure.by_source)] * by_source
        rows.append(tuple(row))
    return tuple(headers), rows


def shown(found: Evaluation) -> Iterator[Figure]:
    """Figures worth a line: with one class a clip, the micro means all are the accuracy."""
    for figure in found.figures:
        if found.multi_label or figure.key not in _MICRO:
            yield figure


def class_table(found: Evaluation) -> Table:
    """One row for each class."""
    headers = ("class", "clips", "said", "precision", "recall", "F1", "AP", "ROC AUC")
    rows = [
        (
            result.label,
            str(result.clips),
            str(result.said),
            *map(number, (result.precision, result.recall, result.f1)),
            *map(number, (result.average_precision, result.roc_auc)),
        )
        for result in found.classes
    ]
    return headers, rows


def confusion_table(found: Evaluation) -> Table:
    """The commonest mistakes."""
    clips = {result.label: result.clips for result in found.classes}
    rows: list[tuple[str, ...]] = [
        (truth, said, str(count), f"{count / clips[truth]:.0%}")
        for truth, said, count in found.confusions(CONFUSIONS)
    ]
    return ("it is", "it was called", "clips", "of its clips"), rows


def comparison_table(report: Report) -> Table:
    """The model and the baselines, side by side; the accuracy with its interval."""
    found = report.evaluation
    named = [(found.model, found.figures)]
    named += [(baseline.name, baseline.figures) for baseline in report.baselines]
    rows = []
    for name, told in named:
        figures = {figure.key: figure for figure in told}
        accuracy = figures["accuracy"]
        cells = [number(figures[key].value) for key in _COMPARED]
        rows.append(
            (name, *cells[:1], interval(accuracy.by_source or accuracy.by_clip), *cells[1:])
        )
    names = {figure.key: figure.name for figure in found.figures}
    titles = [names[key] for key in _COMPARED]
    return ("", *titles[:1], f"{LEVEL:.0%}", *titles[1:]), rows


def robustness_table(report: Report) -> Table:
    """Accuracy under each change."""
    headers = ("clips are", "accuracy", "lost", "all classes", "top 3")
    rows = [
        (c.name, *map(number, (c.accuracy, c.lost, c.accuracy_all, c.top_3)))
        for c in report.robustness
    ]
    return headers, rows


def unreadable_table(found: Evaluation) -> Table:
    """Clips that could not be heard."""
    return ("clip", "reason"), [(clip.file, clip.reason) for clip in found.unreadable]


def number(value: float | None) -> str:
    """A figure as it is printed."""
    return NOTHING if value is None else f"{value:.{DIGITS}f}"


def interval(found: Interval | None) -> str:
    """An interval as it is printed."""
    return NOTHING if found is None else f"{number(found.low)} to {number(found.high)}"


def _some(names: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
