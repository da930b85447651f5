"""What each way to make a trained network cheaper costs in quality, and what it saves in time.

``python -m benchmarks.pareto [--dataset DIR --model FILE:FOLDS ... --write docs]``

Nothing is trained here. Quality is that of the clips of the folds that a model has not heard, as
``python -m passt_core evaluate`` scores them, mean over the folds; a model without folds is judged
on all clips, and the table says that it may have heard them. What pruning and dropping weigh is
measured on the other folds, never on those that are judged. Several models (each with folds of its
own) are one column: of one recipe, trained without these folds. Time is the processor's for a 10 s
clip from samples to answer, mel included, on one thread, all ways in turn in one run, as a share of
the full network's: what the clock on the wall says hangs on what else the machine does.
``--tuned NAME=FILE,FILE`` adds networks that were pruned and trained on, one for each model.
Without a dataset there are only times. ``--write`` puts table, figures and picture into a folder.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks._frontier import Row, show_rows, write
from benchmarks._options import FULL, Material, Option, named, options, tuned
from benchmarks._passt_s import passt_s
from benchmarks._quality import Study, Worth, of_studies, read_sounds
from passt_core.inference.predictor import Predictor
from passt_core.lab.datasets import Dataset, join, load_dataset
from passt_core.network import checkpoints
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.registry import BUNDLED, BUNDLED_FILE

RATE = 32_000
SECONDS = 10.0
LARGE_ONLY = (
    FULL,
    *("columns, keep 0.5", "patches, keep 0.25"),
    *("merging, keep 0.5", "merging, keep 0.25", "merging, keep 0.25, decreasing"),
    *("10 of 12 blocks", "67% of the heads, 50% of the MLP", "stride 16 x 16"),
)
"""Of PaSST-S with random weights, whose quality is none."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """A checkpoint and the folds that it has not heard; none: it is judged on all clips."""

    checkpoint: Checkpoint
    folds: tuple[int, ...]

    @classmethod
    def of(cls, told: str) -> Model:
        """From ``NAME`` or ``NAME:1,3``."""
        name, _, folds = told.partition(":")
        unheard = tuple(int(fold) for fold in folds.split(",") if fold)
        return cls(checkpoint=checkpoints.load(name), folds=unheard)

    def study(self, dataset: Dataset, keep: Path | None = None) -> Study:
        """What is judged, and beside it parts that were weighed on the other clips."""
        folds = self.folds or dataset.folds
        others = dataset
        for fold in self.folds:
            others = others.without(fold)
        judged = tuple(dataset.only(fold) for fold in folds) or (dataset,)
        return Study(material=Material.kept(self.checkpoint, others, keep), folds=judged)


# --- time ------------------------------------------------------------------------------------


@contextmanager
def one_thread() -> Iterator[None]:
    """Leave the other cores to others; what is spent is then all in this thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def seconds(material: Material, listed: Sequence[Option], runs: int) -> list[float]:
    """Median seconds of the processor for a 10 s clip, one for each way; they take turns."""
    sound = 0.1 * np.random.default_rng(0).standard_normal(round(SECONDS * RATE))
    clip = sound.astype(np.float32)

    def once(option: Option, predictor: Predictor) -> float:
        config = predictor.checkpoint.config
        spec = option.spec((config.rows, config.columns(1000)))
        begin = time.thread_time()
        predictor.analyze(clip, RATE, spec)
        return time.thread_time() - begin

    pairs = [(option, option.predictor(material)) for option in listed]
    with one_thread():
        times = [[once(*pair) for pair in pairs] for _ in range(runs + 1)]
    return [statistics.median(column) for column in zip(*times[1:], strict=True)]  # one warms up


def timed(
    material: Material, listed: Sequence[Option], runs: int, worths: Sequence[Worth | None]
) -> list[Row]:
    spent, full = seconds(material, listed, runs), listed[0].flops(material)
    return [
        Row(
            number=number,
            family=option.family,
            name=option.name,
            flops=option.flops(material) / full,
            time=one / spent[0],
            worth=worth,
        )
        for number, (option, one, worth) in enumerate(zip(listed, spent, worths, strict=True))
    ]


