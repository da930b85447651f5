"""The ways to make a trained network cost less, or hear more, that benchmarks.pareto compares."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import get_args

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from passt_core.files import atomic_path
from passt_core.inference.predictor import Predictor
from passt_core.lab.datasets import Dataset
from passt_core.lab.dropping import drop_blocks
from passt_core.lab.prune import importance, strongest
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.dropping import shallower
from passt_core.network.lowered import available
from passt_core.network.merging import Merged, Schedule
from passt_core.network.model import Passt
from passt_core.network.patchout import PatchoutSpec, select
from passt_core.network.strides import restrided
from passt_core.network.surgery import smaller

Grid = tuple[int, int]
Patchout = Callable[[Grid], PatchoutSpec]

KEEP = (0.75, 0.5, 0.35, 0.25)
STRIDES = ((10, 10), (10, 16), (16, 10), (16, 16), (16, 20), (16, 24), (16, 32), (32, 16))
LEFT_OUT = (1 / 6, 1 / 3, 1 / 2)
"""Shares of the blocks."""
THINNED = ((5 / 6, 1.0), (2 / 3, 1.0), (1.0, 0.75), (1.0, 0.5), (1.0, 0.25), (2 / 3, 0.5))
"""Shares of the heads and of the MLP units that stay."""
FULL = "full"


@dataclass(frozen=True, kw_only=True, eq=False)
class Material:
    """A trained network and what is known of its parts.

    Attributes:
        heads, units: importance of each, one tensor per stored block.
        blocks: stored blocks, the one that is missed least first; more than half never go.
    """

    checkpoint: Checkpoint
    heads: tuple[Tensor, ...]
    units: tuple[Tensor, ...]
    blocks: tuple[int, ...]

    @classmethod
    def measured(cls, checkpoint: Checkpoint, clips: Dataset) -> Material:
        """Weigh all parts on clips; of blocks, the half that is missed less."""
        found, stored = importance(checkpoint, clips), checkpoint.config.stored
        order = drop_blocks(checkpoint, clips, blocks=max(1, stored - stored // 2))
        blocks = (*(one.block for one in order.dropped), *order.blocks)
        return cls(checkpoint=checkpoint, heads=found.heads, units=found.units, blocks=blocks)

    @classmethod
    def kept(cls, checkpoint: Checkpoint, clips: Dataset, folder: Path | None) -> Material:
        """As :meth:`measured`; what was measured before is read from the folder."""
        if folder is None:
            return cls.measured(checkpoint, clips)
        told = json.dumps([checkpoint.sha256, [str(clip.path) for clip in clips.clips]])
        path = folder / f"parts-{hashlib.sha256(told.encode()).hexdigest()[:20]}.safetensors"
        if not path.is_file():
            found, state = cls.measured(checkpoint, clips), {}
            for block, (heads, units) in enumerate(zip(found.heads, found.units, strict=True)):
                state |= {f"heads.{block}": heads, f"units.{block}": units}
            with atomic_path(path) as temporary:
                save_file(state | {"blocks": torch.tensor(found.blocks)}, temporary)
        state, stored = load_file(path), range(checkpoint.config.stored)
        return cls(
            checkpoint=checkpoint,
            heads=tuple(state[f"heads.{block}"] for block in stored),
            units=tuple(state[f"units.{block}"] for block in stored),
            blocks=tuple(state["blocks"].tolist()),
        )

    @classmethod
    def unmeasured(cls, checkpoint: Checkpoint) -> Material:
        """Where only the time matters: parts go evenly from all blocks, and blocks from the end."""
        config = checkpoint.config
        return cls(
            checkpoint=checkpoint,
            heads=tuple(torch.linspace(1, 0, count) for count in config.block_heads),
            units=tuple(torch.linspace(1, 0, count) for count in config.block_units),
            blocks=tuple(reversed(range(config.stored))),
        )


@dataclass(frozen=True, kw_only=True)
class Option:
    """One way.

    Attributes:
        family, name: what it is; the name alone tells it from all others.
        network: material → the network that listens.
        keep_tokens: share of the patches' tokens that merging leaves; 1 merges none.
        schedule: how merging is spread over the blocks.
        patchout: grid of a window → patches to take away; None takes none.
    """

    family: str
    name: str
    network: Callable[[Material], Passt]
    keep_tokens: float = 1.0
    schedule: Schedule = "constant"
    patchout: Patchout | None = None
    precision: str = "fp32"

    def predictor(self, material: Material) -> Predictor:
        checkpoint = replace(material.checkpoint, network=self.network(material))
        return Predictor(
            checkpoint,
            device="cpu",
            precision=self.precision,
            keep_tokens=self.keep_tokens,
            schedule=self.schedule,
        )

    def spec(self, grid: Grid) -> PatchoutSpec:
        return PatchoutSpec() if self.patchout is None else self.patchout(grid)

    def flops(self, material: Material) -> int:
        """Of stem and blocks for a whole window."""
        network = self.network(material)
        config = network.config
        grid = (config.rows, config.columns(config.frames))
        patches = len(select(grid, self.spec(grid), torch.Generator().manual_seed(0)))
        merged = Merged(network, keep=self.keep_tokens, schedule=self.schedule)
        return config.stem_flops(patches) + merged.encoder_flops(patches)


def options(material: Material) -> tuple[Option, ...]:
    """All ways for a network of this shape, the full network first."""
    found = [
        Option(family=FULL, name=FULL, network=whole),
        *_patchouts(),
        *_mergings(),
        *_shallower(len(material.blocks)),
        *_thinned(),
    ]
    config = material.checkpoint.config
    if config.stem == "linear":
        own = (config.stride_freq, config.stride_time)
        found += [_stride(*strides) for strides in STRIDES if strides != own]
    found += [
        Option(family="precision", name=name, network=whole, precision=name)
        for name in available()
        if name != "fp32"
    ]
    return (*found, *_together())


def tuned(name: str, networks: Mapping[str, Passt]) -> Option:
    """A smaller network that was trained on, by the digest of the file that it came from."""
    return Option(family="tuned", name=name, network=partial(_tuned, networks))


def _tuned(networks: Mapping[str, Passt], material: Material) -> Passt:
    return networks[material.checkpoint.sha256]


def _patchouts() -> list[Option]:
    found = [
        Option(
            family="patchout",
            name=f"{what}, keep {keep:g}",
            network=whole,
            patchout=partial(thinning, keep=keep),
        )
        for what, thinning in (("columns", columns), ("rows", rows), ("patches", patches))
        for keep in KEEP
    ]
    for name, spec in (
        ("every 2nd column", PatchoutSpec(time_interleaved=2)),
        ("every 3rd column", PatchoutSpec(time_interleaved=3)),
        ("every 2nd row", PatchoutSpec(freq_interleaved=2)),
    ):
        found.append(
            Option(family="patchout", name=name, network=whole, patchout=partial(always, spec))
        )
    return found


def _mergings() -> list[Option]:
    return [
        Option(
            family="merging",
            name=f"merging, keep {keep:g}" + (", decreasing" if schedule != "constant" else ""),
            network=whole,
            keep_tokens=keep,
            schedule=schedule,
        )
        for schedule in get_args(Schedule)
        for keep in KEEP
    ]


def _shallower(stored: int) -> list[Option]:
    counts = sorted({round(share * stored) for share in LEFT_OUT} - {0, stored})
    return [
        Option(
            family="blocks",
            name=f"{stored - count} of {stored} blocks",
            network=partial(without_blocks, count=count),
        )
        for count in counts
    ]


def _thinned() -> list[Option]:
    found = []
    for heads, units in THINNED:
        parts = [f"{share:.0%} of the {what}" for share, what in ((heads, "heads"), (units, "MLP"))]
        told = [part for part, share in zip(parts, (heads, units), strict=True) if share < 1]
        found.append(
            Option(
                family="pruning",
                name=", ".join(told),
                network=partial(thinned, heads=heads, units=units),
            )
        )
    return found


def _stride(freq: int, time: int) -> Option:
    return Option(
        family="stride",
        name=f"stride {freq} x {time}",
        network=partial(strided, freq=freq, time=time),
    )


def _together() -> tuple[Option, ...]:
    second = partial(always, PatchoutSpec(time_interleaved=2))
    return (
        Option(
            family="together",
            name="every 2nd column, 75% of the MLP",
            network=partial(thinned, heads=1.0, units=0.75),
            patchout=second,
        ),
        Option(
            family="together",
            name="every 2nd column, merging 0.5",
            network=whole,
            keep_tokens=0.5,
            patchout=second,
        ),
    )


# --- networks --------------------------------------------------------------------------------


def whole(material: Material) -> Passt:
    return material.checkpoint.network


def without_blocks(material: Material, *, count: int) -> Passt:
    return shallower(material.checkpoint.network, sorted(material.blocks[count:]))


def thinned(material: Material, *, heads: float, units: float) -> Passt:
    return smaller(
        material.checkpoint.network,
        heads=strongest(material.heads, heads),
        units=strongest(material.units, units),
    )


def strided(material: Material, *, freq: int, time: int) -> Passt:
    return restrided(material.checkpoint.network, freq, time)


# --- patchouts -------------------------------------------------------------------------------


def columns(grid: Grid, *, keep: float) -> PatchoutSpec:
    return PatchoutSpec(time=left_out(grid[1], keep))


def rows(grid: Grid, *, keep: float) -> PatchoutSpec:
    return PatchoutSpec(freq=left_out(grid[0], keep))


def patches(grid: Grid, *, keep: float) -> PatchoutSpec:
    return PatchoutSpec(unstructured=left_out(grid[0] * grid[1], keep))


def always(spec: PatchoutSpec, _: Grid) -> PatchoutSpec:
    return spec


def left_out(count: int, keep: float) -> int:
    """How many of ``count`` go; one always stays."""
    return min(count - 1, round((1.0 - keep) * count))


def named(found: Sequence[Option], names: Sequence[str]) -> tuple[Option, ...]:
    """Those of some names, in their own order."""
    return tuple(option for option in found if option.name in names)
