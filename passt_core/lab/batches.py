"""Labelled clips in memory → augmented batches of waveforms and targets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from passt_core.errors import AudioError, DatasetError, TrainingError
from passt_core.lab import augment, sampling
from passt_core.lab.config import TrainConfig
from passt_core.lab.datasets import Dataset, sounds_under
from passt_core.lab.sampling import ALONE, Shard
from passt_core.signal import audio as audio_io

LONGEST_HELD_S = 30.0
"""Of a longer file only the beginning is held in memory."""

_CROPS = 0
"""Number of the random numbers of crops and waveforms among those of a step."""


class Batch(NamedTuple):
    """Waveforms (B, samples), targets (B, classes) and, from some teachers, embeddings (B, E)."""

    audio: Tensor
    targets: Tensor
    embeddings: Tensor | None = None


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
    return Sounds(
        waveforms=tuple(decode(clip.path) for clip in dataset.clips),
        targets=torch.from_numpy(dataset.truth).float(),
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


def backgrounds(config: TrainConfig) -> tuple[Tensor, ...]:
    """Sounds of ``background_folder``, to lie under clips; empty if the clips do so themselves.

    Raises:
        DatasetError: one cannot be read.
        TrainingError: there is no such folder, or no sound in it.
    """
    if not config.background_rate or not config.background_folder:
        return ()
    folder = Path(config.background_folder)
    paths = sounds_under(folder) if folder.is_dir() else []
    if not paths:
        raise TrainingError(
            f"background_folder is {config.background_folder!r}, where no sound file is; "
            "give a folder of sounds, or leave it empty to use the clips themselves"
        )
    return tuple(decode(path) for path in paths)


def fingerprint(name: str, paths: Iterable[Path], meaning: object) -> Mapping[str, Any]:
    """What tells data from other data: its name, how many files, and a digest.

    Args:
        name: what its user calls it.
        paths: the files; their names and sizes count, not the folders they lie in.
        meaning: anything else that counts, such as labels; its ``repr`` is taken.
    """
    told = [f"{path.name} {path.stat().st_size}" for path in paths if path.is_file()]
    text = "\n".join([*told, repr(meaning)])
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"name": name, "files": len(told), "digest": digest}


def ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The same batches, the next one made while the present one is in use; for a busy GPU."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        later = pool.submit(next, batches, None)
        while (batch := later.result()) is not None:
            later = pool.submit(next, batches, None)
            yield batch


@dataclass(frozen=True, kw_only=True, eq=False)
class Batches:
    """Makes the batches of an epoch.

    Attributes:
        sounds: what to draw from.
        config: lengths and augmentations.
        whole: samples of the network's whole window.
        shard: which clips of each batch this process takes.
        background: sounds that may lie under the clips; empty: the clips themselves.
    """

    sounds: Sounds
    config: TrainConfig
    whole: int
    shard: Shard = ALONE
    background: tuple[Tensor, ...] = ()

    @property
    def per_epoch(self) -> int:
        """Steps in one epoch; what is left over of the last batch waits for another epoch."""
        clips = self.config.epoch_clips or len(self.sounds)
        return max(1, clips // self.config.batch_size)

    def epoch(self, number: int = 0, first: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from its step ``first`` on."""
        size, shard = self.config.batch_size, self.shard
        order = sampling.order(self.sounds.targets, self.config, number)
        for step in range(first, self.per_epoch):
            chosen = order[step * size : (step + 1) * size][shard.rank :: shard.processes]
            place = (self.config.seed, number, step, shard.rank, _CROPS)
            length = self.length(sampling.generator_of(self.config.seed, number, step))
            yield self.batch(chosen, length, sampling.generator_of(*place))

    def batch(self, chosen: Sequence[int], samples: int, generator: torch.Generator) -> Batch:
        """One batch of some clips, ``samples`` long."""
        crops = []
        for index in chosen:
            taken = round(samples * self.speed(generator))
            crop = augment.fit(self.sounds.waveforms[index], taken, generator)
            crops.append(augment.change_speed(crop, samples))
        audio, targets = torch.stack(crops), self.sounds.targets[list(chosen)]
        audio, targets = self.laid_under(audio, targets, generator)
        return Batch(self.changed(audio, generator), targets)

    def laid_under(
        self, audio: Tensor, targets: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Some clips with another sound under them, and their targets."""
        config = self.config
        if not config.background_rate:
            return audio, targets
        own = not self.background
        sounds = self.background or self.sounds.waveforms
        drawn = torch.randint(len(sounds), (len(audio),), generator=generator).tolist()
        under = torch.stack(
            [augment.fit(sounds[index], audio.shape[1], generator) for index in drawn]
        )
        chosen = torch.rand(len(audio), 1, generator=generator) < config.background_rate
        snr = (config.background_low_db, config.background_high_db)
        mixed = augment.lay_under(audio, under, *snr, generator)
        if own and config.background_labels == "union":
            both = torch.maximum(targets, self.sounds.targets[drawn])
            targets = torch.where(chosen, both, targets)
        return torch.where(chosen, mixed, audio), targets

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