def tuned_ways(told: Sequence[str], models: Sequence[Model]) -> Iterator[Option]:
    """Ways from ``NAME=FILE,FILE``, one file for each model, in their order."""
    for entry in told:
        name, _, files = entry.partition("=")
        paths = files.split(",")
        if len(paths) != len(models):
            sys.exit(f"--tuned {name} has {len(paths)} files; give one for each of {len(models)}")
        networks = [checkpoints.load(path).network for path in paths]
        digests = [model.checkpoint.sha256 for model in models]
        yield tuned(name, dict(zip(digests, networks, strict=True)))


# --- the command -----------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    found.add_argument("--dataset", type=Path, help="labelled clips; without it, only times")
    found.add_argument(
        "--model", action="append", default=[], metavar="FILE[:FOLDS]", help=f"default: {BUNDLED}"
    )
    found.add_argument("--only", action="append", default=[], metavar="NAME", help="beside full")
    found.add_argument("--tuned", action="append", default=[], metavar="NAME=FILE,...")
    found.add_argument("--runs", type=int, default=15, help="of the clock")
    found.add_argument("--no-large", action="store_true", help="leave PaSST-S out")
    found.add_argument("--keep", type=Path, help="folder of answers, which are not asked for again")
    found.add_argument("--write", type=Path, help="folder of efficiency.md, .json and pareto.svg")
    return found


def about(models: Sequence[Model], dataset: Dataset) -> str:
    """Which clips each model is judged on, and whether it has heard them."""
    lines = []
    for model in models:
        name = model.checkpoint.name
        if model.folds:
            clips = sum(len(dataset.only(fold)) for fold in model.folds)
            folds = ", ".join(map(str, model.folds))
            lines.append(f"{name}: {clips} clips of folds {folds}, given as unheard in training")
        else:
            lines.append(
                f"{name}: all {len(dataset)} clips; no unheard folds were given: it MAY HAVE HEARD "
                "THEM IN TRAINING, and its figures may be too good"
            )
    return "\n".join(lines)


def quality(
    chosen: argparse.Namespace, models: Sequence[Model], listed: Sequence[Option]
) -> list[Worth | None]:
    """What each way is worth; None for all without a dataset."""
    if chosen.dataset is None:
        print("No dataset was given: times without quality.")
        return [None] * len(listed)
    dataset = load_dataset(chosen.dataset)
    print(about(models, dataset))
    with one_thread():
        studies = [model.study(dataset, chosen.keep) for model in models]
        judged = join([fold for study in studies for fold in study.folds])
        sounds = read_sounds(judged, RATE)
        return [*of_studies(studies, listed, sounds, chosen.keep)]


def main(arguments: list[str] | None = None) -> None:
    chosen = parser().parse_args(arguments)
    if not chosen.model and not BUNDLED_FILE.is_file():
        sys.exit("The bundled checkpoint is not there; give one with --model.")
    models = [Model.of(told) for told in chosen.model or [BUNDLED]]
    first = Material.unmeasured(models[0].checkpoint)
    listed = (*options(first), *tuned_ways(chosen.tuned, models))
    if chosen.only:
        unknown = set(chosen.only) - {option.name for option in listed}
        if unknown:
            sys.exit(f"no such way: {', '.join(sorted(unknown))}; there are "
                     f"{'; '.join(option.name for option in listed)}")  # fmt: skip
        listed = named(listed, [FULL, *chosen.only])
    worths = quality(chosen, models, listed)
    found = timed(first, listed, chosen.runs, worths)
    print(
        f"processor time of 10 s on one thread, medians of {chosen.runs}, all in turn", flush=True
    )
    show_rows(found)
    big: list[Row] = []
    if not chosen.no_large:
        material = Material.unmeasured(passt_s())
        ways = named(options(material), LARGE_ONLY)
        big = timed(material, ways, max(1, chosen.runs // 5), [None] * len(ways))
        print("\nPaSST-S, stride 10 x 10, random weights:")
        show_rows(big)
    if chosen.write:
        write(chosen.write, found, big)


if __name__ == "__main__":
    main()
