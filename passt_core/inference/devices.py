"""A network made over for a device, in one precision: by oneDNN on a CPU, by autocast elsewhere."""

from __future__ import annotations

from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from passt_core.network.lowered import Precision, available, lowered
from passt_core.network.merging import Merged, Schedule
from passt_core.network.model import Passt, PasstConfig, PasstOutput

CPU = torch.device("cpu")


def device_of(name: str) -> torch.device:
    """The device of a name: ``auto`` (CUDA where there is one), or a torch device."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def offered(device: torch.device) -> tuple[Precision, ...]:
    """Precisions that a device has, fp32 first."""
    return available() if device.type == "cpu" else ("fp32", "bf16")


def made_over(
    network: Passt,
    device: torch.device,
    precision: Precision,
    *,
    keep_tokens: float = 1.0,
    schedule: Schedule = "constant",
) -> Passt:
    """A network that answers as ``network`` does, on a device; for inference only.

    Args:
        network: wherever it lies; it is not changed, and the result shares what need not differ.
        device: where to.
        precision: one that is :func:`offered`. ``bf16`` is autocast but for the CPU: in float16
            where a GPU has no bf16.
        keep_tokens: share of the patches' tokens that merging leaves; 1 merges none.
        schedule: how merging is spread (:class:`passt_core.network.merging.Merged`).

    Returns:
        A network called like :class:`Passt`, in ``eval()``.

    Raises:
        PasstError: as :class:`passt_core.network.merging.Merged`.
    """
    found = _moved(network, device)
    if device.type == "cpu":
        found = lowered(found, precision)
    if keep_tokens != 1.0:
        found = cast(Passt, Merged(found, keep=keep_tokens, schedule=schedule))
    if device.type == "cpu" or precision == "fp32":
        return found
    half = torch.bfloat16 if _has_bf16(device) else torch.float16
    return cast(Passt, _Autocast(found, partial(torch.autocast, device.type, half)))


def _moved(network: Passt, device: torch.device) -> Passt:
    """The same weights in a network of its own: what becomes of it does not touch the other."""
    with torch.device("meta"):
        found = Passt(network.config)
    state = {key: value.to(device) for key, value in network.state_dict().items()}
    found.load_state_dict(state, assign=True)
    return found.requires_grad_(False).eval()


def _has_bf16(device: torch.device) -> bool:
    return device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)


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
