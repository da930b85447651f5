"""Every choice of a training and its default, as one value."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Literal, get_args, get_type_hints

from passt_core.errors import TrainingError
from passt_core.network.model import PasstConfig

Loss = Literal["bce", "ce"]
Schedule = Literal["cosine", "linear", "constant"]
Average = Literal["none", "ema", "swa"]
Optimizer = Literal["adamw", "muon"]
Precision = Literal["fp32", "bf16"]
PatchoutPer = Literal["batch", "clip"]

_SHARES = (
    "patchout_time",
    "patchout_freq",
    "patchout_unstructured",
    "mixup_rate",
    "noise_rate",
    "long_rate",
    "label_smoothing",
    "speed",
)
_LARGEST_SHARE = 0.95
_EXAMPLES = MappingProxyType({bool: "true", int: "16", float: "0.5", str: "bce"})
_CHOICES = ("optimizer", "loss", "schedule", "average", "precision", "patchout_per")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How a network is shaped and trained.

    Attributes:
        dim, depth, heads, stride, frames: the network; not used when one is given to start from.
        epochs: passes over the clips.
        batch_size: clips per step.
        optimizer: ``adamw``, or ``muon`` for the matrices of the blocks, which in small networks
            and short trainings takes far fewer steps to the same loss.
        learning_rate: highest rate, reached after ``warmup_epochs``.
        weight_decay: of matrices; biases, norms, tokens and positions have none.
        warmup_epochs: over which the rate rises linearly.
        schedule: how the rate falls afterwards, down to ``final_rate`` times the highest.
        clip_norm: largest norm of the gradient.
        loss: ``bce`` (sigmoid, many labels at once) or ``ce`` (softmax, one label).
        label_smoothing: share of each target that is spread over all classes.
        average: what is kept: the last weights, their exponential mean (``ema``), or the equal
            mean of the weights after each of the last ``swa_epochs`` epochs (``swa``).
        ema_decay: of the exponential mean, per step.
        shortest_s, longest_s: each batch's length is drawn between them, in seconds.
        long_rate: share of batches that fill the network's whole window instead.
        random_position: begin at a random column of the time positions, so that all of them learn.
        gain_low_db, gain_high_db: change of level.
        roll_samples: clips are turned round by up to so many samples.
        speed: tape speed is drawn from 1 - speed to 1 + speed, per clip.
        noise_rate, noise_snr_db: share of clips under coloured noise, and its lowest distance.
        mixup_rate, mixup_alpha: share of batches that are mixed, and the Beta distribution's shape.
        specaugment: mask stripes of the spectrogram and move the mel bands' edges; off, because
            patchout already takes stripes away.
        freq_mask, time_mask: widest stripes, in bands and frames.
        patchout_time, patchout_freq, patchout_unstructured: greatest shares of columns, rows and
            single patches to drop; each batch draws its own between 0 and these.
        patchout_per: one draw for the whole ``batch``, as in the reference, or one per ``clip``.
        precision: of the matrix products.
        seed: of everything random.
    """

    dim: int = 192
    depth: int = 4
    heads: int = 3
    stride: int = 16
    frames: int = 998

    epochs: int = 40
    batch_size: int = 16
    optimizer: Optimizer = "muon"
    learning_rate: float = 2.5e-3
    weight_decay: float = 0.05
    warmup_epochs: float = 2.0
    schedule: Schedule = "cosine"
    final_rate: float = 0.01
    clip_norm: float = 1.0
    loss: Loss = "bce"
    label_smoothing: float = 0.0
    average: Average = "ema"
    ema_decay: float = 0.985
    swa_epochs: int = 20

    shortest_s: float = 2.5
    longest_s: float = 4.5
    long_rate: float = 0.03
    random_position: bool = True
    gain_low_db: float = -7.0
    gain_high_db: float = 6.0
    roll_samples: int = 10_000
    speed: float = 0.1
    noise_rate: float = 0.15
    noise_snr_db: float = 5.0
    mixup_rate: float = 0.3
    mixup_alpha: float = 0.3
    specaugment: bool = False
    freq_mask: int = 24
    time_mask: int = 64

    patchout_time: float = 0.2
    patchout_freq: float = 0.15
    patchout_unstructured: float = 0.7
    patchout_per: PatchoutPer = "clip"

    precision: Precision = "bf16"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate", "shortest_s", "mixup_alpha"):
            if not getattr(self, name) > 0:
                raise TrainingError(f"{name} is {getattr(self, name)}; it must be above 0")
        for name in _SHARES:
            if not 0.0 <= getattr(self, name) <= (1.0 if "rate" in name else _LARGEST_SHARE):
                raise TrainingError(
                    f"{name} is {getattr(self, name)}; it is a share: use 0 to {_LARGEST_SHARE}"
                )
        if self.longest_s < self.shortest_s:
            raise TrainingError(
                f"longest_s is {self.longest_s} and shortest_s {self.shortest_s}; "
                "the longest must not be shorter"
            )
        hints = get_type_hints(TrainConfig)
        for name in _CHOICES:
            if getattr(self, name) not in get_args(hints[name]):
                known = ", ".join(get_args(hints[name]))
                raise TrainingError(f"{name} is {getattr(self, name)!r}; use one of {known}")

    @classmethod
    def of(cls, choices: Iterable[str]) -> TrainConfig:
        """The defaults with some changes, each written ``name=value``.

        Raises:
            TrainingError: no such name, or a value that does not fit it.
        """
        kinds = {field.name: type(field.default) for field in fields(cls)}
        changes: dict[str, Any] = {}
        for choice in choices:
            name, _, value = choice.partition("=")
            if name not in kinds:
                known = ", ".join(kinds)
                raise TrainingError(f"{name!r} is no choice of a training; use one of {known}")
            changes[name] = _parsed(name, value, kinds[name])
        return cls(**changes)

    def network(self, classes: int) -> PasstConfig:
        """Shape of a network for so many classes."""
        return PasstConfig(
            dim=self.dim,
            depth=self.depth,
            heads=self.heads,
            stride_freq=self.stride,
            stride_time=self.stride,
            frames=self.frames,
            classes=classes,
        )

    @property
    def activation(self) -> str:
        """How the logits become probabilities afterwards."""
        return "softmax" if self.loss == "ce" else "sigmoid"


def _parsed(name: str, value: str, kind: type) -> Any:
    with suppress(ValueError, KeyError):
        return {"true": True, "false": False}[value] if kind is bool else kind(value)
    wanted = "true or false" if kind is bool else f"a value of type {kind.__name__}"
    raise TrainingError(f"{name} is {value!r}; give {wanted}, such as {name}={_EXAMPLES[kind]}")
