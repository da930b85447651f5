"""Which patches stay."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from passt_core.errors import PatchoutError
from passt_core.network.model import PasstConfig, gather_tokens
from passt_core.network.patchout import PatchoutSpec, select, select_batch
from tests.sounds import TINY, randomised

Grid = tuple[int, int]
GRIDS = st.tuples(st.integers(1, 12), st.integers(1, 99))
property_based = settings(max_examples=150, deadline=None, derandomize=True)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@st.composite
def possible(draw: st.DrawFn) -> tuple[Grid, PatchoutSpec]:
    """A grid and a specification that leaves at least one patch."""
    rows, columns = grid = draw(GRIDS)
    rows_gone = draw(st.sets(st.integers(0, rows - 1), max_size=rows - 1))
    columns_gone = draw(st.sets(st.integers(0, columns - 1), max_size=columns - 1))
    nth_row, nth_column = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    rows_left = -(-(rows - len(rows_gone)) // max(1, nth_row))
    columns_left = -(-(columns - len(columns_gone)) // max(1, nth_column))
    freq = draw(st.integers(0, rows_left - 1))
    time = draw(st.integers(0, columns_left - 1))
    left = (rows_left - freq) * (columns_left - time)
    spec = PatchoutSpec(
        drop_rows=tuple(sorted(rows_gone)),
        drop_columns=tuple(sorted(columns_gone)),
        freq_interleaved=nth_row,
        time_interleaved=nth_column,
        freq=freq,
        time=time,
        unstructured=draw(st.integers(0, left - 1)),
    )
    return grid, spec


def count_left(grid: Grid, spec: PatchoutSpec) -> int:
    rows = range(grid[0] - len(spec.drop_rows))[:: max(1, spec.freq_interleaved)]
    columns = range(grid[1] - len(spec.drop_columns))[:: max(1, spec.time_interleaved)]
    return (len(rows) - spec.freq) * (len(columns) - spec.time) - spec.unstructured


@given(case=possible(), seed=st.integers(0, 2**31))
@property_based
def test_counts_order_and_determinism(case: tuple[Grid, PatchoutSpec], seed: int) -> None:
    grid, spec = case
    kept = select(grid, spec, seeded(seed))
    assert kept.dtype == torch.int64
    assert len(kept) == count_left(grid, spec)
    assert (kept.diff() > 0).all(), "ascending, each once"
    assert int(kept[0]) >= 0
    assert int(kept[-1]) < grid[0] * grid[1]
    assert torch.equal(kept, select(grid, spec, seeded(seed)))
    rows, columns = set((kept // grid[1]).tolist()), set((kept % grid[1]).tolist())
    assert not rows & set(spec.drop_rows)
    assert not columns & set(spec.drop_columns)


@given(case=possible())
@property_based
def test_what_is_structured_is_whole_rows_and_columns(case: tuple[Grid, PatchoutSpec]) -> None:
    grid, spec = case
    assume(not spec.unstructured)
    kept = select(grid, spec, seeded())
    rows, columns = (kept // grid[1]).unique(), (kept % grid[1]).unique()
    crossings = (rows[:, None] * grid[1] + columns[None]).flatten()
    assert torch.equal(kept, crossings)


def test_an_empty_specification_keeps_all() -> None:
    assert PatchoutSpec().is_empty
    assert PatchoutSpec(time_interleaved=1, freq_interleaved=1).is_empty
    assert torch.equal(select((3, 5), PatchoutSpec(), seeded()), torch.arange(15))
    for field in ("time", "freq", "unstructured"):
        assert not PatchoutSpec(**{field: 1}).is_empty
    assert not PatchoutSpec(time_interleaved=2).is_empty
    assert not PatchoutSpec(drop_patches=((0, 0),)).is_empty


def test_seeds_differ() -> None:
    spec = PatchoutSpec(time=20, freq=2, unstructured=40)
    draws = {tuple(select((8, 62), spec, seeded(seed)).tolist()) for seed in range(20)}
    assert len(draws) == 20


def test_every_patch_has_the_same_chance() -> None:
    spec, generator = PatchoutSpec(time=3, freq=2, unstructured=4), seeded()
    counts = torch.zeros(4 * 8)
    for _ in range(4000):
        counts[select((4, 8), spec, generator)] += 1
    share = counts / 4000
    expected = (5 * 2 - 4) / 32
    assert (share - expected).abs().max() < 0.03


def test_draws_come_in_the_order_of_the_reference() -> None:
    """Columns first, then rows, then single patches, from one generator (PaSST, section 2.2)."""
    generator = seeded(7)
    columns = torch.randperm(99, generator=generator)[: 99 - 40].sort().values
    rows = torch.randperm(12, generator=generator)[: 12 - 4].sort().values
    grid = torch.arange(12 * 99).view(12, 99)
    patches = grid[:, columns][rows].flatten()
    single = torch.randperm(len(patches), generator=generator)[: len(patches) - 50].sort().values
    spec = PatchoutSpec(time=40, freq=4, unstructured=50)
    assert torch.equal(select((12, 99), spec, seeded(7)), patches[single])


@pytest.mark.parametrize(
    ("stride", "spec", "length"),
    (
        (10, PatchoutSpec(), 1190),
        (10, PatchoutSpec(time=40, freq=4), 474),
        (10, PatchoutSpec(unstructured=400), 790),
        (16, PatchoutSpec(), 498),
        (16, PatchoutSpec(time=20, freq=2), 254),
    ),
)
def test_published_sequence_lengths(stride: int, spec: PatchoutSpec, length: int) -> None:
    config = PasstConfig(stride_freq=stride, stride_time=stride)
    kept = select(config.grid, spec, seeded())
    assert len(kept) + config.extra_tokens == length


def test_interleaved_keeps_every_nth() -> None:
    kept = select((4, 6), PatchoutSpec(time_interleaved=3, freq_interleaved=2), seeded())
    assert kept.tolist() == [0, 3, 12, 15]


def test_named_patches_go() -> None:
    spec = PatchoutSpec(drop_rows=(1,), drop_columns=(0, 2), drop_patches=((0, 1), (1, 1), (2, 3)))
    assert select((3, 4), spec, seeded()).tolist() == [3, 9]


@given(case=possible(), clips=st.integers(1, 5))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_a_batch_draws_clip_by_clip(case: tuple[Grid, PatchoutSpec], clips: int) -> None:
    grid, spec = case
    batch, generator = select_batch(grid, spec, seeded(3), clips=clips), seeded(3)
    assert batch.shape == (clips, count_left(grid, spec))
    for kept in batch:
        assert torch.equal(kept, select(grid, spec, generator))


# --- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "message"),
    (
        (PatchoutSpec(time=6), "6 of 6 time columns would be dropped.*drop 5 or fewer"),
        (PatchoutSpec(time=99), "99 of 6 time columns"),
        (PatchoutSpec(freq=4), "4 of 4 frequency rows"),
        (PatchoutSpec(unstructured=24), "24 of 24 patches"),
        (PatchoutSpec(time=5, freq=3, unstructured=1), "1 of 1 patches"),
        (PatchoutSpec(time_interleaved=6, time=1), "1 of 1 time columns"),
        (PatchoutSpec(drop_rows=(0, 1, 2, 3)), "all 4 rows"),
        (PatchoutSpec(drop_columns=tuple(range(6))), "all 6 columns"),
        (
            PatchoutSpec(
                time=5,
                freq=3,
                drop_patches=tuple((row, column) for row in range(4) for column in range(6)),
            ),
            "all 1 patches",
        ),
        (PatchoutSpec(drop_rows=(4,)), "row 4 is not in the grid; use 0 to 3"),
        (PatchoutSpec(drop_rows=(-1,)), "row -1 is not in the grid"),
        (PatchoutSpec(drop_columns=(6,)), "column 6 is not in the grid; use 0 to 5"),
        (PatchoutSpec(drop_patches=((4, 0),)), r"patch \(4, 0\) is not in the grid"),
        (PatchoutSpec(drop_patches=((0, -1),)), r"patch \(0, -1\) is not in the grid"),
    ),
)
def test_refusals_name_value_and_rule(spec: PatchoutSpec, message: str) -> None:
    with pytest.raises(PatchoutError, match=message):
        select((4, 6), spec, seeded())


@pytest.mark.parametrize(
    "field", ("time", "freq", "unstructured", "time_interleaved", "freq_interleaved")
)
def test_negative_counts_are_refused(field: str) -> None:
    with pytest.raises(PatchoutError, match=f"{field} is -1; use 0 or more"):
        PatchoutSpec(**{field: -1})


# --- in the network --------------------------------------------------------------------------


def mel(clips: int = 2, frames: int = 500) -> torch.Tensor:
    return torch.randn(clips, 128, frames, generator=seeded(1))


SPEC = PatchoutSpec(time=10, freq=3, unstructured=20)


def test_kept_tokens_are_a_gather_on_the_full_sequence() -> None:
    network, clips = randomised(TINY), mel()
    grid = (TINY.rows, TINY.columns(500))
    kept = select(grid, SPEC, seeded())
    full = network.patch_tokens(clips)
    assert full.shape == (2, grid[0] * grid[1], TINY.dim)
    by_hand = torch.stack([full[:, index] for index in kept.tolist()], dim=1)
    assert torch.equal(gather_tokens(full, kept), by_hand)
    expected, found = network.encode(by_hand), network(clips, kept=kept)
    torch.testing.assert_close(found.logits, expected.logits)
    torch.testing.assert_close(found.embedding, expected.embedding)


def test_tokens_are_frequency_major_and_carry_their_place() -> None:
    """Token row x columns + column is the convolution's cell there plus both positions."""
    network, clips = randomised(TINY), mel(1)
    tokens, columns = network.patch_tokens(clips)[0], TINY.columns(500)
    for row, column in ((0, 0), (0, 5), (3, 0), (7, columns - 1)):
        patch = clips[0, row * 16 : row * 16 + 16, column * 16 : column * 16 + 16]
        kernel = network.patch_embed.proj.weight[:, 0]
        expected = (kernel * patch).sum(dim=(1, 2)) + network.patch_embed.proj.bias
        expected = expected + network.freq_new_pos_embed[0, :, row, 0]
        expected = expected + network.time_new_pos_embed[0, :, 0, column]
        torch.testing.assert_close(tokens[row * columns + column], expected)


