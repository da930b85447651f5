"""What stands behind the Library tab, without a browser: uploads, own libraries, handlers."""

from __future__ import annotations

import asyncio
import csv
import gc
import os
import zipfile
from collections.abc import Callable, Iterator
from copy import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from passt_core.errors import LibraryError, PasstError
from passt_core.inference import many
from passt_core.inference.predictor import Predictor
from passt_core.library import journal
from passt_core.network.registry import BUNDLED
from passt_ui.lab.sounds import library_choices, of_library, stored
from passt_ui.library import labels, views, watch
from passt_ui.library.building import BuildHandlers
from passt_ui.library.facts import facts_of
from passt_ui.library.handlers import LibraryHandlers
from passt_ui.library.listed import ListedLibrary, Owner, find, of_app
from passt_ui.library.shown import LibraryShown
from passt_ui.library.uploaded import UploadedLibraries
from passt_ui.library.uploads import Room, take_in
from passt_ui.library.visit import LibraryVisit, left
from passt_ui.models import OWN
from passt_ui.services import ModelShelf, Services, Visitor, visitor_with
from passt_ui.settings import Settings
from passt_ui.tabs import library, search
from tests.sounds import TINY, noise, randomised, save_network, tone, write

pytestmark = pytest.mark.filterwarnings("ignore:The value passed into gr.Dropdown")
"""Gradio says so of several values at once, in an update."""

HOSTILE = '"><script>alert(1)</script>.wav'
PLENTY = Room(sounds=99, bytes=1 << 30)

Changes = dict[Any, Any]


@pytest.fixture(autouse=True)
def _uploads_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Three sounds, one that is none, and their labels, as they are uploaded."""
    folder = tmp_path / "given"
    folder.mkdir()
    write(folder / "a hum.wav", tone(0.6, hz=200))
    write(folder / "b hiss.wav", noise(0.6))
    write(folder / "c low.wav", tone(0.6, hz=90))
    (folder / "text.wav").write_text("no sound")
    table = "file,label\nsomewhere/a hum.wav,Hum\nb hiss.wav,Hiss\nc 'low'.wav,Hum\n"
    (folder / "labels.csv").write_text(table, encoding="utf-8")
    return sorted(str(path) for path in folder.iterdir())


def _zip(path: Path, names: dict[str, bytes | Path]) -> str:
    with zipfile.ZipFile(path, "w") as bundle:
        for name, data in names.items():
            if isinstance(data, Path):
                bundle.write(data, name)
            else:
                bundle.writestr(name, data)
    return str(path)


def _services(tiny: Predictor, **settings: object) -> Services:
    chosen = Settings(device="cpu", **settings)
    storage = UploadedLibraries.of_storage(chosen.storage) if chosen.storage else None
    shelf = ModelShelf(chosen, tiny)
    first = visitor_with(chosen, tiny)
    return Services(settings=chosen, shelf=shelf, first=first, storage=storage)


def _handlers(services: Services) -> LibraryHandlers:
    """The handlers over a tab; built in an event loop, for Gradio would leave its own open."""

    async def built() -> LibraryHandlers:
        with gr.Blocks(), gr.Tab("Library") as tab:
            shown = LibraryShown(
                state=gr.State(None),
                speaks=gr.HTML(),
                choice=gr.Dropdown([]),
                notice=gr.HTML(),
                hits=gr.HTML(),
                search=search.build(services),
                about=gr.HTML(),
            )
            return LibraryHandlers(
                services=services,
                visit=gr.State(None),
                tab=library.build(services, tab),
                shown=shown,
            )

    return asyncio.run(built())


@pytest.fixture
def on(tiny: Predictor) -> LibraryHandlers:
    return _handlers(_services(tiny))


def _all(work: Iterator[Changes]) -> Changes:
    """What the page shows after all of a handler's changes."""
    shown: Changes = {}
    for changes in work:
        assert changes
        shown |= changes
    return shown


def _built(
    on: LibraryHandlers, files: list[str], name: str = "mine", visit: LibraryVisit | None = None
) -> tuple[Visitor, LibraryVisit]:
    shown = _all(on.building.build(None, visit, name, files))
    visit = shown[on.visit]
    assert on.tab.notice not in shown or not shown[on.tab.notice].visible, shown[
        on.tab.notice
    ].value
    return on.built(None, visit, 5)[on.shown.state], visit


