"""`python -m tools.make_library.judge --model YAMNET.tflite --labels YAMNET.csv [--folder DIR]`.

Plays the library to two listeners. YAMNet has only ever heard real sound: it should have a clip's
class, or that class's parent or child in the AudioSet ontology, among the five best of its scores,
averaged over windows of 0.975 s. The bundled model must not take a class wholly for another.

YAMNet is run by ai-edge-litert, which the project does not need otherwise: ``pip install
ai-edge-litert`` beside the project's requirements, and bring YAMNet's ``.tflite`` (Google,
Apache-2.0) with its list of classes.
"""

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from passt_core.inference.predictor import Predictor
from passt_core.signal import audio
from tools.make_lessons.teacher import HOP, SAMPLE_RATE, WINDOW, Teacher

from .kin import kin

TOP = 5
ENOUGH = 0.6
ANSWERS = 4

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Heard:
    """What the two listeners made of one clip.

    Attributes:
        label: the class it belongs to.
        best: YAMNet's `TOP` classes, best first.
        bundled: the bundled model's first class.
        known: whether the bundled model has the clip's class at all.
    """

    label: str
    best: tuple[str, ...]
    bundled: str
    known: bool

    @property
    def right(self) -> bool:
        """Whether YAMNet names the class, or one next to it in the ontology."""
        return not kin(self.label).isdisjoint(self.best)


def mean_scores(teacher: Teacher, wave: Floats) -> Floats:
    """YAMNet's scores of a waveform (n,) at 16 kHz, averaged over its windows, (T,)."""
    starts = range(0, max(len(wave) - WINDOW, 0) + 1, HOP)
    windows = [wave[start : start + WINDOW] for start in starts]
    return np.mean([teacher(window)[0] for window in windows], axis=0, dtype=np.float32)


def best_of(labels: Sequence[str], scores: Floats, count: int) -> tuple[str, ...]:
    """Names of the `count` highest scores, highest first."""
    return tuple(labels[k] for k in np.argsort(scores)[::-1][:count])


def listen(folder: Path, teacher: Teacher, predictor: Predictor) -> Iterator[Heard]:
    """Play each clip of a folder with a `library.csv` to both."""
    with (folder / "library.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        wave = audio.load(folder / row["file"], sample_rate=predictor.sample_rate)
        slow = soxr.resample(wave, predictor.sample_rate, SAMPLE_RATE)
        scores = predictor.analyze(wave, predictor.sample_rate).probabilities
        yield Heard(
            label=row["label"],
            best=best_of(teacher.labels, mean_scores(teacher, slow), TOP),
            bundled=best_of(predictor.labels, scores, 1)[0],
            known=row["label"] in predictor.labels,
        )


def _often(names: Sequence[str], count: int) -> str:
    """The most frequent names with how often each is there."""
    return ", ".join(f"{name} {times}" for name, times in Counter(names).most_common(count))


def table(heard: Sequence[Heard]) -> Iterator[str]:
    """Markdown: a row per class, then how many classes reach `ENOUGH`."""
    yield "| class | clips | YAMNet: kin in top 5 | its answers | bundled: first | its answer |"
    yield "|---|---|---|---|---|---|"
    passed = total = 0
    for label, group in groupby(sorted(heard, key=lambda one: one.label), lambda one: one.label):
        clips = list(group)
        share = float(np.mean([one.right for one in clips]))
        first = float(np.mean([one.bundled == label for one in clips]))
        answers = _often([name for one in clips for name in one.best[:2]], ANSWERS)
        taken = _often([one.bundled for one in clips], 1)
        own = f"{first:.0%}" if clips[0].known else "not its class"
        yield f"| {label} | {len(clips)} | {share:.0%} | {answers} | {own} | {taken} |"
        passed, total = passed + (share >= ENOUGH), total + 1
    clips_right = float(np.mean([one.right for one in heard]))
    yield ""
    yield (
        f"{passed} of {total} classes have {ENOUGH:.0%} of their clips or more among YAMNet's "
        f"top {TOP}; {clips_right:.1%} of all {len(heard)} clips do."
    )


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line of the tool."""
    parser = argparse.ArgumentParser(prog="python -m tools.make_library.judge", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="YAMNet's .tflite")
    parser.add_argument("--labels", type=Path, required=True, help="CSV with display_name")
    parser.add_argument("--folder", type=Path, default=Path("assets/library"))
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    options = parse(arguments)
    teacher = Teacher(options.model, options.labels)
    heard = list(listen(options.folder, teacher, Predictor.from_checkpoint()))
    for line in table(heard):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
