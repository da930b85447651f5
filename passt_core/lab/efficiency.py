"""What a network costs: weights, operations, and the time of a clip."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from passt_core.network.model import Passt


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of one network.

    Attributes:
        parameters: stored weights; a block that is run several times counts once.
        flops: of one whole window, two per multiply-add of the matrix products.
    """

    parameters: int
    flops: int

    @classmethod
    def of(cls, network: Passt) -> Cost:
        """Cost of a network at its whole window."""
        config = network.config
        patches = config.rows * config.columns(config.frames)
        head = 2 * config.dim * config.classes
        return cls(
            parameters=sum(parameter.numel() for parameter in network.parameters()),
            flops=config.stem_flops(patches) + config.encoder_flops(patches) + head,
        )


def seconds_per_clip(networks: Sequence[Passt], *, runs: int = 5) -> tuple[float, ...]:
    """Median seconds of one whole window in each network, on the CPU and alone in its batch.

    They take turns, so that what else the machine does falls on all of them alike; compare them
    with one another, not with other machines.
    """
    passes = [_pass(network) for network in networks]
    for once in passes:
        once()
    times = [[_clocked(once) for once in passes] for _ in range(runs)]
    return tuple(statistics.median(column) for column in zip(*times, strict=True))


def _pass(network: Passt) -> Callable[[], object]:
    generator = torch.Generator().manual_seed(0)
    config = network.config
    mel = torch.randn(1, config.mel_bands, config.frames, generator=generator)

    def once() -> object:
        with torch.inference_mode():
            return network(mel)

    return once


def _clocked(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began
