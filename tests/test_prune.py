"""Pruning: what is left is smaller, says the same where nothing that mattered was taken, trains."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from passt_core.cli import main
from passt_core.errors import DatasetError, PasstError, TrainingError
from passt_core.lab.config import TrainConfig
from passt_core.lab.datasets import Dataset, load_dataset
from passt_core.lab.efficiency import Cost, seconds_per_clip
from passt_core.lab.prune import importance, prune, strongest
from passt_core.lab.train import train
from passt_core.network import checkpoints
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.model import Passt, PasstConfig
from passt_core.network.surgery import smaller
from tests.sounds import TINY, noise, randomised, save_network, tone, write

SHAPE = replace(TINY, heads=4, classes=3)
LABELS = ("noise", "tone", "whistle")
EVERY_HEAD = ((0, 1, 2, 3),) * 2
EVERY_UNIT = (tuple(range(128)),) * 2
ONE_WINDOW = torch.randn(2, 128, 300, generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Four clips each of tone and noise; two of the tones are of another length."""
    root = tmp_path_factory.mktemp("sounds")
    for index in range(4):
        for label, sound in (
            ("tone", tone(0.5 + 0.2 * (index > 1), hz=400 + 90 * index)),
            ("noise", noise(0.5, seed=index)),
        ):
            (root / label).mkdir(exist_ok=True)
            write(root / label / f"{index}.wav", sound)
    return load_dataset(root)


def trained(tmp_path: Path, config: PasstConfig = SHAPE, activation: str = "sigmoid") -> Checkpoint:
    path = tmp_path / "trained.safetensors"
    card = {"title": "Trained", "score": "perfect", "licence": "CC0"}
    about = {"labels": LABELS, "activation": activation, "card": card}
    return checkpoints.load(save_network(path, randomised(config), **about))


def silenced(network: Passt, block: int, heads: set[int], units: set[int]) -> Passt:
    """The same network with the outputs of some heads and units of one block at zero."""
    state = {key: value.clone() for key, value in network.state_dict().items()}
    width = network.config.head_dim
    for head in heads:
        state[f"blocks.{block}.attn.proj.weight"][:, head * width : (head + 1) * width] = 0.0
    for unit in units:
        state[f"blocks.{block}.mlp.fc2.weight"][:, unit] = 0.0
    other = Passt(network.config).eval()
    other.load_state_dict(state)
    return other


# --- taking out ------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", ({}, {"share": 2, "depth": 4}, {"stem": "conv"}), ids=str)
def test_a_smaller_network_is_the_old_one_with_the_rest_at_zero(changes: dict[str, object]) -> None:
    network = randomised(replace(SHAPE, **changes))
    heads = (EVERY_HEAD[0], (1, 3))
    units = (EVERY_UNIT[0], tuple(range(0, 128, 3)))
    found = smaller(network, heads=heads, units=units)
    expected = silenced(network, 1, {0, 2}, set(range(128)) - set(units[1]))
    torch.testing.assert_close(found(ONE_WINDOW).logits, expected(ONE_WINDOW).logits)
    assert not torch.allclose(found(ONE_WINDOW).logits, network(ONE_WINDOW).logits)
    assert found.config == replace(network.config, heads_left=(4, 2), units_left=(128, 43))
    assert found.blocks[1].attn.qkv.weight.shape == (3 * 2 * 8, 32)
    assert Cost.of(found).parameters < Cost.of(network).parameters
    assert Cost.of(found).flops < Cost.of(network).flops


def test_what_was_pruned_can_be_pruned_again() -> None:
    network = randomised(SHAPE)
    once = smaller(network, heads=((0, 2, 3), (1, 3)), units=EVERY_UNIT)
    twice = smaller(once, heads=((0, 2), (1,)), units=EVERY_UNIT)
    at_once = smaller(network, heads=((0, 3), (3,)), units=EVERY_UNIT)
    assert torch.equal(twice(ONE_WINDOW).logits, at_once(ONE_WINDOW).logits)


