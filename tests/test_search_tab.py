"""What stands behind the Search & Map tab, without a browser: questions, answers, handlers."""

from __future__ import annotations

import asyncio
import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest

from passt_core.errors import AudioError, LibraryError
from passt_core.inference.predictor import Predictor
from passt_core.library import change
from passt_core.library.build import build
from passt_core.library.query import Filter, compose, unit
from passt_core.library.store import SoundLibrary
from passt_ui import figures, hand, neighbours
from passt_ui.library.listed import ListedLibrary, Owner
from passt_ui.search import shown, views
from passt_ui.search.answer import answer, closer, loosen, meanwhile
from passt_ui.search.handlers import MOST_EXAMPLES, SearchHandlers
from passt_ui.search.pictures import Pictures, picture
from passt_ui.search.question import Question, Stretch, stretch_of
from passt_ui.search.visit import SearchVisit, left
from passt_ui.services import ModelShelf, Services, Visitor
from passt_ui.settings import Settings
from passt_ui.tabs import explore, search
from tests.libraries import clip, random_library, units
from tests.sounds import TINY, noise, tone, write

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


@pytest.fixture(scope="module")
def library(tiny: Predictor, tmp_path_factory: pytest.TempPathFactory) -> SoundLibrary:
    """Nine sounds: few enough to be laid out without UMAP."""
    folder = tmp_path_factory.mktemp("sounds")
    rows = ["file,label,family"]
    for number in range(9):
        label, family = (("Hum", "low"), ("Hiss", "noise"), ("Beep", ""))[number % 3]
        sound = (tone(0.6, hz=90 + number), noise(0.6, seed=number), tone(0.6, hz=2000 + number))
        write(folder / f"{label}-{number}.wav", sound[number % 3])
        rows.append(f"{label}-{number}.wav,{label},{family}")
    (folder / "library.csv").write_text("\n".join(rows), encoding="utf-8")
    return build(folder, "nine", tiny, target=tmp_path_factory.mktemp("index") / "nine")


@pytest.fixture(scope="module")
def held(tiny: Predictor, tmp_path_factory: pytest.TempPathFactory) -> hand.Hand:
    """A second of a hum, a second of silence, a second of hiss."""
    samples = np.concatenate([tone(1.0, hz=93), np.zeros(32_000, np.float32), noise(1.0, seed=4)])
    path = write(tmp_path_factory.mktemp("clip") / "both.wav", samples)
    return hand.open_clip(tiny, path, max_seconds=60)


@pytest.fixture
def visitor(tiny: Predictor, library: SoundLibrary, held: hand.Hand) -> Visitor:
    chosen = ListedLibrary(owner=Owner.STORED, name="nine", folder=library.folder)
    return Visitor(
        predictor=tiny, library=library, chosen=chosen, library_key="nine-key", hand=held
    )


@pytest.fixture
def on(tiny: Predictor, visitor: Visitor) -> SearchHandlers:
    settings = Settings()
    services = Services(
        settings=settings, shelf=ModelShelf(settings, tiny), first=visitor, examples=()
    )

    async def built() -> SearchHandlers:
        with gr.Blocks():
            state = gr.State(None)
            with gr.Tabs() as tabs, gr.Tab("Search"):
                return SearchHandlers(
                    services=services,
                    state=state,
                    tab=search.build(services),
                    explore=explore.build(services),
                    tabs=tabs,
                )

    return asyncio.run(built())


def _event(**data: object) -> Any:
    return SimpleNamespace(_data=data)


def _asked(on: SearchHandlers, visit: SearchVisit | None, ask: str, named: str = "") -> Any:
    """A button pressed: what changed, and the visit after it."""
    changes = on.ask(None, visit, 3, _event(ask=ask, id=named))
    return changes, changes.get(on.tab.visit)


# --- questions ------------------------------------------------------------------------------------


def test_a_question_begins_with_the_whole_clip_and_comes_back_to_it() -> None:
    whole = Question()
    assert whole.is_whole_clip
    one = whole.like("a")
    assert (one.clip, one.plus, one.is_whole_clip) == (True, ("a",), False)
    assert one.without("clip").without("like:a").is_whole_clip
    assert one.whole_clip().is_whole_clip
    assert whole.more_like("a").without("like:a").is_whole_clip


def test_a_sound_is_on_one_side_at_a_time() -> None:
    both = Question().like("a").like("b").unlike("a")
    assert (both.plus, both.minus) == (("b",), ("a",))
    assert both.like("a").minus == ()
    assert both.like("b").plus == ("b",)
    assert both.without("unlike:a").examples == ("b",)


