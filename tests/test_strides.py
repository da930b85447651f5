"""Strides other than the trained ones: patches that lie where old ones lay are the same tokens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from passt_core.errors import PasstError
from passt_core.inference.predictor import Predictor
from passt_core.network.strides import restrided
from tests.sounds import TINY, noise, randomised, save_network

CLIP = torch.randn(2, 128, 200, generator=torch.Generator().manual_seed(0))


def test_the_same_strides_are_the_same_network() -> None:
    network = randomised(TINY)
    same = restrided(network, 16, 16)
    assert same.config == network.config
    assert torch.equal(same(CLIP).logits, network(CLIP).logits)
    assert same.cls_token.data_ptr() != network.cls_token.data_ptr()


def test_twice_the_stride_is_every_other_patch() -> None:
    network = randomised(TINY)
    sparse = restrided(network, 32, 32)
    rows, columns = torch.arange(0, 8, 2), torch.arange(0, 12, 2)
    kept = (rows[:, None] * 12 + columns).flatten()
    assert sparse.config.rows == 4
    torch.testing.assert_close(sparse(CLIP).logits, network(CLIP, kept=kept).logits)


def test_half_the_stride_has_all_old_tokens_among_its_own() -> None:
    network = randomised(TINY)
    dense = restrided(network, 8, 4)
    old, new = network.patch_tokens(CLIP), dense.patch_tokens(CLIP)
    rows, columns = dense.config.rows, dense.config.columns(200)
    assert (rows, columns) == (15, 47)
    grid = new.view(2, rows, columns, -1)[:, ::2, ::4]
    torch.testing.assert_close(grid.flatten(1, 2), old)
    between = dense.time_new_pos_embed[0, :, 0, 6]
    neighbours = network.time_new_pos_embed[0, :, 0, 1:3]
    torch.testing.assert_close(between, neighbours.mean(dim=1))


def test_strides_of_each_axis_are_its_own_and_the_last_place_goes_on() -> None:
    network = randomised(replace(TINY, stride_freq=10, stride_time=10))
    found = restrided(network, 16, 10)
    assert found.config.grid == (8, 99)
    assert torch.equal(found.time_new_pos_embed, network.time_new_pos_embed)
    last = found.freq_new_pos_embed[0, :, 7, 0]  # at 11.2 of 0 to 11
    assert torch.equal(last, network.freq_new_pos_embed[0, :, 11, 0])


def test_it_listens_and_is_saved_like_any_other(tmp_path: Path) -> None:
    path = save_network(tmp_path / "dense.safetensors", restrided(randomised(TINY), 16, 10))
    predictor = Predictor.from_checkpoint(path, device="cpu")
    found = predictor.analyze(noise(1.0), 32_000)
    assert (found.grid.rows, found.grid.columns) == (8, 9)


@pytest.mark.parametrize("stride", (9, 15, 17, 20, 23, 24, 32, 47, 300))
def test_every_stride_hears_whole_windows_and_long_clips(stride: int, tiny: Predictor) -> None:
    network = restrided(tiny.checkpoint.network, 16, stride)
    predictor = Predictor(replace(tiny.checkpoint, network=network), device="cpu")
    assert 10.0 <= predictor.window_s <= 10.0 + stride / 100
    assert network.config.max_frames >= tiny.checkpoint.config.max_frames
    for seconds in (10.0, 13.0):
        found = predictor.analyze(noise(seconds), 32_000)
        assert np.isfinite(found.logits).all()
        assert seconds > 10.0 or len(found.windows) == 1
    assert len(found.windows) == 2


@pytest.mark.parametrize(
    ("changes", "strides", "message"),
    (
        ({"stem": "conv"}, (16, 10), "a conv stem, whose patches may not overlap"),
        ({}, (0, 10), "strides are 0 and 10; use 1 or more"),
        ({}, (16, 2000), "hold no patch"),
        ({}, (100, 16), "stride 100 makes 2 rows of patches and has places for 1; use 64 or less"),
    ),
)
def test_strides_that_cannot_be(
    changes: dict[str, str], strides: tuple[int, int], message: str
) -> None:
    with pytest.raises(PasstError, match=message):
        restrided(randomised(replace(TINY, **changes)), *strides)
