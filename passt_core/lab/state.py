"""A training's state on disk: what it needs to go on after a kill as if nothing had been.

One safetensors file, replaced in one step. Its tensors are the network (``net.``), the averaged one
(``net_swa.``), the best so far (``best.``), parts that are only there for the training (``rest.``)
and what the optimisers remember (``optimizer.``); all else is JSON in its header. With its ``net.``
tensors and its description it is a checkpoint too, which a training can start from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from passt_core.errors import TrainingError
from passt_core.files import atomic_path
from passt_core.lab.config import TrainConfig
from passt_core.lab.schedules import AdaptiveLevel
from passt_core.network import checkpoints
from passt_core.network.model import PasstConfig
from passt_core.network.weights import METADATA_KEY
from passt_core.signal.mel import MelConfig

SCHEMA = 1
TRAINING_KEY = "passt_training"
"""Where the file says how far its training is."""

Tensors = dict[str, Tensor]
Identity = Mapping[str, Any]
"""What must be the same for a training to go on: of JSON's kinds only."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How far a training is.

    Attributes:
        epoch: epochs that are over.
        step: steps of the present epoch that are over.
        total: sum of their losses.
        losses: mean of each epoch that is over.
        patchout: of the adaptive schedule.
        best, best_epoch, scores: validation score that counts, of the weights that would be kept:
            the best so far if the training may stop early, else the last; of which epoch (from 1),
            and all its scores by name.
        waited: scores in a row since then.
        updates: of the averaged weights.
        seconds: spent so far.
        log_bytes: length of the log.
    """

    epoch: int = 0
    step: int = 0
    total: float = 0.0
    losses: tuple[float, ...] = ()
    patchout: AdaptiveLevel
    best: float | None = None
    best_epoch: int = 0
    scores: Mapping[str, float] = field(default_factory=dict)
    waited: int = 0
    updates: int = 0
    seconds: float = 0.0
    log_bytes: int = 0

    @classmethod
    def of(cls, held: Mapping[str, Any]) -> Standing:
        """What :func:`dataclasses.asdict` made of one, back from JSON."""
        changes = {
            "losses": tuple(held["losses"]),
            "patchout": AdaptiveLevel(**held["patchout"]),
        }
        return cls(**(dict(held) | changes))


@dataclass(frozen=True, kw_only=True, eq=False)
class State:
    """What a file of a training holds."""

    standing: Standing
    identity: Identity
    tensors: Tensors

    def part(self, prefix: str) -> Tensors:
        """Tensors whose names begin so, without that beginning."""
        return {k[len(prefix) :]: v for k, v in self.tensors.items() if k.startswith(prefix)}


def path_beside(out: Path) -> Path:
    """Where the state of a training lies whose result will be ``out``."""
    return out.with_name(f"{out.stem}.state.safetensors")


def write(
    path: Path,
    state: State,
    *,
    network: PasstConfig,
    front_end: MelConfig,
    labels: Sequence[str],
    activation: str,
) -> None:
    """Replace the state in one step; what was there stays if that fails.

    Raises:
        TrainingError: it cannot be written.
    """
    about = {
        "schema": checkpoints.SCHEMA,
        "config": asdict(network),
        "front_end": asdict(front_end),
        "labels": list(labels),
        "activation": activation,
        "card": {"title": f"{path.name}, a training under way", "trained_on": "see its training"},
    }
    training = {
        "schema": SCHEMA,
        "standing": asdict(state.standing),
        "identity": dict(state.identity),
    }
    tensors = {name: value.detach().cpu().clone() for name, value in state.tensors.items()}
    metadata = {METADATA_KEY: json.dumps(about), TRAINING_KEY: json.dumps(training)}
    try:
        with atomic_path(path) as temporary:
            save_file(tensors, temporary, metadata=metadata)
    except (OSError, SafetensorError) as error:
        before = "the one before is intact" if path.exists() else "there is none from before"
        raise TrainingError(
            f"the training's state cannot be written to {path} ({error}); {before}: make room, "
            "and give the same command again"
        ) from error


def read(path: Path) -> State:
    """Read a state.

    Raises:
        TrainingError: it is none, is damaged, or was written by another version.
    """
    try:
        with safe_open(path, framework="pt") as file:
            held = json.loads((file.metadata() or {})[TRAINING_KEY])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        if held["schema"] != SCHEMA:
            raise ValueError(f"schema {held['schema']}, this version writes {SCHEMA}")
        return State(
            standing=Standing.of(held["standing"]), identity=held["identity"], tensors=tensors
        )
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(
            f"{path} cannot be read as the state of a training ({error}); begin anew with --restart"
        ) from error


def identity_of(
    config: TrainConfig, data: Mapping[str, Any], *, processes: int, start: str | None
) -> Identity:
    """What must be the same for a training to go on.

    Args:
        config: every choice but the device.
        data: what tells a dataset from another; of JSON's kinds.
        processes: that take part.
        start: SHA-256 of the checkpoint that it began from.
    """
    choices = {name: value for name, value in asdict(config).items() if name != "device"}
    return {"config": choices, "data": dict(data), "start": start, "processes": processes}


def require_same(path: Path, found: Identity, wanted: Identity) -> None:
    """Refuse to go on with another recipe or other data.

    Raises:
        TrainingError: names what differs.
    """
    differences = list(_differences("", found, json.loads(json.dumps(dict(wanted)))))
    if differences:
        raise TrainingError(
            f"{path} is the state of another training: {'; '.join(differences)}; give the same "
            "choices and data to go on, or --restart to begin anew"
        )


def _differences(place: str, found: Any, wanted: Any) -> Iterator[str]:
    if isinstance(found, dict) and isinstance(wanted, dict):
        for name in sorted(found.keys() | wanted.keys()):
            yield from _differences(f"{place} {name}".strip(), found.get(name), wanted.get(name))
    elif found != wanted:
        yield f"{place} was {_short(found)} and is {_short(wanted)}"


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
