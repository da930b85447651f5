"""The lab from the command line: train, pre-train, evaluate, and refuse in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from passt_core.cli import main
from passt_core.network import checkpoints
from tests.sounds import noise, tone, write

SMALL = (
    "dim=32 depth=1 heads=2 epochs=2 batch_size=2 shortest_s=0.4 longest_s=0.5 long_rate=0 "
    "precision=fp32"
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "epoch=3"], "'epoch' is no choice of a training; did you mean epochs"),
        (["--set", "epochs=three"], "epochs is 'three'; give a value of type int"),
        (["--set", "specaugment=1"], "specaugment is '1'; give true or false"),
        (["--hold-out", "9"], "no clips left for fold 9"),
        (["--card", "gone.json"], "gone.json cannot be read as a card"),
        (["--start", "gone"], "no model is called 'gone'"),
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
