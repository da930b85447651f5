"""Training a PaSST on a labelled dataset (Koutini et al. 2021, section 3, on any machine)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from passt_core.errors import TrainingError
from passt_core.inference.windows import Windowing
from passt_core.lab import augment
from passt_core.lab.batches import Batches, read
from passt_core.lab.config import TrainConfig
from passt_core.lab.datasets import Dataset
from passt_core.lab.optim import Descent, WeightMean
from passt_core.network import checkpoints
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.model import Passt, PasstConfig
from passt_core.network.patchout import PatchoutSpec, select, select_batch
from passt_core.signal.mel import MelAugment, MelConfig, MelSpectrogram


@dataclass(frozen=True, kw_only=True)
class EpochReport:
    """How an epoch went: its number from 1, of how many, mean loss, last rate, time so far."""

    epoch: int
    epochs: int
    loss: float
    learning_rate: float
    seconds: float


Progress = Callable[[EpochReport], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """What a training made.

    Attributes:
        network: in eval mode, float32.
        labels: class names in head order.
        front_end: spectrogram that it was trained on.
        config: how.
        losses: mean loss of each epoch.
        seconds: wall time.
    """

    network: Passt
    labels: tuple[str, ...]
    front_end: MelConfig
    config: TrainConfig
    losses: tuple[float, ...]
    seconds: float

    def save(self, path: Path, card: Mapping[str, Any]) -> None:
        """Write a float16 safetensors file with its card; atomic.

        Raises:
            CheckpointError: labels do not fit the network.
        """
        checkpoints.save(
            path,
            self.network,
            front_end=self.front_end,
            labels=self.labels,
            activation=self.config.activation,
            card={"recipe": asdict(self.config), **card},
        )


def train(
    dataset: Dataset,
    config: TrainConfig | None = None,
    *,
    start: Checkpoint | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train a network.

    Args:
        dataset: what to learn; hold a fold out with :meth:`Dataset.without`.
        config: every choice; None takes the defaults.
        start: weights to begin from; its head is kept if its labels are the dataset's. None begins
            from nothing.
        progress: told after each epoch.

    Raises:
        DatasetError: a clip cannot be read.
        TrainingError: the loss is not finite.
    """
    config = config or TrainConfig()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network, front_end = beginning(dataset.labels, config, start)
        whole = Windowing.of(network.config, front_end).length
        batches = Batches(sounds=read(dataset), config=config, whole=whole)
        return Training(network, dataset.labels, front_end, batches, config).run(progress)


def beginning(
    labels: tuple[str, ...], config: TrainConfig, start: Checkpoint | None
) -> tuple[Passt, MelConfig]:
    """What a training begins from: a fresh network, or a checkpoint's with a head for ``labels``.

    The head of the checkpoint is kept if it knows these very labels.
    """
    if start is None:
        return Passt(config.network(len(labels))), MelConfig()
    return _from_checkpoint(labels, start), start.front_end


def _from_checkpoint(labels: tuple[str, ...], start: Checkpoint) -> Passt:
    """A copy of a checkpoint's network, with a new head unless it knows these very labels."""
    network = Passt(PasstConfig(**asdict(start.config) | {"classes": len(labels)}))
    state = start.network.state_dict()
    if start.labels != labels:
        state = {key: value for key, value in state.items() if not key.startswith("head")}
    network.load_state_dict(network.state_dict() | state)
    return network


