"""Pruning by importance: which heads and MLP units a trained network misses least.

The rule is that of Michel et al. 2019 (arXiv:1905.10650, section 4.1): put a gate of 1 on what a
head gives and take the mean over clips of |∂ loss / ∂ gate|, divided by its norm in each block.
MLP units are weighed in the same way. What is left is fine-tuned with an ordinary training.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from passt_core.errors import DatasetError, TrainingError
from passt_core.lab.beginnings import spectrograms
from passt_core.lab.datasets import Dataset
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.model import Block, Passt
from passt_core.network.surgery import smaller

_TINY = 1e-12

Kept = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Importance:
    """How much the loss hangs on each head and MLP unit; one tensor per stored block.

    Attributes:
        heads: (heads,) each, 0 or more, of norm 1 in each block.
        units: (units,) each, likewise.
        clips: how many it was averaged over.
    """

    heads: tuple[Tensor, ...]
    units: tuple[Tensor, ...]
    clips: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Pruned:
    """A smaller network, in eval mode, and which heads and units of the old one it kept."""

    network: Passt
    heads: Kept
    units: Kept


def prune(
    checkpoint: Checkpoint, dataset: Dataset, *, heads_kept: float = 1.0, units_kept: float = 1.0
) -> Pruned:
    """Take the least important heads and MLP units out of a network.

    They are ranked over all blocks together; the most important of each block always stays.

    Args:
        checkpoint: the trained network; it is not changed.
        dataset: clips of classes that it knows, best those that it was trained on.
        heads_kept: share of the heads to keep, above 0, at most 1; rounded up.
        units_kept: share of the MLP units to keep, likewise.

    Raises:
        TrainingError: a share is out of range.
        DatasetError: a label that the model does not know, or an unreadable clip.
    """
    for name, share in (("heads_kept", heads_kept), ("units_kept", units_kept)):
        if not 0.0 < share <= 1.0:
            raise TrainingError(f"{name} is {share}; it is a share: use above 0, at most 1")
    found = importance(checkpoint, dataset)
    heads, units = strongest(found.heads, heads_kept), strongest(found.units, units_kept)
    network = smaller(checkpoint.network, heads=heads, units=units)
    return Pruned(network=network.eval().requires_grad_(False), heads=heads, units=units)


def strongest(importance: tuple[Tensor, ...], share: float) -> Kept:
    """Indices of the most important ``share`` of all blocks' parts, ascending in each block.

    The most important of each block stays, so that a block is never left with none; where that
    takes more than the share, it is more.
    """
    scores = [values.clone() for values in importance]
    for values in scores:
        values[values.argmax()] = torch.inf
    together = torch.cat(scores)
    count = max(len(scores), math.ceil(share * len(together) - 1e-9))
    chosen = torch.zeros(len(together), dtype=torch.bool)
    chosen[together.argsort(descending=True, stable=True)[:count]] = True
    parts = torch.split(chosen, [len(values) for values in scores])
    return tuple(tuple(part.nonzero().flatten().tolist()) for part in parts)


def importance(checkpoint: Checkpoint, dataset: Dataset) -> Importance:
    """Weigh each head and unit on clips of which the beginning, one window, is heard.

    Raises:
        DatasetError: as :func:`prune`.
    """
    config, device = checkpoint.config, checkpoint.network.cls_token.device
    heads = [torch.zeros(count) for count in config.block_heads]
    units = [torch.zeros(count) for count in config.block_units]
    places = _places(checkpoint, dataset)
    for mel, truth in spectrograms(checkpoint, dataset):
        with _gates(checkpoint.network, len(mel)) as gates, torch.enable_grad():
            logits = checkpoint.network(mel.to(device)).logits[:, places]
            gradients = torch.autograd.grad(_loss(checkpoint, logits, truth.to(device)), gates)
        for block, (of_heads, of_units) in enumerate(
            zip(gradients[::2], gradients[1::2], strict=True)
        ):
            heads[block] += of_heads.abs().sum(dim=0).cpu()
            units[block] += of_units.abs().sum(dim=0).cpu()
    return Importance(heads=_levelled(heads), units=_levelled(units), clips=len(dataset))


@contextmanager
def _gates(network: Passt, clips: int) -> Iterator[list[Tensor]]:
    """Put gates of 1, one per clip, on all heads and units of each block: heads first, then units.

    A gate per clip makes one backward pass give each clip's own gradient. A block that is run
    several times has the same gates each time.
    """
    gates: list[Tensor] = []
    handles = []
    for block in network.blocks:
        block = cast(Block, block)
        heads, width = block.attn.heads, block.attn.width
        device = block.attn.proj.weight.device
        for layer, parts, repeats in (
            (block.attn.proj, heads, width // heads),
            (block.mlp.fc2, block.mlp.fc2.in_features, 1),
        ):
            gate = torch.ones(clips, parts, device=device, requires_grad=True)
            gates.append(gate)
            handles.append(layer.register_forward_pre_hook(partial(_gated, gate, repeats)))
    try:
        yield gates
    finally:
        for handle in handles:
            handle.remove()


def _gated(gate: Tensor, repeats: int, _: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor:
    """A layer's input (B, N, parts x repeats) times a gate (B, parts)."""
    (x,) = inputs
    return x * gate.repeat_interleave(repeats, dim=1).unsqueeze(1)


def _loss(checkpoint: Checkpoint, logits: Tensor, truth: Tensor) -> Tensor:
    """Sum over the clips, so that each clip's gates get the gradient of its own loss."""
    if checkpoint.activation == "softmax":
        shares = truth / truth.sum(dim=1, keepdim=True)
        return functional.cross_entropy(logits, shares, reduction="sum")
    return functional.binary_cross_entropy_with_logits(logits, truth, reduction="sum")


def _levelled(sums: list[Tensor]) -> tuple[Tensor, ...]:
    return tuple(values / values.norm().clamp_min(_TINY) for values in sums)


def _places(checkpoint: Checkpoint, dataset: Dataset) -> list[int]:
    known = {label: place for place, label in enumerate(checkpoint.labels)}
    unknown = [label for label in dataset.labels if label not in known]
    if unknown:
        raise DatasetError(
            f"{checkpoint.name} has no class {unknown[0]!r} ({len(unknown)} of {dataset.name}'s "
            f"{len(dataset.labels)} labels are unknown to it); prune on what it was trained on"
        )
    return [known[label] for label in dataset.labels]
