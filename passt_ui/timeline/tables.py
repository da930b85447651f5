"""What a visitor takes home of a timeline: its events, and its probabilities."""

from __future__ import annotations

import io
from collections.abc import Iterator

from passt_core.errors import PasstError
from passt_core.files import csv_writer
from passt_core.inference.analysis import DIGITS
from passt_core.inference.event_files import FORMATS, EventSource, Format
from passt_core.inference.events import EventRule
from passt_core.inference.timeline import Timeline
from passt_ui.lab.visit import file_name as plain
from passt_ui.timeline.visit import Heard

ROWS_TOGETHER = 256


def form_of(name: str) -> Format:
    """The kind of file of a name.

    Raises:
        PasstError: there is none.
    """
    if name not in FORMATS:
        raise PasstError(f"events are not written as {name!r}; choose one of {', '.join(FORMATS)}")
    return FORMATS[name]


def events(heard: Heard, rule: EventRule, form: Format) -> str:
    """The events of a rule as the text of a file."""
    source = EventSource.of(
        heard.sound.path.name,
        heard.sound.checkpoint,
        rule,
        duration_s=heard.timeline.duration_s,
        window_s=heard.timeline.window_s,
        hop_s=heard.timeline.hop_s,
    )
    return form.write(heard.events(rule), source)


def probabilities(timeline: Timeline) -> Iterator[str]:
    """Every class in every window as CSV, a few hundred windows at a time."""
    text = io.StringIO()
    table = csv_writer(text)
    table.writerow(("start_s", "end_s", *timeline.labels))
    for first in range(0, len(timeline.starts), ROWS_TOGETHER):
        some = slice(first, first + ROWS_TOGETHER)
        rows = zip(
            timeline.starts[some].round(DIGITS).tolist(),
            timeline.ends[some].round(DIGITS).tolist(),
            timeline.probabilities[some].astype(float).round(DIGITS).tolist(),
            strict=True,
        )
        table.writerows((start, end, *values) for start, end, values in rows)
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def file_name(heard: Heard, what: str, suffix: str) -> str:
    """A name that tells the sound, the model and what is in the file."""
    return f"{plain(f'{heard.sound.title}__{heard.timeline.model}__{what}')}{suffix}"
