"""Scores on a held fold while a training runs, and stopping by them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from passt_core.errors import DatasetError, TrainingError
from passt_core.inference.predictor import Predictor
from passt_core.inference.windows import Windowing
from passt_core.lab.batches import Sounds
from passt_core.lab.datasets import Dataset
from passt_core.lab.logs import COLUMNS
from passt_core.lab.train import EpochReport, Traces, train
from passt_core.lab.validation import Validation
from passt_core.network.model import Passt
from passt_core.signal.mel import MelConfig, MelSpectrogram
from tests.labs import QUICK, assert_equal, tones_and_noises
from tests.sounds import RATE, noise, tone

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return tones_and_noises(tmp_path_factory.mktemp("tones"))


def validation_of(network: Passt, sounds: Sounds) -> Validation:
    front_end = MelConfig()
    windowing = Windowing.of(network.config, front_end)
    return Validation(sounds=sounds, mel=MelSpectrogram(front_end).eval(), windowing=windowing)


def test_clips_are_scored_as_the_predictor_scores_them(tiny: Predictor) -> None:
    waveforms = [noise(0.4), tone(2.0), noise(1.0, seed=3), tone(2.0, hz=500), noise(10.0)]
    sounds = Sounds(waveforms=tuple(map(torch.from_numpy, waveforms)), targets=torch.eye(7)[:5])
    network = tiny.checkpoint.network
    logits = validation_of(network, sounds).logits(network, CPU)
    expected = np.stack([tiny.analyze(audio, RATE).logits for audio in waveforms])
    np.testing.assert_allclose(logits, expected, atol=1e-4)


def test_a_long_clip_is_the_mean_of_its_windows_and_a_short_one_is_filled(tiny: Predictor) -> None:
    long, short = noise(15.0), noise(0.01)
    network = tiny.checkpoint.network
    sounds = Sounds(
        waveforms=(torch.from_numpy(long), torch.from_numpy(short)), targets=torch.eye(7)[:2]
    )
    logits = validation_of(network, sounds).logits(network, CPU)
    parts = [tiny.analyze(part, RATE).logits for part in (long[: 10 * RATE], long[10 * RATE :])]
    np.testing.assert_allclose(logits[0], np.mean(parts, axis=0), atol=1e-4)
    assert logits.isfinite().all()


def test_scores_of_several_labels(monkeypatch: pytest.MonkeyPatch, tiny: Predictor) -> None:
    """Clip 0 is of classes 0 and 1, clip 1 of 2; said are 1 and 0: half right, by hand."""
    targets = torch.zeros(2, 7)
    targets[0, :2] = targets[1, 2] = 1
    said = torch.zeros(2, 7)
    said[0, 1] = said[1, 0] = 1.0
    network = tiny.checkpoint.network
    judged = validation_of(network, Sounds(waveforms=(), targets=targets))
    monkeypatch.setattr(Validation, "logits", lambda *_: said)
    scores = judged.scores(network, CPU)
    assert scores["accuracy"] == 0.5
    assert scores["map"] == pytest.approx(np.mean([0.5, 1.0, 0.5]))


def script(monkeypatch: pytest.MonkeyPatch, accuracies: list[float]) -> None:
    """Let the validation say what is written here."""
    told: Iterator[float] = iter(accuracies)
    monkeypatch.setattr(Validation, "scores", lambda *_: {"accuracy": next(told), "map": 0.0})


def test_it_stops_when_it_gets_no_better_and_keeps_the_best(
    tones: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, [0.5, 0.8, 0.8, 0.7])
    config = replace(QUICK, early_stop=2, average="none", schedule="constant")
    reports: list[EpochReport] = []
    trained = train(tones.without(2), config, validation=tones.only(2), progress=reports.append)
    assert [report.scores["accuracy"] for report in reports] == [0.5, 0.8, 0.8, 0.7]
    assert trained.scores == {"accuracy": 0.8, "map": 0.0, "epoch": 2}
    monkeypatch.undo()
    two = train(tones.without(2), replace(config, early_stop=0, epochs=2))
    assert trained.losses[:2] == two.losses
    assert_equal(trained.network, two.network)


def test_without_early_stop_a_score_chooses_nothing(
    tones: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, [0.9, 0.1])
    config = replace(QUICK, epochs=4, validate_every=2)
    trained = train(tones.without(2), config, validation=tones.only(2))
    assert len(trained.losses) == 4
    assert trained.scores == {"accuracy": 0.1, "map": 0.0, "epoch": 4}
    monkeypatch.undo()
    assert_equal(trained.network, train(tones.without(2), config).network)


def test_a_real_score_rises_and_is_logged(tones: Dataset, tmp_path: Path) -> None:
    log = tmp_path / "deep" / "log.csv"
    trained = train(
        tones.without(2),
        replace(QUICK, patchout_schedule="linear", metric="map"),
        validation=tones.only(2),
        traces=Traces(log=log),
    )
    with log.open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [int(row["epoch"]) for row in rows] == list(range(1, QUICK.epochs + 1))
    assert [float(row["loss"]) for row in rows] == list(trained.losses)
    assert int(rows[-1]["step"]) == QUICK.epochs * 2
    assert float(rows[-1]["map"]) > 0.9
    assert float(rows[-1]["map"]) == trained.scores["map"]
    levels = [float(row["patchout"]) for row in rows]
    assert levels == pytest.approx([(2 * n + 1) / (2 * QUICK.epochs) for n in range(QUICK.epochs)])


def test_a_validation_that_is_none(tones: Dataset) -> None:
    with pytest.raises(TrainingError, match="early_stop is 3 and no fold .* --validate"):
        train(tones, replace(QUICK, early_stop=3))
    with pytest.raises(DatasetError, match=r"8 of 8 clips to score on are .* such as tone1\.wav"):
        train(tones, QUICK, validation=tones.only(2))
    with pytest.raises(TrainingError, match="validation clips have the same classes"):
        train(tones.without(2), QUICK, validation=replace(tones.only(2), labels=("tone", "noise")))
    from_one = [replace(clip, source="tape") for clip in tones.clips]
    torn = replace(tones, clips=tuple(from_one))
    with pytest.raises(DatasetError, match=r"tone1\.wav of tape; a fold must be unheard"):
        train(torn.without(2), QUICK, validation=torn.only(2))
