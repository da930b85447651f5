"""A folder → one table: what is in it, and what becomes of a survey that is cut short."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet

from passt_core.errors import AudioError, PasstError
from passt_core.inference import many
from passt_core.inference.event_files import FORMATS
from passt_core.inference.events import EventRule, find_events
from passt_core.inference.many import BATCH, outcomes
from passt_core.inference.passes import Passes
from passt_core.inference.predictor import Predictor
from passt_core.inference.survey import journal, run, tables
from passt_core.inference.survey.asked import Asked, Classes, Events
from passt_core.inference.survey.run import LabelFiles, Summary, Survey, survey
from passt_core.inference.timeline import Pace, listen_together
from passt_core.library.journal import unfinished
from passt_core.signal import audio
from tests.sounds import RATE, cut_while_read, noise, tone, write

Rows = list[dict[str, Any]]
TIMELY = Events(pace=Pace(window_s=1.0, hop_s=0.5), rule=EventRule(on=0.4, off=0.3))


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Two short sounds of different lengths, and one longer than the window."""
    folder = tmp_path / "sounds"
    (folder / "deep" / "er").mkdir(parents=True)
    return {
        "b.wav": write(folder / "b.wav", tone(0.5)),
        "deep/er/a, ü.wav": write(folder / "deep" / "er" / "a, ü.wav", noise(1.5)),
        "long.flac": write(folder / "long.flac", noise(23.0, rate=16_000), 16_000),
    }


def wanted(files: Mapping[str, Path], out: Path, **changes: Any) -> Survey:
    return Survey(**({"files": files, "asked": Classes(top_k=2), "out": out} | changes))


