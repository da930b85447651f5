"""The optimiser, its learning rate over time, and the averaging of weights."""

from __future__ import annotations

import copy
import math
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from passt_core.lab.config import TrainConfig

Network = TypeVar("Network", bound=nn.Module)

_BETAS = (0.9, 0.98)
_MOMENTUM = 0.9


def optimizers(network: nn.Module, config: TrainConfig) -> tuple[torch.optim.Optimizer, ...]:
    """What takes the steps.

    AdamW alone, decaying matrices only; or Muon (Jordan et al. 2024) for the matrices of the blocks
    and AdamW for the rest. Muon's steps are scaled to AdamW's, so one learning rate serves both.
    """
    named = list(network.named_parameters())
    matrices = [(name, p) for name, p in named if name.endswith("weight") and p.dim() > 1]
    inner = [p for name, p in matrices if config.optimizer == "muon" and "blocks." in name]
    outer = [p for name, p in matrices if not any(p is one for one in inner)]
    rest = [p for name, p in named if not (name.endswith("weight") and p.dim() > 1)]
    rate, decay = config.learning_rate, config.weight_decay
    groups = [
        {"params": outer, "weight_decay": decay},
        {"params": rest, "weight_decay": 0.0},
    ]
    adamw = torch.optim.AdamW(groups, lr=rate, betas=_BETAS, fused=True)
    if not inner:
        return (adamw,)
    muon = torch.optim.Muon(
        inner, lr=rate, weight_decay=decay, momentum=_MOMENTUM, adjust_lr_fn="match_rms_adamw"
    )
    return adamw, muon


class Descent:
    """Steps down the gradient of a network, at a rate that follows the config's schedule."""

    def __init__(self, network: nn.Module, config: TrainConfig) -> None:
        self.network = network
        self.config = config
        self.optimizers = optimizers(network, config)

    def step(self, loss: Tensor, epoch: float) -> None:
        """Take one step.

        Args:
            loss: a finite scalar.
            epoch: the moment, in epochs from the start.
        """
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
            for group in optimizer.param_groups:
                group["lr"] = self.config.learning_rate * relative_rate(self.config, epoch)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip_norm)
        for optimizer in self.optimizers:
            optimizer.step()

    @property
    def learning_rate(self) -> float:
        """Of the last step."""
        return float(self.optimizers[0].param_groups[0]["lr"])


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
