"""Token merging: tokens that are alike become one on their way through the blocks.

After Bolya et al. 2022 (ToMe, arXiv:2210.09461, section 3), for a network that is trained already.
Between a block's attention and its MLP the patches' tokens are dealt alternately into two sets.
Each of the first finds the one of the second whose key is most like its own (cosine of the mean
over heads); the best matched join theirs, as a mean weighted by the patches that each stands for.
From then on the logarithm of that number is added to a token's attention logits, so that it weighs
as much as its patches did. cls and dist stay out of it.

Two things are peculiar to PaSST. Time and frequency positions are added before the first block, so
keys tell where a patch lies as well as what it sounds like. And patches are in frequency-major
order: at first the two sets are even and odd columns (of an even number of columns), so that a
patch may join any that lies an odd number of columns away, in its row or in another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Literal, NamedTuple, cast, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from passt_core.errors import PasstError
from passt_core.network.model import Block, Passt, PasstConfig, PasstOutput, gather_tokens

Schedule = Literal["constant", "decreasing"]
"""How merging is spread over the blocks: alike, or from twice as much in the first down to none."""


class Match(NamedTuple):
    """Of tokens dealt into a first set (0, 2, 4, …) and a second (1, 3, 5, …), who joins whom.

    Attributes:
        stay: (B, first - count) places in the first set, ascending.
        leave: (B, count) places in the first set.
        into: (B, count) the place in the second set that each of ``leave`` joins.
    """

    stay: Tensor
    leave: Tensor
    into: Tensor


def match(keys: Tensor, count: int) -> Match:
    """Find the ``count`` tokens of the first set that are most like one of the second.

    Args:
        keys: (B, n, d) what they are compared by; its length does not matter.
        count: 0 to n // 2.
    """
    keys = functional.normalize(keys, dim=-1)
    likeness = keys[:, ::2] @ keys[:, 1::2].transpose(1, 2)  # (B, first, second)
    best, partner = likeness.max(dim=-1)  # (B, first)
    order = best.argsort(dim=-1, descending=True, stable=True)
    leave = order[:, :count]
    stay = order[:, count:].sort(dim=-1).values
    return Match(stay=stay, leave=leave, into=partner.gather(1, leave))


def merge(tokens: Tensor, sizes: Tensor, found: Match) -> tuple[Tensor, Tensor]:
    """Let tokens join those that they were matched with.

    Args:
        tokens: (B, n, d).
        sizes: (B, n, 1) patches that each stands for, float32.
        found: of these tokens.

    Returns:
        (B, n - count, d) and (B, n - count, 1): what stayed of the first set, then the second.
    """

    def summed(values: Tensor) -> Tensor:
        first, second = values[:, ::2], values[:, 1::2]
        leaving = gather_tokens(first, found.leave)
        into = found.into.unsqueeze(-1).expand_as(leaving)
        return torch.cat(
            [gather_tokens(first, found.stay), second.scatter_add(1, into, leaving)], dim=1
        )

    together = summed(sizes)
    return (summed(tokens * sizes) / together).to(tokens.dtype), together


class Merged(nn.Module):
    """A network that merges tokens as it goes; called like the network itself.

    Attributes:
        network: whose weights it uses; it is not changed, and answers as before.
    """

    def __init__(
        self,
        network: Passt,
        *,
        per_block: int | Sequence[int] | None = None,
        keep: float | None = None,
        schedule: Schedule = "constant",
    ) -> None:
        """Say how much to merge: either ``per_block`` or ``keep``.

        Args:
            network: trained, of any shape.
            per_block: tokens that each block merges away (r of the paper), or one number for each
                of the ``depth`` blocks that are run.
            keep: share of the patches' tokens that reach the last block, above 0, at most 1; what
                each block merges follows from how many patches there are. The last merges none:
                it works for cls and dist alone.
            schedule: how ``keep`` is spread over the blocks.

        Raises:
            PasstError: both or neither are given, or a number is out of range.
        """
        super().__init__()
        self.network = network
        self._per_block = _checked(network.config.depth, per_block, keep, schedule)
        self._keep = 1.0 if keep is None else keep
        self._schedule = schedule

    @property
    def config(self) -> PasstConfig:
        """Shape of the network."""
        return self.network.config

    def counts(self, patches: int) -> tuple[int, ...]:
        """Tokens that each block merges away of a window of ``patches``; never more than half."""
        wanted = self._per_block
        if wanted is None:
            wanted = _spread(patches, self._keep, self.config.depth, self._schedule)
        found, left = [], patches
        for count in wanted:
            found.append(min(count, left // 2))
            left -= found[-1]
        return tuple(found)

    def tokens_left(self, patches: int) -> int:
        """Tokens that reach the last block of a window of ``patches``, cls and dist among them."""
        return patches - sum(self.counts(patches)[:-1]) + self.config.extra_tokens

    def encoder_flops(self, patches: int) -> int:
        """As :meth:`PasstConfig.encoder_flops`, matching included.

        In each block the attention is over all tokens that reach it and the MLP over those that it
        leaves.
        """
        config, extra, total = self.config, self.config.extra_tokens, 0
        shapes = zip(config.block_heads, config.block_units, strict=True)
        runs = [shape for shape in shapes for _ in range(config.share)]
        for run, (count, (heads, units)) in enumerate(zip(self.counts(patches), runs, strict=True)):
            tokens, width = patches + extra, heads * config.head_dim
            last = run == len(runs) - 1
            asking = extra if last else tokens
            total += tokens * 3 * config.dim * width
            total += asking * (config.dim * width + 2 * tokens * width)
            if count and not last:
                total += patches // 2 * -(-patches // 2) * config.head_dim
            patches -= count
            total += (extra if last else patches + extra) * 2 * config.dim * units
        return 2 * total

    def forward(
        self, mel: Tensor, *, kept: Tensor | None = None, time_offset: int = 0
    ) -> PasstOutput:
        """Classify and embed spectrograms; arguments and errors are those of :class:`Passt`."""
        tokens = self.network.patch_tokens(mel, kept=kept, time_offset=time_offset)
        return self.encode(tokens)

    def encode(self, tokens: Tensor) -> PasstOutput:
        """Run the blocks over patch tokens (B, n, d), with cls and dist before them."""
        *_, (x, _) = self.steps(tokens, self.config.extra_tokens)
        return self.network.answer(x)

    def steps(self, tokens: Tensor, answers: int | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """What each block leaves of patch tokens (B, n, d).

        Args:
            tokens: with their positions.
            answers: how many of the first tokens the last block works for, as
                :meth:`passt_core.network.model.Blocks.forward`; then it merges none.

        Yields:
            The tokens (B, N, d), cls and dist first, and the patches that each stands for,
            (B, N, 1), 1 for cls and dist.
        """
        x, counts = self.network.extended(tokens), self.counts(tokens.shape[1])
        sizes = torch.ones(*x.shape[:2], 1, device=x.device)
        merged = pairwise(accumulate((0, *counts)))
        for left, (block, (before, after)) in zip(
            reversed(range(len(counts))), zip(self._runs(), merged, strict=True), strict=True
        ):
            asking = None if left else answers
            x, keys = _attended(block, x, sizes if before else None, asking)
            if asking is not None:
                sizes = sizes[:, :asking]
            elif after > before:
                x, sizes = _merged(x, sizes, keys, after - before, self.config.extra_tokens)
            x = x + block.mlp(block.norm2(x))
            yield x, sizes

    def _runs(self) -> Iterator[Block]:
        for block in self.network.blocks:
            for _ in range(self.config.share):
                yield cast(Block, block)


def _attended(
    block: Block, x: Tensor, sizes: Tensor | None, answers: int | None
) -> tuple[Tensor, Tensor]:
    """Tokens (B, N, d) after a block's attention, and their keys (B, N, d / heads) in it.

    Without sizes it is the ordinary one; with them log size is added to the logits (equation 1).
    """
    q, k, v = block.attn.split(block.norm1(x))
    bias = None if sizes is None else sizes.log().to(q.dtype).transpose(1, 2).unsqueeze(1)
    q = q[:, :, :answers]
    mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)  # bias (B, 1, 1, N)
    return x[:, :answers] + block.attn.join(mixed), k.mean(dim=1)


def _merged(
    x: Tensor, sizes: Tensor, keys: Tensor, count: int, extra: int
) -> tuple[Tensor, Tensor]:
    """Merge ``count`` of the tokens behind the first ``extra``, which stay as they are."""
    tokens, weights = merge(x[:, extra:], sizes[:, extra:], match(keys[:, extra:], count))
    return torch.cat([x[:, :extra], tokens], dim=1), torch.cat([sizes[:, :extra], weights], dim=1)


def _spread(patches: int, keep: float, blocks: int, schedule: Schedule) -> tuple[int, ...]:
    """How many to merge in each block so that about ``keep`` of the patches reach the last."""
    weights = [1.0] * (blocks - 1)
    if schedule == "decreasing":
        weights = [2.0 * (blocks - block) - 3.0 for block in range(blocks - 1)]
    total = (1.0 - keep) * patches / max(1.0, sum(weights))
    until = [round(total * weight) for weight in accumulate((0.0, *weights))]
    return (*(after - before for before, after in pairwise(until)), 0)


def _checked(
    depth: int, per_block: int | Sequence[int] | None, keep: float | None, schedule: str
) -> tuple[int, ...] | None:
    if (per_block is None) == (keep is None):
        raise PasstError("per_block and keep are two ways to say how much to merge; give one")
    if schedule not in get_args(Schedule):
        raise PasstError(f"schedule is {schedule!r}; use one of {', '.join(get_args(Schedule))}")
    if keep is not None and not 0.0 < keep <= 1.0:
        raise PasstError(f"keep is {keep}; it is a share of the tokens: use above 0, at most 1")
    if per_block is None:
        return None
    counts = (per_block,) * depth if isinstance(per_block, int) else tuple(per_block)
    if len(counts) != depth or min(counts) < 0:
        raise PasstError(
            f"per_block is {per_block}; give 0 or more, or one number for each of {depth} blocks"
        )
    return counts
