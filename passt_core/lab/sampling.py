"""Which clips make which batch, in which process, and from which random numbers.

A draw depends on the seed and on its place in the training alone, never on the draws before it:
so a training that goes on after a kill does what it would have done.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from passt_core.lab.config import TrainConfig

_WEIGHT = 1000.0
_HAS = 0.5


@dataclass(frozen=True, kw_only=True)
class Shard:
    """One process of several: its number from 0, and how many there are."""

    rank: int = 0
    processes: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0


ALONE = Shard()
"""The only process."""


def seed_of(*place: int) -> int:
    """A 64-bit seed for a place in a training (numpy's SeedSequence mixes the numbers)."""
    return int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0] >> np.uint64(1))


def generator_of(*place: int) -> torch.Generator:
    """Random numbers for a place in a training: the same place, the same numbers."""
    return torch.Generator().manual_seed(seed_of(*place))


def balanced_weights(targets: Tensor, offset: float) -> Tensor:
    """How often each clip should come, (N,): Σ over its labels of 1000 / (offset + clips of it).

    The reference's sampler for AudioSet, with offset 100.

    Args:
        targets: (N, classes), above 1/2 where a clip has a label.
        offset: what keeps rare labels from coming all the time, in clips.
    """
    has = (targets > _HAS).double()
    return (has * (_WEIGHT / (offset + has.sum(dim=0)))).sum(dim=1)


def order(targets: Tensor, config: TrainConfig, epoch: int) -> list[int]:
    """Which clips an epoch takes, in order: as many as ``epoch_clips``, or as there are."""
    generator = generator_of(config.seed, epoch)
    wanted = config.epoch_clips or len(targets)
    if config.sampler == "balanced":
        weights = balanced_weights(targets, config.balance_offset)
        return torch.multinomial(weights, wanted, replacement=True, generator=generator).tolist()
    rounds = -(-wanted // len(targets))
    drawn = [torch.randperm(len(targets), generator=generator) for _ in range(rounds)]
    return torch.cat(drawn)[:wanted].tolist()