class Training:
    """One run: a network, where its batches come from, its optimiser and source of randomness."""

    def __init__(
        self,
        network: Passt,
        labels: tuple[str, ...],
        front_end: MelConfig,
        batches: Batches,
        config: TrainConfig,
    ) -> None:
        self.network = network
        self.labels = labels
        self.front_end = front_end
        self.batches = batches
        self.config = config
        self.generator = torch.Generator().manual_seed(config.seed)
        self.mel = _front_end(front_end, config)
        self.descent = Descent(network, config)
        self.average = _averaged(network, config)
        self.step = 0

    def run(self, progress: Progress | None) -> Trained:
        began = time.perf_counter()
        losses: list[float] = []
        for epoch in range(1, self.config.epochs + 1):
            losses.append(self._epoch(epoch))
            if progress:
                report = EpochReport(
                    epoch=epoch,
                    epochs=self.config.epochs,
                    loss=losses[-1],
                    learning_rate=self.descent.learning_rate,
                    seconds=time.perf_counter() - began,
                )
                progress(report)
        kept = self.average.network if self.average else self.network
        return Trained(
            network=kept.eval().requires_grad_(False),
            labels=self.labels,
            front_end=self.front_end,
            config=self.config,
            losses=tuple(losses),
            seconds=time.perf_counter() - began,
        )

    def _epoch(self, epoch: int) -> float:
        self.network.train()
        total = 0.0
        for audio, targets in self.batches.epoch(self.generator):
            total += self._step(epoch, audio, targets)
        swa = self.config.average == "swa" and epoch > self.config.epochs - self.config.swa_epochs
        if self.average is not None and swa:
            self.average.update(self.network)
        return total / self.batches.per_epoch

    def _step(self, epoch: int, audio: Tensor, targets: Tensor) -> float:
        """One step of the optimiser → its loss."""
        mel, targets = self._mixed(self.mel(audio), targets)
        loss = self._loss(mel, targets)
        if not math.isfinite(loss.item()):
            raise TrainingError(
                f"the loss is {loss.item()} in epoch {epoch}, step {self.step}; it must be finite: "
                "lower the learning rate, or train in fp32"
            )
        self.descent.step(loss, self.step / self.batches.per_epoch)
        self.step += 1
        if self.average is not None and self.config.average == "ema":
            self.average.update(self.network)
        return loss.item()

    def _mixed(self, mel: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        if augment.uniform(0.0, 1.0, self.generator) >= self.config.mixup_rate:
            return mel, targets
        drawn = augment.mixup_weights(len(mel), self.config.mixup_alpha, self.generator)
        return augment.mix(mel, *drawn), augment.mix(targets, *drawn)

    def _loss(self, mel: Tensor, targets: Tensor) -> Tensor:
        shape = self.network.config
        columns = shape.columns(mel.shape[2])
        kept = draw_kept((shape.rows, columns), len(mel), self.config, self.generator)
        spare = shape.grid[1] - columns if self.config.random_position else 0
        offset = int(torch.randint(spare + 1, (1,), generator=self.generator))
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.precision == "bf16"):
            logits = self.network(mel, kept=kept, time_offset=offset).logits.float()
        smoothing = self.config.label_smoothing
        targets = targets * (1.0 - smoothing) + smoothing / targets.shape[1]
        if self.config.loss == "ce":
            return functional.cross_entropy(logits, targets)
        return functional.binary_cross_entropy_with_logits(logits, targets)


def draw_kept(
    grid: tuple[int, int], clips: int, config: TrainConfig, generator: torch.Generator
) -> Tensor | None:
    """Patches that a batch keeps: (n,) or (clips, n); None if patchout is off.

    The shares are drawn between 0 and the configured ones, so that the network meets full and
    thinned sequences alike.
    """
    shares = (config.patchout_time, config.patchout_freq, config.patchout_unstructured)
    if not any(shares):
        return None
    drawn = [augment.uniform(0.0, share, generator) for share in shares]
    columns, rows = int(grid[1] * drawn[0]), int(grid[0] * drawn[1])
    left = (grid[1] - columns) * (grid[0] - rows)
    spec = PatchoutSpec(time=columns, freq=rows, unstructured=int(left * drawn[2]))
    if config.patchout_per == "batch":
        return select(grid, spec, generator)
    return select_batch(grid, spec, generator, clips=clips)


def _front_end(front_end: MelConfig, config: TrainConfig) -> MelSpectrogram:
    widest = MelAugment(freq_mask=config.freq_mask, time_mask=config.time_mask)
    return MelSpectrogram(front_end, widest).train(config.specaugment)


def _averaged(network: Passt, config: TrainConfig) -> WeightMean[Passt] | None:
    if config.average == "none":
        return None
    return WeightMean(network, config.ema_decay if config.average == "ema" else None)
