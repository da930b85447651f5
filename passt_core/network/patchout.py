"""Patchout: which patches of a grid stay (Koutini et al. 2021, section 2.2).

Tokens are removed from the sequence after their positions were added; nothing is painted on the
spectrogram. Selection is pure: a grid, a specification and a generator in, sorted indices out.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from passt_core.errors import PatchoutError


@dataclass(frozen=True, kw_only=True)
class PatchoutSpec:
    """What to take away. All counts are absolute; zero or empty takes nothing.

    The steps are carried out in the order of the fields; the three random ones (``time``,
    ``freq``, ``unstructured``) come in the reference implementation's order.

    Attributes:
        drop_rows: frequency rows to drop, by index from the lowest.
        drop_columns: time columns to drop, by index from the start.
        time_interleaved: keep every n-th of the remaining columns (0 and 1 keep all; MAEST).
        freq_interleaved: keep every n-th of the remaining rows.
        time: columns to drop at random.
        freq: rows to drop at random.
        drop_patches: single patches to drop, as (row, column).
        unstructured: patches to drop at random from what is left.
    """

    drop_rows: tuple[int, ...] = ()
    drop_columns: tuple[int, ...] = ()
    time_interleaved: int = 0
    freq_interleaved: int = 0
    time: int = 0
    freq: int = 0
    drop_patches: tuple[tuple[int, int], ...] = ()
    unstructured: int = 0

    def __post_init__(self) -> None:
        for name in ("time_interleaved", "freq_interleaved", "time", "freq", "unstructured"):
            if getattr(self, name) < 0:
                raise PatchoutError(f"{name} is {getattr(self, name)}; use 0 or more")

    @property
    def is_empty(self) -> bool:
        """True if every patch stays."""
        explicit = self.drop_rows or self.drop_columns or self.drop_patches
        interleaved = max(self.time_interleaved, self.freq_interleaved) > 1
        return not (explicit or interleaved or self.time or self.freq or self.unstructured)


def select(grid: tuple[int, int], spec: PatchoutSpec, generator: torch.Generator) -> Tensor:
    """Choose the patches that stay.

    Args:
        grid: (rows, columns) of the window's patches.
        spec: what to take away.
        generator: source of the draws; the same state gives the same patches.

    Returns:
        int64 indices (n,), ascending, frequency-major: row x columns + column. They live on the
        CPU, where the generator does.

    Raises:
        PatchoutError: nothing would be left, or an explicit index is not in the grid.
    """
    rows, columns = _explicit(grid, spec)
    columns = _thinned(columns, spec.time_interleaved)
    rows = _thinned(rows, spec.freq_interleaved)
    columns = _drawn(columns, spec.time, generator, "time columns")
    rows = _drawn(rows, spec.freq, generator, "frequency rows")
    patches = (rows[:, None] * grid[1] + columns[None, :]).flatten()
    patches = _without(patches, spec.drop_patches, grid)
    return _drawn(patches, spec.unstructured, generator, "patches")


def select_batch(
    grid: tuple[int, int], spec: PatchoutSpec, generator: torch.Generator, *, clips: int
) -> Tensor:
    """One draw per clip → (clips, n); every clip keeps the same number of patches."""
    return torch.stack([select(grid, spec, generator) for _ in range(clips)])


def _explicit(grid: tuple[int, int], spec: PatchoutSpec) -> tuple[Tensor, Tensor]:
    kept = []
    for size, dropped, what in (
        (grid[0], spec.drop_rows, "row"),
        (grid[1], spec.drop_columns, "column"),
    ):
        for index in dropped:
            if not 0 <= index < size:
                raise PatchoutError(f"{what} {index} is not in the grid; use 0 to {size - 1}")
        left = [index for index in range(size) if index not in set(dropped)]
        if not left:
            raise PatchoutError(f"all {size} {what}s would be dropped; keep at least 1")
        kept.append(torch.tensor(left))
    return kept[0], kept[1]


def _without(
    patches: Tensor, dropped: tuple[tuple[int, int], ...], grid: tuple[int, int]
) -> Tensor:
    for row, column in dropped:
        if not (0 <= row < grid[0] and 0 <= column < grid[1]):
            raise PatchoutError(
                f"patch ({row}, {column}) is not in the grid of {grid[0]} rows x {grid[1]} columns"
            )
    flat = torch.tensor([row * grid[1] + column for row, column in dropped], dtype=torch.int64)
    left = patches[~torch.isin(patches, flat)]
    if not len(left):
        raise PatchoutError(f"all {len(patches)} patches would be dropped; keep at least 1")
    return left


def _thinned(indices: Tensor, every: int) -> Tensor:
    return indices[::every] if every > 1 else indices


def _drawn(indices: Tensor, drop: int, generator: torch.Generator, what: str) -> Tensor:
    if not drop:
        return indices
    keep = len(indices) - drop
    if keep < 1:
        raise PatchoutError(
            f"{drop} of {len(indices)} {what} would be dropped; keep at least 1: "
            f"drop {len(indices) - 1} or fewer"
        )
    chosen = torch.randperm(len(indices), generator=generator)[:keep].sort().values
    return indices[chosen]
