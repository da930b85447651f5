"""Sounds in a form that every browser plays."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
import weakref
from pathlib import Path
from types import MappingProxyType
from weakref import WeakValueDictionary

import numpy as np
import soundfile

from passt_core.files import atomic_path
from passt_core.library.tables import LibraryClip
from passt_core.signal import audio

PLAYED = MappingProxyType(
    {
        ".wav": "audio/wav",
        ".wave": "audio/wav",
        ".mp3": "audio/mpeg",
        ".ogg": "audio/ogg",
        ".oga": "audio/ogg",
        ".opus": "audio/ogg",
        ".flac": "audio/flac",
        ".m4a": "audio/mp4",
        ".m4b": "audio/mp4",
        ".mp4": "audio/mp4",
        ".aac": "audio/aac",
        ".webm": "audio/webm",
    }
)
"""Ending of a file that browsers play → its media type. Any other is sent as FLAC."""

FLAC = "audio/flac"
MOST_BYTES = 2 << 30
"""Of FLAC files that are kept; the ones unused for longest go first."""


def played_as_is(file: str) -> bool:
    """Whether browsers play a file of this name."""
    return _ending(file) in PLAYED


def media_type(file: str) -> str:
    """What the browser gets for a file of this name."""
    return PLAYED.get(_ending(file), FLAC)


def _ending(file: str) -> str:
    return os.path.splitext(file)[1].lower()  # noqa: PTH122 - a Path takes long for 50,000 clips


def stretch(clip: LibraryClip) -> tuple[float, float]:
    """Where the clip lies in what the browser gets, in seconds: a transcoded one is cut out."""
    if played_as_is(clip.file):
        return clip.start_s, clip.end_s
    return 0.0, clip.end_s - clip.start_s


class Transcodes:
    """Stretches of sounds as FLAC files, kept until the process ends; safe between threads."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="passt-flac-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._making: WeakValueDictionary[Path, threading.Lock] = WeakValueDictionary()

    def flac(self, path: Path, start_s: float = 0.0, end_s: float | None = None) -> Path:
        """A stretch of a file, mono, as FLAC; one is made while others wait for theirs alone.

        Args:
            path: the sound file.
            start_s: where the stretch begins, in seconds.
            end_s: where it ends; None: with the file.

        Raises:
            AudioError: the file cannot be read as sound any more.
        """
        about = path.stat()
        parts = (path, about.st_mtime_ns, about.st_size, start_s, end_s)
        name = hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()
        target = self._folder / f"{name}.flac"
        with self._lock:
            making = self._making.setdefault(target, threading.Lock())
        with making:
            if not target.is_file():
                _transcode(path, start_s, end_s, target)
                with self._lock:
                    self._make_room(target)
            target.touch()
        return target

    def _make_room(self, newest: Path) -> None:
        files = sorted(newest.parent.glob("*.flac"), key=lambda path: path.stat().st_mtime)
        size = sum(path.stat().st_size for path in files)
        for path in files:
            if size <= self._most_bytes or path == newest:
                return
            size -= path.stat().st_size
            path.unlink()


def _transcode(path: Path, start_s: float, end_s: float | None, target: Path) -> None:
    """Block by block: the memory in use does not follow the length."""
    duration_s = None if end_s is None else end_s - start_s
    blocks = audio.stream(path, start_s=start_s, duration_s=duration_s)
    with (
        atomic_path(target) as temporary,
        soundfile.SoundFile(
            temporary, "w", samplerate=audio.SAMPLE_RATE, channels=1, format="FLAC"
        ) as file,
    ):
        for block in blocks:
            file.write(np.clip(block, -1.0, 1.0))
