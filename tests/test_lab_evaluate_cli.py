"""``evaluate`` and ``calibrate`` from the command line, and their refusals in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from passt_core.cli import main
from passt_core.inference.predictor import Predictor
from passt_core.lab import baselines as lab
from passt_core.network import checkpoints
from passt_core.network.labels import label_set
from passt_core.network.lowered import available
from tests.sounds import TINY, noise, randomised, save_network, tone, write

NAMES = label_set("audioset")[:3]
"""Three of the seven classes of ``tiny_checkpoint``."""
Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve clips in two folds; one source is in both, and one clip is no sound."""
    root = tmp_path_factory.mktemp("set")
    lines = ["filename,label,fold,source"]
    for index in range(12):
        sound = noise(0.3, seed=index) if index % 2 else tone(0.3, hz=90.0 * (index + 1))
        write(root / f"{index}.wav", sound)
        lines.append(f'{index}.wav,"{NAMES[index % 3]}",{1 + index // 6},{index % 10}')
    (root / "broken.wav").write_bytes(b"no sound")
    lines.append(f'broken.wav,"{NAMES[0]}",2,broken')
    path = root / "clips.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_everything_at_once(
    table: Path,
    tiny_checkpoint: Path,
    tmp_path: Path,
    capsys: Captured,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lab, "_TREES", 5)
    targets = [tmp_path / f"scores{ending}" for ending in (".html", ".md", ".json")]
    command = ["evaluate", str(table), "--model", str(tiny_checkpoint), "--fold", "2"]
    command += ["--baselines", "--robustness", "--resamples", "20"]
    for target in targets:
        command += ["--report", str(target)]
    assert main(command) == 0
    captured = capsys.readouterr()
    for told in ("F1, macro", "ECE without temperature", "bag-of-codes MLP", "recorded at 8 kHz"):
        assert told in captured.out
    assert "note: 2 sources have clips in more than one fold (0, 1)" in captured.err
    assert "not scored: " in captured.err
    assert "broken.wav" in captured.err
    for target in targets:
        assert f"report: {target}" in captured.err
    scores = json.loads(targets[2].read_text(encoding="utf-8"))
    assert (scores["clips"], scores["fold"], len(scores["unreadable"])) == (6, 2, 1)
    assert len(scores["baselines"]) == 3
    assert targets[0].read_text(encoding="utf-8").startswith("<!doctype html>")
    assert main(command) == 2
    assert "is there already; name another file, or use --force" in capsys.readouterr().err


def test_a_split_by_its_name_and_labels_that_are_not_known(
    table: Path, tiny_checkpoint: Path, capsys: Captured
) -> None:
    rows = table.read_text(encoding="utf-8").replace(",fold,", ",split,").splitlines()[:-1]
    rows = [row.replace(",1,", ",dev,").replace(",2,", ",test,") for row in rows]
    rows[-1] = rows[-1].replace(NAMES[2], "Theremin")
    named = table.with_name("splits.csv")
    named.write_text("\n".join(rows), encoding="utf-8")
    model = ["--model", str(tiny_checkpoint), "--resamples", "0"]
    assert main(["evaluate", str(named), *model, "--fold", "test"]) == 2
    error = capsys.readouterr().err
    assert "no class Theremin" in error
    assert "--known-only" in error
    command = ["evaluate", str(named), *model, "--fold", "test", "--known-only", "--json"]
    assert main(command) == 0
    captured = capsys.readouterr()
    scores = json.loads(captured.out)
    assert (scores["fold"], scores["clips"], scores["left_out"]) == ("test", 5, ["Theremin"])
    assert scores["figures"][0]["by_clip"] is None
    assert "1 classes are unknown to the model (Theremin)" in captured.err


def test_reports_tell_precision_and_merging(
    table: Path, tiny_checkpoint: Path, tmp_path: Path, capsys: Captured
) -> None:
    if "int8" not in available():
        pytest.skip("this CPU has no products in int8")
    targets = [tmp_path / f"scores{ending}" for ending in (".html", ".md", ".json")]
    command = ["evaluate", str(table), "--model", str(tiny_checkpoint), "--resamples", "0"]
    command += ["--precision", "int8", "--keep-tokens", "0.5"]
    for target in targets:
        command += ["--report", str(target)]
    assert main(command) == 0
    for told in (capsys.readouterr().out, *(path.read_text("utf-8") for path in targets[:2])):
        assert "int8" in told
        assert "merged to 50.0%" in told
    scores = json.loads(targets[2].read_text("utf-8"))
    assert (scores["precision"], scores["keep_tokens"]) == ("int8", 0.5)


def test_calibrate_writes_the_model_with_a_temperature(
    table: Path, tmp_path: Path, capsys: Captured
) -> None:
    """Clips named as the model names them, but for every fourth: it is right 3 times in 4."""
    soft = save_network(tmp_path / "soft.safetensors", randomised(TINY), activation="softmax")
    predictor = Predictor.from_checkpoint(soft, device="cpu")
    lines = ["filename,label", f'broken.wav,"{NAMES[0]}"']
    for index in range(12):
        best = predictor.analyze_file(table.with_name(f"{index}.wav")).top_k(2)
        lines.append(f'{index}.wav,"{best[index % 4 == 3].label}"')
    named = table.with_name("named.csv")
    named.write_text("\n".join(lines), encoding="utf-8")
    out = tmp_path / "calibrated.safetensors"
    command = ["calibrate", str(named), "--model", str(soft), "--out", str(out)]
    assert main([*command, "--json"]) == 0
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert told["clips"] == 12
    assert told["loss"] < told["loss_before"]
    assert "left out: " in captured.err
    assert checkpoints.load(out).temperature == told["temperature"] != 1.0
    assert main(command) == 2
    assert "use --force" in capsys.readouterr().err
    assert main([*command, "--force"]) == 0
    printed = capsys.readouterr().out
    assert "temperature" in printed
    assert "was" in printed
    again = ["evaluate", str(named), "--model", str(out), "--resamples", "0", "--json"]
    assert main(again) == 0
    scores = json.loads(capsys.readouterr().out)
    figures = {figure["key"]: figure["value"] for figure in scores["figures"]}
    assert figures["ece"] == pytest.approx(told["ece"])
    assert figures["ece_uncalibrated"] == pytest.approx(told["ece_before"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "TABLE", "--fold", "7"], "fold 7; its folds are 1, 2"),
        (["evaluate", "TABLE", "--fold", "test"], "fold test; its folds are 1, 2"),
        (["evaluate", "TABLE", "--layout", "folders"], "is a file; the layout folders"),
        (["evaluate", "TABLE", "--layout", "wav"], "layout is 'wav'; use one of"),
        (["evaluate", "gone"], "gone is neither a folder nor a file"),
        (["evaluate", "TABLE", "--report", "scores.pdf"], "ends in '.pdf'"),
        (["evaluate", "TABLE", "--resamples", "-1"], "--resamples"),
        (["calibrate", "TABLE", "--out", "model.pt"], "let its name end in .safetensors"),
        (["calibrate", "TABLE", "--out", "x.safetensors", "--fold", "9"], "no clips left"),
    ],
)
def test_a_refusal_is_one_line_and_code_2(
    table: Path, tiny_checkpoint: Path, capsys: Captured, arguments: list[str], message: str
) -> None:
    command = [str(table) if part == "TABLE" else part for part in arguments]
    assert main([*command, "--model", str(tiny_checkpoint)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
