"""What changes in the course of a training: the learning rate, and how much patchout takes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from passt_core.lab.config import TrainConfig


def relative_rate(config: TrainConfig, epoch: float) -> float:
    """Learning rate relative to the highest: the warm-up's rise, then the schedule's fall.

    Args:
        config: ``warmup``, ``warmup_epochs``, ``schedule``, ``final_rate``, ``epochs``.
        epoch: the moment, in epochs from the start.
    """
    if epoch < config.warmup_epochs:
        moment = (epoch + 1e-3) / config.warmup_epochs
        return math.exp(-5.0 * (1.0 - moment) ** 2) if config.warmup == "exponential" else moment
    left = max(config.epochs - config.warmup_epochs, 1e-9)
    progress = min((epoch - config.warmup_epochs) / left, 1.0)
    fall = {
        "constant": 1.0,
        "linear": 1.0 - progress,
        "cosine": 0.5 * (1.0 + math.cos(math.pi * progress)),
    }[config.schedule]
    return config.final_rate + (1.0 - config.final_rate) * fall


def patchout_level(config: TrainConfig, epoch: float, adaptive: AdaptiveLevel) -> float:
    """How much of the configured patchout is taken at a moment, 0 to 1."""
    progress = min(epoch / config.epochs, 1.0)
    rise = {
        "constant": 1.0,
        "linear": progress,
        "cosine": 0.5 * (1.0 - math.cos(math.pi * progress)),
    }
    if config.patchout_schedule == "adaptive":
        return adaptive.level
    if config.patchout_schedule == "constant":
        return 1.0
    return config.patchout_first + (1.0 - config.patchout_first) * rise[config.patchout_schedule]


@dataclass(frozen=True, kw_only=True)
class AdaptiveLevel:
    """Patchout that follows the loss: more while the network copes, less while it does not.

    After each epoch its loss is held against the lowest one since the level last changed. Lower by
    a share ``patchout_gain`` of it: the loss falls. Not so: it stalls. As many falling epochs in a
    row as ``patchout_patience`` raise the level by ``patchout_step``, as many stalling ones lower
    it. After a change the count and the lowest loss begin anew, since a harder task has a higher
    loss of its own: that, and the patience, keep the level from swinging.

    Attributes:
        level: of the configured patchout that is taken, 0 to 1.
        lowest: loss since the level last changed; None: no epoch yet.
        run: epochs in a row that fell (above 0) or stalled (below 0).
    """

    level: float
    lowest: float | None = None
    run: int = 0

    def after(self, loss: float, config: TrainConfig) -> AdaptiveLevel:
        """The level after an epoch of mean ``loss``."""
        if self.lowest is None:
            return replace(self, lowest=loss)
        fell = loss < self.lowest * (1.0 - config.patchout_gain)
        run = max(self.run, 0) + 1 if fell else min(self.run, 0) - 1
        if abs(run) < config.patchout_patience:
            return replace(self, lowest=min(loss, self.lowest), run=run)
        step = math.copysign(config.patchout_step, run)
        return AdaptiveLevel(level=min(max(self.level + step, 0.0), 1.0))
