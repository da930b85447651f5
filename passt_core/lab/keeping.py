"""Everything of a running training that has weights or a memory, to tensors and back."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from passt_core.lab.config import TrainConfig
from passt_core.lab.optim import WeightMean
from passt_core.lab.state import State, Tensors
from passt_core.network.model import Passt


@dataclass(kw_only=True, eq=False)
class Parts:
    """The parts that a training changes.

    Attributes:
        module: everything that learns.
        network: the part of it that is kept.
        optimizers: what takes the steps.
        average: the running mean of the network, if one is kept.
        best: a copy of what scored best, if the training may stop early.
    """

    module: nn.Module
    network: Passt
    optimizers: tuple[torch.optim.Optimizer, ...]
    average: WeightMean[Passt] | None = None
    best: Passt | None = None

    @property
    def present(self) -> Passt:
        """The network that would be kept if the training ended now."""
        if self.average is None or not self.average.updates:
            return self.network
        return self.average.network

    @property
    def rest(self) -> dict[str, nn.Parameter]:
        """Parameters of the module that are not the network's, by name."""
        own = {id(parameter) for parameter in self.network.parameters()}
        named = self.module.named_parameters()
        return {name: parameter for name, parameter in named if id(parameter) not in own}

    def tensors(self) -> Tensors:
        """All of it, under the names that :mod:`passt_core.lab.state` tells."""
        networks = {
            "net.": self.network,
            "net_swa.": self.average.network if self.average and self.average.updates else None,
            "best.": self.best,
        }
        found: Tensors = {}
        for prefix, network in networks.items():
            held = network.state_dict() if network is not None else {}
            found |= {prefix + name: value for name, value in held.items()}
        found |= {f"rest.{name}": value for name, value in self.rest.items()}
        return found | optimizer_tensors(self.optimizers)

    @torch.no_grad()
    def restore(self, held: State) -> None:
        """Make everything as it was when it was written."""
        self.network.load_state_dict(held.part("net."))
        rest = held.part("rest.")
        for name, parameter in self.rest.items():
            parameter.copy_(rest[name])
        if self.average is not None and held.standing.updates:
            self.average.network.load_state_dict(held.part("net_swa."))
            self.average.updates = held.standing.updates
        if best := held.part("best."):
            self.best = copy.deepcopy(self.network)
            self.best.load_state_dict(best)
        restore_optimizers(self.optimizers, held)


def averaged(network: Passt, config: TrainConfig) -> WeightMean[Passt] | None:
    """The running mean that a config asks for."""
    if config.average == "none":
        return None
    return WeightMean(network, config.ema_decay if config.average == "ema" else None)


def optimizer_tensors(optimizers: tuple[torch.optim.Optimizer, ...]) -> Tensors:
    """What optimisers remember of each parameter, by optimiser, place and name."""
    return {
        f"optimizer.{number}.{place}.{name}": value
        for number, optimizer in enumerate(optimizers)
        for place, memory in optimizer.state_dict()["state"].items()
        for name, value in memory.items()
    }


def restore_optimizers(optimizers: tuple[torch.optim.Optimizer, ...], held: State) -> None:
    """Let optimisers remember what :func:`optimizer_tensors` gave."""
    for number, optimizer in enumerate(optimizers):
        memory: dict[int, dict[str, Tensor]] = {}
        for key, value in held.part(f"optimizer.{number}.").items():
            place, _, name = key.partition(".")
            memory.setdefault(int(place), {})[name] = value
        optimizer.load_state_dict(optimizer.state_dict() | {"state": memory})
