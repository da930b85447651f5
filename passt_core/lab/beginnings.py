"""The beginnings of a dataset's clips, as a network sees them: what pruning weighs its parts on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from passt_core.errors import AudioError, DatasetError
from passt_core.inference.windows import Windowing
from passt_core.lab.datasets import Dataset
from passt_core.network.checkpoints import Checkpoint
from passt_core.signal import audio as audio_io
from passt_core.signal.mel import MelSpectrogram

_BATCH = 8


def spectrograms(checkpoint: Checkpoint, dataset: Dataset) -> Iterator[tuple[Tensor, Tensor]]:
    """Hear the first window of each clip, those of one length together.

    Yields:
        (B, bands, frames), and what the clips are, (B, labels of the dataset), 0 or 1.

    Raises:
        DatasetError: a clip cannot be read.
    """
    windowing = Windowing.of(checkpoint.config, checkpoint.front_end)
    mel = MelSpectrogram(checkpoint.front_end).eval()
    truth = torch.from_numpy(dataset.truth).float()
    waveforms = [_beginning(clip.path, checkpoint, windowing) for clip in dataset.clips]
    order = sorted(range(len(waveforms)), key=lambda index: len(waveforms[index]))
    for _, group in groupby(order, key=lambda index: len(waveforms[index])):
        alike = list(group)
        for start in range(0, len(alike), _BATCH):
            chosen = alike[start : start + _BATCH]
            yield mel(torch.stack([waveforms[index] for index in chosen])), truth[chosen]


def _beginning(path: Path, checkpoint: Checkpoint, windowing: Windowing) -> Tensor:
    """The first window of a file, (n,); what is shorter than a patch is padded with silence."""
    rate = checkpoint.front_end.sample_rate
    try:
        audio = audio_io.load(path, sample_rate=rate, duration_s=windowing.length / rate)
    except AudioError as error:
        raise DatasetError(f"a clip cannot be weighed: {error}") from error
    waveform = torch.from_numpy(audio[: windowing.length])
    return functional.pad(waveform, (0, max(0, windowing.least - len(waveform))))
