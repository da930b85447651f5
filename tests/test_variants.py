"""Shapes that the published networks do not have: a stem, blocks run twice, fewer heads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from passt_core.errors import CheckpointError, PasstError
from passt_core.network import checkpoints
from passt_core.network.deit import from_deit
from passt_core.network.model import Passt, PasstConfig
from passt_core.network.patchout import PatchoutSpec, select, select_batch
from passt_core.network.weights import infer_config
from tests.sounds import TINY, randomised, save_network

CONV = replace(TINY, stem="conv")
SHARED = replace(TINY, depth=6, share=3)
PRUNED = replace(TINY, heads_left=(1, 2), units_left=(40, 7))
VARIANTS = (CONV, SHARED, PRUNED, replace(PRUNED, stem="conv", depth=4, share=2))


def short(config: object) -> str:
    """What sets a configuration apart."""
    if not isinstance(config, PasstConfig):
        return str(config)
    changes = ("depth", "stem", "share", "heads_left", "units_left")
    return " ".join(str(getattr(config, name)) for name in changes)


def mel(clips: int = 2, frames: int = 200) -> Tensor:
    return torch.randn(clips, 128, frames, generator=torch.Generator().manual_seed(1))


# --- the stem --------------------------------------------------------------------------------


@pytest.mark.parametrize("config", (TINY, CONV), ids=("linear", "conv"))
def test_a_token_sees_its_own_patch_and_nothing_else(config: PasstConfig) -> None:
    network, clips = randomised(config), mel().requires_grad_()
    columns = config.columns(200)
    for row, column in ((0, 0), (3, 5), (7, columns - 1)):
        token = network.patch_tokens(clips)[1, row * columns + column]
        (gradient,) = torch.autograd.grad(token.square().sum(), clips)
        own = torch.zeros_like(clips, dtype=torch.bool)
        own[1, row * 16 : row * 16 + 16, column * 16 : column * 16 + 16] = True
        assert not gradient[~own].any()
        assert gradient[own].abs().min() > 0


def test_every_patch_goes_through_the_same_stem() -> None:
    """Token row x columns + column is the stem of that patch alone plus both positions."""
    network, clips = randomised(CONV), mel()
    columns = CONV.columns(200)
    tokens = network.patch_tokens(clips, time_offset=4)
    for row, column in ((0, 0), (5, 2), (7, columns - 1)):
        patch = clips[:, row * 16 : row * 16 + 16, column * 16 : column * 16 + 16]
        expected = network.patch_embed(patch)[:, 0]
        expected = expected + network.freq_new_pos_embed[0, :, row, 0]
        expected = expected + network.time_new_pos_embed[0, :, 0, column + 4]
        torch.testing.assert_close(tokens[:, row * columns + column], expected)


@pytest.mark.parametrize("config", (TINY, CONV), ids=("linear", "conv"))
@pytest.mark.parametrize("per", ("batch", "clip"))
def test_only_kept_patches_are_computed_and_they_are_the_same(
    config: PasstConfig, per: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, clips = randomised(config), mel(3)
    grid, spec = (config.rows, config.columns(200)), PatchoutSpec(time=3, unstructured=20)
    generator = torch.Generator().manual_seed(0)
    kept = select(grid, spec, generator)
    if per == "clip":
        kept = select_batch(grid, spec, generator, clips=3)
    full, thinned = network.patch_tokens(clips), network.patch_tokens(clips, kept=kept)
    for clip in range(3):
        chosen = kept if per == "batch" else kept[clip]
        torch.testing.assert_close(thinned[clip], full[clip, chosen])
    torch.testing.assert_close(network(clips, kept=kept).logits, network.encode(thinned).logits)
    if config.stem == "conv":
        seen: list[int] = []
        network.patch_embed.stages.register_forward_pre_hook(lambda _, x: seen.append(len(x[0])))
        network(clips, kept=kept)
        assert seen == [3 * kept.shape[-1]]


def test_a_stem_neither_mixes_clips_nor_forgets_levels() -> None:
    network, clips = randomised(CONV).train(), mel(4)
    torch.testing.assert_close(network.patch_tokens(clips)[2:], network.patch_tokens(clips[2:]))
    quiet = network.patch_tokens(clips[:1] - 1.0)
    assert (quiet - network.patch_tokens(clips[:1])).abs().mean() > 0.1


@pytest.mark.parametrize(
    ("changes", "message"),
    (
        ({"stem": "deep"}, "stem is 'deep'; use one of linear, conv"),
        ({"stem": "conv", "stride_time": 10}, "strides 16 and 10 and patches of 16.*both .* to 16"),
        ({"stem": "conv", "stride_freq": 10}, "strides 10 and 16"),
        (
            {"stem": "conv", "patch": 12, "stride_freq": 12, "stride_time": 12},
            "patches of 12.*multiple of 8",
        ),
        ({"share": 0}, "runs of 0"),
        ({"share": 3}, "2 blocks do not divide into runs of 3; make depth a multiple"),
        ({"heads_left": (1,)}, r"heads_left is \(1,\); give one number from 1 to 2 for each of"),
        ({"heads_left": (1, 3)}, "heads_left"),
        ({"heads_left": (1, 0)}, "heads_left"),
        ({"units_left": (129, 128)}, "units_left .* from 1 to 128 for each of the 2 stored"),
    ),
    ids=str,
)
def test_a_shape_that_cannot_be_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(PasstError, match=message):
        replace(TINY, **changes)


# --- blocks ----------------------------------------------------------------------------------


def test_a_shared_block_is_its_copies_in_a_row() -> None:
    network, clips = randomised(SHARED), mel()
    plain = Passt(replace(TINY, depth=6)).eval()
    state = network.state_dict()
    for block in range(6):
        for key, value in network.blocks[block // 3].state_dict().items():
            state[f"blocks.{block}.{key}"] = value
    plain.load_state_dict(state)
    torch.testing.assert_close(network(clips).logits, plain(clips).logits)
    assert len(network.blocks) == 2
    assert sum(p.numel() for p in network.parameters()) < sum(p.numel() for p in plain.parameters())


@pytest.mark.parametrize("config", (TINY, *VARIANTS), ids=short)
@pytest.mark.parametrize("frames", (200, 998))
def test_flops_are_those_that_torch_counts(config: PasstConfig, frames: int) -> None:
    network, clips = Passt(config).eval(), mel(1, frames)
    patches = config.rows * config.columns(frames)
    counter, plain = FlopCounterMode(display=False), sdpa_kernel(SDPBackend.MATH)
    with counter, plain, torch.no_grad():  # it does not count the fused kernel
        tokens = network.patch_tokens(clips)
        stem = counter.get_total_flops()
        network.encode(tokens)
    head = 2 * config.dim * config.classes
    assert stem == config.stem_flops(patches)
    assert counter.get_total_flops() == stem + config.encoder_flops(patches) + head


def test_a_variant_is_told_in_words() -> None:
    assert TINY.summary == "dim 32, 2 blocks, 2 heads"
    assert CONV.summary == "dim 32, 2 blocks, 2 heads, conv stem"
    assert SHARED.summary == "dim 32, 6 blocks, 2 heads, 2 stored, each run 3 times"
    assert PRUNED.summary.endswith(", 3 of 4 heads left, 47 of 256 MLP units left")


# --- files -----------------------------------------------------------------------------------


@pytest.fixture(params=VARIANTS, ids=short)
def variant(request: pytest.FixtureRequest) -> PasstConfig:
    return request.param


def test_a_variant_is_saved_and_loaded(variant: PasstConfig, tmp_path: Path) -> None:
    network, clips = randomised(variant), mel()
    path = save_network(tmp_path / "variant.safetensors", network)
    loaded = checkpoints.load(path)
    assert loaded.config == variant
    assert hash(loaded.config) == hash(variant)
    assert torch.equal(loaded.network(clips).logits, network(clips).logits)


@pytest.mark.parametrize("stem", ("linear", "conv"))
@pytest.mark.parametrize("left", ({}, {"heads_left": (1, 3), "units_left": (40, 768)}), ids=short)
def test_a_bare_file_tells_its_stem_and_what_pruning_left(
    stem: str, left: dict[str, tuple[int, ...]], tmp_path: Path
) -> None:
    shape = {"dim": 192, "depth": 2, "heads": 3, "stride_freq": 16, "stride_time": 16}
    config = PasstConfig(**shape, classes=5, stem=stem, **left)
    network = randomised(config)
    assert infer_config(network.state_dict(), frames=None, stride=None) == config
    save_file(network.state_dict(), tmp_path / "bare.safetensors")
    loaded = checkpoints.load(tmp_path / "bare.safetensors")
    assert loaded.config == config
    assert torch.equal(loaded.network(mel()).logits, network(mel()).logits)


def test_deit_has_no_convolutional_stem(tmp_path: Path) -> None:
    torch.save(randomised(TINY).state_dict(), tmp_path / "deit.pth")
    with pytest.raises(CheckpointError, match="the network has a conv stem; use stem=linear"):
        from_deit(tmp_path / "deit.pth", CONV)


@pytest.mark.parametrize("share", (1, 2))
def test_a_last_block_that_works_for_the_answer_alone_learns_the_same(share: int) -> None:
    torch.manual_seed(0)
    network = randomised(replace(TINY, depth=4, share=share)).double().requires_grad_()
    tokens = network.extended(torch.randn(2, 9, TINY.dim, dtype=torch.float64)).detach()
    found = []
    for answers in (None, TINY.extra_tokens):
        network.zero_grad()
        logits, embedding = network.answer(network.blocks(tokens, answers))
        torch.autograd.backward(logits.square().sum() + embedding.sum(), retain_graph=True)
        found.append((logits, [p.grad for p in network.blocks.parameters()]))
    torch.testing.assert_close(*found, rtol=1e-9, atol=1e-12)
