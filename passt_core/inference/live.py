"""A sound that is still being made, as a microphone hands it on → what a model hears just now."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from passt_core.errors import AudioError
from passt_core.inference.predictor import Predictor
from passt_core.signal import audio
from passt_core.signal.decoding import Waveform

WINDOW_S = 2.0
"""What is heard at once; longer hears better, shorter is sooner."""
KEPT_S = 60.0
"""Moments are kept for so long."""
FLOOR_DB = -90.0
"""Levels below it are told as this: digital silence has none."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Rolling:
    """The last stretch of a sound that comes in blocks; nothing before it is held.

    The samples stay at the rate at which they come, and only the whole stretch is resampled: so
    there are no seams where blocks meet.

    Attributes:
        seconds: length of the stretch.
        samples: what was heard last, mono, (n,), at most ``seconds`` of it.
        sample_rate: its rate in Hz; 0: nothing came yet.
        heard_s: seconds that came in all.
    """

    seconds: float = WINDOW_S
    samples: Waveform = field(default_factory=lambda: np.zeros(0, np.float32))
    sample_rate: int = 0
    heard_s: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.seconds) and self.seconds >= audio.MIN_SECONDS):
            raise AudioError(
                f"a window of {self.seconds:g} s was asked for; "
                f"it must be {audio.MIN_SECONDS:g} s or longer"
            )

    def add(self, block: NDArray[np.generic], sample_rate: int) -> Rolling:
        """The stretch after another block.

        Args:
            block: (n,) or (n, channels); float in [-1, 1] or integers at full scale, 25 ms or more.
            sample_rate: its rate in Hz. Another one than before begins a new sound.

        Raises:
            AudioError: not a block of sound.
        """
        return self._after(
            audio.from_array(block, sample_rate, target_rate=sample_rate), sample_rate
        )

    def _after(self, mono: Waveform, sample_rate: int) -> Rolling:
        """The stretch after a block that was brought to mono."""
        before = self.samples if sample_rate == self.sample_rate else mono[:0]
        most = max(1, round(self.seconds * sample_rate))
        return replace(
            self,
            samples=np.concatenate([before, mono])[-most:],
            sample_rate=sample_rate,
            heard_s=self.heard_s + len(mono) / sample_rate,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Moment:
    """What was heard at a time.

    Attributes:
        at_s: end of the window, seconds since the beginning.
        probabilities: of each class, (C,); zeros where the window is digital silence.
        level_db: root mean square of the newest block, dB below full scale.
        peak_db: its highest sample, the same.
    """

    at_s: float
    probabilities: Floats
    level_db: float
    peak_db: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Live:
    """A sound that is being made: its last stretch, and what was heard in the last minute."""

    rolling: Rolling = field(default_factory=Rolling)
    moments: tuple[Moment, ...] = ()

    def hear(self, predictor: Predictor, block: NDArray[np.generic], sample_rate: int) -> Live:
        """Take another block, and listen to the last stretch.

        Raises:
            AudioError: not a block of sound.
        """
        newest = audio.from_array(block, sample_rate, target_rate=sample_rate)
        rolling = self.rolling._after(newest, sample_rate)
        # Of a longer window than the model's only the last one counts: what is heard is now.
        most = round(predictor.window_s * sample_rate)
        window = rolling.samples[-most:]
        probabilities = np.zeros(len(predictor.labels), np.float32)
        if window.any():
            probabilities = predictor.analyze(window, sample_rate).probabilities
        moment = Moment(
            at_s=rolling.heard_s,
            probabilities=probabilities,
            level_db=decibels(float(np.sqrt(np.mean(np.square(newest, dtype=np.float64))))),
            peak_db=decibels(float(np.abs(newest).max())),
        )
        since = rolling.heard_s - KEPT_S
        kept = tuple(before for before in self.moments if before.at_s > since)
        return Live(rolling=rolling, moments=(*kept, moment))


def decibels(amplitude: float) -> float:
    """An amplitude in [0, 1] → dB below full scale, not below :data:`FLOOR_DB`."""
    return max(FLOOR_DB, 20.0 * math.log10(amplitude)) if amplitude > 0 else FLOOR_DB
