"""What a network still knows, clip by clip, beside what it knew with nothing taken away."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks._options import Material, Option
from passt_core.files import atomic_path
from passt_core.inference.predictor import Predictor
from passt_core.lab import metrics
from passt_core.lab.bootstrap import intervals, mean
from passt_core.lab.datasets import Dataset
from passt_core.lab.measures import source_numbers
from passt_core.signal import audio as audio_io
from passt_core.signal.decoding import Waveform

Floats = NDArray[np.float64]
Sounds = dict[Path, Waveform]


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """A network, and the folds that it is judged on, each by itself."""

    material: Material
    folds: tuple[Dataset, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Heard:
    """Of the clips of one fold: what was right, what was found, and the embeddings.

    Attributes:
        right, right_all: (N,) 1 where the first choice among the dataset's classes is right, and
            among all the model's.
        first, precision: (N,) of the nearest neighbours in the fold (R@1 and AP@10).
        embeddings: (N, D).
        sources: of each clip.
    """

    right: Floats
    right_all: Floats
    first: Floats
    precision: Floats
    embeddings: Floats
    sources: tuple[str | None, ...]


@dataclass(frozen=True, kw_only=True)
class Worth:
    """Means over the folds.

    Attributes:
        accuracy, accuracy_all, recall_at_1, map_at_10: as ``evaluate`` has them.
        likeness: cosine of the embeddings to the full network's, mean over the clips.
        lost, won: clips that only the full network has right, and that it alone has wrong, among
            all the model's classes.
        low, high: 95 % interval of what accuracy among all classes changed, drawn by source.
        clips: how many there were.
    """

    accuracy: float
    accuracy_all: float
    recall_at_1: float
    map_at_10: float
    likeness: float
    lost: int
    won: int
    low: float
    high: float
    clips: int


def read_sounds(dataset: Dataset, rate: int) -> Sounds:
    return {clip.path: audio_io.load(clip.path, sample_rate=rate) for clip in dataset.clips}


def of_studies(
    studies: Sequence[Study], listed: Sequence[Option], sounds: Sounds, keep: Path | None
) -> Iterator[Worth]:
    """What each way is worth; the first is the full network, which all are set beside."""
    full: list[Heard] | None = None
    for option in listed:
        print(f"listening: {option.name}", file=sys.stderr)
        heard = [
            one for study in studies for one in of_study(study, option, sounds, keep)
        ]  # one a fold
        full = full or heard
        yield worth(heard, full)


def of_study(study: Study, option: Option, sounds: Sounds, keep: Path | None) -> Iterator[Heard]:
    predictor = option.predictor(study.material)
    for fold in study.folds:
        path = None if keep is None else keep / kept_name(predictor, option, fold)
        if path is not None and path.is_file():
            logits, embeddings = _kept(path)
        else:
            logits, embeddings = listen(predictor, option, fold, sounds)
            if path is not None:
                with atomic_path(path) as temporary, temporary.open("wb") as file:
                    np.savez(file, logits=logits, embeddings=embeddings)
        yield judged(predictor, fold, logits, embeddings)


def listen(
    predictor: Predictor, option: Option, fold: Dataset, sounds: Sounds
) -> tuple[Floats, Floats]:
    """Logits (N, M) and embeddings (N, D); what is drawn is drawn anew for each clip."""
    config, front_end = predictor.checkpoint.config, predictor.checkpoint.front_end
    logits, embeddings = [], []
    for seed, clip in enumerate(fold.clips):
        sound = sounds[clip.path]
        samples = min(max(len(sound), predictor.windowing.least), predictor.windowing.length)
        grid = (config.rows, config.columns(front_end.frames(samples)))
        found = predictor.analyze(sound, predictor.sample_rate, option.spec(grid), seed=seed)
        logits.append(found.logits)
        embeddings.append(found.embedding)
    return np.stack(logits).astype(np.float64), np.stack(embeddings).astype(np.float64)


def judged(predictor: Predictor, fold: Dataset, logits: Floats, embeddings: Floats) -> Heard:
    known = {label: place for place, label in enumerate(predictor.labels)}
    places = [known[label] for label in fold.labels]
    truth = np.zeros(logits.shape, bool)
    truth[:, places] = fold.truth
    neighbours = metrics.neighbour_scores(embeddings, fold.truth)
    return Heard(
        right=metrics.hits(fold.truth, logits[:, places]).astype(float),
        right_all=metrics.hits(truth, logits).astype(float),
        first=neighbours.first,
        precision=neighbours.precision,
        embeddings=embeddings,
        sources=tuple(clip.source for clip in fold.clips),
    )


def worth(heard: Sequence[Heard], full: Sequence[Heard]) -> Worth:
    change = np.concatenate([h.right_all - f.right_all for h, f in zip(heard, full, strict=True)])
    sources = [source for one in heard for source in one.sources]
    (interval,) = intervals([mean(change)], source_numbers(sources))
    likeness = [cosines(h.embeddings, f.embeddings) for h, f in zip(heard, full, strict=True)]
    return Worth(
        accuracy=over_folds([one.right for one in heard]),
        accuracy_all=over_folds([one.right_all for one in heard]),
        recall_at_1=over_folds([one.first for one in heard]),
        map_at_10=over_folds([one.precision for one in heard]),
        likeness=float(np.concatenate(likeness).mean()),
        lost=int((change < 0).sum()),
        won=int((change > 0).sum()),
        low=interval.low if interval else float("nan"),
        high=interval.high if interval else float("nan"),
        clips=len(change),
    )


def over_folds(values: Sequence[Floats]) -> float:
    return float(np.mean([np.nanmean(one) for one in values]))


def cosines(one: Floats, other: Floats) -> Floats:
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return (one * other).sum(axis=1) / np.maximum(lengths, 1e-12)


def kept_name(predictor: Predictor, option: Option, fold: Dataset) -> str:
    """Other weights, another way or other clips are another file."""
    config = predictor.checkpoint.config
    told = [option.name, asdict(config), [str(clip.path) for clip in fold.clips]]
    digest = hashlib.sha256(json.dumps(told).encode())
    for value in predictor.checkpoint.network.state_dict().values():
        digest.update(value.float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:20] + ".npz"


def _kept(path: Path) -> tuple[Floats, Floats]:
    with np.load(path, allow_pickle=False) as file:
        return file["logits"], file["embeddings"]
