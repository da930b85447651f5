"""Sounds and networks that tests share: small, seeded, made on the spot."""

from __future__ import annotations

import os
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray

from passt_core.network import checkpoints, labels
from passt_core.network.model import Passt, PasstConfig
from passt_core.signal.mel import MelConfig

RATE = 32_000
TINY = PasstConfig(dim=32, depth=2, heads=2, stride_freq=16, stride_time=16, classes=7)
"""The network of ``tiny_checkpoint``: 8 x 62 patches, 10 s, milliseconds a clip."""


def tone(
    seconds: float, *, hz: float = 1000.0, rate: int = RATE, amplitude: float = 0.5
) -> NDArray[np.float32]:
    """A sine, (samples,)."""
    time = np.arange(round(seconds * rate)) / rate
    return (amplitude * np.sin(2 * np.pi * hz * time)).astype(np.float32)


def noise(seconds: float, *, rate: int = RATE, seed: int = 0) -> NDArray[np.float32]:
    """Band-limited noise with a slow swell, (samples,): no two stretches of it are alike."""
    count = round(seconds * rate)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    hz = np.fft.rfftfreq(count, 1 / rate)
    spectrum[(hz < 50) | (hz > 0.3 * rate)] = 0
    smooth = np.fft.irfft(spectrum, count)
    swell = 1 + 0.5 * np.sin(2 * np.pi * 0.3 * np.arange(count) / rate)
    return (0.1 * smooth / smooth.std() * swell).astype(np.float32)


def write(path: Path, audio: NDArray[np.floating], rate: int = RATE, **options: str) -> Path:
    """Write a sound as its name says, and return the path."""
    soundfile.write(path, audio, rate, **options)
    return path


def encode(path: Path, samples: NDArray[np.float32], rate: int, codec: str, **options: str) -> Path:
    """Write with FFmpeg what libsndfile cannot write; in an mp4, a small picture goes with it."""
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        picture = container.add_stream("mpeg4", rate=5) if path.suffix == ".mp4" else None
        if picture:
            picture.width, picture.height, picture.pix_fmt = 32, 32, "yuv420p"
            for _ in range(5):
                frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")
                container.mux(picture.encode(frame))
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = rate, 0
        size = stream.codec_context.frame_size or 4096
        resampler = av.AudioResampler(stream.format, "mono", rate, frame_size=size)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(part))
        for encoder in filter(None, (stream, picture)):
            container.mux(encoder.encode(None))
    return path


def cut_while_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a file lose its second half once the first block of it was read."""
    read = soundfile.SoundFile.read

    def cuts(file: soundfile.SoundFile, *args: object, **options: object) -> NDArray[np.float32]:
        block = read(file, *args, **options)
        if file.name == str(path) and path.stat().st_size == whole:
            os.truncate(path, whole // 2)
        return block

    whole = path.stat().st_size
    monkeypatch.setattr(soundfile.SoundFile, "read", cuts)


def randomised(config: PasstConfig, seed: int = 0) -> Passt:
    """A network all of whose weights matter: no zero head, no bias of 0, no scale of 1."""
    network = Passt(config).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in network.named_parameters():
        of_norm = parameter.dim() == 1 and name.endswith("weight")
        draw = torch.randn(parameter.shape, generator=generator)
        spread = parameter.shape[-1] ** -0.5 if parameter.dim() == 2 else 0.1
        parameter.copy_(of_norm + spread * draw)
    return network


def save_network(path: Path, network: Passt, **changes: object) -> Path:
    """Save as our own safetensors file, float32, with AudioSet names for its classes."""
    about = {
        "front_end": MelConfig(),
        "labels": labels.label_set("audioset")[: network.config.classes],
        "activation": "sigmoid",
        "card": {"title": "tiny", "trained_on": "nothing", "score": "none"},
        "dtype": torch.float32,
    }
    checkpoints.save(path, network, **(about | changes))
    return path
