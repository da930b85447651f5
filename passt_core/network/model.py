"""PaSST: a Vision Transformer on log-mel patches (Koutini et al. 2021, arXiv:2110.05069).

Read from top to bottom: Config → stems → Attention → Mlp → Block → Passt. Parameter names are those
of the published checkpoints; what those do not have is off by default.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from passt_core.errors import PasstError

BLOCK_EPS = 1e-6
HEAD_EPS = 1e-5
STEM_CHANNELS = (16, 64, 96)
"""Of the convolutional stem's stages; each halves the patch in both directions."""
STEM_KERNEL = 3
STEM_FACTOR = 2 ** len(STEM_CHANNELS)
"""How much smaller a patch's sides are after the stages."""

Stem = Literal["linear", "conv"]


@dataclass(frozen=True, kw_only=True)
class PasstConfig:
    """Shape of the network; the defaults are PaSST-S.

    Attributes:
        dim, depth, heads, mlp_ratio: of the transformer; depth counts the blocks that are run.
        mel_bands, frames: the whole input.
        patch, stride_freq, stride_time: side of the square patches and the steps between them.
        classes: of the head.
        distilled: whether there is a dist token beside cls.
        stem: how a patch becomes a token: ``linear`` as published, or ``conv``, a small
            convolutional network inside each patch, which needs strides equal to the patch.
        share: how many times in a row each stored block is run (1: once, as published).
        heads_left: heads of each stored block after pruning; empty: ``heads`` in all of them.
        units_left: MLP units of each stored block after pruning; empty: ``mlp_ratio`` x ``dim``.

    Raises:
        PasstError: the numbers do not fit each other.
    """

    dim: int = 768
    depth: int = 12
    heads: int = 12
    mlp_ratio: int = 4
    mel_bands: int = 128
    frames: int = 998
    patch: int = 16
    stride_freq: int = 10
    stride_time: int = 10
    classes: int = 527
    distilled: bool = True
    stem: Stem = "linear"
    share: int = 1
    heads_left: tuple[int, ...] = ()
    units_left: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in ("heads_left", "units_left"):  # lists, when they come from JSON
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.dim % self.heads:
            raise PasstError(
                f"dim {self.dim} does not divide by {self.heads} heads; choose a multiple"
            )
        if min(self.grid) < 1 or self.patch > min(self.mel_bands, self.frames):
            raise PasstError(
                f"{self.mel_bands} bands x {self.frames} frames hold no patch of {self.patch}; "
                "take more frames or a smaller patch"
            )
        self._check_stem()
        self._check_blocks()

    def _check_stem(self) -> None:
        if self.stem not in get_args(Stem):
            raise PasstError(f"stem is {self.stem!r}; use one of {', '.join(get_args(Stem))}")
        if self.stem == "linear":
            return
        if (self.stride_freq, self.stride_time) != (self.patch, self.patch):
            raise PasstError(
                f"a conv stem has strides {self.stride_freq} and {self.stride_time} and patches of "
                f"{self.patch}; its patches may not overlap: set both strides to {self.patch}"
            )
        if self.patch % STEM_FACTOR:
            raise PasstError(
                f"a conv stem has patches of {self.patch}; it halves them {len(STEM_CHANNELS)} "
                f"times: use a multiple of {STEM_FACTOR}"
            )

    def _check_blocks(self) -> None:
        if self.share < 1 or self.depth % self.share:
            raise PasstError(
                f"{self.depth} blocks do not divide into runs of {self.share}; "
                "make depth a multiple of share"
            )
        for name, most in (("heads_left", self.heads), ("units_left", self.mlp_ratio * self.dim)):
            left = getattr(self, name)
            if left and (len(left) != self.stored or not all(1 <= n <= most for n in left)):
                raise PasstError(
                    f"{name} is {left}; give one number from 1 to {most} for each of the "
                    f"{self.stored} stored blocks, or none"
                )

    @property
    def stored(self) -> int:
        """Blocks that have weights of their own."""
        return self.depth // self.share

    @property
    def summary(self) -> str:
        """The transformer in words; what the published ones do not have is told where it is."""
        parts = [f"dim {self.dim}", f"{self.depth} blocks", f"{self.heads} heads"]
        if self.stem != "linear":
            parts.append(f"{self.stem} stem")
        if self.share > 1:
            parts.append(f"{self.stored} stored, each run {self.share} times")
        if self.heads_left:
            parts.append(f"{sum(self.heads_left)} of {self.stored * self.heads} heads left")
        if self.units_left:
            most = self.stored * self.mlp_ratio * self.dim
            parts.append(f"{sum(self.units_left)} of {most} MLP units left")
        return ", ".join(parts)

    @property
    def head_dim(self) -> int:
        """Width of a head; pruning takes whole heads and leaves it as it is."""
        return self.dim // self.heads

    @property
    def block_heads(self) -> tuple[int, ...]:
        """Heads of each stored block."""
        return self.heads_left or (self.heads,) * self.stored

    @property
    def block_units(self) -> tuple[int, ...]:
        """MLP units of each stored block."""
        return self.units_left or (self.mlp_ratio * self.dim,) * self.stored

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, columns) of the position embeddings: input // stride, as upstream."""
        return self.mel_bands // self.stride_freq, self.frames // self.stride_time

    @property
    def extra_tokens(self) -> int:
        """cls, and dist in a distilled network."""
        return 2 if self.distilled else 1

    @property
    def max_frames(self) -> int:
        """Longest input whose patches all have a position."""
        return (self.grid[1] - 1) * self.stride_time + self.patch + self.stride_time - 1

    def columns(self, frames: int) -> int:
        """Patch columns that the convolution makes of ``frames`` frames."""
        return (frames - self.patch) // self.stride_time + 1

    @property
    def rows(self) -> int:
        """Patch rows that the convolution makes."""
        return (self.mel_bands - self.patch) // self.stride_freq + 1

    def encoder_flops(self, patches: int) -> int:
        """Floating point operations of the blocks for one window of ``patches`` patches.

        Two per multiply-add of the matrix products: 3 d a for each of N tokens, 2 N a + d a + 2 d u
        for each that the block answers for (in the last run only cls and dist), with heads a wide
        together (d where none is pruned) and u units.
        """
        tokens, total = patches + self.extra_tokens, 0
        for block, (heads, units) in enumerate(
            zip(self.block_heads, self.block_units, strict=True)
        ):
            width = heads * self.head_dim
            last = block == self.stored - 1
            answers = self.share * tokens - (patches if last else 0)
            total += 3 * self.dim * width * self.share * tokens
            total += (2 * tokens * width + self.dim * width + 2 * self.dim * units) * answers
        return 2 * total

    def stem_flops(self, patches: int) -> int:
        """Floating point operations that make tokens of ``patches`` patches, counted likewise."""
        if self.stem == "linear":
            return 2 * patches * self.patch**2 * self.dim
        side, per_patch = self.patch, 0
        for before, after in pairwise((1, *STEM_CHANNELS)):
            side //= 2
            per_patch += side**2 * STEM_KERNEL**2 * before * after
        per_patch += STEM_CHANNELS[-1] * side**2 * self.dim
        return 2 * patches * per_patch


