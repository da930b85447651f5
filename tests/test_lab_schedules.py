"""What changes in the course of a training: rates of layers and moments, and patchout."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch

from passt_core.lab.optim import Descent, layer_of
from passt_core.lab.schedules import AdaptiveLevel, patchout_level, relative_rate
from passt_core.lab.task import draw_kept
from passt_core.network.model import Passt
from tests.labs import QUICK
from tests.sounds import TINY


def test_the_rate_rises_and_falls() -> None:
    config = replace(QUICK, epochs=10, warmup_epochs=2, final_rate=0.1)
    rates = [relative_rate(config, epoch) for epoch in (0, 1, 2, 6, 10)]
    assert rates == pytest.approx([0, 0.5, 1.0, 0.55, 0.1], abs=1e-2)
    linear = replace(config, schedule="linear")
    assert relative_rate(linear, 4) == pytest.approx(0.1 + 0.9 * 0.75)


def test_the_reference_rises_exponentially() -> None:
    config = replace(QUICK, warmup="exponential", warmup_epochs=5)
    assert relative_rate(config, 0) == pytest.approx(math.exp(-5), rel=0.01)
    assert relative_rate(config, 2.5) == pytest.approx(math.exp(-1.25), rel=0.01)
    rates = [relative_rate(config, epoch / 2) for epoch in range(11)]
    assert rates == sorted(rates)
    assert rates[-1] == 1.0


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_layers_below_learn_more_slowly(optimizer: str) -> None:
    network = Passt(TINY)
    config = replace(QUICK, optimizer=optimizer, layer_decay=0.5, warmup_epochs=0)
    descent = Descent(network, config)
    network(torch.zeros(1, 128, 32)).logits.sum().backward()
    descent.step(0.0)
    rates = {
        id(parameter): group["lr"] / descent.learning_rate
        for one in descent.optimizers
        for group in one.param_groups
        for parameter in group["params"]
    }
    named = dict(network.named_parameters())
    assert len(rates) == len(named)
    expected = {
        "head.1.weight": 1.0,
        "norm.bias": 1.0,
        "blocks.1.mlp.fc1.weight": 0.5,
        "blocks.0.attn.qkv.weight": 0.25,
        "blocks.0.attn.qkv.bias": 0.25,
        "patch_embed.proj.weight": 0.125,
        "time_new_pos_embed": 0.125,
        "cls_token": 0.125,
    }
    assert {name: rates[id(named[name])] for name in expected} == pytest.approx(expected)
    assert layer_of("network.blocks.11.norm1.weight", 12) == 12


def test_patchout_rises_with_the_training() -> None:
    config = replace(QUICK, epochs=10, patchout_first=0.2)
    level = AdaptiveLevel(level=0.7)

    def levels(schedule: str) -> list[float]:
        changed = replace(config, patchout_schedule=schedule)
        return [patchout_level(changed, epoch, level) for epoch in (0, 2.5, 5, 10)]

    assert levels("constant") == [1.0] * 4
    assert levels("linear") == pytest.approx([0.2, 0.4, 0.6, 1.0])
    assert levels("cosine") == pytest.approx([0.2, 0.2 + 0.8 * (1 - 0.5**0.5) / 2, 0.6, 1.0])
    assert levels("adaptive") == [0.7] * 4


def followed(losses: Sequence[float], **changes: float) -> list[float]:
    """The adaptive level after each of some losses, from one half on."""
    config = replace(QUICK, patchout_step=0.1, patchout_patience=2, **changes)
    level, found = AdaptiveLevel(level=0.5), []
    for loss in losses:
        level = level.after(loss, config)
        found.append(round(level.level, 6))
    return found


def test_adaptive_patchout_is_raised_while_the_loss_falls() -> None:
    assert followed([1.0, 0.9, 0.8, 0.75, 0.7, 0.65]) == [0.5, 0.5, 0.6, 0.6, 0.6, 0.7]


def test_adaptive_patchout_is_lowered_while_the_loss_stalls() -> None:
    assert followed([1.0, 1.0, 1.1, 1.0, 1.0, 1.0]) == [0.5, 0.5, 0.4, 0.4, 0.4, 0.3]


def test_adaptive_patchout_does_not_swing() -> None:
    """A loss that falls and stalls by turns changes nothing; nor does a fall below the gain."""
    assert followed([1.0, 0.9, 0.95, 0.8, 0.85, 0.7, 0.75]) == [0.5] * 7
    assert followed([1.0, 0.999, 0.998], patchout_gain=0.01) == [0.5, 0.5, 0.4]


def test_adaptive_patchout_stays_in_its_range() -> None:
    falling = [0.9**n for n in range(40)]
    assert max(followed(falling)) == followed(falling)[-1] == 1.0
    assert followed([1.0] * 40)[-1] == 0.0


def test_patchout_of_a_batch() -> None:
    generator = torch.Generator().manual_seed(0)
    off = replace(QUICK, patchout_time=0.0, patchout_freq=0.0, patchout_unstructured=0.0)
    assert draw_kept((8, 20), 4, off, generator) is None
    assert draw_kept((8, 20), 4, QUICK, generator, 0.0) is None
    kept = draw_kept((8, 20), 4, QUICK, generator)
    assert kept is not None
    assert kept.shape[0] == 4
    assert 20 <= kept.shape[1] <= 160
    shared = draw_kept((8, 20), 4, replace(QUICK, patchout_per="batch"), generator)
    assert shared is not None
    assert shared.dim() == 1


@pytest.mark.parametrize(("level", "left"), [(1.0, 6 * 15 * 0.5), (0.5, 7 * 18 * 0.75)])
def test_fixed_patchout_takes_its_full_shares(level: float, left: float) -> None:
    config = replace(
        QUICK,
        patchout_draw="fixed",
        patchout_time=0.25,
        patchout_freq=0.25,
        patchout_unstructured=0.5,
    )
    for seed in range(3):
        kept = draw_kept((8, 20), 2, config, torch.Generator().manual_seed(seed), level)
        assert kept is not None
        assert kept.shape == (2, math.ceil(left))
