"""A library as plain tables and arrays that any other program reads."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from passt_core.errors import LibraryError
from passt_core.files import atomic_folder
from passt_core.library.store import EMBEDDINGS, SoundLibrary
from passt_core.library.tables import FILES

FORMATS = ("csv", "parquet")
TABLE = "clips"


def export(library: SoundLibrary, folder: Path, *, form: str = "csv") -> None:
    """Write a library's clips with their places on the map, its files, and its embeddings.

    ``clips.csv`` or ``clips.parquet`` has a row for each clip, in the order of the rows of
    ``embeddings.npy``, (N, D) float32 of length 1; ``files.csv`` tells what became of each file.

    Args:
        library: open.
        folder: to write; it must not be there, or be empty.
        form: one of :data:`FORMATS`.

    Raises:
        LibraryError: an unknown form, a folder that holds something, or it cannot be written.
    """
    import pyarrow as pa  # noqa: PLC0415 - only this needs it
    from pyarrow import csv, parquet  # noqa: PLC0415

    if form not in FORMATS:
        raise LibraryError(f"the format is {form!r}; use one of {', '.join(FORMATS)}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LibraryError(f"{folder} is there and holds something; name a new folder")
    table = pa.Table.from_pylist(_rows(library))
    try:
        with atomic_folder(folder) as temporary:
            if form == "csv":
                csv.write_csv(table, temporary / f"{TABLE}.csv")
            else:
                parquet.write_table(table, temporary / f"{TABLE}.parquet")
            np.save(temporary / EMBEDDINGS, np.asarray(library.embeddings), allow_pickle=False)
            (temporary / FILES).write_bytes((library.folder / FILES).read_bytes())
    except OSError as error:
        raise LibraryError(
            f"{folder} cannot be written ({error.strerror or error}); choose another folder"
        ) from error


def _rows(library: SoundLibrary) -> list[dict[str, Any]]:
    return [
        asdict(clip)
        | {"path": str(library.roots[clip.source] / clip.file)}
        | {"map_x": float(x), "map_y": float(y), "cluster": int(cluster)}
        for clip, (x, y), cluster in zip(library.clips, library.map, library.clusters, strict=True)
    ]
