"""What a training trains: :class:`Task`, and the one that learns labels or a teacher's scores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from passt_core.lab import augment
from passt_core.lab.batches import Batch
from passt_core.lab.config import TrainConfig
from passt_core.network.model import Passt
from passt_core.network.patchout import PatchoutSpec, select, select_batch
from passt_core.signal.mel import MelAugment, MelConfig, MelSpectrogram

_COSINE_EPS = 1e-6


class Epochs(Protocol):
    """What a task takes its batches from."""

    @property
    def per_epoch(self) -> int:
        """Steps in one epoch."""

    def epoch(self, number: int = 0, first: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from its step ``first`` on."""


@dataclass(kw_only=True, eq=False)
class Task(ABC):
    """A module whose ``forward`` is a loss, the network in it that is kept, and its batches.

    Attributes:
        module: everything that learns.
        network: the part of it that is kept.
        labels: class names in head order.
        mel: the front end, as training hears through it.
        batches: what it is trained on.
        config: every choice.
    """

    module: nn.Module
    network: Passt
    labels: tuple[str, ...]
    mel: MelSpectrogram
    batches: Epochs
    config: TrainConfig

    def epoch(self, number: int, first: int) -> Iterator[Batch]:
        """The batches of an epoch from a step on."""
        return self.batches.epoch(number, first)

    @abstractmethod
    def arguments(
        self, batch: Batch, generator: torch.Generator, device: torch.device, level: float
    ) -> tuple[Any, ...]:
        """What ``module`` is called with.

        Args:
            batch: on the CPU.
            generator: of all that is drawn here.
            device: where the module is.
            level: how much of the configured patchout is taken, 0 to 1.
        """

    def offset(self, frames: int, generator: torch.Generator) -> int:
        """First column of the time positions for so many frames."""
        shape = self.network.config
        spare = shape.grid[1] - shape.columns(frames) if self.config.random_position else 0
        return int(torch.randint(spare + 1, (1,), generator=generator))


class Classification(nn.Module):
    """The loss of a network's logits against targets and, if asked, of embeddings."""

    def __init__(self, network: Passt, config: TrainConfig, embedding_dim: int = 0) -> None:
        """Put a loss on a network.

        Args:
            network: to train; ``head_dist``, which nothing uses, is held.
            config: ``loss``, ``label_smoothing`` and ``embedding_weight``.
            embedding_dim: of a teacher's embeddings, E: a linear layer to it is trained too and
                thrown away afterwards; 0: there are none.
        """
        super().__init__()
        self.network = network
        self.config = config
        self.project = nn.Linear(network.config.dim, embedding_dim) if embedding_dim else None
        if network.head_dist is not None:
            network.head_dist.requires_grad_(False)

    def forward(
        self,
        mel: Tensor,
        kept: Tensor | None,
        offset: int,
        targets: Tensor,
        embeddings: Tensor | None = None,
    ) -> Tensor:
        """The loss, a scalar.

        Args:
            mel: (B, bands, frames).
            kept: patches that stay, (n,) or (B, n); None: all.
            offset: first column of the time positions.
            targets: (B, classes), 0 to 1.
            embeddings: (B, E); a row of zeros counts nothing.
        """
        output = self.network(mel, kept=kept, time_offset=offset)
        loss = self._of_logits(output.logits.float(), targets)
        if self.project is None or embeddings is None:
            return loss
        near = functional.cosine_similarity(
            self.project(output.embedding).float(), embeddings, eps=_COSINE_EPS
        )
        known = embeddings.any(dim=1).float()
        return loss + self.config.embedding_weight * (known * (1.0 - near)).mean()

    def _of_logits(self, logits: Tensor, targets: Tensor) -> Tensor:
        smoothing = self.config.label_smoothing
        targets = targets * (1.0 - smoothing) + smoothing / targets.shape[1]
        if self.config.loss == "ce":
            return functional.cross_entropy(logits, targets)
        return functional.binary_cross_entropy_with_logits(logits, targets)


@dataclass(kw_only=True, eq=False)
class Classify(Task):
    """Learn targets, with mixup and patchout."""

    def arguments(
        self, batch: Batch, generator: torch.Generator, device: torch.device, level: float
    ) -> tuple[Any, ...]:
        config = self.config
        if augment.uniform(0.0, 1.0, generator) < config.wave_mixup_rate:
            batch = mixed(batch, config, generator)
        held = self.heard(batch, device)
        if augment.uniform(0.0, 1.0, generator) < config.mixup_rate:
            held = mixed(held, config, generator)
        frames = held.audio.shape[2]
        grid = (self.network.config.rows, self.network.config.columns(frames))
        kept = draw_kept(grid, len(held.audio), config, generator, level)
        embeddings = None if held.embeddings is None else held.embeddings.to(device)
        return (
            held.audio,
            None if kept is None else kept.to(device),
            self.offset(frames, generator),
            held.targets.to(device),
            embeddings,
        )

    def heard(self, batch: Batch, device: torch.device) -> Batch:
        """The batch with spectrograms (B, bands, frames) in place of its waveforms."""
        return batch._replace(audio=self.mel(batch.audio.to(device)))


def mixed(batch: Batch, config: TrainConfig, generator: torch.Generator) -> Batch:
    """Each row of a batch mixed with another: its sound or spectrogram, targets, embeddings."""
    drawn = augment.mixup_weights(len(batch.audio), config.mixup_alpha, generator)
    embeddings = batch.embeddings
    return Batch(
        augment.mix(batch.audio, *drawn),
        augment.mix(batch.targets, *drawn),
        None if embeddings is None else augment.mix(embeddings, *drawn),
    )


def draw_kept(
    grid: tuple[int, int],
    clips: int,
    config: TrainConfig,
    generator: torch.Generator,
    level: float = 1.0,
) -> Tensor | None:
    """Patches that a batch keeps: (n,) or (clips, n); None if patchout is off.

    With ``patchout_draw`` uniform the shares are drawn between 0 and the configured ones, so that
    the network meets full and thinned sequences alike; ``level`` scales them.
    """
    full = (config.patchout_time, config.patchout_freq, config.patchout_unstructured)
    shares = [level * share for share in full]
    if not any(shares):
        return None
    if config.patchout_draw == "uniform":
        shares = [augment.uniform(0.0, share, generator) for share in shares]
    columns, rows = int(grid[1] * shares[0]), int(grid[0] * shares[1])
    left = (grid[1] - columns) * (grid[0] - rows)
    spec = PatchoutSpec(time=columns, freq=rows, unstructured=int(left * shares[2]))
    if config.patchout_per == "batch":
        return select(grid, spec, generator)
    return select_batch(grid, spec, generator, clips=clips)


def training_mel(front_end: MelConfig, config: TrainConfig) -> MelSpectrogram:
    """The front end with the masks and the jitter that a training asks for."""
    masks, jitter = config.specaugment, config.band_jitter
    usual = MelAugment()
    changes = MelAugment(
        fmin_jitter=usual.fmin_jitter if jitter else 1,
        fmax_jitter=usual.fmax_jitter if jitter else 1,
        freq_mask=config.freq_mask if masks else 0,
        time_mask=config.time_mask if masks else 0,
    )
    return MelSpectrogram(front_end, changes).train(masks or jitter)