def read_csv(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_classes_are_those_of_the_predictor(
    files: dict[str, Path], tiny: Predictor, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "r.csv"
    told: list[tuple[float, float | None]] = []
    summary = survey(wanted(files, out), tiny, progress=lambda *seconds: told.append(seconds))
    rows = read_csv(out)
    assert summary == Summary(
        heard=3, before=0, seconds=pytest.approx(25.0), rows=len(rows), skipped={}
    )
    assert list(dict.fromkeys(row["file"] for row in rows)) == sorted(files)
    for file, path in files.items():
        truth = tiny.analyze_file(path)
        of_file = [row for row in rows if row["file"] == file]
        windows = truth.windows if len(truth.windows) > 1 else ()
        assert len(of_file) == 2 * (1 + len(windows))
        expected = [("clip", 0.0, truth.duration_s, c) for c in truth.top_k(2)]
        for w in windows:
            expected += [("window", w.start_s, w.end_s, c) for c in truth.window_top_k(w, 2)]
        for row, (scope, start_s, end_s, score) in zip(of_file, expected):
            assert (row["scope"], row["label"]) == (scope, score.label)
            assert float(row["start_s"]) == pytest.approx(start_s)
            assert float(row["end_s"]) == pytest.approx(end_s)
            assert float(row["score"]) == pytest.approx(score.score, abs=1e-4)
        assert [row["rank"] for row in of_file] == ["1", "2"] * (1 + len(windows))
    assert told[-1] == (pytest.approx(25.0), pytest.approx(25.0))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert [path.name for path in out.parent.iterdir()] == ["r.csv"]


def test_the_forms_say_the_same(files: dict[str, Path], tiny: Predictor, tmp_path: Path) -> None:
    outs = [tmp_path / f"r{suffix}" for suffix in tables.FORMS]
    for out in outs:
        survey(wanted(files, out), tiny)
    by_suffix = {out.suffix: out for out in outs}
    table = parquet.read_table(by_suffix[".parquet"])
    assert list(map(str, table.schema.types)) == [
        "string", "string", "double", "double", "int32", "string", "double"
    ]  # fmt: skip
    rows = table.to_pylist()
    lines = by_suffix[".jsonl"].read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == rows
    texts = [{name: str(value) for name, value in row.items()} for row in rows]
    assert read_csv(by_suffix[".csv"]) == texts


def test_events_are_those_of_the_timeline(
    files: dict[str, Path], tiny: Predictor, tmp_path: Path
) -> None:
    out, folder = tmp_path / "e.jsonl", tmp_path / "labels"
    labels = LabelFiles(folder=folder, form=FORMATS["csv"])
    summary = survey(wanted(files, out, asked=TIMELY, labels=labels), tiny)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert summary.rows == len(rows) > 0
    for file, path in files.items():
        [heard] = listen_together(tiny, [audio.load(path)], TIMELY.pace)
        truth = find_events(heard, TIMELY.rule)
        of_file = [row for row in rows if row["file"] == file]
        assert [(r["label"], r["start_s"]) for r in of_file] == [
            (e.label, pytest.approx(e.start_s)) for e in truth
        ]
        beside = read_csv(folder / f"{file}.csv")
        assert [row["label"] for row in beside] == [e.label for e in truth]
        assert [float(row["peak"]) for row in beside] == [row["peak"] for row in of_file]
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == {f"{file}.csv" for file in files}


def test_a_long_sound_streams_its_events(
    files: dict[str, Path], tiny: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = dict(_all(outcomes(files, tiny, TIMELY)))
    monkeypatch.setattr("passt_core.inference.survey.asked.HELD_S", 1.0)
    streamed = dict(_all(outcomes(files, tiny, TIMELY)))
    assert {file: [row[0] for row in heard.rows] for file, heard in streamed.items()} == {
        file: [row[0] for row in heard.rows] for file, heard in whole.items()
    }


def _all(found: Iterator[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    for some in found:
        yield from some.items()


def test_what_cannot_be_heard_is_left_out_and_listed(
    files: dict[str, Path], tiny: Predictor, tmp_path: Path
) -> None:
    bad = {
        "text.wav": "not a sound",
        "empty.mp3": "empty",
        "silent.wav": "silence",
        "nan.wav": "NaN",
        "gone.wav": "cannot be opened",
        "long nan.wav": "infinite",
        "link.wav": "leads out",
    }
    folder = tmp_path / "sounds"
    (folder / "text.wav").write_text("not a sound")
    (folder / "empty.mp3").touch()
    write(folder / "silent.wav", np.zeros(3200, np.float32))
    write(folder / "nan.wav", np.full(3200, np.nan, np.float32), subtype="FLOAT")
    ends_badly = noise(12.0)
    ends_badly[-1] = np.inf
    write(folder / "long nan.wav", ends_badly, subtype="FLOAT")
    tried = files | {name: folder / name for name in bad if name != "link.wav"}
    out = tmp_path / "r.csv"
    left_out = {"link.wav": "it is a link that leads out of the folder"}
    summary = survey(wanted(tried, out, left_out=left_out), tiny)
    assert (summary.heard, set(summary.skipped)) == (3, set(bad))
    listed = {row["file"]: row["reason"] for row in read_csv(tmp_path / "r.csv.skipped.csv")}
    assert listed == summary.skipped
    for name, reason in bad.items():
        assert reason in listed[name]
    assert {row["file"] for row in read_csv(out)} == set(files)


def test_nothing_that_can_be_heard_is_an_error(tiny: Predictor, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("not a sound")
    out = tmp_path / "r.csv"
    with pytest.raises(PasstError, match=r"a\.wav is not a sound"):
        survey(wanted({"a.wav": tmp_path / "a.wav"}, out), tiny)
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_one_bad_sound_of_a_batch_costs_only_itself(
    files: dict[str, Path], tiny: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = Predictor.windows

    def fails(self: Predictor, path: Path) -> Any:
        if path.name == "b.wav":
            raise AudioError("the model's answer is not finite")
        return windows(self, path)

    def no_batch(*_: object) -> None:
        raise AudioError("one of them")

    monkeypatch.setattr(Predictor, "analyze_batch", no_batch)
    monkeypatch.setattr(Predictor, "windows", fails)
    found = dict(_all(outcomes(files, tiny, Classes())))
    assert found.keys() == files.keys()
    assert found["b.wav"] == "the model's answer is not finite"
    assert all(not isinstance(heard, str) for file, heard in found.items() if file != "b.wav")


@pytest.mark.parametrize("workers", (1, 5))
def test_sounds_are_decoded_only_a_little_ahead(
    tiny: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    files = {f"{n}.wav": write(tmp_path / f"{n}.wav", tone(0.1, hz=200.0 + n)) for n in range(99)}
    load, decoded, most = audio.load, [], []

    def counted(path: Path, **options: Any) -> Any:
        decoded.append(path)
        return load(path, **options)

    monkeypatch.setattr(audio, "load", counted)
    heard = 0
    for found in outcomes(files, tiny, Classes(), workers=workers):
        heard += len(found)
        most.append(len(decoded) - heard)
    assert heard == 99
    assert max(most) <= BATCH + workers + 1


@pytest.mark.parametrize(("seconds", "together"), ((0.1, 32), (10.0, 32), (60.0, 5), (59.0, 5)))
def test_a_batch_is_bounded_in_sounds_and_in_seconds(seconds: float, together: int) -> None:
    keys = [str(number) for number in range(70)]
    batches = list(many._batches(keys, dict.fromkeys(keys, seconds)))
    assert [key for batch in batches for key in batch] == keys
    assert {len(batch) for batch in batches[:-1]} == {together}


def test_long_sounds_wait_for_the_model_by_their_seconds(
    tiny: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{n}.wav": write(tmp_path / f"{n}.wav", noise(5.0, seed=n)) for n in range(30)}
    load, decoded, most = audio.load, [], []

    def counted(path: Path, **options: Any) -> Any:
        decoded.append(path)
        return load(path, **options)

    monkeypatch.setattr(many, "BATCH_S", 20.0)
    monkeypatch.setattr(audio, "load", counted)
    heard = 0
    for found in outcomes(files, tiny, Classes(), workers=1):
        assert len(found) <= 4
        heard += len(found)
        most.append(len(decoded) - heard)
    assert heard == 30
    assert max(most) <= 5


def test_a_sound_that_is_longer_than_its_header_tells_is_streamed(
    files: dict[str, Path], tiny: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = dict(_all(outcomes(files, tiny, TIMELY)))
    load, loaded = audio.load, []

    def counted(path: Path, **options: Any) -> Any:
        sound = load(path, **options)
        loaded.append(len(sound) / RATE)
        return sound

    monkeypatch.setattr(audio, "load", counted)
    monkeypatch.setattr(many, "_length", lambda _: 0.25)
    found = dict(_all(outcomes(files, tiny, TIMELY)))
    assert sorted(loaded) == [0.5, 1.25, 1.25], "no more than a second beyond what the header tells"
    for file, truth in told.items():
        assert found[file].duration_s == pytest.approx(truth.duration_s)
        assert [row[0] for row in found[file].rows] == [row[0] for row in truth.rows]


def test_a_file_that_goes_while_it_waits_is_told_in_a_sentence(
    files: dict[str, Path], tiny: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(path: Path, **_: object) -> None:
        raise OSError(5, "Input/output error", str(path))

    monkeypatch.setattr(audio, "load", gone)
    found = dict(_all(outcomes({"b.wav": files["b.wav"]}, tiny, Classes())))
    assert found["b.wav"] == (
        "b.wav cannot be read any more (Input/output error); "
        "see that it stays where it is, and try again"
    )


def test_short_sounds_share_passes_for_their_events(
    tiny: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    sounds = [noise(1.0 + 0.25 * (n % 2), seed=n) for n in range(12)]
    sounds += [noise(7.3, seed=12), tone(0.05), np.zeros(RATE, np.float32)]
    alone = [TIMELY.of_whole([sound], tiny)[0] for sound in sounds]
    hear, passes = Passes._hear, []

    def counted(self: Passes, windows: Any, *rest: Any) -> Any:
        passes.append(len(windows))
        return hear(self, windows, *rest)

    monkeypatch.setattr(Passes, "_hear", counted)
    together = TIMELY.of_whole(sounds, tiny)
    assert len(passes) < len(sounds) // 2
    for heard, truth in zip(together, alone, strict=True):
        assert heard.duration_s == truth.duration_s
        assert [row[0] for row in heard.rows] == [row[0] for row in truth.rows]
        figures = [row[1:] for row in heard.rows]
        assert figures == [pytest.approx(row[1:], abs=1e-4) for row in truth.rows]
    assert any(heard.rows for heard in together)


def interrupt_after(count: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let a survey be interrupted once ``count`` files are heard; the files that were asked of."""
    whole, asked = outcomes, []

    def cut(files: Mapping[str, Path], *rest: Any, **options: Any) -> Iterator[Any]:
        for file in files:
            if len(asked) == count:
                raise KeyboardInterrupt
            asked.append(file)
            yield from whole({file: files[file]}, *rest, **options)

    monkeypatch.setattr(run, "outcomes", cut)
    return asked


def test_it_goes_on_where_it_was_stopped(
    files: dict[str, Path], tiny: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out" / "r.csv"
    with monkeypatch.context() as patch:
        first = interrupt_after(2, patch)
        with pytest.raises(KeyboardInterrupt):
            survey(wanted(files, out), tiny)
    assert [path.name for path in out.parent.iterdir()] == [".r.csv.survey"]
    with monkeypatch.context() as patch:
        second = interrupt_after(99, patch)
        summary = survey(wanted(files, out), tiny)
    assert sorted([*first, *second]) == sorted(files)
    assert (summary.heard, summary.before) == (3, 2)
    survey(wanted(files, tmp_path / "once.csv"), tiny)
    assert _near(read_csv(out)) == _near(read_csv(tmp_path / "once.csv"))
    assert not journal.path_beside(out).exists()


def _near(rows: Rows) -> Rows:
    return [row | {"score": round(float(row["score"]), 4)} for row in rows]


def test_what_has_changed_since_is_heard_again(
    files: dict[str, Path], tiny: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "r.csv"
    with monkeypatch.context() as patch:
        interrupt_after(2, patch)
        with pytest.raises(KeyboardInterrupt):
            survey(wanted(files, out), tiny)
    write(files["b.wav"], noise(0.75))
    gone = {file: path for file, path in files.items() if not file.startswith("deep")}
    summary = survey(wanted(gone, out), tiny)
    assert (summary.heard, summary.before) == (2, 0)
    rows = read_csv(out)
    assert {row["file"] for row in rows} == set(gone)
    assert {row["end_s"] for row in rows if row["file"] == "b.wav"} == {"0.75"}


def test_what_a_kill_left_before_the_first_sound_guards_nothing(
    files: dict[str, Path], tiny: Predictor, tmp_path: Path
) -> None:
    journal.path_beside(tmp_path / "r.csv").touch()
    assert survey(wanted(files, tmp_path / "r.csv"), tiny).heard == 3


def test_a_table_that_is_there_is_not_written_over(
    files: dict[str, Path], tiny: Predictor, tmp_path: Path
) -> None:
    for name in ("r.csv", "r.csv.skipped.csv"):
        (tmp_path / name).write_text("mine")
        with pytest.raises(PasstError, match=f"{name} is there already; name another, or delete"):
            survey(wanted(files, tmp_path / "r.csv"), tiny)
        assert (tmp_path / name).read_text() == "mine"
        (tmp_path / name).unlink()
        assert not journal.path_beside(tmp_path / "r.csv").exists()


def test_labels_that_are_there_are_not_written_over(
    files: dict[str, Path], tiny: Predictor, tmp_path: Path
) -> None:
    labels = LabelFiles(folder=tmp_path / "sounds", form=FORMATS["audacity"])
    mine = tmp_path / "sounds" / "b.wav.txt"
    mine.write_text("mine")
    with pytest.raises(PasstError, match=r"b\.wav\.txt is there already"):
        survey(wanted(files, tmp_path / "e.csv", asked=TIMELY, labels=labels), tiny)
    assert mine.read_text() == "mine"


def interrupted(asked: Survey, predictor: Predictor, *, heard: int) -> None:
    """Leave of a survey what one that was killed after some files leaves."""
    with pytest.MonkeyPatch.context() as patch:
        interrupt_after(heard, patch)
        with pytest.raises(KeyboardInterrupt):
            survey(asked, predictor)


def with_labels(files: Mapping[str, Path], folder: Path, form: str = "audacity") -> Survey:
    labels = LabelFiles(folder=folder / "labels", form=FORMATS[form])
    return wanted(files, folder / "e.csv", asked=TIMELY, labels=labels)


def test_going_on_writes_over_nothing_that_came_between(
    files: dict[str, Path], tiny: Predictor, tmp_path: Path
) -> None:
    asked = with_labels(files, tmp_path)
    interrupted(asked, tiny, heard=2)
    for mine in (tmp_path / "labels" / "b.wav.txt", asked.out, asked.skipped_out):
        mine.parent.mkdir(exist_ok=True)
        mine.write_text("mine")
        with pytest.raises(PasstError, match=f"{mine.name} is there already; name another, or"):
            survey(asked, tiny)
        assert mine.read_text() == "mine"
        mine.unlink()
    assert survey(asked, tiny).before == 2


def test_what_comes_while_it_listens_is_not_written_over(
    files: dict[str, Path], tiny: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = wanted(files, tmp_path / "r.csv")

    def meanwhile(*given: Any, **options: Any) -> Iterator[Any]:
        yield from outcomes(*given, **options)
        asked.out.write_text("mine")

    monkeypatch.setattr(run, "outcomes", meanwhile)
    with pytest.raises(PasstError, match=r"r\.csv is there already"):
        survey(asked, tiny)
    assert asked.out.read_text() == "mine"


def test_a_table_that_another_run_finished_meanwhile_is_not_written_over(
    files: dict[str, Path], tiny: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, opened = wanted(files, tmp_path / "r.csv"), journal.opened
    interrupted(asked, tiny, heard=1)

    def late(*given: Any) -> Any:
        journal.remove(asked.out)
        asked.out.write_text("finished")
        return opened(*given)

    monkeypatch.setattr(journal, "opened", late)
    with pytest.raises(PasstError, match=r"r\.csv is there already"):
        survey(asked, tiny)
    assert asked.out.read_text() == "finished"


def test_a_kill_while_it_writes_is_gone_on_after(
    files: dict[str, Path], tiny: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = with_labels(files, tmp_path)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    for name in ("_write_table", "_write_skipped"):  # after the labels, after the table
        with monkeypatch.context() as patch:
            patch.setattr(run, name, killed)
            with pytest.raises(KeyboardInterrupt):
                survey(asked, tiny)
    mine = tmp_path / "labels" / "b.wav.txt"
    theirs = mine.read_text()
    mine.write_text(theirs + "mine")
    with pytest.raises(PasstError, match=r"b\.wav\.txt is there already"):
        survey(asked, tiny)
    mine.unlink()
    assert survey(asked, tiny).before == 3
    assert mine.read_text() == theirs
    assert not journal.path_beside(asked.out).exists()


def test_labels_for_another_place_are_another_survey(
    files: dict[str, Path], tiny: Predictor, tmp_path: Path
) -> None:
    asked = with_labels(files, tmp_path)
    interrupted(asked, tiny, heard=1)
    others = (
        with_labels(files, tmp_path, "raven").labels,
        LabelFiles(folder=tmp_path / "other", form=FORMATS["audacity"]),
        None,
    )
    for other in others:
        with pytest.raises(PasstError, match=r"was begun with labels.*ask as before to go on"):
            survey(replace(asked, labels=other), tiny)


def test_a_name_that_is_too_long_for_its_labels_costs_only_its_sound(
    files: dict[str, Path], tiny: Predictor, tmp_path: Path
) -> None:
    name = "x" * 245 + ".wav"
    files |= {name: write(tmp_path / "sounds" / name, tone(0.3))}
    summary = survey(with_labels(files, tmp_path, "raven"), tiny)
    assert summary.heard == 3
    assert "File name too long" in summary.skipped[name]
    assert summary.skipped[name].endswith("give the sound a shorter name")


def test_a_survey_of_other_settings_is_not_gone_on_with(
    files: dict[str, Path], tiny: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "r.csv"
    first = wanted(files, out)
    with monkeypatch.context() as patch:
        interrupt_after(1, patch)
        with pytest.raises(KeyboardInterrupt):
            survey(first, tiny)
    for other, reason in (
        (replace(first, asked=Classes(top_k=3)), "top-k 2, and now it is 3"),
        (replace(first, settings={"of": "/x"}), "of None, and now it is /x"),
        (replace(first, asked=TIMELY), "now it is"),
    ):
        with pytest.raises(PasstError, match=f"was begun with .*{reason}.* to begin anew"):
            survey(other, tiny)
    assert survey(first, tiny).before == 1


@pytest.mark.parametrize("make", ("text", "tables", "maker"))
def test_a_damaged_journal_is_told(
    files: dict[str, Path], tiny: Predictor, tmp_path: Path, make: str
) -> None:
    notes = journal.path_beside(tmp_path / "r.csv")
    if make == "text":
        notes.write_text("not a journal at all, " * 200)
    else:
        with closing(sqlite3.connect(notes)) as database:
            database.execute(f"CREATE TABLE {'other' if make == 'tables' else 'maker'} (text)")
            database.execute("CREATE TABLE heard (file)")
    with pytest.raises(PasstError, match="is not what a run before this one left .* begin anew"):
        survey(wanted(files, tmp_path / "r.csv"), tiny)


def test_a_journal_that_another_run_writes_is_told(
    files: dict[str, Path], tiny: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "r.csv"
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path: connect(path, timeout=0.1))
    with (
        journal.opened(out, {}),
        pytest.raises(PasstError, match=r"cannot be written .*let another run that writes r\.csv"),
    ):
        survey(wanted(files, out), tiny)


def test_a_table_that_cannot_be_written_leaves_the_journal(
    files: dict[str, Path], tiny: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "r.csv"

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", str(out))

    with monkeypatch.context() as patch:
        patch.setattr(tables, "write", full)
        with pytest.raises(OSError, match="No space left"):
            survey(wanted(files, out), tiny)
    assert journal.path_beside(out).exists()
    assert survey(wanted(files, out), tiny).before == 3


@pytest.mark.parametrize("name", ("r.txt", "r", ".csv"))
def test_a_name_that_says_of_no_form_is_refused(name: str) -> None:
    with pytest.raises(PasstError, match=r"let its name end in \.csv, \.parquet, \.jsonl"):
        wanted({}, Path(name))


def test_labels_of_classes_are_refused(tmp_path: Path) -> None:
    labels = LabelFiles(folder=tmp_path, form=FORMATS["csv"])
    with pytest.raises(PasstError, match="labels are of events"):
        wanted({}, tmp_path / "r.csv", labels=labels)


def test_a_pace_that_does_not_suit_is_refused_before_anything_is_read(
    tiny: Predictor, tmp_path: Path
) -> None:
    asked = replace(TIMELY, pace=Pace(window_s=60.0))
    with pytest.raises(PasstError, match="choose shorter windows"):
        survey(wanted({"a.wav": tmp_path / "a.wav"}, tmp_path / "r.csv", asked=asked), tiny)
    assert not list(tmp_path.iterdir())


def test_no_event_in_any_sound_is_a_table_without_rows(
    files: dict[str, Path], tiny: Predictor, tmp_path: Path
) -> None:
    asked = replace(TIMELY, rule=EventRule(on=1.0, off=1.0))
    for suffix in tables.FORMS:
        out = tmp_path / f"e{suffix}"
        assert survey(wanted(files, out, asked=asked), tiny).rows == 0
    assert parquet.read_table(tmp_path / "e.parquet").column_names[:2] == ["file", "label"]
    assert (tmp_path / "e.jsonl").read_text() == ""
    assert read_csv(tmp_path / "e.csv") == []


def test_the_threads_end_with_the_survey(files: dict[str, Path], tiny: Predictor) -> None:
    found = outcomes(files, tiny, Classes(), workers=3)
    next(found)
    found.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("decode")]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read all files")
def test_a_file_that_may_not_be_read_is_skipped(
    files: dict[str, Path], tiny: Predictor, tmp_path: Path
) -> None:
    files["b.wav"].chmod(0)
    summary = survey(wanted(files, tmp_path / "r.csv"), tiny)
    assert "Permission denied" in summary.skipped["b.wav"]


@pytest.mark.parametrize("asked", (Classes(), TIMELY))
def test_a_file_that_becomes_shorter_while_it_is_read_is_skipped(
    files: dict[str, Path],
    tiny: Predictor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: Asked,
) -> None:
    monkeypatch.setattr("passt_core.inference.survey.asked.HELD_S", 1.0)
    cut_while_read(files["long.flac"], monkeypatch)
    summary = survey(wanted(files, tmp_path / "r.csv", asked=asked), tiny)
    assert summary.heard == 2
    assert "became shorter while it was read" in summary.skipped["long.flac"]


def test_a_survey_is_not_taken_for_a_library_that_is_built(
    files: dict[str, Path], tiny: Predictor, tmp_path: Path
) -> None:
    interrupted(wanted(files, tmp_path / "x.csv"), tiny, heard=1)
    assert unfinished(tmp_path) == ()
