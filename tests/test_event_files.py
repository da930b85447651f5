"""Events as files: what their readers would make of them."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passt_core.inference.event_files import FORMATS, RAVEN_COLUMNS, EventSource, plain
from passt_core.inference.events import Event, EventRule
from passt_core.inference.predictor import Predictor

SOURCE = EventSource(file="dir/a, b.wav", model="tiny", duration_s=4000.0, high_hz=15_000.0)
NASTY = 'Cough,\t"dry"\r\n --> <b>&amp; x'
labels = st.text(min_size=1, max_size=30).filter(plain)


def event(label: str = "Bird", start_s: float = 1.5, end_s: float = 2.25) -> Event:
    return Event(
        label=label,
        index=3,
        start_s=start_s,
        end_s=end_s,
        peak=0.875,
        peak_s=(start_s + end_s) / 2,
        mean=0.5,
    )


def written(form: str, *events: Event, source: EventSource = SOURCE) -> str:
    return FORMATS[form].write(events, source)


def test_the_formats_say_who_they_are() -> None:
    assert set(FORMATS) == {"csv", "audacity", "raven", "json", "webvtt"}
    assert len({form.suffix for form in FORMATS.values()}) == len(FORMATS)
    assert all(name == form.name and form.title for name, form in FORMATS.items())


def test_csv() -> None:
    assert written("csv", event()) == (
        'file,label,start_s,end_s,peak,mean\n"dir/a, b.wav",Bird,1.5,2.25,0.875,0.5\n'
    )


def test_audacity() -> None:
    assert written("audacity", event(), event("Dog", 3.0, 4.0)) == (
        "1.500000\t2.250000\tBird\n3.000000\t4.000000\tDog\n"
    )


def test_raven() -> None:
    header, first, second = csv.reader(
        io.StringIO(written("raven", event(), event("Dog", 3.0, 4.0))), delimiter="\t"
    )
    assert tuple(header) == RAVEN_COLUMNS
    row = dict(zip(header, first))
    assert row["Selection"] == "1"
    assert (row["View"], row["Channel"]) == ("Spectrogram 1", "1")
    assert (row["Begin Time (s)"], row["End Time (s)"]) == ("1.500000", "2.250000")
    assert (float(row["Low Freq (Hz)"]), float(row["High Freq (Hz)"])) == (0.0, 15_000.0)
    assert (row["Label"], row["Score"]) == ("Bird", "0.8750")
    assert second[0] == "2"


def test_json() -> None:
    assert json.loads(written("json", event())) == {
        "file": "dir/a, b.wav",
        "model": "tiny",
        "duration_s": 4000.0,
        "events": [
            {
                "label": "Bird",
                "start_s": 1.5,
                "end_s": 2.25,
                "peak": 0.875,
                "peak_s": 1.875,
                "mean": 0.5,
            }
        ],
    }


def test_json_tells_how_it_was_heard() -> None:
    rule = EventRule(on=0.4, off=0.2, least_s=0.5, merge_s=1.0)
    source = replace(SOURCE, window_s=2.0, hop_s=0.25, rule=rule)
    told = json.loads(written("json", event(), source=source))
    assert (told["window_s"], told["hop_s"]) == (2.0, 0.25)
    assert (told["on"], told["off"], told["least_s"], told["merge_s"]) == (0.4, 0.2, 0.5, 1.0)


def test_json_tells_the_classes_that_were_meant(tiny: Predictor) -> None:
    rule = EventRule(classes=frozenset({3, 1}))
    of = {"duration_s": 9.0, "window_s": 2.0, "hop_s": 0.5}
    source = EventSource.of("a.wav", tiny.checkpoint, rule, **of)
    told = json.loads(written("json", event(), source=source))
    assert told["classes"] == [tiny.labels[1], tiny.labels[3]]
    assert (told["model"], told["on"], told["hop_s"]) == (tiny.name, rule.on, 0.5)
    every = EventSource.of("a.wav", tiny.checkpoint, EventRule(), **of)
    assert "classes" not in json.loads(written("json", event(), source=every))


def test_webvtt() -> None:
    assert written("webvtt", event("Cats & <dogs>", 3661.5, 3725.0625), event()) == (
        "WEBVTT\n\n"
        "1\n01:01:01.500 --> 01:02:05.062\nCats &amp; &lt;dogs&gt; 88%\n\n"
        "2\n00:00:01.500 --> 00:00:02.250\nBird 88%\n"
    )


def test_a_day_has_more_than_two_digits_of_hours() -> None:
    assert "100:00:00.000 --> 100:00:01.000" in written("webvtt", event("x", 360_000.0, 360_001.0))


@pytest.mark.parametrize("form", FORMATS)
def test_no_events_are_a_file_too(form: str) -> None:
    lines = written(form).splitlines()
    expected = {"csv": 1, "audacity": 0, "raven": 1, "json": 6, "webvtt": 1}
    assert len([line for line in lines if line]) == expected[form]


@given(label=labels)
def test_any_label_keeps_its_place(label: str) -> None:
    said = plain(label)
    [row] = csv.DictReader(io.StringIO(written("csv", event(label))))
    assert row["label"] == said
    assert written("audacity", event(label)) == f"1.500000\t2.250000\t{said}\n"
    assert written("raven", event(label)).splitlines()[1].split("\t")[7] == said
    assert json.loads(written("json", event(label)))["events"][0]["label"] == label
    cue = written("webvtt", event(label)).splitlines()[4]
    assert "-->" not in cue
    assert html.unescape(cue) == f"{said} 88%"
    assert re.fullmatch(r"[^<>]*", cue)


def test_a_nasty_label_is_one_line() -> None:
    assert plain(NASTY) == 'Cough, "dry" --> <b>&amp; x'
    assert written("audacity", event(NASTY)).count("\n") == 1
    assert len(written("webvtt", event(NASTY)).splitlines()) == 5


@pytest.mark.parametrize("form", FORMATS)
def test_a_name_that_is_not_utf8_can_be_written(form: str) -> None:
    source = EventSource(file="b\udcff.wav", model="tiny")
    assert written(form, event("x\udcff"), source=source).encode("utf-8")
