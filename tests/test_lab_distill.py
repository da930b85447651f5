"""Distillation: a teacher's file, the stretch of it that a crop gets, and a network that learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from passt_core.errors import TrainingError
from passt_core.inference.predictor import Predictor
from passt_core.lab.batches import Sounds
from passt_core.lab.config import TrainConfig
from passt_core.lab.distill import TaughtBatches, distill, pooled
from passt_core.lab.teacher import TeacherScores
from tests.sounds import RATE, noise, tone, write

QUICK = TrainConfig(
    dim=32,
    depth=2,
    heads=2,
    epochs=12,
    batch_size=4,
    warmup_epochs=1,
    learning_rate=5e-3,
    ema_decay=0.8,
    shortest_s=1.0,
    longest_s=1.5,
    long_rate=0.0,
    noise_rate=0.0,
    speed=0.0,
    mixup_rate=0.0,
    precision="fp32",
)


def said_of(folder: Path, **changes: object) -> Path:
    """Eight clips, of which a teacher tells tones from noise, frame by frame."""
    files, parts = [], []
    for index in range(8):
        sound = tone(2.0, hz=500 + 300 * index) if index % 2 else noise(2.0, seed=index)
        files.append(write(folder / f"{index}.wav", sound).name)
        parts.append(np.tile([[0.9, 0.05], [0.05, 0.9]][index % 2], (3, 1)))
    arrays = {
        "labels": np.array(["noise", "tone"]),
        "files": np.array(files),
        "frames": np.full(8, 3),
        "scores": np.concatenate(parts),
        "window_s": np.array(1.0),
        "hop_s": np.array(0.5),
    }
    path = folder / "said.npz"
    np.savez(path, **(arrays | changes))
    return path


def test_a_network_learns_what_the_teacher_said(tmp_path: Path) -> None:
    teacher = TeacherScores.read(said_of(tmp_path))
    trained = distill(teacher, QUICK)
    assert trained.losses[-1] < 0.7 * trained.losses[0]
    trained.save(tmp_path / "student.safetensors", {"title": "student"})
    student = Predictor.from_checkpoint(tmp_path / "student.safetensors")
    assert student.analyze(tone(1.5, hz=1_000), RATE).top_k(1)[0].label == "tone"
    assert student.analyze(noise(1.5, seed=9), RATE).top_k(1)[0].label == "noise"


def test_files_can_be_left_out(tmp_path: Path) -> None:
    teacher = TeacherScores.read(said_of(tmp_path)).without({"0.wav", "5.wav"})
    assert sorted(path.name for path in teacher.scores) == [f"{n}.wav" for n in (1, 2, 3, 4, 6, 7)]


def test_a_crop_gets_what_was_said_of_it() -> None:
    """A clip whose frames say 0, 1, 2 … tenths: the target lies where the crop was cut."""
    ramp = torch.linspace(0.01, 0.2, 20 * RATE)
    said = torch.arange(39).float()[:, None] / 39
    batches = TaughtBatches(
        sounds=Sounds(waveforms=(ramp,), targets=said[:1]),
        config=replace(QUICK, batch_size=1, gain_low_db=0.0, gain_high_db=0.0, roll_samples=1),
        whole=10 * RATE,
        said=(said,),
        window_s=1.0,
        hop_s=0.5,
    )
    for epoch in range(5):
        (batch,) = batches.epoch(epoch)
        middle = (float(batch.audio.mean()) - 0.01) / 0.19 * 20
        assert float(batch.targets) == pytest.approx((middle - 0.5) / 0.5 / 39, abs=0.06)


def test_pooling_lies_between_mean_and_maximum() -> None:
    said = torch.rand(9, 4, generator=torch.Generator().manual_seed(0))
    assert (pooled(said) >= said.mean(dim=0)).all()
    assert (pooled(said) <= said.amax(dim=0)).all()
    assert pooled(torch.zeros(3, 2)).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    "changes",
    [
        {"scores": np.zeros((5, 2))},
        {"frames": np.full(8, 4)},
        {"frames": np.array([24, 0, 0, 0, 0, 0, 0, 0])},
        {"labels": np.array(["one"])},
        {"labels": np.array([object()], dtype=object)},
    ],
)
def test_scores_that_do_not_fit_are_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(TrainingError):
        TeacherScores.read(said_of(tmp_path, **changes))


def test_what_is_no_teacher_is_refused(tmp_path: Path) -> None:
    (tmp_path / "said.npz").write_text("nothing")
    with pytest.raises(TrainingError, match="does not hold a teacher's scores"):
        TeacherScores.read(tmp_path / "said.npz")
    empty = TeacherScores(labels=("a",), scores={}, window_s=1.0, hop_s=0.5)
    with pytest.raises(TrainingError, match="said nothing"):
        distill(empty, QUICK)
