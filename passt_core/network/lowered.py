"""A network made over for inference on a CPU: the same weights in the precision that is asked for.

The matrix products are oneDNN's, which holds bf16 weights in the order that its kernels read (the
operators are those that ``torch.compile`` makes of a linear layer); int8 is torch's dynamic
quantisation. Nothing is compiled: a compiler is not on every machine.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal, cast, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from passt_core.network.model import Attention, Block, Mlp, Passt, PasstConfig, PasstOutput

Precision = Literal["fp32", "bf16", "int8"]

_TILE = 1 << 21
"""Attention weights that are worked on at a time: 4 MB in bf16, what caches hold."""
_TYPES = MappingProxyType({"fp32": torch.float32, "bf16": torch.bfloat16, "int8": torch.float32})


def available() -> tuple[Precision, ...]:
    """Those that torch has here, fp32 first.

    bf16 needs oneDNN and a CPU with AVX512 or AVX-NE-CONVERT (on ARM, with BF16), int8 an engine
    of quantised products.
    """
    has = {
        "fp32": True,
        "bf16": _has_onednn() and torch.ops.mkldnn._is_mkldnn_bf16_supported(),
        "int8": torch.backends.quantized.engine != "none",
    }
    return tuple(precision for precision in get_args(Precision) if has[precision])


def lowered(network: Passt, precision: Precision) -> Passt:
    """A network that answers as ``network`` does, in another precision; for inference only.

    Args:
        network: on the CPU; it is not changed, and the result shares what need not differ.
        precision: one that is :func:`available`, of the blocks' matrix products: ``fp32``;
            ``bf16``, which also is the type of what passes from block to block; or ``int8``, of
            weights (per output) and activations (per tensor, measured as they come), with all
            between them in fp32. The patches' embedding, the last norm and the head are always
            fp32.

    Returns:
        A network of the same interface, in ``eval()``.
    """
    with torch.device("meta"):
        found = _Lowered(network.config, _TYPES[precision])
    found.load_state_dict(network.state_dict(), assign=True)
    for block in found.blocks:
        _lower(cast(Block, block), network.config, precision)
    return found.requires_grad_(False).eval()


def layer(linear: nn.Linear, precision: Precision, *, gelu: bool = False) -> nn.Module:
    """A linear layer in another precision, with a GELU behind it on request.

    In ``bf16`` it takes and gives bf16, else float32.
    """
    if precision == "int8":
        return _Quantised(linear, gelu=gelu)
    if not _has_onednn():  # not every torch comes with it
        return nn.Sequential(linear, nn.GELU()) if gelu else linear
    return _Packed(linear, _TYPES[precision], gelu=gelu)


def _has_onednn() -> bool:
    return bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]


class _Lowered(Passt):
    """A network whose blocks take and give tokens of some type."""

    def __init__(self, config: PasstConfig, dtype: torch.dtype) -> None:
        super().__init__(config)
        self._dtype = dtype

    def extended(self, tokens: Tensor) -> Tensor:
        return super().extended(tokens).to(self._dtype)

    def answer(self, x: Tensor) -> PasstOutput:
        return super().answer(x[:, : self.config.extra_tokens].float())


class _Packed(nn.Module):
    """A linear layer, with a GELU behind it on request, by oneDNN."""

    def __init__(self, linear: nn.Linear, dtype: torch.dtype, *, gelu: bool) -> None:
        super().__init__()
        weight, self._bias = linear.weight.detach().to(dtype), linear.bias.detach().to(dtype)
        if dtype == torch.bfloat16:
            weight = torch.ops.mkldnn._reorder_linear_weight(weight)
        self._weight = weight
        self._after: tuple[str, list[float], str] = (
            ("gelu", [], "none") if gelu else ("none", [], "")
        )

    def forward(self, x: Tensor) -> Tensor:
        packed: Tensor = torch.ops.mkldnn._linear_pointwise(
            x, self._weight, self._bias, *self._after
        )
        return packed


class _Quantised(nn.Module):
    """A linear layer of 8-bit weights that quantises what comes as it comes.

    A CPU of Intel's kind without VNNI sums two products in 16 bits, which 8-bit activations
    overflow; it is given 7 bits.
    """

    def __init__(self, linear: nn.Linear, *, gelu: bool) -> None:
        super().__init__()
        weight, self._outputs = linear.weight.detach(), linear.out_features
        scales = weight.abs().amax(dim=1).clamp(min=1e-12) / 127.0
        zeros = torch.zeros_like(scales, dtype=torch.long)
        quantised = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
        self._packed = torch.ops.quantized.linear_prepack(quantised, linear.bias.detach())
        self._gelu = gelu
        cpu = torch.cpu.get_capabilities()
        self._narrow = cpu.get("architecture") == "x86_64" and not cpu.get("avx512_vnni")

    def forward(self, x: Tensor) -> Tensor:
        said = self._multiplied(x)
        return functional.gelu(said) if self._gelu else said

    def _multiplied(self, x: Tensor) -> Tensor:
        """Not a number has no 8 bits: of what is not finite nothing is, as in fp32."""
        try:
            said: Tensor = torch.ops.quantized.linear_dynamic(x, self._packed, self._narrow)
        except RuntimeError:
            if x.isfinite().all():
                raise
            return x.new_full((*x.shape[:-1], self._outputs), torch.nan)
        return said


class _Tiled(Attention):
    """Attention, a few heads at a time, whose weights stay in the caches.

    In bf16 on a CPU it is faster than torch's fused one (docs/decisions/0020).
    """

    def mix(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        shape, scale = q.shape, q.shape[-1] ** -0.5
        q, k, v = (part.flatten(0, 1) for part in (q * scale, k, v))  # (B x heads, n, d / heads)
        mixed = torch.empty_like(q, memory_format=torch.contiguous_format)
        heads = max(1, _TILE // (q.shape[1] * k.shape[1]))
        for first in range(0, len(q), heads):
            some = slice(first, first + heads)
            weights = torch.bmm(q[some], k[some].transpose(1, 2)).softmax(dim=-1)
            torch.bmm(weights, v[some], out=mixed[some])
        return mixed.view(shape)


def _lower(block: Block, config: PasstConfig, precision: Precision) -> None:
    """Put a block's layers into another precision, in place."""
    attention, mlp = block.attn, block.mlp
    if precision == "bf16":
        block.norm1, block.norm2 = block.norm1.bfloat16(), block.norm2.bfloat16()
        with torch.device("meta"):
            block.attn = _Tiled(config, attention.heads)
    qkv, proj = layer(attention.qkv, precision), layer(attention.proj, precision)
    block.attn.qkv, block.attn.proj = cast(nn.Linear, qkv), cast(nn.Linear, proj)
    fc1, fc2 = layer(mlp.fc1, precision, gelu=True), layer(mlp.fc2, precision)
    block.mlp = cast(Mlp, nn.Sequential(fc1, fc2))
