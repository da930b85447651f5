"""The lab from the command line: train, pre-train, evaluate, and refuse in one line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from passt_core.cli import main
from passt_core.network import checkpoints
from tests.sounds import noise, tone, write

SMALL = (
    "dim=32 depth=1 heads=2 epochs=2 batch_size=2 shortest_s=0.4 longest_s=0.5 long_rate=0 "
    "precision=fp32 device=cpu least_clips=1"
).split()
CHOICES = [part for choice in SMALL for part in ("--set", choice)]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    root = tmp_path / "sounds"
    for index in range(3):
        for label, sound in (("Hum", tone(0.6)), ("Hiss", noise(0.6, seed=index))):
            (root / label).mkdir(parents=True, exist_ok=True)
            write(root / label / f"{index}.wav", sound)
    return root


def test_from_unlabelled_sounds_to_a_scored_model(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begun, made = tmp_path / "begun.safetensors", tmp_path / "made.safetensors"
    card = tmp_path / "card.json"
    card.write_text(json.dumps({"title": "hums"}), encoding="utf-8")
    assert main(["pretrain", str(dataset), "--out", str(begun), *CHOICES]) == 0
    training = ["train", str(dataset), "--out", str(made), "--start", str(begun)]
    assert main([*training, "--card", str(card), *CHOICES]) == 0
    found = checkpoints.load(made)
    assert found.labels == ("Hiss", "Hum")
    assert found.card["title"] == "hums"
    assert found.card["trained_on"] == "sounds, 6 clips"
    capsys.readouterr()
    assert main(["evaluate", str(dataset), "--model", str(made), "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores["clips"] == 6
    assert {"accuracy", "accuracy_all", "top_3", "recall_at_1", "map_at_10"} <= scores.keys()
    assert main(["evaluate", str(dataset), "--model", str(made), "--robustness"]) == 0
    printed = capsys.readouterr().out
    assert "mAP@10" in printed
    assert "padded to 10 s" in printed


def test_the_result_brings_its_card(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Data, classes with their clips, recipe and command: in the file and as Markdown."""
    rows = [f"{label}/{n}.wav,{label},{n}" for label in ("Hum", "Hiss") for n in range(3)]
    table = dataset / "clips.csv"
    table.write_text("\n".join(["filename,label,fold", *rows]), encoding="utf-8")
    made, log = tmp_path / "made.safetensors", tmp_path / "log.csv"
    (tmp_path / "recipe.yaml").write_text("batch_size: 2\ndim: 32\nheads: 2\n", encoding="utf-8")
    command = ["train", str(table), "--out", str(made), "--config", str(tmp_path / "recipe.yaml")]
    command += ["--validate", "1", *CHOICES]
    assert main([*command, "--hold-out", "2", "--log", str(log), "--markdown"]) == 0
    assert "validation accuracy" in capsys.readouterr().out
    card = checkpoints.load(made).card
    assert card["classes"] == {"Hiss": 1, "Hum": 1}
    assert card["trained_on"] == "clips, 2 clips"
    assert card["recipe"]["dim"] == 32
    assert {"accuracy", "map", "epoch"} == card["validation"].keys()
    assert card["command"].startswith(f"python -m passt_core train {table} --out {made} --hold-out")
    assert "--set precision=fp32" in card["command"]
    text = made.with_suffix(".md").read_text(encoding="utf-8")
    for told in ("| Hiss | 1 |", "batch_size: 2", "| accuracy |", "python -m passt_core train"):
        assert told in text
    assert len(log.read_text().splitlines()) == 3
    assert sorted(path.name for path in tmp_path.glob("*.safetensors")) == ["made.safetensors"]


def test_a_distilled_model_has_a_card_too(dataset: Path, tmp_path: Path) -> None:
    sounds = sorted(dataset.rglob("*.wav"))
    scores = np.repeat([[0.9, 0.1], [0.1, 0.9]], 3, axis=0)
    files = [str(path) for path in sounds]
    told = {"labels": ["Hiss", "Hum"], "files": files, "frames": [1] * 6, "scores": scores}
    np.savez(tmp_path / "said.npz", **told, window_s=0.6, hop_s=0.6)
    made = tmp_path / "made.safetensors"
    command = ["distill", str(tmp_path / "said.npz"), "--out", str(made), *CHOICES]
    assert main([*command, "--labelled", str(dataset)]) == 0
    card = checkpoints.load(made).card
    assert card["trained_on"] == "a teacher's scores of 6 sounds"
    assert f"--labelled {dataset}" in card["command"]


def test_tensorboard_gets_its_curves(dataset: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    command = ["train", str(dataset), "--out", str(tmp_path / "made.safetensors"), *CHOICES]
    assert main([*command, "--tensorboard", str(tmp_path / "curves")]) == 0
    events = EventAccumulator(str(tmp_path / "curves"))
    events.Reload()
    assert [point.step for point in events.Scalars("train/loss")] == [3, 6]
    assert {"train/learning_rate", "train/patchout"} <= set(events.Tags()["scalars"])


def test_tensorboard_that_is_not_there(
    dataset: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    command = ["train", str(dataset), "--out", str(tmp_path / "made.safetensors"), *CHOICES]
    assert main([*command, "--tensorboard", str(tmp_path / "curves")]) == 2
    error = capsys.readouterr().err
    assert "pip install tensorboard" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "epoch=3"], "'epoch' is no choice of a training; did you mean epochs"),
        (["--set", "epochs=three"], "epochs is 'three'; give a value of type int"),
        (["--set", "specaugment=1"], "specaugment is '1'; give true or false"),
        (["--hold-out", "9"], "no clips left for fold 9"),
        (["--card", "gone.json"], "gone.json cannot be read as a card"),
        (["--start", "gone"], "no model is called 'gone'"),
        (["--start", "bundled", "--deit", "deit.pth"], "begin from one of them"),
        (["--config", "gone.yaml"], "gone.yaml cannot be read as a config"),
        (["--validate", "loud"], "no clips left for fold loud"),
        (["--set", "early_stop=2"], "early_stop is 2 and no fold is there"),
    ],
)
def test_a_refusal_is_one_line_and_code_2(
    dataset: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    command = ["train", str(dataset), "--out", str(tmp_path / "made.safetensors"), *CHOICES]
    assert main([*command, *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "made.safetensors").exists()
