"""A stretch of a file, listened to as if it were a clip of its own."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from passt_core.errors import AudioError
from passt_core.inference.analysis import ClipAnalysis
from passt_core.inference.predictor import Predictor
from passt_core.signal import audio

QUIETEST_PEAK = 1e-5
"""Below it, a third of the last bit of 16, a stretch is what a resampler leaves of silence."""


def analyze_stretch(
    predictor: Predictor, path: str | Path, start_s: float, end_s: float | None = None
) -> ClipAnalysis:
    """Listen to a stretch of a file.

    Args:
        predictor: the model.
        path: the sound file.
        start_s: where the stretch begins, in seconds of the file.
        end_s: where it ends; None, or later than the file's end: there.

    Returns:
        What the model makes of the stretch alone; its times count from ``start_s``.

    Raises:
        AudioError: it is no stretch of the file, shorter than 25 ms or silent; or the file cannot
            be read.
    """
    name = Path(path).name
    check_stretch(start_s, end_s, audio.info(path).duration_s, name)
    samples = audio.load(
        path,
        start_s=start_s,
        duration_s=None if end_s is None else end_s - start_s,
        sample_rate=predictor.sample_rate,
        silence_allowed=True,
    )
    if np.abs(samples).max() < QUIETEST_PEAK:
        raise AudioError(
            f"{name} is silent {_between(start_s, end_s)}; choose a stretch that has a sound in it"
        )
    return predictor.analyze(samples, predictor.sample_rate)


def check_stretch(start_s: float, end_s: float | None, duration_s: float | None, name: str) -> None:
    """Hold a stretch against the file that it is of.

    Args:
        start_s: where the stretch begins, in seconds of the file.
        end_s: where it ends; None, or later than the file's end: there.
        duration_s: how long the file is; None: unknown.
        name: of the file, for a message.

    Raises:
        AudioError: it does not begin in the file, does not end after it begins, or is too short.
    """
    least = f"{1000 * audio.MIN_SECONDS:g} ms"
    if not (math.isfinite(start_s) and start_s >= 0.0):
        raise AudioError(f"a stretch cannot begin at {start_s:g} s; {name} begins at 0 s")
    if duration_s is not None and start_s >= duration_s:
        raise AudioError(
            f"the stretch begins at {start_s:g} s, and {name} lasts {duration_s:.2f} s; "
            "begin earlier"
        )
    if end_s is not None and not end_s > start_s:
        raise AudioError(
            f"the stretch begins at {start_s:g} s and ends at {end_s:g} s; "
            f"it must end after it begins, {least} later at least"
        )
    ends = [end for end in (end_s, duration_s) if end is not None]
    length = min(ends, default=math.inf) - start_s
    if length < audio.MIN_SECONDS:
        raise AudioError(
            f"the stretch {_between(start_s, end_s)} lasts {1000 * length:.3g} ms; "
            f"the model needs at least {least} of sound: choose a longer one"
        )


def _between(start_s: float, end_s: float | None) -> str:
    end = "its end" if end_s is None else f"{end_s:g} s"
    return f"from {start_s:g} s to {end}"
