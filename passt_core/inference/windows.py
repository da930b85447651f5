"""Cutting a clip of any length into windows that a network takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from passt_core.network.model import PasstConfig
from passt_core.signal.decoding import Waveform
from passt_core.signal.mel import MelConfig

Floats = NDArray[np.float32]

Window = tuple[int, Waveform]
"""The first sample of a window, and its samples."""

_TENTH = 10
"""Windows are whole tenths of a second where the grid has room: 998 frames listen to 10 s."""


@dataclass(frozen=True, kw_only=True)
class Windowing:
    """Lengths in samples: of a window, from one to the next, and the least a network takes."""

    length: int
    hop: int
    least: int

    @classmethod
    def of(cls, config: PasstConfig, front_end: MelConfig) -> Windowing:
        """The windowing of a network: half overlapping, hops on whole frames."""
        nominal = config.frames * front_end.hop
        tenth = front_end.sample_rate // _TENTH
        rounded = -(-nominal // tenth) * tenth
        length = rounded if front_end.frames(rounded) <= config.max_frames else nominal
        return cls(
            length=length,
            hop=length // 2 // front_end.hop * front_end.hop,
            least=front_end.samples(config.patch),
        )

    def cut(self, blocks: Iterable[Waveform]) -> Iterator[Window]:
        """Turn consecutive blocks of samples into windows.

        A clip that fits in one window is one window, padded with silence up to the least. A longer
        one has windows every ``hop``; the last is aligned to the clip's end. No more than two
        blocks and one window are held at a time.

        Yields:
            (first sample, samples) of each window.
        """
        held, start, emitted = np.zeros(0, np.float32), 0, False
        for block in blocks:
            held = np.concatenate([held, block]) if len(held) else block
            while len(held) >= self.length + (self.hop if emitted else 0):
                if emitted:
                    held, start = held[self.hop :], start + self.hop
                yield start, held[: self.length]
                emitted = True
        if not emitted:
            yield 0, np.pad(held, (0, max(0, self.least - len(held))))
        elif len(held) > self.length:
            yield start + len(held) - self.length, held[-self.length :]


def overlapping(windows: Iterable[Window]) -> Iterator[list[Window]]:
    """Part windows into runs that lie over each other in one sound.

    Args:
        windows: (first sample, samples), as :meth:`Windowing.cut` gives them, of any clips.

    Yields:
        Consecutive windows of one length, each of which begins with the end of the one before it.
    """
    run: list[Window] = []
    for start, samples in windows:
        if run and not _continued(*run[-1], start, samples):
            yield run
            run = []
        run.append((start, samples))
    if run:
        yield run


def _continued(first: int, before: Waveform, start: int, samples: Waveform) -> bool:
    step = start - first
    inside = 0 < step < len(before) == len(samples)
    return inside and np.array_equal(before[step:], samples[:-step])


def joined(mels: Iterable[tuple[int, Floats]], *, overlap: int) -> Floats:
    """Make one spectrogram of overlapping ones as they come; only what stays is held.

    Args:
        mels: (first frame, (bands, frames)) of each window, in order.
        overlap: frames into the next window until which the one before it is shown: the edges of
            a window are bent by its padding.

    Returns:
        (bands, frames) of the whole.
    """
    pieces: list[Floats] = []
    begin = 0
    for first, mel in mels:
        if pieces:
            end = first + overlap
            pieces[-1] = pieces[-1][:, : end - begin].copy()
            begin = end
        pieces.append(mel[:, begin - first :])
    return np.concatenate(pieces, axis=1)
