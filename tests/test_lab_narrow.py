"""A narrowed model says of the classes that are left what it said before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from passt_core.cli import app, main
from passt_core.inference.predictor import Predictor
from passt_core.network import checkpoints
from tests.sounds import TINY, noise, randomised, save_network


def test_what_is_left_is_said_as_before(tiny_checkpoint: Path, tmp_path: Path) -> None:
    wide = Predictor.from_checkpoint(str(tiny_checkpoint), device="cpu")
    kept, listed, out = wide.labels[::-2], tmp_path / "kept.txt", tmp_path / "narrow.safetensors"
    listed.write_text("\n".join(kept))
    command = ["narrow", str(tiny_checkpoint), "--classes", str(listed), "--out", str(out)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output

    small = Predictor.from_checkpoint(str(out), device="cpu")
    assert small.labels == kept
    before, after = (p.analyze(noise(2.0), 32_000) for p in (wide, small))
    rows = [wide.labels.index(label) for label in kept]
    np.testing.assert_allclose(after.logits, before.logits[..., rows], atol=1e-2)
    np.testing.assert_allclose(after.embedding, before.embedding, atol=1e-2)


def test_weights_that_float16_does_not_hold_stay_what_they_are(tmp_path: Path) -> None:
    path = save_network(tmp_path / "wide.safetensors", randomised(TINY), dtype=torch.float32)
    wide, out = checkpoints.load(path), tmp_path / "narrow.safetensors"
    listed = tmp_path / "kept.txt"
    listed.write_text("\n".join(wide.labels))
    command = ["narrow", str(path), "--classes", str(listed), "--out", str(out)]
    assert CliRunner().invoke(app, command).exit_code == 0

    left = checkpoints.load(out).network.state_dict()
    for key, value in wide.network.state_dict().items():
        assert torch.equal(left[key], value), key


@pytest.mark.parametrize(
    ("lines", "told"),
    [(["Rain", "No such sound"], "does not know"), ([], "name two or more")],
)
def test_what_cannot_be_kept_is_told(
    tiny_checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    lines: list[str],
    told: str,
) -> None:
    listed = tmp_path / "kept.txt"
    listed.write_text("\n".join(lines))
    out = tmp_path / "narrow.safetensors"
    code = main(["narrow", str(tiny_checkpoint), "--classes", str(listed), "--out", str(out)])
    assert code == 2
    assert told in capsys.readouterr().err
    assert not out.exists()
