"""Masked-patch pre-training on unlabelled sound (He et al. 2022, arXiv:2111.06377, on PaSST).

Patchout is the mask: the encoder is given a small share of the patches, and a light decoder, thrown
away afterwards, has to say what stood in the others. Labels are not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from passt_core.errors import TrainingError
from passt_core.inference.windows import Windowing
from passt_core.lab import checks, state
from passt_core.lab.batches import Batch, Batches, Sounds, backgrounds, decode, fingerprint
from passt_core.lab.config import TrainConfig
from passt_core.lab.distributed import joined
from passt_core.lab.loop import Loop, Progress, Traces
from passt_core.lab.precision import settled
from passt_core.lab.task import Task
from passt_core.lab.train import Trained, beginning, seeded
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.model import Block, Passt, PasstConfig
from passt_core.network.patchout import PatchoutSpec, select_batch
from passt_core.signal.mel import MelSpectrogram

LABELS = ("unlabelled",)
"""What the head of a pre-trained network is said to know; a training replaces it."""

_SMALLEST_SPREAD = 1e-2
"""Patches are brought to unit spread as targets; digital silence has none to divide by."""


@dataclass(frozen=True, kw_only=True)
class Decoder:
    """Shape of the part that is thrown away, and the share of patches that it has to fill in."""

    dim: int = 96
    depth: int = 2
    heads: int = 3
    masked: float = 0.75


class MaskedAutoencoder(nn.Module):
    """An encoder and the decoder that trains it."""

    def __init__(self, encoder: Passt, decoder: Decoder) -> None:
        super().__init__()
        shape = encoder.config
        rows, columns = shape.grid
        width = PasstConfig(dim=decoder.dim, heads=decoder.heads)
        self.encoder = encoder
        self.masked = decoder.masked
        self.enter = nn.Linear(shape.dim, decoder.dim)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, decoder.dim))
        self.freq_positions = nn.Parameter(torch.randn(1, rows, 1, decoder.dim) * 0.02)
        self.time_positions = nn.Parameter(torch.randn(1, 1, columns, decoder.dim) * 0.02)
        self.blocks = nn.Sequential(*(Block(width) for _ in range(decoder.depth)))
        self.norm = nn.LayerNorm(decoder.dim)
        self.leave = nn.Linear(decoder.dim, shape.patch**2)

    def forward(self, mel: Tensor, kept: Tensor, time_offset: int) -> Tensor:
        """Mean squared error on the patches that were not given.

        Args:
            mel: (B, bands, frames).
            kept: (B, n) patches that the encoder sees.
            time_offset: first column of the time positions.
        """
        shape = self.encoder.config
        patches = shape.rows * shape.columns(mel.shape[2])
        tokens = self.encoder.patch_tokens(mel, kept=kept, time_offset=time_offset)
        seen = self._encoded(tokens)  # (B, n, d)
        full = self.mask_token.expand(len(mel), patches, -1)  # (B, N, m)
        place = kept.unsqueeze(-1).expand(-1, -1, full.shape[-1])
        full = full.scatter(1, place, self.enter(seen).to(full.dtype))
        said = self.leave(self.norm(self.blocks(full + self._positions(mel, time_offset))))
        hidden = torch.ones(len(mel), patches, dtype=torch.bool, device=mel.device).scatter(
            1, kept, False
        )
        return functional.mse_loss(said.float()[hidden], self._patches(mel)[hidden])

    def _encoded(self, tokens: Tensor) -> Tensor:
        """The encoder's last patch tokens (B, n, d); cls and dist take part and are left out."""
        net = self.encoder
        extra: list[Tensor] = [net.cls_token]
        if net.dist_token is not None:
            extra.append(net.dist_token)
        special = (torch.cat(extra, dim=1) + net.new_pos_embed).expand(len(tokens), -1, -1)
        x = net.norm(net.blocks(torch.cat([special, tokens], dim=1)))  # (B, n + 1 or 2, d)
        return x[:, net.config.extra_tokens :]

    def _positions(self, mel: Tensor, time_offset: int) -> Tensor:
        """Where each patch of ``mel`` stands, (1, N, m), frequency-major."""
        shape = self.encoder.config
        columns = shape.columns(mel.shape[2])
        time_positions = self.time_positions[:, :, time_offset : time_offset + columns]
        grid = self.freq_positions[:, : shape.rows] + time_positions  # (1, rows, columns, m)
        return grid.flatten(1, 2)

    def _patches(self, mel: Tensor) -> Tensor:
        """What the decoder has to say: each patch's cells (B, N, patch²), mean 0 and spread 1."""
        shape = self.encoder.config
        stride = (shape.stride_freq, shape.stride_time)
        cells = functional.unfold(mel.unsqueeze(1), shape.patch, stride=stride).transpose(1, 2)
        spread = cells.std(dim=-1, keepdim=True).clamp_min(_SMALLEST_SPREAD)
        return (cells - cells.mean(dim=-1, keepdim=True)) / spread