def _notice(on: LibraryHandlers, shown: Changes) -> str:
    assert shown[on.tab.notice].visible
    assert "Traceback" not in shown[on.tab.notice].value
    return shown[on.tab.notice].value


# uploads


def _rows(batch: Path) -> list[dict[str, str]]:
    with (batch / "library.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _batch(tmp_path: Path) -> Path:
    batch = tmp_path / "007"
    batch.mkdir()
    return batch


def test_uploads_are_numbered_and_keep_their_names_as_text(
    tmp_path: Path, files: list[str]
) -> None:
    batch = _batch(tmp_path)
    arrived = take_in([Path(file) for file in files], batch, PLENTY)
    assert (arrived.sounds, arrived.labelled, arrived.left_out) == (4, 3, ())
    rows = _rows(batch)
    assert [(row["file"], row["id"], row["label"]) for row in rows] == [
        ("007-00000.wav", "a hum.wav", "Hum"),
        ("007-00001.wav", "b hiss.wav", "Hiss"),
        ("007-00002.wav", "c low.wav", "Hum"),
        ("007-00003.wav", "text.wav", ""),
    ]
    assert sorted(p.name for p in batch.iterdir()) == [*(r["file"] for r in rows), "library.csv"]
    assert labels.titles(batch)["007-00001.wav"] == "b hiss.wav"


def test_a_zip_gives_its_sounds_its_folders_and_its_table(tmp_path: Path, files: list[str]) -> None:
    hum, hiss = Path(files[0]), Path(files[1])
    archive = _zip(
        tmp_path / "z.zip",
        {
            "x/Dog/1.wav": hum,
            "x/Cat/1.wav": hiss,
            "x/Cat/2.wav": hiss,
            "x/labels.csv": b"\xef\xbb\xbffile,label,licence\nCat/2.wav,Kitten,CC0\n",
            "x/read.me": b"",
        },
    )
    batch = _batch(tmp_path)
    arrived = take_in([Path(archive), hum], batch, PLENTY, taken=["a hum.wav"])
    known = [(row["id"], row["label"], row["licence"]) for row in _rows(batch)]
    assert known == [
        ("x/Dog/1.wav", "Dog", ""),
        ("x/Cat/1.wav", "Cat", ""),
        ("x/Cat/2.wav", "Kitten", "CC0"),
        ("a hum.wav (2)", "", ""),
    ]
    assert arrived.left_out == (("z.zip", "1 of its files left out: not sounds"),)
    assert not [path for path in batch.iterdir() if path.is_dir()]


@pytest.mark.parametrize(
    "name",
    [
        HOSTILE.replace("/", ":"),
        "line\nbreak.wav",
        "\u202egnp.wav",
        "emoji \U0001f40d.wav",
        "=cmd|calc.wav",
        "..wav..wav",
        "%2e%2e%2f.wav",
        "con.wav",
        "n" * 250 + ".wav",
        "ünïcödé 鳥.wav",
        "\\..\\..\\a.wav",
        "C:a.wav",
        b"not utf-8 \xff\xfe.wav",
    ],
)
def test_odd_names_are_only_text(tmp_path: Path, name: str | bytes) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    path = folder / (os.fsdecode(name) if isinstance(name, bytes) else name)
    write(folder / "plain.wav", tone(0.2)).rename(path)
    batch = _batch(tmp_path)
    take_in([path], batch, PLENTY)
    assert sorted(p.name for p in batch.iterdir()) == ["007-00000.wav", "library.csv"]
    kept = _rows(batch)[0]["id"]
    assert kept.isprintable()
    assert 0 < len(kept) <= labels.LONGEST
    assert {p.name for p in tmp_path.iterdir()} == {"given", "007"}


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (b"name,label\na,b\n", "no column 'file'"),
        (b"", "no column 'file'"),
        (b"file,label\n\xff\xfe\xfa,x\n", "cannot be read as labels"),
        (b'file,label\n"open,x\n', "cannot be read as labels"),
        (b"file,label\n" + b"a" * 200_000 + b",x\n", "cannot be read as labels"),
    ],
)
def test_a_table_that_is_none_is_left_out_and_told(
    tmp_path: Path, files: list[str], table: bytes, reason: str
) -> None:
    (tmp_path / "bad.csv").write_bytes(table)
    arrived = take_in([Path(files[0]), tmp_path / "bad.csv"], _batch(tmp_path), PLENTY)
    (name, told), *_ = arrived.left_out
    assert name == "bad.csv"
    assert reason in told


