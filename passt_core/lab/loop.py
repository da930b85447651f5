"""The training loop: one for labels, for a teacher's scores and for masked patches.

What a step does depends on the seed, on its place in the training and on the weights alone. So a
training that was killed goes on from its last state as if nothing had been, and several processes
agree on everything but the clips that each has taken.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from passt_core.errors import TrainingError
from passt_core.lab import sampling, state
from passt_core.lab.batches import Batch, ahead
from passt_core.lab.distributed import World
from passt_core.lab.keeping import Parts, averaged
from passt_core.lab.logs import Board, CsvLog, Row
from passt_core.lab.optim import Descent
from passt_core.lab.schedules import AdaptiveLevel, patchout_level
from passt_core.lab.state import Identity, Standing, State
from passt_core.lab.task import Task
from passt_core.lab.validation import Validation
from passt_core.network.model import Passt

_CHANGES, _MASKS = 1, 2
"""Numbers of the random numbers of mixup and patchout, and of SpecAugment, among a step's."""


@dataclass(frozen=True, kw_only=True)
class EpochReport:
    """How an epoch went.

    Attributes:
        epoch, epochs: its number from 1, of how many.
        loss, learning_rate: mean of the one, last of the other.
        seconds: so far.
        patchout: share of the configured patchout that its last step took.
        scores: on the validation clips, by name; empty if they were not scored.
    """

    epoch: int
    epochs: int
    loss: float
    learning_rate: float
    seconds: float
    patchout: float
    scores: dict[str, float]


Progress = Callable[[EpochReport], None]
Ticks = Callable[[int, int, float], None]
"""Told after each step: steps that are over, of how many, and its loss."""


@dataclass(frozen=True, kw_only=True)
class Traces:
    """What a training leaves on disk while it runs, and tells.

    Attributes:
        state: from which it goes on after a kill. It stays when the training ends: remove it once
            the result is saved.
        restart: begin anew although a state is there.
        log: a CSV with a row per epoch.
        tensorboard: folder for TensorBoard's files.
        ticks: told after each step.
    """

    state: Path | None = None
    restart: bool = False
    log: Path | None = None
    tensorboard: Path | None = None
    ticks: Ticks | None = None


