"""A sound file as it is: what its header says, and its samples in blocks.

libsndfile (``soundfile``) reads WAV, FLAC, OGG, Opus, MP3 and AIFF; FFmpeg (``av``) reads the
rest: m4a, AAC, webm, the sound of an mp4.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from passt_core.errors import AudioError

BLOCK_SECONDS = 10.0

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


def header(path: Path) -> AudioInfo:
    """Read a file's header.

    Raises:
        AudioError: it is not a sound.
    """
    if file := _soundfile(path):
        with file:
            return AudioInfo(
                duration_s=file.frames / file.samplerate,
                sample_rate=file.samplerate,
                channels=file.channels,
            )
    with _ffmpeg(path) as container:
        stream = container.streams.audio[0]
        duration = container.duration / av.time_base if container.duration else None
        return AudioInfo(
            duration_s=duration, sample_rate=stream.rate or 0, channels=stream.channels
        )


def decoded(
    path: Path, about: AudioInfo, start_s: float, duration_s: float | None
) -> Iterator[Waveform]:
    """Read a file's samples, or a stretch of them.

    Args:
        path: the file.
        about: what its header says.
        start_s: where to begin, in seconds.
        duration_s: how much to read, in seconds; None: to the end.

    Yields:
        Blocks of shape (n, channels), float32, at the file's own rate.

    Raises:
        AudioError: it is damaged, or became shorter before all was read.
    """
    start = round(start_s * about.sample_rate)
    count = None if duration_s is None else round(duration_s * about.sample_rate)
    before, read = path.stat(), 0
    try:
        for block in _blocks(path, about.sample_rate, start, count):
            read += len(block)
            yield block
    except AudioError:
        _check_size(path, before, (start + read) / about.sample_rate)
        raise
    if count is None or read < count:
        _check_size(path, before, (start + read) / about.sample_rate)


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


def _blocks(path: Path, rate: int, start: int, count: int | None) -> Iterator[Waveform]:
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
