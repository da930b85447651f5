"""What training does to sounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from passt_core.errors import TrainingError
from passt_core.lab import augment
from passt_core.lab.batches import Batch, Batches, Sounds, backgrounds
from passt_core.lab.task import mixed, training_mel
from passt_core.signal.mel import MelConfig, MelSpectrogram
from tests.labs import QUICK
from tests.sounds import noise, tone, write

STILL = replace(QUICK, noise_rate=0.0, gain_low_db=0.0, gain_high_db=0.0, speed=0.0, roll_samples=0)


def test_augmentations_keep_shape_and_stay_in_range() -> None:
    generator = torch.Generator().manual_seed(0)
    audio = torch.from_numpy(np.stack([noise(0.5), tone(0.5)]))
    level = audio.square().mean(dim=1)
    louder = augment.gain(audio, 6.0, 6.0, generator)
    torch.testing.assert_close(louder, audio * 10**0.3)
    rolled = augment.roll(audio, 500, generator)
    torch.testing.assert_close(rolled.sort(dim=1).values, audio.sort(dim=1).values)
    noisy = augment.add_noise(audio, 1.0, 10.0, generator)
    assert ((noisy - audio).square().mean(dim=1) <= 0.11 * level).all()
    assert augment.add_noise(audio, 0.0, 10.0, generator) is audio
    assert len(augment.change_speed(audio[0], 9_000)) == 9_000
    for length in (4_000, 16_000, 40_000):
        assert len(augment.fit(audio[0], length, generator)) == length


def test_a_crop_avoids_silence() -> None:
    generator = torch.Generator().manual_seed(0)
    audio = torch.cat([torch.ones(1000), torch.zeros(3000)])
    heard = [float(augment.fit(audio, 500, generator).sum()) > 0 for _ in range(50)]
    assert np.mean(heard) > 0.7


def test_mixup_mixes_targets_as_it_mixes_sounds() -> None:
    generator = torch.Generator().manual_seed(0)
    partners, weights = augment.mixup_weights(6, 0.3, generator)
    assert ((weights >= 0.5) & (weights <= 1.0)).all()
    values = torch.arange(6.0).view(6, 1, 1).expand(6, 2, 3)
    mixed = augment.mix(values, partners, weights)
    expected = weights * torch.arange(6.0) + (1 - weights) * partners
    torch.testing.assert_close(mixed[:, 0, 0], expected)


def test_waveforms_are_mixed_with_their_targets_and_embeddings() -> None:
    generator = torch.Generator().manual_seed(0)
    rows = torch.arange(1.0, 5.0)[:, None]
    batch = mixed(Batch(rows.repeat(1, 9), rows, 2 * rows), QUICK, generator)
    torch.testing.assert_close(batch.audio, batch.targets.repeat(1, 9))
    torch.testing.assert_close(batch.embeddings, 2 * batch.targets)
    assert not torch.equal(batch.targets, rows)


def test_a_background_lies_as_far_below_as_it_is_told() -> None:
    generator = torch.Generator().manual_seed(0)
    audio = torch.from_numpy(np.stack([noise(0.5, seed=1), tone(0.5)]))
    under = 30 * torch.from_numpy(np.stack([noise(0.5, seed=2), noise(0.5, seed=3)]))
    added = augment.lay_under(audio, under, 10.0, 10.0, generator) - audio
    ratio = audio.square().mean(dim=1) / added.square().mean(dim=1)
    torch.testing.assert_close(10 * ratio.log10(), torch.full((2,), 10.0), rtol=0, atol=0.01)
    silence = torch.zeros(2, 100)
    assert augment.lay_under(silence, silence, 0.0, 0.0, generator).isfinite().all()


def laid(tmp_path: Path, **changes: object) -> Batch:
    """One batch of two clips, a one and a two, each with a background under it."""
    config = replace(STILL, batch_size=2, background_rate=1.0, **changes)
    waveforms = (torch.full((32_000,), 0.1), torch.full((32_000,), -0.1))
    sounds = Sounds(waveforms=waveforms, targets=torch.eye(2))
    made = Batches(sounds=sounds, config=config, whole=320_000, background=backgrounds(config))
    return made.batch([0, 1], 16_000, torch.Generator().manual_seed(1))


def test_labels_are_kept_under_a_background_or_united(tmp_path: Path) -> None:
    kept, united = (laid(tmp_path, background_labels=name) for name in ("keep", "union"))
    assert kept.targets.tolist() == [[1, 0], [0, 1]]
    torch.testing.assert_close(kept.audio, united.audio)
    under_itself = kept.audio[:, 0].abs() > 0.1
    assert not under_itself.all()
    for row, same in zip(united.targets, under_itself, strict=True):
        assert row.sum() == (1 if same else 2)


def test_backgrounds_of_a_folder_bring_no_labels(tmp_path: Path) -> None:
    write(tmp_path / "room.wav", noise(0.2, seed=9))
    batch = laid(tmp_path, background_folder=str(tmp_path), background_labels="union")
    assert batch.targets.tolist() == [[1, 0], [0, 1]]
    assert (batch.audio != batch.audio[:, :1]).any()


def test_a_background_folder_without_sounds(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="background_folder is .*gone.*give a folder of sounds"):
        laid(tmp_path, background_folder=str(tmp_path / "gone"))
    with pytest.raises(TrainingError, match="no sound file is"):
        laid(tmp_path, background_folder=str(tmp_path))


def test_masks_and_jitter_are_two_things() -> None:
    audio = torch.from_numpy(noise(1.0))[None]
    plain = MelSpectrogram(MelConfig()).eval()(audio)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = replace(QUICK, freq_mask=24, time_mask=40)
        still = training_mel(MelConfig(), config)(audio)
        moved = training_mel(MelConfig(), replace(config, band_jitter=True))(audio)
        masked = training_mel(MelConfig(), replace(config, specaugment=True))(audio)
    assert torch.equal(still, plain)
    changed = masked != plain
    assert changed.any()
    assert len(masked[changed].unique()) == 1
    assert (moved != plain).float().mean() > 0.9
    assert (moved - plain).abs().mean() < 0.2
