"""A sound of any length → what a model hears along it, in growing snapshots."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from passt_core.errors import AudioError, PasstError
from passt_core.inference.analysis import WindowAnalysis
from passt_core.inference.overview import Overview
from passt_core.inference.predictor import Predictor
from passt_core.inference.windows import Windowing
from passt_core.network.model import PasstConfig
from passt_core.signal import audio
from passt_core.signal.decoding import Waveform
from passt_core.signal.mel import MelConfig

Floats = NDArray[np.float32]
Seconds = NDArray[np.float64]
T = TypeVar("T", bound=np.generic)

LEAST_WINDOW_S = PasstConfig.patch * MelConfig().frame_seconds
"""A patch of PaSST; of a network with larger patches, one of its own."""
SNAPSHOT_S = 0.5
"""Time from one snapshot to the next, so that a page that shows them keeps up."""
MOST_VALUES = 1 << 28
"""Probabilities that one timeline may hold: 1 GiB of them."""

_SILENCE = 1e-4
"""Digital silence has the same value in all cells of its log-mel; a resampler bends it less."""
_GRID = 1e-6
"""Part of a frame that a length may be off and still be called whole."""
_FIRST_ROWS = 64


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How a sound is cut for a timeline, in seconds.

    Attributes:
        window_s: length of a window, :data:`LEAST_WINDOW_S` to what the model takes at once.
        hop_s: from one window to the next, above 0 and at most a window; whole frames.
    """

    window_s: float = 2.0
    hop_s: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.window_s) and self.window_s >= LEAST_WINDOW_S):
            raise PasstError(
                f"windows of {self.window_s:g} s were asked for; "
                f"a model needs {LEAST_WINDOW_S:g} s or more: choose longer windows"
            )
        if not (math.isfinite(self.hop_s) and 0.0 < self.hop_s <= self.window_s):
            raise PasstError(
                f"a hop of {self.hop_s:g} s was asked for with windows of {self.window_s:g} s; "
                "it must be above 0 and no longer than a window, or sound would be left out"
            )

    def windowing(self, predictor: Predictor) -> Windowing:
        """The cut in samples.

        Raises:
            PasstError: the window is shorter than a patch or longer than the model's, or the hop
                not on whole frames.
        """
        self._check_window(predictor)
        front_end = predictor.checkpoint.front_end
        frames = round(self.hop_s / front_end.frame_seconds)
        if frames < 1 or abs(self.hop_s / front_end.frame_seconds - frames) > _GRID:
            nearest = max(1, frames) * front_end.frame_seconds
            raise PasstError(
                f"a hop of {self.hop_s:g} s was asked for; it must be whole frames of "
                f"{front_end.frame_seconds:g} s: choose {nearest:g}"
            )
        windowing = predictor.windowing
        length = min(windowing.length, round(self.window_s * predictor.sample_rate))
        return replace(
            windowing,
            length=max(length, windowing.least),
            hop=min(frames * front_end.hop, length),
        )

    def _check_window(self, predictor: Predictor) -> None:
        checkpoint = predictor.checkpoint
        least_s = checkpoint.config.patch * checkpoint.front_end.frame_seconds
        if self.window_s < least_s - _GRID:
            raise PasstError(
                f"windows of {self.window_s:g} s were asked for; {predictor.name} needs a patch, "
                f"{least_s:g} s or more: choose longer windows"
            )
        if self.window_s > predictor.window_s + _GRID:
            raise PasstError(
                f"windows of {self.window_s:g} s were asked for; {predictor.name} takes at most "
                f"{predictor.window_s:g} s at once: choose shorter windows"
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class Timeline:
    """What a model hears along a sound; a snapshot while it listens, the whole when done.

    Attributes:
        model: name of the checkpoint.
        labels: class names in head order, C of them.
        duration_s: seconds heard so far; the sound's length when done.
        total_s: seconds in all, as the file's header says; None: unknown.
        done: True if the sound was heard to its end.
        window_s, hop_s: length of a window and from one to the next, in seconds.
        starts, ends: of the windows, in seconds, (W,); the last is aligned to the sound's end.
        probabilities: of each class in each window, 0 to 1, (W, C); zeros in a silent window.
        silent: True where a window is digital silence, (W,).
        overview: normalised log-mel of the sound, (bands, K), K at most 4096: each column is the
            maximum over a stretch of time.
        overview_step_s: seconds of one column of it.
    """

    model: str
    labels: tuple[str, ...]
    duration_s: float
    total_s: float | None
    done: bool
    window_s: float
    hop_s: float
    starts: Seconds
    ends: Seconds
    probabilities: Floats
    silent: NDArray[np.bool_]
    overview: Floats
    overview_step_s: float

    def cells(self) -> Seconds:
        """Borders of the stretches that the windows speak for, in seconds, (W + 1,).

        A border lies half way between the centres of two windows; the first stretch begins with
        the sound and the last ends with it.
        """
        centres = (self.starts + self.ends) / 2
        between = (centres[1:] + centres[:-1]) / 2
        return np.concatenate([[0.0], between, [self.duration_s] if len(centres) else []])

    def top_classes(self, k: int) -> list[int]:
        """Places in the head of the k classes with the highest peak along the sound, best first."""
        peaks = self.probabilities.max(axis=0, initial=0.0)
        return [int(index) for index in np.argsort(-peaks, kind="stable")[: max(0, k)]]


def listen(
    predictor: Predictor,
    path: str | Path,
    pace: Pace | None = None,
    *,
    every_s: float = SNAPSHOT_S,
) -> Iterator[Timeline]:
    """Listen to a file of any length as it is read.

    Memory follows the windows and their probabilities, not the samples. Closing the generator
    closes the file.

    Args:
        predictor: the model.
        path: the sound file.
        pace: how it is cut; None: windows of two seconds, every second.
        every_s: least time between snapshots, in seconds of the clock.

    Yields:
        Snapshots that grow; the last has ``done``. They share what does not change.

    Raises:
        PasstError: the pace does not suit the model.
        AudioError: not a sound, too short, silent throughout, cut off or damaged on the way; what
            was heard until then came as a snapshot. The timeline would hold too many values.
    """
    windowing = (pace or Pace()).windowing(predictor)
    path = Path(path)
    total_s = audio.info(path).duration_s
    track = _Track(predictor, windowing, total_s)
    sound = _Sound(path, predictor.sample_rate)
    told = -math.inf
    with closing(sound.pieces(windowing)) as pieces:
        for window, mel in predictor.follow(pieces, windowing):
            track.add(window, mel)
            # Windows are heard several together: after the last of them, the next take a while.
            if track.count == sound.windows and time.monotonic() - told >= every_s:
                yield track.snapshot(sound.seconds)
                told = time.monotonic()
    if sound.samples:
        yield track.snapshot(sound.seconds, done=sound.fault is None)
    if sound.fault is not None:
        raise sound.fault


def listen_together(
    predictor: Predictor, sounds: Sequence[Waveform], pace: Pace | None = None
) -> Iterator[Timeline]:
    """Listen along sounds that are there: mono, (n,), at the model's rate.

    Their windows share encoder passes.

    Yields:
        The whole timeline of each, in their order.

    Raises:
        PasstError: the pace does not suit the model.
        AudioError: a timeline would hold too many values.
    """
    windowing = (pace or Pace()).windowing(predictor)
    together = predictor.follow_together(sounds, windowing)
    for samples, heard in zip(sounds, together, strict=True):
        duration_s = len(samples) / predictor.sample_rate
        track = _Track(predictor, windowing, duration_s)
        for window, mel in heard:
            track.add(window, mel)
        yield track.snapshot(duration_s, done=True)


class _Sound:
    """A file that is read once; a fault ends it, and is kept for when all before it is heard.

    Attributes:
        samples: that were read so far, at the rate that was asked for.
        windows: that were handed out to be heard.
        fault: why the file ended before its end; None: it did not.
    """

    def __init__(self, path: Path, rate: int) -> None:
        self.samples = 0
        self.windows = 0
        self.fault: AudioError | None = None
        self._path = path
        self._rate = rate

    @property
    def seconds(self) -> float:
        """How much was read so far."""
        return self.samples / self._rate

    def pieces(self, windowing: Windowing) -> Generator[Waveform, None, None]:
        """The samples, in pieces that each complete a window; the rest comes last."""
        held = np.zeros(0, np.float32)
        for block in self._blocks():
            held = np.concatenate([held, block])
            while len(held) >= (size := windowing.hop if self.windows else windowing.length):
                piece, held = held[:size], held[size:]
                self.windows += 1
                yield piece
        if len(held):
            yield held

    def _blocks(self) -> Iterator[Waveform]:
        """Mono samples as they are read."""
        read = audio.stream(self._path, sample_rate=self._rate)
        try:
            for block in audio.checked_stream(read, self._rate, name=self._path.name):
                self.samples += len(block)
                yield block
        except (AudioError, OSError) as error:
            self.fault = audio.unreadable(self._path, error)


class _Track:
    """A timeline that grows. Rows are only ever added: snapshots look at those that are there."""

    def __init__(self, predictor: Predictor, windowing: Windowing, total_s: float | None) -> None:
        self.count = 0
        self._predictor = predictor
        self._total_s = total_s
        rate = predictor.sample_rate
        self._window_s, self._hop_s = windowing.length / rate, windowing.hop / rate
        front_end = predictor.checkpoint.front_end
        self._overview = Overview(front_end.bands, front_end.frame_seconds)
        self._probabilities = np.zeros((0, len(predictor.labels)), np.float32)
        self._times = np.zeros((0, 2))
        self._silent = np.zeros(0, np.bool_)
        self._most = MOST_VALUES // len(predictor.labels)
        self._check_size(0 if total_s is None else int(total_s / self._hop_s))

    def add(self, window: WindowAnalysis, mel: Floats) -> None:
        if self.count == len(self._silent):
            self._grow(max(_FIRST_ROWS, 2 * self.count))
        silent = float(np.ptp(mel)) < _SILENCE
        self._silent[self.count] = silent
        self._times[self.count] = window.start_s, window.end_s
        if not silent:
            self._probabilities[self.count] = window.probabilities
        self._overview.add(window.start_s, mel)
        self.count += 1

    def snapshot(self, read_s: float, *, done: bool = False) -> Timeline:
        """What is there, of a sound of which so many seconds were read; ``done``: all of it."""
        starts, ends = self._times[: self.count].T.copy()
        heard_s = read_s if done else min(read_s, float(ends[-1]))
        overview, step_s = self._overview.picture(heard_s)
        return Timeline(
            model=self._predictor.name,
            labels=self._predictor.labels,
            duration_s=heard_s,
            total_s=self._total_s,
            done=done,
            window_s=self._window_s,
            hop_s=self._hop_s,
            starts=_frozen(starts),
            ends=_frozen(np.minimum(ends, heard_s)),  # a short sound is padded with silence
            probabilities=_frozen(self._probabilities[: self.count]),
            silent=_frozen(self._silent[: self.count]),
            overview=_frozen(overview),
            overview_step_s=step_s,
        )

    def _grow(self, rows: int) -> None:
        """New room for all, no more than a timeline may hold; snapshots keep the old one."""
        self._check_size(self.count + 1)
        rows = min(rows, self._most)
        self._probabilities = _longer(self._probabilities, rows)
        self._times = _longer(self._times, rows)
        self._silent = _longer(self._silent, rows)

    def _check_size(self, windows: int) -> None:
        if windows > self._most:
            raise AudioError(
                f"a window every {self._hop_s:g} s makes {windows} windows or more; a timeline "
                f"of {len(self._predictor.labels)} classes holds {self._most}: choose a longer "
                "hop, or cut the sound"
            )


def _longer(values: NDArray[T], rows: int) -> NDArray[T]:
    """The same with room for more rows, which take no memory until they are written."""
    grown = np.zeros((rows, *values.shape[1:]), values.dtype)
    grown[: len(values)] = values
    return grown


def _frozen(values: NDArray[T]) -> NDArray[T]:
    values = values.view()
    values.flags.writeable = False
    return values
