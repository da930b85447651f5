"""Listening at speed: the same weights and clips in our hands and in hear21passt's.

``python -m benchmarks.throughput [--models passt-s bundled] [--clips FOLDER]``

The reference runs in float32, as it comes; we run in each precision that the CPU has. All of a case
run in turn, the quickest round counts, and the answers are compared in that run: an embedding is
logits and features together. PaSST-S has random weights. The second table tells how near each
precision is to float32 on real clips, by the bundled model.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks._passt_s import passt_s
from benchmarks._reference import Reference
from benchmarks._table import clocked, show_cells
from benchmarks.training import forget_peak, peak
from passt_core import Predictor
from passt_core.files import ASSETS
from passt_core.inference.hear import VARIANTS, HearModel
from passt_core.network import checkpoints
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.lowered import Precision, available, layer, lowered
from passt_core.network.registry import BUNDLED
from passt_core.signal import audio

RATE = 32_000
CPU = torch.device("cpu")
TOLERANCE = 1e-4
"""Of an fp32 embedding, against the reference's."""

AIMS = MappingProxyType(
    {
        ("10 s clip", "fp32"): 1.5,
        ("10 s clip", "bf16"): 4.5,
        ("mixed, padded", "bf16"): 8.0,
        ("timestamps", "bf16"): 6.0,
        ("60 s scene", "bf16"): 5.0,
    }
)
"""Speed against the reference, of PaSST-S on two cores that have AVX512-BF16."""

Answer = Callable[[], Tensor]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing that is asked of a model.

    Attributes:
        name: of it.
        reference: the reference's answer, (n, D).
        ours: ours in each precision.
        rounds: how often each is timed.
        padded: the reference hears padded sounds: other answers, which are not compared.
    """

    name: str
    reference: Answer
    ours: dict[Precision, Answer]
    rounds: int
    padded: bool = False


def sound(seconds: float, seed: int = 0) -> Tensor:
    """Noise, (samples,)."""
    samples = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return torch.from_numpy((0.1 * samples).astype(np.float32))


def cases(checkpoint: Checkpoint, rounds: int, mixed: int, scene_s: float = 60.0) -> Iterator[Case]:
    """What is asked, from short to long."""
    theirs = Reference(checkpoint.network)
    ours = {a: HearModel(checkpoint, VARIANTS["base"], precision=a) for a in available()}

    def scene(name: str, audio: Tensor, times: int) -> Case:
        return Case(
            name=name,
            reference=lambda: theirs.scenes(audio),
            ours={a: lambda model=model: model.scenes(audio) for a, model in ours.items()},  # type: ignore[misc]
            rounds=times,
        )

    yield scene("10 s clip", sound(10.0)[None], rounds)
    yield scene("16 x 2 s", torch.stack([sound(2.0, seed) for seed in range(16)]), rounds)
    yield from _mixed(checkpoint, theirs, mixed)
    whole = sound(10.0)[None]
    yield Case(
        name="timestamps",
        reference=lambda: theirs.timestamps(whole)[0][0],
        ours={a: lambda model=model: model.timestamps(whole)[0][0] for a, model in ours.items()},  # type: ignore[misc]
        rounds=rounds,
    )
    yield scene(f"{scene_s:g} s scene", sound(scene_s)[None], 1)


def _mixed(checkpoint: Checkpoint, theirs: Reference, count: int) -> Iterator[Case]:
    """Clips of 0.5 to 10 s: the reference takes them one by one, or in eights padded to 10 s."""
    lengths = np.random.default_rng(1).uniform(0.5, 10.0, count)
    clips = [sound(seconds, seed) for seed, seconds in enumerate(lengths)]
    heard = [(clip.numpy(), RATE) for clip in clips]
    predictors = {a: Predictor(checkpoint, device="cpu", precision=a) for a in available()}

    def answers(predictor: Predictor) -> Tensor:
        found = predictor.analyze_batch(heard)
        return torch.stack(
            [torch.from_numpy(np.concatenate([f.logits, f.embedding])) for f in found]
        )

    def padded() -> Tensor:
        full = [functional.pad(clip, (0, 10 * RATE - len(clip))) for clip in clips]
        eights = (torch.stack(full[first : first + 8]) for first in range(0, count, 8))
        return torch.cat([theirs.scenes(eight) for eight in eights])

    ours: dict[Precision, Answer] = {
        a: lambda predictor=predictor: answers(predictor)  # type: ignore[misc]
        for a, predictor in predictors.items()
    }
    one_by_one = lambda: torch.cat([theirs.scenes(clip[None]) for clip in clips])  # noqa: E731
    yield Case(name="mixed, one by one", reference=one_by_one, ours=ours, rounds=1)
    yield Case(name="mixed, padded", reference=padded, ours=ours, rounds=1, padded=True)


def rows(model: str, case: Case) -> Iterator[Sequence[str]]:
    """A line for each precision.

    Raises:
        AssertionError: fp32 does not give the reference's answer.
    """
    everyone: dict[str, Answer] = {"reference": case.reference, **case.ours}
    expected, memory = {}, dict.fromkeys(everyone, 0)
    seconds = dict.fromkeys(everyone, float("inf"))
    for attempt in range(case.rounds + (case.rounds > 1)):
        for name, answer in everyone.items():
            expected[name], took, needed = _measured(answer)
            if attempt or case.rounds == 1:  # the first round of several warms up
                seconds[name] = min(seconds[name], took)
                memory[name] = max(memory[name], needed)
    compared = expected["fp32" if case.padded else "reference"]
    for name in case.ours:
        aim = AIMS.get((case.name, name)) if model == "PaSST-S" else None
        speed = seconds["reference"] / seconds[name]
        difference = float((expected[name] - compared).abs().max())
        if name == "fp32" and not case.padded and not difference <= TOLERANCE:
            raise AssertionError(f"{model}, {case.name}: fp32 is off by {difference:.2g}")
        yield (
            model,
            case.name,
            name,
            f"{seconds['reference']:.3f}",
            f"{seconds[name]:.3f}",
            f"{speed:.2f}x",
            "" if aim is None else f">= {aim:g} {'ok' if speed >= aim else 'MISSED'}",
            f"{float(functional.cosine_similarity(expected[name], compared).min()):.6f}",
            f"{difference:.2g}",
            f"{memory['reference'] / 1e6:.0f}",
            f"{memory[name] / 1e6:.0f}",
        )


HEAD = (
    "model",
    "case",
    "precision",
    "reference s",
    "ours s",
    "speed",
    "aim",
    "least cosine",
    "largest difference",
    "reference MB",
    "ours MB",
)


def _measured(answer: Answer) -> tuple[Tensor, float, int]:
    """An answer, its seconds, and the bytes that it needed above what was held before."""
    _let_go()
    forget_peak(CPU)
    before, began = peak(CPU), time.perf_counter()
    found = answer()
    return found, time.perf_counter() - began, peak(CPU) - before


def _let_go() -> None:
    """Give back to the system what was freed: it would hide what the next answer needs."""
    gc.collect()
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)


@torch.inference_mode()
def share_rows(checkpoint: Checkpoint, rounds: int) -> Iterator[Sequence[str]]:
    """What share of the matrix product's own rate a pass over 10 s reaches, encoder and all."""
    config = checkpoint.config
    frames = min(config.max_frames, checkpoint.front_end.frames(10 * RATE))
    patches = config.rows * config.columns(frames)
    mel = torch.randn(1, config.mel_bands, frames)
    work = config.encoder_flops(patches) + config.stem_flops(patches)
    for precision in available():
        network = lowered(checkpoint.network, precision)
        fc1 = nn.Linear(config.dim, 4 * config.dim)
        product = _product(fc1, patches + config.extra_tokens, precision)
        network(mel), product()
        times = [(clocked(lambda: network(mel)), clocked(product)) for _ in range(4 * rounds)]  # noqa: B023
        passed, multiplied = (min(column) for column in zip(*times, strict=True))
        flops = 2 * (patches + config.extra_tokens) * fc1.weight.numel()
        rate = flops / multiplied
        yield (
            checkpoint.name,
            precision,
            f"{rate / 1e9:.0f}",
            f"{work / passed / 1e9:.0f}",
            f"{work / passed / rate:.0%}",
        )


