"""Waveform → :class:`ClipAnalysis`. The one border between numpy and torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from passt_core.inference.analysis import ClipAnalysis, Floats, PatchGrid, WindowAnalysis
from passt_core.inference.devices import device_of
from passt_core.inference.passes import Heard, Passes, kept_patches
from passt_core.inference.precision import prepared
from passt_core.inference.windows import Windowing, joined
from passt_core.network import checkpoints
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.download import Progress
from passt_core.network.merging import Merged, Schedule
from passt_core.network.patchout import PatchoutSpec
from passt_core.network.registry import BUNDLED
from passt_core.signal import audio as audio_io
from passt_core.signal.decoding import Waveform
from passt_core.signal.mel import MelSpectrogram

Clip = tuple[NDArray[np.generic], int]
"""Samples, (n,) or (n, channels), and their rate in Hz."""
WindowProgress = Callable[[float, float | None], None]
"""Called with the seconds heard so far and, where it is known, the seconds in all."""


class Predictor:
    """A checkpoint that listens. It holds no state but its weights: safe to share.

    Attributes:
        checkpoint: the network and all that is known of it.
        labels: class names in head order.
        windowing: how clips are cut, in samples.
        precision: of the matrix products: ``fp32``, ``bf16`` or ``int8``.
        keep_tokens: share of the patches' tokens that merging leaves.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        device: str = "auto",
        precision: str = "fp32",
        keep_tokens: float = 1.0,
        schedule: Schedule = "constant",
        compiled: bool = False,
    ) -> None:
        """Put a checkpoint on a device.

        Args:
            checkpoint: as :func:`passt_core.network.checkpoints.load` gives it.
            device: ``auto`` (CUDA where there is one), or a torch device.
            precision: ``auto``, ``fp32``, ``bf16`` or ``int8``;
            keep_tokens: share of the patches' tokens that merging leaves;
            schedule: how merging is spread over the blocks; and
            compiled: by ``torch.compile``: see :func:`passt_core.inference.precision.prepared`.

        Raises:
            PasstError: as that.
        """
        self.checkpoint = checkpoint
        self.labels = checkpoint.labels
        self.windowing = Windowing.of(checkpoint.config, checkpoint.front_end)
        self.keep_tokens = keep_tokens
        self._device = device_of(device)
        network, self.precision = prepared(
            checkpoint,
            self._device,
            precision,
            keep_tokens=keep_tokens,
            schedule=schedule,
            compiled=compiled,
        )
        self._mel = MelSpectrogram(checkpoint.front_end).eval().to(self._device)
        self._merging = Merged(checkpoint.network, keep=keep_tokens, schedule=schedule)
        self._passes = Passes(checkpoint, network, self._mel, self._device)

    @classmethod
    def from_checkpoint(
        cls,
        name_or_path: str | Path = BUNDLED,
        *,
        device: str = "auto",
        precision: str = "fp32",
        keep_tokens: float = 1.0,
        compiled: bool = False,
        progress: Progress | None = None,
    ) -> Predictor:
        """Load a checkpoint by name or path; see :func:`passt_core.network.checkpoints.load`."""
        loaded = checkpoints.load(name_or_path, progress)
        return cls(
            loaded,
            device=device,
            precision=precision,
            keep_tokens=keep_tokens,
            compiled=compiled,
        )

    @property
    def name(self) -> str:
        """Name of the checkpoint."""
        return self.checkpoint.name

    @property
    def sample_rate(self) -> int:
        """Rate that the model listens at, in Hz."""
        return self.checkpoint.front_end.sample_rate

    @property
    def window_s(self) -> float:
        """Longest stretch that the model takes at once, in seconds."""
        return self.windowing.length / self.sample_rate

    @property
    def embedding_dim(self) -> int:
        """Length of an embedding."""
        return self.checkpoint.config.dim

    def analyze(
        self,
        audio: NDArray[np.generic],
        sample_rate: int,
        patchout: PatchoutSpec | None = None,
        seed: int = 0,
    ) -> ClipAnalysis:
        """Listen to a clip of any length.

        Args:
            audio: (n,) or (n, channels); float in [-1, 1] or integers at full scale.
            sample_rate: its rate in Hz.
            patchout: patches to take away, the same in every window; None takes none.
            seed: where the draws of the patchout begin.

        Returns:
            Everything the model makes of it.

        Raises:
            AudioError: not a clip that can be analysed.
            PatchoutError: nothing would be left.
        """
        samples = audio_io.from_array(audio, sample_rate, target_rate=self.sample_rate)
        return self._analyze_stream([samples], patchout, seed)

    def analyze_file(
        self,
        path: str | Path,
        patchout: PatchoutSpec | None = None,
        seed: int = 0,
        progress: WindowProgress | None = None,
    ) -> ClipAnalysis:
        """Listen to a file as it is read: an hour takes no more memory than its spectrogram.

        Raises:
            AudioError: not a sound, too short, silent throughout, or with NaN or Inf samples.
            PatchoutError: nothing would be left.
        """
        name = Path(path).name
        blocks = audio_io.stream(path, sample_rate=self.sample_rate)
        total = audio_io.info(path).duration_s
        counted = _counted(blocks, self.sample_rate, total, progress)
        return self._analyze_stream(
            audio_io.checked_stream(counted, self.sample_rate, name=name), patchout, seed
        )

    def stretches(self, path: str | Path) -> Iterator[WindowAnalysis]:
        """Listen to a file as it is read, window after window: memory stays bounded.

        Unlike those of :meth:`analyze_file` the windows do not overlap, but for the last, which is
        aligned to the end of the file; windows of digital silence are left out.

        Raises:
            AudioError: as :meth:`analyze_file`, some of it only at the end.
        """
        windowing = replace(self.windowing, hop=self.windowing.length)
        yield from self._of_file(path, windowing, silent=False)

    def windows(self, path: str | Path) -> Iterator[WindowAnalysis]:
        """Listen to a file as it is read, window after window as :meth:`analyze_file` cuts it.

        Memory stays bounded.

        Raises:
            AudioError: as :meth:`analyze_file`, some of it only at the end.
        """
        yield from self._of_file(path, self.windowing, silent=True)

    def follow(
        self, blocks: Iterable[Waveform], windowing: Windowing | None = None
    ) -> Iterator[tuple[WindowAnalysis, Floats]]:
        """Listen to a sound of any length as it comes: memory stays bounded.

        Args:
            blocks: consecutive mono samples at the model's rate.
            windowing: how they are cut; None: as :meth:`analyze` does.

        Yields:
            What the model makes of each window, and the window's log-mel (bands, frames).
        """
        windows = (windowing or self.windowing).cut(blocks)
        yield from self._passes.follow(windows, PatchoutSpec(), 0)

    def follow_together(
        self, sounds: Sequence[Waveform], windowing: Windowing
    ) -> Iterator[list[Heard]]:
        """Listen to sounds that are there; their windows share encoder passes.

        Args:
            sounds: mono samples at the model's rate.
            windowing: how they are cut.

        Yields:
            What :meth:`follow` yields of each sound, in their order.
        """
        cut = [list(windowing.cut([samples])) for samples in sounds]
        heard = self._passes.follow(chain.from_iterable(cut), PatchoutSpec(), 0)
        for windows in cut:
            yield list(islice(heard, len(windows)))

    def analyze_batch(
        self, clips: Sequence[Clip], patchout: PatchoutSpec | None = None, seed: int = 0
    ) -> list[ClipAnalysis]:
        """Listen to many clips; windows of one length share encoder passes.

        Returns:
            One analysis per clip, in their order.

        Raises:
            AudioError, PatchoutError: as :meth:`analyze`.
        """
        spec = patchout or PatchoutSpec()
        samples = [
            audio_io.from_array(audio, rate, target_rate=self.sample_rate) for audio, rate in clips
        ]
        cut = [list(self.windowing.cut([clip])) for clip in samples]
        heard = iter(
            self._passes.listen([window for windows in cut for window in windows], spec, seed)
        )
        return [
            self._summary([len(clip)], islice(heard, len(windows)), spec, seed)
            for clip, windows in zip(samples, cut, strict=True)
        ]

    def embed(
        self, audio: NDArray[np.generic], sample_rate: int, *, normalize: bool = False
    ) -> Floats:
        """Embedding of a clip, (D,): the mean over its windows, on request of length 1."""
        analysis = self.analyze(audio, sample_rate)
        return analysis.unit_embedding if normalize else analysis.embedding

    @torch.inference_mode()
    def spectrogram(self, samples: Waveform) -> Floats:
        """Normalised log-mel (bands, frames) of mono samples at the model's rate."""
        return self._mel(torch.from_numpy(samples)[None].to(self._device))[0].cpu().numpy()

    def kept(self, grid: PatchGrid, spec: PatchoutSpec, seed: int) -> NDArray[np.int64]:
        """Patches of ``grid`` that stay: what :meth:`analyze` keeps for the same arguments."""
        return kept_patches(grid, spec, seed)

    def _analyze_stream(
        self, blocks: Iterable[Waveform], patchout: PatchoutSpec | None, seed: int
    ) -> ClipAnalysis:
        spec = patchout or PatchoutSpec()
        lengths: list[int] = []
        windows = self.windowing.cut(_measured(blocks, lengths))
        return self._summary(lengths, self._passes.follow(windows, spec, seed), spec, seed)

    def _of_file(
        self, path: str | Path, windowing: Windowing, *, silent: bool
    ) -> Iterator[WindowAnalysis]:
        """Windows of a file, those of digital silence only where they are asked for.

        None ends after the file: a shorter one is padded with silence.
        """
        blocks = audio_io.stream(path, sample_rate=self.sample_rate)
        checked = audio_io.checked_stream(blocks, self.sample_rate, name=Path(path).name)
        lengths: list[int] = []
        windows = (w for w in windowing.cut(_measured(checked, lengths)) if silent or w[1].any())
        for window, _ in self._passes.follow(windows, PatchoutSpec(), 0):
            yield replace(window, end_s=min(window.end_s, sum(lengths) / self.sample_rate))

    def _grid(self, frames: int) -> PatchGrid:
        return PatchGrid.of(self.checkpoint.config, self.checkpoint.front_end, frames)

    def _summary(
        self, lengths: Sequence[int], heard: Iterable[Heard], spec: PatchoutSpec, seed: int
    ) -> ClipAnalysis:
        """Put windows together as they come; ``lengths`` is whole once they have all come."""
        front_end, windows = self.checkpoint.front_end, []

        def placed() -> Iterator[tuple[int, Floats]]:
            for window, mel in heard:
                windows.append(window)
                yield round(window.start_s / front_end.frame_seconds), mel

        mel = joined(placed(), overlap=self.windowing.length // 4 // front_end.hop)
        samples = round((windows[0].end_s - windows[0].start_s) * self.sample_rate)
        grid = self._grid(front_end.frames(samples))
        kept = self.kept(grid, spec, seed)
        full = self.checkpoint.config.encoder_flops(grid.patches)
        return ClipAnalysis(
            model=self.name,
            labels=self.labels,
            duration_s=sum(lengths) / self.sample_rate,
            mel=mel,
            grid=grid,
            patchout=spec,
            seed=seed,
            kept=kept,
            windows=tuple(windows),
            logits=np.mean([w.logits for w in windows], axis=0, dtype=np.float32),
            probabilities=np.mean([w.probabilities for w in windows], axis=0, dtype=np.float32),
            embedding=np.mean([w.embedding for w in windows], axis=0, dtype=np.float32),
            precision=self.precision,
            merged_to=self._merging.tokens_left(len(kept)),
            flops_share=self._merging.encoder_flops(len(kept)) / full,
        )


def _measured(blocks: Iterable[Waveform], lengths: list[int]) -> Iterator[Waveform]:
    for block in blocks:
        lengths.append(len(block))
        yield block


def _counted(
    blocks: Iterable[Waveform],
    rate: int,
    total_s: float | None,
    progress: WindowProgress | None,
) -> Iterator[Waveform]:
    done = 0
    for block in blocks:
        yield block
        done += len(block)
        if progress:
            progress(done / rate, total_s)
