"""Class names, in the order of a network's head."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from types import MappingProxyType

from passt_core.errors import CheckpointError
from passt_core.files import ASSETS

LABEL_FILES = MappingProxyType(
    {
        "audioset": "audioset.csv",
        "esc50": "esc50.csv",
        "openmic": "openmic.csv",
    }
)


@cache
def label_set(name: str) -> tuple[str, ...]:
    """Names of a published set of classes: ``audioset`` (527), ``esc50``, ``openmic``.

    Raises:
        CheckpointError: there is no set of that name.
    """
    if name not in LABEL_FILES:
        known = ", ".join(LABEL_FILES)
        raise CheckpointError(f"no label set is called {name!r}; known are {known}")
    return read_labels(ASSETS / "labels" / LABEL_FILES[name])


def read_labels(path: Path) -> tuple[str, ...]:
    """Names from a CSV's column ``display_name``, in the order of its rows.

    Raises:
        CheckpointError: the file cannot be read or has no such column.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return tuple(row["display_name"] for row in csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error, KeyError) as error:
        raise CheckpointError(
            f"{path.name} does not list labels ({error}); give a CSV with a column display_name"
        ) from error


def numbered(classes: int) -> tuple[str, ...]:
    """Names for a head whose file does not say what its classes are."""
    return tuple(f"class {index}" for index in range(classes))
