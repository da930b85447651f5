"""A library as a zip of tables that a visitor takes home, without folders of this machine."""

from __future__ import annotations

import shutil
from pathlib import Path

from pyarrow import csv, parquet

from passt_core.errors import LibraryError
from passt_core.library.export import TABLE, export
from passt_core.library.store import SoundLibrary
from passt_ui.lab.visit import file_name

_OF_THIS_MACHINE = "path"


def zipped(library: SoundLibrary, folder: Path, form: str) -> Path:
    """Write a library's tables and embeddings into a zip.

    Args:
        library: open.
        folder: it is emptied first.
        form: of the table of clips: ``csv`` or ``parquet``.

    Returns:
        The zip, named after the library and its model.

    Raises:
        LibraryError: an unknown form, or it cannot be written.
    """
    shutil.rmtree(folder, ignore_errors=True)
    name = file_name(f"{library.name}__{library.manifest.model}")
    tables = folder / name
    export(library, tables, form=form)
    table = tables / f"{TABLE}.{form}"
    try:
        if form == "csv":
            csv.write_csv(csv.read_csv(table).drop_columns([_OF_THIS_MACHINE]), table)
        else:
            kept = parquet.read_table(table).drop_columns([_OF_THIS_MACHINE])
            parquet.write_table(kept, table)
        return Path(shutil.make_archive(str(tables), "zip", folder, name))
    except OSError as error:
        raise LibraryError(
            f"the table cannot be written ({error.strerror or error}); try again later"
        ) from error
