"""What simple classifiers are given of a sound: statistics of its log-mel, and its frames."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from passt_core.errors import AudioError, DatasetError
from passt_core.lab.answers import Unreadable, clip_name
from passt_core.lab.labelled import Dataset
from passt_core.signal import audio as audio_io
from passt_core.signal.mel import MelConfig, MelSpectrogram

LONGEST_HEARD_S = 30.0
"""Of a longer clip only the beginning is taken."""
FRAMES_PER_PATCH = 4
"""Neighbouring frames that make one patch of a bag of codes: 40 ms."""
PATCHES_PER_CLIP = 250

_LOW, _HIGH = 0.1, 0.9

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Features:
    """What N clips sound like.

    Attributes:
        dataset: the clips that could be read.
        statistics: of each band mean, standard deviation, 10 % and 90 % quantile, and mean step
            from frame to frame, (N, 5 x bands).
        patches: per clip, stretches of :data:`FRAMES_PER_PATCH` frames, (n, bands x frames).
        unreadable: clips that could not be read.
    """

    dataset: Dataset
    statistics: Floats
    patches: tuple[Floats, ...]
    unreadable: tuple[Unreadable, ...]


def extract(dataset: Dataset) -> Features:
    """Read every clip and describe it.

    Raises:
        DatasetError: not one clip can be read.
    """
    front_end = MelSpectrogram(MelConfig()).eval()
    heard, statistics, patches, unreadable = [], [], [], []
    for clip in dataset.clips:
        try:
            audio = audio_io.load(clip.path, duration_s=LONGEST_HEARD_S)
        except AudioError as error:
            unreadable.append(Unreadable(file=clip_name(clip), reason=str(error)))
            continue
        with torch.inference_mode():
            mel = front_end(torch.from_numpy(audio)[None])[0].numpy()  # (bands, frames)
        heard.append(clip)
        statistics.append(described(mel))
        patches.append(cut(mel))
    if not heard:
        raise DatasetError(
            f"none of the {len(dataset)} clips of {dataset.name} can be read; the first: "
            f"{unreadable[0].reason}"
        )
    return Features(
        dataset=replace(dataset, clips=tuple(heard)),
        statistics=np.stack(statistics),
        patches=tuple(patches),
        unreadable=tuple(unreadable),
    )


def described(mel: Floats) -> Floats:
    """Statistics of a log-mel (bands, frames): (5 x bands,)."""
    steps = np.abs(np.diff(mel, axis=1)).mean(axis=1) if mel.shape[1] > 1 else 0 * mel[:, 0]
    low, high = np.quantile(mel, (_LOW, _HIGH), axis=1)
    parts = (mel.mean(axis=1), mel.std(axis=1), low, high, steps)
    return np.concatenate(parts).astype(np.float32)


def cut(mel: Floats) -> Floats:
    """Patches of a log-mel (bands, frames), evenly spread: (n, bands x frames of a patch).

    A clip shorter than a patch is repeated to its length.
    """
    if mel.shape[1] < FRAMES_PER_PATCH:
        mel = np.pad(mel, ((0, 0), (0, FRAMES_PER_PATCH - mel.shape[1])), mode="wrap")
    count = mel.shape[1] // FRAMES_PER_PATCH
    taken = np.unique(np.linspace(0, count - 1, min(count, PATCHES_PER_CLIP)).astype(int))
    whole = mel[:, : count * FRAMES_PER_PATCH].reshape(len(mel), count, FRAMES_PER_PATCH)
    return np.ascontiguousarray(whole[:, taken].transpose(1, 0, 2)).reshape(len(taken), -1)
