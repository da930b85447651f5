"""What training does to sounds so that a network learns the sound and not the recording.

Waveform augmentations take (B, samples) at 32 kHz; mixup takes spectrograms. Every draw comes from
the generator that is handed in. Ranges are those of the reference recipe unless said otherwise.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_TRIES = 4
_LIVELY = 0.25
_SILENCE = 1e-12
"""Least power that a sound is scaled up from."""


def uniform(low: float, high: float, generator: torch.Generator) -> float:
    """One number from [low, high)."""
    return low + (high - low) * float(torch.rand((), generator=generator))


def fit(audio: Tensor, samples: int, generator: torch.Generator) -> Tensor:
    """Cut or fill one clip (n,) to ``samples``.

    A longer clip gives a random stretch, preferably not a silent one: a crop of the padding at a
    recording's end would carry the label and none of the sound. A shorter one is placed at random
    in silence or, half of the time, repeated.
    """
    if len(audio) >= samples:
        start = lively_start(audio, samples, generator)
        return audio[start : start + samples]
    if torch.rand((), generator=generator) < 0.5:
        return audio.repeat(-(-samples // len(audio)))[:samples]
    before = int(torch.randint(samples - len(audio) + 1, (1,), generator=generator))
    return functional.pad(audio, (before, samples - len(audio) - before))


def lively_start(audio: Tensor, samples: int, generator: torch.Generator) -> int:
    """Where the first of a few random crops begins that is at most 6 dB quieter than the clip."""
    level = float(audio.square().mean())
    start = 0
    for _ in range(_TRIES):
        start = int(torch.randint(len(audio) - samples + 1, (1,), generator=generator))
        if float(audio[start : start + samples].square().mean()) >= _LIVELY * level:
            break
    return start


def change_speed(audio: Tensor, samples: int) -> Tensor:
    """Play (n,) in ``samples`` samples: faster and higher, or slower and lower, as a tape does."""
    if len(audio) == samples:
        return audio
    return functional.interpolate(audio.view(1, 1, -1), size=samples, mode="linear").view(-1)


def gain(audio: Tensor, low_db: float, high_db: float, generator: torch.Generator) -> Tensor:
    """Change each clip's level by a number of decibels drawn from [low_db, high_db]."""
    db = low_db + (high_db - low_db) * torch.rand(len(audio), 1, generator=generator)
    return audio * 10.0 ** (db / 20.0)


def roll(audio: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Turn each clip round by up to ``most`` samples either way; what falls off comes back."""
    shifts = torch.randint(-most, most + 1, (len(audio),), generator=generator)
    return torch.stack([clip.roll(int(shift)) for clip, shift in zip(audio, shifts, strict=True)])


def add_noise(
    audio: Tensor, rate: float, lowest_snr_db: float, generator: torch.Generator
) -> Tensor:
    """Lay coloured noise under a share ``rate`` of the clips.

    Its power falls as 1/f^a, a from 0 (white) to 2 (brown); its level lies between
    ``lowest_snr_db`` and 40 dB below the clip's.
    """
    chosen = torch.rand(len(audio), generator=generator) < rate
    if not chosen.any():
        return audio
    loud = audio[chosen]
    noise = coloured_noise(loud.shape, generator)
    snr = lowest_snr_db + (40.0 - lowest_snr_db) * torch.rand(len(loud), 1, generator=generator)
    power = loud.square().mean(dim=1, keepdim=True)
    noisy = audio.clone()
    noisy[chosen] = loud + noise * (power * 10.0 ** (-snr / 10.0)).sqrt()
    return noisy


def coloured_noise(shape: tuple[int, ...] | torch.Size, generator: torch.Generator) -> Tensor:
    """Noise (B, n) of unit power per row whose spectrum falls as 1/f^a, a from U(0, 2)."""
    clips, samples = shape
    bins = samples // 2 + 1
    phases = torch.view_as_complex(torch.randn(clips, bins, 2, generator=generator))
    slope = torch.rand(clips, 1, generator=generator)
    envelope = torch.arange(1, bins + 1, dtype=torch.float32).pow(-slope)  # (B, bins)
    noise = torch.fft.irfft(phases * envelope, n=samples)
    return noise / noise.square().mean(dim=1, keepdim=True).sqrt()


def lay_under(
    audio: Tensor, under: Tensor, low_db: float, high_db: float, generator: torch.Generator
) -> Tensor:
    """Lay sounds (B, samples) under others (B, samples).

    Each is brought to a power that lies ``low_db`` to ``high_db`` below its clip's, drawn per clip;
    silence stays silence.
    """
    snr = low_db + (high_db - low_db) * torch.rand(len(audio), 1, generator=generator)
    return lay_over(audio, under, 10.0 ** (-snr / 20.0))


def lay_over(audio: Tensor, other: Tensor, share: Tensor) -> Tensor:
    """Add sounds (B, samples) to others, brought to ``share`` (B, 1) of their amplitudes."""
    own, power = (part.square().mean(dim=1, keepdim=True) for part in (audio, other))
    return audio + other * share * (own / power.clamp_min(_SILENCE)).sqrt()


def mixup_weights(clips: int, alpha: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw partners and weights for mixup.

    Returns:
        (partners, weights), both (B,): the weight of the clip itself is
        max(λ, 1 - λ), λ from Beta(alpha, alpha), as in the reference.
    """
    partners = torch.randperm(clips, generator=generator)
    pair = torch._standard_gamma(torch.full((clips, 2), alpha), generator=generator)
    share = pair[:, 0] / pair.sum(dim=1).clamp_min(torch.finfo(pair.dtype).tiny)
    return partners, torch.maximum(share, 1.0 - share)


def mix(values: Tensor, partners: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean of each row of (B, …) with its partner's: spectrograms, sounds or targets."""
    own = weights.view(-1, *[1] * (values.dim() - 1)).to(values.device)
    return own * values + (1.0 - own) * values[partners.to(values.device)]
