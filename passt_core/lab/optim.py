"""The optimiser, its learning rate over time, and the averaging of weights."""

from __future__ import annotations

import copy
import math
from typing import Generic, TypeVar

import torch
from torch import nn

from passt_core.lab.config import TrainConfig

Network = TypeVar("Network", bound=nn.Module)

_BETAS = (0.9, 0.98)


def optimizer(network: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW that decays matrices only."""
    named = list(network.named_parameters())
    matrices = [p for name, p in named if name.endswith("weight") and p.dim() > 1]
    others = [p for name, p in named if not (name.endswith("weight") and p.dim() > 1)]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=_BETAS, fused=True)


def set_rate(optimizer: torch.optim.Optimizer, config: TrainConfig, epoch: float) -> None:
    """Set the learning rate for a moment of the training, in epochs from its start."""
    for group in optimizer.param_groups:
        group["lr"] = config.learning_rate * relative_rate(config, epoch)


def relative_rate(config: TrainConfig, epoch: float) -> float:
    """Learning rate relative to the highest: a linear rise, then the schedule's fall."""
    if epoch < config.warmup_epochs:
        return (epoch + 1e-3) / config.warmup_epochs
    left = max(config.epochs - config.warmup_epochs, 1e-9)
    progress = min((epoch - config.warmup_epochs) / left, 1.0)
    fall = {
        "constant": 1.0,
        "linear": 1.0 - progress,
        "cosine": 0.5 * (1.0 + math.cos(math.pi * progress)),
    }[config.schedule]
    return config.final_rate + (1.0 - config.final_rate) * fall


class WeightMean(Generic[Network]):
    """A running mean of a network's weights, which often scores better than the last ones.

    With a decay it is exponential (EMA); the first updates count more, so that the random start is
    soon forgotten. Without one it is the equal mean of all updates (SWA, arXiv:1803.05407).
    """

    def __init__(self, network: Network, decay: float | None) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, network: Network) -> None:
        """Count the present weights in."""
        share = 1.0 / (self.updates + 1.0)
        if self.decay is not None:
            share = max(1.0 - self.decay, 9.0 * share / (1.0 + 8.0 * share))
        for mean, now in zip(self.network.parameters(), network.parameters(), strict=True):
            mean.lerp_(now, share)
        self.updates += 1
