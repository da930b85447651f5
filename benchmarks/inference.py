"""Listening: the bundled model against the clock, our network against the reference's.

``python -m benchmarks.inference``
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks._table import Row, in_turn, show
from passt_core import PatchoutSpec, Predictor
from passt_core.network.registry import BUNDLED_FILE

RATE = 32_000
SECONDS = 10.0
RUNS = 5


def clip() -> np.ndarray:
    return (0.1 * np.random.default_rng(0).standard_normal(int(SECONDS * RATE))).astype("float32")


def bundled_rows() -> list[Row]:
    if not BUNDLED_FILE.is_file():
        print("The bundled checkpoint is not there; its rows are left out.")
        return []
    predictor, sound = Predictor.from_checkpoint(device="cpu"), clip()
    columns = predictor.checkpoint.config.columns(1000)
    half = PatchoutSpec(time=columns // 2)
    whole, masked = in_turn(
        4 * RUNS,
        lambda: predictor.analyze(sound, RATE),
        lambda: predictor.analyze(sound, RATE, half),
    )
    return [
        Row(
            what="analyze 10 s, bundled",
            seconds=whole,
            against="the audio's length",
            other=SECONDS,
            aim=1 / 20,
        ),
        Row(what="half of the columns", seconds=masked, against="all of them", other=whole, aim=1),
    ]


def reference_rows(stride: int) -> list[Row]:
    """PaSST-S with random weights, saved by the reference and loaded by us."""
    try:
        from hear21passt.models.passt import PaSST
        from hear21passt.models.preprocess import AugmentMelSTFT
    except ImportError:
        print("hear21passt is not installed (make test installs it); its rows are left out.")
        return []
    torch.manual_seed(0)
    theirs = PaSST(stride=(stride, stride), distilled=True, num_classes=527).eval()
    nn.init.normal_(theirs.head[1].weight, std=0.05)
    with contextlib.redirect_stdout(io.StringIO()):
        their_mel = AugmentMelSTFT(fmin_aug_range=10, fmax_aug_range=2000).eval()
    with tempfile.TemporaryDirectory() as folder:
        torch.save(theirs.state_dict(), Path(folder) / "net.pt")
        predictor = Predictor.from_checkpoint(Path(folder) / "net.pt", device="cpu")
    ours, our_mel = predictor.checkpoint.network, predictor._mel
    audio = torch.from_numpy(clip())[None]

    def their_answer() -> tuple[Tensor, Tensor]:
        return theirs(their_mel(audio).unsqueeze(1))

    def our_answer() -> tuple[Tensor, Tensor]:
        return ours(our_mel(audio))

    assert_same(our_answer(), their_answer())
    name = f"stride {stride}"
    pairs: list[tuple[str, Callable[[], object], Callable[[], object]]] = [
        (f"waveform to logits, {name}", our_answer, their_answer),
    ]
    if stride == 10:
        pairs.append(("mel front end", lambda: our_mel(audio), lambda: their_mel(audio)))
    rows = []
    for what, our, their in pairs:
        seconds, other = in_turn(RUNS, our, their)
        rows.append(Row(what=what, seconds=seconds, against="hear21passt", other=other, aim=1))
    return rows


def assert_same(ours: tuple[Tensor, Tensor], theirs: tuple[Tensor, Tensor]) -> None:
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their, rtol=0, atol=1e-4)


def main() -> None:
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # the reference's own
        with contextlib.redirect_stdout(io.StringIO()) as said:
            reference = [*reference_rows(16), *reference_rows(10)]
        rows = [*bundled_rows(), *reference]
    if not reference:
        print(said.getvalue().strip())
    print(f"{torch.get_num_threads()} threads, medians; equal to the reference within 1e-4")
    show(rows)


if __name__ == "__main__":
    main()
