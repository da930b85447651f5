"""A checkpoint as a HEAR model: sounds in, embeddings of scenes and of timestamps out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from passt_core.errors import AudioError, CheckpointError, PasstError
from passt_core.inference.hear.variants import TIMESTAMP_HOP_MS, HearVariant
from passt_core.inference.passes import windows_together
from passt_core.inference.precision import prepared
from passt_core.inference.windows import Windowing
from passt_core.network.checkpoints import Checkpoint
from passt_core.signal.audio import MAX_PEAK, MIN_SECONDS
from passt_core.signal.mel import MelSpectrogram
from passt_core.signal.shared_mel import SharedMel, reflected


class HearModel(nn.Module):
    """A network and its front end, with the attributes that HEAR 2021 asks for.

    A window is embedded as its logits and features, or one of them (``variant.mode``). This follows
    ``hear21passt`` 0.0.26, window by window; what that computes one by one is computed here in
    few encoder passes, and frames that windows share once.

    It may be moved: the network is then made ready again for where it goes, from the checkpoint,
    whose weights no dtype and no move changes. What is saved is the checkpoint, not the
    ``state_dict()``, which lacks what a device holds in a form of its own.

    Attributes:
        sample_rate: that sounds must have, in Hz.
        scene_embedding_size, timestamp_embedding_size: lengths of the embeddings.
        scene_window: samples up to which a scene is heard in one piece.
        precision: of the matrix products.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        variant: HearVariant,
        *,
        device: str | torch.device = "cpu",
        precision: str = "fp32",
    ) -> None:
        """Make a HEAR model of a checkpoint.

        Args:
            checkpoint: its weights.
            variant: what is embedded.
            device: where to.
            precision: see :func:`passt_core.inference.precision.prepared`.

        Raises:
            PasstError: the network does not take the variant's windows, or the device has no such
                precision.
        """
        super().__init__()
        config, front_end = checkpoint.config, checkpoint.front_end
        self._checkpoint, self._asked = checkpoint, precision
        self._lie(torch.device(device))
        self.variant = variant
        self.sample_rate = front_end.sample_rate
        windowing = Windowing.of(config, front_end)
        self.scene_window, self._least = windowing.length, windowing.least
        self._timestamp_hop = self.sample_rate * TIMESTAMP_HOP_MS // 1000
        self._levels = tuple(self.sample_rate * ms // 1000 for ms in variant.levels_ms)
        if not self._least <= min(self._levels) <= max(self._levels) <= self.scene_window:
            raise PasstError(
                f"{checkpoint.name} takes windows of {self._least} to {self.scene_window} samples, "
                f"and the variant's are {self._levels}; choose another model or variant"
            )
        parts = {"all": config.classes + config.dim, "embed_only": config.dim}
        size = parts.get(variant.mode, config.classes)
        self.scene_embedding_size = size
        mels = config.mel_bands * variant.mel_frames
        self.timestamp_embedding_size = size * len(self._levels) + mels

    @property
    def device(self) -> torch.device:
        """Where the model lies now; sounds are moved there, embeddings are moved back."""
        return self.mel.hann.device

    def _lie(self, device: torch.device) -> None:
        self.network, self.precision = prepared(self._checkpoint, device, self._asked)
        self.mel = MelSpectrogram(self._checkpoint.front_end).eval().to(device)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> HearModel:  # noqa: ARG002
        """What ``to()``, ``cuda()`` and the like come down to."""
        device = fn(self.mel.hann).device
        if device != self.device:
            self._lie(device)
        return self

    def forward(self, audio: Tensor) -> Tensor:
        """Embed windows (B, samples), each in one piece → (B, scene_embedding_size)."""
        return self._embed(self.mel(audio))

    def scenes(self, audio: Tensor) -> Tensor:
        """Embed whole sounds.

        Up to :attr:`scene_window` a sound is heard in one piece. A longer one is padded with half
        a window of its reflection at both ends; the embedding is the mean over its windows. One
        too short for a patch, which the reference cannot hear, is padded with silence.

        Args:
            audio: float, (n_sounds, n_samples), in [-1, 1], at :attr:`sample_rate`.

        Returns:
            float32, (n_sounds, scene_embedding_size), where ``audio`` lies.

        Raises:
            AudioError: it is not such a tensor, is shorter than 25 ms, or has NaN or Inf samples.
        """
        sounds = self._checked(audio)
        count, samples = sounds.shape
        if samples <= self.scene_window:
            windows, embeddings = 1, self._whole(sounds)
        else:
            hop = self.scene_window // self.variant.scene_steps
            windows = 1 + samples // hop
            embeddings = self._level(sounds, self.scene_window, hop)
        found = audio.new_empty(count * windows, self.scene_embedding_size, dtype=torch.float32)
        _fill(found, embeddings)
        return found.view(count, windows, -1).mean(dim=1)  # (n_sounds, size)

    def timestamps(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Embed sounds every 50 ms.

        The windows around a timestamp lie with their middles on it. Where they reach beyond the
        sound there is its reflection, back and forth if the sound is shorter than half a window
        (the reference cannot hear such a sound).

        Args:
            audio: float, (n_sounds, n_samples), in [-1, 1], at :attr:`sample_rate`.

        Returns:
            float32 embeddings (n_sounds, n_timestamps, timestamp_embedding_size) and times
            (n_sounds, n_timestamps) in ms, where ``audio`` lies.

        Raises:
            AudioError: as :meth:`scenes`.
        """
        sounds, hop = self._checked(audio), self._timestamp_hop
        count = 1 + sounds.shape[1] // hop
        found = audio.new_empty(
            len(sounds) * count, self.timestamp_embedding_size, dtype=torch.float32
        )
        size = self.scene_embedding_size
        for index, length in enumerate(self._levels):
            _fill(found[:, index * size : (index + 1) * size], self._level(sounds, length, hop))
        if frames := self.variant.mel_frames:
            mels = self._windows(sounds, frames * self.mel.config.hop, hop)
            _fill(found[:, len(self._levels) * size :], mels)
        times = torch.arange(count, device=audio.device) * (1000.0 * hop / self.sample_rate)
        return found.view(len(sounds), count, -1), times.expand(len(sounds), -1)

    def _checked(self, audio: object) -> Tensor:
        if not isinstance(audio, Tensor) or audio.dim() != 2 or not audio.is_floating_point():
            told = type(audio).__name__
            if isinstance(audio, Tensor):
                told = f"{tuple(audio.shape)}, {audio.dtype}"
            raise AudioError(
                f"the sounds are not a float tensor (n_sounds, n_samples): {told}; "
                "stack mono sounds of one length, in [-1, 1]"
            )
        audio = audio.detach()
        sounds, samples = audio.shape
        if not sounds or samples < MIN_SECONDS * self.sample_rate:
            raise AudioError(
                f"{sounds} sounds of {samples} samples at {self.sample_rate} Hz; give one or more, "
                f"of {1000 * MIN_SECONDS:g} ms or more"
            )
        peak = float(audio.abs().max())  # NaN if any sample is
        if not peak <= MAX_PEAK:
            raise AudioError(
                f"the sounds peak at {peak:g}; samples must be finite and lie in [-1, 1]: "
                "divide by the full scale (32768 for 16 bit)"
            )
        return audio.float()

    def _whole(self, sounds: Tensor) -> Iterator[Tensor]:
        """Embeddings of sounds that are windows themselves."""
        together = self._together(sounds.shape[1])
        padded = functional.pad(sounds, (0, max(0, self._least - sounds.shape[1])))
        for first in range(0, len(padded), together):
            yield self(padded[first : first + together].to(self.device))

    def _windows(self, sounds: Tensor, length: int, hop: int) -> Iterator[Tensor]:
        """Spectrograms of windows with their middles every ``hop``, sound after sound."""
        samples, shared = sounds.shape[1], SharedMel(self.mel)
        before = reflected(torch.arange(-(length // 2), 0, device=sounds.device), samples)
        beyond = torch.arange(samples, samples + length - length // 2, device=sounds.device)
        after = reflected(beyond, samples)
        starts = range(0, samples + 1, hop)
        for sound in sounds:
            padded = torch.cat([sound[before], sound, sound[after]]).to(self.device)
            yield from shared(padded, starts, length, batch=self._together(length))

    def _together(self, length: int) -> int:
        """How many windows of ``length`` samples go into one encoder pass."""
        config = self.network.config
        frames = self.mel.config.frames(max(length, self._least))
        return windows_together(config, config.columns(frames), self.device)

    def _level(self, sounds: Tensor, length: int, hop: int) -> Iterator[Tensor]:
        """Embeddings of those windows; those of several sounds share encoder passes."""
        mels = self._windows(sounds, length, hop)
        return map(self._embed, _regrouped(mels, self._together(length)))

    def _embed(self, mel: Tensor) -> Tensor:
        """(B, bands, frames) → (B, size)."""
        logits, features = self.network(mel)
        if self.variant.mode == "all":
            return torch.cat([logits, features], dim=1)
        return logits if self.variant.mode == "logits" else features


@torch.inference_mode()
def _fill(found: Tensor, rows: Iterable[Tensor]) -> None:
    """Write rows as they come: what the network computes on the way is let go."""
    done = 0
    for some in rows:
        if not some.isfinite().all():
            raise CheckpointError(
                "the model's embeddings are not finite; its weights are damaged: load another"
            )
        found[done : done + len(some)] = some.flatten(1)
        done += len(some)


def _regrouped(batches: Iterable[Tensor], size: int) -> Iterator[Tensor]:
    """The same rows, ``size`` at a time; the last are fewer."""
    held: list[Tensor] = []
    for batch in batches:
        held.append(batch)
        while sum(map(len, held)) >= size:
            joined = torch.cat(held)
            yield joined[:size]
            held = [joined[size:]] if len(joined) > size else []
    if held:
        yield torch.cat(held)
