"""A narrowed model says of the classes that are left what it said before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from passt_core.cli import app, main
from passt_core.inference.predictor import Predictor
from tests.sounds import noise


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
