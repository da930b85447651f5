"""Training a PaSST on a labelled dataset (Koutini et al. 2021, section 3, on any machine)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from passt_core.errors import TrainingError
from passt_core.files import sha256_of
from passt_core.inference.windows import Windowing
from passt_core.lab import checks, state
from passt_core.lab.batches import Batches, backgrounds, fingerprint, read
from passt_core.lab.config import TrainConfig
from passt_core.lab.datasets import Dataset
from passt_core.lab.distributed import World, joined
from passt_core.lab.loop import EpochReport, Loop, Progress, Ticks, Traces
from passt_core.lab.precision import settled
from passt_core.lab.state import Standing
from passt_core.lab.task import Classification, Classify, draw_kept, training_mel
from passt_core.lab.validation import Validation
from passt_core.network import checkpoints
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.deit import from_deit
from passt_core.network.model import Passt, PasstConfig
from passt_core.signal.mel import MelConfig, MelSpectrogram

__all__ = (
    "EpochReport",
    "Progress",
    "Ticks",
    "Traces",
    "Trained",
    "beginning",
    "deit",
    "draw_kept",
    "train",
)

_SHAPE = ("dim", "depth", "heads", "mlp_ratio", "frames", "stem", "share")
"""Choices that the network decides, not the config, where a training starts from a checkpoint."""


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
        clips: how many each class had to train on; empty where there were no labels.
        scores: of these weights on the validation clips, 0 to 1, by name, and the epoch (from 1)
            that they were scored after.
    """

    network: Passt
    labels: tuple[str, ...]
    front_end: MelConfig
    config: TrainConfig
    losses: tuple[float, ...]
    seconds: float
    clips: Mapping[str, int] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        ran: tuple[Passt, Standing],
        labels: tuple[str, ...],
        front_end: MelConfig,
        config: TrainConfig,
        clips: Mapping[str, int] | None = None,
    ) -> Trained:
        """What a loop returned, with what is known of it."""
        network, standing = ran
        scores = dict(standing.scores)
        return cls(
            network=network,
            labels=labels,
            front_end=front_end,
            config=config,
            losses=standing.losses,
            seconds=standing.seconds,
            clips=clips or {},
            scores=scores | ({"epoch": standing.best_epoch} if scores else {}),
        )

    def card(self) -> dict[str, Any]:
        """What the training knows of itself, for a card."""
        shape = self.network.config
        same = {name: getattr(shape, name) for name in _SHAPE} | {"stride": shape.stride_time}
        about: dict[str, Any] = {
            "recipe": asdict(self.config) | same,
            "epochs": len(self.losses),
            "last_loss": round(self.losses[-1], 4),
            "minutes": round(self.seconds / 60, 2),
        }
        if self.clips:
            about["classes"] = dict(self.clips)
        if self.scores:
            about["validation"] = dict(self.scores)
        return about

    def save(self, path: Path, card: Mapping[str, Any]) -> None:
        """Write a float16 safetensors file with its card; atomic.

        Args:
            path: the file.
            card: what to say beside :meth:`card`; it is right where both speak.

        Raises:
            CheckpointError: labels do not fit the network.
            TrainingError: it cannot be written; what was there is as it was.
        """
        try:
            checkpoints.save(
                path,
                self.network,
                front_end=self.front_end,
                labels=self.labels,
                activation=self.config.activation,
                card={**self.card(), **card},
            )
        except (OSError, SafetensorError) as error:
            raise TrainingError(
                f"the checkpoint cannot be written to {path} ({error}); what was there is as it "
                "was: make room or name another place"
            ) from error


