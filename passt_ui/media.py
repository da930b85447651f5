"""Small pictures and sounds that travel inside the page, as data URIs."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import plotly.colors
import soundfile
from numpy.typing import NDArray
from PIL import Image

from passt_core.errors import PasstError
from passt_core.inference.predictor import Predictor
from passt_core.signal import audio
from passt_core.signal.decoding import Waveform
from passt_ui import palette
from passt_ui.figures import decibels

THUMBNAIL_SIZE = (160, 64)
THUMBNAIL_SECONDS = 10.0


def sound_uri(samples: Waveform, sample_rate: int) -> str:
    """Samples → an MP3 as a data URI."""
    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(samples, -1.0, 1.0), sample_rate, format="MP3")
    return _data_uri("audio/mpeg", buffer.getvalue())


def thumbnail(predictor: Predictor, path: Path) -> str:
    """The spectrogram of a sound's first ten seconds as a small PNG; empty if it is unreadable."""
    try:
        samples = audio.load(path, duration_s=THUMBNAIL_SECONDS, sample_rate=predictor.sample_rate)
        return spectrum_uri(predictor.spectrogram(samples))
    except PasstError:
        return ""


def spectrum_uri(mel: NDArray[np.float32]) -> str:
    """Normalised log-mel (bands, frames) → a small PNG as a data URI, low frequencies below."""
    level = decibels(mel[::-1]).astype(np.float32)
    span = palette.DB_CEILING - palette.DB_FLOOR
    index = np.clip(255 * (level - palette.DB_FLOOR) / span, 0, 255).astype(np.uint8)
    image = Image.fromarray(_colour_table()[index], mode="RGB")
    buffer = io.BytesIO()
    image.resize(THUMBNAIL_SIZE, Image.Resampling.BILINEAR).save(buffer, "PNG", optimize=True)
    return _data_uri("image/png", buffer.getvalue())


def _colour_table() -> NDArray[np.uint8]:
    """256 colours of the spectrograms' map, (256, 3)."""
    stops = plotly.colors.get_colorscale(palette.SPECTRUM)
    where = np.array([stop for stop, _ in stops])
    rgb = np.array([plotly.colors.hex_to_rgb(colour) for _, colour in stops])
    at = np.linspace(0.0, 1.0, 256)
    return np.stack([np.interp(at, where, rgb[:, c]) for c in range(3)], axis=1).astype(np.uint8)


def _data_uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
