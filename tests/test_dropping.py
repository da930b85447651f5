"""Leaving out blocks: what is left is a smaller network, and the blocks that matter least go."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
import torch

from passt_core.cli import main
from passt_core.errors import DatasetError, PasstError, TrainingError
from passt_core.lab import beginnings
from passt_core.lab.datasets import Dataset
from passt_core.lab.dropping import drop_blocks, heard, without_each
from passt_core.lab.efficiency import Cost
from passt_core.lab.train import train
from passt_core.network import checkpoints
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.dropping import shallower
from passt_core.network.model import Passt, PasstConfig
from passt_core.network.surgery import smaller
from passt_core.signal import audio
from passt_core.signal.decoding import Waveform
from passt_core.signal.mel import MelSpectrogram
from tests.labs import QUICK, tones_and_noises
from tests.sounds import TINY, randomised, save_network

DEEP = replace(TINY, depth=4, classes=3)
VARIANTS = (
    DEEP,
    replace(DEEP, depth=8, share=2),
    replace(DEEP, stem="conv"),
    replace(DEEP, distilled=False),
    replace(DEEP, heads_left=(1, 2, 1, 2), units_left=(128, 40, 7, 128)),
)
WINDOW = torch.randn(2, 128, 300, generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Three tones and three noises of a second."""
    return tones_and_noises(tmp_path_factory.mktemp("sounds"), each=3, folds=3)


def loaded(tmp_path: Path, network: Passt, activation: str = "sigmoid") -> Checkpoint:
    about = {"labels": ("noise", "tone", "whistle"), "activation": activation}
    path = save_network(tmp_path / "trained.safetensors", network, **about, temperature=0.7)
    return checkpoints.load(path)


def silenced(network: Passt, blocks: set[int]) -> Passt:
    """The same network whose given blocks add nothing to what passes them."""
    state = {key: value.clone() for key, value in network.state_dict().items()}
    for block in blocks:
        for layer in ("attn.proj", "mlp.fc2"):
            for part in ("weight", "bias"):
                state[f"blocks.{block}.{layer}.{part}"].zero_()
    other = Passt(network.config).eval()
    other.load_state_dict(state)
    return other.requires_grad_(False)


def kept(blocks: tuple[int, ...], stored: int = 4) -> set[int]:
    return set(range(stored)) - set(blocks)


# --- taking out ------------------------------------------------------------------------------


@pytest.mark.parametrize("config", VARIANTS, ids=lambda c: c.summary)
@pytest.mark.parametrize("blocks", ((0, 1, 3), (2,), (0, 1, 2, 3)), ids=str)
def test_a_shallower_network_is_the_old_one_with_the_rest_silent(
    config: PasstConfig, blocks: tuple[int, ...]
) -> None:
    network = randomised(config)
    found = shallower(network, blocks)
    expected = silenced(network, kept(blocks))
    torch.testing.assert_close(found(WINDOW).logits, expected(WINDOW).logits)
    assert found.config.depth == len(blocks) * config.share
    assert len(found.blocks) == len(blocks)
    assert found.cls_token.data_ptr() != network.cls_token.data_ptr()
    if kept(blocks):
        assert not torch.allclose(found(WINDOW).logits, network(WINDOW).logits)
        assert Cost.of(found).parameters < Cost.of(network).parameters
        assert Cost.of(found).flops < Cost.of(network).flops
    else:
        assert found.config == config


def test_blocks_and_heads_go_in_any_order() -> None:
    network, every = randomised(DEEP), tuple(range(128))
    heads = ((0,), (0, 1), (1,), (0, 1))
    first = shallower(smaller(network, heads=heads, units=(every,) * 4), (0, 2))
    then = smaller(shallower(network, (0, 2)), heads=((0,), (1,)), units=(every,) * 2)
    assert first.config == then.config
    assert torch.equal(first(WINDOW).logits, then(WINDOW).logits)


@pytest.mark.parametrize("config", VARIANTS, ids=lambda c: c.summary)
def test_it_is_saved_and_loaded_with_the_usual_keys(config: PasstConfig, tmp_path: Path) -> None:
    found = shallower(randomised(config), (1, 3))
    again = checkpoints.load(save_network(tmp_path / "less.safetensors", found))
    assert again.config == found.config
    assert torch.equal(again.network(WINDOW).logits, found(WINDOW).logits)
    names = {key.split(".")[1] for key in again.network.state_dict() if key.startswith("blocks.")}
    assert names == {"0", "1"}


@pytest.mark.parametrize("blocks", ((), (4,), (-1, 2), (2, 1), (1, 1)), ids=str)
def test_blocks_that_cannot_stay(blocks: tuple[int, ...]) -> None:
    with pytest.raises(PasstError, match=r"would stay; name one or more of 0 to 3, ascending"):
        shallower(randomised(DEEP), blocks)


# --- importance ------------------------------------------------------------------------------


def by_hand(
    checkpoint: Checkpoint, dataset: Dataset, blocks: tuple[int, ...]
) -> tuple[float, float]:
    """Divergence and cosine of the network with only some blocks, clip by clip."""
    thinned = silenced(checkpoint.network, kept(blocks))
    mel, totals = MelSpectrogram(checkpoint.front_end).eval(), [0.0, 0.0]
    for clip in dataset.clips:
        spectrogram = mel(torch.from_numpy(audio.load(clip.path))[None])
        full, less = checkpoint.network(spectrogram), thinned(spectrogram)
        p, q = ((o.logits[0] / checkpoint.temperature).double() for o in (full, less))
        if checkpoint.activation == "softmax":
            p, q = p.softmax(0), q.softmax(0)
            totals[0] += float((p * (p / q).log()).sum())
        else:
            p, q = p.sigmoid(), q.sigmoid()
            totals[0] += float((p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()).sum())
        totals[1] += float(torch.cosine_similarity(full.embedding, less.embedding)[0])
    return totals[0] / len(dataset), totals[1] / len(dataset)


