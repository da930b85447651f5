"""Events as files that other programs read: tables, labels, selections, captions."""

from __future__ import annotations

import html
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType

from passt_core.files import csv_writer
from passt_core.inference.analysis import DIGITS
from passt_core.inference.events import Event, EventRule
from passt_core.network.checkpoints import Checkpoint
from passt_core.signal.mel import MelConfig

RAVEN_COLUMNS = (
    "Selection",
    "View",
    "Channel",
    "Begin Time (s)",
    "End Time (s)",
    "Low Freq (Hz)",
    "High Freq (Hz)",
    "Label",
    "Score",
)
"""Those that Raven needs in a selection table, and two of our own, which it shows and keeps."""

CSV_COLUMNS = ("file", "label", "start_s", "end_s", "peak", "mean")


@dataclass(frozen=True, kw_only=True)
class EventSource:
    """What events are of.

    Attributes:
        file: name of the sound file, or its path under the folder that was listened to.
        model: name of the checkpoint.
        duration_s: length of the sound in seconds; None: unknown.
        low_hz, high_hz: the band that the model hears in it, in Hz.
        window_s, hop_s: how it was cut, in seconds; None: not told.
        rule: what counted as an event; None: not told.
        classes: names of those that events were looked for of; empty: all, or not told.
    """

    file: str
    model: str
    duration_s: float | None = None
    low_hz: float = MelConfig.fmin
    high_hz: float = MelConfig.fmax
    window_s: float | None = None
    hop_s: float | None = None
    rule: EventRule | None = None
    classes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        file: str,
        checkpoint: Checkpoint,
        rule: EventRule,
        *,
        duration_s: float,
        window_s: float,
        hop_s: float,
    ) -> EventSource:
        """What a model heard in a file, and all of how."""
        return cls(
            file=file,
            model=checkpoint.name,
            duration_s=duration_s,
            low_hz=checkpoint.front_end.fmin,
            high_hz=checkpoint.front_end.fmax,
            window_s=window_s,
            hop_s=hop_s,
            rule=rule,
            classes=tuple(checkpoint.labels[index] for index in sorted(rule.classes)),
        )


@dataclass(frozen=True, kw_only=True)
class Format:
    """A kind of file: what it is called, how its names end, and who writes its text."""

    name: str
    title: str
    suffix: str
    write: Callable[[Sequence[Event], EventSource], str]


def plain(label: str) -> str:
    """A label on one line: tabs, line breaks and what else is not printable become spaces."""
    return " ".join("".join(c if c.isprintable() else " " for c in label).split())


def to_csv(events: Sequence[Event], source: EventSource) -> str:
    """A table with a header and commas, a row for each event."""
    text = io.StringIO()
    table = csv_writer(text)
    table.writerow(CSV_COLUMNS)
    file = _utf8(source.file)
    for e in events:
        figures = (round(figure, DIGITS) for figure in (e.start_s, e.end_s, e.peak, e.mean))
        table.writerow((file, plain(e.label), *figures))
    return text.getvalue()


def to_audacity(events: Sequence[Event], source: EventSource) -> str:  # noqa: ARG001
    """An Audacity label track: begin, end and label between tabs, without a header.

    https://manual.audacityteam.org/man/importing_and_exporting_labels.html
    """
    return "".join(f"{e.start_s:.6f}\t{e.end_s:.6f}\t{plain(e.label)}\n" for e in events)


def to_raven(events: Sequence[Event], source: EventSource) -> str:
    """A selection table of Raven: each event a box over the whole band that the model hears."""
    rows = (
        (
            number,
            "Spectrogram 1",
            1,
            *_fixed(e.start_s, e.end_s, source.low_hz, source.high_hz),
            plain(e.label),
            f"{e.peak:.4f}",
        )
        for number, e in enumerate(events, start=1)
    )
    lines = (RAVEN_COLUMNS, *rows)
    return "".join("\t".join(map(str, line)) + "\n" for line in lines)


def to_json(events: Sequence[Event], source: EventSource) -> str:
    """An object with the file, the model, what is told of how it was heard, and the events."""
    told = [
        {
            "label": _utf8(e.label),
            **{name: round(value, DIGITS) for name, value in asdict(e).items() if name in _FIGURES},
        }
        for e in events
    ]
    about = {"file": _utf8(source.file), "model": source.model, "duration_s": source.duration_s}
    cut = {"window_s": source.window_s, "hop_s": source.hop_s}
    heard = {name: value for name, value in cut.items() if value is not None}
    if source.rule is not None:
        heard |= {name: getattr(source.rule, name) for name in _THRESHOLDS}
    only = {"classes": [_utf8(label) for label in source.classes]} if source.classes else {}
    return json.dumps(about | heard | only | {"events": told}, indent=2, ensure_ascii=False) + "\n"


def to_webvtt(events: Sequence[Event], source: EventSource) -> str:  # noqa: ARG001
    """Captions for a player: https://www.w3.org/TR/webvtt1/."""
    cues = (
        f"{number}\n{_clock(e.start_s)} --> {_clock(e.end_s)}\n"
        f"{html.escape(plain(e.label), quote=False)} {e.peak:.0%}\n"
        for number, e in enumerate(events, start=1)
    )
    return "\n".join(("WEBVTT\n", *cues))


_THRESHOLDS = ("on", "off", "least_s", "merge_s")
_FIGURES = ("start_s", "end_s", "peak", "peak_s", "mean")
_ALL = (
    Format(name="csv", title="Table (CSV)", suffix=".csv", write=to_csv),
    Format(name="audacity", title="Audacity labels", suffix=".txt", write=to_audacity),
    Format(name="raven", title="Raven selections", suffix=".selections.txt", write=to_raven),
    Format(name="json", title="JSON", suffix=".json", write=to_json),
    Format(name="webvtt", title="Captions (WebVTT)", suffix=".vtt", write=to_webvtt),
)
FORMATS: Mapping[str, Format] = MappingProxyType({form.name: form for form in _ALL})
"""The kinds of file, by name."""


def _utf8(name: str) -> str:
    """A name that can be written: what is not UTF-8 in it is a question mark."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _fixed(*figures: float) -> tuple[str, ...]:
    return tuple(f"{figure:.{DIGITS}f}" for figure in figures)


def _clock(seconds: float) -> str:
    """``hh:mm:ss.ttt``, as WebVTT counts time."""
    milliseconds = round(1000 * seconds)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
