"""What a visitor has in hand: a model, a clip, and the window of it that is looked at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from passt_core.errors import AudioError
from passt_core.inference.analysis import ClipAnalysis
from passt_core.inference.listen import SplitSound, split
from passt_core.inference.predictor import Predictor, WindowProgress
from passt_core.network.patchout import PatchoutSpec
from passt_core.signal import audio
from passt_core.signal.decoding import Waveform


@dataclass(frozen=True, kw_only=True, eq=False)
class Hand:
    """A clip that was listened to, and one window of it.

    Attributes:
        predictor: the model that listened.
        path: the clip's file; title: what the page calls it.
        clip: the analysis of the whole clip.
        position: index of the window in hand.
        samples: the window's sound at the model's rate.
        window: the analysis of that window alone, with all its patches.
        masked: the same with some patches taken away.
    """

    predictor: Predictor
    path: Path
    title: str
    clip: ClipAnalysis
    position: int
    samples: Waveform
    window: ClipAnalysis
    masked: ClipAnalysis

    @property
    def start_s(self) -> float:
        """When the window begins in the clip, in seconds."""
        return self.clip.windows[self.position].start_s

    @property
    def end_s(self) -> float:
        """When the window ends in the clip, in seconds."""
        return self.start_s + self.window.duration_s


def open_clip(
    predictor: Predictor,
    path: str | Path,
    *,
    title: str | None = None,
    max_seconds: float,
    progress: WindowProgress | None = None,
) -> Hand:
    """Listen to a file and take its first window in hand.

    Raises:
        AudioError: not a clip that can be analysed, or longer than ``max_seconds``.
    """
    path = Path(path)
    check_length(path, max_seconds)
    clip = predictor.analyze_file(path, progress=progress)
    return _with_window(predictor, path, title or path.stem, clip, 0)


def check_length(path: Path, max_seconds: float) -> None:
    """Refuse a clip that is longer than this app is set up for.

    Raises:
        AudioError: longer than ``max_seconds``, or not readable at all.
    """
    duration = audio.info(path).duration_s
    if duration is not None and duration > max_seconds:
        raise AudioError(
            f"this clip lasts {duration / 60:.0f} min; the limit here is {max_seconds / 60:.0f} "
            "min: cut out a stretch, or set PASST_MAX_MINUTES where the app is started"
        )


def at_window(hand: Hand, position: int) -> Hand:
    """The same clip with another window in hand; the mask is taken off."""
    position = min(max(position, 0), len(hand.clip.windows) - 1)
    return _with_window(hand.predictor, hand.path, hand.title, hand.clip, position)


def with_mask(hand: Hand, spec: PatchoutSpec, seed: int) -> Hand:
    """The same window, heard without the patches that ``spec`` takes.

    Raises:
        PatchoutError: nothing would be left.
    """
    if spec.is_empty:
        return replace(hand, masked=hand.window)
    rate = hand.predictor.sample_rate
    return replace(hand, masked=hand.predictor.analyze(hand.samples, rate, spec, seed))


def sounds(hand: Hand) -> SplitSound:
    """What the mask leaves of the window's sound, and what it takes."""
    return split(hand.samples, hand.masked.grid, hand.masked.kept)


def _with_window(
    predictor: Predictor, path: Path, title: str, clip: ClipAnalysis, position: int
) -> Hand:
    rate = predictor.sample_rate
    if len(clip.windows) == 1:
        samples, window = audio.load(path, sample_rate=rate), clip
    else:
        chosen = clip.windows[position]
        samples = audio.load(
            path,
            start_s=chosen.start_s,
            duration_s=chosen.end_s - chosen.start_s,
            sample_rate=rate,
            silence_allowed=True,
        )
        window = predictor.analyze(samples, rate)
    return Hand(
        predictor=predictor,
        path=path,
        title=title,
        clip=clip,
        position=position,
        samples=samples,
        window=window,
        masked=window,
    )
