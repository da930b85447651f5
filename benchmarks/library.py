"""Embedding a library: as a build does it, against the same work done clip by clip.

``python -m benchmarks.library``
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import soundfile
import torch

from benchmarks._table import in_turn, show_cells
from passt_core import Predictor
from passt_core.library.embed import Heard, embed
from passt_core.library.manifest import BUNDLED_SOUNDS

CLIPS = 96
LONG_S = 180.0
RUNS = 3
TOLERANCE = 1e-4
HEAD = ("what", "clips/s", "against", "clips/s", "times as fast")


def clips_row(predictor: Predictor) -> tuple[str, ...]:
    """Clips of the bundled library, of 2 to 6 s, from their files."""
    every = sorted(BUNDLED_SOUNDS.glob("*.ogg"))
    paths = every[:: max(1, len(every) // CLIPS)][:CLIPS]
    files = {path.name: path for path in paths}

    def built() -> dict[str, np.ndarray]:
        found = {key: out for part in embed(files, predictor) for key, out in part.items()}
        return {key: out.units[0] for key, out in found.items() if isinstance(out, Heard)}

    def alone() -> dict[str, np.ndarray]:
        return {path.name: predictor.analyze_file(path).unit_embedding for path in paths}

    ours, theirs = built(), alone()
    for path in paths:
        np.testing.assert_allclose(ours[path.name], theirs[path.name], atol=TOLERANCE)
    seconds, other = in_turn(RUNS, built, alone)
    return _cells(f"{len(paths)} files of 2 to 6 s", len(paths), seconds, "one by one", other)


def long_row(predictor: Predictor) -> tuple[str, ...]:
    """One long recording, in stretches of a window."""
    rate = predictor.sample_rate
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.wav"
        noise = 0.1 * np.random.default_rng(0).standard_normal(int(LONG_S * rate))
        soundfile.write(path, noise.astype(np.float32), rate)
        starts = [window.start_s for window in predictor.stretches(path)]

        def stretches() -> list[np.ndarray]:
            return [window.embedding for window in predictor.stretches(path)]

        def alone() -> list[np.ndarray]:
            sound, _ = soundfile.read(path, dtype="float32")
            length = int(predictor.window_s * rate)
            cuts = [round(start * rate) for start in starts]
            return [predictor.embed(sound[cut : cut + length], rate) for cut in cuts]

        for our, their in zip(stretches(), alone(), strict=True):
            np.testing.assert_allclose(our, their, atol=TOLERANCE * np.abs(their).max() * 10)
        seconds, other = in_turn(RUNS, stretches, alone)
    what = f"{len(starts)} stretches of a file of {LONG_S:g} s"
    return _cells(what, len(starts), seconds, "one by one", other)


def _cells(what: str, clips: int, seconds: float, against: str, other: float) -> tuple[str, ...]:
    ours, theirs = clips / seconds, clips / other
    return (what, f"{ours:.1f}", against, f"{theirs:.1f}", f"{other / seconds:.2f}")


def main() -> None:
    predictor = Predictor.from_checkpoint(device="cpu")
    print(f"{torch.get_num_threads()} threads, medians; embeddings equal within {TOLERANCE:g}")
    show_cells(HEAD, [clips_row(predictor), long_row(predictor)])


if __name__ == "__main__":
    main()
