"""Windows → what a network makes of each, in few encoder passes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby, islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from passt_core.errors import AudioError
from passt_core.inference.analysis import Floats, PatchGrid, WindowAnalysis
from passt_core.inference.windows import Window, overlapping
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.model import Passt, PasstConfig
from passt_core.network.patchout import PatchoutSpec, select
from passt_core.signal.mel import MelSpectrogram
from passt_core.signal.shared_mel import SharedMel

TOKENS = 2048
"""Tokens of an encoder pass: enough to fill the cores, few enough to bound the memory."""
TOKENS_ON_GPU = 1 << 15

Heard = tuple[WindowAnalysis, Floats]
"""What a network makes of a window, and the window's log-mel (bands, frames)."""


def kept_patches(grid: PatchGrid, spec: PatchoutSpec, seed: int) -> NDArray[np.int64]:
    """Patches of a grid that a patchout leaves, ascending; the same for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    return select((grid.rows, grid.columns), spec, generator).numpy()


def windows_together(config: PasstConfig, columns: int, device: torch.device) -> int:
    """How many windows of so many patch columns an encoder pass takes, one or more."""
    budget = TOKENS if device.type == "cpu" else TOKENS_ON_GPU
    return max(1, budget // (config.rows * columns + config.extra_tokens))


class Passes:
    """A network that windows are given to, as many at a time as a budget of tokens allows."""

    def __init__(
        self, checkpoint: Checkpoint, network: Passt, mel: MelSpectrogram, device: torch.device
    ) -> None:
        """Put together what listens.

        Args:
            checkpoint: what the network is of.
            network: it, ready for the device.
            mel: its front end, there too.
            device: where windows are brought to.
        """
        self._checkpoint = checkpoint
        self._config = checkpoint.config
        self._network = network
        self._mel = mel
        self._device = device

    def follow(self, windows: Iterable[Window], spec: PatchoutSpec, seed: int) -> Iterator[Heard]:
        """Hear windows as they come, as many together as the first of them fit into a pass."""
        coming = iter(windows)
        for first in coming:
            more = islice(coming, self._together(self._columns(first)) - 1)
            yield from self.listen([first, *more], spec, seed)

    def listen(self, windows: Sequence[Window], spec: PatchoutSpec, seed: int) -> list[Heard]:
        """Hear windows, those of one token count together; results keep the windows' order."""
        heard: dict[int, Heard] = {}
        for columns, alike in _alike([self._columns(window) for window in windows]):
            most = self._together(columns)
            for first in range(0, len(alike), most):
                places = alike[first : first + most]
                batch = [windows[place] for place in places]
                heard |= zip(places, self._hear(batch, spec, seed), strict=True)
        return [heard[place] for place in range(len(windows))]

    @torch.inference_mode()
    def _hear(self, windows: Sequence[Window], spec: PatchoutSpec, seed: int) -> Iterator[Heard]:
        """One encoder pass over windows of one token count.

        The frames after the last whole patch, in which the windows may differ, are seen by no
        token: cutting them off changes nothing.
        """
        mels, config = self._mels(windows), self._config
        grid = PatchGrid.of(config, self._checkpoint.front_end, mels[0].shape[1])
        seen = (grid.columns - 1) * config.stride_time + config.patch
        kept = None
        if not spec.is_empty:
            kept = torch.from_numpy(kept_patches(grid, spec, seed)).to(self._device)
        logits, embedding = self._network(torch.stack([m[:, :seen] for m in mels]), kept=kept)
        probabilities = self._checkpoint.probabilities(logits)
        results = [t.cpu().numpy() for t in (logits, probabilities, embedding)]
        rate = self._checkpoint.front_end.sample_rate
        for (start, samples), mel, *window in zip(windows, mels, *results, strict=True):
            times = (start / rate, (start + len(samples)) / rate)
            yield _window(times, *window), mel.cpu().numpy()

    @torch.inference_mode()
    def _mels(self, windows: Sequence[Window]) -> list[Tensor]:
        """Log-mel (bands, frames) of each window; those that overlap share their frames."""
        runs = list(overlapping(windows))
        mels: dict[int, list[Tensor]] = {}
        alone = [place for place, run in enumerate(runs) if len(run) == 1]
        for _, alike in _alike([len(runs[place][0][1]) for place in alone]):
            places = [alone[index] for index in alike]
            stacked = torch.from_numpy(np.stack([runs[place][0][1] for place in places]))
            mels |= {
                place: [mel]
                for place, mel in zip(places, self._mel(stacked.to(self._device)), strict=True)
            }
        mels |= {place: self._shared(run) for place, run in enumerate(runs) if place not in mels}
        return list(chain.from_iterable(mels[place] for place in range(len(runs))))

    def _shared(self, run: Sequence[Window]) -> list[Tensor]:
        """Log-mels of windows that lie over each other."""
        (begin, first), *others = run
        starts = [start - begin for start, _ in run]
        steps = np.diff(starts)
        ends = (samples[-step:] for (_, samples), step in zip(others, steps, strict=True))
        sound = torch.from_numpy(np.concatenate([first, *ends])).to(self._device)
        return list(chain.from_iterable(SharedMel(self._mel)(sound, starts, len(first))))

    def _columns(self, window: Window) -> int:
        return self._config.columns(self._checkpoint.front_end.frames(len(window[1])))

    def _together(self, columns: int) -> int:
        return windows_together(self._config, columns, self._device)


def _window(
    times: tuple[float, float], logits: Floats, probabilities: Floats, embedding: Floats
) -> WindowAnalysis:
    if not np.isfinite(logits).all():
        raise AudioError(
            f"the model's answer for {times[0]:.2f}-{times[1]:.2f} s is not finite; "
            "the weights or the sound are damaged: try the bundled model"
        )
    return WindowAnalysis(
        start_s=times[0],
        end_s=times[1],
        logits=logits,
        probabilities=probabilities,
        embedding=embedding,
    )


def _alike(keys: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    """Each key, and the places that have it."""
    places = sorted(range(len(keys)), key=keys.__getitem__)
    for key, group in groupby(places, key=keys.__getitem__):
        yield key, list(group)