def test_keeping_all_changes_nothing() -> None:
    network = randomised(SHAPE)
    same = smaller(network, heads=EVERY_HEAD, units=EVERY_UNIT)
    assert same.config == network.config
    assert torch.equal(same(ONE_WINDOW).logits, network(ONE_WINDOW).logits)
    assert same.cls_token.data_ptr() != network.cls_token.data_ptr()


@pytest.mark.parametrize(
    ("heads", "message"),
    (
        (((0,),), "heads are given for 1 blocks of 2"),
        (((0,), ()), r"block 1 would keep the heads \[\]; name one or more of 0 to 3"),
        (((0,), (4,)), r"block 1 would keep the heads \[4\]"),
        (((0,), (-1, 2)), "block 1"),
        (((2, 1), (0,)), "block 0"),
        (((1, 1), (0,)), "block 0"),
    ),
)
def test_heads_that_cannot_stay(heads: tuple[tuple[int, ...], ...], message: str) -> None:
    with pytest.raises(PasstError, match=message):
        smaller(randomised(SHAPE), heads=heads, units=EVERY_UNIT)


# --- importance ------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ("sigmoid", "softmax"))
@pytest.mark.parametrize("share", (1, 2))
def test_importance_is_the_slope_of_the_loss_at_each_gate(
    sounds: Dataset, tmp_path: Path, activation: str, share: int
) -> None:
    """Against the difference of the losses with a head turned up and down a little, per clip."""
    checkpoint = trained(tmp_path, replace(SHAPE, depth=2 * share, share=share), activation)
    few = replace(sounds, clips=sounds.clips[:1] + sounds.clips[4:5])
    found = importance(checkpoint, few)
    by_hand = np.array([[slope(checkpoint, few, b, h) for h in range(4)] for b in range(2)])
    by_hand /= np.linalg.norm(by_hand, axis=1, keepdims=True)
    np.testing.assert_allclose(torch.stack(found.heads), by_hand, rtol=0.02, atol=2e-3)
    assert found.clips == 2
    assert [len(values) for values in found.units] == [128, 128]
    assert all(float(values.norm()) == pytest.approx(1.0) for values in found.units)


def slope(checkpoint: Checkpoint, dataset: Dataset, block: int, head: int) -> float:
    total, step, width = 0.0, 1e-3, SHAPE.head_dim
    weight = f"blocks.{block}.attn.proj.weight"
    for clip, label in zip(dataset.clips, dataset.targets):
        losses = []
        for factor in (1 + step, 1 - step):
            state = {k: v.double() for k, v in checkpoint.network.state_dict().items()}
            state[weight][:, head * width : (head + 1) * width] *= factor
            network = Passt(checkpoint.config).double().eval()
            network.load_state_dict(state)
            losses.append(float(loss_of(network, checkpoint, clip.path, label)))
        total += abs(losses[0] - losses[1]) / (2 * step)
    return total / len(dataset)


def loss_of(network: Passt, checkpoint: Checkpoint, path: Path, label: int) -> torch.Tensor:
    from passt_core.signal import audio, mel

    waveform = torch.from_numpy(audio.load(path))[None]
    spectrogram = mel.MelSpectrogram(checkpoint.front_end).eval()(waveform).double()
    logits = network(spectrogram).logits[0, :2].detach()  # the dataset has two of the three classes
    if checkpoint.activation == "softmax":
        return -logits.log_softmax(0)[label]
    signs = torch.tensor([1.0 if place == label else -1.0 for place in range(2)]).double()
    return -torch.nn.functional.logsigmoid(signs * logits).sum()


