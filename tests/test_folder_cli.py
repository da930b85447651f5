"""``analyze FOLDER --out TABLE``, as a user meets it: the options, the summary, a kill."""

from __future__ import annotations

import csv
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from passt_core.cli import main
from passt_core.files import ROOT
from passt_core.inference.many import BATCH
from passt_core.inference.survey import journal
from passt_core.inference.survey.asked import Heard
from passt_core.inference.survey.journal import Known
from tests.sounds import noise, tone, write


class Ended(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tiny_checkpoint: Path) -> Run:
    """``analyze`` with the tiny model, in this process."""

    def run(*arguments: object) -> Ended:
        capsys.readouterr()
        code = main(["analyze", "--model", str(tiny_checkpoint), *map(str, arguments)])
        return Ended(code, *capsys.readouterr())

    return run


@pytest.fixture
def refused(run: Run) -> Callable[..., str]:
    """Run a command that must end in one line on standard error, and return that line."""

    def refused(*arguments: object) -> str:
        ended = run(*arguments)
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1), ended
        assert ended.err.startswith("error: ")
        return ended.err

    return refused


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two sounds that can be heard, and much that cannot."""
    folder = tmp_path / "sounds"
    (folder / "Dög" / ".hidden").mkdir(parents=True)
    write(folder / "tone.wav", tone(0.5))
    write(folder / "Dög" / "noise.FLAC", noise(12.0))
    write(folder / "Dög" / ".hidden" / "x.wav", tone(0.5))
    write(folder / "._tone.wav", tone(0.5))
    (folder / "notes.txt").write_text("no sound")
    (folder / "Dög" / "up").symlink_to(folder, target_is_directory=True)
    return folder


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_folder_becomes_a_table(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.csv"
    ended = run(folder, "--out", out, "--top-k", 3)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        f"table    {out}",
        "model    tiny",
        "sounds   2",
        "seconds  12.500",
        "rows     12",
    ]
    rows = read(out)
    assert [(row["file"], row["scope"]) for row in rows[::3]] == [
        ("Dög/noise.FLAC", "clip"),
        ("Dög/noise.FLAC", "window"),
        ("Dög/noise.FLAC", "window"),
        ("tone.wav", "clip"),
    ]


def test_a_single_sound_becomes_one_too(run: Run, folder: Path, tmp_path: Path) -> None:
    assert run(folder / "tone.wav", "--out", tmp_path / "r.csv").code == 0
    assert {row["file"] for row in read(tmp_path / "r.csv")} == {"tone.wav"}


def test_a_list_of_a_library_in_the_folder_is_not_read(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    (folder / "library.csv").write_text("price,title\n1,x\n")
    ended = run(folder, "--out", tmp_path / "r.csv")
    assert (ended.code, ended.err) == (0, "")
    assert "sounds   2" in ended.out


def test_events_and_labels(run: Run, folder: Path, tmp_path: Path) -> None:
    options = ("--events", "--window", 1, "--hop", 0.5, "--on", 0.4, "--off", 0.35)
    more = ("--least", 0.5, "--merge", 1, "--labels", tmp_path / "labels", "--json")
    ended = run(folder, "--out", tmp_path / "e.jsonl", *options, *more)
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    lines = (tmp_path / "e.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert told == {
        "table": str(tmp_path / "e.jsonl"),
        "model": "tiny",
        "sounds": 2,
        "seconds": 12.5,
        "rows": len(rows),
        "labels": str(tmp_path / "labels"),
    }
    assert rows
    assert all(row["peak"] >= 0.4 and row["end_s"] - row["start_s"] >= 0.5 for row in rows)
    audacity = (tmp_path / "labels" / "Dög" / "noise.FLAC.txt").read_text(encoding="utf-8")
    of_file = [row for row in rows if row["file"] == "Dög/noise.FLAC"]
    assert [line.split("\t")[2] for line in audacity.splitlines()] == [r["label"] for r in of_file]


def test_skipped_files_are_told(run: Run, folder: Path, tmp_path: Path) -> None:
    for number in range(22):
        (folder / f"bad{number:02d}.wav").write_text("not a sound")
    ended = run(folder, "--out", tmp_path / "r.csv")
    assert ended.code == 0
    lines = ended.err.splitlines()
    assert len(lines) == 21
    assert lines[0].startswith("skipped bad00.wav: bad00.wav is not a sound that can be read")
    assert lines[-1] == f"skipped 2 more: see {tmp_path / 'r.csv.skipped.csv'}"
    assert "skipped  22" in ended.out
    assert len(read(tmp_path / "r.csv.skipped.csv")) == 22


@pytest.mark.parametrize(
    ("options", "reason"),
    (
        (
            "",
            "is not a file but a folder; say where the table of its sounds goes, such as --out",
        ),
        ("--events", "--events is of a table, and none was asked for; give --out"),
        ("--hop 1", "--hop is of a table, and none was asked for; give --out"),
        ("--out r.txt", "let its name end in .csv, .parquet, .jsonl"),
        ("--out r.csv --hop 1", "--hop is of events; give --events with it"),
        ("--out r.csv --labels x", "--labels is of events; give --events with it"),
        ("--out r.csv --events --labels-format raven", "give --labels DIR too"),
        ("--out r.csv --events --labels x --labels-format srt", "'srt'; use one of csv, audacity"),
        ("--workers 3", "--workers is of a table, and none was asked for; give --out"),
        ("--out r.csv --patchout-time 3", "leave the patchout options out"),
        ("--out r.csv --seed 0", "--seed is of patchout, and a table is of whole sounds"),
        ("--out r.csv --events --top-k 5", "--top-k is of classes, and --events was given"),
        ("--out r.csv --events --on 2", "at most 1"),
        ("--out r.csv --events --off 0.9", "no higher than the second"),
        ("--out r.csv --events --window 0.01", "0.16 s or more"),
        ("--out r.csv --events --window 60", "choose shorter windows"),
        ("--out r.csv --events --hop 0.0333", "whole frames"),
        ("--out r.csv --events --hop 5", "sound would be left out"),
        ("--out r.csv --events --least -1", "must be 0 or more"),
        ("--out r.csv --workers 0", "--workers is '0'; it must be 1 or more"),
        ("--out r.csv --events --on many", "--on is 'many'; it must be a number"),
    ),
)
def test_bad_options(
    refused: Callable[..., str],
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: str,
    reason: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert reason in refused(folder, *options.split())
    assert [path.name for path in tmp_path.iterdir()] == ["sounds"]


def test_a_folder_without_sounds(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    line = refused(tmp_path / "empty", "--out", tmp_path / "r.csv")
    assert "there is no sound in" in line


def test_what_is_not_there(refused: Callable[..., str], tmp_path: Path) -> None:
    line = refused(tmp_path / "nothing", "--out", tmp_path / "r.csv")
    assert "nothing cannot be opened (No such file or directory)" in line
    line = refused(tmp_path / ("x" * 300 + ".wav"), "--out", tmp_path / "r.csv")
    assert "cannot be opened (File name too long)" in line


def test_a_table_that_is_there(refused: Callable[..., str], folder: Path, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("mine")
    assert "r.csv is there already" in refused(folder, "--out", tmp_path / "r.csv")
    assert (tmp_path / "r.csv").read_text() == "mine"


def test_a_table_that_cannot_be(refused: Callable[..., str], folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused(folder, "--out", tmp_path / "file" / "r.csv")


@pytest.mark.parametrize(("heard", "said"), ((0, "nothing was heard yet"), (1, "to go on")))
def test_an_interruption_says_how_to_go_on(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heard: int, said: str
) -> None:
    from passt_core.inference.survey import run as surveys

    whole = surveys.outcomes

    def interrupted(files: dict[str, Path], *rest: Any, **options: Any) -> Any:
        some = {file: files[file] for file in list(files)[:heard]}
        yield from whole(some, *rest, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(surveys, "outcomes", interrupted)
        ended = run(folder, "--out", tmp_path / "r.csv")
    assert (ended.code, ended.out) == (130, "")
    assert ended.err.strip().endswith(said)
    assert journal.path_beside(tmp_path / "r.csv").exists() == bool(heard)
    again = run(folder, "--out", tmp_path / "r.csv")
    assert ("heard before  1" in again.out) == bool(heard)


def test_other_options_than_before(
    refused: Callable[..., str], run: Run, folder: Path, tmp_path: Path
) -> None:
    with journal.opened(tmp_path / "r.csv", {"top-k": 5}) as notes:
        notes.keep({Known("x.wav", 1, 1): Heard(duration_s=1.0, rows=())})
    assert "was begun with" in refused(folder, "--out", tmp_path / "r.csv")


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on(tiny_checkpoint: Path, tmp_path: Path) -> None:
    """SIGKILL in the middle: no sound is heard twice, none is lost, no half table is seen."""
    folder, out = tmp_path / "sounds", tmp_path / "r.csv"
    folder.mkdir()
    for number in range(120):
        write(folder / f"{number:03d}.wav", noise(0.2, seed=number))
    options = ("--model", str(tiny_checkpoint), "--out", str(out))
    command = [sys.executable, "-m", "passt_core", "analyze", str(folder), *options]
    notes = journal.path_beside(out)
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    while process.poll() is None and _kept(notes, options="immutable=1") <= BATCH:
        time.sleep(0.005)  # more than one batch: then the first is surely kept
    process.kill()
    assert process.wait() == -signal.SIGKILL
    kept = _kept(notes)
    assert BATCH <= kept < 120, "it was killed in the middle"
    assert not out.exists()
    ended = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert f"heard before  {kept}\n" in ended.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.csv", "sounds"]
    rows = read(out)
    assert [row["file"] for row in rows[::5]] == [f"{number:03d}.wav" for number in range(120)]
    assert len(rows) == 600


def _kept(notes: Path, options: str = "mode=rw") -> int:
    """Sounds in a journal; ``immutable=1`` looks past the lock of a run that is writing it."""
    try:
        with closing(sqlite3.connect(f"file:{notes}?{options}", uri=True)) as database:
            return int(database.execute("SELECT count(*) FROM heard").fetchone()[0])
    except sqlite3.Error:
        return 0
