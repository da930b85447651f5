"""Distillation: a network learns to say what a teacher said of the same sounds.

The teacher is not part of this package; what it said is a file, as :mod:`passt_core.lab.teacher`
tells. Where the labels of some of the files are known they may be given on top: they count more
than what the teacher said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from passt_core.errors import TrainingError
from passt_core.inference.windows import Windowing
from passt_core.lab import augment, checks, state
from passt_core.lab.batches import Batch, Batches, Sounds, backgrounds, decode, fingerprint
from passt_core.lab.config import TrainConfig
from passt_core.lab.datasets import Dataset
from passt_core.lab.distributed import joined
from passt_core.lab.loop import Loop, Progress, Traces
from passt_core.lab.precision import settled
from passt_core.lab.task import Classification, Classify, training_mel
from passt_core.lab.teacher import TeacherScores
from passt_core.lab.train import Trained, beginning, seeded
from passt_core.network.checkpoints import Checkpoint
from passt_core.signal.audio import SAMPLE_RATE

_LEAST = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class TaughtBatches(Batches):
    """Batches whose targets are what the teacher said of the very stretch that was cut out.

    Attributes:
        said: of each clip, (frames, C).
        window_s, hop_s: of its frames.
        thought: the teacher's embeddings of each clip, (frames, E); empty: none.
        known: of each clip what its labels say, (C,), NaN where they are silent; empty: no labels.
    """

    said: tuple[Tensor, ...]
    window_s: float
    hop_s: float
    thought: tuple[Tensor, ...] = ()
    known: tuple[Tensor | None, ...] = ()

    def batch(self, chosen: Sequence[int], samples: int, generator: torch.Generator) -> Batch:
        """One batch of some clips, ``samples`` long."""
        cut = [self._cut(index, samples, generator) for index in chosen]
        audio, targets = (torch.stack(part) for part in list(zip(*cut, strict=True))[:2])
        embeddings = torch.stack([part[2] for part in cut]) if self.thought else None
        mixed = self.mixture(Batch(audio, targets, embeddings), generator)
        audio, targets = self.laid_under(mixed.audio, mixed.targets, generator)
        return Batch(self.changed(audio, generator), targets, mixed.embeddings)

    def mixture(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Some clips with another of the batch over them, 0 to ``mixture_db`` softer.

        What is said of both, a and b, becomes 1 - (1 - a)(1 - g b), with g the other's amplitude
        relative to the clip's; embeddings, unit vectors, are added in the same proportion.
        """
        config = self.config
        if not config.mixture_rate:
            return batch
        count = len(batch.audio)
        partners = torch.randperm(count, generator=generator)
        chosen = torch.rand(count, 1, generator=generator) < config.mixture_rate
        chosen &= (partners != torch.arange(count))[:, None]
        softer = config.mixture_db * torch.rand(count, 1, generator=generator)
        share = chosen * 10.0 ** (-softer / 20.0)  # (B, 1), 0 where nothing is laid over
        audio = augment.lay_over(batch.audio, batch.audio[partners], share)
        targets = 1.0 - (1.0 - batch.targets) * (1.0 - share * batch.targets[partners])
        embeddings = batch.embeddings
        if embeddings is not None:
            embeddings = embeddings + share * embeddings[partners]
        return Batch(audio, targets, embeddings)

    def _cut(
        self, index: int, samples: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """A crop (samples,) at a drawn tape speed, and what is said (C,) and thought (E,) of it.

        E is 0 without embeddings.
        """
        audio, frames = self.sounds.waveforms[index], slice(None)
        taken = round(samples * self.speed(generator))
        if len(audio) <= taken:
            crop = augment.fit(audio, taken, generator)
        else:
            start = augment.lively_start(audio, taken, generator)
            crop = audio[start : start + taken]
            frames = self._frames(start, start + taken, len(self.said[index]))
        said = self._corrected(index, pooled(self.said[index][frames]))
        thought = self.thought[index][frames].mean(dim=0) if self.thought else torch.zeros(0)
        return augment.change_speed(crop, samples), said, unit(thought)

    def _corrected(self, index: int, said: Tensor) -> Tensor:
        """What the teacher said (C,), but for what is known better."""
        known = self.known[index] if self.known else None
        return said if known is None else torch.where(known.isnan(), said, known)

    def _frames(self, start: int, end: int, count: int) -> slice:
        """Frames whose middle lies in a stretch of samples; one at least."""
        middle = self.window_s / 2
        first = round((start / SAMPLE_RATE - middle) / self.hop_s)
        last = round((end / SAMPLE_RATE - middle) / self.hop_s)
        first = min(max(0, first), count - 1)
        return slice(first, min(max(first + 1, last), count))


def pooled(said: Tensor) -> Tensor:
    """Frames (T, C) → a clip (C,), by linear softmax: each frame weighs what it says.

    Between mean and maximum: a bark counts though most frames are silent (Wang et al. 2019,
    arXiv:1810.09050).
    """
    return said.square().sum(dim=0) / said.sum(dim=0).clamp_min(_LEAST)


def unit(vector: Tensor) -> Tensor:
    """A vector (E,) of length 1; zeros stay zeros."""
    return vector / vector.norm().clamp_min(_LEAST)


def distill(
    teacher: TeacherScores,
    config: TrainConfig | None = None,
    *,
    labelled: Dataset | None = None,
    start: Checkpoint | None = None,
    traces: Traces | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train a network on what a teacher said; :func:`passt_core.lab.train.train` goes on from it.

    Args:
        teacher: its scores of each sound file, and perhaps its embeddings.
        config: every choice, as for a training on labels; ``loss`` has to be ``bce``.
        labelled: clips among those files whose labels are known; the labels count more.
        start: weights to begin from; None begins from nothing.
        traces: what is left on disk; None leaves nothing.
        progress: told after each epoch.

    Raises:
        DatasetError: a file cannot be read, or labels and teacher do not meet.
        TrainingError: no files, a choice that distillation has no use for, a loss that is not
            finite, a state of another training.
    """
    config = config or TrainConfig()
    _check(teacher, config)
    known = teacher.known(labelled) if labelled is not None else {}
    with joined(config.device) as world, seeded(config, world):
        config = settled(config, world.device)
        checks.require_divisible(len(teacher.scores), config, world.shard.processes)
        network, front_end = beginning(teacher.labels, config, start)
        batches = replace(
            taught(teacher, known, config, Windowing.of(network.config, front_end).length),
            shard=world.shard,
        )
        width = batches.thought[0].shape[1] if batches.thought else 0
        task = Classify(
            module=Classification(network, config, width),
            network=network,
            labels=teacher.labels,
            mel=training_mel(front_end, config),
            batches=batches,
            config=config,
        )
        identity = state.identity_of(
            config,
            _fingerprint(teacher, known),
            processes=world.shard.processes,
            start=None if start is None else start.sha256,
        )
        loop = Loop(task, world=world, identity=identity, traces=traces or Traces())
        return Trained.of(loop.run(progress), teacher.labels, front_end, config)


def taught(
    teacher: TeacherScores, known: dict[Path, Tensor], config: TrainConfig, whole: int
) -> TaughtBatches:
    """Batches of everything that a teacher heard; ``whole``: samples of the network's window."""
    said = tuple(teacher.scores.values())
    with_embeddings = teacher.embeddings is not None and config.embedding_weight > 0
    return TaughtBatches(
        sounds=Sounds(
            waveforms=tuple(decode(path) for path in teacher.scores),
            targets=torch.stack([pooled(one) for one in said]),
        ),
        config=config,
        whole=whole,
        background=backgrounds(config),
        said=said,
        window_s=teacher.window_s,
        hop_s=teacher.hop_s,
        thought=tuple((teacher.embeddings or {}).values()) if with_embeddings else (),
        known=tuple(known.get(path) for path in teacher.scores) if known else (),
    )


def _check(teacher: TeacherScores, config: TrainConfig) -> None:
    if not teacher.scores:
        raise TrainingError("the teacher said nothing of any file; give scores of some")
    if config.loss != "bce":
        raise TrainingError(
            f"loss is {config.loss!r} and a teacher's scores are of many labels at once; "
            "use loss=bce"
        )
    if config.early_stop:
        raise TrainingError(
            f"early_stop is {config.early_stop} and distillation scores no fold; set early_stop=0"
        )


def _fingerprint(teacher: TeacherScores, known: dict[Path, Tensor]) -> state.Identity:
    """What tells a teacher's file from another: files, sums of what was said, and what is known."""
    sums = [float(said.double().sum()) for said in teacher.scores.values()]
    told = {path.name: row.tolist() for path, row in known.items()}
    meaning = (teacher.labels, sums, sorted(told.items()))
    return fingerprint("scores", list(teacher.scores), meaning)
