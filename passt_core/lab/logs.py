"""What a training writes down as it goes: a CSV, and TensorBoard's files."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from passt_core.errors import TrainingError

COLUMNS = ("epoch", "step", "loss", "learning_rate", "patchout", "accuracy", "map", "seconds")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One epoch.

    Attributes:
        epoch, step: its number from 1, and steps so far.
        loss, learning_rate: mean of the one, last of the other.
        patchout: share of the configured patchout that was taken last.
        accuracy, map: on the validation clips, 0 to 1; None: not scored.
        seconds: so far.
    """

    epoch: int
    step: int
    loss: float
    learning_rate: float
    patchout: float
    accuracy: float | None
    map: float | None
    seconds: float


class CsvLog:
    """A CSV that grows by a row an epoch.

    Raises:
        TrainingError: the file is another one, shorter than what was written.
    """

    def __init__(self, path: Path, written: int) -> None:
        """Go on after ``written`` bytes; what stands behind them is of epochs that were lost."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        if written and (not path.is_file() or path.stat().st_size < written):
            raise TrainingError(
                f"{path} is gone or was cut short: it had {written} bytes; put it back, "
                "or begin anew with --restart"
            )
        with path.open("r+b" if written else "wb") as file:
            file.truncate(written)
            if not written:
                file.write(_line(COLUMNS))

    def add(self, row: Row) -> int:
        """Write a row → length of the file in bytes."""
        values = (getattr(row, name) for name in COLUMNS)
        with self.path.open("ab") as file:
            file.write(_line(tuple("" if value is None else value for value in values)))
            return file.tell()


def _line(values: tuple[Any, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue().encode()


class Board:
    """TensorBoard's files in a folder; ``tensorboard`` has to be installed."""

    def __init__(self, folder: Path, first_step: int) -> None:
        """Write behind ``first_step``; later points are of steps that were lost.

        Raises:
            TrainingError: the package is not there.
        """
        try:
            from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - optional
        except ImportError as error:
            raise TrainingError(
                "tensorboard is not installed and was asked for its files; install it with "
                "pip install tensorboard, or take the CSV of --log"
            ) from error
        self._writer: Any = SummaryWriter(str(folder), purge_step=first_step)

    def add(self, row: Row) -> None:
        """Draw a point in each curve."""
        curves: Mapping[str, float | None] = {
            "train/loss": row.loss,
            "train/learning_rate": row.learning_rate,
            "train/patchout": row.patchout,
            "validation/accuracy": row.accuracy,
            "validation/map": row.map,
        }
        for name, value in curves.items():
            if value is not None:
                self._writer.add_scalar(name, value, row.step)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()
