"""Which clips come, how often, in which process, and that a draw depends on its place alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from passt_core.errors import DatasetError
from passt_core.lab import sampling
from passt_core.lab.batches import Batch, Batches, Sounds, ahead
from passt_core.lab.sampling import Shard
from tests.labs import QUICK


def test_every_clip_comes_once_and_each_epoch_in_another_order() -> None:
    targets = torch.eye(3).repeat(4, 1)
    first, second = (sampling.order(targets, QUICK, epoch) for epoch in (0, 1))
    assert sorted(first) == sorted(second) == list(range(12))
    assert first != second
    assert first == sampling.order(targets, QUICK, 0)
    assert first != sampling.order(targets, replace(QUICK, seed=1), 0)


def test_an_epoch_may_be_longer_or_shorter_than_the_data() -> None:
    targets = torch.eye(4)
    longer = sampling.order(targets, replace(QUICK, epoch_clips=10), 0)
    assert len(longer) == 10
    assert sorted(longer[:4]) == sorted(longer[4:8]) == [0, 1, 2, 3]
    assert len(sampling.order(targets, replace(QUICK, epoch_clips=3), 0)) == 3


def test_weights_are_the_references() -> None:
    """Σ 1000 / (100 + count) over a clip's labels: three clips of a, one of b, one of both."""
    targets = torch.tensor([[1, 0], [1, 0], [1, 0], [0, 1], [1, 1]]).float()
    weights = sampling.balanced_weights(targets, 100.0)
    a, b = 1000 / 104, 1000 / 102
    assert weights.tolist() == pytest.approx([a, a, a, b, a + b])


def test_balanced_sampling_brings_what_is_rare() -> None:
    targets = torch.zeros(100, 2)
    targets[:90, 0] = targets[90:, 1] = 1
    config = replace(QUICK, sampler="balanced", balance_offset=0.0, epoch_clips=4000)
    rare = sum(index >= 90 for index in sampling.order(targets, config, 0)) / 4000
    assert rare == pytest.approx(0.5, abs=0.03)


def batches(**changes: object) -> Batches:
    waveforms = tuple(torch.full((32_000,), 0.01 * (n + 1)) for n in range(8))
    sounds = Sounds(waveforms=waveforms, targets=torch.eye(8))
    config = replace(QUICK, noise_rate=0.0, gain_low_db=0.0, gain_high_db=0.0, speed=0.0)
    return replace(Batches(sounds=sounds, config=config, whole=320_000), **changes)


def test_an_epoch_goes_on_in_its_middle() -> None:
    whole = list(batches().epoch(3))
    rest = list(batches().epoch(3, first=1))
    assert len(whole) == 2
    assert len(rest) == 1
    torch.testing.assert_close(rest[0].audio, whole[1].audio, rtol=0, atol=0)
    torch.testing.assert_close(rest[0].targets, whole[1].targets, rtol=0, atol=0)


def test_processes_share_each_batch() -> None:
    alone = list(batches().epoch(0))
    shards = [list(batches(shard=Shard(rank=rank, processes=2)).epoch(0)) for rank in (0, 1)]
    for step, whole in enumerate(alone):
        parts = [shard[step] for shard in shards]
        assert [len(part.targets) for part in parts] == [2, 2]
        assert parts[0].audio.shape == parts[1].audio.shape
        together = torch.cat([part.targets for part in parts]).argmax(dim=1).tolist()
        assert sorted(together) == sorted(whole.targets.argmax(dim=1).tolist())


def test_batches_made_ahead_are_the_same() -> None:
    waited, early = list(batches().epoch(2)), list(ahead(batches().epoch(2)))
    assert len(waited) == len(early) == 2
    for one, other in zip(waited, early, strict=True):
        assert torch.equal(one.audio, other.audio)
        assert torch.equal(one.targets, other.targets)


def test_an_error_made_ahead_comes_through() -> None:
    def failing() -> Iterator[Batch]:
        yield from batches().epoch(0)
        raise DatasetError("a clip cannot be read")

    found = ahead(failing())
    assert len([next(found), next(found)]) == 2
    with pytest.raises(DatasetError, match="cannot be read"):
        next(found)
