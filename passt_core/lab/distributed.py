"""One training in several processes, as ``torchrun`` starts them; alone, nothing changes.

Each process takes its share of every batch, the gradients are averaged, and so all hold the same
weights. Only the first one writes.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from passt_core.errors import TrainingError
from passt_core.lab.sampling import ALONE, Shard


@dataclass(frozen=True, kw_only=True)
class World:
    """The processes of a training, and the device of this one."""

    shard: Shard
    device: torch.device

    def wrapped(self, module: nn.Module) -> nn.Module:
        """The module on this process's device; its gradients are averaged over the processes."""
        module.to(self.device)
        if self.shard.processes == 1:
            return module
        places = [self.device] if self.device.type == "cuda" else None
        return DistributedDataParallel(module, device_ids=places)

    def mean(self, value: Tensor) -> float:
        """Mean of a scalar over the processes."""
        if self.shard.processes > 1:
            value = value.detach().clone()
            distributed.all_reduce(value)
            value /= self.shard.processes
        return value.item()

    def from_first(self, values: Sequence[float]) -> list[float]:
        """What the first process holds, in all of them."""
        if self.shard.processes == 1:
            return list(values)
        held = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.broadcast(held, src=0)
        return held.tolist()


def is_first() -> bool:
    """Whether this process is the one that writes, as ``torchrun`` numbers them."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def joined(device: str) -> Iterator[World]:
    """Take part in what ``torchrun`` started; without it, be the only process.

    Args:
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        TrainingError: CUDA is asked for and is not there.
    """
    environment = os.environ
    shard = Shard(
        rank=int(environment.get("RANK", "0")), processes=int(environment.get("WORLD_SIZE", "1"))
    )
    place = device_of(device, int(environment.get("LOCAL_RANK", "0")))
    if shard.processes == 1:
        yield World(shard=ALONE, device=place)
        return
    if place.type == "cuda":
        torch.cuda.set_device(place)
    distributed.init_process_group("nccl" if place.type == "cuda" else "gloo")
    try:
        with warnings.catch_warnings():  # of tokens of shape (1, 1, d), which have no one layout
            warnings.filterwarnings("ignore", "Grad strides do not match", UserWarning)
            yield World(shard=shard, device=place)
    finally:
        distributed.destroy_process_group()


def device_of(name: str, local_rank: int = 0) -> torch.device:
    """The device of the process with a number on its machine.

    Raises:
        TrainingError: CUDA is asked for and is not there, or no such device.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise TrainingError(f"device is {name!r}; use one of auto, cpu, cuda")
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "cuda" and local_rank >= found:
        raise TrainingError(
            f"device is 'cuda' and {found} CUDA devices are there for process {local_rank}; "
            "use device=cpu, or start as many processes as there are"
        )
    if name == "cpu" or local_rank >= found:
        return torch.device("cpu")
    return torch.device("cuda", local_rank)