class Loop:
    """One run of a task."""

    def __init__(
        self,
        task: Task,
        *,
        world: World,
        identity: Identity,
        traces: Traces,
        validation: Validation | None = None,
    ) -> None:
        self.task, self.config, self.world = task, task.config, world
        self.traces, self.validation, self.identity = traces, validation, identity
        self.module = world.wrapped(task.module)
        task.mel.to(world.device)
        self.descent = Descent(task.module, task.config)
        self.parts = Parts(
            module=task.module,
            network=task.network,
            optimizers=self.descent.optimizers,
            average=averaged(task.network, task.config),
        )
        self.now = Standing(patchout=AdaptiveLevel(level=self.config.patchout_first))
        self.level = 0.0
        self._resume()
        self.began = time.perf_counter() - self.now.seconds

    def run(self, progress: Progress | None) -> tuple[Passt, Standing]:
        """Train to the end, or until the validation scores stall.

        Returns:
            The network that is kept, on the CPU in eval mode, and how far the training was.

        Raises:
            TrainingError: the loss is not finite, or something cannot be written.
        """
        with self._board() as board:
            log = self._log()
            while self.now.epoch < self.config.epochs and not self._stalled():
                self._epoch()
                scores = self._ended()
                self._tell(log, board, scores)
                self._save()
                if progress:
                    progress(self._report(scores))
        kept = self.parts.best or self.parts.present
        return kept.cpu().eval().requires_grad_(False), self.now

    def _epoch(self) -> None:
        """The steps of the present epoch that are left."""
        self.module.train()
        batches = self.task.epoch(self.now.epoch, self.now.step)
        for batch in ahead(batches) if self.world.device.type == "cuda" else batches:
            loss = self._step(batch)
            self.now = replace(
                self.now,
                step=self.now.step + 1,
                total=self.now.total + loss,
                seconds=time.perf_counter() - self.began,
            )
            if self.traces.ticks:
                self.traces.ticks(self._steps(), self.config.epochs * self._per_epoch, loss)
            every = self.config.save_steps
            if every and self.now.step % every == 0 and self.now.step < self._per_epoch:
                self._save()

    @property
    def _per_epoch(self) -> int:
        return self.task.batches.per_epoch

    def _steps(self) -> int:
        return self.now.epoch * self._per_epoch + self.now.step

    def _step(self, batch: Batch) -> float:
        """One step of the optimiser → its loss, over all processes."""
        moment = self._steps() / self._per_epoch
        place = (self.config.seed, self.now.epoch, self.now.step, self.world.shard.rank)
        torch.manual_seed(sampling.seed_of(*place, _MASKS))
        draws = sampling.generator_of(*place, _CHANGES)
        self.level = patchout_level(self.config, moment, self.now.patchout)
        device = self.world.device
        arguments = self.task.arguments(batch, draws, device, self.level)
        bf16 = self.config.precision == "bf16"
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            loss: Tensor = self.module(*arguments)
        mean = self._finite("loss", self.world.mean(loss))
        self._finite("norm of the gradient", self.descent.slope(loss))
        self.descent.step(moment)
        if self.parts.average is not None and self.config.average == "ema":
            self.parts.average.update(self.task.network)
        return mean

    def _finite(self, what: str, value: float) -> float:
        if math.isfinite(value):
            return value
        kept = ""
        if self.traces.state is not None and self.traces.state.exists():
            kept = (
                f"; the last good state is kept, take it with --restart --start {self.traces.state}"
            )
        raise TrainingError(
            f"the {what} is {value} in epoch {self.now.epoch + 1}, step {self.now.step + 1}; it "
            f"must be finite: lower the learning rate, or train in fp32{kept}"
        )

    def _ended(self) -> dict[str, float]:
        """Close the epoch: averages, the adaptive level, validation → its scores."""
        now, config = self.now, self.config
        loss = now.total / now.step
        self.now = replace(
            now,
            epoch=now.epoch + 1,
            step=0,
            total=0.0,
            losses=(*now.losses, loss),
            patchout=now.patchout.after(loss, config),
        )
        swa = config.average == "swa" and self.now.epoch > config.epochs - config.swa_epochs
        if self.parts.average is not None and swa:
            self.parts.average.update(self.task.network)
        if self.validation is None or self.now.epoch % config.validate_every:
            return {}
        return self._validated()

    def _validated(self) -> dict[str, float]:
        assert self.validation is not None  # noqa: S101 - for the type checker
        present, first = self.parts.present, self.world.shard.is_first
        found = self.validation.scores(present, self.world.device) if first else {}
        names = ("accuracy", "map")
        values = self.world.from_first([found.get(name, 0.0) for name in names])
        scores = dict(zip(names, values, strict=True))
        score, stops = scores[self.config.metric], bool(self.config.early_stop)
        if stops and self.now.best is not None and score <= self.now.best:
            self.now = replace(self.now, waited=self.now.waited + 1)
            return scores
        self.now = replace(self.now, best=score, best_epoch=self.now.epoch, scores=scores, waited=0)
        if stops:
            self.parts.best = copy.deepcopy(present)
        return scores

    def _stalled(self) -> bool:
        return 0 < self.config.early_stop <= self.now.waited

    # What is told and written.

    def _report(self, scores: dict[str, float]) -> EpochReport:
        return EpochReport(
            epoch=self.now.epoch,
            epochs=self.config.epochs,
            loss=self.now.losses[-1],
            learning_rate=self.descent.learning_rate,
            seconds=self.now.seconds,
            patchout=self.level,
            scores=scores,
        )

    def _log(self) -> CsvLog | None:
        if self.traces.log is None or not self.world.shard.is_first:
            return None
        return CsvLog(self.traces.log, self.now.log_bytes)

    def _board(self) -> closing[Board] | nullcontext[None]:
        if self.traces.tensorboard is None or not self.world.shard.is_first:
            return nullcontext()
        return closing(Board(self.traces.tensorboard, self._steps()))

    def _tell(self, log: CsvLog | None, board: Board | None, scores: dict[str, float]) -> None:
        self.now = replace(self.now, seconds=time.perf_counter() - self.began)
        row = Row(
            epoch=self.now.epoch,
            step=self._steps(),
            loss=self.now.losses[-1],
            learning_rate=self.descent.learning_rate,
            patchout=self.level,
            accuracy=scores.get("accuracy"),
            map=scores.get("map"),
            seconds=round(self.now.seconds, 3),
        )
        if log is not None:
            self.now = replace(self.now, log_bytes=log.add(row))
        if board is not None:
            board.add(row)

    def _save(self) -> None:
        if self.traces.state is None or not self.world.shard.is_first:
            return
        average = self.parts.average
        self.now = replace(self.now, updates=average.updates if average else 0)
        state.write(
            self.traces.state,
            State(standing=self.now, identity=self.identity, tensors=self.parts.tensors()),
            network=self.task.network.config,
            front_end=self.task.mel.config,
            labels=self.task.labels,
            activation=self.config.activation,
        )

    def _resume(self) -> None:
        path = self.traces.state
        if path is None or self.traces.restart or not path.is_file():
            return
        held = state.read(path)
        state.require_same(path, held.identity, self.identity)
        self.parts.restore(held)
        self.now = held.standing
