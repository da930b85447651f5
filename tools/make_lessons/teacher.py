"""YAMNet as a teacher: a tagger in a TFLite file that you bring, run by ai-edge-litert.

Neither is part of this project nor needed by it: ``pip install ai-edge-litert``, and YAMNet's
``.tflite`` (Google, Apache-2.0) with its list of classes.
"""

from __future__ import annotations

import csv
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
WINDOW, HOP = 15_600, 5_200
_LEAST = 1e-6


class Teacher:
    """Scores and embeddings of waveforms."""

    def __init__(self, model: Path, labels: Path) -> None:
        """Load a model.

        Args:
            model: the ``.tflite``: one window of 15,600 samples in, class scores out.
            labels: a CSV with a column ``display_name``, a row per score.
        """
        Interpreter = import_module("ai_edge_litert.interpreter").Interpreter  # noqa: N806

        with labels.open(newline="", encoding="utf-8") as file:
            self.labels = tuple(row["display_name"] for row in csv.DictReader(file))
        self.run = Interpreter(str(model), num_threads=1, experimental_preserve_all_tensors=True)
        self.run.allocate_tensors()
        self.input = self.run.get_input_details()[0]
        self.scores = self.run.get_output_details()[0]["index"]
        self.embedding = self._pooled()

    def _pooled(self) -> int:
        """The tensor before the last layer: the global average of the convolutions."""
        details: list[dict[str, Any]] = self.run.get_tensor_details()
        return next(int(d["index"]) for d in details if "global_average_pooling" in d["name"])

    def __call__(
        self, wave: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Hear a waveform (n,) at 16 kHz.

        Returns:
            (scores, embedding): (T,), pooled by linear softmax over its windows, and (E,), their
            mean.
        """
        count = max(1, -(-(len(wave) - WINDOW) // HOP) + 1)
        padded = np.pad(wave, (0, max(0, (count - 1) * HOP + WINDOW - len(wave))))
        windows = [self._window(padded[k * HOP :][:WINDOW]) for k in range(count)]
        said, thought = zip(*windows, strict=True)
        scores = np.stack(said)
        pooled = np.square(scores).sum(axis=0) / np.maximum(scores.sum(axis=0), _LEAST)
        return pooled, np.stack(thought).mean(axis=0)

    def _window(
        self, samples: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        self.run.set_tensor(
            self.input["index"], samples.astype(np.float32).reshape(self.input["shape"])
        )
        self.run.invoke()
        found = (self.run.get_tensor(self.scores), self.run.get_tensor(self.embedding))
        return found[0].reshape(-1).copy(), found[1].reshape(-1).copy()
