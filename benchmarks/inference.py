"""Listening: the bundled model against the clock, our front end against the reference's.

``python -m benchmarks.inference``
"""

from __future__ import annotations

import contextlib
import io
import warnings

import numpy as np
import torch

from benchmarks._table import Row, in_turn, show
from passt_core import PatchoutSpec, Predictor
from passt_core.network.registry import BUNDLED_FILE
from passt_core.signal.mel import MelConfig, MelSpectrogram

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


def mel_rows() -> list[Row]:
    """Our front end against the reference's, on the same clip."""
    try:
        from hear21passt.models.preprocess import AugmentMelSTFT
    except ImportError:
        print("hear21passt is not installed (make test installs it); its row is left out.")
        return []
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = AugmentMelSTFT(fmin_aug_range=10, fmax_aug_range=2000).eval()
    ours, audio = MelSpectrogram(MelConfig()).eval(), torch.from_numpy(clip())[None]
    torch.testing.assert_close(ours(audio), theirs(audio), rtol=0, atol=1e-4)
    seconds, other = in_turn(4 * RUNS, lambda: ours(audio), lambda: theirs(audio))
    return [Row(what="mel front end", seconds=seconds, against="hear21passt", other=other, aim=1)]


def main() -> None:
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # the reference's own
        rows = [*bundled_rows(), *mel_rows()]
    print(f"{torch.get_num_threads()} threads, medians; spectrograms equal within 1e-4")
    show(rows)


if __name__ == "__main__":
    main()
