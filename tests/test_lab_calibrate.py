"""The temperature: found where it is known, and carried through a file to the predictor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from passt_core.errors import DatasetError
from passt_core.inference.predictor import Predictor
from passt_core.lab.answers import Answers
from passt_core.lab.calibrate import Calibration, calibrate
from passt_core.lab.datasets import Dataset, LabelledClip
from passt_core.lab.evaluate import judge
from passt_core.network import checkpoints
from tests.sounds import RATE, TINY, noise, randomised, save_network

NAMES = tuple("abcdef")


def answers(activation: str, heat: float, *, clips: int = 4000, known: int = 6) -> Answers:
    """What a model says that is right as often as it says at logits / ``heat``.

    Truth is drawn from the model's own probabilities, so ``heat`` is the temperature to find. The
    dataset has the first ``known`` of the model's six classes.
    """
    random = np.random.default_rng(0)
    logits = random.standard_normal((clips, 6)).astype(np.float32) * 1.5
    if activation == "softmax":
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        truth = np.array([random.multinomial(1, row / row.sum()) for row in p.astype(float)], bool)
    else:
        truth = random.random((clips, 6)) < 1 / (1 + np.exp(-logits))
    truth = truth[:, :known]
    kept = truth.any(axis=1)
    found = [
        LabelledClip(path=Path(f"{i}.wav"), label=own[0], also=tuple(own[1:]))
        for i, row in enumerate(truth[kept])
        if (own := [name for name, there in zip(NAMES, row) if there])
    ]
    return Answers(
        labels=NAMES,
        activation=activation,
        temperature=1.0,
        dataset=Dataset(
            name="drawn",
            clips=tuple(found),
            labels=NAMES[:known],
            multi_label=activation == "sigmoid",
        ),
        window_logits=logits[kept] * heat,
        starts=np.arange(kept.sum()),
        embeddings=logits[kept],
        unreadable=(),
    )


@pytest.mark.parametrize("heat", (0.4, 1.0, 2.5))
def test_a_softmax_model_finds_how_much_too_sure_it_was(heat: float) -> None:
    found = calibrate(answers("softmax", heat))
    assert found.temperature == pytest.approx(heat, rel=0.06)
    assert found.loss <= found.loss_before
    assert found.ece < 0.03  # what 4,000 draws leave
    if heat != 1.0:
        assert found.ece_before > 0.05


def test_a_sigmoid_model_too() -> None:
    """Clips without any class are no part of a dataset, which moves the best temperature a bit."""
    found = calibrate(answers("sigmoid", 3.0))
    assert found.temperature == pytest.approx(3.0, rel=0.1)
    assert found.loss < found.loss_before
    assert found.ece < found.ece_before / 3


def test_no_temperature_has_a_lower_loss() -> None:
    """Against a grid, with clips of two windows."""
    whole = answers("sigmoid", 2.0, clips=400)
    half = len(whole.dataset) // 2
    paired = replace(
        whole,
        dataset=replace(whole.dataset, clips=whole.dataset.clips[: 2 * half : 2]),
        window_logits=whole.window_logits[: 2 * half],
        starts=np.arange(0, 2 * half, 2),
        embeddings=whole.embeddings[:half],
    )
    found = calibrate(paired)
    truth = paired.dataset.truth

    def loss(temperature: float) -> float:
        p = paired.probabilities(temperature)
        return float(-np.log(np.where(truth, p, 1 - p)).mean())

    grid = np.geomspace(0.5, 15, 120)
    best = grid[int(np.argmin([loss(t) for t in grid]))]
    assert found.temperature == pytest.approx(best, rel=0.04)
    assert found.loss == pytest.approx(loss(found.temperature), rel=1e-4)
    assert found.loss_before == pytest.approx(loss(1.0), rel=1e-4)


def test_of_classes_that_the_dataset_lacks_a_sigmoid_model_is_not_asked() -> None:
    part = answers("sigmoid", 2.0, known=3)
    others = part.window_logits.copy()
    others[:, 3:] = 9.0
    assert calibrate(replace(part, window_logits=others)) == calibrate(part)


def test_the_answers_own_temperature_plays_no_part() -> None:
    warm = answers("softmax", 2.0)
    assert calibrate(replace(warm, temperature=5.0)) == calibrate(warm)


def test_the_evaluation_has_the_same_errors() -> None:
    warm = answers("softmax", 2.5, clips=500)
    found = calibrate(warm)
    told = judge("drawn", replace(warm, temperature=found.temperature))
    values = {figure.key: figure.value for figure in told.figures}
    assert values["ece"] == pytest.approx(found.ece)
    assert values["ece_uncalibrated"] == pytest.approx(found.ece_before)


def test_clips_that_cannot_tell_a_temperature() -> None:
    sure = answers("softmax", 1.0, clips=200)
    targets = np.array(sure.dataset.targets)
    perfect = np.where(np.arange(6) == targets[:, None], 5.0, -5.0).astype(np.float32)
    with pytest.raises(DatasetError, match="ask for a temperature beyond .* not heard"):
        calibrate(replace(sure, window_logits=perfect))


def test_a_softmax_has_one_class_a_clip() -> None:
    several = replace(answers("sigmoid", 1.0, clips=50), activation="softmax")
    with pytest.raises(DatasetError, match="clips of several classes and the model gives one"):
        calibrate(several)


@pytest.mark.parametrize("dtype", (torch.float16, torch.float32))
def test_a_calibrated_file_differs_by_its_temperature_alone(
    tmp_path: Path, dtype: torch.dtype
) -> None:
    before = checkpoints.load(
        save_network(tmp_path / "before.safetensors", randomised(TINY), dtype=dtype)
    )
    checkpoints.rewrite(tmp_path / "after.safetensors", replace(before, temperature=1.5))
    after = checkpoints.load(tmp_path / "after.safetensors")
    assert after.temperature == 1.5
    assert (after.labels, after.config, after.front_end) == (
        before.labels,
        before.config,
        before.front_end,
    )
    assert (after.activation, dict(after.card)) == (before.activation, dict(before.card))
    for key, value in before.network.state_dict().items():
        assert torch.equal(after.network.state_dict()[key], value)
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("before", "after")]
    assert abs(sizes[0] - sizes[1]) < 200
    clip = noise(0.5)
    one, two = (Predictor(c, device="cpu").analyze(clip, RATE) for c in (before, after))
    np.testing.assert_array_equal(one.logits, two.logits)
    np.testing.assert_allclose(two.probabilities, 1 / (1 + np.exp(-one.logits / 1.5)), rtol=1e-5)


def test_a_calibration_is_a_value() -> None:
    found = calibrate(answers("softmax", 1.0, clips=100))
    assert isinstance(found, Calibration)
    assert found.clips == 100
