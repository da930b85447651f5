"""Other steps between the patches than those that a network was trained with."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from passt_core.errors import PasstError
from passt_core.network.model import Passt


def restrided(network: Passt, stride_freq: int, stride_time: int) -> Passt:
    """A new network of the same weights that sets its patches closer together or further apart.

    Patches keep their size. A position is where a patch lies: that of a new place is interpolated
    linearly between its two old neighbours, and beyond the last is the last's, so that patches that
    lie where old ones lay are the very same tokens. (DeiT and PaSST resize their grids as pictures
    are, which moves these too.) The window is made longer where the
    new grid would not have a place for each patch of all that the old one takes.

    Args:
        network: with a linear stem; it is not changed.
        stride_freq: bands from one row of patches to the next.
        stride_time: frames from one column to the next.

    Raises:
        PasstError: the stem is not linear, or the strides leave no patch.
    """
    config = network.config
    if config.stem != "linear":
        raise PasstError(
            f"the network has a {config.stem} stem, whose patches may not overlap; "
            "use one with a linear stem"
        )
    if min(stride_freq, stride_time) < 1:
        raise PasstError(f"strides are {stride_freq} and {stride_time}; use 1 or more")
    shape = replace(config, stride_freq=stride_freq, stride_time=stride_time)
    if shape.rows > shape.grid[0]:
        raise PasstError(
            f"stride {stride_freq} makes {shape.rows} rows of patches and has places for "
            f"{shape.grid[0]}; use {config.mel_bands // 2} or less"
        )
    columns = shape.columns(config.max_frames)
    shape = replace(shape, frames=max(config.frames, columns * stride_time))
    state = {key: value.clone() for key, value in network.state_dict().items()}
    freq, time = "freq_new_pos_embed", "time_new_pos_embed"
    state[freq] = _resampled(state[freq], 2, shape.grid[0], stride_freq / config.stride_freq)
    state[time] = _resampled(state[time], 3, shape.grid[1], stride_time / config.stride_time)
    found = Passt(shape).to(network.cls_token.device)
    found.load_state_dict(state)
    return found.train(network.training)


def _resampled(positions: Tensor, axis: int, count: int, step: float) -> Tensor:
    """Positions at 0, step, 2 step, … of the old ones' places along an axis, ``count`` of them."""
    last = positions.shape[axis] - 1
    places = (torch.arange(count, dtype=torch.float64) * step).clamp(max=last)
    below = places.long()
    above = (below + 1).clamp(max=last)
    shape = [1] * positions.dim()
    shape[axis] = count
    weight = (places - below).to(positions).view(shape)
    below, above = below.to(positions.device), above.to(positions.device)
    return torch.lerp(
        positions.index_select(axis, below), positions.index_select(axis, above), weight
    )