def test_rows_find_their_sounds() -> None:
    rows = {"dog/a.wav": {"label": "1"}, "cat/a.wav": {"label": "2"}, "b c.wav": {"label": "3"}}
    found = labels.Labels.of(rows)
    assert found.of_sound("x/dog/a.wav") == {"label": "1"}
    assert found.of_sound("a.wav") == {}  # either could be meant
    assert found.of_sound("bc.wav") == {"label": "3"}
    assert found.of_sound("") == {}


@pytest.mark.parametrize(
    ("room", "message"),
    [
        (Room(sounds=2, bytes=1 << 30), "room for 2 more"),
        (Room(sounds=9, bytes=1000), "room for 0.0 more"),
    ],
)
def test_what_there_is_no_room_for_is_refused(
    tmp_path: Path, files: list[str], room: Room, message: str
) -> None:
    with pytest.raises(LibraryError, match=message):
        take_in([Path(file) for file in files], _batch(tmp_path), room)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.txt", b"text", "no sound among these files .a.txt: it is no sound"),
        ("a.zip", b"PK", "cannot be read as a zip"),
        ("a.csv", b"file,label\n", "no sound among these files"),
    ],
)
def test_an_upload_without_a_sound_is_refused(
    tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(PasstError, match=message):
        take_in([tmp_path / name], _batch(tmp_path), PLENTY)


def test_an_upload_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="upload it again"):
        take_in([tmp_path / "gone.wav"], _batch(tmp_path), PLENTY)


# libraries of one's own


@pytest.mark.parametrize(
    "name",
    ["..", "../x", "/etc", "a/b", "a\\b", ".hidden", "", "a\0b", "a\n", "x" * 61, "CON\u202e"],
)
def test_a_name_never_leads_out(tmp_path: Path, name: str) -> None:
    own = UploadedLibraries(tmp_path / "own", Owner.OWN)
    for use in (own.library, own.delete, lambda n: own.room(n, 1)):
        with pytest.raises(LibraryError, match="cannot be called"):
            use(name)
    for manager in (own.working, own.batch):
        with pytest.raises(LibraryError, match="cannot be called"), manager(name):
            pass
    assert not list(tmp_path.iterdir())


def test_a_batch_that_fails_leaves_nothing(tmp_path: Path) -> None:
    own = UploadedLibraries(tmp_path, Owner.OWN)
    with own.batch("x") as kept:
        assert kept.name == "000"
    with pytest.raises(FileNotFoundError), own.batch("x") as batch:
        (batch / "a.wav").rename(batch / "b.wav")
    assert list((tmp_path / "sounds" / "x").iterdir()) == [kept]


def test_one_at_a_time_changes_a_library(tmp_path: Path) -> None:
    own = UploadedLibraries(tmp_path, Owner.OWN)
    busy = pytest.raises(LibraryError, match="x is being changed just now")
    with own.working("x"), own.working("y"), busy, own.working("x"):
        pass
    with own.working("x"):
        pass


@pytest.mark.parametrize("key", ["", "own:", "own:../../etc", "app:../bundled", "x", "stored:mine"])
def test_a_key_is_looked_up_and_never_opened(on: LibraryHandlers, key: str) -> None:
    with pytest.raises(LibraryError, match="any more; choose another"):
        find(key, on.services.listed())
    shown = on.choose(None, None, key, 5)
    assert "any more; choose another" in shown[on.shown.notice].value
    assert on.shown.state not in shown


def test_a_visit_leaves_nothing_behind(on: LibraryHandlers, files: list[str]) -> None:
    _, visit = _built(on, files)
    folder = visit.folder
    assert folder.is_dir()
    left(visit)
    assert not folder.exists()
    left(None)