def train(
    dataset: Dataset,
    config: TrainConfig | None = None,
    *,
    start: Checkpoint | None = None,
    validation: Dataset | None = None,
    traces: Traces | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train a network; in each of the processes that ``torchrun`` started, if it did.

    Args:
        dataset: what to learn; hold a fold out with :meth:`Dataset.without`.
        config: every choice; None takes the defaults.
        start: weights to begin from; its head is kept if its labels are the dataset's. None begins
            from nothing.
        validation: clips of the same classes to score on after epochs; none may be of a recording
            that is trained on.
        traces: what is left on disk; None leaves nothing, and a kill loses everything.
        progress: told after each epoch.

    Raises:
        DatasetError: a clip cannot be read, a class has too few, or validation is no validation.
        TrainingError: the loss is not finite, the state is of another training, a file cannot be
            written.
    """
    config = config or TrainConfig()
    _check_validation(dataset, validation, config)
    with joined(config.device) as world, seeded(config, world):
        config = settled(config, world.device)
        checks.require_trainable(dataset, config, world.shard.processes)
        network, front_end = beginning(dataset.labels, config, start)
        windowing = Windowing.of(network.config, front_end)
        task = Classify(
            module=Classification(network, config),
            network=network,
            labels=dataset.labels,
            mel=training_mel(front_end, config),
            batches=Batches(
                sounds=read(dataset),
                config=config,
                whole=windowing.length,
                shard=world.shard,
                background=backgrounds(config),
            ),
            config=config,
        )
        scored = None if validation is None else _validation(validation, front_end, windowing)
        paths = [clip.path for clip in dataset.clips]
        told = fingerprint(
            dataset.name, paths, [(clip.labels, clip.fold) for clip in dataset.clips]
        )
        identity = state.identity_of(
            config,
            {**told, "labels": list(dataset.labels), "validation": len(validation or ())},
            processes=world.shard.processes,
            start=None if start is None else start.sha256,
        )
        loop = Loop(
            task, world=world, identity=identity, traces=traces or Traces(), validation=scored
        )
        counts = checks.clip_counts(dataset)
        return Trained.of(loop.run(progress), dataset.labels, front_end, config, counts)


def beginning(
    labels: tuple[str, ...], config: TrainConfig, start: Checkpoint | None
) -> tuple[Passt, MelConfig]:
    """What a training begins from: a fresh network, or a checkpoint's with a head for ``labels``.

    The head of the checkpoint is kept if it knows these very labels.
    """
    if start is None:
        return Passt(config.network(len(labels))), MelConfig()
    network = Passt(PasstConfig(**asdict(start.config) | {"classes": len(labels)}))
    held = start.network.state_dict()
    if start.labels != labels:
        held = {key: value for key, value in held.items() if not key.startswith("head")}
    network.load_state_dict(network.state_dict() | held)
    return network, start.front_end


def deit(path: Path, config: TrainConfig) -> Checkpoint:
    """A DeiT's weights to start from, in a network of the config's shape.

    Raises:
        CheckpointError: the file is no distilled DeiT of that width and depth.
    """
    labels = ("unlabelled",)
    network = from_deit(path, config.network(len(labels)))
    return Checkpoint(
        name=path.stem,
        source=str(path),
        network=network.eval().requires_grad_(False),
        front_end=MelConfig(),
        labels=labels,
        activation=config.activation,
        sha256=sha256_of(path),
    )


@contextmanager
def seeded(config: TrainConfig, world: World) -> Iterator[None]:
    """Seed what is drawn from torch's own generators, and give them back as they were."""
    places = [world.device.index or 0] if world.device.type == "cuda" else []
    with torch.random.fork_rng(devices=places):
        torch.manual_seed(config.seed)
        yield


def _check_validation(dataset: Dataset, validation: Dataset | None, config: TrainConfig) -> None:
    if validation is None:
        if config.early_stop:
            raise TrainingError(
                f"early_stop is {config.early_stop} and no fold is there to score on; name one "
                "with --validate, or set early_stop=0"
            )
        return
    if validation.labels != dataset.labels:
        raise TrainingError(
            f"{validation.name} has {len(validation.labels)} classes and {dataset.name} "
            f"{len(dataset.labels)}; validation clips have the same classes"
        )
    checks.require_apart(dataset, validation)


def _validation(dataset: Dataset, front_end: MelConfig, windowing: Windowing) -> Validation:
    return Validation(
        sounds=read(dataset), mel=MelSpectrogram(front_end).eval(), windowing=windowing
    )
