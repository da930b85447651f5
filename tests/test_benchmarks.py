"""The benchmarks of training: what they say of the paper, and that their tables hold together."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from benchmarks import throughput, training, variants
from passt_core.lab.config import TrainConfig
from passt_core.network.lowered import available
from tests.sounds import TINY, noise, randomised, tone, write

TINY_CHOICES = (
    "dim=32 depth=2 heads=3 batch_size=4 shortest_s=0.4 longest_s=0.5 long_rate=0 frames=128 "
    "precision=fp32 dim=48 least_clips=1"
).split()


@pytest.fixture
def folds(tmp_path: Path) -> Path:
    root = tmp_path / "sounds"
    root.mkdir()
    rows = ["filename,label,fold"]
    for index in range(4):
        for label, sound in (("tone", tone(0.6)), ("noise", noise(0.6, seed=index))):
            write(root / f"{label}{index}.wav", sound)
            rows.append(f"{label}{index}.wav,{label},{1 + index % 2}")
    (root / "clips.csv").write_text("\n".join(rows), encoding="utf-8")
    return root


# --- patchout --------------------------------------------------------------------------------


def test_the_sequences_and_ratios_are_the_papers() -> None:
    whole, *rest = training.LARGE
    assert [setting.tokens for setting in training.LARGE] == [1190, 474, 254]
    assert [training.published(s, whole, "clips_per_second") for s in rest] == ["3.8x", "8.0x"]
    assert [training.published(whole, s, "gigabytes") for s in rest] == ["4.5x", "11.5x"]
    assert training.published(whole, training.Setting(shape=TINY), "gigabytes") == "-"


@pytest.mark.slow
def test_patchout_takes_less_memory(capsys: pytest.CaptureFixture[str]) -> None:
    shape = replace(TINY, dim=64, depth=3)
    settings = (training.Setting(shape=shape), training.Setting(shape=shape, time=52, freq=4))
    how = training.How(
        batch=8, steps=3, rounds=1, precision="fp32", attention="plain", device="cpu"
    )
    lines = list(training.rows("tiny", settings, how))
    assert [line[:3] for line in lines] == [("tiny", "498", "8"), ("tiny", "42", "8")]
    whole, thinned = lines
    assert (whole[4], whole[7]) == ("1.0x", "1.0x")
    assert float(thinned[3]) > 0.0
    assert float(thinned[7].removesuffix("x")) > 3.0
    assert whole[5] == thinned[8] == "-"


# --- variants --------------------------------------------------------------------------------


def test_variants_are_of_the_recipe_and_none_stands_twice() -> None:
    base = TrainConfig(stem="conv", depth=6)
    tuning = replace(base, epochs=10)
    listed = {variant.name: variant for variant in variants.variants(base, tuning)}
    assert next(iter(listed)) == "full"
    assert "convolutional stem" not in listed
    assert listed["linear stem"].recipe == replace(base, stem="linear")
    assert listed["one block for all"].recipe.share == 6
    assert listed["2/3 of the heads"].recipe.epochs == 10
    alone = {variant.name for variant in variants.variants(replace(base, depth=1), tuning)}
    assert not alone & {"blocks shared by two", "one block for all", "half of the blocks"}


def test_costs_are_told_without_a_dataset(capsys: pytest.CaptureFixture[str]) -> None:
    variants.main([part for choice in TINY_CHOICES for part in ("--set", choice)])
    lines = capsys.readouterr().out.splitlines()
    cells = {line.split("|")[1].strip(): line.split("|")[2:] for line in lines if "|" in line}
    told = {name: row[0].strip().replace(",", "") for name, row in cells.items()}
    parameters = {name: int(count) for name, count in told.items() if count.isdigit()}
    assert len(parameters) == 11
    assert parameters["blocks shared by two"] < parameters["full"]
    assert parameters["2/3 of the heads, 1/2 of the units"] < parameters["2/3 of the heads"]
    assert "No dataset was given" in lines[1]


@pytest.mark.slow
def test_variants_are_trained_once_scored_and_compared(
    folds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = tmp_path / "kept"
    only = ["blocks shared by two", "2/3 of the heads, 1/2 of the units"]
    command = [str(folds), "--folds", "1,2", "--epochs", "1", "--keep", str(keep)]
    command += [part for name in only for part in ("--only", name)]
    command += [part for choice in TINY_CHOICES for part in ("--set", choice)]
    variants.main(command)
    said = capsys.readouterr()
    assert said.err.count("training: ") == len(list(keep.iterdir())) == 6
    lines = {line.split("|")[1].strip(): line for line in said.out.splitlines() if "|" in line}
    assert set(lines) >= {"full", *only}
    for name in ("full", *only):
        scores = [float(score) for score in lines[name].split("|")[8].split()]
        assert len(scores) == 2
        assert float(lines[name].split("|")[6]) == pytest.approx(sum(scores) / 2, abs=1e-3)
    monkeypatch.setattr(variants, "train", None)  # all that is needed is there
    variants.main(command)
    again = capsys.readouterr()
    assert not again.err
    for line in (line for line in again.out.splitlines() if "full" in line and "|" in line[:2]):
        assert line.split("|")[6:] == lines[line.split("|")[1].strip()].split("|")[6:]


def test_an_unknown_variant_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="no such variant: deeper; there are"):
        variants.main(["--only", "deeper"])


def test_a_measure_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    how = training.How(
        batch=1, steps=1, rounds=1, precision="bf16", attention="fused", device="cpu"
    )
    setting = asdict(training.Setting(shape=replace(TINY, depth=1), time=60))
    training.answer(json.dumps({"setting": setting, "how": asdict(how)}))
    found = json.loads(capsys.readouterr().out)
    assert found["seconds"] > 0.0
    assert found["memory"] >= 0


# --- throughput ------------------------------------------------------------------------------


def test_every_case_is_asked_of_both_and_compared() -> None:
    pytest.importorskip("hear21passt", reason="hear21passt is not installed")
    network = randomised(replace(TINY, dim=64, heads=1, depth=1))
    small = replace(throughput.passt_s(network), name="small")
    lines = [
        line
        for case in throughput.cases(small, rounds=1, mixed=3, scene_s=12.0)
        for line in throughput.rows(small.name, case)
    ]
    here = available()
    assert [line[1] for line in lines[:: len(here)]] == [
        "10 s clip",
        "16 x 2 s",
        "mixed, one by one",
        "mixed, padded",
        "timestamps",
        "12 s scene",
    ]
    assert tuple(line[2] for line in lines[: len(here)]) == here
    for line in lines:
        assert min(float(line[3]), float(line[4])) > 0.0
        assert float(line[7]) > {"fp32": 0.99999, "bf16": 0.999, "int8": 0.99}[line[2]]


def test_an_answer_that_is_not_the_references_is_refused() -> None:
    right = torch.ones(1, 4)
    case = throughput.Case(
        name="wrong", reference=lambda: right, ours={"fp32": lambda: right + 0.01}, rounds=1
    )
    with pytest.raises(AssertionError, match="fp32 is off by 0.01"):
        list(throughput.rows("any", case))
