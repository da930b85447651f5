"""What a training's precision ``auto`` stands for on a device."""

from __future__ import annotations

from dataclasses import replace

import torch

from passt_core.lab.config import TrainConfig

_PRODUCTS = ("avx512_bf16", "amx_bf16")
"""What a CPU that multiplies bf16 itself says of it; one that does not takes seven times as long as
in fp32."""


def settled(config: TrainConfig, device: torch.device) -> TrainConfig:
    """A recipe that says the precision that it is carried out in.

    ``auto`` is bf16 on CUDA and on a CPU that has its products, else fp32. A state and a card name
    that, so that a training does not go on in another precision on another machine.
    """
    if config.precision != "auto":
        return config
    return replace(config, precision="bf16" if _has_bf16(device) else "fp32")


def _has_bf16(device: torch.device) -> bool:
    has = torch.cpu.get_capabilities()
    return device.type == "cuda" or any(has.get(name) for name in _PRODUCTS)
