"""What data cannot be trained on, and odd data that can: each in one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from passt_core.cli import main
from passt_core.errors import DatasetError, TrainingError
from passt_core.lab import checks
from passt_core.lab.datasets import Dataset, load_dataset
from passt_core.lab.train import beginning, deit, train
from passt_core.network.model import PasstConfig
from tests.labs import QUICK, tones_and_noises
from tests.sounds import noise, tone, write
from tests.test_checkpoints import deit as deit_weights

ONCE = replace(QUICK, epochs=1, batch_size=2)


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return tones_and_noises(tmp_path_factory.mktemp("tones"), each=4)


def listed(folder: Path, *rows: str, header: str = "filename,label,fold,source") -> Path:
    """A CSV of clips, each of them the same short sound."""
    for row in rows:
        write(folder / row.split(",")[0], noise(0.6))
    table = folder / "clips.csv"
    table.write_text("\n".join([header, *rows]), encoding="utf-8")
    return table


def refused(capsys: pytest.CaptureFixture[str], table: Path, *arguments: str) -> str:
    """The one line that ``train`` says."""
    out = table.parent / "made.safetensors"
    choices = ["--set", "epochs=1", "--set", "batch_size=2", "--set", "dim=32", "--set", "heads=2"]
    assert main(["train", str(table), "--out", str(out), *choices, *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert not out.exists()
    return error


def test_a_class_with_one_clip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = listed(tmp_path, "a.wav,hum,,", "b.wav,hum,,", "c.wav,hiss,,")
    error = refused(capsys, table)
    assert "class 'hiss' of clips has 1 clip to train on; every class needs 2" in error
    assert "least_clips=1" in error
    checks.require_trainable(load_dataset(table), replace(ONCE, least_clips=1))


def test_a_class_that_is_only_in_the_fold_held_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ("a.wav,hum,1,", "b.wav,hum,1,", "c.wav,hiss,2,", "d.wav,hum,2,")
    error = refused(capsys, listed(tmp_path, *rows), "--hold-out", "2")
    assert "class 'hiss' of clips has no clip to train on" in error
    assert "hold out another fold" in error


def test_labels_that_no_file_has(tones: Dataset) -> None:
    table = tones.clips[0].path.parent / "clips.csv"
    with pytest.raises(DatasetError, match="no clip of clips has the label bell; every class need"):
        load_dataset(table, labels=("bell", "noise", "tone"))


def test_a_fold_that_leaks_a_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = ("a.wav,hum,1,tape", "b.wav,hum,2,tape", "c.wav,hiss,1,disc", "d.wav,hiss,2,reel")
    for option in ("--hold-out", "--validate"):
        error = refused(capsys, listed(tmp_path, *rows), option, "2")
        assert "clips in more than one fold (tape)" in error


def test_a_fold_cannot_choose_and_be_unseen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ("a.wav,hum,1,", "b.wav,hum,2,", "c.wav,hiss,1,", "d.wav,hiss,2,")
    error = refused(capsys, listed(tmp_path, *rows), "--hold-out", "2", "--validate", "2")
    assert "a fold that chooses an epoch is not unseen" in error


def test_several_labels_want_bce(tmp_path: Path) -> None:
    rows = ("a.wav,hum;hiss", "b.wav,hum", "c.wav,hiss", "d.wav,hiss")
    clips = load_dataset(listed(tmp_path, *rows, header="filename,labels"))
    with pytest.raises(DatasetError, match="1 clips of clips have several labels and loss is 'ce'"):
        train(clips, replace(ONCE, loss="ce"))
    trained = train(clips, ONCE)
    assert trained.clips == {"hiss": 3, "hum": 2}


def test_files_of_several_lengths_and_rates(tmp_path: Path) -> None:
    for index, (rate, seconds) in enumerate([(8_000, 0.3), (44_100, 2.0), (48_000, 0.05)]):
        for label, sound in (("hum", tone), ("hiss", noise)):
            (tmp_path / label).mkdir(exist_ok=True)
            write(tmp_path / label / f"{index}.wav", sound(seconds, rate=rate), rate)
    trained = train(load_dataset(tmp_path), ONCE)
    assert trained.losses[0] < 1.0
    assert trained.clips == {"hiss": 3, "hum": 3}


def test_batches_that_do_not_divide() -> None:
    checks.require_divisible(3, replace(ONCE, batch_size=5), 1)
    for clips, size in ((30, 5), (3, 4)):
        with pytest.raises(TrainingError, match="for 2 processes .* use a multiple of 2"):
            checks.require_divisible(clips, replace(ONCE, batch_size=size), 2)


def test_a_device_that_is_not_there(tones: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TrainingError, match="device is 'cuda' and 0 CUDA devices are there"):
        train(tones, replace(ONCE, device="cuda"))
    with pytest.raises(TrainingError, match="device is 'tpu'; use one of auto, cpu, cuda"):
        train(tones, replace(ONCE, device="tpu"))


def test_a_start_from_deit(tmp_path: Path, tones: Dataset) -> None:
    config = replace(ONCE, dim=64, depth=1, heads=1, learning_rate=1e-9)
    source = deit_weights()
    torch.save({"model": source}, tmp_path / "deit.pth")
    start = deit(tmp_path / "deit.pth", config)
    network, _ = beginning(tones.labels, config, start)
    assert network.config == PasstConfig(
        dim=64, depth=1, heads=1, stride_freq=16, stride_time=16, classes=2
    )
    trained = train(tones, config, start=start).network.state_dict()
    torch.testing.assert_close(
        trained["blocks.0.attn.qkv.weight"], source["blocks.0.attn.qkv.weight"]
    )
