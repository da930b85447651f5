"""Any sound file → mono float32 at the model's rate.

Files are read in blocks and resampled by a soxr stream, so the memory in use follows what is asked
for and not the length of the file.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from passt_core.errors import AudioError
from passt_core.signal import decoding
from passt_core.signal.decoding import AudioInfo, Waveform

SAMPLE_RATE = 32_000
"""Rate that the models listen at, in Hz."""

MIN_RATE, MAX_RATE = 4_000, 384_000
MAX_CHANNELS = 32
MIN_SECONDS = 0.025
"""One spectrum window: a shorter sound has no spectrum to look at."""
MAX_PEAK = 16.0
"""Float samples are meant for [-1, 1]; 24 dB above that they are surely un-normalised integers."""

MARGIN_SECONDS = 0.1
"""Extra sound decoded around a stretch, so that the resampler has no edge inside it."""


def info(path: str | Path) -> AudioInfo:
    """Read a file's header.

    Raises:
        AudioError: the file is missing, empty, not a sound, or outside the supported limits.
    """
    path = _existing(path)
    found = decoding.header(path)
    _check_header(path.name, found)
    return found


def load(
    path: str | Path,
    *,
    start_s: float = 0.0,
    duration_s: float | None = None,
    sample_rate: int = SAMPLE_RATE,
    silence_allowed: bool = False,
) -> Waveform:
    """Read a file, or a stretch of it, as mono.

    Args:
        path: the sound file.
        start_s: where to begin, in seconds; what lies before is sought past, not decoded.
        duration_s: how much to read, in seconds; None reads to the end.
        sample_rate: rate of the result in Hz.
        silence_allowed: let digital silence through; a stretch of a longer clip may be silent.

    Returns:
        float32 samples, shape (n,), the mean of the channels.

    Raises:
        AudioError: not readable as sound, shorter than 25 ms, silent, with NaN or Inf samples, or
            cut off while it was read.
    """
    pieces = list(stream(path, start_s=start_s, duration_s=duration_s, sample_rate=sample_rate))
    audio = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    silent = not silence_allowed and not audio.any()
    _check_whole(audio.size, silent, sample_rate, Path(path).name)
    return audio


def stream(
    path: str | Path,
    *,
    start_s: float = 0.0,
    duration_s: float | None = None,
    sample_rate: int = SAMPLE_RATE,
) -> Iterator[Waveform]:
    """Read like :func:`load`, in blocks of about ten seconds; length and silence are not checked.

    Raises:
        AudioError: the file cannot be read as sound, has samples that no sound has, or became
            shorter while it was read.
    """
    if start_s < 0 or (duration_s is not None and duration_s <= 0):
        raise AudioError(
            f"a stretch from {start_s:g} s of {duration_s} s was asked for; "
            "start at 0 or later and take more than 0 s"
        )
    header = info(path)
    # On a whole sample of both rates, so that a stretch is a slice of the whole to the sample.
    grid = math.gcd(header.sample_rate, sample_rate)
    first = math.floor(max(0.0, start_s - MARGIN_SECONDS) * grid) / grid
    length = None if duration_s is None else start_s - first + duration_s + MARGIN_SECONDS
    blocks = decoding.decoded(Path(path), header, first, length)
    mono = (block.mean(axis=1, dtype=np.float32) for block in blocks)
    name = Path(path).name
    if length is not None and (first > 0 or length < (header.duration_s or math.inf)):
        name += f", from {first:g} s to {first + length:g} s,"
    sound = _checked_samples(mono, name)
    skip = round((start_s - first) * sample_rate)
    take = None if duration_s is None else max(1, round(duration_s * sample_rate))
    yield from _trimmed(_resampled(sound, header.sample_rate, sample_rate), skip, take)


def unreadable(path: Path, error: AudioError | OSError) -> AudioError:
    """What went wrong on the way through a file, in a sentence."""
    if isinstance(error, AudioError):
        return error
    return AudioError(
        f"{path.name} cannot be read any more ({error.strerror or error}); "
        "see that it stays where it is, and try again"
    )


def from_array(
    audio: NDArray[np.generic], sample_rate: int, *, target_rate: int = SAMPLE_RATE
) -> Waveform:
    """Bring an array to mono float32 at the target rate.

    Args:
        audio: shape (n,) or (n, channels); float in [-1, 1] or any integer type at full scale.
        sample_rate: its rate in Hz, 4,000 to 384,000.
        target_rate: rate of the result in Hz.

    Returns:
        float32 samples, shape (m,).

    Raises:
        AudioError: wrong shape or rate, too short, too large, NaN or Inf. Silence is let through:
            an array is a caller's own business, a silent file is a user's mistake.
    """
    audio = np.asarray(audio)
    if audio.ndim not in (1, 2):
        raise AudioError(f"audio has shape {audio.shape}; give (samples,) or (samples, channels)")
    channels = 1 if audio.ndim == 1 else audio.shape[1]
    header = AudioInfo(duration_s=None, sample_rate=int(sample_rate), channels=channels)
    _check_header("the clip", header)
    samples = _as_float(audio)
    mono = samples if samples.ndim == 1 else samples.mean(axis=1, dtype=np.float32)
    [mono] = _checked_samples(iter([mono]), "the clip")
    resampled = soxr.resample(mono, sample_rate, target_rate).astype(np.float32, copy=False)
    _check_whole(resampled.size, False, target_rate, "the clip")
    return resampled


def checked_stream(
    blocks: Iterable[Waveform], sample_rate: int, *, name: str
) -> Iterator[Waveform]:
    """Pass on the blocks of :func:`stream`, if a model can say something about their whole.

    Raises:
        AudioError: shorter than 25 ms or all zeros, which is known only at the end.
    """
    length, silent = 0, True
    for block in blocks:
        length += len(block)
        silent = silent and not block.any()
        yield block
    _check_whole(length, silent, sample_rate, name)


def _check_whole(length: int, silent: bool, sample_rate: int, name: str) -> None:
    if length < MIN_SECONDS * sample_rate:
        raise AudioError(
            f"{name} has {_samples(length)} at {sample_rate} Hz "
            f"({1000 * length / sample_rate:.3g} ms); "
            f"a clip needs at least {1000 * MIN_SECONDS:g} ms of sound: try another, or record one"
        )
    if silent:
        raise AudioError(
            f"{name} is digital silence (every sample is 0); "
            "there is nothing to hear in it: try another, or record one"
        )


def _checked_samples(blocks: Iterator[Waveform], name: str) -> Iterator[Waveform]:
    """Pass on mono blocks as the file holds them: a resampler would spread what is wrong."""
    for block in blocks:
        if bad := _not_finite(block):
            bad += sum(map(_not_finite, blocks))  # read to the end, for a count of the whole
            raise AudioError(
                f"{name} has {_samples(bad)} that {'is' if bad == 1 else 'are'} NaN or infinite; "
                "samples must be finite: export the sound again"
            )
        peak = float(np.abs(block).max(initial=0.0))
        if peak > MAX_PEAK:
            raise AudioError(
                f"{name} peaks at {peak:g}; float samples must lie in [-1, 1]: "
                "divide by the full scale (32768 for 16 bit)"
            )
        yield block


def _not_finite(audio: Waveform) -> int:
    return int(audio.size - np.count_nonzero(np.isfinite(audio)))


def _samples(count: int) -> str:
    return "1 sample" if count == 1 else f"{count} samples"


def _check_header(name: str, header: AudioInfo) -> None:
    if not MIN_RATE <= header.sample_rate <= MAX_RATE:
        raise AudioError(
            f"{name} has a sample rate of {header.sample_rate} Hz; "
            f"{MIN_RATE} to {MAX_RATE} Hz can be read: resample it first"
        )
    if not 1 <= header.channels <= MAX_CHANNELS:
        raise AudioError(
            f"{name} has {header.channels} channels; "
            f"1 to {MAX_CHANNELS} can be read: mix it down first"
        )


def _existing(path: str | Path) -> Path:
    path, size = Path(path), None
    try:
        if path.is_file():
            with path.open("rb"):  # what we may not read is refused here, not in a decoder
                size = path.stat().st_size
    except OSError as error:
        raise AudioError(
            f"{path.name[:80]!r} cannot be opened ({error.strerror}); choose another file"
        ) from error
    if size is None:
        raise AudioError(f"{path} is not a file; check the path")
    if size == 0:
        raise AudioError(f"{path.name} is empty (0 bytes); try another file, or record one")
    return path


def _as_float(audio: NDArray[Any]) -> Waveform:
    if np.issubdtype(audio.dtype, np.floating):
        with np.errstate(over="ignore"):  # beyond float32 becomes infinite, which is refused
            return audio.astype(np.float32, copy=False)
    if not np.issubdtype(audio.dtype, np.integer):
        raise AudioError(f"audio has type {audio.dtype}; give floats or integers")
    limits = np.iinfo(audio.dtype)
    middle = 0 if limits.min else (limits.max + 1) // 2
    scale = -float(limits.min) if limits.min else float(middle)
    return ((audio.astype(np.float64) - middle) / scale).astype(np.float32)


def _resampled(blocks: Iterable[Waveform], source: int, target: int) -> Iterator[Waveform]:
    if source == target:
        yield from blocks
        return
    resampler = soxr.ResampleStream(source, target, 1, dtype="float32")
    for block in blocks:
        yield resampler.resample_chunk(block)
    yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def _trimmed(blocks: Iterable[Waveform], skip: int, take: int | None) -> Iterator[Waveform]:
    for block in blocks:
        block, skip = block[skip:], max(0, skip - len(block))
        if take is not None:
            block = block[:take]
            take -= len(block)
        if len(block):
            yield block
        if take == 0:
            return
