"""A folder of sounds → their embeddings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from passt_core.errors import AudioError, LibraryError
from passt_core.inference.analysis import ClipAnalysis
from passt_core.inference.predictor import Predictor
from passt_core.library.catalogue import Catalogue, Sound
from passt_core.library.manifest import SkippedFile
from passt_core.library.store import LibraryClip
from passt_core.signal import audio

BATCH = 16
"""Clips that are decoded and held at a time."""

Progress = Callable[[int, int], None]
"""Called with the files that are done and the files in all."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Vector:
    """What is kept of an analysis: without the spectrogram, 50,000 clips fit in memory."""

    unit: NDArray[np.float32]
    duration_s: float

    @classmethod
    def of(cls, analysis: ClipAnalysis) -> _Vector:
        return cls(unit=analysis.unit_embedding, duration_s=analysis.duration_s)


_Heard = _Vector | str
"""What a sound gave: its vector, or the reason why there is none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Embedded:
    """Sounds with their embeddings, (N, D) of length 1, and what could not be embedded."""

    clips: tuple[LibraryClip, ...]
    embeddings: NDArray[np.float32]
    skipped: tuple[SkippedFile, ...]


def embed(
    catalogue: Catalogue, predictor: Predictor, *, progress: Progress | None = None
) -> Embedded:
    """Embed the sounds of a folder; one that cannot be read is left out, and said so.

    A clip longer than the model's window is embedded as the mean of its windows.

    Args:
        catalogue: the sounds.
        predictor: the model.
        progress: told after each batch.

    Returns:
        The clips in the catalogue's order.

    Raises:
        LibraryError: none of them could be embedded.
    """
    heard: dict[str, _Heard] = {}
    for batch in _batches(catalogue, predictor.window_s, heard):
        heard |= zip((s.id for s in batch), _hear(batch, catalogue.root, predictor), strict=True)
        if progress:
            progress(len(heard), len(catalogue.sounds))
    outcomes = [(sound, heard[sound.id]) for sound in catalogue.sounds]
    good = [(sound, found) for sound, found in outcomes if isinstance(found, _Vector)]
    bad = [(sound, reason) for sound, reason in outcomes if isinstance(reason, str)]
    if not good:
        raise LibraryError(
            f"none of the {len(bad)} sounds in {catalogue.root} could be read; "
            f"the first: {bad[0][1]}"
        )
    skipped = (SkippedFile(file=sound.file, reason=reason) for sound, reason in bad)
    return Embedded(
        clips=tuple(_clip(sound, vector) for sound, vector in good),
        embeddings=np.stack([vector.unit for _, vector in good]),
        skipped=(*catalogue.skipped, *skipped),
    )


def _clip(sound: Sound, vector: _Vector) -> LibraryClip:
    return LibraryClip(**asdict(sound), start_s=0.0, end_s=round(vector.duration_s, 6))


def _batches(
    catalogue: Catalogue, window_s: float, heard: dict[str, _Heard]
) -> Iterator[list[Sound]]:
    """Sounds in batches, short ones first so that alike lengths meet; long ones alone.

    What has no readable header goes into ``heard`` with its reason at once.
    """
    lengths: dict[str, float] = {}
    for sound in catalogue.sounds:
        try:
            header = audio.info(catalogue.root / sound.file)
        except (AudioError, OSError) as error:
            heard[sound.id] = str(error)
        else:
            lengths[sound.id] = np.inf if header.duration_s is None else header.duration_s
    readable = [sound for sound in catalogue.sounds if sound.id in lengths]
    readable.sort(key=lambda sound: lengths[sound.id])
    short = [sound for sound in readable if lengths[sound.id] <= window_s]
    for first in range(0, len(short), BATCH):
        yield short[first : first + BATCH]
    for sound in readable[len(short) :]:
        yield [sound]


def _hear(batch: Sequence[Sound], root: Path, predictor: Predictor) -> list[_Heard]:
    """What each sound of a batch gives."""
    if len(batch) == 1:
        return [_hear_file(root / batch[0].file, predictor)]
    clips: dict[str, NDArray[np.float32]] = {}
    reasons: dict[str, _Heard] = {}
    for sound in batch:
        try:
            path = root / sound.file
            clips[sound.id] = audio.load(path, sample_rate=predictor.sample_rate)
        except (AudioError, OSError) as error:
            reasons[sound.id] = str(error)
    try:
        analyses = predictor.analyze_batch([(c, predictor.sample_rate) for c in clips.values()])
    except AudioError:  # one of them; alone, each answers for itself
        return [_hear_file(root / sound.file, predictor) for sound in batch]
    results = reasons | dict(zip(clips, map(_Vector.of, analyses), strict=True))
    return [results[sound.id] for sound in batch]


def _hear_file(path: Path, predictor: Predictor) -> _Heard:
    """What a file gives, read as a stream: it may be hours long."""
    try:
        return _Vector.of(predictor.analyze_file(path))
    except (AudioError, OSError) as error:
        return str(error)
