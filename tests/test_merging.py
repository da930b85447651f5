"""Token merging: whose tokens join, what they weigh, and what it says beside the paper in loops."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from passt_core.errors import PasstError
from passt_core.network.merging import Merged, match, merge
from passt_core.network.model import Block, Passt, PasstConfig
from tests.sounds import TINY, randomised

DEEP = replace(TINY, depth=4)
PRUNED = replace(TINY, heads=4, heads_left=(1, 3), units_left=(40, 128))
SHARED = replace(TINY, depth=4, share=2)
ALONE = replace(TINY, distilled=False)


def mel(clips: int = 2, frames: int = 200, seed: int = 0) -> torch.Tensor:
    return torch.randn(clips, 128, frames, generator=torch.Generator().manual_seed(seed))


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# --- the paper, in loops ---------------------------------------------------------------------


def attended(block: Block, x: np.ndarray, sizes: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Attention of one clip (N, d) with log size on the logits, and the mean key of each token."""
    weights = {key: value.double().numpy() for key, value in block.state_dict().items()}
    width = block.attn.width // block.attn.heads
    normed = torch.nn.functional.layer_norm(
        torch.from_numpy(x), x.shape[1:], eps=1e-6,
        weight=torch.from_numpy(weights["norm1.weight"]),
        bias=torch.from_numpy(weights["norm1.bias"]),
    ).numpy()  # fmt: skip
    qkv = normed @ weights["attn.qkv.weight"].T + weights["attn.qkv.bias"]
    queries, keys, values = (part.reshape(len(x), -1, width) for part in np.split(qkv, 3, axis=1))
    mixed = np.zeros_like(queries)
    for head in range(block.attn.heads):
        for token in range(len(x)):
            logits = [
                queries[token, head] @ keys[other, head] / np.sqrt(width) + np.log(sizes[other])
                for other in range(len(x))
            ]
            share = np.exp(logits) / np.exp(logits).sum()
            mixed[token, head] = share @ values[:, head]
    out = mixed.reshape(len(x), -1) @ weights["attn.proj.weight"].T + weights["attn.proj.bias"]
    return x + out, keys.mean(axis=1)


def joined(
    x: np.ndarray, keys: np.ndarray, sizes: list[int], count: int, extra: int
) -> tuple[np.ndarray, list[int]]:
    """Bipartite soft matching of one clip: steps 1 to 5 of the paper's section 3."""
    first = list(range(extra, len(x), 2))
    second = list(range(extra + 1, len(x), 2))
    edges = []
    for one in first:
        cosine = {
            other: keys[one] @ keys[other]
            / (np.linalg.norm(keys[one]) * np.linalg.norm(keys[other]))
            for other in second
        }  # fmt: skip
        best = max(cosine, key=lambda other: cosine[other])
        edges.append((cosine[best], one, best))
    edges.sort(reverse=True)
    groups = {token: [token] for token in range(len(x))}
    for _, one, other in edges[:count]:
        groups[other] += groups.pop(one)
    order = [t for t in [*range(extra), *first, *second] if t in groups]
    means = [
        sum(sizes[t] * x[t] for t in groups[place]) / sum(sizes[t] for t in groups[place])
        for place in order
    ]
    return np.stack(means), [sum(sizes[t] for t in groups[place]) for place in order]


def slowly(network: Passt, tokens: torch.Tensor, counts: tuple[int, ...]) -> np.ndarray:
    """Embedding of one clip's patch tokens (n, d) after all blocks."""
    extra = network.config.extra_tokens
    x = network.extended(tokens[None])[0].double().numpy()
    sizes = [1] * len(x)
    runs = [block for block in network.blocks for _ in range(network.config.share)]
    for block, count in zip(runs, counts, strict=True):
        x, keys = attended(block, x, sizes)
        x, sizes = joined(x, keys, sizes, count, extra)
        hidden = torch.from_numpy(x)
        x = (hidden + block.double().mlp(block.norm2(hidden))).numpy()
        block.float()
    return network.norm(torch.from_numpy(x).float())[:extra].mean(dim=0).numpy()


