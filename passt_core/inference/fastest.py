"""Which precision a device is fastest in: measured once, and kept with the machine."""

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
from passt_core.inference.devices import CPU, made_over, offered
from passt_core.inference.passes import windows_together
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.lowered import Precision
from passt_core.network.model import Passt

LEAST_COSINE = 0.999
"""Between embeddings: what is chosen without being asked for must be at least so much alike."""

_RUNS = 3
_WINDOWS = 2
_SHARE = 4
"""The measurement hears two windows of a quarter of the longest: long enough to tell on a CPU. A
GPU is given as many as it hears together, as few would not tell."""


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


def fastest(checkpoint: Checkpoint, device: torch.device = CPU) -> Precision:
    """The fastest precision whose embeddings are fp32's to a cosine of :data:`LEAST_COSINE`.

    It is looked up in ``precision.json`` in :func:`passt_core.files.cache_folder`; what is not
    there is measured and written there. Another CPU or GPU, torch, number of threads or weights
    make another entry.
    """
    known = _read(_file()).get(_key(checkpoint, device))
    if known in offered(device):
        return known
    return choose(checkpoint, measure(checkpoint, device), device)


def choose(
    checkpoint: Checkpoint, measured: tuple[Measured, ...], device: torch.device = CPU
) -> Precision:
    """The best of what was measured, which is kept with the machine.

    Where weights are damaged no embedding is like another: it is fp32 then, as if none had been
    measured, and who listens is told.
    """
    exact = [row for row in measured if row.precision == "fp32" or row.cosine >= LEAST_COSINE]
    best = min(exact, key=lambda row: row.seconds).precision
    try:
        _keep(_file(), _key(checkpoint, device), best)
    except OSError as error:  # it only has to be measured again
        logging.getLogger(__name__).warning("%s cannot be written: %s", _file(), error)
    return best


@torch.inference_mode()
def measure(checkpoint: Checkpoint, device: torch.device = CPU) -> tuple[Measured, ...]:
    """Hear the same noise in each precision of a device, in turn; fp32 comes first."""
    mel = _noise(checkpoint, device)
    networks = {
        precision: made_over(checkpoint.network, device, precision) for precision in offered(device)
    }
    answers = {precision: ready(mel) for precision, ready in networks.items()}  # and warms them
    seconds = dict.fromkeys(networks, float("inf"))
    for _ in range(_RUNS):
        for precision, ready in networks.items():
            seconds[precision] = min(seconds[precision], _clocked(ready, mel))
    exact = answers["fp32"]
    sure = checkpoint.probabilities(exact.logits)
    return tuple(
        Measured(
            precision=precision,
            seconds=seconds[precision],
            speedup=seconds["fp32"] / seconds[precision],
            cosine=float(functional.cosine_similarity(said.embedding, exact.embedding).min()),
            change=float((checkpoint.probabilities(said.logits) - sure).abs().max()),
        )
        for precision, said in answers.items()
    )


def _noise(checkpoint: Checkpoint, device: torch.device) -> Tensor:
    """Spectrograms of some windows, (n, bands, frames): noise about as loud as sound."""
    config = checkpoint.config
    frames = max(config.patch, config.frames // _SHARE)
    windows = _WINDOWS
    if device.type != "cpu":
        windows = windows_together(config, config.columns(frames), device)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(windows, config.mel_bands, frames, generator=generator)
    return (0.5 * noise).to(device)


def _clocked(network: Passt, mel: Tensor) -> float:
    begin = time.perf_counter()
    network(mel).logits.cpu()  # waits for a GPU
    return time.perf_counter() - begin


def _file() -> Path:
    return cache_folder() / "precision.json"


def _key(checkpoint: Checkpoint, device: torch.device) -> str:
    """What a measurement holds for."""
    parts = {
        **_machine(device),
        "torch": torch.__version__,
        "weights": checkpoint.sha256,
        "config": asdict(checkpoint.config),
    }
    return json.dumps(parts, sort_keys=True)


def _machine(device: torch.device) -> dict[str, object]:
    if device.type == "cpu":
        cpu = dict(torch.cpu.get_capabilities())
        return {"cpu": cpu, "threads": torch.get_num_threads()}
    cuda = device.type == "cuda"
    return {"gpu": torch.cuda.get_device_name(device) if cuda else device.type}


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
