"""Listening along a long sound: its time against the sound's own, its memory against the aim.

``python -m benchmarks.timeline [--minutes 60]``

The sound is 48 kHz stereo: bursts of noise and pauses, written once. Memory is the most that the
process ever held, torch and the model in it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
import torch

from benchmarks._table import show_cells
from benchmarks.training import peak
from passt_core import Predictor
from passt_core.inference.events import EventRule, find_events
from passt_core.inference.timeline import listen

RATE, CHANNELS = 48_000, 2
BURST_S = 10
AIM_BYTES = 1_000_000_000


def write_sound(path: Path, minutes: float) -> Path:
    """Bursts and pauses in turn, as a WAV of 16 bits."""
    draw = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", RATE, CHANNELS, "PCM_16") as file:
        for burst in range(round(60 * minutes / BURST_S)):
            loudness = 0.1 if burst % 2 else 0.001
            file.write(loudness * draw.standard_normal((BURST_S * RATE, CHANNELS)))
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.timeline")
    parser.add_argument("--minutes", type=float, default=60.0)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        path = write_sound(Path(folder) / "long.wav", asked.minutes)
        began = time.perf_counter()
        [timeline] = deque(listen(Predictor.from_checkpoint(device="cpu"), path), maxlen=1)
        took = time.perf_counter() - began
        began = time.perf_counter()
        events = find_events(timeline, EventRule())
        found_s = time.perf_counter() - began
    held = peak(torch.device("cpu"))
    length = timeline.duration_s
    print(f"{len(timeline.starts)} windows, {len(events)} events")
    rows = (
        ("listening", f"{took:.1f} s", "the sound", f"{length:.0f} s", took / length, ""),
        ("finding events", f"{found_s:.3f} s", "listening", f"{took:.1f} s", found_s / took, ""),
        (
            "memory of the process",
            f"{held / 1e6:.0f} MB",
            "the aim for an hour",
            f"{AIM_BYTES / 1e6:.0f} MB",
            held / AIM_BYTES,
            f"<= 1 {'ok' if held <= AIM_BYTES else 'MISSED'}",
        ),
    )
    show_cells(
        ("what", "is", "against", "is", "ratio", "aim"),
        [(*row[:4], f"{row[4]:.4f}", row[5]) for row in rows],
    )


if __name__ == "__main__":
    main()