def test_a_visit_that_is_forgotten_leaves_nothing_behind(tmp_path: Path) -> None:
    visit = LibraryVisit(None)
    folder = visit.folder
    with visit.libraries.batch("x"):
        pass
    assert folder.is_dir()
    del visit
    gc.collect()
    assert not folder.exists()


# the tab


def test_from_files_to_a_library_in_hand(on: LibraryHandlers, files: list[str]) -> None:
    shown = _all(on.building.build(None, None, " mine ", files))
    visit = shown[on.visit]
    told = shown[on.tab.summary]
    assert "3 clips, 2 labels" in told
    assert "<b>text.wav</b>: is not a sound" in told
    assert str(visit.folder) not in told
    assert shown[on.tab.files] is None
    shown = on.built(None, visit, 5)
    visitor = shown[on.shown.state]
    assert visitor.library.name == "mine"
    assert visitor.library_key
    assert on.services.libraries.library(visitor.library_key) is visitor.library
    assert not on.services.libraries.is_shared(visitor.library_key)
    assert shown[on.shown.choice].value == "own:mine"
    assert ("mine · 3 sounds · yours", "own:mine") in shown[on.shown.choice].choices
    assert "library <b>mine</b>, 3 sounds" in shown[on.shown.speaks]
    assert 'data-choose="own:mine" aria-current="true"' in shown[on.tab.cards]
    assert shown[on.tab.clips].visible
    assert shown[on.shown.search.map]["key"] == visitor.library_key
    assert on.built(None, visit, 5) == {on.visit: visit}  # only once
    left(visit)


def test_another_visitor_sees_nothing_of_it(on: LibraryHandlers, files: list[str]) -> None:
    _, visit = _built(on, files)
    other = on.enter(None, None)
    assert "mine" not in other[on.tab.cards]
    assert "any more" in on.choose(None, other[on.visit], "own:mine", 5)[on.shown.notice].value
    left(visit)


