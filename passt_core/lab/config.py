"""Every choice of a training and its default, as one value.

How it is written in a file or on a command line is in :mod:`passt_core.lab.recipe`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal, get_args, get_type_hints

from passt_core.errors import TrainingError
from passt_core.network.model import PasstConfig, Stem

Loss = Literal["bce", "ce"]
Schedule = Literal["cosine", "linear", "constant"]
Warmup = Literal["linear", "exponential"]
Average = Literal["none", "ema", "swa"]
Optimizer = Literal["adamw", "muon"]
Precision = Literal["auto", "fp32", "bf16"]
PatchoutPer = Literal["batch", "clip"]
PatchoutDraw = Literal["uniform", "fixed"]
PatchoutSchedule = Literal["constant", "linear", "cosine", "adaptive"]
BackgroundLabels = Literal["keep", "union"]
Sampler = Literal["shuffle", "balanced"]
Metric = Literal["accuracy", "map"]

Rule = tuple[tuple[str, ...], Callable[[float], bool], str]
_LARGEST_SHARE = 0.95

_RULES: tuple[Rule, ...] = (
    (
        (
            *("dim", "depth", "heads", "stride", "frames", "share", "epochs", "batch_size"),
            *("least_clips", "learning_rate", "layer_decay", "clip_norm", "swa_epochs"),
            *("validate_every", "shortest_s", "mixup_alpha", "patchout_patience"),
        ),
        lambda value: value > 0,
        "it must be above 0",
    ),
    (
        (
            *("balance_offset", "epoch_clips", "weight_decay", "warmup_epochs", "early_stop"),
            *("roll_samples", "freq_mask", "time_mask", "patchout_gain", "embedding_weight"),
            *("mixture_db", "save_steps", "seed"),
        ),
        lambda value: value >= 0,
        "it must be 0 or more",
    ),
    (
        (
            *("patchout_time", "patchout_freq", "patchout_unstructured", "patchout_step"),
            *("label_smoothing", "speed"),
        ),
        lambda value: 0 <= value <= _LARGEST_SHARE,
        f"it is a share: use 0 to {_LARGEST_SHARE}",
    ),
    (
        (
            *("layer_decay", "final_rate", "ema_decay", "long_rate", "noise_rate"),
            *("background_rate", "wave_mixup_rate", "mixup_rate", "mixture_rate"),
            "patchout_first",
        ),
        lambda value: 0 <= value <= 1,
        "it is a rate: use 0 to 1",
    ),
)
"""What numbers must be: names of choices, what has to hold, and how it is told."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How a network is shaped and trained.

    Attributes:
        dim, depth, heads, mlp_ratio, stride, frames, stem, share: the network, as
            :class:`passt_core.network.model.PasstConfig` says; not used when one is given to start
            from.

        epochs: passes over the clips.
        batch_size: clips per step, over all processes together.
        sampler: ``shuffle`` takes every clip once; ``balanced`` draws clips with replacement,
            each with the weight Σ 1000 / (``balance_offset`` + clips of the label) over its
            labels, as the reference does for AudioSet (there the offset is 100).
        epoch_clips: clips in an epoch; 0: as many as there are.
        least_clips: a class with fewer is refused.

        optimizer: ``adamw``, or ``muon`` for the matrices of the blocks, which in small networks
            and short trainings takes far fewer steps to the same loss.
        learning_rate: highest rate, reached after ``warmup_epochs``.
        layer_decay: each block learns at the rate of the block above times this; 1: all alike.
        weight_decay: of matrices; biases, norms, tokens and positions have none.
        warmup_epochs: over which the rate rises.
        warmup: how it rises: ``linear``, or ``exponential`` as the reference, exp(-5 (1 - t)²).
        schedule: how the rate falls afterwards, down to ``final_rate`` times the highest.
        clip_norm: largest norm of the gradient.
        loss: ``bce`` (sigmoid, many labels at once) or ``ce`` (softmax, one label).
        label_smoothing: share of each target that is spread over all classes.
        average: what is kept: the last weights, their exponential mean (``ema``), or the equal
            mean of the weights after each of the last ``swa_epochs`` epochs (``swa``).
        ema_decay: of the exponential mean, per step.

        validate_every: epochs from one score on the validation fold to the next.
        early_stop: stop after so many scores in a row that are no better than the best, and keep
            the weights of the best; 0: train to the end and keep the last.
        metric: the score that counts: ``accuracy`` or ``map``.

        shortest_s, longest_s: each batch's length is drawn between them, in seconds.
        long_rate: share of batches that fill the network's whole window instead.
        random_position: begin at a random column of the time positions, so that all of them learn.
        gain_low_db, gain_high_db: change of level.
        roll_samples: clips are turned round by up to so many samples.
        speed: tape speed is drawn from 1 - speed to 1 + speed, per clip.
        noise_rate, noise_snr_db: share of clips under coloured noise, and its lowest distance.
        background_rate: share of clips with another sound laid under them.
        background_folder: where those sounds are; empty: the training clips themselves.
        background_low_db, background_high_db: how far below the clip it lies, drawn per clip.
        background_labels: ``keep`` the clip's own, or the ``union`` with the background's.
        wave_mixup_rate: share of batches whose waveforms are mixed.
        mixup_rate, mixup_alpha: share of batches whose spectrograms are mixed, and the Beta
            distribution's shape, of both kinds of mixup.
        specaugment: mask stripes of the spectrogram; off, as patchout takes stripes away.
        freq_mask, time_mask: widest stripes, in bands and frames.
        band_jitter: move the edges of the mel bands: fmin by 0 to 9 Hz, fmax by ± 1 kHz.

        patchout_time, patchout_freq, patchout_unstructured: full shares of columns, rows and
            single patches to drop.
        patchout_draw: each batch draws its own shares between 0 and the full ones (``uniform``),
            or takes the full ones (``fixed``, as in the reference).
        patchout_per: one draw for the whole ``batch``, as in the reference, or one per ``clip``.
        patchout_schedule: how much of these shares is taken, in the course of the training:
            ``constant``: all of them; ``linear`` and ``cosine``: from ``patchout_first`` of them
            to all; ``adaptive``: raised by ``patchout_step`` while the loss falls and lowered
            while it stalls, as :class:`passt_core.lab.schedules.AdaptiveLevel` says.
        patchout_first: the share that a schedule begins with, 0 to 1.
        patchout_step, patchout_patience, patchout_gain: of the adaptive schedule.

        embedding_weight: of the distance to a teacher's embeddings, in distillation.
        mixture_rate, mixture_db: share of clips with another taught sound laid over them, and how
            far below the clip it lies at most, in distillation.

        precision: of the matrix products: ``fp32``, ``bf16``, or ``auto``: bf16 on CUDA and on a
            CPU that has its products, else fp32 (:func:`passt_core.lab.precision.settled`).
        device: ``auto`` (CUDA where there is one), ``cpu`` or ``cuda``.
        save_steps: keep the state every so many steps too; 0: after each epoch only.
        seed: of everything random.
    """

    dim: int = 192
    depth: int = 4
    heads: int = 3
    mlp_ratio: int = 4
    stride: int = 16
    frames: int = 998
    stem: Stem = "linear"
    share: int = 1

    epochs: int = 40
    batch_size: int = 16
    sampler: Sampler = "shuffle"
    balance_offset: float = 100.0
    epoch_clips: int = 0
    least_clips: int = 2

    optimizer: Optimizer = "muon"
    learning_rate: float = 2.5e-3
    layer_decay: float = 1.0
    weight_decay: float = 0.05
    warmup_epochs: float = 2.0
    warmup: Warmup = "linear"
    schedule: Schedule = "cosine"
    final_rate: float = 0.01
    clip_norm: float = 1.0
    loss: Loss = "bce"
    label_smoothing: float = 0.0
    average: Average = "ema"
    ema_decay: float = 0.985
    swa_epochs: int = 20

    validate_every: int = 1
    early_stop: int = 0
    metric: Metric = "accuracy"

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
    background_rate: float = 0.0
    background_folder: str = ""
    background_low_db: float = 5.0
    background_high_db: float = 25.0
    background_labels: BackgroundLabels = "keep"
    wave_mixup_rate: float = 0.0
    mixup_rate: float = 0.3
    mixup_alpha: float = 0.3
    specaugment: bool = False
    freq_mask: int = 24
    time_mask: int = 64
    band_jitter: bool = False

    patchout_time: float = 0.2
    patchout_freq: float = 0.15
    patchout_unstructured: float = 0.7
    patchout_draw: PatchoutDraw = "uniform"
    patchout_per: PatchoutPer = "clip"
    patchout_schedule: PatchoutSchedule = "constant"
    patchout_first: float = 0.0
    patchout_step: float = 0.1
    patchout_patience: int = 2
    patchout_gain: float = 0.01

    embedding_weight: float = 1.0
    mixture_rate: float = 0.0
    mixture_db: float = 12.0

    precision: Precision = "auto"
    device: str = "auto"
    save_steps: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what no training could use; messages name the choice, its value and the rule."""
        self._check_numbers()
        for low, high in (
            ("shortest_s", "longest_s"),
            ("gain_low_db", "gain_high_db"),
            ("background_low_db", "background_high_db"),
        ):
            if getattr(self, high) < getattr(self, low):
                raise TrainingError(
                    f"{high} is {getattr(self, high)} and {low} {getattr(self, low)}; "
                    f"{high} must not be below {low}"
                )
        hints = get_type_hints(TrainConfig)
        for name, kind in hints.items():
            if get_args(kind) and getattr(self, name) not in get_args(kind):
                known = ", ".join(get_args(kind))
                raise TrainingError(f"{name} is {getattr(self, name)!r}; use one of {known}")
        if self.loss == "ce" and self.background_labels == "union" and self.background_rate:
            raise TrainingError(
                "background_labels is 'union' and loss 'ce'; cross-entropy takes one label per "
                "clip: use loss=bce, or background_labels=keep"
            )

    def _check_numbers(self) -> None:
        for name, value in asdict(self).items():
            if isinstance(value, float) and not math.isfinite(value):
                raise TrainingError(f"{name} is {value}; it must be a finite number")
        for names, holds, rule in _RULES:
            for name in names:
                if not holds(getattr(self, name)):
                    raise TrainingError(f"{name} is {getattr(self, name)}; {rule}")

    def network(self, classes: int) -> PasstConfig:
        """Shape of a network for so many classes."""
        return PasstConfig(
            dim=self.dim,
            depth=self.depth,
            heads=self.heads,
            mlp_ratio=self.mlp_ratio,
            stride_freq=self.stride,
            stride_time=self.stride,
            frames=self.frames,
            stem=self.stem,
            share=self.share,
            classes=classes,
        )

    @property
    def activation(self) -> str:
        """How the logits become probabilities afterwards."""
        return "softmax" if self.loss == "ce" else "sigmoid"
