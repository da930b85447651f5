"""Rows → a table on disk, as they come: CSV, Parquet or JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from passt_core.errors import PasstError
from passt_core.files import atomic_path, csv_writer
from passt_core.inference.survey.asked import Row

_GROUP = 65_536
"""Rows of a Parquet row group; so many are held at a time."""

Columns = Mapping[str, type]
"""Name of each column → ``str``, ``int`` or ``float``."""


def check_suffix(path: Path) -> None:
    """Refuse a name that says of no form.

    Raises:
        PasstError: it ends in none of :data:`FORMS`.
    """
    if path.suffix.lower() not in FORMS:
        raise PasstError(
            f"the table is to be called {path.name!r}; "
            f"let its name end in {', '.join(FORMS)} to say what it is"
        )


def write(
    path: Path,
    columns: Columns,
    rows: Iterable[Row],
    ready: Callable[[Path], None] = lambda _: None,
) -> int:
    """Write a table in one step: until all is written, what was there stays.

    Args:
        path: its name ends in one of :data:`FORMS`.
        columns: of the table.
        rows: their cells in the order of the columns.
        ready: told the finished file before it is put in place.

    Returns:
        How many rows there are.

    Raises:
        PasstError: as :func:`check_suffix`.
        OSError: it cannot be written.
    """
    check_suffix(path)
    counted = _Counted(rows)
    with atomic_path(path) as temporary:
        FORMS[path.suffix.lower()](temporary, columns, counted)
        ready(temporary)
    return counted.count


class _Counted:
    """Rows, and how many have gone by."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.count = 0
        self._rows = rows

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.count += 1
            yield row


def _write_csv(path: Path, columns: Columns, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv_writer(file)
        table.writerow(columns)
        table.writerows(rows)


def _write_jsonl(path: Path, columns: Columns, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            named = dict(zip(columns, row, strict=True))
            file.write(json.dumps(named, ensure_ascii=False) + "\n")


def _write_parquet(path: Path, columns: Columns, rows: Iterable[Row]) -> None:
    import pyarrow as pa  # noqa: PLC0415 - only this needs it
    from pyarrow import parquet  # noqa: PLC0415

    types = {str: pa.string(), int: pa.int32(), float: pa.float64()}
    schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
    with parquet.ParquetWriter(path, schema) as writer:
        for group in _groups(rows):
            cells: list[Sequence[Any]] = list(zip(*group, strict=True))
            writer.write_table(pa.table(dict(zip(columns, cells, strict=True)), schema=schema))


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    coming = iter(rows)
    return iter(lambda: list(islice(coming, _GROUP)), [])


FORMS: Mapping[str, Callable[[Path, Columns, Iterable[Row]], None]] = MappingProxyType(
    {".csv": _write_csv, ".parquet": _write_parquet, ".jsonl": _write_jsonl}
)
"""How a table's name ends → who writes it."""