def test_what_narrows_stays_while_sounds_change() -> None:
    within = Filter(labels=frozenset({"Hum", "a: b"}), families=frozenset({"low"}), text="x")
    asked = Question(within=within).like("a").more_like("b").whole_clip()
    assert asked.within == within
    for key in ("label:Hum", "label:a: b", "family:low", "text:"):
        asked = asked.without(key)
    assert not asked.within


def test_a_question_is_one_embedding(library: SoundLibrary, held: hand.Hand) -> None:
    rows = library.embeddings
    asked = Question().like(library.clips[1].id).unlike(library.clips[2].id)
    wanted = compose([held.clip.embedding, rows[1]], [rows[2]])
    assert np.allclose(asked.embedding(held, library), wanted)
    alone = replace(asked, clip=False)
    assert np.allclose(alone.embedding(held, library), compose([rows[1]], [rows[2]]))
    assert np.allclose(asked.embedding(None, library), compose([rows[1]], [rows[2]]))


def test_questions_that_make_no_sense(library: SoundLibrary, held: hand.Hand) -> None:
    with pytest.raises(LibraryError, match="nothing is asked yet"):
        Question().embedding(None, library)
    with pytest.raises(LibraryError, match="no clip 'gone'"):
        Question().like("gone").embedding(held, library)
    stretch = Stretch(start_s=0.0, end_s=1.0, embedding=3 * library.embeddings[0])
    cancelled = Question(stretch=stretch, minus=(library.clips[0].id,))
    with pytest.raises(LibraryError, match="cancel each other out"):
        cancelled.embedding(held, library)


def test_a_stretch_is_heard_alone(visitor: Visitor, tiny: Predictor, held: hand.Hand) -> None:
    hum = stretch_of(visitor, None, 1.0)
    hiss = stretch_of(visitor, 2.0, 99.0)
    assert (hum.start_s, hum.end_s, hiss.end_s) == (0.0, 1.0, pytest.approx(3.0))
    assert str(hiss) == "2.00–3.00 s"
    alone = tiny.embed(held.samples[64_000:], tiny.sample_rate)
    assert np.allclose(hiss.embedding, alone, atol=1e-4)
    assert unit(hum.embedding) @ unit(hiss.embedding) < 0.999


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    (
        (1.0, 1.01, "at least 25 ms"),
        (1.2, 1.8, "silent from 1.2 s to 1.8 s"),
        (2.0, 1.0, "end after it begins"),
        (3.0, None, "begin earlier"),
        (-1.0, 1.0, "begins at 0 s"),
        (float("nan"), 1.0, "begins at 0 s"),
    ),
)
def test_stretches_that_cannot_be_heard(
    visitor: Visitor, start: float, end: float | None, reason: str
) -> None:
    with pytest.raises(AudioError, match=reason):
        stretch_of(visitor, start, end)


def test_a_stretch_of_a_clip_that_is_gone_names_no_folder(visitor: Visitor) -> None:
    with pytest.raises(AudioError, match="no clip to take"):
        stretch_of(replace(visitor, hand=None), 0.0, 1.0)
    moved = replace(visitor.hand, path=Path("/nowhere/both.wav"))
    with pytest.raises(AudioError, match="not here any more") as told:
        stretch_of(replace(visitor, hand=moved), 0.0, 1.0)
    assert "/nowhere" not in str(told.value)


# --- answers --------------------------------------------------------------------------------------


def test_an_answer_leaves_out_what_was_asked_with(library: SoundLibrary, held: hand.Hand) -> None:
    first = library.clips[0]
    found = answer(library, Question().more_like(first.id), held, 50)
    assert len(found.hits) == 8
    assert first.id not in {hit.id for hit in found.hits}
    assert found.linked[0].id == first.id
    on_map = json.loads(found.on_map("key"))
    assert (on_map["key"], on_map["title"]) == (
        "key",
        "Beep-2" if first.label == "Beep" else found.title,
    )
    assert on_map["linked"][0] == first.number
    place = library.map[0]
    assert np.hypot(on_map["x"] - place[0], on_map["y"] - place[1]) < 0.05 * np.ptp(library.map)


def test_a_filter_narrows_hits_and_not_the_meaning(library: SoundLibrary, held: hand.Hand) -> None:
    everything = answer(library, Question(), held, 9)
    within = Filter(labels=frozenset({"Hiss"}))
    some = answer(library, Question(within=within), held, 9)
    assert (some.left, {hit.label for hit in some.hits}) == (3, {"Hiss"})
    assert np.array_equal(some.likeness.ordered, everything.likeness.ordered)
    none = answer(library, Question(within=Filter(text="zebra")), held, 9)
    assert (none.left, none.hits) == (0, [])
    assert json.loads(none.on_map("key"))["hits"] == []


