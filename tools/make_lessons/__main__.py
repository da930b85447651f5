"""`python -m tools.make_lessons SOUNDS.csv --model YAMNET.tflite --labels LABELS.csv --out DIR`.

Cuts stretches out of the sounds, mixes and alters them, asks the teacher about each just as the
student will hear it, and writes a folder that ``python -m passt_core distill`` learns from. The
list of sounds has the columns file, label, fold (0: never held out) and weight; ``--classes`` is a
JSON that maps each class to the teacher's classes that it stands for.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from tqdm import tqdm

from passt_core.files import atomic_folder
from passt_core.lab.lessons import INDEX
from passt_core.signal.audio import SAMPLE_RATE
from passt_core.signal.mel import (
    LOG_OFFSET,
    NORM_SCALE,
    NORM_SHIFT,
    MelConfig,
    MelSpectrogram,
)

from . import sounds, stretch, targets, teacher

LENGTHS = MappingProxyType({1.5: 0.2, 3.0: 0.55, 5.0: 0.25})
MIX_RATE, MIX_DB = 0.38, (-3.0, 18.0)
NOISE_RATE, NOISE_DB = 0.15, (5.0, 35.0)
GAIN_RATE, GAIN_DB = 0.7, (-30.0, 3.0)
PEAK, CLIP = 0.7, 1.2
PADDED_FRAMES, AFTER_RATE = (501, 801), 0.6
SILENCE = (math.log(LOG_OFFSET) + NORM_SHIFT) / NORM_SCALE
_WIDEST = 8.0
_SPREAD = 0.02

Lesson = dict[str, NDArray[Any]]


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line of the tool."""
    parser = argparse.ArgumentParser(prog="python -m tools.make_lessons", description=__doc__)
    parser.add_argument("sounds", type=Path, help="CSV: file, label, fold, weight")
    parser.add_argument("--classes", type=Path, required=True, help="JSON: class -> teacher's")
    parser.add_argument("--exclusive", type=Path, help="JSON: classes of which a clip has one")
    parser.add_argument("--model", type=Path, required=True, help="the teacher's .tflite")
    parser.add_argument("--labels", type=Path, required=True, help="its classes, a CSV")
    parser.add_argument("--out", type=Path, required=True, help="folder to make")
    parser.add_argument("--count", type=int, default=28_000)
    parser.add_argument(
        "--silence", type=float, default=0.0, help="share of lessons set into digital silence"
    )
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def mixture(
    found: list[sounds.Source],
    chances: NDArray[np.float64],
    samples: int,
    rng: np.random.Generator,
) -> tuple[stretch.Wave, int, int, float]:
    """A stretch of one sound, perhaps over another and over noise.

    Returns:
        (wave, first, second, under): its sounds, second -1 if there is none, and how many decibels
        the second lies under the first.
    """
    first, second, under = int(rng.choice(len(found), p=chances)), -1, 0.0
    wave = stretch.altered(stretch.cut(found[first].waveform, samples, rng), rng)
    if rng.random() < MIX_RATE:
        second, under = int(rng.choice(len(found), p=chances)), rng.uniform(*MIX_DB)
        other = stretch.altered(stretch.cut(found[second].waveform, samples, rng), rng)
        wave = wave + _level(wave, other, under) * other
    if rng.random() < NOISE_RATE:
        hiss = stretch.noise(samples, rng)
        wave = wave + _level(wave, hiss, rng.uniform(*NOISE_DB)) * hiss
    return stretch.peaked(wave, PEAK), first, second, under


def _level(wave: stretch.Wave, other: stretch.Wave, under_db: float) -> float:
    return stretch.rms(wave) / stretch.rms(other) * float(10.0 ** (-under_db / 20.0))


def lessons(options: argparse.Namespace, found: list[sounds.Source]) -> Iterator[Lesson]:
    """Lesson after lesson: mel, targets, embeddings, sources."""
    rng, chances = np.random.default_rng(options.seed), sounds.chances(found)
    asked = teacher.Teacher(options.model, options.labels)
    members: dict[str, list[str]] = json.loads(options.classes.read_text(encoding="utf-8"))
    columns = [[asked.labels.index(name) for name in names] for names in members.values()]
    places = {label: column for column, label in enumerate(members)}
    alone = json.loads(options.exclusive.read_text()) if options.exclusive else []
    exclusive = [places[label] for label in alone]
    mel = MelSpectrogram(MelConfig()).eval()
    for _ in range(options.count):
        seconds = float(rng.choice(list(LENGTHS), p=list(LENGTHS.values())))
        wave, first, second, under = mixture(found, chances, int(seconds * SAMPLE_RATE) + 1, rng)
        heard = soxr.resample(wave, SAMPLE_RATE, teacher.SAMPLE_RATE, quality="LQ")
        scores, embedding = asked(heard)
        gain = 10.0 ** (rng.uniform(*GAIN_DB) / 20.0) if rng.random() < GAIN_RATE else 1.0
        with torch.inference_mode():
            loud = torch.from_numpy(np.clip(wave * gain, -CLIP, CLIP).astype(np.float32))
            spectrogram = mel(loud[None])[0].numpy()
        if rng.random() < options.silence:
            spectrogram = in_silence(spectrogram, rng)
        label, other = found[first].label, found[second].label if second >= 0 else None
        only = exclusive if label in alone else ()
        said = targets.gathered(scores, columns)
        yield {
            "mel": spectrogram.astype(np.float16),
            "targets": targets.target(said, places, label, other, under, only).astype(np.float16),
            "embeddings": np.log1p(embedding),
            "sources": np.array([first, second], np.int32),
        }


def in_silence(spectrogram: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """(bands, frames) with digital silence around it, mostly after it, as padded clips have it."""
    frames = spectrogram.shape[1]
    longer = next((length for length in PADDED_FRAMES if length > frames), frames)
    spare = longer - frames
    before = 0 if rng.random() < AFTER_RATE else int(rng.integers(0, spare + 1))
    edges = ((0, 0), (before, spare - before))
    return np.pad(spectrogram, edges, constant_values=SILENCE)


def write(folder: Path, made: list[Lesson], index: dict[str, Any]) -> None:
    """Write lessons, a file per length; embeddings standardised over all of them."""
    thought = np.stack([lesson["embeddings"] for lesson in made])
    mean, spread = thought.mean(axis=0), thought.std(axis=0) + _SPREAD
    shelves: dict[int, list[Lesson]] = defaultdict(list)
    for lesson in made:
        standard = ((lesson["embeddings"] - mean) / spread).clip(-_WIDEST, _WIDEST)
        lesson["embeddings"] = standard.astype(np.float16)
        shelves[lesson["mel"].shape[1]].append(lesson)
    with atomic_folder(folder) as temporary:
        for frames, shelf in shelves.items():
            stacked = {name: np.stack([one[name] for one in shelf]) for name in shelf[0]}
            tensors = {name: torch.from_numpy(rows) for name, rows in stacked.items()}
            save_file(tensors, temporary / f"{frames}.safetensors")
        (temporary / INDEX).write_text(json.dumps(index, ensure_ascii=False), encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Make a folder of lessons."""
    options = parse(arguments)
    found = sounds.read(options.sounds)
    made = list(tqdm(lessons(options, found), total=options.count, unit="lesson"))
    index = {
        "labels": list(json.loads(options.classes.read_text(encoding="utf-8"))),
        "sources": [{"file": source.file.name, "fold": source.fold} for source in found],
    }
    write(options.out, made, index)
    print(f"{len(made)} lessons of {len(found)} sounds in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