def test_what_does_nothing_goes_first_and_nothing_is_lost(sounds: Dataset, tmp_path: Path) -> None:
    idle_units = set(range(64, 128))
    checkpoint = trained(tmp_path)
    idle = silenced(silenced(checkpoint.network, 0, {1, 2}, idle_units), 1, {0}, set())
    checkpoint = replace(checkpoint, network=idle.requires_grad_(False))
    before = {key: value.clone() for key, value in idle.state_dict().items()}
    found = prune(checkpoint, sounds, heads_kept=5 / 8, units_kept=0.75)
    assert found.heads == ((0, 3), (1, 2, 3))
    assert found.units == (tuple(range(64)), EVERY_UNIT[1])
    torch.testing.assert_close(found.network(ONE_WINDOW).logits, idle(ONE_WINDOW).logits)
    assert all(torch.equal(value, idle.state_dict()[key]) for key, value in before.items())
    assert not any(block.attn.proj._forward_pre_hooks for block in idle.blocks)
    assert not any(parameter.requires_grad for parameter in found.network.parameters())


def test_the_strongest_of_each_block_stays() -> None:
    weak, strong = torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0.9, 0.7, 0.8])
    assert strongest((weak, strong), 0.5) == ((2,), (0, 2))
    assert strongest((weak, strong), 0.01) == ((2,), (0,))
    assert strongest((weak, strong), 1.0) == ((0, 1, 2), (0, 1, 2))


@pytest.mark.parametrize("share", (0.0, -1.0, 1.5, float("nan")))
def test_a_share_is_above_0_and_at_most_1(share: float, sounds: Dataset, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="heads_kept is .* use above 0, at most 1"):
        prune(trained(tmp_path), sounds, heads_kept=share)


def test_a_model_is_pruned_on_what_it_knows(sounds: Dataset, tmp_path: Path) -> None:
    other = replace(trained(tmp_path), labels=("a", "b", "c"))
    with pytest.raises(DatasetError, match="has no class 'noise' .*prune on what it was trained"):
        prune(other, sounds)
    bad = tmp_path / "text.wav"
    bad.write_text("no sound", encoding="utf-8")
    clips = (replace(sounds.clips[0], path=bad), *sounds.clips[1:])
    with pytest.raises(DatasetError, match=r"cannot be weighed.*text\.wav"):
        prune(trained(tmp_path), replace(sounds, clips=clips))


# --- afterwards ------------------------------------------------------------------------------


def test_from_a_model_to_a_smaller_one_that_is_trained_on(
    sounds: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained(tmp_path)
    folder, out = sounds.clips[0].path.parents[1], tmp_path / "pruned.safetensors"
    command = ["prune", str(folder), "--model", str(tmp_path / "trained.safetensors")]
    shares = ["--heads-kept", ".5", "--units-kept", ".25"]
    assert main([*command, *shares, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "4 of 8" in printed
    assert "64 of 256" in printed
    found = checkpoints.load(out)
    assert sum(found.config.block_heads) == 4
    assert sum(found.config.block_units) == 64
    assert found.labels == LABELS
    assert found.card["title"] == "Trained, pruned"
    assert "score" not in found.card
    assert out.stat().st_size < (tmp_path / "trained.safetensors").stat().st_size / 2
    quick = TrainConfig(epochs=1, batch_size=4, shortest_s=0.4, longest_s=0.5, precision="fp32")
    tuned = train(sounds, quick, start=found)
    assert tuned.network.config == replace(found.config, classes=2)
    tuned.save(tmp_path / "tuned.safetensors", {})
    assert checkpoints.load(tmp_path / "tuned.safetensors").config == tuned.network.config


def test_a_share_of_nothing_is_refused_in_one_line(
    sounds: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained(tmp_path)
    folder = sounds.clips[0].path.parents[1]
    command = ["prune", str(folder), "--model", str(tmp_path / "trained.safetensors")]
    assert main([*command, "--heads-kept", "0", "--out", str(tmp_path / "x.safetensors")]) == 2
    assert capsys.readouterr().err.startswith("error: heads_kept is 0.0")
    assert not (tmp_path / "x.safetensors").exists()


def test_costs_are_compared_in_turn() -> None:
    large, small = randomised(replace(TINY, depth=12)), randomised(replace(TINY, depth=1))
    assert Cost.of(large).flops > 8 * Cost.of(small).flops
    slow, quick = seconds_per_clip((large, small), runs=3)
    assert slow > quick > 0.0
