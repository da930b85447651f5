"""What a labelled dataset must be to be trained on, beyond being readable."""

from __future__ import annotations

from passt_core.errors import DatasetError, TrainingError
from passt_core.lab.config import TrainConfig
from passt_core.lab.datasets import Dataset

_SHOWN = 3


def clip_counts(dataset: Dataset) -> dict[str, int]:
    """Clips of each class, in the order of the labels."""
    counts = dataset.truth.sum(axis=0).tolist()
    return dict(zip(dataset.labels, counts, strict=True))


def require_trainable(dataset: Dataset, config: TrainConfig, processes: int = 1) -> None:
    """Refuse what cannot be learnt.

    Raises:
        DatasetError: a class with no clip or too few, or several labels where the loss takes one.
        TrainingError: batches do not divide among the processes.
    """
    counts = clip_counts(dataset)
    empty = [label for label, count in counts.items() if not count]
    if empty:
        raise DatasetError(
            f"{_named(empty)} of {dataset.name} has no clip to train on; every class needs one: "
            "hold out another fold, add clips, or leave the class out"
        )
    few = {label: count for label, count in counts.items() if count < config.least_clips}
    if few:
        raise DatasetError(
            f"{_named(list(few))} of {dataset.name} has {min(few.values())} clip to train on; "
            f"every class needs {config.least_clips}: add clips, leave the class out, or set "
            "least_clips=1"
        )
    several = int((dataset.truth.sum(axis=1) > 1).sum())
    if several and config.loss == "ce":
        raise DatasetError(
            f"{several} clips of {dataset.name} have several labels and loss is 'ce', which takes "
            "one; use loss=bce"
        )
    require_divisible(len(dataset), config, processes)


def require_divisible(clips: int, config: TrainConfig, processes: int) -> None:
    """Refuse batches that do not divide among the processes.

    Raises:
        TrainingError: they do not.
    """
    if processes > 1 and (config.batch_size % processes or clips < config.batch_size):
        raise TrainingError(
            f"batch_size is {config.batch_size} for {processes} processes and {clips} clips; each "
            f"process takes an equal share: use a multiple of {processes}, no more than the clips"
        )


def require_apart(trained: Dataset, held: Dataset) -> None:
    """Refuse to score on recordings that are trained on: the score would be too good.

    Raises:
        DatasetError: the datasets share a file, or the source of one.
    """
    known = {clip.path.resolve() for clip in trained.clips}
    sources = {clip.source for clip in trained.clips if clip.source is not None}
    shared = [clip for clip in held.clips if clip.path.resolve() in known or clip.source in sources]
    if shared:
        first = shared[0]
        told = first.path.name if first.source is None else f"{first.path.name} of {first.source}"
        raise DatasetError(
            f"{len(shared)} of {len(held)} clips to score on are of recordings that are trained "
            f"on, such as {told}; a fold must be unheard: give all clips of a source one fold"
        )


def _named(labels: list[str]) -> str:
    shown = ", ".join(repr(label) for label in labels[:_SHOWN])
    more = f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else ""
    return f"class {shown}{more}"