def test_one_set_per_clip_is_each_clip_by_itself() -> None:
    network, clips = randomised(TINY), mel(3)
    kept = select_batch((TINY.rows, TINY.columns(500)), SPEC, seeded(), clips=3)
    together = network(clips, kept=kept)
    for index in range(3):
        alone = network(clips[index : index + 1], kept=kept[index])
        torch.testing.assert_close(together.logits[index], alone.logits[0], rtol=0, atol=1e-5)


def test_keeping_all_is_no_patchout() -> None:
    network, clips = randomised(TINY), mel()
    everything = select((TINY.rows, TINY.columns(500)), PatchoutSpec(), seeded())
    torch.testing.assert_close(network(clips, kept=everything).logits, network(clips).logits)


def test_what_was_dropped_cannot_be_heard() -> None:
    network, clips = randomised(TINY), mel(1)
    spec = PatchoutSpec(drop_columns=tuple(range(10, 20)))
    kept = select((TINY.rows, TINY.columns(500)), spec, seeded())
    other = clips.clone()
    other[:, :, 160:320] = 5.0  # stride 16 = patch 16: exactly these ten columns
    assert torch.equal(network(clips, kept=kept).logits, network(other, kept=kept).logits)
    assert not torch.allclose(network(clips).logits, network(other).logits)


def test_gradients_flow_through_what_is_kept_and_nothing_else() -> None:
    network = randomised(TINY).train().requires_grad_(True)
    columns_kept = torch.arange(5, 20)
    spec = PatchoutSpec(drop_columns=tuple(set(range(31)) - set(columns_kept.tolist())), freq=2)
    kept = select((TINY.rows, 31), spec, seeded())
    network(mel(), kept=kept).logits.square().sum().backward()
    assert all(
        parameter.grad is not None and parameter.grad.abs().sum() > 0
        for name, parameter in network.named_parameters()
        if not name.startswith("head_dist")
    )
    reached = network.time_new_pos_embed.grad.abs().sum(dim=(0, 1, 2)) > 0
    assert torch.equal(reached.nonzero().flatten(), columns_kept)
    rows = network.freq_new_pos_embed.grad.abs().sum(dim=(0, 1, 3)) > 0
    assert torch.equal(rows.nonzero().flatten(), (kept // 31).unique())
