"""The log-mel front end of PaSST (``AugmentMelSTFT`` of the reference implementation)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchaudio.compliance.kaldi import get_mel_banks
from torchaudio.transforms import FrequencyMasking, TimeMasking

from passt_core.signal.audio import SAMPLE_RATE

PRE_EMPHASIS = 0.97
LOG_OFFSET = 1e-5
NORM_SHIFT, NORM_SCALE = 4.5, 5.0


@dataclass(frozen=True, kw_only=True)
class MelConfig:
    """Shape of the spectrogram. Lengths in samples, frequencies in Hz."""

    sample_rate: int = SAMPLE_RATE
    n_fft: int = 1024
    window: int = 800
    hop: int = 320
    bands: int = 128
    fmin: float = 0.0
    fmax: float = 15_000.0

    def frames(self, samples: int) -> int:
        """Frames that ``samples`` samples give: pre-emphasis takes one, the rest is centred."""
        return 1 + (samples - 1) // self.hop

    def samples(self, frames: int) -> int:
        """Fewest samples that give ``frames`` frames."""
        return (frames - 1) * self.hop + 1

    @property
    def frame_seconds(self) -> float:
        """Time from one frame to the next, in seconds."""
        return self.hop / self.sample_rate


@dataclass(frozen=True, kw_only=True)
class MelAugment:
    """What training changes: jitter of the band edges (Hz) and widest masks (bands, frames)."""

    fmin_jitter: int = 10
    fmax_jitter: int = 2000
    freq_mask: int = 48
    time_mask: int = 192


def hz_to_mel(hz: Tensor) -> Tensor:
    """Kaldi's mel scale: 1127 ln(1 + f / 700)."""
    return 1127.0 * torch.log1p(hz / 700.0)


def mel_to_hz(mel: Tensor) -> Tensor:
    """Inverse of :func:`hz_to_mel`."""
    return 700.0 * torch.expm1(mel / 1127.0)


def band_edges_hz(config: MelConfig) -> Tensor:
    """Frequencies where bands begin and end, in Hz, shape (bands + 1,).

    Bands are triangles that overlap by half; band b is given the stretch between the points half
    way to its neighbours' centres, so that the stretches tile the axis from bottom to top.
    """
    low, high = hz_to_mel(torch.tensor([config.fmin, config.fmax], dtype=torch.float64))
    step = (high - low) / (config.bands + 1)
    return mel_to_hz(low + step * (torch.arange(config.bands + 1) + 0.5))


class MelSpectrogram(nn.Module):
    """Waveform → normalised log-mel spectrogram.

    Deterministic in ``eval()``. In ``train()`` the band edges move at random and stripes of time
    and frequency are masked (SpecAugment), as in the reference implementation.
    """

    hann: Tensor
    banks: Tensor

    def __init__(self, config: MelConfig, augment: MelAugment | None = None) -> None:
        super().__init__()
        self.config = config
        self.augment = augment or MelAugment()
        self.register_buffer("hann", torch.hann_window(config.window, periodic=False), False)
        self.register_buffer("banks", self._banks(config.fmin, config.fmax), False)
        self.freq_mask = FrequencyMasking(self.augment.freq_mask, iid_masks=True)
        self.time_mask = TimeMasking(self.augment.time_mask, iid_masks=True)

    def forward(self, audio: Tensor) -> Tensor:
        """Compute the spectrogram.

        Args:
            audio: float, (B, samples), in [-1, 1], at ``config.sample_rate``; 514 samples or more.

        Returns:
            (B, bands, frames), frames = 1 + (samples - 1) // hop. Digital silence is -1.4026.
        """
        power = self._power(audio)  # (B, n_fft / 2 + 1, frames)
        banks = self._jittered_banks() if self.training else self.banks
        with torch.autocast(device_type=audio.device.type, enabled=False):
            log_mel = (banks @ power + LOG_OFFSET).log()  # (B, bands, frames)
        if self.training:
            log_mel = self._masked(log_mel)
        return (log_mel + NORM_SHIFT) / NORM_SCALE

    def _power(self, audio: Tensor) -> Tensor:
        emphasised = audio[:, 1:] - PRE_EMPHASIS * audio[:, :-1]
        spectrum = torch.stft(
            emphasised,
            self.config.n_fft,
            hop_length=self.config.hop,
            win_length=self.config.window,
            window=self.hann,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        return spectrum.real.square() + spectrum.imag.square()  # (B, n_fft / 2 + 1, frames)

    def _banks(self, fmin: float, fmax: float) -> Tensor:
        """Triangular filters, (bands, n_fft / 2 + 1); Kaldi leaves the Nyquist bin out: zero."""
        banks, _ = get_mel_banks(
            self.config.bands,
            self.config.n_fft,
            self.config.sample_rate,
            fmin,
            fmax,
            vtln_low=100.0,
            vtln_high=-500.0,
            vtln_warp_factor=1.0,
        )
        return functional.pad(banks, (0, 1))

    def _jittered_banks(self) -> Tensor:
        """Reference: fmin + randint(0..9), fmax + 1000 - randint(0..1999)."""
        low = int(torch.randint(self.augment.fmin_jitter, (1,)))
        high = self.augment.fmax_jitter // 2 - int(torch.randint(self.augment.fmax_jitter, (1,)))
        banks = self._banks(self.config.fmin + low, self.config.fmax + high)
        return banks.to(self.hann.device)

    def _masked(self, log_mel: Tensor) -> Tensor:
        """Stripes are written as 0 before the normalisation, as upstream does."""
        stacked = log_mel.unsqueeze(1)  # (B, 1, bands, frames): one mask per clip
        return self.time_mask(self.freq_mask(stacked)).squeeze(1)
