"""Distillation: a teacher's file, the stretch of it that a crop gets, and a network that learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from passt_core.errors import DatasetError, TrainingError
from passt_core.inference.predictor import Predictor
from passt_core.lab.batches import Sounds
from passt_core.lab.config import TrainConfig
from passt_core.lab.datasets import Dataset, load_dataset
from passt_core.lab.distill import TaughtBatches, distill, pooled, taught
from passt_core.lab.task import Classification
from passt_core.lab.teacher import TeacherScores
from passt_core.lab.train import EpochReport, Traces
from tests.labs import assert_equal
from tests.sounds import RATE, TINY, noise, randomised, tone, write

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
    device="cpu",
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


def test_embeddings_are_learnt_and_their_layer_is_left_behind(tmp_path: Path) -> None:
    """Of two directions, one for tones and one for noise: the student's tell them apart."""
    told = np.repeat(np.eye(5)[[0, 3] * 4], 3, axis=0)
    teacher = TeacherScores.read(said_of(tmp_path, embeddings=told, scores=np.full((24, 2), 0.5)))
    trained = distill(teacher, replace(QUICK, embedding_weight=4.0))
    assert trained.losses[-1] < 0.5 * trained.losses[0]
    assert not [name for name in trained.network.state_dict() if "project" in name]
    trained.save(tmp_path / "student.safetensors", {})
    student = Predictor.from_checkpoint(tmp_path / "student.safetensors")
    sounds = [tone(1.5, hz=1_000), tone(1.5, hz=1_500), noise(1.5, seed=9), noise(1.5, seed=11)]
    found = np.stack([student.analyze(sound, RATE).embedding for sound in sounds])
    found = found - found.mean(axis=0)
    alike = found @ found.T
    assert min(alike[0, 1], alike[2, 3]) > 0 > max(alike[0, 2], alike[1, 3])


def test_embeddings_weigh_as_they_are_told_to() -> None:
    network = randomised(TINY)
    loss = Classification(network, replace(QUICK, embedding_weight=3.0), 5)
    mel, targets = torch.zeros(2, 128, 32), torch.zeros(2, 7)
    plain = Classification(network, QUICK)(mel, None, 0, targets)
    near = loss.project(network(mel).embedding)
    torch.testing.assert_close(loss(mel, None, 0, targets, near), plain)
    torch.testing.assert_close(loss(mel, None, 0, targets, -near), plain + 6.0)
    torch.testing.assert_close(loss(mel, None, 0, targets, 0 * near), plain)


def batches_of(said: torch.Tensor, **changes: object) -> TaughtBatches:
    """Two clips of one second, a loud constant and a soft one, one frame each."""
    config = replace(
        QUICK, batch_size=2, gain_low_db=0.0, gain_high_db=0.0, roll_samples=0, **changes
    )
    waveforms = (torch.full((RATE,), 0.5), torch.full((RATE,), 0.1))
    return TaughtBatches(
        sounds=Sounds(waveforms=waveforms, targets=said),
        config=config,
        whole=10 * RATE,
        said=tuple(said[:, None]),
        window_s=1.0,
        hop_s=0.5,
        thought=tuple(torch.eye(2)[:, None]),
    )


def test_a_mixture_says_what_both_say() -> None:
    """6 dB softer: half the amplitude, and the other's scores count half, as a noisy or."""
    said = torch.tensor([[0.8, 0.0, 0.2], [0.0, 0.6, 0.5]])
    made = batches_of(said, mixture_rate=1.0, mixture_db=0.0)
    for seed in range(20):
        batch = made.batch([0, 1], RATE, torch.Generator().manual_seed(seed))
        if not torch.equal(batch.targets, said):
            break
    both = 1 - (1 - said) * (1 - said.flip(0))
    torch.testing.assert_close(batch.targets, both)
    torch.testing.assert_close(batch.audio[:, 0], torch.tensor([1.0, 0.2]))
    torch.testing.assert_close(batch.embeddings, torch.ones(2, 2))

    drawn = torch.Generator().manual_seed(seed)
    softer = replace(made, config=replace(made.config, mixture_db=12.0)).batch([0, 1], RATE, drawn)
    share = softer.audio[:, 0] / torch.tensor([0.5, 0.1]) - 1
    assert ((share > 0.25) & (share < 1)).all()
    damped = 1 - (1 - said) * (1 - share[:, None] * said.flip(0))
    torch.testing.assert_close(softer.targets, damped)
    torch.testing.assert_close(batches_of(said).batch([0, 1], RATE, drawn).targets, said)


def labelled(folder: Path, rows: str) -> Dataset:
    (folder / "known.csv").write_text(f"filename,label\n{rows}", encoding="utf-8")
    return load_dataset(folder / "known.csv")


def test_labels_count_more_than_the_teacher(tmp_path: Path) -> None:
    """The teacher takes every sound for a siren; two clips are known, and one class is silent."""
    names, wrong = np.array(["noise", "siren", "tone"]), np.tile([0.2, 0.9, 0.3], (24, 1))
    teacher = TeacherScores.read(said_of(tmp_path, labels=names, scores=wrong))
    known = teacher.known(labelled(tmp_path, "0.wav,noise\n1.wav,tone\n"))
    assert sorted(path.name for path in known) == ["0.wav", "1.wav"]
    made = taught(teacher, known, QUICK, 10 * RATE)
    batch = made.batch([0, 1, 2], RATE, torch.Generator().manual_seed(0))
    expected = [[1.0, 0.9, 0.0], [0.0, 0.9, 1.0], [0.2, 0.9, 0.3]]
    torch.testing.assert_close(batch.targets, torch.tensor(expected), rtol=0, atol=1e-5)


def test_labels_that_do_not_meet_the_teacher(tmp_path: Path) -> None:
    teacher = TeacherScores.read(said_of(tmp_path))
    write(tmp_path / "new.wav", noise(1.0))
    with pytest.raises(DatasetError, match="label 'bell', which the teacher does not know"):
        teacher.known(labelled(tmp_path, "0.wav,noise\n1.wav,bell\n"))
    with pytest.raises(DatasetError, match=r"nothing of 1 of 2 clips of known, such as new\.wav"):
        teacher.known(labelled(tmp_path, "0.wav,noise\nnew.wav,tone\n"))


def test_what_distillation_has_no_use_for(tmp_path: Path) -> None:
    teacher = TeacherScores.read(said_of(tmp_path))
    for changes, message in (({"loss": "ce"}, "use loss=bce"), ({"early_stop": 1}, "early_stop=0")):
        with pytest.raises(TrainingError, match=message):
            distill(teacher, replace(QUICK, **changes))


def test_a_distillation_goes_on_after_a_kill(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    teacher = TeacherScores.read(said_of(tmp_path, embeddings=rng.standard_normal((24, 5))))
    config = replace(QUICK, epochs=2, mixture_rate=0.5)
    traces = Traces(state=tmp_path / "state.safetensors")

    def stop(report: EpochReport) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        distill(teacher, config, traces=traces, progress=stop)
    resumed, whole = distill(teacher, config, traces=traces), distill(teacher, config)
    assert resumed.losses == whole.losses
    assert_equal(resumed.network, whole.network)


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
        {"embeddings": np.zeros((23, 4))},
        {"embeddings": np.zeros(24)},
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