def test_the_nearest_is_never_closer_than_itself(library: SoundLibrary, held: hand.Hand) -> None:
    found = answer(library, Question(), held, 9)
    for hit in found.hits:
        assert found.closer(hit.similarity) == closer((9 - hit.rank) / 9)
    assert closer(1.0 - 1e-9) == "closer than 99.9 % of the library"
    assert closer(0.0) == "closer than 0.0 % of the library"
    assert closer(0.9791) == "closer than 97.9 % of the library"


def test_what_to_loosen() -> None:
    named = Filter(labels=frozenset({"Hum"}))
    assert "take words away" in loosen(Filter(text="x"))
    assert "other labels" in loosen(named)
    assert "the words away, or choose more" in loosen(replace(named, text="x"))


def test_the_histogram_marks_where_the_hits_lie(library: SoundLibrary, held: hand.Hand) -> None:
    found = answer(library, Question(), held, 2)
    drawn = figures.likeness(found.likeness, found.hits)
    edges = found.likeness.edges
    assert len(drawn["marked"]) == len(drawn["data"][0]["customdata"]) or drawn["marked"]
    first = drawn["marked"].index(True)
    assert edges[first] <= found.hits[-1].similarity + 1e-6
    assert not any(figures.likeness(found.likeness, [])["marked"])
    told = views.likeness(found)
    assert "the 9 sounds of nine" in told
    assert "The 2 that were found lie from" in told


def test_a_picture_is_of_the_stretch_and_is_kept(
    tiny: Predictor, library: SoundLibrary, tmp_path: Path
) -> None:
    path = write(tmp_path / "long.wav", np.concatenate([tone(1.0), noise(1.0)]))
    whole = replace(library.clips[0], start_s=0.0, end_s=1.0)
    other = replace(library.clips[0], start_s=1.0, end_s=2.0)
    pictures = Pictures(most=1)
    assert pictures.of(tiny, path, whole) == picture(tiny, path, whole)
    assert pictures.of(tiny, path, whole) != pictures.of(tiny, path, other)
    kept = pictures.of(tiny, path, other)
    assert kept is pictures.of(tiny, path, other)
    path.write_text("no sound any more, and of another time")
    assert pictures.of(tiny, path, other) == ""


