"""A checkpoint's network made ready for a device, in the precision that is asked for."""

from __future__ import annotations

from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from passt_core.errors import PasstError
from passt_core.inference.fastest import fastest
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.lowered import Precision, available, lowered
from passt_core.network.merging import Merged
from passt_core.network.model import Passt, PasstConfig, PasstOutput

PRECISIONS = ("auto", "fp32", "bf16", "int8")


def prepared(
    checkpoint: Checkpoint,
    device: torch.device,
    precision: str,
    *,
    keep_tokens: float = 1.0,
    compiled: bool = False,
) -> tuple[Passt, str]:
    """Make a network ready to listen.

    Args:
        checkpoint: whose network is moved to the device, and else left as it is.
        device: where to.
        precision: of the matrix products. ``fp32``: exact to rounding. ``bf16``: on CUDA by
            autocast, in float16 where the GPU has no bf16. ``int8``: weights and activations, on
            the CPU only. ``auto``: what :func:`passt_core.inference.fastest.fastest` measured on
            this machine, on CUDA ``bf16``.
        keep_tokens: share of the patches' tokens that merging leaves
            (:class:`passt_core.network.merging.Merged`); 1 merges none.
        compiled: by ``torch.compile``, on CUDA only.

    Returns:
        The network, called like :class:`Passt`, and the precision that it has.

    Raises:
        PasstError: unknown precision, or one that the device does not have; a share that is none.
    """
    if precision not in PRECISIONS:
        raise PasstError(f"precision is {precision!r}; use one of {', '.join(PRECISIONS)}")
    network = checkpoint.network.to(device)
    if device.type != "cpu":
        return _on_gpu(_merging(network, keep_tokens), device, precision, compiled)
    if compiled:
        raise PasstError("compiling is for CUDA, and the device is the CPU; leave it out")
    chosen = fastest(checkpoint) if precision == "auto" else cast(Precision, precision)
    if chosen not in available():
        raise PasstError(
            f"precision is {chosen}, which this CPU has no products of; "
            f"use auto, {' or '.join(available())}"
        )
    return _merging(lowered(network, chosen), keep_tokens), chosen


def _merging(network: Passt, keep: float) -> Passt:
    return network if keep == 1.0 else cast(Passt, Merged(network, keep=keep))


def _on_gpu(
    network: Passt, device: torch.device, precision: str, compiled: bool
) -> tuple[Passt, str]:
    if precision == "int8":
        raise PasstError(f"int8 is for the CPU, and the device is {device}; use bf16 or fp32")
    ready: nn.Module = network
    if precision != "fp32":
        precision = "bf16"
        brain = torch.cuda.is_bf16_supported(including_emulation=False)
        half = torch.bfloat16 if device.type != "cuda" or brain else torch.float16
        ready = _Autocast(network, partial(torch.autocast, device.type, half))
    if compiled:
        ready.compile(dynamic=True)
    return cast(Passt, ready), precision


class _Autocast(nn.Module):
    """A network whose matrix products are in half precision, and its answers in float32."""

    def __init__(self, network: Passt, autocast: partial[torch.autocast]) -> None:
        super().__init__()
        self.network = network
        self._autocast = autocast

    @property
    def config(self) -> PasstConfig:
        return self.network.config

    def forward(
        self, mel: Tensor, *, kept: Tensor | None = None, time_offset: int = 0
    ) -> PasstOutput:
        with self._autocast():
            found = self.network(mel, kept=kept, time_offset=time_offset)
        return PasstOutput(*(part.float() for part in found))
