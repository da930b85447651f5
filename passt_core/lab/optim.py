"""The optimiser, the rate of each layer, and the averaging of weights."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from passt_core.lab.config import TrainConfig
from passt_core.lab.schedules import relative_rate

Network = TypeVar("Network", bound=nn.Module)
Group = dict[str, Any]

_BETAS = (0.9, 0.98)
_MOMENTUM = 0.9
_RATE = "relative_rate"
"""Where a group keeps its rate relative to the others'."""
_INPUT = ("patch_embed.", "cls_token", "dist_token", "new_pos_embed", "pos_embed")
_BLOCK = re.compile(r"(?:^|\.)blocks\.(\d+)\.")


def layer_of(name: str, depth: int) -> int:
    """Layer of a parameter of a network of so many blocks.

    0 are the patches, tokens and positions, 1 to ``depth`` the blocks, then come norm and heads.
    """
    if found := _BLOCK.search(name):
        return int(found[1]) + 1
    return 0 if any(part in name for part in _INPUT) else depth + 1


def optimizers(network: nn.Module, config: TrainConfig) -> tuple[torch.optim.Optimizer, ...]:
    """What takes the steps.

    AdamW alone, decaying matrices only; or Muon (Jordan et al. 2024) for the matrices of the blocks
    and AdamW for the rest. Muon's steps are scaled to AdamW's, so one learning rate serves both.
    With ``layer_decay`` d, a parameter of layer l of L learns at d^(L - l) of the rate, as in BEiT
    (Bao et al. 2022, arXiv:2106.08254, appendix).
    """
    named = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
    depth = max((layer_of(name, 0) for name, _ in named if "blocks." in name), default=0)
    inner: list[tuple[float, float, nn.Parameter]] = []
    outer: list[tuple[float, float, nn.Parameter]] = []
    for name, parameter in named:
        is_matrix = name.endswith("weight") and parameter.dim() > 1
        relative = config.layer_decay ** (depth + 1 - layer_of(name, depth))
        decay = config.weight_decay if is_matrix else 0.0
        by_muon = config.optimizer == "muon" and is_matrix and "blocks." in name
        (inner if by_muon else outer).append((relative, decay, parameter))
    rate = config.learning_rate
    adamw = torch.optim.AdamW(_groups(outer), lr=rate, betas=_BETAS, fused=True)
    if not inner:
        return (adamw,)
    muon = torch.optim.Muon(
        _groups(inner), lr=rate, momentum=_MOMENTUM, adjust_lr_fn="match_rms_adamw"
    )
    return adamw, muon


def _groups(parameters: Iterable[tuple[float, float, nn.Parameter]]) -> list[Group]:
    """Parameters of one rate and one decay together."""
    found: dict[tuple[float, float], Group] = {}
    for relative, decay, parameter in parameters:
        group = found.setdefault(
            (relative, decay), {"params": [], "weight_decay": decay, _RATE: relative}
        )
        group["params"].append(parameter)
    return list(found.values())


class Descent:
    """Steps down the gradient of a network, at a rate that follows the config's schedule."""

    def __init__(self, network: nn.Module, config: TrainConfig) -> None:
        self.config = config
        self.parameters = [p for p in network.parameters() if p.requires_grad]
        self.optimizers = optimizers(network, config)
        self.learning_rate = 0.0

    def slope(self, loss: Tensor) -> float:
        """Compute the gradient of a scalar, cut to ``clip_norm`` → its norm before that."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        return float(nn.utils.clip_grad_norm_(self.parameters, self.config.clip_norm))

    def step(self, epoch: float) -> None:
        """Take one step down the gradient; ``epoch``: the moment, in epochs from the start."""
        self.learning_rate = self.config.learning_rate * relative_rate(self.config, epoch)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.learning_rate * group[_RATE]
            optimizer.step()


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
