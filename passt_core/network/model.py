"""PaSST: a Vision Transformer on log-mel patches (Koutini et al. 2021, arXiv:2110.05069).

Read from top to bottom: Config → Attention → Mlp → Block → Passt. Parameter names are those of the
published checkpoints.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from passt_core.errors import PasstError

BLOCK_EPS = 1e-6
HEAD_EPS = 1e-5


@dataclass(frozen=True, kw_only=True)
class PasstConfig:
    """Shape of the network; the defaults are PaSST-S."""

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

    def __post_init__(self) -> None:
        if self.dim % self.heads:
            raise PasstError(
                f"dim {self.dim} does not divide by {self.heads} heads; choose a multiple"
            )
        if min(self.grid) < 1 or self.patch > min(self.mel_bands, self.frames):
            raise PasstError(
                f"{self.mel_bands} bands x {self.frames} frames hold no patch of {self.patch}; "
                "take more frames or a smaller patch"
            )

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

        Two per multiply-add of the matrix products: 4 d² + 2 m d² per token, 2 N d per token in
        the attention, for N tokens and an MLP of m d units.
        """
        tokens = patches + self.extra_tokens
        per_token = (4 + 2 * self.mlp_ratio) * self.dim**2 + 2 * tokens * self.dim
        return 2 * self.depth * tokens * per_token


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

    def forward(self, mel: Tensor) -> Tensor:
        return self.proj(mel.unsqueeze(1))  # (B, d, rows, columns)


class Attention(nn.Module):
    """Multi-head self-attention."""

    def __init__(self, config: PasstConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.qkv = nn.Linear(config.dim, 3 * config.dim)
        self.proj = nn.Linear(config.dim, config.dim)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, dim = x.shape
        qkv = self.qkv(x).view(batch, tokens, 3, self.heads, dim // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each (B, heads, N, d / heads)
        mixed = functional.scaled_dot_product_attention(q, k, v)
        return self.proj(mixed.transpose(1, 2).reshape(batch, tokens, dim))


class Mlp(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self, config: PasstConfig) -> None:
        super().__init__()
        self.fc1 = nn.Linear(config.dim, config.mlp_ratio * config.dim)
        self.fc2 = nn.Linear(config.mlp_ratio * config.dim, config.dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(functional.gelu(self.fc1(x)))


class Block(nn.Module):
    """Pre-norm transformer block."""

    def __init__(self, config: PasstConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.dim, eps=BLOCK_EPS)
        self.attn = Attention(config)
        self.norm2 = nn.LayerNorm(config.dim, eps=BLOCK_EPS)
        self.mlp = Mlp(config)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


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
        self.patch_embed = PatchEmbed(config)
        self.blocks = nn.Sequential(*(Block(config) for _ in range(config.depth)))
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
        tokens = self.patch_tokens(mel, time_offset=time_offset)  # (B, N, d)
        if kept is not None:
            tokens = gather_tokens(tokens, kept)
        return self.encode(tokens)

    def patch_tokens(self, mel: Tensor, *, time_offset: int = 0) -> Tensor:
        """Embed patches and add their positions → (B, rows x columns, d)."""
        self._check(mel)
        patches = self.patch_embed(mel)  # (B, d, rows, columns)
        rows, columns = patches.shape[2:]
        time = self.time_new_pos_embed[..., time_offset : time_offset + columns]
        patches = patches + time + self.freq_new_pos_embed[:, :, :rows]
        return patches.flatten(2).transpose(1, 2)

    def encode(self, tokens: Tensor) -> PasstOutput:
        """Run the blocks over patch tokens (B, n, d), with cls and dist before them."""
        extra = (self.cls_token,) if self.dist_token is None else (self.cls_token, self.dist_token)
        special = torch.cat(extra, dim=1) + self.new_pos_embed  # (1, 1 or 2, d)
        x = torch.cat([special.expand(len(tokens), -1, -1), tokens], dim=1)  # (B, N, d)
        x = self.norm(self.blocks(x))
        embedding = x[:, : self.config.extra_tokens].mean(dim=1)
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
