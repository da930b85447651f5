"""ONNX files say what the network says, at every length, and are put in place only then."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from passt_core.cli import main
from passt_core.errors import CheckpointError, PasstError
from passt_core.inference import onnx_export
from passt_core.inference.predictor import Predictor
from passt_core.network import checkpoints
from tests.sounds import RATE, TINY, noise, randomised, save_network, tone

onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
pytest.importorskip("onnxscript", reason="onnxscript is not installed")

TOLERANCE = 1e-4
SHORT = replace(TINY, depth=1, frames=200)
"""Windows of 2 s, for which everything is quick."""


def session(path: Path) -> Any:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def exported(folder: Path, **about: Any) -> tuple[Path, Predictor]:
    network = about.pop("network", None) or randomised(SHORT)
    path = save_network(folder / "small.safetensors", network, **about)
    onnx_export.export(folder / "small.onnx", checkpoints.load(path))
    return folder / "small.onnx", Predictor.from_checkpoint(path, device="cpu")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Predictor]:
    return exported(tmp_path_factory.mktemp("onnx"), temperature=0.7)


def ask(path: Path, sounds: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
    answers = session(path).run(onnx_export.OUTPUTS, {onnx_export.INPUT: sounds})
    return dict(zip(onnx_export.OUTPUTS, answers, strict=True))


def assert_same(path: Path, predictor: Predictor, seconds: float) -> None:
    """The file in onnxruntime, and what a user of the package is told of the same sound."""
    clips = [noise(seconds, seed=1) + tone(seconds, amplitude=0.2), tone(seconds, hz=3000)]
    answers = ask(path, np.stack(clips))
    for index, clip in enumerate(clips):
        analysis = predictor.analyze(clip, RATE)
        assert len(analysis.windows) == 1
        for name in onnx_export.OUTPUTS:
            wanted = getattr(analysis, name)
            np.testing.assert_allclose(answers[name][index], wanted, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("seconds", (4801 / RATE, 0.2, 0.3101, 1.0, 1.4567, 1.9999, 2.0))
def test_every_length_agrees(seconds: float, small: tuple[Path, Predictor]) -> None:
    assert_same(*small, seconds)


def test_other_networks_agree(tmp_path: Path) -> None:
    """A stem of convolutions, a block that is run twice, no dist token, one class a clip."""
    changes = {"stem": "conv", "depth": 2, "share": 2, "distilled": False}
    network = randomised(replace(SHORT, **changes))
    path, predictor = exported(tmp_path, network=network, activation="softmax")
    for seconds in (0.2, 2.0):
        assert_same(path, predictor, seconds)
    probabilities = ask(path, noise(1.0)[None])["probabilities"]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-5)


@pytest.mark.slow
def test_the_layout_of_the_published_ones_agrees(tmp_path: Path) -> None:
    """As wide and as finely cut as PaSST-S, from a bare file; depth adds more of the same."""
    shape = {"dim": 768, "heads": 12, "stride_freq": 10, "stride_time": 10, "classes": 527}
    network = randomised(replace(TINY, depth=1, **shape))
    torch.save(network.state_dict(), tmp_path / "published.pt")
    checkpoint = checkpoints.load(tmp_path / "published.pt")
    found = onnx_export.export(tmp_path / "published.onnx", checkpoint)
    assert found.largest < TOLERANCE
    assert (1, 10 * RATE) in found.shapes


def test_the_file_says_what_it_is(small: tuple[Path, Predictor]) -> None:
    path, predictor = small
    about = session(path).get_modelmeta().custom_metadata_map
    assert json.loads(about["labels"]) == list(predictor.labels)
    assert (about["sample_rate"], about["sha256"]) == ("32000", predictor.checkpoint.sha256)
    assert (about["least_samples"], about["most_samples"]) == ("4801", "64000")
    assert (about["activation"], about["temperature"]) == ("sigmoid", "0.7")
    assert json.loads(about["card"])["trained_on"] == "nothing"
    [waveform] = session(path).get_inputs()
    assert waveform.shape == ["batch", "samples"]


def test_silence_and_noise_beyond_full_scale_are_finite(small: tuple[Path, Predictor]) -> None:
    for sound in (np.zeros(RATE, np.float32), 10 * noise(1.0)):
        for answer in ask(small[0], sound[None]).values():
            assert np.isfinite(answer).all()


@pytest.mark.parametrize("samples", (4800, 66_241, 3 * RATE))
def test_a_length_that_the_network_does_not_take_is_an_error(
    samples: int, small: tuple[Path, Predictor]
) -> None:
    with pytest.raises(Exception, match="ONNXRuntimeError"):
        ask(small[0], np.zeros((1, samples), np.float32))


# --- the command -----------------------------------------------------------------------------


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


@pytest.mark.slow
def test_the_bundled_model_is_written_by_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "bundled.onnx"
    assert run("export", "bundled", "--out", out) == 0
    told = capsys.readouterr().out
    assert "10 s at 32000 Hz" in told
    assert "largest difference" in told
    assert [path.name for path in out.parent.iterdir()] == ["bundled.onnx"]
    assert_same(out, Predictor.from_checkpoint("bundled", device="cpu"), 10.0)


def test_what_differs_is_not_written(
    small: tuple[Path, Predictor],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What is compared is a file of other weights, as if the exporter had erred."""
    out = tmp_path / "mine.onnx"
    out.write_bytes(b"before")
    path = save_network(tmp_path / "other.safetensors", randomised(SHORT, seed=1))
    monkeypatch.setattr(onnx_export, "_write", lambda path, *_: shutil.copyfile(small[0], path))
    assert run("export", path, "--out", out, "--force") == 2
    assert "mine.onnx would differ from other by" in capsys.readouterr().err
    assert out.read_bytes() == b"before"
    assert not list(tmp_path.glob(".*"))


def test_a_difference_that_is_no_number_is_a_difference(small: tuple[Path, Predictor]) -> None:
    listener = onnx_export.Listener(small[1].checkpoint).eval()
    answers = [np.full((1, 7), np.nan), np.zeros((1, 7)), np.zeros((1, 32))]
    assert onnx_export._difference(answers, listener, noise(1.0)[None]) == np.inf


def test_a_file_that_is_no_model_is_told(tmp_path: Path, small: tuple[Path, Predictor]) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    with pytest.raises(CheckpointError, match="onnxruntime cannot run"):
        onnx_export.compare(tmp_path / "broken.onnx", small[1].checkpoint)


def test_a_network_that_cannot_be_traced_is_told(
    tmp_path: Path, small: tuple[Path, Predictor], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise RuntimeError("no such operator\nand a long story")

    monkeypatch.setattr(torch.export, "export", refused)
    with pytest.raises(CheckpointError, match=r"written as ONNX \(no such operator\)"):
        onnx_export.export(tmp_path / "small.onnx", small[1].checkpoint)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "message"),
    (("there.onnx", "is there already"), ("model.pt", "end in .onnx"), ("", "is there already")),
)
def test_a_wrong_place_is_refused_before_anything_is_done(
    name: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "there.onnx").write_bytes(b"before")
    assert run("export", "bundled", "--out", tmp_path / name) == 2
    assert message in capsys.readouterr().err
    assert (tmp_path / "there.onnx").read_bytes() == b"before"


def test_missing_packages_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(onnx_export, "find_spec", lambda name: None if "x" in name[-3:] else name)
    assert run("export", "bundled", "--out", tmp_path / "bundled.onnx") == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith("not installed: pip install onnx")
    with pytest.raises(PasstError):
        onnx_export.require_packages()
