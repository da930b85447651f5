"""Which precision a machine's CPU is fastest in: measured once, and kept with the machine."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from passt_core.files import atomic_path, cache_folder
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.lowered import Precision, available, lowered
from passt_core.network.model import Passt

LEAST_COSINE = 0.999
"""Between embeddings: what is chosen without being asked for must be at least so much alike."""

_RUNS = 3
_WINDOWS = 2
_SHARE = 4
"""The measurement hears windows of a quarter of the longest: long enough to tell."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a precision costs and gives on this machine.

    Attributes:
        precision: which.
        seconds: of one encoder pass, the least of a few.
        speedup: fp32's seconds over these.
        cosine: least between its embeddings and fp32's.
        change: largest change of a probability.
    """

    precision: Precision
    seconds: float
    speedup: float
    cosine: float
    change: float


def fastest(checkpoint: Checkpoint) -> Precision:
    """The fastest precision whose embeddings are fp32's to a cosine of :data:`LEAST_COSINE`.

    It is looked up in ``precision.json`` in :func:`passt_core.files.cache_folder`; what is not
    there is measured and written there. Another CPU, torch, number of threads or weights make
    another entry.
    """
    known = _read(_file()).get(_key(checkpoint))
    if known in available():
        return known
    return choose(checkpoint, measure(checkpoint))


def choose(checkpoint: Checkpoint, measured: tuple[Measured, ...]) -> Precision:
    """The best of what was measured, which is kept with the machine."""
    exact = [row for row in measured if row.cosine >= LEAST_COSINE]
    best = min(exact, key=lambda row: row.seconds).precision
    try:
        _keep(_file(), _key(checkpoint), best)
    except OSError as error:  # it only has to be measured again
        logging.getLogger(__name__).warning("%s cannot be written: %s", _file(), error)
    return best


@torch.inference_mode()
def measure(checkpoint: Checkpoint) -> tuple[Measured, ...]:
    """Hear the same noise in each precision of this CPU, in turn; fp32 comes first."""
    network = checkpoint.network.cpu()
    mel = _noise(checkpoint)
    networks = {precision: lowered(network, precision) for precision in available()}
    answers = {precision: ready(mel) for precision, ready in networks.items()}  # and warms them
    seconds = dict.fromkeys(networks, float("inf"))
    for _ in range(_RUNS):
        for precision, ready in networks.items():
            seconds[precision] = min(seconds[precision], _clocked(ready, mel))
    exact = answers["fp32"]
    sure = _probabilities(checkpoint, exact.logits)
    return tuple(
        Measured(
            precision=precision,
            seconds=seconds[precision],
            speedup=seconds["fp32"] / seconds[precision],
            cosine=float(functional.cosine_similarity(said.embedding, exact.embedding).min()),
            change=float((_probabilities(checkpoint, said.logits) - sure).abs().max()),
        )
        for precision, said in answers.items()
    )


def _noise(checkpoint: Checkpoint) -> Tensor:
    """Spectrograms of two windows, (2, bands, frames): noise about as loud as sound."""
    config = checkpoint.config
    frames = max(config.patch, config.frames // _SHARE)
    generator = torch.Generator().manual_seed(0)
    return 0.5 * torch.randn(_WINDOWS, config.mel_bands, frames, generator=generator)


def _clocked(network: Passt, mel: Tensor) -> float:
    begin = time.perf_counter()
    network(mel)
    return time.perf_counter() - begin


def _probabilities(checkpoint: Checkpoint, logits: Tensor) -> Tensor:
    cooled = logits / checkpoint.temperature
    return cooled.softmax(dim=-1) if checkpoint.activation == "softmax" else cooled.sigmoid()


def _file() -> Path:
    return cache_folder() / "precision.json"


def _key(checkpoint: Checkpoint) -> str:
    """What a measurement holds for."""
    parts = {
        "cpu": dict(torch.cpu.get_capabilities()),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "weights": checkpoint.sha256,
        "config": asdict(checkpoint.config),
    }
    return json.dumps(parts, sort_keys=True)


def _read(path: Path) -> Mapping[str, object]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not there, or damaged: it is measured again
        return {}
    return found if isinstance(found, dict) else {}


def _keep(path: Path, key: str, best: Precision) -> None:
    kept = {**_read(path), key: best}
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
