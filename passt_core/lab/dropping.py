"""Dropping blocks by importance: which whole blocks a trained network misses least.

A block's importance is what the answer loses when it is left out: the divergence of the
probabilities from those of the full network, mean over clips. Blocks go one after another, each
time the one whose absence, with those that are gone already, costs least (greedy, as Men et al.
2024, arXiv:2403.03853, take out blocks of language models, who measure the hidden states). No label
is needed. What is left may be fine-tuned with an ordinary training.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from passt_core.errors import TrainingError
from passt_core.lab.beginnings import spectrograms
from passt_core.lab.datasets import Dataset
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.dropping import shallower
from passt_core.network.model import Passt, PasstOutput


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """A block that went, and what is lost since, beside the full network.

    Attributes:
        block: its place among the full network's stored blocks.
        divergence: of the probabilities (Kullback-Leibler, nats, summed over the classes), mean
            over the clips.
        likeness: cosine of the embeddings, mean over the clips.
    """

    block: int
    divergence: float
    likeness: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Shallower:
    """A network of fewer blocks, in eval mode.

    Attributes:
        network: with the usual keys.
        blocks: places of its blocks among those of the full network.
        dropped: those that went, first the one that was missed least.
        clips: how many it was measured on.
    """

    network: Passt
    blocks: tuple[int, ...]
    dropped: tuple[Dropped, ...]
    clips: int


def drop_blocks(checkpoint: Checkpoint, dataset: Dataset, *, blocks: int) -> Shallower:
    """Take the least important blocks out of a network.

    Args:
        checkpoint: the trained network; it is not changed.
        dataset: clips of the kind that it will hear; their labels do not matter.
        blocks: stored blocks to keep.

    Raises:
        TrainingError: there are not so many blocks, or none would be left.
        DatasetError: an unreadable clip.
    """
    stored = checkpoint.config.stored
    if not 1 <= blocks <= stored:
        raise TrainingError(f"{blocks} blocks would stay of {stored}; keep 1 to {stored}")
    left, gone = tuple(range(stored)), []
    mels = heard(checkpoint, dataset) if blocks < stored else ()
    while len(left) > blocks:
        gone.append(_least(without_each(checkpoint, mels, left)))
        left = tuple(block for block in left if block != gone[-1].block)
    network = shallower(checkpoint.network, left).eval().requires_grad_(False)
    return Shallower(network=network, blocks=left, dropped=tuple(gone), clips=len(dataset))


def heard(checkpoint: Checkpoint, dataset: Dataset) -> tuple[Tensor, ...]:
    """Spectrograms (B, bands, frames) of the beginnings of all clips, one window each.

    Of a clip they are half a megabyte for 10 s, less than its samples: all are decoded once.

    Raises:
        DatasetError: an unreadable clip.
    """
    return tuple(mel for mel, _ in spectrograms(checkpoint, dataset))


@torch.inference_mode()
def without_each(
    checkpoint: Checkpoint, mels: Sequence[Tensor], blocks: Sequence[int]
) -> tuple[Dropped, ...]:
    """What is lost without each of some blocks in turn, beside the full network.

    Args:
        checkpoint: the full network.
        mels: what is listened to, as :func:`heard` gives it.
        blocks: places of the stored blocks that are run, two or more; all others are left out.

    Returns:
        One for each of ``blocks``, in their order.
    """
    network, lost = checkpoint.network, torch.zeros(len(blocks), 2, dtype=torch.float64)
    for mel in mels:
        x = network.extended(network.patch_tokens(mel.to(network.cls_token.device)))
        full = network.answer(network.blocks(x))
        for row, thinned in zip(lost, _each_left_out(network, x, blocks), strict=True):
            row[0] += _divergence(checkpoint, full.logits, thinned.logits).sum().cpu()
            row[1] += functional.cosine_similarity(full.embedding, thinned.embedding).sum().cpu()
    means = (lost / sum(map(len, mels))).tolist()
    return tuple(
        Dropped(block=block, divergence=divergence, likeness=likeness)
        for block, (divergence, likeness) in zip(blocks, means, strict=True)
    )


def _each_left_out(network: Passt, x: Tensor, blocks: Sequence[int]) -> Iterator[PasstOutput]:
    """Answers without the first of the blocks, without the second, …; what is before is shared."""
    for place, block in enumerate(blocks):
        yield network.answer(_through(network, x, blocks[place + 1 :]))
        x = _through(network, x, [block])


def _through(network: Passt, x: Tensor, blocks: Sequence[int]) -> Tensor:
    for block in blocks:
        for _ in range(network.config.share):
            x = network.blocks[block](x)
    return x


def _divergence(checkpoint: Checkpoint, full: Tensor, thinned: Tensor) -> Tensor:
    """Of what each clip's probabilities are from what they were, (B,), in nats."""
    one, other = full / checkpoint.temperature, thinned / checkpoint.temperature
    if checkpoint.activation == "softmax":
        before, after = one.log_softmax(dim=1), other.log_softmax(dim=1)
        return (before.exp() * (before - after)).sum(dim=1)
    yes = one.sigmoid() * (functional.logsigmoid(one) - functional.logsigmoid(other))
    no = (-one).sigmoid() * (functional.logsigmoid(-one) - functional.logsigmoid(-other))
    return (yes + no).sum(dim=1)


def _least(found: Sequence[Dropped]) -> Dropped:
    return min(found, key=lambda dropped: dropped.divergence)