def test_more_is_added_and_what_was_heard_is_not_heard_again(
    on: LibraryHandlers, files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor, visit = _built(on, files)
    heard: list[int] = []
    _counted(monkeypatch, heard)
    more = write(tmp_path / "d.wav", noise(0.5, seed=9))
    shown = _all(on.building.add(visitor, visit, [str(more), files[0]]))
    assert "4 clips" in shown[on.tab.summary]
    assert "<b>a hum.wav (2)</b>: the same as a hum.wav" in shown[on.tab.summary]
    assert heard == [1]
    visitor = on.built(visitor, visit, 5)[on.shown.state]
    assert "d.wav" in {clip.id for clip in visitor.library.clips}
    left(visit)


def test_clips_are_found_ticked_and_removed(on: LibraryHandlers, files: list[str]) -> None:
    visitor, visit = _built(on, files)
    picked = on.find_clips(visitor, " HUM ", ["c low.wav", "b hiss.wav"])[on.tab.picked]
    assert picked.choices == [("a hum.wav · Hum", "a hum.wav"), ("c low.wav · Hum", "c low.wav")]
    assert picked.value == ["c low.wav"], "what is ticked stays so where it is seen"
    entered = on.enter(visitor, visit)
    assert not {on.tab.filter, on.tab.picked} & entered.keys(), "what is looked for stays so"
    assert "no sound is ticked" in on.remove(visitor, visit, [], 5)[on.tab.told].value
    shown = on.remove(visitor, visit, ["a hum.wav"], 5)
    assert "1 sound removed from mine; 2 left." in shown[on.tab.told].value
    assert [c.id for c in shown[on.shown.state].library.clips] == ["b hiss.wav", "c low.wav"]
    gone = on.remove(visitor, visit, ["a hum.wav"], 5)  # of a page that is behind
    assert "has no clip or file &#x27;a hum.wav" in gone[on.tab.told].value
    all_of_it = on.remove(visitor, visit, ["b hiss.wav", "c low.wav"], 5)
    assert "delete it instead" in all_of_it[on.tab.told].value
    back = _all(on.building.add(shown[on.shown.state], visit, [files[0]]))
    assert "3 clips" in back[on.tab.summary]
    left(visit)


def test_deleting_asks_and_takes_all_of_it(on: LibraryHandlers, files: list[str]) -> None:
    visitor, visit = _built(on, files)
    assert "Delete <b>mine</b>, 3 sounds" in on.ask(visitor)[on.tab.question]
    assert on.keep()[on.tab.question] == ""
    shown = on.delete(visitor, visit, 5)
    assert "mine is deleted." in shown[on.tab.told].value
    assert shown[on.shown.state].chosen == of_app(BUNDLED)
    assert not [p for p in visit.folder.rglob("*") if p.is_file()]
    for again in (
        on.delete(visitor, visit, 5)[on.tab.told].value,
        on.remove(visitor, visit, ["a hum.wav"], 5)[on.tab.told].value,
        _notice(on, _all(on.building.add(visitor, visit, files))),
        _notice(on, _all(on.building.rebuild(visitor, visit))),
    ):
        assert "was deleted meanwhile" in again
    assert not [p for p in visit.folder.rglob("*") if p.is_file()]
    left(visit)


def test_what_comes_with_the_app_is_not_changed(on: LibraryHandlers, files: list[str]) -> None:
    before = sorted(p.stat().st_mtime_ns for p in of_app(BUNDLED).folder.iterdir())
    first = on.services.first
    for told in (
        on.delete(first, None, 5)[on.tab.told].value,
        on.remove(first, None, ["rain-01"], 5)[on.tab.told].value,
        _notice(on, _all(on.building.add(first, None, files))),
        _notice(on, _all(on.building.rebuild(first, None))),
    ):
        assert "comes with the app" in told
        assert "python -m passt_core library" in told
    assert on.ask(first)[on.tab.question] == ""
    assert sorted(p.stat().st_mtime_ns for p in of_app(BUNDLED).folder.iterdir()) == before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "no name yet"),
        (None, "no name yet"),
        ("   ", "no name yet"),
        ("../x", "cannot be called"),
        ("bundled", "is a library &#x27;bundled&#x27; already"),
        ("BUNDLED", "already"),
        ("mine", "already"),
    ],
)
def test_a_name_that_will_not_do_is_told(
    on: LibraryHandlers, files: list[str], name: str | None, message: str
) -> None:
    _, visit = _built(on, files)
    assert message in _notice(on, _all(on.building.build(None, visit, name, files)))
    left(visit)


@pytest.mark.parametrize("given", [None, []])
def test_without_files_it_says_what_to_do(on: LibraryHandlers, given: list[str] | None) -> None:
    shown = _all(on.building.build(None, None, "x", given))
    assert "no sound here yet" in _notice(on, shown)
    assert shown[on.tab.build].interactive


def test_files_of_which_none_can_be_heard_are_named(on: LibraryHandlers, files: list[str]) -> None:
    shown = _all(on.building.build(None, None, "x", [files[-1]]))
    visit = shown[on.visit]
    assert "text.wav is not a sound" in _notice(on, shown)
    assert str(visit.folder) not in _notice(on, shown)
    assert not [p for p in (visit.folder / "sounds").rglob("*") if p.is_file()]
    left(visit)


def test_limits_are_those_of_the_settings(tiny: Predictor, files: list[str]) -> None:
    on = _handlers(_services(tiny, max_libraries=1, max_library_sounds=4))
    visitor, visit = _built(on, files)
    assert "room for 1 more" in _notice(on, _all(on.building.add(visitor, visit, files[:3])))
    assert "1 libraries already" in _notice(on, _all(on.building.build(None, visit, "b", files)))
    left(visit)


def _counted(monkeypatch: pytest.MonkeyPatch, heard: list[int]) -> None:
    """Note how many sounds the model is given at a time."""
    real = many._together

    def together(sounds: dict[str, Any], *others: Any) -> dict[str, Any]:
        heard.append(len(sounds))
        return real(sounds, *others)

    monkeypatch.setattr(many, "_together", together)


def _stepwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "TELL_EVERY_S", 0.0)
    monkeypatch.setattr(many, "BATCH", 1)


def _until(work: Iterator[Changes], on: LibraryHandlers, words: str) -> Changes:
    shown: Changes = {}
    for changes in work:
        shown |= changes
        if words in str(changes.get(on.tab.progress, "")):
            return shown
    raise AssertionError(f"{words} was never told")


