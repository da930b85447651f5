"""What a teacher said of sounds: a file, and what is known better than it.

The teacher is not part of this package. What it said is a file, an ``.npz`` of plain arrays:

========== =================== =====================================================
``labels``  (C,) strings        the teacher's classes
``files``   (N,) strings        sound files, relative to the file's folder or absolute
``frames``  (N,) integers       how many frames each file has
``scores``  (sum of frames, C)  probabilities, 0 to 1, the files one after the other
``window_s``, ``hop_s``         length of a frame, and from one to the next, in seconds
``embeddings``                  (sum of frames, E), what it thinks of each frame; optional
========== =================== =====================================================
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from passt_core.errors import DatasetError, TrainingError
from passt_core.lab.datasets import Dataset

ARRAYS = ("labels", "files", "frames", "scores", "window_s", "hop_s")
EMBEDDINGS = "embeddings"


@dataclass(frozen=True, kw_only=True, eq=False)
class TeacherScores:
    """What a teacher said.

    Attributes:
        labels: its classes, C of them.
        scores: of each sound file, (frames, C), 0 to 1.
        window_s, hop_s: length of a frame, and from one to the next, in seconds.
        embeddings: of each sound file, (frames, E); None: it gave none.
    """

    labels: tuple[str, ...]
    scores: dict[Path, Tensor]
    window_s: float
    hop_s: float
    embeddings: dict[Path, Tensor] | None = None

    @classmethod
    def read(cls, path: Path) -> TeacherScores:
        """Read an ``.npz`` of the form above.

        Raises:
            TrainingError: it cannot be read, lacks an array, or its arrays do not fit together.
        """
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in ARRAYS}
                extra = archive.get(EMBEDDINGS)
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
        if extra is not None and (extra.ndim != 2 or len(extra) != expected[0]):
            raise TrainingError(
                f"{path.name} has embeddings of shape {extra.shape} for {expected[0]} frames; "
                "give one row per frame, or leave them out"
            )
        places = [path.parent / str(file) for file in files]
        lengths = frames.tolist()
        return cls(
            labels=tuple(str(label) for label in arrays["labels"]),
            scores=_parts(places, scores, lengths),
            window_s=float(arrays["window_s"]),
            hop_s=float(arrays["hop_s"]),
            embeddings=None if extra is None else _parts(places, extra, lengths),
        )

    def without(self, names: Collection[str]) -> TeacherScores:
        """The same without the files of some names: a fold that shall stay unseen."""
        left = {path: said for path, said in self.scores.items() if path.name not in names}
        embeddings = self.embeddings and {path: self.embeddings[path] for path in left}
        return replace(self, scores=left, embeddings=embeddings)

    def known(self, labelled: Dataset) -> dict[Path, Tensor]:
        """What labels say of the teacher's classes: of each file (C,), NaN where they are silent.

        Of the dataset's classes 1 for those that a clip has and 0 for the others.

        Raises:
            DatasetError: a label that the teacher does not know, or a clip it said nothing of.
        """
        unknown = [label for label in labelled.labels if label not in self.labels]
        if unknown:
            raise DatasetError(
                f"{labelled.name} has the label {unknown[0]!r}, which the teacher does not know "
                f"({len(unknown)} such); use its names, such as {self.labels[0]!r}"
            )
        places = {path.resolve(): path for path in self.scores}
        unheard = [c.path.name for c in labelled.clips if c.path.resolve() not in places]
        if unheard:
            raise DatasetError(
                f"the teacher said nothing of {len(unheard)} of {len(labelled)} clips of "
                f"{labelled.name}, such as {unheard[0]}; let it hear them, or leave them out"
            )
        columns = [self.labels.index(label) for label in labelled.labels]
        found = {}
        for clip, truth in zip(labelled.clips, labelled.truth, strict=True):
            told = torch.full((len(self.labels),), torch.nan)
            told[columns] = torch.from_numpy(truth).float()
            found[places[clip.path.resolve()]] = told
        return found


def _parts(
    places: Sequence[Path], rows: NDArray[Any], lengths: Sequence[int]
) -> dict[Path, Tensor]:
    parts = torch.split(torch.from_numpy(rows.astype(np.float32)), list(lengths))
    return dict(zip(places, parts, strict=True))
