"""Training: it learns, it can be loaded, it repeats itself, and it stops when it must."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from passt_core.errors import DatasetError, TrainingError
from passt_core.inference.predictor import Predictor
from passt_core.lab.datasets import Dataset
from passt_core.lab.evaluate import evaluate
from passt_core.lab.optim import WeightMean
from passt_core.lab.pretrain import pretrain
from passt_core.lab.train import EpochReport, draw_kept, train
from passt_core.network.model import Passt
from tests.labs import QUICK, assert_equal, tones_and_noises
from tests.sounds import TINY


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Tones and noise, eight clips each, in two folds."""
    return tones_and_noises(tmp_path_factory.mktemp("tones"))


def test_a_training_learns_and_its_file_is_a_model(tones: Dataset, tmp_path: Path) -> None:
    reports: list[EpochReport] = []
    trained = train(tones.without(2), QUICK, progress=reports.append)
    assert [report.epoch for report in reports] == list(range(1, QUICK.epochs + 1))
    assert trained.losses[-1] < 0.7 * trained.losses[0]
    path = tmp_path / "tones.safetensors"
    trained.save(path, {"title": "tones", "trained_on": "sines"})
    predictor = Predictor.from_checkpoint(path, device="cpu")
    assert predictor.labels == ("noise", "tone")
    assert predictor.checkpoint.card["recipe"]["dim"] == QUICK.dim
    scores = evaluate(predictor, tones, fold=2)
    assert scores.clips == 8
    assert scores.accuracy == scores.accuracy_all >= 0.9
    assert scores.recall_at_1 >= 0.9
    assert scores.top_3 == 1.0
    assert sum(map(sum, scores.confusion)) == 8
    assert scores.to_dict()["classes"][0]["label"] == "noise"


@pytest.mark.parametrize("average", ["none", "swa"])
def test_a_training_repeats_itself(tones: Dataset, average: str) -> None:
    config = replace(QUICK, epochs=2, average=average, swa_epochs=1)
    torch.manual_seed(1)
    once = train(tones, config)
    torch.manual_seed(2)
    again = train(tones, config)
    assert once.losses == again.losses
    assert_equal(once.network, again.network)


@pytest.mark.parametrize("loss", ["bce", "ce"])
def test_a_training_goes_on_from_a_checkpoint(tones: Dataset, tiny: Predictor, loss: str) -> None:
    config = replace(QUICK, epochs=1, learning_rate=1e-9, loss=loss, depth=3)
    trained = train(tones, config, start=tiny.checkpoint)
    before, after = tiny.checkpoint.network.state_dict(), trained.network.state_dict()
    torch.testing.assert_close(after["norm.weight"], before["norm.weight"])
    assert after["head.1.weight"].shape == (2, TINY.dim)
    recipe = trained.card()["recipe"]
    assert (recipe["depth"], recipe["stride"]) == (TINY.depth, TINY.stride_time)
    assert config.activation == {"bce": "sigmoid", "ce": "softmax"}[loss]


def test_pretraining_gives_a_start(tones: Dataset) -> None:
    config = replace(QUICK, epochs=4, learning_rate=2e-3)
    found = pretrain([clip.path for clip in tones.clips], config)
    assert found.losses[-1] < found.losses[0]
    assert found.network.config == replace(TINY, classes=1)
    with pytest.raises(TrainingError, match="no sound file"):
        pretrain([], config)


def test_a_loss_that_is_not_finite_stops_the_training(tones: Dataset) -> None:
    config = replace(QUICK, learning_rate=1e30, warmup_epochs=0.0, clip_norm=1e30)
    with pytest.raises(TrainingError, match="the loss is nan in epoch 1.*lower the learning rate"):
        train(tones, config)


def test_a_clip_that_cannot_be_read(tones: Dataset, tmp_path: Path) -> None:
    bad = tmp_path / "text.wav"
    bad.write_text("no sound", encoding="utf-8")
    clips = (replace(tones.clips[0], path=bad), *tones.clips[1:])
    with pytest.raises(DatasetError, match=r"text\.wav"):
        train(replace(tones, clips=clips), QUICK)


def test_labels_that_the_model_does_not_know(tones: Dataset, tiny: Predictor) -> None:
    with pytest.raises(DatasetError, match="no class noise, tone .*such as 'Speech'"):
        evaluate(tiny, tones)


def test_means_of_weights() -> None:
    network = Passt(TINY)
    swa, ema = WeightMean(network, None), WeightMean(network, 0.9)
    for value in (1.0, 2.0, 3.0, 6.0):
        torch.nn.init.constant_(network.cls_token, value)
        swa.update(network)
        ema.update(network)
    assert float(swa.network.cls_token.mean()) == pytest.approx(3.0)
    assert 1.0 < float(ema.network.cls_token.mean()) < 6.0


def test_patchout_of_a_batch() -> None:
    generator = torch.Generator().manual_seed(0)
    off = replace(QUICK, patchout_time=0.0, patchout_freq=0.0, patchout_unstructured=0.0)
    assert draw_kept((8, 20), 4, off, generator) is None
    kept = draw_kept((8, 20), 4, QUICK, generator)
    assert kept is not None
    assert kept.shape[0] == 4
    assert 20 <= kept.shape[1] <= 160
    shared = draw_kept((8, 20), 4, replace(QUICK, patchout_per="batch"), generator)
    assert shared is not None
    assert shared.dim() == 1