def test_a_build_that_is_stopped_goes_on_where_it_was(
    on: LibraryHandlers, files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _stepwise(monkeypatch)
    work = on.building.build(None, None, "mine", files)
    visit = _until(work, on, "Listened to 1 of")[on.visit]
    busy = _all(on.building.build(None, visit, "other", files))
    assert "is being built" in _notice(on, busy)
    assert on.tab.build not in busy  # the page still shows that it goes on
    assert on.building.stop(visit)[on.tab.stop].interactive is False
    shown = _all(work)
    assert "Stopped. Kept: the 2 sounds" in _notice(on, shown)
    assert shown[on.tab.build].interactive
    home = visit.libraries.library("mine").folder
    assert journal.path_beside(home).is_file()
    assert not home.exists()
    assert not list((visit.folder / "sounds").rglob("*.wav"))
    heard: list[int] = []
    _counted(monkeypatch, heard)
    assert "3 clips" in _all(on.building.build(None, visit, "mine", files))[on.tab.summary]
    assert sum(heard) < 3
    assert not journal.path_beside(home).exists()
    left(visit)


def test_another_model_stops_a_build(
    on: LibraryHandlers, files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _stepwise(monkeypatch)
    work = on.building.build(None, None, "mine", files)
    visit = _until(work, on, "Listened to")[on.visit]
    on.building.model_changed(visit, OWN)  # only asks for a file
    assert not visit.work.stopped
    on.building.model_changed(visit)
    assert "another model was chosen" in _notice(on, _all(work))
    idle = on.building.model_changed(visit)
    assert on.tab.progress not in idle
    left(visit)


def test_a_visitor_who_leaves_while_it_is_built(
    on: LibraryHandlers, files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _stepwise(monkeypatch)
    work = on.building.build(None, None, "mine", files)
    visit = _until(work, on, "Listened to")[on.visit]
    left(visit)
    assert "The visit has ended" in _notice(on, _all(work))
    work = on.building.build(None, visit, "mine", files)
    _until(work, on, "Listened to")
    work.close()  # as the page does when the browser goes
    assert not visit.work.running
    with visit.libraries.working("mine"):
        pass
    left(visit)
    assert not visit.folder.exists()


@pytest.fixture
def other(tmp_path: Path) -> Predictor:
    """Another model."""
    path = save_network(tmp_path / "other.safetensors", randomised(TINY, seed=5))
    return Predictor.from_checkpoint(path, device="cpu")


def test_a_library_of_another_model_is_shown_refused_and_rebuilt(
    on: LibraryHandlers, files: list[str], other: Predictor
) -> None:
    visitor, visit = _built(on, files)
    settings = on.services.settings
    changed = visitor_with(settings, other, shelf=on.services.libraries, chosen=visitor.chosen)
    assert changed.library is None
    assert changed.chosen == visitor.chosen
    assert "embeddings cannot be compared" in changed.library_problem
    assert str(visit.folder) not in changed.library_problem
    shown = on.enter(changed, visit)
    assert shown[on.shown.choice].value == "own:mine"
    assert "of another model: tiny" in shown[on.tab.cards]
    assert shown[on.tab.rebuild].visible
    assert not shown[on.tab.clips].visible
    assert "cannot be compared" in on.remove(changed, visit, ["a hum.wav"], 5)[on.tab.told].value
    assert "cannot be compared" in on.export(changed, visit, "csv")[on.tab.told].value
    told = _all(on.building.rebuild(changed, visit))[on.tab.summary]
    assert "was listened to again: 3 clips" in told
    rebuilt = on.built(changed, visit, 5)[on.shown.state]
    assert rebuilt.library is not None
    back = on.choose(on.services.first, visit, "own:mine", 5)
    assert "cannot be compared" in back[on.shown.notice].value
    assert on.delete(rebuilt, visit, 5)
    left(visit)


def test_the_library_of_a_head_is_of_its_body(
    on: LibraryHandlers, files: list[str], other: Predictor, tiny: Predictor
) -> None:
    """A head trained in the Lab has another file than the checkpoint that embeds."""
    headed = Visitor(predictor=other, library=None, trunk=tiny.checkpoint)
    shown = _all(on.building.build(headed, None, "mine", files))
    visit = shown[on.visit]
    assert on.built(headed, visit, 5)[on.shown.state].library is not None
    left(visit)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_table_tells_nothing_of_this_machine(
    on: LibraryHandlers, files: list[str], form: str
) -> None:
    visitor, visit = _built(on, files)
    shown = on.export(visitor, visit, form)
    path = Path(shown[on.tab.download].value["path"])
    assert path.name == "mine__tiny.zip"
    with zipfile.ZipFile(path) as bundle:
        names = {name.rpartition("/")[2] for name in bundle.namelist()} - {""}
        assert names == {f"clips.{form}", "files.csv", "embeddings.npy"}
        whole = b"".join(bundle.read(name) for name in bundle.namelist())
    assert str(visit.folder).encode() not in whole
    if form == "csv":
        assert b"a hum.wav" in whole
    assert "unknown" not in on.export(visitor, visit, form)[on.tab.told].value
    assert "use one of" in on.export(visitor, visit, "xlsx")[on.tab.told].value
    left(visit)


def test_what_is_stored_is_shared_and_stays(
    tiny: Predictor, files: list[str], tmp_path: Path
) -> None:
    on = _handlers(_services(tiny, storage=tmp_path / "storage"))
    visitor, visit = _built(on, files)
    assert visitor.chosen.key == "stored:mine"
    left(visit)
    later = _handlers(_services(tiny, storage=tmp_path / "storage", library="mine"))
    assert ("mine · 3 sounds · stored", "stored:mine") in later.enter(None, None)[
        later.shown.choice
    ].choices
    shown = later.choose(None, None, "stored:mine", 5)
    again = shown[later.shown.state]
    assert again.library.name == "mine"
    assert "Nobody will have it any more" in later.ask(again)[later.tab.question]
    later.delete(again, shown[later.visit], 5)
    assert "was deleted meanwhile" in on.delete(visitor, visit, 5)[on.tab.told].value
    assert not [p for p in (tmp_path / "storage").rglob("*") if p.is_file()]


def test_nothing_is_added_to_a_library_of_another_precision(
    tiny: Predictor, files: list[str], tmp_path: Path
) -> None:
    _, visit = _built(_handlers(_services(tiny, storage=tmp_path / "storage")), files)
    left(visit)
    other = copy(tiny)
    other.precision = "int8"
    on = _handlers(_services(other, storage=tmp_path / "storage", library="mine"))
    shown = on.choose(None, None, "stored:mine", 5)
    visitor, visit = shown[on.shown.state], shown[on.visit]
    told = _notice(on, _all(on.building.add(visitor, visit, files)))
    assert "made in fp32, and this app listens in int8" in told
    assert str(tmp_path) not in told
    left(visit)


def test_a_storage_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LibraryError, match="set PASST_STORAGE to a folder"):
        UploadedLibraries.of_storage(tmp_path / "file" / "x")


def test_an_empty_setting_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASST_STORAGE", "")
    assert Settings().storage is None


def test_a_damaged_library_is_told_without_folders_of_this_machine(
    on: LibraryHandlers, files: list[str]
) -> None:
    visitor, visit = _built(on, files)
    (visitor.library.folder / "clips.csv").write_text("damaged", encoding="utf-8")
    shown = on.choose(visitor, visit, "own:mine", 5)
    assert "is damaged; delete it" in shown[on.shown.notice].value
    for part in (on.shown.notice, on.tab.details, on.tab.cards):
        assert str(visit.folder) not in getattr(shown[part], "value", shown[part])
    assert "mine is deleted" in on.delete(shown[on.shown.state], visit, 5)[on.tab.told].value
    left(visit)


def test_a_bug_leaves_the_page_usable(
    on: LibraryHandlers, files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BuildHandlers, "_told", lambda *_: 1 / 0)
    shown: list[Changes] = []
    with pytest.raises(ZeroDivisionError):
        shown.extend(on.building.build(None, None, "mine", files))
    assert shown[-1][on.tab.build].interactive is True
    left(shown[0][on.visit])


def test_names_and_labels_are_escaped(on: LibraryHandlers, tmp_path: Path) -> None:
    sound = write(tmp_path / HOSTILE.replace("/", ":"), tone(0.3))
    other_ = write(tmp_path / "b.wav", noise(0.3))
    bad = tmp_path / f"bad{HOSTILE.replace('/', ':')}"
    bad.write_text("no sound")
    table = tmp_path / "t.csv"
    table.write_text("file,label\nb.wav,<img src=x onerror=alert(1)>\n", encoding="utf-8")
    shown = _all(on.building.build(None, None, "x", [str(p) for p in (sound, other_, bad, table)]))
    visit = shown[on.visit]
    html = shown[on.tab.summary]
    shown = on.built(None, visit, 5)
    html += (
        shown[on.tab.cards] + shown[on.tab.details] + on.ask(shown[on.shown.state])[on.tab.question]
    )
    assert "<script" not in html
    assert "<img src=x" not in html
    left(visit)


def test_cards_and_details_say_all_there_is_to_know(tiny: Predictor) -> None:
    bundled = Predictor.from_checkpoint(device="cpu")
    found = facts_of(of_app(BUNDLED), bundled.checkpoint)
    html = views.details(found, "")
    for word in ("sounds", "classes", "min", "exact", "trustworthiness", "good", "bundled"):
        assert word in html
    assert found.picture.startswith("data:image/png;base64,")
    strange = facts_of(of_app(BUNDLED), tiny.checkpoint)
    assert (strange.fits, strange.health, strange.index) == (False, "", "")
    missing = ListedLibrary(owner=Owner.APP, name="none", folder=Path("none"))
    assert "cannot be read" in views.cards_of([facts_of(missing, tiny.checkpoint)], "")
    assert missing.choice == ("none · cannot be read", "app:none")


def test_a_pace_tells_rate_and_time_left() -> None:
    from passt_core.library.steps import Step

    pace = watch.Pace()
    assert (
        pace.line(Step(stage="embedding", done=0, total=100), 10.0) == "Listened to 0 of 100 sounds"
    )
    line = pace.line(Step(stage="embedding", done=20, total=100), 20.0)
    assert line == "Listened to 20 of 100 sounds · 2 per s · about 40 s left"
    slow = pace.line(Step(stage="embedding", done=21, total=100), 200.0)
    assert "6.6 per min · about 11 min" in slow
    assert pace.line(Step(stage="mapping"), 201.0) == "Laying out the map and the index"


@pytest.mark.parametrize(
    ("make", "value", "told"),
    [
        (views.length, 30.0, "30 s"),
        (views.length, 90.0, "1.5 min"),
        (views.length, 5400.0, "1.5 h"),
        (views.size, 1500, "2 kB"),
        (views.size, 2_500_000, "2.5 MB"),
        (views.size, 3_000_000_000, "3.0 GB"),
    ],
)
def test_amounts_are_told_in_fitting_units(
    make: Callable[[float], str], value: float, told: str
) -> None:
    assert make(value) == told


def test_a_card_is_chosen_by_its_event(on: LibraryHandlers) -> None:
    event = SimpleNamespace(_data={"id": "app:bundled"})
    shown = on.choose_card(None, None, event, 5)
    assert shown[on.shown.state].chosen == of_app(BUNDLED)


def test_the_lab_offers_the_library_in_hand(on: LibraryHandlers, files: list[str]) -> None:
    visitor, visit = _built(on, files)
    reach = on.services.within_reach(visitor)
    assert ("library mine", "library:own:mine") in library_choices(reach)
    assert library_choices(on.services.within_reach(on.services.first)) == library_choices()
    sounds = of_library("library:own:mine", reach)
    assert dict(sounds.counts) == {"Hiss": 1, "Hum": 2}
    assert sounds.title(sounds.clips[0]) == "a hum.wav"
    heard = stored(sounds, visitor)
    assert heard is not None
    with pytest.raises(LibraryError, match="choose another"):
        of_library("library:own:mine", on.services.within_reach(on.services.first))
    left(visit)
    with pytest.raises(LibraryError, match="choose another"):
        of_library("library:own:mine", on.services.within_reach(visitor))