@pytest.mark.parametrize("config", (TINY, PRUNED, SHARED, ALONE), ids=lambda c: c.summary)
@pytest.mark.parametrize("per_block", (1, 7, 22))
def test_it_is_the_paper_in_loops(config: PasstConfig, per_block: int) -> None:
    network, clips = randomised(config), mel()
    merged = Merged(network, per_block=per_block)
    tokens = network.patch_tokens(clips)
    found = merged(clips)
    counts = merged.counts(tokens.shape[1])
    expected = [slowly(network, clip, counts) for clip in tokens]
    np.testing.assert_allclose(found.embedding.numpy(), np.stack(expected), atol=2e-5)
    torch.testing.assert_close(found.logits, network.head(found.embedding))


# --- what must hold --------------------------------------------------------------------------


@pytest.mark.parametrize("config", (TINY, PRUNED, SHARED, ALONE), ids=lambda c: c.summary)
@pytest.mark.parametrize("choice", ({"per_block": 0}, {"keep": 1.0}), ids=str)
def test_merging_nothing_is_the_network_itself(
    config: PasstConfig, choice: dict[str, float]
) -> None:
    network, clips, kept = randomised(config), mel(), torch.tensor([0, 5, 17, 40])
    merged = Merged(network, **choice)
    for options in ({}, {"kept": kept}, {"time_offset": 3}, {"kept": torch.stack([kept, kept])}):
        for one, other in zip(merged(clips, **options), network(clips, **options)):
            assert torch.equal(one, other)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_every_patch_is_in_one_token(data: st.DataObject) -> None:
    """Sizes are whole, 1 or more, and add up; cls and dist stand for themselves, in their place."""
    patches = data.draw(st.integers(2, 60), "patches")
    counts = data.draw(st.tuples(*[st.integers(0, 30)] * 4), "counts")
    network = randomised(DEEP)
    tokens = drawn(2, patches, DEEP.dim, seed=data.draw(st.integers(0, 9)))
    merged, left = Merged(network, per_block=counts), patches
    for count, (x, sizes) in zip(merged.counts(patches), merged.steps(tokens)):
        left -= count
        assert x.shape == (2, left + 2, DEEP.dim)
        assert sizes.shape == (2, left + 2, 1)
        assert torch.equal(sizes[:, :2], torch.ones(2, 2, 1))
        assert torch.equal(sizes, sizes.round())
        assert sizes.min() >= 1
        assert sizes[:, 2:].sum(dim=1).tolist() == [[patches]] * 2
    assert left >= 1


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 40), st.integers(0, 20), st.integers(0, 99))
def test_a_match_names_each_token_of_the_first_set_once(n: int, count: int, seed: int) -> None:
    count = min(count, n // 2)
    keys = drawn(3, n, 5, seed=seed)
    found = match(keys, count)
    for stay, leave, into in zip(*found):
        assert sorted([*stay.tolist(), *leave.tolist()]) == list(range(-(-n // 2)))
        assert stay.tolist() == sorted(stay.tolist())
        assert all(0 <= place < n // 2 for place in into.tolist())
    tokens, sizes = drawn(3, n, 4, seed=seed + 1), torch.rand(3, n, 1) + 0.5
    mixed, together = merge(tokens, sizes, found)
    torch.testing.assert_close((mixed * together).sum(dim=1), (tokens * sizes).sum(dim=1))
    torch.testing.assert_close(together.sum(dim=1), sizes.sum(dim=1))


def test_the_most_alike_join_as_a_weighted_mean() -> None:
    """By hand: tokens 0, 2 and 4 are the first set; 2 and 4 are most like 3."""
    keys = torch.tensor([[[1.0, 1.0], [1.0, 0.0], [0.1, 1.0], [0.0, 1.0], [0.0, 2.0]]])
    found = match(keys, 2)
    assert [part.tolist() for part in found] == [[[0]], [[2, 1]], [[1, 1]]]
    tokens = torch.tensor([[[10.0], [20.0], [30.0], [40.0], [50.0]]])
    sizes = torch.tensor([[[1.0], [1.0], [2.0], [1.0], [5.0]]])
    mixed, together = merge(tokens, sizes, found)
    assert mixed.flatten().tolist() == [10.0, 20.0, (2 * 30 + 40 + 5 * 50) / 8]
    assert together.flatten().tolist() == [1.0, 1.0, 8.0]


@pytest.mark.parametrize("config", (TINY, PRUNED, ALONE), ids=lambda c: c.summary)
def test_merging_identical_tokens_changes_nothing(config: PasstConfig) -> None:
    """Each token twice, side by side: merged in the first block they weigh what both did."""
    network = randomised(config)
    once = drawn(2, 20, config.dim)
    twice = once.repeat_interleave(2, dim=1)
    merged = Merged(network, per_block=(20, 0))
    assert merged.counts(40) == (20, 0)
    for one, other in zip(merged.encode(twice), network.encode(twice)):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5)
    assert not torch.allclose(network.encode(once).embedding, network.encode(twice).embedding)


def test_clips_do_not_mix() -> None:
    network, clips = randomised(DEEP), mel(3)
    merged = Merged(network, keep=0.3)
    for clip in range(3):
        alone = merged(clips[clip : clip + 1])
        torch.testing.assert_close(merged(clips).logits[clip], alone.logits[0])


def test_only_what_was_kept_is_merged() -> None:
    network, clips = randomised(DEEP), mel()
    kept = torch.arange(0, 96, 3)
    merged = Merged(network, keep=0.5)
    tokens = network.patch_tokens(clips, kept=kept)
    assert torch.equal(merged(clips, kept=kept).logits, merged.encode(tokens).logits)
    *_, (_, sizes) = merged.steps(tokens)
    assert sizes[:, 2:].sum(dim=1).flatten().tolist() == [32, 32]
    assert sizes.shape[1] == 2 + 16


# --- how much --------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(1, 600), st.floats(0.3, 1.0), st.integers(1, 12))
def test_keep_is_the_share_that_is_left(patches: int, keep: float, depth: int) -> None:
    network = Passt(replace(TINY, depth=depth, dim=8))
    for schedule in ("constant", "decreasing"):
        counts = Merged(network, keep=keep, schedule=schedule).counts(patches)
        assert len(counts) == depth
        left = patches
        for count in counts:
            assert 0 <= count <= left // 2
            left -= count
        assert counts[-1] == 0
        if depth > 4:  # fewer cannot merge so much: a block merges half at most
            assert abs(left - keep * patches) <= 1
    assert all(late <= early + 1 for early, late in pairwise(counts))  # but for rounding


def test_both_schedules_of_the_bundled_shape() -> None:
    network = Passt(replace(TINY, depth=6))
    assert Merged(network, keep=0.5).counts(496) == (50, 49, 50, 49, 50, 0)
    decreasing = Merged(network, keep=0.5, schedule="decreasing")
    assert decreasing.counts(496) == (89, 70, 49, 30, 10, 0)
    assert Merged(network, per_block=300).counts(496) == (248, 124, 62, 31, 15, 8)
    assert Merged(network, per_block=(0, 0, 9, 0, 0, 2)).counts(496) == (0, 0, 9, 0, 0, 2)


@pytest.mark.parametrize("config", (DEEP, PRUNED, SHARED), ids=lambda c: c.summary)
@pytest.mark.parametrize("keep", (1.0, 0.4))
def test_flops_are_those_that_torch_counts(config: PasstConfig, keep: float) -> None:
    network = randomised(config)
    merged, tokens = Merged(network, keep=keep), drawn(1, 97, config.dim)
    counter = FlopCounterMode(display=False)
    with counter, sdpa_kernel(SDPBackend.MATH), torch.no_grad():  # it does not count the fused one
        merged.encode(tokens)
    head = 2 * config.dim * config.classes
    assert counter.get_total_flops() == merged.encoder_flops(97) + head
    if keep == 1.0:
        assert merged.encoder_flops(97) == config.encoder_flops(97)
    else:
        assert merged.encoder_flops(97) < config.encoder_flops(97)


@pytest.mark.parametrize(
    ("choice", "message"),
    (
        ({}, "per_block and keep are two ways.*give one"),
        ({"per_block": 1, "keep": 0.5}, "give one"),
        ({"keep": 0.0}, "keep is 0.0; it is a share"),
        ({"keep": 1.5}, "keep is 1.5"),
        ({"keep": float("nan")}, "keep is nan"),
        ({"per_block": -1}, "per_block is -1; give 0 or more"),
        ({"per_block": (1, 2, 3)}, r"per_block is \(1, 2, 3\).* each of 2 blocks"),
        ({"keep": 0.5, "schedule": "rising"}, "schedule is 'rising'; use one of constant"),
    ),
)
def test_what_cannot_be_merged_is_refused(choice: dict[str, object], message: str) -> None:
    with pytest.raises(PasstError, match=message):
        Merged(randomised(TINY), **choice)