@dataclass(kw_only=True, eq=False)
class Reconstruct(Task):
    """Say what stood in the patches that were not given."""

    masked: float

    def arguments(
        self, batch: Batch, generator: torch.Generator, device: torch.device, level: float
    ) -> tuple[Any, ...]:
        del level  # the mask is the patchout, and it stays as it is
        mel = self.mel(batch.audio.to(device))
        shape = self.network.config
        grid = (shape.rows, shape.columns(mel.shape[2]))
        spec = PatchoutSpec(unstructured=int(grid[0] * grid[1] * self.masked))
        kept = select_batch(grid, spec, generator, clips=len(mel)).to(device)
        return mel, kept, self.offset(mel.shape[2], generator)


def pretrain(
    paths: Sequence[Path],
    config: TrainConfig | None = None,
    *,
    start: Checkpoint | None = None,
    decoder: Decoder | None = None,
    traces: Traces | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Pre-train a network on sound files; :func:`passt_core.lab.train.train` starts from it.

    Args:
        paths: sound files of any kind and length.
        config: shape, schedule, crops, speed and gain; what concerns labels, patchout, mixup and
            the spectrogram's masks is not used.
        start: weights to begin from; None begins from nothing.
        decoder: what is put on top for the time being.
        traces: what is left on disk; None leaves nothing.
        progress: told after each epoch.

    Raises:
        DatasetError: a file cannot be read.
        TrainingError: no file, a loss that is not finite, a state of another training.
    """
    config, decoder = config or TrainConfig(), decoder or Decoder()
    if not paths:
        raise TrainingError("there is no sound file to pre-train on; give a folder that has some")
    with joined(config.device) as world, seeded(config, world):
        config = settled(config, world.device)
        checks.require_divisible(len(paths), config, world.shard.processes)
        encoder, front_end = beginning(LABELS, config, start)
        task = Reconstruct(
            module=MaskedAutoencoder(encoder, decoder),
            network=encoder,
            labels=LABELS,
            mel=MelSpectrogram(front_end).eval(),
            batches=Batches(
                sounds=_unlabelled(paths),
                config=config,
                whole=Windowing.of(encoder.config, front_end).length,
                shard=world.shard,
                background=backgrounds(config),
            ),
            config=config,
            masked=decoder.masked,
        )
        identity = state.identity_of(
            config,
            fingerprint("sounds", paths, asdict(decoder)),
            processes=world.shard.processes,
            start=None if start is None else start.sha256,
        )
        loop = Loop(task, world=world, identity=identity, traces=traces or Traces())
        return Trained.of(loop.run(progress), LABELS, front_end, config)


def _unlabelled(paths: Sequence[Path]) -> Sounds:
    return Sounds(
        waveforms=tuple(decode(path) for path in paths),
        targets=torch.zeros(len(paths), len(LABELS)),
    )
