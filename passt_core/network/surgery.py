"""Taking heads and MLP units out of a network: what is left is a smaller network, not a mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from passt_core.errors import PasstError
from passt_core.network.model import Passt
from passt_core.network.weights import StateDict

Kept = Sequence[Sequence[int]]
"""For each stored block, the ascending indices of what stays."""


def smaller(network: Passt, *, heads: Kept, units: Kept) -> Passt:
    """A new network with only some heads and MLP units of each stored block.

    What it says is what ``network`` says when the outputs of the other heads and units are zero.

    Args:
        network: of any shape, pruned before or not; it is not changed.
        heads: heads that stay, one or more in each stored block.
        units: MLP units that stay, likewise.

    Raises:
        PasstError: a block would have none left, or an index is not there or stands twice.
    """
    config = network.config
    _check("heads", heads, config.block_heads)
    _check("units", units, config.block_units)
    state = dict(network.state_dict())
    for block in range(config.stored):
        prefix = f"blocks.{block}."
        state |= _attention(state, prefix + "attn.", heads[block], config.head_dim)
        state |= _mlp(state, prefix + "mlp.", units[block])
    left_heads, left_units = tuple(map(len, heads)), tuple(map(len, units))
    full_heads = (config.heads,) * config.stored
    full_units = (config.mlp_ratio * config.dim,) * config.stored
    shape = replace(
        config,
        heads_left=() if left_heads == full_heads else left_heads,
        units_left=() if left_units == full_units else left_units,
    )
    found = Passt(shape)
    found.load_state_dict({key: value.clone() for key, value in state.items()})
    return found.train(network.training)


def _check(what: str, kept: Kept, there: tuple[int, ...]) -> None:
    if len(kept) != len(there):
        raise PasstError(f"{what} are given for {len(kept)} blocks of {len(there)}; give all")
    for block, (chosen, most) in enumerate(zip(kept, there, strict=True)):
        rising = sorted(set(chosen)) == list(chosen)
        if not chosen or not rising or chosen[0] < 0 or chosen[-1] >= most:
            raise PasstError(
                f"block {block} would keep the {what} {list(chosen)[:8]}; name one or more of "
                f"0 to {most - 1}, ascending"
            )


def _attention(state: StateDict, prefix: str, heads: Sequence[int], head_dim: int) -> StateDict:
    offsets = torch.arange(head_dim)
    cells = (torch.tensor(heads)[:, None] * head_dim + offsets).flatten()  # (heads x d_head,)

    def rows(values: Tensor) -> Tensor:  # q, k and v lie one after another
        parts = values.view(3, -1, *values.shape[1:])
        return parts[:, cells.to(values.device)].flatten(0, 1)

    output = state[prefix + "proj.weight"]
    return {
        prefix + "qkv.weight": rows(state[prefix + "qkv.weight"]),
        prefix + "qkv.bias": rows(state[prefix + "qkv.bias"]),
        prefix + "proj.weight": output[:, cells.to(output.device)],
    }


def _mlp(state: StateDict, prefix: str, units: Sequence[int]) -> StateDict:
    inner, outer = state[prefix + "fc1.weight"], state[prefix + "fc2.weight"]
    chosen = torch.tensor(units, device=inner.device)
    return {
        prefix + "fc1.weight": inner[chosen],
        prefix + "fc1.bias": state[prefix + "fc1.bias"][chosen],
        prefix + "fc2.weight": outer[:, chosen],
    }
