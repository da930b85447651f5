"""PaSST-S as published in shape, with weights that are drawn: what only time is measured of."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn

from passt_core.network.checkpoints import Checkpoint
from passt_core.network.model import Passt, PasstConfig
from passt_core.signal.mel import MelConfig


def passt_s(network: Passt | None = None) -> Checkpoint:
    """It, or another network under its name."""
    if network is None:
        torch.manual_seed(0)
        network = Passt(PasstConfig()).eval().requires_grad_(False)
        nn.init.normal_(cast(nn.Linear, network.head[1]).weight, std=0.05)
    return Checkpoint(
        name="PaSST-S",
        source="",
        network=network,
        front_end=MelConfig(),
        labels=tuple(map(str, range(network.config.classes))),
        activation="sigmoid",
        sha256="",
    )
