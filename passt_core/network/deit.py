"""DeiT weights as a beginning for training, as the paper does it (section 3)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from passt_core.errors import CheckpointError
from passt_core.network.model import Passt, PasstConfig
from passt_core.network.weights import StateDict, read_state, require_fit, unwrapped


def from_deit(path: Path, config: PasstConfig) -> Passt:
    """A fresh network whose blocks, tokens and patches begin at a DeiT checkpoint's.

    The 24 x 24 (or any square) positions are resized bicubically to the grid and averaged over the
    other axis; the RGB kernel is summed over its channels. The heads begin at zero logits.

    Raises:
        CheckpointError: the file is not a distilled DeiT of the same width, depth and patch, or the
            stem is not linear.
    """
    if config.stem != "linear":
        raise CheckpointError(
            f"{path.name} makes tokens linearly and the network has a {config.stem} stem; "
            "use stem=linear"
        )
    source = unwrapped(read_state(path)[0], path.name)
    network = Passt(config)
    target = network.state_dict()
    try:
        positions = source.pop("pos_embed")
        adapted = _positions_from_square(positions, config)
        kernel = source["patch_embed.proj.weight"]
    except (KeyError, RuntimeError) as error:
        raise CheckpointError(f"{path.name} is not a DeiT checkpoint ({error})") from error
    adapted["patch_embed.proj.weight"] = kernel.sum(dim=1, keepdim=True)
    for key, value in source.items():
        if not key.startswith("head"):
            adapted.setdefault(key, value)
    wanted = {key for key in target if not key.startswith("head")}
    require_fit(path.name, {key: target[key] for key in wanted}, adapted)
    network.load_state_dict(target | adapted)
    return network


def _positions_from_square(positions: Tensor, config: PasstConfig) -> StateDict:
    """DeiT positions (1, 2 + side², d) → new, freq and time positions."""
    extra, grid = positions[:, :2], positions[:, 2:]
    side = int(grid.shape[1] ** 0.5)
    square = grid.reshape(1, side, side, -1).permute(0, 3, 1, 2)  # (1, d, side, side)
    resized = torch.nn.functional.interpolate(
        square, size=config.grid, mode="bicubic", align_corners=False
    )
    return {
        "new_pos_embed": extra,
        "freq_new_pos_embed": resized.mean(dim=3, keepdim=True),
        "time_new_pos_embed": resized.mean(dim=2, keepdim=True),
    }
