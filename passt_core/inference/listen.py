"""Hearing a patchout: the sound of the patches that are left, and of those that were taken."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from passt_core.inference.analysis import Indices, PatchGrid
from passt_core.signal.decoding import Waveform
from passt_core.signal.mel import MelSpectrogram


@dataclass(frozen=True, kw_only=True, eq=False)
class SplitSound:
    """Two waveforms of the window's length; their sum is what the network could hear of it."""

    left: Waveform
    taken: Waveform


def split(samples: Waveform, grid: PatchGrid, kept: Indices) -> SplitSound:
    """Share a window's sound between the kept and the dropped patches.

    The window's complex spectrum is weighted, bin by bin, with the share of the patches over it
    that stay. Cells that no patch covers, and bins above the highest band, sound in neither.

    Args:
        samples: mono at the front end's rate, (n,); the window that ``grid`` was laid over.
        grid: its patches.
        kept: indices of those that stay.
    """
    front_end = grid.front_end
    window = torch.hann_window(front_end.n_fft)
    sound = torch.from_numpy(samples)
    spectrum = torch.stft(
        sound, front_end.n_fft, front_end.hop, window=window, return_complex=True
    )  # (bins, frames + 1 at most)
    covered = grid.seen(kept)
    halves = []
    for share in (covered, 1.0 - covered):
        weight = _bin_weights(torch.from_numpy(share).nan_to_num(), grid)
        weight = _match(weight, spectrum.shape[1])
        halves.append(
            torch.istft(
                spectrum * weight, front_end.n_fft, front_end.hop, window=window, length=len(sound)
            ).numpy()
        )
    return SplitSound(left=halves[0], taken=halves[1])


def _bin_weights(cells: torch.Tensor, grid: PatchGrid) -> torch.Tensor:
    """(bands, frames) → (bins, frames): every bin takes the mean of its bands' triangles."""
    banks = MelSpectrogram(grid.front_end).banks  # (bands, bins)
    return (banks / banks.sum(dim=0).clamp(min=1e-9)).T @ cells


def _match(weight: torch.Tensor, frames: int) -> torch.Tensor:
    """Repeat or cut the last frame: without pre-emphasis there may be one frame more."""
    missing = frames - weight.shape[1]
    if missing > 0:
        return torch.cat([weight, weight[:, -1:].expand(-1, missing)], dim=1)
    return weight[:, :frames]
