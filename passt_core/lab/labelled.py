"""Labelled clips as values: :class:`LabelledClip`, :class:`Dataset`, and what must hold of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from passt_core.errors import DatasetError

Fold = int | str
"""A numbered fold, or a named split such as ``test``."""

_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class LabelledClip:
    """A sound file and what it is.

    Attributes:
        path: the file.
        label: its class; of several, the first.
        fold: the fold or split it belongs to, where the dataset has such.
        also: further classes that it is of.
        source: the recording it was cut from, or who made it, where the dataset says so.
    """

    path: Path
    label: str
    fold: Fold | None = None
    also: tuple[str, ...] = ()
    source: str | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """All its classes."""
        return (self.label, *self.also)


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Labelled clips of two classes or more.

    Attributes:
        name: of the folder or file that it was read from.
        clips: in the order of the source.
        labels: class names; a training's head takes this order. Every one has a clip, though after
            :meth:`only` and :meth:`without` perhaps in another fold.
        multi_label: a clip may be of several classes at once.
        missing: files that the source lists and that are not there, where the layout lets them.
    """

    name: str
    clips: tuple[LabelledClip, ...]
    labels: tuple[str, ...]
    multi_label: bool = False
    missing: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.clips)

    @cached_property
    def folds(self) -> tuple[Fold, ...]:
        """Folds that occur, ascending, numbers before names; empty if the dataset has none."""
        found = {clip.fold for clip in self.clips if clip.fold is not None}
        return tuple(sorted(found, key=lambda fold: (isinstance(fold, str), fold)))

    @cached_property
    def targets(self) -> tuple[int, ...]:
        """Place of each clip's (first) label in :attr:`labels`."""
        return tuple(self._places[clip.label] for clip in self.clips)

    @cached_property
    def truth(self) -> NDArray[np.bool_]:
        """Which clip is of which class, (clips, labels)."""
        return truth_of(self.clips, self._places)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {label: index for index, label in enumerate(self.labels)}

    def only(self, fold: Fold) -> Dataset:
        """The clips of one fold.

        Raises:
            DatasetError: no clip is in it.
        """
        return self._part(fold, lambda clip: clip.fold == fold)

    def without(self, fold: Fold) -> Dataset:
        """The clips of all other folds, for training.

        Raises:
            DatasetError: no clip is in the fold, or nothing else is there.
        """
        self.only(fold)
        return self._part(fold, lambda clip: clip.fold != fold)

    def among(self, labels: Sequence[str]) -> Dataset:
        """The clips that have one of some labels, and of their labels only these.

        Raises:
            DatasetError: fewer than two of the labels are left.
        """
        wanted = set(labels)
        left = tuple(label for label in self.labels if label in wanted)
        if len(left) < 2:
            raise DatasetError(
                f"{self.name} shares {len(left)} of its {len(self.labels)} labels with the "
                f"{len(wanted)} wanted; two or more are needed: use the same names"
            )
        clips = []
        for clip in self.clips:
            kept = [label for label in clip.labels if label in wanted]
            if kept:
                clips.append(replace(clip, label=kept[0], also=tuple(kept[1:])))
        return replace(self, clips=tuple(clips), labels=left)

    def _part(self, fold: Fold, belongs: Callable[[LabelledClip], bool]) -> Dataset:
        clips = tuple(clip for clip in self.clips if belongs(clip))
        if not clips:
            known = ", ".join(map(str, self.folds)) or "none"
            raise DatasetError(
                f"{self.name} has no clips left for fold {fold}; its folds are {known}: "
                "name one of several"
            )
        return replace(self, clips=clips)


def truth_of(clips: Sequence[LabelledClip], places: Mapping[str, int]) -> NDArray[np.bool_]:
    """Which clip is of which class, (clips, labels); ``places`` has each label's column."""
    found = np.zeros((len(clips), len(places)), bool)
    for row, clip in zip(found, clips, strict=True):
        row[[places[label] for label in clip.labels]] = True
    return found


def leaking_sources(dataset: Dataset) -> tuple[str, ...]:
    """Sources that have clips in more than one fold, sorted: a score of such folds is too good."""
    folds: dict[str, set[Fold | None]] = defaultdict(set)
    for clip in dataset.clips:
        if clip.source is not None and clip.fold is not None:
            folds[clip.source].add(clip.fold)
    return tuple(sorted(source for source, found in folds.items() if len(found) > 1))


def check_folds(dataset: Dataset) -> None:
    """Hold that no source has clips in more than one fold; nothing to hold without sources.

    Raises:
        DatasetError: one has.
    """
    leaks = leaking_sources(dataset)
    if leaks:
        raise DatasetError(
            f"{dataset.name} has {len(leaks)} sources with clips in more than one fold "
            f"({some(leaks)}); a fold must be unheard, so clips of one source share a fold: "
            "move them"
        )


def join(datasets: Sequence[Dataset]) -> Dataset:
    """All clips of several datasets; what they call by one label is one class.

    Raises:
        DatasetError: a clip is in two of them.
    """
    if len(datasets) == 1:
        return datasets[0]
    joined = checked(
        " + ".join(dataset.name for dataset in datasets),
        [clip for dataset in datasets for clip in dataset.clips],
        None,
    )
    return replace(
        joined,
        multi_label=any(dataset.multi_label for dataset in datasets),
        missing=tuple(name for dataset in datasets for name in dataset.missing),
    )


def checked(name: str, clips: Sequence[LabelledClip], labels: tuple[str, ...] | None) -> Dataset:
    """A dataset of these clips; ``labels`` gives the order, None sorts those that occur.

    Raises:
        DatasetError: a clip is listed twice, there are fewer than two classes, or labels and
            clips do not meet.
    """
    found = {label for clip in clips for label in clip.labels}
    repeated = len(clips) - len({clip.path for clip in clips})
    if repeated:
        raise DatasetError(
            f"{name} lists {repeated} clips more than once; each clip has one row and one label"
        )
    if labels is not None:
        _check_labels(name, found, labels)
    if len(labels or found) < 2:
        raise DatasetError(
            f"{name} has {len(found)} class ({some(found) or 'no clips'}); "
            "two classes or more are needed to tell apart: add another"
        )
    return Dataset(
        name=name,
        clips=tuple(clips),
        labels=labels or tuple(sorted(found)),
        multi_label=any(clip.also for clip in clips),
    )


def some(names: Iterable[str]) -> str:
    """The first few names, sorted, and how many more there are."""
    listed = sorted(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more


def _check_labels(name: str, found: set[str], labels: tuple[str, ...]) -> None:
    empty, unknown = set(labels) - found, found - set(labels)
    if empty:
        raise DatasetError(
            f"no clip of {name} has the label {some(empty)}; every class needs a clip: "
            "add some or leave the class out"
        )
    if unknown:
        raise DatasetError(
            f"{name} has clips labelled {some(unknown)}, which is not among the "
            f"{len(labels)} expected classes; correct the labels or add the class"
        )
