"""Any sound file → mono float32 at the model's rate.

libsndfile (``soundfile``) reads WAV, FLAC, OGG, Opus, MP3 and AIFF; FFmpeg (``av``) reads the
rest: m4a, AAC, webm, the sound of an mp4. Both are read in blocks and resampled by a soxr stream,
so the memory in use follows what is asked for and not the length of the file.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from passt_core.errors import AudioError

SAMPLE_RATE = 32_000
"""Rate that the models listen at, in Hz."""

MIN_RATE, MAX_RATE = 4_000, 384_000
MAX_CHANNELS = 32
MIN_SECONDS = 0.025
"""One spectrum window: a shorter sound has no spectrum to look at."""
MAX_PEAK = 16.0
"""Float samples are meant for [-1, 1]; 24 dB above that they are surely un-normalised integers."""

BLOCK_SECONDS = 10.0
MARGIN_SECONDS = 0.1
"""Extra sound decoded around a stretch, so that the resampler has no edge inside it."""

_FFMPEG_DEMUXERS = frozenset(
    "mov mp4 m4a 3gp 3g2 mj2 matroska webm aac adts mp3 ogg flac wav w64 aiff asf avi flv mpegts "
    "mpeg caf amr ac3 eac3 ape wv tta au dsf iff_8svx voc opus".split()
)
"""Containers that hold sound themselves; playlists, which point to other files, are not here."""

Waveform = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class AudioInfo:
    """What a file's header says: length in seconds (None: unknown), rate in Hz, channels."""

    duration_s: float | None
    sample_rate: int
    channels: int


def info(path: str | Path) -> AudioInfo:
    """Read a file's header.

    Raises:
        AudioError: the file is missing, empty, not a sound, or outside the supported limits.
    """
    path = _existing(path)
    if file := _soundfile(path):
        with file:
            found = AudioInfo(
                duration_s=file.frames / file.samplerate,
                sample_rate=file.samplerate,
                channels=file.channels,
            )
    else:
        with _ffmpeg(path) as container:
            stream = container.streams.audio[0]
            duration = container.duration / av.time_base if container.duration else None
            found = AudioInfo(
                duration_s=duration, sample_rate=stream.rate or 0, channels=stream.channels
            )
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
    blocks = _unshortened(Path(path), header, first, length)
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


def _unshortened(
    path: Path, header: AudioInfo, start_s: float, duration_s: float | None
) -> Iterator[Waveform]:
    """Blocks of shape (n, channels) at the file's own rate, as many as there were at first.

    Raises:
        AudioError: the file became shorter before they were read.
    """
    start = round(start_s * header.sample_rate)
    count = None if duration_s is None else round(duration_s * header.sample_rate)
    before, read = path.stat(), 0
    try:
        for block in _decoded(path, header.sample_rate, start, count):
            read += len(block)
            yield block
    except AudioError:
        _check_size(path, before, (start + read) / header.sample_rate)
        raise
    if count is None or read < count:
        _check_size(path, before, (start + read) / header.sample_rate)


def _check_size(path: Path, before: os.stat_result, seconds: float) -> None:
    """Refuse a file that is shorter than before; one that was put in its place is another's.

    Raises:
        AudioError: it is.
    """
    try:
        now = path.stat()
    except OSError:  # it was removed: what is open stays whole
        return
    if os.path.samestat(before, now) and now.st_size < before.st_size:
        raise AudioError(
            f"{path.name} became shorter while it was read, after {seconds:.2f} s; "
            "let no other program write it, and try again"
        )


def _decoded(path: Path, rate: int, start: int, count: int | None) -> Iterator[Waveform]:
    if file := _soundfile(path):
        with file:
            yield from _soundfile_blocks(file, path.name, start, count)
    else:
        yield from _ffmpeg_blocks(path, rate, start, count)


def _soundfile(path: Path) -> soundfile.SoundFile | None:
    """Open with libsndfile; None if it does not know the file."""
    if path.suffix.lower() == ".raw":
        return None  # libsndfile would ask for what a headerless file does not say
    try:
        return soundfile.SoundFile(str(path))
    except soundfile.LibsndfileError:
        return None


def _soundfile_blocks(
    file: soundfile.SoundFile, name: str, start: int, count: int | None
) -> Iterator[Waveform]:
    if start >= file.frames:
        return
    left = file.frames - start if count is None else count
    size = int(BLOCK_SECONDS * file.samplerate)
    try:
        file.seek(start)
        while left > 0:
            block = file.read(min(size, left), dtype="float32", always_2d=True)
            if not len(block):
                return
            left -= len(block)
            yield block
    except soundfile.LibsndfileError as error:
        raise AudioError(
            f"{name} cannot be decoded to its end ({error.error_string.strip()}); "
            "the file is damaged: export it again"
        ) from error


@contextmanager
def _ffmpeg(path: Path) -> Iterator[av.container.InputContainer]:
    """Open with FFmpeg, from one open file and with no protocol that could reach another."""
    refusal = (
        f"{path.name} is not a sound that can be read; "
        "use WAV, FLAC, OGG, Opus, MP3, AIFF, M4A, AAC, WebM or MP4"
    )
    with path.open("rb") as file:
        try:
            container = av.open(
                file, "r", options={"protocol_whitelist": "none"}, metadata_errors="replace"
            )
        except (av.FFmpegError, ValueError) as error:
            raise AudioError(refusal) from error
        with container:
            if not _FFMPEG_DEMUXERS.intersection(container.format.name.split(",")):
                raise AudioError(refusal)
            if not container.streams.audio:
                raise AudioError(
                    f"{path.name} has no sound in it (no audio stream); try another file"
                )
            if container.streams.audio[0].codec_context is None:
                raise AudioError(refusal)  # the container is known, what is in it is not
            yield container


def _ffmpeg_blocks(path: Path, rate: int, start: int, count: int | None) -> Iterator[Waveform]:
    end = None if count is None else start + count
    with _ffmpeg(path) as container:
        stream = container.streams.audio[0]
        # Times in the file need not begin at 0; samples are counted from the first one decoded.
        origin = (stream.start_time or 0) * (stream.time_base or Fraction(0))
        if start:
            with suppress(av.FFmpegError):  # cannot be sought: decoded from its beginning
                container.seek(int((start / rate + origin) * av.time_base), backward=True)
        try:
            position = None if start else 0
            for block, block_start in _ffmpeg_frames(container, stream, rate, origin):
                position = block_start if position is None else position
                piece = block[max(0, start - position) : None if end is None else end - position]
                position += len(block)
                if len(piece) and position > start:
                    yield piece
                if end is not None and position >= end:
                    return
        except (av.FFmpegError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise AudioError(
                f"{path.name} cannot be decoded to its end ({reason}); "
                "the file is damaged: export it again"
            ) from error


def _ffmpeg_frames(
    container: av.container.InputContainer, stream: av.AudioStream, rate: int, origin: Fraction
) -> Iterator[tuple[Waveform, int]]:
    """Frames as (n, channels) float32, each with the sample it begins at."""
    to_float = av.AudioResampler(format="fltp", layout=stream.layout, rate=rate)
    for frame in container.decode(stream):
        begin = round((float(frame.time or 0.0) - float(origin)) * rate)
        for planar in to_float.resample(frame):
            yield np.ascontiguousarray(planar.to_ndarray().T), begin


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
