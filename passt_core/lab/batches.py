"""Labelled clips in memory → augmented batches of waveforms and targets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from passt_core.errors import AudioError, DatasetError
from passt_core.lab import augment
from passt_core.lab.config import TrainConfig
from passt_core.lab.datasets import Dataset
from passt_core.signal import audio as audio_io

LONGEST_HELD_S = 30.0
"""Of a longer file only the beginning is held in memory."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sounds:
    """Decoded clips, each (n,) at 32 kHz, and what each is: one row of (N, classes) per clip."""

    waveforms: tuple[Tensor, ...]
    targets: Tensor

    def __len__(self) -> int:
        return len(self.waveforms)


def read(dataset: Dataset) -> Sounds:
    """Decode every clip of a dataset into memory.

    Raises:
        DatasetError: a clip cannot be read.
    """
    places = torch.tensor(dataset.targets)
    return Sounds(
        waveforms=tuple(decode(clip.path) for clip in dataset.clips),
        targets=functional.one_hot(places, len(dataset.labels)).float(),
    )


def decode(path: Path) -> Tensor:
    """The beginning of a file as mono at 32 kHz, (n,).

    Raises:
        DatasetError: it cannot be read.
    """
    try:
        return torch.from_numpy(audio_io.load(path, duration_s=LONGEST_HELD_S))
    except AudioError as error:
        raise DatasetError(f"a clip cannot be trained on: {error}") from error


@dataclass(frozen=True, kw_only=True, eq=False)
class Batches:
    """Makes the batches of an epoch.

    Attributes:
        sounds: what to draw from.
        config: lengths and augmentations.
        whole: samples of the network's whole window.
    """

    sounds: Sounds
    config: TrainConfig
    whole: int

    @property
    def per_epoch(self) -> int:
        """Steps in one epoch; what is left over of the last batch waits for another epoch."""
        return max(1, len(self.sounds) // self.config.batch_size)

    def epoch(self, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Every clip once, in random order: waveforms (B, samples) and targets (B, classes)."""
        for chosen in self.order(generator):
            yield self.waveforms(chosen, generator), self.sounds.targets[chosen]

    def order(self, generator: torch.Generator) -> Iterator[list[int]]:
        """Which clips make each batch of an epoch."""
        order = torch.randperm(len(self.sounds), generator=generator).tolist()
        for step in range(self.per_epoch):
            yield order[step * self.config.batch_size : (step + 1) * self.config.batch_size]

    def waveforms(self, chosen: Sequence[int], generator: torch.Generator) -> Tensor:
        """Augmented crops of some clips, all of one length drawn for the batch."""
        samples = self.length(generator)
        crops = []
        for index in chosen:
            taken = round(samples * self.speed(generator))
            crop = augment.fit(self.sounds.waveforms[index], taken, generator)
            crops.append(augment.change_speed(crop, samples))
        return self.changed(torch.stack(crops), generator)

    def changed(self, audio: Tensor, generator: torch.Generator) -> Tensor:
        """Crops (B, samples) turned round, louder or softer, and some of them under noise."""
        config = self.config
        audio = augment.roll(audio, config.roll_samples, generator)
        audio = augment.gain(audio, config.gain_low_db, config.gain_high_db, generator)
        return augment.add_noise(audio, config.noise_rate, config.noise_snr_db, generator)

    def speed(self, generator: torch.Generator) -> float:
        """The tape speed of one clip."""
        return augment.uniform(1.0 - self.config.speed, 1.0 + self.config.speed, generator)

    def length(self, generator: torch.Generator) -> int:
        """The length of a batch's crops, in samples."""
        config = self.config
        if augment.uniform(0.0, 1.0, generator) < config.long_rate:
            return self.whole
        seconds = augment.uniform(config.shortest_s, config.longest_s, generator)
        return min(self.whole, round(seconds * audio_io.SAMPLE_RATE))
