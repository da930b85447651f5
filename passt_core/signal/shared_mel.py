"""Log-mels of overlapping windows, each frame computed once.

Windows that begin on whole hops of one grid share their frames, but for the few at their edges:
there :class:`MelSpectrogram` pads a window with its own reflection, and the next window has sound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import torch
from torch import Tensor
from torch.nn import functional

from passt_core.errors import AudioError
from passt_core.signal.mel import (
    LOG_OFFSET,
    NORM_SCALE,
    NORM_SHIFT,
    PRE_EMPHASIS,
    MelConfig,
    MelSpectrogram,
)


def reflected(index: Tensor, count: int) -> Tensor:
    """Fold indices of any size into [0, count), mirrored at both ends as often as it takes.

    Where a single reflection is enough, this is the reflect padding of ``torch.nn.functional.pad``.
    """
    period = max(1, 2 * (count - 1))
    folded = index.remainder(period)
    return torch.minimum(folded, period - folded).clamp(max=count - 1)


class SharedMel:
    """What ``mel`` makes of each window of a sound, at the price of the sound and the edges.

    A frame looks at ``config.window`` samples around its middle. Where these lie inside the window
    the frame is the same for every window that holds it: it is computed once and kept until the
    last such window is done. The others are computed for each window, from its reflection.
    """

    def __init__(self, mel: MelSpectrogram) -> None:
        """Share the filters of a spectrogram in ``eval()``; it is not changed."""
        self._mel = mel

    def __call__(
        self, samples: Tensor, starts: Sequence[int], length: int, *, batch: int = 64
    ) -> Iterator[Tensor]:
        """Compute the spectrograms of windows of one length, in their order.

        Memory follows what a batch spans, not the sound.

        Args:
            samples: float, (n,), in [-1, 1], at ``config.sample_rate``, where ``mel`` lies.
            starts: first sample of each window, ascending. Those that are not whole hops after
                the first one share nothing, and cost what they cost alone.
            length: samples of a window: 514 or more, as ``mel`` takes them.
            batch: most windows at a time.

        Yields:
            (W, bands, frames), W ≤ ``batch``: ``mel(window)`` of the next W windows, to rounding.

        Raises:
            AudioError: a window is too short, out of order, or not in the sound.
        """
        _check(self._mel.config, len(samples), starts, length)
        return self._batches(samples, starts, _Plan.of(self._mel.config, length), batch)

    def _batches(
        self, samples: Tensor, starts: Sequence[int], plan: _Plan, batch: int
    ) -> Iterator[Tensor]:
        hop, strip = self._mel.config.hop, _Strip.of(self._mel, samples)
        for phase, group in groupby(starts, key=lambda start: (start - starts[0]) % hop):
            run = list(group)
            for first in range(0, len(run), batch):
                chunk = torch.tensor(run[first : first + batch], device=samples.device)
                if phase or not plan.inner:
                    yield self._mel(samples.unfold(0, plan.length, 1)[chunk])
                else:
                    yield strip.windows(chunk, plan, origin=starts[0])


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """Which frames of a window of ``length`` samples are its own, and which it may share.

    Attributes:
        before, after: samples that a frame sees before and from its middle on.
        first, stop: frames of which all samples lie in the window; none if ``stop`` ≤ ``first``.
        frames: in all.
    """

    length: int
    before: int
    after: int
    first: int
    stop: int
    frames: int

    @classmethod
    def of(cls, config: MelConfig, length: int) -> _Plan:
        before = config.n_fft // 2 - (config.n_fft - config.window) // 2
        after = config.window - before
        emphasised = length - 1
        return cls(
            length=length,
            before=before,
            after=after,
            first=-(-before // config.hop),
            stop=(emphasised - after) // config.hop + 1,
            frames=config.frames(length),
        )

    @property
    def inner(self) -> range:
        """Frames that are shared."""
        return range(self.first, self.stop)

    def own_samples(self, hop: int) -> Tensor:
        """What the frames of its own see, (E, window): places in the emphasised window."""
        own = torch.tensor([i for i in range(self.frames) if i not in self.inner])
        seen = hop * own[:, None] + torch.arange(-self.before, self.after)
        return reflected(seen, self.length - 1)


class _Strip:
    """A sound's frames on one grid: a stretch of them is held, and moves on."""

    def __init__(self, mel: MelSpectrogram, emphasised: Tensor) -> None:
        self._mel = mel
        self._emphasised = emphasised
        self._first = 0
        self._held = emphasised.new_empty(0, mel.config.bands)  # (G, bands)

    @classmethod
    def of(cls, mel: MelSpectrogram, samples: Tensor) -> _Strip:
        return cls(mel, samples[1:] - PRE_EMPHASIS * samples[:-1])

    def windows(self, starts: Tensor, plan: _Plan, *, origin: int) -> Tensor:
        """Windows that begin on the grid of ``origin``, (W,) → (W, bands, frames)."""
        hop = self._mel.config.hop
        grid = (starts - origin) // hop  # (W,)
        self._move(int(grid[0]) + plan.first, int(grid[-1]) + plan.stop, plan, origin)
        inner = torch.arange(plan.first, plan.stop, device=starts.device)
        shared = self._held[grid[:, None] + inner - self._first]  # (W, inner, bands)
        places = starts[:, None, None] + plan.own_samples(hop).to(starts.device)
        own = self._rows(self._emphasised[places])  # (W, E, bands)
        head, tail = own[:, : plan.first], own[:, plan.first :]
        return torch.cat([head, shared, tail], dim=1).mT.contiguous()

    def _move(self, first: int, stop: int, plan: _Plan, origin: int) -> None:
        """Let go of the frames before ``first``; compute those up to ``stop`` that are missing."""
        config = self._mel.config
        kept = self._held[max(0, first - self._first) :]
        begin = max(first, self._first + len(self._held))
        if begin < stop:
            middles = origin + begin * config.hop, origin + (stop - 1) * config.hop
            seen = self._emphasised[middles[0] - plan.before : middles[1] + plan.after]
            kept = torch.cat([kept, self._rows(seen.unfold(0, config.window, config.hop))])
        self._first, self._held = first, kept

    def _rows(self, seen: Tensor) -> Tensor:
        """What frames see, (..., window) → their log-mel, (..., bands), as ``mel`` computes it."""
        config = self._mel.config
        left = (config.n_fft - config.window) // 2
        right = config.n_fft - config.window - left
        spectrum = torch.fft.rfft(functional.pad(seen * self._mel.hann, (left, right)))
        power = spectrum.real.square() + spectrum.imag.square()  # (..., n_fft / 2 + 1)
        with torch.autocast(device_type=seen.device.type, enabled=False):
            log_mel = (power @ self._mel.banks.T + LOG_OFFSET).log()
        return (log_mel + NORM_SHIFT) / NORM_SCALE


def _check(config: MelConfig, count: int, starts: Sequence[int], length: int) -> None:
    least = config.n_fft // 2 + 2
    if length < least:
        raise AudioError(f"windows of {length} samples; the spectrum needs {least} or more")
    if any(later < earlier for earlier, later in pairwise(starts)):
        raise AudioError("the windows are not in the order of their starts; sort them")
    if len(starts) and not 0 <= starts[0] <= starts[-1] <= count - length:
        raise AudioError(
            f"windows of {length} samples begin at {starts[0]} to {starts[-1]} of {count} samples; "
            "let all of them lie in the sound, or pad it"
        )
