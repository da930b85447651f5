"""Lessons: reading them, holding folds out, learning from them, and the tool that makes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

from passt_core.cli import app
from passt_core.errors import TrainingError
from passt_core.lab.config import TrainConfig
from passt_core.lab.lessons import INDEX, LessonBatches, Lessons, learn
from passt_core.network import checkpoints
from passt_core.signal.mel import MelConfig, MelSpectrogram
from tools.make_lessons import sounds, stretch, targets
from tools.make_lessons.__main__ import in_silence

LABELS = ("Low", "High")
SMALL = {
    "dim": 32, "depth": 1, "heads": 2, "optimizer": "adamw", "learning_rate": 2e-3,
    "epochs": 20, "batch_size": 4,
    "warmup_epochs": 1.0, "mixup_rate": 0.0, "patchout_unstructured": 0.3, "precision": "fp32",
    "embedding_weight": 0.2, "ema_decay": 0.8,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """32 lessons of two lengths: energy in the low or in the high bands; folds 0, 1 and 2."""
    generator = torch.Generator().manual_seed(0)
    for frames in (33, 49):
        high = torch.arange(16) % 2
        mel = torch.full((16, 128, frames), -1.4)
        mel[high == 0, :64], mel[high == 1, 64:] = 0.5, 0.5
        mel += 0.1 * torch.randn(mel.shape, generator=generator)
        targets_ = torch.stack([1 - high, high], dim=1)
        lesson_sources = torch.stack([torch.arange(16) % 3, torch.full((16,), -1)], dim=1)
        lesson_sources[0, 1] = 2  # one mixture, of fold 0 and fold 2
        tensors = {
            "mel": mel.half(), "targets": targets_.half(),
            "embeddings": torch.cat([targets_, -targets_], dim=1).half(),
            "sources": lesson_sources.int(),
        }  # fmt: skip
        save_file(tensors, tmp_path / f"{frames}.safetensors")
    index = {"labels": LABELS, "sources": [{"file": f"{k}.ogg", "fold": k} for k in range(3)]}
    (tmp_path / INDEX).write_text(json.dumps(index))
    return tmp_path


def batches(lessons: Lessons, **changes: object) -> LessonBatches:
    config = TrainConfig(**(SMALL | changes))  # type: ignore[arg-type]
    return LessonBatches(lessons=lessons, config=config)


def test_a_held_out_fold_is_heard_in_no_lesson_not_even_under_another(folder: Path) -> None:
    everything = Lessons.read(folder)
    without = Lessons.read(folder, hold_out=(2,))

    assert len(everything) == 32
    # Of 16 lessons of a length 5 are of fold 2, and one of fold 0 has a sound of it under it.
    assert len(without) == 2 * (16 - 5 - 1)
    assert len(Lessons.read(folder, hold_out=(1, 2))) == 2 * (16 - 5 - 5 - 1)


def test_an_epoch_takes_every_lesson_once_in_batches_of_one_length(folder: Path) -> None:
    taken = list(batches(Lessons.read(folder)).epoch(0))

    assert len(taken) == batches(Lessons.read(folder)).per_epoch == 8
    assert sum(len(batch.audio) for batch in taken) == 32
    assert {batch.audio.shape[2] for batch in taken} == {33, 49}
    rows = torch.cat([batch.audio[:, :, :33].flatten(1) for batch in taken])
    assert len(torch.unique(rows, dim=0)) == 32


def test_an_epoch_goes_on_from_any_step_and_the_next_is_in_another_order(folder: Path) -> None:
    made = batches(Lessons.read(folder))
    first, later = list(made.epoch(3)), list(made.epoch(3, 5))

    for whole, rest in zip(first[5:], later, strict=True):
        assert torch.equal(whole.audio, rest.audio)
    assert not all(
        torch.equal(a.targets, b.targets) for a, b in zip(first, made.epoch(4), strict=True)
    )


def test_a_network_learns_its_lessons(folder: Path) -> None:
    lessons = Lessons.read(folder)
    trained = learn(lessons, TrainConfig(**SMALL))  # type: ignore[arg-type]

    shelf = lessons.shelves[0]
    with torch.inference_mode():
        heard = trained.network(shelf.mel.float()).logits.argmax(dim=1)
    assert trained.labels == LABELS
    assert trained.losses[-1] < trained.losses[0]
    assert torch.equal(heard, shelf.targets.argmax(dim=1))


def test_the_command_learns_from_a_folder(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "student.safetensors"
    choices = [part for name, value in SMALL.items() for part in ("--set", f"{name}={value}")]
    command = ["distill", str(folder), "--out", str(out), "--hold-out", "1,2", *choices]
    result = CliRunner().invoke(app, command)

    assert result.exit_code == 0, result.output
    card = checkpoints.load(str(out)).card
    assert card["trained_on"] == "10 lessons of a teacher"
    assert "--hold-out 1,2" in str(card["command"])


def _no_labels(folder: Path) -> None:
    (folder / INDEX).write_text(json.dumps({"sources": []}))


def _torn(folder: Path) -> None:
    (folder / "33.safetensors").write_bytes(b"torn")


def _other_classes(folder: Path) -> None:
    index = json.loads((folder / INDEX).read_text())
    (folder / INDEX).write_text(json.dumps(index | {"labels": ["Low", "High", "Third"]}))


@pytest.mark.parametrize(
    ("harm", "told"),
    [(_no_labels, "labels and sources"), (_torn, "make the lessons again"),
     (_other_classes, "targets of 3 labels")],
)  # fmt: skip
def test_a_damaged_folder_is_told(folder: Path, harm: Callable[[Path], None], told: str) -> None:
    harm(folder)
    with pytest.raises(TrainingError, match=told):
        Lessons.read(folder)


def test_too_few_lessons_and_choices_of_waveforms_are_refused(folder: Path) -> None:
    with pytest.raises(TrainingError, match="without folds"):
        Lessons.read(folder, hold_out=(0, 1, 2))
    with pytest.raises(TrainingError, match="batch_size is 64"):
        learn(Lessons.read(folder), TrainConfig(**SMALL | {"batch_size": 64}))  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match="loss=bce"):
        learn(Lessons.read(folder), TrainConfig(**SMALL | {"loss": "ce"}))  # type: ignore[arg-type]


# The tool.


def test_targets_know_the_labels_better_than_the_teacher() -> None:
    places = {"Rain": 0, "Thunder": 1, "Dog": 2}
    said = np.array([0.2, 0.6, 0.4], np.float32)

    alone = targets.target(said, places, "Rain", None, 0.0, exclusive=(0, 2))
    assert alone == pytest.approx([targets.KNOWN, 0.6 * targets.ALONE, targets.EXCLUDED])

    both = targets.target(said, places, "Rain", "Dog", 3.0)
    assert both == pytest.approx([targets.KNOWN, 0.6 * targets.TOGETHER, 0.9])
    assert targets.target(said, places, "Rain", "Dog", 17.0)[2] == pytest.approx(0.4 * 0.6)
    assert targets.target(said, places, "", None, 0.0) == pytest.approx(said)


def test_our_classes_take_the_largest_score_of_their_members() -> None:
    scores = np.array([0.1, 0.7, 0.3], np.float32)
    assert targets.gathered(scores, [[0, 2], [1], []]) == pytest.approx([0.3, 0.7, 0.0])


@pytest.mark.parametrize("samples", [1000, 48_001, 160_001])
def test_a_stretch_has_its_length_whatever_the_sound(samples: int) -> None:
    rng = np.random.default_rng(0)
    sound = rng.standard_normal(64_000).astype(np.float32)
    for _ in range(20):
        wave = stretch.altered(stretch.cut(sound, samples, rng), rng)
        assert wave.shape == (samples,)
        assert np.isfinite(wave).all()
        assert stretch.rms(wave) > 0.01


def test_rare_labels_are_more_probable_than_their_share(tmp_path: Path) -> None:
    def source(label: str) -> sounds.Source:
        return sounds.Source(tmp_path, label, 1, 1.0, np.ones(10, np.float32))

    chances = sounds.chances([source("Speech")] * 90 + [source("Owl")] * 10)
    assert chances.sum() == pytest.approx(1.0)
    assert chances[-1] > 3 * chances[0]


@pytest.mark.parametrize(("frames", "longer"), [(151, 501), (501, 801), (801, 801)])
def test_silence_is_what_the_front_end_makes_of_it(frames: int, longer: int) -> None:
    mel = MelSpectrogram(MelConfig()).eval()
    silent = float(mel(torch.zeros(1, 3200)).mean())
    lesson = np.ones((128, frames), np.float32)

    for seed in range(10):
        padded = in_silence(lesson, np.random.default_rng(seed))
        assert padded.shape == (128, longer)
        assert (padded == 1.0).sum() == lesson.size
        assert padded[padded != 1.0] == pytest.approx(silent, abs=1e-5)