def test_a_library_that_changes_or_goes_is_told_of(
    tiny: Predictor, library: SoundLibrary, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(library.folder, copy)
    opened = SoundLibrary.open(copy, tiny.checkpoint)
    assert meanwhile(opened) == ""
    change.remap(opened, tiny.checkpoint, neighbours=5, min_dist=0.5)
    assert meanwhile(opened) == ""
    change.remove(opened, [opened.clips[0].id], tiny.checkpoint)
    assert "was changed meanwhile" in meanwhile(opened)
    shutil.rmtree(copy)
    assert "was deleted meanwhile" in meanwhile(opened)


# --- what the page shows --------------------------------------------------------------------------


def test_names_are_escaped(tiny: Predictor, tmp_path: Path, held: hand.Hand) -> None:
    clips = tuple(
        clip(n, id=f"{n}{HOSTILE}", label=HOSTILE, family=HOSTILE, file=f"{n}{HOSTILE}.wav")
        for n in range(4)
    )
    hostile = random_library(tmp_path / "bad", tiny.checkpoint, units(4, TINY.dim), clips=clips)
    visitor = Visitor(predictor=tiny, library=hostile, library_key="k", hand=held)
    within = Filter(labels=frozenset({HOSTILE}), text=" ")
    question = Question(within=within).like(clips[0].id).unlike(clips[1].id)
    found = answer(hostile, question, held, 4)
    html = neighbours.hit_cards(visitor, found, Pictures())
    html += views.asked(question.parts(held, hostile), question) + views.summary(found)
    html += views.left(found.left, hostile) + views.map_facts(hostile)
    html += neighbours.chosen_card(visitor, hostile, clips[0].id, found, Pictures())
    assert "<script" not in html
    assert "<img src=x" not in html
    assert html.count("the file is not there any more") == 3


def test_chips_say_all_that_is_asked(library: SoundLibrary, held: hand.Hand) -> None:
    ids = [clip.id for clip in library.clips]
    within = Filter(labels=frozenset({"Hum"}), families=frozenset({"low"}), text=" a b ")
    stretch = Stretch(start_s=2.0, end_s=4.5, embedding=library.embeddings[0])
    question = Question(stretch=stretch, within=within).like(ids[0]).unlike(ids[1])
    html = views.asked(question.parts(held, library), question)
    for said in (
        "like: your clip 2.00–4.50 s",
        f"like: {ids[0].removesuffix('.wav')}",
        f"unlike: {ids[1].removesuffix('.wav')}",
        "within: Hum",
        "within: low",
        "with the words: a b",
        "reset to the whole clip",
    ):
        assert f"{said}<" in html
    assert html.count('data-ask="without"') == 6
    alone = views.asked(Question().parts(held, library), Question())
    assert "data-ask" not in alone
    assert "nothing yet" in views.asked(Question().parts(None, library), Question())


# --- handlers -------------------------------------------------------------------------------------


def test_examples_are_added_and_taken_away(on: SearchHandlers, library: SoundLibrary) -> None:
    ids = [clip.id for clip in library.clips]
    changes, visit = _asked(on, None, "like", ids[0])
    assert visit.question.plus == (ids[0],)
    assert ids[0] not in changes[on.tab.hits].split("passt-asks")[0]
    _, visit = _asked(on, visit, "unlike", ids[1])
    _, visit = _asked(on, visit, "without", "clip")
    assert visit.question.examples == (ids[0], ids[1])
    changes, visit = _asked(on, visit, "whole_clip")
    assert visit.question.is_whole_clip
    assert json.loads(changes[on.tab.map]["query"])["title"] == "both"


@pytest.mark.parametrize("ask", ["like", "unlike", "more_like", "embedding", "__class__", "nope"])
def test_what_is_not_there_cannot_be_asked_with(on: SearchHandlers, ask: str) -> None:
    changes, visit = _asked(on, None, ask, "gone")
    assert visit is None
    assert 'role="alert"' in changes[on.tab.notice].value


def test_a_question_has_its_limit(on: SearchHandlers, library: SoundLibrary) -> None:
    many = tuple(f"{n}" for n in range(MOST_EXAMPLES))
    visit = SearchVisit(key="nine-key", question=Question(plus=many))
    changes, _ = _asked(on, visit, "like", library.clips[0].id)
    assert "take one away first" in changes[on.tab.notice].value


def test_a_filter_that_leaves_nothing_is_told_in_place(on: SearchHandlers) -> None:
    changes = on.narrow(None, None, 3, ["Hum"], None, "zebra")
    assert "No sound of the library is left" in changes[on.tab.hits]
    assert "0 of 9" in changes[on.tab.left]
    assert changes[on.tab.csv].interactive is False
    visit = changes[on.tab.visit]
    again = on.narrow(None, visit, 3, ["Hum"], [], "zebra")
    assert again.keys() == {on.tab.visit}
    changes, visit = _asked(on, visit, "without", "text")
    assert changes[on.tab.text] == ""
    assert "3 of 9" in changes[on.tab.left]


def test_sounds_that_cancel_are_told_in_place(
    on: SearchHandlers, visitor: Visitor, library: SoundLibrary
) -> None:
    stretch = Stretch(start_s=0.0, end_s=1.0, embedding=library.embeddings[0])
    question = Question(stretch=stretch, minus=(library.clips[0].id,))
    changes = shown.show_answer(on.tab, visitor, SearchVisit(question=question), 3)
    assert "cancel each other out" in changes[on.tab.hits]
    assert changes[on.tab.map]["query"] == ""
    assert changes[on.tab.likeness] == ""
    assert "unlike: " in changes[on.tab.asked]


def test_a_stretch_is_dragged_or_typed(on: SearchHandlers) -> None:
    changes = on.dragged(None, None, 3, _event(start=2.0, end=2.5))
    assert changes[on.tab.start] == 2.0
    assert changes[on.tab.end] == pytest.approx(2.5)
    assert changes[on.tabs].selected == "search"
    assert "your clip 2.00–2.50 s" in changes[on.tab.asked]
    assert on.dragged(None, None, 3, _event(start=1.2, end=1.8)).keys() == {on.explore.notice}
    changes = on.typed(None, changes[on.tab.visit], 3, None, 0.5)
    assert "your clip 0.00–0.50 s" in changes[on.tab.asked]
    assert changes[on.explore.spectrogram].props["stretch"] == "0.0,0.5"
    refused = on.typed(None, None, 3, 0.5, 0.5)
    assert "end after it begins" in refused[on.tab.notice].value


def test_an_answer_is_saved_under_a_name_that_says_what_it_is(on: SearchHandlers) -> None:
    changes = on.narrow(None, None, 2, None, ["noise"], "")
    table, about = (Path(changes[c].value["path"]) for c in (on.tab.csv, on.tab.json))
    assert (table.name, about.name) == ("neighbours__both__nine.csv", "neighbours__both__nine.json")
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    told = json.loads(about.read_text(encoding="utf-8"))
    assert [row["id"] for row in rows] == [hit["id"] for hit in told["hits"]]
    assert (len(rows), told["library"], told["model"]) == (2, "nine", "tiny")
    assert told["query"]["families"] == ["noise"]
    assert told["query"]["clip"] == "both"
    visit = changes[on.tab.visit]
    left(visit)
    assert not visit.desk.folder.exists()


def test_a_chosen_sound_says_how_like_the_question_it_is(
    on: SearchHandlers, library: SoundLibrary
) -> None:
    ids = [clip.id for clip in library.clips]
    changes = on.choose(None, None, _event(id=ids[4]))
    assert "closer than" in changes[on.tab.chosen]
    visit = changes[on.tab.visit]
    changes, visit = _asked(on, visit, "more_like", ids[4])
    assert "similarity 1.000" in changes[on.tab.chosen]
    assert "no clip" in on.choose(None, None, _event(id="gone"))[on.tab.chosen]


def test_another_library_takes_the_question_away_and_another_clip_does_not(
    on: SearchHandlers, visitor: Visitor, library: SoundLibrary
) -> None:
    question = Question(within=Filter(text="hum")).like(library.clips[0].id)
    visit = SearchVisit(key="nine-key", question=question, chosen=library.clips[1].id)
    changes = search.show(on.tab, visitor, 3, visit)
    assert changes[on.tab.visit].question.is_whole_clip
    assert changes[on.tab.visit].question.within.text == "hum"
    assert on.tab.labels not in changes
    other = search.show(on.tab, replace(visitor, library_key="other"), 3, visit)
    assert not other[on.tab.visit].question.within
    assert other[on.tab.visit].chosen == ""
    assert other[on.tab.labels].choices == [("Beep", "Beep"), ("Hiss", "Hiss"), ("Hum", "Hum")]
    nothing = search.show(on.tab, replace(visitor, library=None, library_problem="Why."), 3, visit)
    assert "Why." in nothing[on.tab.hits]


def test_a_map_is_laid_out_anew_and_given_back(on: SearchHandlers, visitor: Visitor) -> None:
    steps = list(on.lay(visitor, None, 4, 0.5))
    visit = steps[0][on.tab.visit]
    assert "Laying out 9 sounds" in steps[0][on.tab.progress]
    done = on.laid(visitor, visit, 3)
    mine = done[on.state]
    assert mine.library is not visitor.library
    assert mine.library.manifest.map.neighbours == 4
    assert on.services.libraries.library(mine.library_key) is mine.library
    assert not on.services.libraries.is_shared(mine.library_key)
    assert done[on.tab.own].visible
    assert json.loads(done[on.tab.map]["query"])["key"] == mine.library_key
    back = on.own_map(mine, done[on.tab.visit], 3)
    assert back[on.state].library.manifest.map == visitor.library.manifest.map
    assert not back[on.tab.own].visible
    assert on.laid(visitor, visit, 3).keys() == {on.tab.visit}


def test_a_map_of_a_library_that_was_left_is_not_taken(
    on: SearchHandlers, visitor: Visitor
) -> None:
    first, *_ = on.lay(visitor, None, 4, 0.5)
    visit = first[on.tab.visit]
    moved = replace(visitor, library=replace(visitor.library))
    changes = on.laid(moved, visit, 3)
    assert on.state not in changes
    assert "Another library was chosen" in changes[on.tab.progress]


def test_a_map_that_is_stopped_is_let_go(on: SearchHandlers, visitor: Visitor) -> None:
    work = on.lay(visitor, None, 4, 0.5)
    visit = next(work)[on.tab.visit]
    assert on.stop(visit).keys() == {on.tab.progress, on.tab.lay, on.tab.stop}, "not begun yet"
    visit.desk.work._running.acquire()
    assert "comes to its end" in on.stop(visit)[on.tab.progress]
    refused = list(on.lay(visitor, visit, 4, 0.5))
    assert "wait until it ends" in refused[0][on.tab.map_notice].value
    visit.desk.work._running.release()


@pytest.mark.parametrize(("near", "apart"), [(1, 0.1), (500, 0.1), (15, 1.5), (15, -1)])
def test_choices_of_a_map_that_umap_has_no_use_for(
    on: SearchHandlers, visitor: Visitor, near: int, apart: float
) -> None:
    [refused] = on.lay(visitor, None, near, apart)
    assert "a map takes" in refused[on.tab.map_notice].value
