"""Small spectrograms of a library's sounds, each of the stretch that the library holds."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from passt_core.errors import LibraryError, PasstError
from passt_core.inference.predictor import Predictor
from passt_core.library.store import SoundLibrary
from passt_core.library.tables import LibraryClip
from passt_core.signal import audio
from passt_ui.media import THUMBNAIL_SECONDS, spectrum_uri

KEPT = 2000
"""Pictures that stay in memory, of some 5 kB each; the ones unused for longest go first."""


def sound_of(library: SoundLibrary, clip: LibraryClip) -> Path | None:
    """The file of a clip; None if it was moved away since the library was built."""
    try:
        return library.sound_path(clip)
    except LibraryError:
        return None


def picture(predictor: Predictor, path: Path, clip: LibraryClip) -> str:
    """The spectrogram of a clip's first ten seconds as a small PNG; empty if it is unreadable."""
    try:
        samples = audio.load(
            path,
            start_s=clip.start_s,
            duration_s=min(THUMBNAIL_SECONDS, clip.end_s - clip.start_s),
            sample_rate=predictor.sample_rate,
            silence_allowed=True,
        )
        return spectrum_uri(predictor.spectrogram(samples))
    except PasstError:
        return ""


class Pictures:
    """Pictures that were drawn before, for all visitors; safe between threads."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[object, ...], str] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, predictor: Predictor, path: Path, clip: LibraryClip) -> str:
        """As :func:`picture`; drawn anew only if the file has changed since."""
        front_end = predictor.checkpoint.front_end
        key = (path, path.stat().st_mtime_ns, clip.start_s, clip.end_s, front_end)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        drawn = picture(predictor, path, clip)
        with self._lock:
            self._kept[key] = drawn
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return drawn