@pytest.mark.parametrize("activation", ("sigmoid", "softmax"))
@pytest.mark.parametrize("share", (1, 2))
def test_what_is_lost_is_measured_beside_the_full_network(
    sounds: Dataset, tmp_path: Path, activation: str, share: int
) -> None:
    config = replace(DEEP, depth=4 * share, share=share)
    checkpoint = loaded(tmp_path, randomised(config), activation)
    for left in ((0, 1, 2, 3), (0, 2, 3)):
        found = without_each(checkpoint, heard(checkpoint, sounds), left)
        assert [one.block for one in found] == list(left)
        for one in found:
            rest = tuple(block for block in left if block != one.block)
            expected = by_hand(checkpoint, sounds, rest)
            assert (one.divergence, one.likeness) == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_the_least_important_goes_first_and_the_rest_stays(sounds: Dataset, tmp_path: Path) -> None:
    idle = silenced(randomised(DEEP), {1, 2})
    checkpoint = loaded(tmp_path, idle)
    found = drop_blocks(checkpoint, sounds, blocks=2)
    assert found.blocks == (0, 3)
    assert sorted(one.block for one in found.dropped) == [1, 2]
    assert all(one.divergence == pytest.approx(0.0, abs=1e-6) for one in found.dropped)
    torch.testing.assert_close(found.network(WINDOW).logits, idle(WINDOW).logits)
    assert found.clips == 6
    assert checkpoint.config.depth == 4
    assert not any(parameter.requires_grad for parameter in found.network.parameters())


def test_a_clip_is_decoded_once_for_all_blocks(
    sounds: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[Path] = []

    def counted(path: Path, **options: object) -> Waveform:
        decoded.append(path)
        return load(path, **options)

    load = audio.load
    monkeypatch.setattr(beginnings.audio_io, "load", counted)
    drop_blocks(loaded(tmp_path, randomised(DEEP)), sounds, blocks=1)
    assert decoded == [clip.path for clip in sounds.clips]


def test_one_after_another_the_best_of_what_is_left(sounds: Dataset, tmp_path: Path) -> None:
    checkpoint = loaded(tmp_path, randomised(DEEP))
    found = drop_blocks(checkpoint, sounds, blocks=1)
    left: tuple[int, ...] = (0, 1, 2, 3)
    for one in found.dropped:
        choices = {
            rest: by_hand(checkpoint, sounds, rest) for rest in combinations(left, len(left) - 1)
        }
        best = min(choices, key=lambda rest: choices[rest][0])
        assert set(left) - set(best) == {one.block}
        left = best
    assert found.blocks == left
    assert drop_blocks(checkpoint, sounds, blocks=4).blocks == (0, 1, 2, 3)


@pytest.mark.parametrize("blocks", (0, -1, 5))
def test_some_blocks_must_stay(blocks: int, sounds: Dataset, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=f"{blocks} blocks would stay of 4; keep 1 to 4"):
        drop_blocks(loaded(tmp_path, randomised(DEEP)), sounds, blocks=blocks)


def test_a_clip_that_is_none_is_named(sounds: Dataset, tmp_path: Path) -> None:
    bad = tmp_path / "text.wav"
    bad.write_text("no sound", encoding="utf-8")
    clips = (replace(sounds.clips[0], path=bad), *sounds.clips[1:])
    with pytest.raises(DatasetError, match=r"cannot be weighed.*text\.wav"):
        drop_blocks(loaded(tmp_path, randomised(DEEP)), replace(sounds, clips=clips), blocks=3)


# --- the command -----------------------------------------------------------------------------


def test_from_a_model_to_a_shallower_one_that_is_trained_on(
    sounds: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = loaded(tmp_path, randomised(DEEP))
    out = tmp_path / "less.safetensors"
    command = ["prune", str(sounds.clips[0].path.parent), "--model", checkpoint.source]
    assert main([*command, "--out", str(out), "--blocks", "2"]) == 0
    printed = capsys.readouterr().out
    assert "2 of 4; left out, one after another: " in printed
    found = checkpoints.load(out)
    expected = drop_blocks(checkpoint, sounds, blocks=2)
    assert found.config == expected.network.config == replace(DEEP, depth=2)
    assert found.card["blocks"] == list(expected.blocks)
    assert found.labels == checkpoint.labels
    tuned = train(sounds, replace(QUICK, epochs=1), start=found)
    assert tuned.network.config == replace(found.config, classes=2)


def test_blocks_and_heads_go_in_one_command(
    sounds: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = loaded(tmp_path, randomised(DEEP))
    command = ["prune", str(sounds.clips[0].path.parent), "--model", checkpoint.source]
    command += ["--blocks", "3", "--heads-kept", ".5", "--units-kept", ".5"]
    assert main([*command, "--out", str(tmp_path / "less.safetensors")]) == 0
    assert "3 of 8" in capsys.readouterr().out
    found = checkpoints.load(tmp_path / "less.safetensors").config
    assert (found.depth, sum(found.block_heads), sum(found.block_units)) == (3, 3, 192)


def test_no_blocks_are_refused_in_one_line(
    sounds: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = loaded(tmp_path, randomised(DEEP))
    command = ["prune", str(sounds.clips[0].path.parent), "--model", checkpoint.source]
    assert main([*command, "--out", str(tmp_path / "x.safetensors"), "--blocks", "0"]) == 2
    assert capsys.readouterr().err.startswith("error: 0 blocks would stay of 4")
    assert not (tmp_path / "x.safetensors").exists()
