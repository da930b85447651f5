"""Distillation: a network learns to say what a teacher said of the same sounds.

The teacher is not part of this package. What it said is a file, an ``.npz`` of plain arrays:

========== =================== =====================================================
``labels``  (C,) strings        the teacher's classes
``files``   (N,) strings        sound files, relative to the file's folder or absolute
``frames``  (N,) integers       how many frames each file has
``scores``  (sum of frames, C)  probabilities, 0 to 1, the files one after the other
``window_s``, ``hop_s``         length of a frame, and from one to the next, in seconds
========== =================== =====================================================
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from passt_core.errors import TrainingError
from passt_core.inference.windows import Windowing
from passt_core.lab import augment
from passt_core.lab.batches import Batches, Sounds, decode
from passt_core.lab.config import TrainConfig
from passt_core.lab.train import Progress, Trained, Training, beginning
from passt_core.network.checkpoints import Checkpoint
from passt_core.signal.audio import SAMPLE_RATE

ARRAYS = ("labels", "files", "frames", "scores", "window_s", "hop_s")
_LEAST = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class TeacherScores:
    """What a teacher said.

    Attributes:
        labels: its classes, C of them.
        scores: of each sound file, (frames, C), 0 to 1.
        window_s, hop_s: length of a frame, and from one to the next, in seconds.
    """

    labels: tuple[str, ...]
    scores: dict[Path, Tensor]
    window_s: float
    hop_s: float

    @classmethod
    def read(cls, path: Path) -> TeacherScores:
        """Read an ``.npz`` of the form above.

        Raises:
            TrainingError: it cannot be read, lacks an array, or its arrays do not fit together.
        """
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in ARRAYS}
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise TrainingError(
                f"{path.name} does not hold a teacher's scores ({error}); "
                f"give an .npz with the arrays {', '.join(ARRAYS)}"
            ) from error
        files, frames, scores = (arrays[name] for name in ("files", "frames", "scores"))
        expected = (int(frames.sum()), len(arrays["labels"]))
        if len(files) != len(frames) or scores.shape != expected or not (frames > 0).all():
            raise TrainingError(
                f"{path.name} has scores of shape {scores.shape} for {len(files)} files, "
                f"{expected[0]} frames and {expected[1]} labels; they must fit together"
            )
        parts = torch.split(torch.from_numpy(scores.astype(np.float32)), frames.tolist())
        return cls(
            labels=tuple(str(label) for label in arrays["labels"]),
            scores={path.parent / str(file): part for file, part in zip(files, parts, strict=True)},
            window_s=float(arrays["window_s"]),
            hop_s=float(arrays["hop_s"]),
        )

    def without(self, names: Collection[str]) -> TeacherScores:
        """The same without the files of some names: a fold that shall stay unseen."""
        left = {path: said for path, said in self.scores.items() if path.name not in names}
        return TeacherScores(
            labels=self.labels, scores=left, window_s=self.window_s, hop_s=self.hop_s
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class TaughtBatches(Batches):
    """Batches whose targets are what the teacher said of the very stretch that was cut out.

    Attributes:
        said: of each clip, (frames, C).
        window_s, hop_s: of its frames.
    """

    said: tuple[Tensor, ...]
    window_s: float
    hop_s: float

    def epoch(self, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Every clip once, in random order: waveforms (B, samples) and targets (B, C)."""
        for chosen in self.order(generator):
            samples = self.length(generator)
            cut = [self._cut(index, samples, generator) for index in chosen]
            audio = self.changed(torch.stack([crop for crop, _ in cut]), generator)
            yield audio, torch.stack([target for _, target in cut])

    def _cut(self, index: int, samples: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """A crop (samples,) at a drawn tape speed, and what was said of it, (C,)."""
        audio, said = self.sounds.waveforms[index], self.said[index]
        taken = round(samples * self.speed(generator))
        if len(audio) <= taken:
            crop = augment.fit(audio, taken, generator)
        else:
            start = augment.lively_start(audio, taken, generator)
            crop = audio[start : start + taken]
            said = said[self._frames(start, start + taken, len(said))]
        return augment.change_speed(crop, samples), pooled(said)

    def _frames(self, start: int, end: int, count: int) -> slice:
        """Frames whose middle lies in a stretch of samples; one at least."""
        middle = self.window_s / 2
        first = round((start / SAMPLE_RATE - middle) / self.hop_s)
        last = round((end / SAMPLE_RATE - middle) / self.hop_s)
        first = min(max(0, first), count - 1)
        return slice(first, min(max(first + 1, last), count))


def pooled(said: Tensor) -> Tensor:
    """Frames (T, C) → a clip (C,), by linear softmax: each frame weighs what it says.

    Between mean and maximum: a bark counts though most frames are silent (Wang et al. 2019,
    arXiv:1810.09050).
    """
    return said.square().sum(dim=0) / said.sum(dim=0).clamp_min(_LEAST)


def distill(
    teacher: TeacherScores,
    config: TrainConfig | None = None,
    *,
    start: Checkpoint | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train a network on what a teacher said; :func:`passt_core.lab.train.train` goes on from it.

    Args:
        teacher: its scores of each sound file.
        config: every choice, as for a training on labels.
        start: weights to begin from; None begins from nothing.
        progress: told after each epoch.

    Raises:
        DatasetError: a file cannot be read.
        TrainingError: no files, or a loss that is not finite.
    """
    if not teacher.scores:
        raise TrainingError("the teacher said nothing of any file; give scores of some")
    config = config or TrainConfig()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network, front_end = beginning(teacher.labels, config, start)
        said = tuple(teacher.scores.values())
        batches = TaughtBatches(
            sounds=Sounds(
                waveforms=tuple(decode(path) for path in teacher.scores),
                targets=torch.stack([pooled(one) for one in said]),
            ),
            config=config,
            whole=Windowing.of(network.config, front_end).length,
            said=said,
            window_s=teacher.window_s,
            hop_s=teacher.hop_s,
        )
        return Training(network, teacher.labels, front_end, batches, config).run(progress)
