"""Verifies what is shipped: files against catalogue, format, length, level, clicks, sizes."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from scipy import ndimage

from .dsp import SR, Signal, gain, samples
from .level import PEAK_DBFS, loudness
from .render import EXAMPLE_FIELDS, LABEL_SEPARATOR, LIBRARY_FIELDS, LICENCE, library_rows
from .scenes import SCENES

LIBRARY_SECONDS = (2.0, 6.1)
EXAMPLE_SECONDS = (4.0, 10.1)
LIBRARY_BYTES = 14_000_000
EXAMPLE_BYTES = 1_200_000
LOUDNESS_LUFS = (-38.0, -21.0)
LONGEST_SILENCE = 3.0
SILENCE_DBFS = -75.0
DC_LIMIT = 1e-3
EDGE_LIMIT = 0.02
CLIPPED_RUN = 4


def silence(x: Signal) -> float:
    """Longest stretch below `SILENCE_DBFS` in s, by 20 ms maxima."""
    size = samples(0.02)
    frames = np.abs(x[: len(x) // size * size]).reshape(-1, size).max(axis=1) < gain(SILENCE_DBFS)
    runs, count = ndimage.label(frames)
    longest = max((int(np.sum(runs == k)) for k in range(1, count + 1)), default=0)
    return longest * size / SR


def clipped(x: Signal) -> int:
    """Longest run of samples that all stand at the clip's peak."""
    top = float(np.max(np.abs(x), initial=0.0))
    runs, count = ndimage.label(np.abs(x) > top * 0.9999)
    return int(np.max(np.bincount(runs.ravel())[1:], initial=0)) if count else 0


def signal_faults(x: Signal, seconds: tuple[float, float]) -> Iterator[str]:
    """What is wrong with the samples of one clip."""
    length, top, lufs = len(x) / SR, float(np.max(np.abs(x), initial=0.0)), loudness(x)
    if not np.all(np.isfinite(x)):
        yield "holds values that are not finite"
    if not seconds[0] <= length <= seconds[1]:
        yield f"lasts {length:.2f} s, must be {seconds[0]} to {seconds[1]} s"
    if top > gain(PEAK_DBFS):
        yield f"peaks at {20 * np.log10(top):.2f} dBFS, limit {PEAK_DBFS} dBFS"
    if not LOUDNESS_LUFS[0] <= lufs <= LOUDNESS_LUFS[1]:
        yield f"has {lufs:.1f} LUFS, must be {LOUDNESS_LUFS[0]} to {LOUDNESS_LUFS[1]}"
    if clipped(x) >= CLIPPED_RUN:
        yield f"is clipped: {clipped(x)} samples in a row at its peak"
    if silence(x) > LONGEST_SILENCE:
        yield f"is silent for {silence(x):.1f} s"
    if abs(float(np.mean(x))) > DC_LIMIT:
        yield f"has a DC offset of {np.mean(x):.4f}"
    if max(abs(x[0]), abs(x[-1])) > EDGE_LIMIT:
        yield "clicks at an end: the first or the last sample is not near zero"


def file_faults(path: Path, seconds: tuple[float, float]) -> Iterator[str]:
    """What is wrong with one file."""
    info = soundfile.info(path)
    form = (info.format, info.subtype, info.samplerate, info.channels)
    if form != ("OGG", "VORBIS", SR, 1):
        yield f"{path.name}: is {form}, must be mono Ogg Vorbis at {SR} Hz"
        return
    x, _ = soundfile.read(path, dtype="float64")
    for fault in signal_faults(np.asarray(x, dtype=np.float64), seconds):
        yield f"{path.name}: {fault}"


def read_table(path: Path) -> tuple[tuple[str, ...], list[dict[str, str]]]:
    """Field names and rows of a CSV."""
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
        return tuple(reader.fieldnames or ()), rows


def folder_faults(
    folder: Path, table: str, fields: tuple[str, ...], seconds: tuple[float, float], limit: int
) -> Iterator[str]:
    """What is wrong with a folder of clips and its catalogue."""
    if not (folder / table).is_file():
        yield f"{folder / table}: missing; run python -m tools.make_library"
        return
    found, rows = read_table(folder / table)
    if found != fields:
        yield f"{table}: has columns {found}, must have {fields}"
        return
    listed, present = {row["file"] for row in rows}, {path.name for path in folder.glob("*.ogg")}
    yield from (f"{name}: in {table}, not in the folder" for name in sorted(listed - present))
    yield from (f"{name}: in the folder, not in {table}" for name in sorted(present - listed))
    yield from (
        f"{row['id']}: licence {row['licence']!r}" for row in rows if row["licence"] != LICENCE
    )
    size = sum(path.stat().st_size for path in folder.glob("*.ogg"))
    if size > limit:
        yield f"{folder}: {size} bytes of audio, limit {limit}"
    for name in sorted(listed & present):
        yield from file_faults(folder / name, seconds)


def library_faults(folder: Path) -> Iterator[str]:
    """What is wrong with the library."""
    yield from folder_faults(folder, "library.csv", LIBRARY_FIELDS, LIBRARY_SECONDS, LIBRARY_BYTES)
    if not (folder / "library.csv").is_file():
        return
    wanted = {row["id"]: row for row in library_rows()}
    found = {row["id"]: row for row in read_table(folder / "library.csv")[1]}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            yield f"{name}: catalogue has {found.get(name)}, the registry {wanted.get(name)}"


def example_faults(folder: Path) -> Iterator[str]:
    """What is wrong with the examples."""
    yield from folder_faults(folder, "examples.csv", EXAMPLE_FIELDS, EXAMPLE_SECONDS, EXAMPLE_BYTES)
    if not (folder / "examples.csv").is_file():
        return
    rows = read_table(folder / "examples.csv")[1]
    found = {row["id"]: (row["title"], row["labels"]) for row in rows}
    wanted = {scene.slug: (scene.title, LABEL_SEPARATOR.join(scene.labels)) for scene in SCENES}
    if found != wanted:
        yield "examples.csv: differs from the scenes; run python -m tools.make_library"