class PasstOutput(NamedTuple):
    """Logits (B, classes) and embedding (B, dim): the mean of cls and dist after the last norm."""

    logits: Tensor
    embedding: Tensor


class PatchEmbed(nn.Module):
    """Strided convolution: a token sees its own patch and nothing else."""

    def __init__(self, config: PasstConfig) -> None:
        super().__init__()
        stride = (config.stride_freq, config.stride_time)
        self.proj = nn.Conv2d(1, config.dim, config.patch, stride=stride)

    def forward(self, mel: Tensor, kept: Tensor | None = None) -> Tensor:
        tokens = self.proj(mel.unsqueeze(1)).flatten(2).transpose(1, 2)  # (B, N, d)
        return tokens if kept is None else gather_tokens(tokens, kept)


class ConvStem(nn.Module):
    """Each patch alone through a small convolutional network: no token sees beyond its patch.

    The patches are images of a batch of their own, padded with zeros at their own borders;
    normalisation is over one patch, so that neither patches nor clips mix (after Xiao et al. 2021,
    arXiv:2106.14881, whose stem runs over the whole picture). Dropped patches are not computed.
    """

    def __init__(self, config: PasstConfig) -> None:
        super().__init__()
        self.patch = config.patch
        self.stages = nn.Sequential(*(_stem_stage(*pair) for pair in pairwise((1, *STEM_CHANNELS))))
        cells = (config.patch // STEM_FACTOR) ** 2
        self.proj = nn.Linear(STEM_CHANNELS[-1] * cells, config.dim)

    def forward(self, mel: Tensor, kept: Tensor | None = None) -> Tensor:
        patches = self.cut(mel)  # (B, N, patch²)
        if kept is not None:
            patches = gather_tokens(patches, kept)  # (B, n, patch²)
        images = patches.reshape(-1, 1, self.patch, self.patch)
        features = self.stages(images).flatten(1)  # (B x n, channels x cells)
        return self.proj(features).view(*patches.shape[:2], -1)  # (B, n, d)

    def cut(self, mel: Tensor) -> Tensor:
        """Take (B, bands, frames) apart → (B, N, patch²), frequency-major."""
        side = self.patch
        rows, columns = mel.shape[1] // side, mel.shape[2] // side
        whole = mel[:, : rows * side, : columns * side]
        cells = whole.reshape(len(mel), rows, side, columns, side)
        return cells.transpose(2, 3).reshape(len(mel), rows * columns, side**2)


def _stem_stage(before: int, after: int) -> nn.Sequential:
    """Halve an image (M, before, s, s) → (M, after, s / 2, s / 2)."""
    convolution = nn.Conv2d(before, after, STEM_KERNEL, stride=2, padding=STEM_KERNEL // 2)
    return nn.Sequential(convolution, nn.GroupNorm(1, after), nn.GELU())


class Attention(nn.Module):
    """Multi-head self-attention; after pruning its heads are together narrower than the tokens."""

    def __init__(self, config: PasstConfig, heads: int | None = None) -> None:
        super().__init__()
        self.heads = heads or config.heads
        self.width = self.heads * config.head_dim
        self.qkv = nn.Linear(config.dim, 3 * self.width)
        self.proj = nn.Linear(self.width, config.dim)

    def forward(self, x: Tensor, answers: int | None = None) -> Tensor:
        q, k, v = self.split(x)
        return self.join(self.mix(q[:, :, :answers], k, v))

    def mix(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """What queries (B, heads, n, d / heads) gather of the values."""
        return functional.scaled_dot_product_attention(q, k, v)

    def split(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of tokens (B, N, d), each (B, heads, N, d / heads)."""
        batch, tokens, _ = x.shape
        qkv = self.qkv(x).view(batch, tokens, 3, self.heads, self.width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        return q, k, v

    def join(self, mixed: Tensor) -> Tensor:
        """What the heads gathered, (B, heads, N, d / heads) → (B, N, d)."""
        return self.proj(mixed.transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self, config: PasstConfig, units: int | None = None) -> None:
        super().__init__()
        units = units or config.mlp_ratio * config.dim
        self.fc1 = nn.Linear(config.dim, units)
        self.fc2 = nn.Linear(units, config.dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(functional.gelu(self.fc1(x)))


class Block(nn.Module):
    """Pre-norm transformer block."""

    def __init__(
        self, config: PasstConfig, *, heads: int | None = None, units: int | None = None
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.dim, eps=BLOCK_EPS)
        self.attn = Attention(config, heads)
        self.norm2 = nn.LayerNorm(config.dim, eps=BLOCK_EPS)
        self.mlp = Mlp(config, units)

    def forward(self, x: Tensor, answers: int | None = None) -> Tensor:
        """Tokens (B, N, d) → what becomes of the first ``answers`` of them; None: of all."""
        x = x[:, :answers] + self.attn(self.norm1(x), answers)
        return x + self.mlp(self.norm2(x))


class Blocks(nn.Sequential):
    """The stored blocks in turn, each run ``share`` times in a row (ALBERT, arXiv:1909.11942)."""

    def __init__(self, config: PasstConfig) -> None:
        shapes = zip(config.block_heads, config.block_units, strict=True)
        super().__init__(*(Block(config, heads=heads, units=units) for heads, units in shapes))
        self.share = config.share

    def forward(self, x: Tensor, answers: int | None = None) -> Tensor:
        """Tokens (B, N, d) → the first ``answers`` of them after the last block; None: all.

        The last block then works for those alone: it is the same answer for less.
        """
        runs = [block for block in self for _ in range(self.share)]
        for block in runs[:-1]:
            x = block(x)
        return runs[-1](x, answers)


class Passt(nn.Module):
    """The network. ``head_dist`` is in the published files and is never used."""

    head_dist: nn.Linear | None

    def __init__(self, config: PasstConfig) -> None:
        super().__init__()
        self.config = config
        rows, columns = config.grid
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.dim))
        self.dist_token = nn.Parameter(torch.zeros(1, 1, config.dim)) if config.distilled else None
        self.new_pos_embed = nn.Parameter(torch.zeros(1, config.extra_tokens, config.dim))
        self.freq_new_pos_embed = nn.Parameter(torch.zeros(1, config.dim, rows, 1))
        self.time_new_pos_embed = nn.Parameter(torch.zeros(1, config.dim, 1, columns))
        self.patch_embed = PatchEmbed(config) if config.stem == "linear" else ConvStem(config)
        self.blocks = Blocks(config)
        self.norm = nn.LayerNorm(config.dim, eps=BLOCK_EPS)
        self.head = nn.Sequential(
            nn.LayerNorm(config.dim, eps=HEAD_EPS), nn.Linear(config.dim, config.classes)
        )
        self.head_dist = nn.Linear(config.dim, config.classes) if config.distilled else None
        self._initialise()

    def forward(
        self, mel: Tensor, *, kept: Tensor | None = None, time_offset: int = 0
    ) -> PasstOutput:
        """Classify and embed spectrograms of one length.

        Args:
            mel: (B, mel_bands, frames), frames from ``patch`` up to ``config.max_frames``.
            kept: flat indices (frequency-major: row x columns + column) of the patches to keep,
                (n,) for the whole batch or (B, n), one set per clip; None keeps all.
            time_offset: first column of the time positions to use (training draws it at random).

        Raises:
            PasstError: the input is too short, too long or has the wrong number of bands.
        """
        return self.encode(self.patch_tokens(mel, kept=kept, time_offset=time_offset))

    def patch_tokens(
        self, mel: Tensor, *, kept: Tensor | None = None, time_offset: int = 0
    ) -> Tensor:
        """Embed patches and add their positions → (B, rows x columns, d), or (B, n, d) of kept."""
        self._check(mel)
        columns = self.config.columns(mel.shape[2])
        time = self.time_new_pos_embed[..., time_offset : time_offset + columns]
        grid = time + self.freq_new_pos_embed[:, :, : self.config.rows]  # (1, d, rows, columns)
        positions = grid.flatten(2).transpose(1, 2).expand(len(mel), -1, -1)  # (B, N, d)
        if kept is not None:
            positions = gather_tokens(positions, kept)
        return self.patch_embed(mel, kept) + positions

    def encode(self, tokens: Tensor) -> PasstOutput:
        """Run the blocks over patch tokens (B, n, d), with cls and dist before them."""
        return self.answer(self.blocks(self.extended(tokens), self.config.extra_tokens))

    def extended(self, tokens: Tensor) -> Tensor:
        """Patch tokens (B, n, d) with cls and dist before them → (B, N, d)."""
        extra = (self.cls_token,) if self.dist_token is None else (self.cls_token, self.dist_token)
        special = torch.cat(extra, dim=1) + self.new_pos_embed  # (1, 1 or 2, d)
        return torch.cat([special.expand(len(tokens), -1, -1), tokens], dim=1)

    def answer(self, x: Tensor) -> PasstOutput:
        """What the tokens (B, N, d) say that the last block left."""
        embedding = self.norm(x)[:, : self.config.extra_tokens].mean(dim=1)
        return PasstOutput(self.head(embedding), embedding)

    def _check(self, mel: Tensor) -> None:
        config = self.config
        if mel.dim() != 3 or mel.shape[1] != config.mel_bands:
            raise PasstError(
                f"spectrogram of shape {tuple(mel.shape)}; give (B, {config.mel_bands}, frames)"
            )
        if not config.patch <= mel.shape[2] <= config.max_frames:
            raise PasstError(
                f"spectrogram of {mel.shape[2]} frames; this network takes {config.patch} to "
                f"{config.max_frames}: cut longer clips into windows (Predictor does)"
            )

    def _initialise(self) -> None:
        """Truncated normals of 0.02 as in ViT; the heads begin at zero logits."""
        for parameter in (self.cls_token, self.dist_token, self.new_pos_embed):
            if parameter is not None:
                nn.init.trunc_normal_(parameter, std=0.02)
        nn.init.trunc_normal_(self.freq_new_pos_embed, std=0.02)
        nn.init.trunc_normal_(self.time_new_pos_embed, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)
        for head in (self.head[1], self.head_dist):
            if isinstance(head, nn.Linear):
                nn.init.zeros_(head.weight)


def gather_tokens(tokens: Tensor, kept: Tensor) -> Tensor:
    """Pick tokens (B, N, d) by indices (n,) or (B, n) → (B, n, d)."""
    if kept.dim() == 1:
        return tokens[:, kept]
    return tokens.gather(1, kept.unsqueeze(-1).expand(-1, -1, tokens.shape[-1]))
