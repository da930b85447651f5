"""Lessons: stretches of sound, ready as spectrograms, with what a teacher says of each.

Where a teacher is asked about every stretch as the network will hear it (mixed, bent, filtered,
louder or softer), what it says is true of that stretch, and one teacher's time pays for many
trainings. ``tools/make_lessons`` makes such a folder; a teacher is no part of this package.

A folder of lessons holds ``lessons.json`` and any number of safetensors files:

=================== =============================================================================
``lessons.json``    ``labels``, C strings; ``sources``, a list of {file, fold}: the sounds that the
                    stretches were cut from, fold 0 for those that never need to be held out
``mel``             (n, bands, frames) float16: normalised log-mel spectrograms of one length
``targets``         (n, C) float16: 0 to 1
``embeddings``      (n, E) float16: the teacher's, normalised as the student shall see them
``sources``         (n, S) integers: positions in the list; -1 where there are fewer
=================== =============================================================================
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from passt_core.errors import TrainingError
from passt_core.lab import checks, sampling, state
from passt_core.lab.batches import Batch, fingerprint
from passt_core.lab.config import TrainConfig
from passt_core.lab.distributed import joined
from passt_core.lab.loop import Loop, Progress, Traces
from passt_core.lab.precision import settled
from passt_core.lab.sampling import ALONE, Shard
from passt_core.lab.task import Classification, Classify, training_mel
from passt_core.lab.train import Trained, beginning, seeded
from passt_core.network.checkpoints import Checkpoint

INDEX = "lessons.json"
TENSORS = ("mel", "targets", "embeddings", "sources")


@dataclass(frozen=True, kw_only=True, eq=False)
class Shelf:
    """Lessons of one length.

    Attributes:
        mel: (n, bands, frames), float16.
        targets: (n, C), float16.
        embeddings: (n, E), float16.
    """

    mel: Tensor
    targets: Tensor
    embeddings: Tensor

    def __len__(self) -> int:
        return len(self.mel)


@dataclass(frozen=True, kw_only=True, eq=False)
class Lessons:
    """Everything in a folder of lessons, in shelves of one length each."""

    name: str
    labels: tuple[str, ...]
    shelves: tuple[Shelf, ...]

    def __len__(self) -> int:
        return sum(len(shelf) for shelf in self.shelves)

    @classmethod
    def read(cls, folder: Path, *, hold_out: Sequence[int] = ()) -> Lessons:
        """Read a folder, without the lessons in which anything of some folds is heard.

        Raises:
            TrainingError: a file is missing, damaged or does not fit the others; nothing is left.
        """
        index = _index(folder)
        labels = tuple(str(label) for label in index["labels"])
        held = [int(source["fold"]) in hold_out for source in index["sources"]]
        out = torch.tensor([*held, False])  # the last for -1: no source
        found: dict[int, list[dict[str, Tensor]]] = {}
        for path in sorted(folder.glob("*.safetensors")):
            tensors = _tensors(path, len(labels))
            left = ~out[tensors.pop("sources").long()].any(dim=1)
            frames = tensors["mel"].shape[2]
            found.setdefault(frames, []).append({n: t[left] for n, t in tensors.items()})
        shelves = [
            Shelf(**{name: torch.cat([part[name] for part in parts]) for name in parts[0]})
            for _, parts in sorted(found.items())
        ]
        if not any(len(shelf) for shelf in shelves):
            raise TrainingError(
                f"{folder} holds no lessons (without folds {list(hold_out)}); make some, "
                "or hold less out"
            )
        return cls(name=folder.name, labels=labels, shelves=tuple(shelves))


def _index(folder: Path) -> dict[str, Any]:
    path = folder / INDEX
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        _ = index["labels"], [source["fold"] for source in index["sources"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(
            f"{path} cannot be read as an index of lessons ({error}); it needs labels and sources"
        ) from error
    return dict(index)


def _tensors(path: Path, classes: int) -> dict[str, Tensor]:
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise TrainingError(f"{path} cannot be read ({error}); make the lessons again") from error
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    fits = set(tensors) == set(TENSORS) and len({shape[0] for shape in shapes.values()}) == 1
    if not fits or shapes["targets"][1:] != (classes,) or len(shapes["mel"]) != len(TENSORS) - 1:
        raise TrainingError(
            f"{path.name} holds {shapes}; lessons have {', '.join(TENSORS)}, a row per lesson, "
            f"and targets of {classes} labels"
        )
    return tensors


@dataclass(frozen=True, kw_only=True, eq=False)
class LessonBatches:
    """Batches of lessons: ``audio`` is a spectrogram already, and each batch is of one shelf."""

    lessons: Lessons
    config: TrainConfig
    shard: Shard = ALONE

    @property
    def per_epoch(self) -> int:
        """Steps in one epoch: what is left over of each shelf's last batch waits."""
        return max(1, sum(len(s) // self.config.batch_size for s in self.lessons.shelves))

    def epoch(self, number: int = 0, first: int = 0) -> Iterator[Batch]:
        """The batches of an epoch in random order, from its step ``first`` on."""
        for place, rows in self._plan(number)[first:]:
            shelf = self.lessons.shelves[place]
            mine = rows[self.shard.rank :: self.shard.processes]
            yield Batch(
                shelf.mel[mine].float(), shelf.targets[mine].float(), shelf.embeddings[mine].float()
            )

    def _plan(self, number: int) -> list[tuple[int, Tensor]]:
        """Of each step the shelf and the rows."""
        generator = sampling.generator_of(self.config.seed, number)
        size = self.config.batch_size
        steps = [
            (place, rows)
            for place, shelf in enumerate(self.lessons.shelves)
            for rows in torch.split(torch.randperm(len(shelf), generator=generator), size)
            if len(rows) == size
        ]
        return [steps[k] for k in torch.randperm(len(steps), generator=generator).tolist()]


@dataclass(kw_only=True, eq=False)
class Learn(Classify):
    """Learn lessons: their spectrograms are heard as they are."""

    def heard(self, batch: Batch, device: torch.device) -> Batch:
        return batch._replace(audio=batch.audio.to(device))


def learn(
    lessons: Lessons,
    config: TrainConfig | None = None,
    *,
    start: Checkpoint | None = None,
    traces: Traces | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train a network on lessons, with patchout and, if asked, mixup of spectrograms.

    Args:
        lessons: what to learn.
        config: every choice; those about waveforms have nothing to do here. ``loss`` has to be
            ``bce``; ``embedding_weight`` says how much the teacher's embeddings count.
        start: weights to begin from; None begins from nothing.
        traces: what is left on disk; None leaves nothing.
        progress: told after each epoch.

    Raises:
        TrainingError: a choice that lessons have no use for, fewer lessons than a batch, a loss
            that is not finite, a state of another training.
    """
    config = config or TrainConfig()
    _check(lessons, config)
    with joined(config.device) as world, seeded(config, world):
        config = settled(config, world.device)
        checks.require_divisible(len(lessons), config, world.shard.processes)
        network, front_end = beginning(lessons.labels, config, start)
        batches = LessonBatches(lessons=lessons, config=config, shard=world.shard)
        width = lessons.shelves[0].embeddings.shape[1] if config.embedding_weight else 0
        task = Learn(
            module=Classification(network, config, width),
            network=network,
            labels=lessons.labels,
            mel=training_mel(front_end, replace(config, specaugment=False, band_jitter=False)),
            batches=batches,
            config=config,
        )
        identity = state.identity_of(
            config,
            _fingerprint(lessons),
            processes=world.shard.processes,
            start=None if start is None else start.sha256,
        )
        loop = Loop(task, world=world, identity=identity, traces=traces or Traces())
        return Trained.of(loop.run(progress), lessons.labels, front_end, config)


def _check(lessons: Lessons, config: TrainConfig) -> None:
    if config.loss != "bce" or config.early_stop or config.wave_mixup_rate:
        raise TrainingError(
            "lessons are of many labels at once, have no validation fold and no waveforms; use "
            "loss=bce, early_stop=0 and wave_mixup_rate=0"
        )
    longest = max(len(shelf) for shelf in lessons.shelves)
    if longest < config.batch_size:
        raise TrainingError(
            f"batch_size is {config.batch_size} and {lessons.name} has {longest} lessons of one "
            "length at most; take smaller batches or make more lessons"
        )


def _fingerprint(lessons: Lessons) -> state.Identity:
    sums = [
        (tuple(shelf.mel.shape), float(shelf.targets.double().sum())) for shelf in lessons.shelves
    ]
    return fingerprint(lessons.name, [], (lessons.labels, sums))
