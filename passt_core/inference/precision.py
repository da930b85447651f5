"""A checkpoint's network made ready for a device, in the precision that is asked for."""

from __future__ import annotations

from typing import cast

import torch

from passt_core.errors import PasstError
from passt_core.inference.devices import made_over, offered
from passt_core.inference.fastest import fastest
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.lowered import Precision
from passt_core.network.merging import Schedule
from passt_core.network.model import Passt

PRECISIONS = ("auto", "fp32", "bf16", "int8")


def prepared(
    checkpoint: Checkpoint,
    device: torch.device,
    precision: str,
    *,
    keep_tokens: float = 1.0,
    schedule: Schedule = "constant",
    compiled: bool = False,
) -> tuple[Passt, str]:
    """Make a network ready to listen.

    Args:
        checkpoint: whose network is left as it is, and where it is.
        device: where to.
        precision: of the matrix products. ``fp32``: exact to rounding. ``bf16``: on CUDA by
            autocast, in float16 where the GPU has no bf16. ``int8``: weights and activations, on
            the CPU only. ``auto``: what :func:`passt_core.inference.fastest.fastest` measured on
            this device.
        keep_tokens: share of the patches' tokens that merging leaves; 1 merges none.
        schedule: how merging is spread (:class:`passt_core.network.merging.Merged`).
        compiled: by ``torch.compile``, on CUDA only.

    Returns:
        The network, called like :class:`Passt`, and the precision that it has.

    Raises:
        PasstError: unknown precision, or one that the device does not have; a share that is none.
    """
    if precision not in PRECISIONS:
        raise PasstError(f"precision is {precision!r}; use one of {', '.join(PRECISIONS)}")
    if compiled and device.type == "cpu":
        raise PasstError("compiling is for CUDA, and the device is the CPU; leave it out")
    chosen = cast(Precision, precision)
    if precision == "auto":
        chosen = fastest(checkpoint, device)
    _require_offered(device, chosen)
    network = made_over(
        checkpoint.network, device, chosen, keep_tokens=keep_tokens, schedule=schedule
    )
    if compiled:
        network.compile(dynamic=True)
    return network, chosen


def _require_offered(device: torch.device, precision: Precision) -> None:
    has = offered(device)
    if precision in has:
        return
    if device.type == "cpu":
        raise PasstError(
            f"precision is {precision}, which this CPU has no products of; "
            f"use auto, {' or '.join(has)}"
        )
    raise PasstError(f"{precision} is for the CPU, and the device is {device}; use bf16 or fp32")
