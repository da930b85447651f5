"""Labelled sounds on disk → :class:`Dataset`, whatever layout they lie in.

Read are one folder per class, a CSV of clips (:mod:`passt_core.lab.tables`), and the layouts that
ESC-50, FSD50K, Speech Commands and AudioSet are published in (:mod:`passt_core.lab.published`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

from passt_core.errors import DatasetError
from passt_core.lab import published
from passt_core.lab.labelled import (
    Dataset,
    Fold,
    LabelledClip,
    check_folds,
    join,
    leaking_sources,
    some,
)
from passt_core.lab.tables import SOUND_SUFFIXES, from_csv, from_folders, sounds_under

__all__ = (
    "LAYOUTS",
    "SOUND_SUFFIXES",
    "Dataset",
    "Fold",
    "LabelledClip",
    "check_folds",
    "from_csv",
    "from_folders",
    "join",
    "leaking_sources",
    "load_dataset",
    "recognise",
    "sounds_under",
)

Reader = Callable[..., Dataset]
"""Folder or file, and ``labels``: classes to expect, in order → dataset."""

LAYOUTS: MappingProxyType[str, Reader] = MappingProxyType(
    {
        "folders": from_folders,
        "csv": from_csv,
        "esc50": published.from_esc50,
        "esc10": published.from_esc10,
        "fsd50k": published.from_fsd50k,
        "speech-commands": published.from_speech_commands,
        "audioset": published.from_audioset,
    }
)
"""How a dataset may lie on disk, and who reads it."""
_OF_A_TABLE = frozenset({"csv", "audioset"})


def load_dataset(
    path: str | Path, *, labels: tuple[str, ...] | None = None, layout: str | None = None
) -> Dataset:
    """Read a dataset.

    Args:
        path: a folder, or the CSV that lists the clips.
        labels: classes to expect, in order; None takes those that occur: sorted, or in the
            published order of the layout.
        layout: one of :data:`LAYOUTS`; None recognises it.

    Raises:
        DatasetError: nothing usable is there; the message says what and how to mend it.
    """
    path = Path(path)
    if not path.is_dir() and not path.is_file():
        raise DatasetError(
            f"{path} is neither a folder nor a file; give a folder of class folders or a CSV"
        )
    if layout is not None and layout not in LAYOUTS:
        raise DatasetError(f"layout is {layout!r}; use one of {', '.join(LAYOUTS)}")
    layout = layout or recognise(path)
    if layout in _OF_A_TABLE:
        path = path if path.is_file() else _only_table(path)
    elif path.is_file():
        path = _root(path, layout)
    _check_marks(path, layout)
    return LAYOUTS[layout](path, labels=labels)


def recognise(path: Path) -> str:
    """The layout of a folder or file that is there: a name of :data:`LAYOUTS`.

    Raises:
        DatasetError: it holds several CSV files, so that it is not clear which lists the clips.
    """
    if path.is_file():
        if path.parts[-2:] == published.ESC50_TABLE.parts:
            return "esc50"
        return "audioset" if published.is_audioset(path) else "csv"
    for layout, marks in _MARKS.items():
        if all((path / mark).exists() for mark in marks):
            return layout
    tables = _tables(path)
    if not tables:
        return "folders"
    return recognise(_only_table(path))


_MARKS: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "esc50": (str(published.ESC50_TABLE),),
        "esc10": (str(published.ESC50_TABLE),),
        "fsd50k": (published.FSD50K_TRUTH,),
        "speech-commands": tuple(published.SPEECH_LISTS.values()),
    }
)
"""What tells a published layout; of those with the same marks the first is taken."""


def _check_marks(path: Path, layout: str) -> None:
    absent = [mark for mark in _MARKS.get(layout, ()) if not (path / mark).exists()]
    if absent:
        raise DatasetError(
            f"{path.name} has no {absent[0]}, which the layout {layout} begins with; "
            "give the folder that holds it, or another layout"
        )


def _root(table: Path, layout: str) -> Path:
    """The folder that a file of a published layout belongs to."""
    if layout not in _MARKS:
        raise DatasetError(f"{table.name} is a file; the layout {layout} is a folder: give that")
    return table.parent.parent if layout.startswith("esc") else table.parent


def _tables(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.csv") if path.name != published.CLASS_INDEX)


def _only_table(folder: Path) -> Path:
    tables = _tables(folder)
    if len(tables) != 1:
        raise DatasetError(
            f"{folder.name} holds {len(tables)} CSV files ({some(t.name for t in tables)}); "
            "name the one that lists the clips"
        )
    return tables[0]
