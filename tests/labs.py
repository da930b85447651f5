"""Labelled sounds and quick trainings that the lab's tests share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from passt_core.lab.config import TrainConfig
from passt_core.lab.datasets import Dataset, load_dataset
from passt_core.network.model import Passt
from tests.sounds import noise, tone, write

QUICK = TrainConfig(
    dim=32,
    depth=2,
    heads=2,
    epochs=16,
    batch_size=4,
    learning_rate=5e-3,
    warmup_epochs=1,
    shortest_s=0.5,
    longest_s=0.8,
    long_rate=0.0,
    mixup_rate=0.0,
    specaugment=False,
    ema_decay=0.8,
    precision="fp32",
    device="cpu",
)
"""A network of 32 dimensions and 2 blocks; 16 epochs of 16 clips take about a second."""


def tones_and_noises(root: Path, *, each: int = 8, folds: int = 2) -> Dataset:
    """Tones and noises of a second, some of each, dealt out to folds; a CSV lists them."""
    rows = ["filename,label,fold"]
    random = np.random.default_rng(0)
    root.mkdir(parents=True, exist_ok=True)
    for index in range(each):
        pitch = random.uniform(300, 900)
        sounds = {"tone": tone(1, hz=pitch), "noise": noise(1, seed=index)}
        for label, sound in sounds.items():
            write(root / f"{label}{index}.wav", sound)
            rows.append(f"{label}{index}.wav,{label},{1 + index % folds}")
    (root / "clips.csv").write_text("\n".join(rows), encoding="utf-8")
    return load_dataset(root)


def assert_equal(one: Passt, other: Passt) -> None:
    """Hold that two networks have the same weights, bit by bit."""
    theirs = other.state_dict()
    different = [k for k, v in one.state_dict().items() if not torch.equal(v, theirs[k])]
    assert not different, f"{different} differ"
