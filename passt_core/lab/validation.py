"""Scores of a network while it is being trained, on clips that it is not trained on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from passt_core.inference.windows import Windowing
from passt_core.lab import metrics
from passt_core.lab.batches import Sounds
from passt_core.network.model import Passt
from passt_core.signal.mel import MelSpectrogram

_BATCH = 16
_Window = tuple[int, Tensor]


@dataclass(frozen=True, kw_only=True, eq=False)
class Validation:
    """Clips to score a network on.

    Attributes:
        sounds: N of them, and what each is.
        mel: the front end, without augmentation.
        windowing: how clips are cut.
    """

    sounds: Sounds
    mel: MelSpectrogram
    windowing: Windowing

    def scores(self, network: Passt, device: torch.device) -> dict[str, float]:
        """``accuracy`` and ``map`` (mean over the classes that occur), 0 to 1.

        Of a clip with several labels the highest class has to be one of them.
        """
        logits = self.logits(network, device).numpy()
        targets = self.sounds.targets.numpy() > 0
        precision = metrics.average_precision(targets, logits)
        return {
            "accuracy": float(metrics.hits(targets, logits).mean()),
            "map": float(np.nanmean(precision)),
        }

    @torch.no_grad()
    def logits(self, network: Passt, device: torch.device) -> Tensor:
        """Mean over each clip's windows, (N, classes); the network is left in eval mode."""
        network.eval()
        mel = self.mel.to(device)
        total = torch.zeros(len(self.sounds), network.config.classes)
        count = torch.zeros(len(self.sounds), 1)
        windows = sorted(self._windows(), key=lambda window: len(window[1]))
        for _, alike in groupby(windows, key=lambda window: len(window[1])):
            for part in _parts(list(alike)):
                places = torch.tensor([place for place, _ in part])
                audio = torch.stack([window for _, window in part]).to(device)
                total.index_add_(0, places, network(mel(audio)).logits.float().cpu())
                count.index_add_(0, places, torch.ones(len(part), 1))
        return total / count

    def _windows(self) -> Iterator[_Window]:
        """(clip, samples) of every window: clips one after the other, cut without overlap."""
        length, least = self.windowing.length, self.windowing.least
        for place, audio in enumerate(self.sounds.waveforms):
            for start in range(0, max(len(audio) - least, 0) + 1, length):
                window = audio[start : start + length]
                yield place, functional.pad(window, (0, max(0, least - len(window))))


def _parts(windows: list[_Window]) -> Iterator[list[_Window]]:
    for start in range(0, len(windows), _BATCH):
        yield windows[start : start + _BATCH]
