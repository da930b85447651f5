"""Training with patchout against training without: clips per second, and memory per clip.

``python -m benchmarks.training [--precision bf16] [--batch 2] [--attention plain] [--device cuda]``

Each sequence is trained on in a process of its own, on the same clips and random weights: forward,
backward, a step of AdamW. Memory is what a step needs above the weights, their gradients and
AdamW's moments, which patchout does not change: the peak of the process (of the allocator on
CUDA) above the peak of a step on a single patch.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from benchmarks._table import show_cells
from passt_core.files import ROOT
from passt_core.network import checkpoints
from passt_core.network.model import Passt, PasstConfig
from passt_core.network.patchout import PatchoutSpec, select
from passt_core.network.registry import BUNDLED_FILE

ATTENTIONS = {"fused": None, "plain": SDPBackend.MATH}
PROCESS = Path("/proc/self")
RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in what getrusage counts."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """Koutini et al. 2021, tables 1 and 2: on a Titan RTX, clips/s of training, GB per clip."""

    clips_per_second: float
    gigabytes: float


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A network, the columns and rows that patchout takes, and what the paper says of it."""

    shape: PasstConfig
    time: int = 0
    freq: int = 0
    published: Published | None = None

    @property
    def tokens(self) -> int:
        rows, columns = self.shape.rows, self.shape.columns(self.shape.frames)
        return (rows - self.freq) * (columns - self.time) + self.shape.extra_tokens


@dataclass(frozen=True, kw_only=True)
class How:
    batch: int
    steps: int
    rounds: int
    precision: str
    attention: str
    device: str


@dataclass(frozen=True, kw_only=True)
class Found:
    """Seconds of the quickest step, and bytes that a step needs at its peak."""

    seconds: float
    memory: int


PASST_S = PasstConfig()
PASST_S_N = PasstConfig(stride_freq=16, stride_time=16)
LARGE = (
    Setting(shape=PASST_S, published=Published(clips_per_second=23.1, gigabytes=2.33)),
    Setting(
        shape=PASST_S, time=40, freq=4, published=Published(clips_per_second=88.7, gigabytes=0.513)
    ),
    Setting(
        shape=PASST_S_N,
        time=20,
        freq=2,
        published=Published(clips_per_second=184.2, gigabytes=0.202),
    ),
)


def small() -> tuple[Setting, ...]:
    """The bundled network, whole and with the patchout of PaSST-S-N."""
    if not BUNDLED_FILE.is_file():
        print("The bundled checkpoint is not there; its rows are left out.")
        return ()
    shape = checkpoints.load("bundled").config
    return Setting(shape=shape), Setting(shape=shape, time=20, freq=2)


# --- in a process of its own -----------------------------------------------------------------


def measure(setting: Setting, how: How) -> Found:
    torch.manual_seed(0)
    shape, device = setting.shape, torch.device(how.device)
    network = Passt(shape).to(device).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-5, fused=True)
    mel = torch.randn(how.batch, shape.mel_bands, shape.frames, device=device)
    targets = (torch.rand(how.batch, shape.classes, device=device) < 0.01).float()
    grid = (shape.rows, shape.columns(shape.frames))
    generator = torch.Generator().manual_seed(0)
    spec = PatchoutSpec(time=setting.time, freq=setting.freq)

    def step(kept: torch.Tensor | None) -> None:
        optimizer.zero_grad(set_to_none=False)  # they stay, so that they are in both peaks
        with torch.autocast(device.type, torch.bfloat16, enabled=how.precision == "bf16"):
            logits = network(mel, kept=kept).logits
        loss = functional.binary_cross_entropy_with_logits(logits.float(), targets)
        torch.autograd.backward(loss)
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()

    with attention(how.attention):
        for _ in range(2):  # the second has gradients and moments from its beginning
            step(torch.zeros(1, dtype=torch.int64, device=device))
        forget_peak(device)
        before, times = peak(device), []
        for _ in range(how.steps + 1):  # the first warms up
            kept = None if spec.is_empty else select(grid, spec, generator).to(device)
            began = time.perf_counter()
            step(kept)
            times.append(time.perf_counter() - began)
    return Found(seconds=min(times[1:]), memory=peak(device) - before)


def forget_peak(device: torch.device) -> None:
    """Let the peak begin at what is held now, where the system can: starting up held more."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    elif PROCESS.is_dir():
        (PROCESS / "clear_refs").write_text("5")


def peak(device: torch.device) -> int:
    """Most bytes held since then."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated()
    if PROCESS.is_dir():
        lines = (PROCESS / "status").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return RSS_UNIT * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@contextlib.contextmanager
def attention(name: str) -> Iterator[None]:
    backend = ATTENTIONS[name]
    with contextlib.nullcontext() if backend is None else sdpa_kernel(backend):
        yield


def apart(setting: Setting, how: How) -> Found:
    task = {"setting": asdict(setting) | {"published": None}, "how": asdict(how)}
    command = [sys.executable, "-m", "benchmarks.training", "--measure", json.dumps(task)]
    answer = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    return Found(**json.loads(answer.stdout))


def answer(task: str) -> None:
    read = json.loads(task)
    shape = PasstConfig(**read["setting"].pop("shape"))
    found = measure(Setting(shape=shape, **read["setting"]), How(**read["how"]))
    print(json.dumps(asdict(found)))


# --- the table -------------------------------------------------------------------------------


def rows(name: str, settings: tuple[Setting, ...], how: How) -> Iterator[tuple[str, ...]]:
    """One line per setting; its ratios are to the first. They take turns."""
    turns = [[apart(setting, how) for setting in settings] for _ in range(how.rounds)]
    found = [
        Found(seconds=min(f.seconds for f in column), memory=max(f.memory for f in column))
        for column in zip(*turns, strict=True)
    ]
    for setting, this in zip(settings, found, strict=True):
        first, base = settings[0], found[0]
        speed, memory = base.seconds / this.seconds, base.memory / this.memory
        yield (
            name,
            str(setting.tokens),
            str(how.batch),
            f"{how.batch / this.seconds:.2f}",
            f"{speed:.1f}x",
            published(setting, first, "clips_per_second"),
            f"{this.memory / how.batch / 1e9:.3f}",
            f"{memory:.1f}x",
            published(first, setting, "gigabytes"),
        )


def published(over: Setting, under: Setting, name: str) -> str:
    """The ratio of what the paper says of two settings."""
    if over.published is None or under.published is None:
        return "-"
    return f"{getattr(over.published, name) / getattr(under.published, name):.1f}x"


HEAD = (
    *("network", "tokens", "batch", "clips/s", "faster", "paper"),
    *("GB/clip", "less memory", "paper"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--attention", choices=tuple(ATTENTIONS), default="fused")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--batch", type=int, default=2, help="clips per step on PaSST-S")
    parser.add_argument("--steps", type=int, default=2, help="of which the quickest counts")
    parser.add_argument("--rounds", type=int, default=2, help="of all sequences in turn")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        answer(chosen.measure)
        return
    names = ("steps", "rounds", "precision", "attention", "device")
    how = {name: getattr(chosen, name) for name in names}
    print(
        f"{chosen.device}, {torch.get_num_threads()} threads, {chosen.precision}, "
        f"{chosen.attention} attention; the paper: a Titan RTX, attention matrices kept in memory"
    )
    table = [
        *rows("PaSST-S", LARGE, How(batch=chosen.batch, **how)),
        *rows("bundled", small(), How(batch=8 * chosen.batch, **how)),
    ]
    show_cells(HEAD, table)


if __name__ == "__main__":
    main()