def _product(linear: nn.Linear, tokens: int, precision: Precision) -> Callable[[], object]:
    """The largest product of a block, as the network does it."""
    ready, x = layer(linear, precision), torch.randn(1, tokens, linear.in_features)
    x = x.bfloat16() if precision == "bf16" else x
    return lambda: ready(x)


def near_rows(folder: Path) -> Iterator[Sequence[str]]:
    """How near each precision is to fp32 on real clips, by the bundled model."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix in {".ogg", ".wav", ".flac"})
    sounds = [(audio.load(path), RATE) for path in paths]
    predictors = {a: Predictor.from_checkpoint(device="cpu", precision=a) for a in available()}
    exact = predictors["fp32"].analyze_batch(sounds)
    for precision in available()[1:]:
        near = predictors[precision].analyze_batch(sounds)
        pairs = list(zip(exact, near, strict=True))
        agreed = [e.top_k(1)[0].index == n.top_k(1)[0].index for e, n in pairs]
        yield (
            precision,
            str(len(sounds)),
            f"{min(float(e.unit_embedding @ n.unit_embedding) for e, n in pairs):.6f}",
            f"{max(float(np.abs(e.probabilities - n.probabilities).max()) for e, n in pairs):.4f}",
            f"{np.mean(agreed):.2%}",
        )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput")
    parser.add_argument(
        "--models", nargs="+", choices=("passt-s", "bundled"), default=["passt-s", "bundled"]
    )
    parser.add_argument("--clips", type=Path, default=ASSETS / "examples", help="real clips")
    parser.add_argument("--mixed", type=int, default=200, help="clips of mixed length")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args(arguments)
    made = {"passt-s": passt_s, "bundled": lambda: checkpoints.load(BUNDLED)}
    found: list[Sequence[str]] = []
    shares: list[Sequence[str]] = []
    began = time.monotonic()
    for model in asked.models:
        checkpoint = made[model]()
        for case in cases(checkpoint, asked.rounds, asked.mixed):
            found.extend(rows(checkpoint.name, case))
        shares.extend(share_rows(checkpoint, asked.rounds))
    threads, took = torch.get_num_threads(), time.monotonic() - began
    print(f"{threads} threads, {took:.0f} s; {asked.mixed} mixed clips")
    show_cells(HEAD, found)
    print("\nA pass over 10 s against the matrix product alone:")
    show_cells(("model", "precision", "product GFLOP/s", "pass GFLOP/s", "share"), shares)
    print(f"\nReal clips ({asked.clips.name}), the bundled model, against fp32:")
    head = ("precision", "clips", "least cosine", "largest change", "same first class")
    show_cells(head, list(near_rows(asked.clips)))


if __name__ == "__main__":
    main()
