"""Renders sources to Ogg Vorbis files with a catalogue; the same samples on each run."""

import csv
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile
from numpy.random import PCG64, Generator

from .dsp import SR, Signal, gain, samples
from .level import PEAK_DBFS, level
from .registry import SOURCES
from .scenes import SCENES
from .source import Source, seed_of

LICENCE = "CC0-1.0"
LIBRARY_FIELDS = ("id", "file", "label", "also", "family", "seed", "generator", "licence")
EXAMPLE_FIELDS = ("id", "file", "title", "labels", "licence")
LONGEST, LONGEST_WHOLE = 3.7, 5.0
"""Seconds of a clip, and of a scene, a phrase or a clip that comes again."""
FADE_OUT = 0.4
COMPRESSION = 0.65
"""libsndfile's 0 (best) to 1 (smallest); 0.65 is about 70 kbit/s for noise."""
LABEL_SEPARATOR = "|"
"""Between the labels of one clip; no AudioSet name holds it."""


def make_clip(
    generate: Callable[[Generator], Signal], seed: int, longest: float | None = None
) -> Signal:
    """One finished clip, levelled and faded, float64 (n,) at `SR` Hz.

    What lasts longer than `longest` s fades out there.
    """
    x = generate(Generator(PCG64(seed)))
    if longest is not None and len(x) > samples(longest):
        tail = samples(FADE_OUT)
        x = x[: samples(longest)].copy()
        x[-tail:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(tail) / tail)
    return level(x)


def _decoded(path: Path) -> Signal:
    """Samples of a file."""
    x, _ = soundfile.read(path, dtype="float64")
    return np.asarray(x, dtype=np.float64)


def _encoded(path: Path, x: Signal) -> Signal:
    """Write `x` to `path` as Vorbis and return what comes back."""
    soundfile.write(
        path,
        x.astype(np.float32),
        SR,
        format="OGG",
        subtype="VORBIS",
        compression_level=COMPRESSION,
    )
    return _decoded(path)


def write_clip(path: Path, x: Signal) -> None:
    """Write `x` atomically, lowered until no decoded sample is above the peak limit.

    A file that already holds the same samples stays as it is: the bytes of an Ogg stream differ
    from one encoding to the next by their serial number.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".ogg")
    os.close(handle)
    temporary = Path(name)
    try:
        while (top := float(np.max(np.abs(_encoded(temporary, x))))) > gain(PEAK_DBFS):
            x = x * (gain(PEAK_DBFS) / top * 0.99)
        if path.is_file() and np.array_equal(_decoded(temporary), _decoded(path)):
            return
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_table(path: Path, fields: tuple[str, ...], rows: list[dict[str, str]]) -> None:
    """Write a CSV atomically."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fields, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    temporary.replace(path)


def _library_row(source: Source, index: int) -> dict[str, str]:
    """Catalogue row of one library clip."""
    name = source.name(index)
    return {
        "id": name,
        "file": f"{name}.ogg",
        "label": source.label,
        "also": LABEL_SEPARATOR.join(source.also),
        "family": source.family,
        "seed": str(seed_of(source.slug, index)),
        "generator": source.generator,
        "licence": LICENCE,
    }


def library_rows() -> list[dict[str, str]]:
    """Catalogue of all of `SOURCES`."""
    return [_library_row(source, k) for source in SOURCES for k in range(1, source.count + 1)]


def _remove_stale(folder: Path, keep: set[str]) -> None:
    """Remove clips of an earlier registry."""
    for path in folder.glob("*.ogg"):
        if path.name not in keep:
            path.unlink()


def render_library(folder: Path) -> Iterator[str]:
    """Render all of `SOURCES` into `folder`, then the catalogue; yields each file name."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for source in SOURCES:
        for index in range(1, source.count + 1):
            row = _library_row(source, index)
            longest = LONGEST_WHOLE if source.also or not source.numbered else LONGEST
            clip = make_clip(source.generate, int(row["seed"]), longest)
            write_clip(folder / row["file"], clip)
            rows.append(row)
            yield row["file"]
    write_table(folder / "library.csv", LIBRARY_FIELDS, rows)
    _remove_stale(folder, {row["file"] for row in rows})


def render_examples(folder: Path) -> Iterator[str]:
    """Render all of `SCENES` into `folder`, then the catalogue; yields each file name."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for scene in SCENES:
        file = f"{scene.slug}.ogg"
        write_clip(folder / file, make_clip(scene.generate, seed_of(scene.slug, scene.take)))
        labels = LABEL_SEPARATOR.join(scene.labels)
        values = (scene.slug, file, scene.title, labels, LICENCE)
        rows.append(dict(zip(EXAMPLE_FIELDS, values, strict=True)))
        yield file
    write_table(folder / "examples.csv", EXAMPLE_FIELDS, rows)
    _remove_stale(folder, {row["file"] for row in rows})
