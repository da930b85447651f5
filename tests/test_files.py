"""Tables whose cells hold anything: each way of writing one, read again by the csv module."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passt_core.files import csv_writer
from passt_core.inference.event_files import EventSource, to_csv
from passt_core.inference.events import Event
from passt_core.inference.survey import tables
from passt_ui.library import labels
from passt_ui.timeline.tables import probabilities

NAMES = ("cr\rhere.wav", "lf\nhere.wav", "crlf\r\n", 'quote".wav', "comma,.wav", "\r", "", "plain")
cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


@given(rows=st.lists(st.lists(cells, min_size=2, max_size=3), max_size=4))
def test_cells_are_read_as_they_were_written(rows: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv_writer(text).writerows(rows)
    assert read(text.getvalue()) == rows


def test_rows_end_in_a_line_feed() -> None:
    text = io.StringIO(newline="")
    csv_writer(text).writerows([["a", "b\r\n"], ["c", 1]])
    assert text.getvalue() == 'a,"b\r\n"\nc,1\n'


def of_survey(folder: Path) -> list[list[str]]:
    tables.write(folder / "t.csv", {"file": str, "n": int}, [(name, 1) for name in NAMES])
    return read((folder / "t.csv").read_bytes().decode())


def of_events(_: Path) -> list[list[str]]:
    event = Event(label="Dog", index=0, start_s=0.0, end_s=1.0, peak=1.0, peak_s=0.5, mean=1.0)
    texts = [to_csv([event], EventSource(file=name, model="m")) for name in NAMES]
    return [[], *(read(text)[1] for text in texts)]


def of_probabilities(_: Path) -> list[list[str]]:
    timeline: Any = SimpleNamespace(
        labels=NAMES, starts=np.zeros(1), ends=np.ones(1), probabilities=np.ones((1, len(NAMES)))
    )
    header, row = read("".join(probabilities(timeline)))
    assert len(row) == len(header)
    return [[], *([name] for name in header[2:])]


def of_uploads(folder: Path) -> list[list[str]]:
    labels.written(((name, "id", {}) for name in NAMES), folder / "library.csv")
    return read((folder / "library.csv").read_bytes().decode())


@pytest.mark.parametrize("written", (of_survey, of_events, of_probabilities, of_uploads))
def test_names_of_files_and_classes_stay_what_they_are(
    written: Callable[[Path], list[list[str]]], tmp_path: Path
) -> None:
    _, *rows = written(tmp_path)
    assert [row[0] for row in rows] == list(NAMES)
