"""What stands behind the Timeline tab, without a browser: handlers, picture, routes, microphone."""

from __future__ import annotations

import asyncio
import base64
import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest
import soundfile
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from passt_core.inference.event_files import FORMATS
from passt_core.inference.events import EventRule
from passt_core.inference.predictor import Predictor
from passt_core.inference.timeline import Pace, Timeline, listen
from passt_ui import hand, playable
from passt_ui.services import Example, ModelShelf, Services, Visitor
from passt_ui.settings import Settings
from passt_ui.tabs import timeline as tab_of
from passt_ui.timeline import handlers, live, picture, views
from passt_ui.timeline.asked import Asked
from passt_ui.timeline.handlers import Sparing, TimelineHandlers
from passt_ui.timeline.routes import TimelineRoutes, url
from passt_ui.timeline.visit import Heard, Look, Sound, TimelineShelf, TimelineVisit, left
from passt_ui.times import clock
from tests.sounds import RATE, noise, tone, write

HOSTILE = '"><img src=x onerror=alert(1)>'
AUTO = (2.0, 0.0, 4, [], 0.05, 0.05, 0.0, 0.0)
"""The controls as they stand, but for thresholds that an untrained network reaches."""

pytestmark = pytest.mark.filterwarnings("default:.*httpx")
"""Starlette's test client warns of its own future."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of hiss, three of digital silence, three of a hum."""
    silence = np.zeros(3 * RATE, np.float32)
    sound = np.concatenate([noise(3.0), silence, tone(3.0, hz=90)])
    return write(tmp_path_factory.mktemp("scene") / "scene.wav", sound)


@pytest.fixture(scope="module")
def whole(tiny: Predictor, scene: Path) -> Timeline:
    """The scene, heard to its end."""
    *_, last = listen(tiny, scene, Pace(window_s=1.0, hop_s=0.5))
    return last


@pytest.fixture
def heard(tiny: Predictor, scene: Path, whole: Timeline) -> Heard:
    sound = Sound(path=scene, title="scene", predictor=tiny)
    return Heard(sound=sound, number=1, version=1, timeline=whole)


@pytest.fixture
def on(tiny: Predictor, scene: Path) -> TimelineHandlers:
    settings = Settings(max_minutes=0.5)
    services = Services(
        settings=settings,
        shelf=ModelShelf(settings, tiny),
        first=Visitor(predictor=tiny, library=None),
        examples=(Example(id="clearing", title="A clearing", path=scene, picture=""),),
    )

    async def built() -> TimelineHandlers:
        with gr.Blocks(), gr.Tab("Timeline") as tab:
            parts, _ = tab_of.build(services, tab)
            return TimelineHandlers(
                services=services, state=gr.State(None), visit=gr.State(None), tab=parts
            )

    return asyncio.run(built())


def _opened(
    on: TimelineHandlers, path: Path, visit: TimelineVisit | None = None, controls: Any = AUTO
) -> tuple[list[Any], TimelineVisit]:
    """A file was dropped: all that changed, and the visit after it."""
    changes = list(on.open_file(None, visit, str(path), *controls))
    return changes, changes[0][on.visit]


def _sent(changes: Any, on: TimelineHandlers) -> Any:
    return json.loads(changes[on.tab.picture])


def _values(sent: Any) -> np.ndarray:
    flat = np.frombuffer(base64.b64decode(sent["values"]), np.uint8)
    return flat.reshape(len(sent["labels"]), -1)


def _notice(on: TimelineHandlers, changes: Any) -> str:
    return str(changes[on.tab.notice].value)


# --- listening ------------------------------------------------------------------------------------


def test_the_tab_opens_with_an_example_once(on: TimelineHandlers) -> None:
    changes = list(on.enter(None, None, *AUTO))
    visit = changes[0][on.visit]
    assert "A clearing" in changes[-1][on.tab.line]
    assert visit.heard.timeline.done
    assert list(on.enter(None, visit, *AUTO)) == []


def test_a_sound_grows_and_is_whole_at_the_end(on: TimelineHandlers, scene: Path) -> None:
    changes, visit = _opened(on, scene)
    first, last = changes[0], changes[-1]
    assert first[on.tab.picture] == "", "an old picture never stands beside a new sound"
    assert first[on.tab.file] is None, "the box is ready for the next one"
    sent = _sent(last, on)
    assert sent["done"]
    assert sent["end"] == pytest.approx(9.0)
    assert _values(sent).shape[1] == len(visit.heard.timeline.starts)
    borders = np.frombuffer(base64.b64decode(sent["borders"]), "<f4")
    np.testing.assert_allclose(borders, visit.heard.timeline.cells(), atol=1e-4)
    assert not visit.listens


def test_cancelling_keeps_what_was_heard(
    on: TimelineHandlers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passt_ui.timeline.handlers.EVERY_S", 0.0)
    path = write(tmp_path / "long.wav", noise(25.0))
    steps = on.open_file(None, None, str(path), *AUTO)
    visit = next(steps)[on.visit]
    on_the_way = next(steps)
    assert "of 0:25 heard" in on_the_way[on.tab.progress]
    on.cancel(visit)
    *_, last = steps
    assert "Stopped at" in last[on.tab.progress]
    heard_s = visit.heard.timeline.duration_s
    assert 0 < heard_s < 25
    sent = _sent(last, on)
    assert (sent["end"], sent["done"]) == (25.0, False), "what lies ahead stays empty"
    assert not visit.listens


def test_another_sound_ends_the_one_before(
    on: TimelineHandlers, scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passt_ui.timeline.handlers.EVERY_S", 0.0)
    steps = on.open_file(None, None, str(write(tmp_path / "long.wav", noise(25.0))), *AUTO)
    visit = next(steps)[on.visit]
    next(steps)
    _opened(on, scene, visit)
    assert list(steps) == [], "nothing of it is shown any more"
    assert visit.heard.sound.path == scene


def test_two_visitors_listen_in_turn(on: TimelineHandlers, scene: Path) -> None:
    one = on.open_file(None, None, str(scene), *AUTO)
    visit = next(one)[on.visit]
    _, other = _opened(on, scene)
    assert other.heard.timeline.done, "the first has begun and not ended"
    list(one)
    assert visit.heard.timeline.done
    assert visit.token != other.token


def test_the_clip_of_explore_and_listening_again(
    on: TimelineHandlers, tiny: Predictor, scene: Path
) -> None:
    [refused] = on.open_hand(None, None, *AUTO)
    assert "no clip in hand" in _notice(on, refused)
    held = hand.open_clip(tiny, scene, title="mine", max_seconds=60)
    visitor = Visitor(predictor=tiny, library=None, hand=held)
    changes = list(on.open_hand(visitor, None, *AUTO))
    visit = changes[0][on.visit]
    assert visit.heard.timeline.hop_s == pytest.approx(0.25)
    *_, last = on.again(visitor, visit, 1.0, 0.5, *AUTO[2:])
    assert (visit.heard.timeline.window_s, visit.heard.timeline.hop_s) == (1.0, 0.5)
    assert visit.heard.number == 2
    assert "mine" in last[on.tab.line]


def test_the_rule_is_applied_without_listening(on: TimelineHandlers, scene: Path) -> None:
    _, visit = _opened(on, scene)
    version = visit.heard.version
    few = on.look(visit, *AUTO[:4], 1.0, 1.0, 0.0, 0.0)
    assert "No class reaches 100 %" in few[on.tab.events]
    label = visit.heard.timeline.labels[3]
    one = on.look(visit, *AUTO[:3], [label], *AUTO[4:])
    assert _sent(one, on)["labels"] == [label]
    assert visit.rule.classes == {3}
    assert visit.heard.version == version


def test_that_nothing_is_found_is_told_of_the_chosen_classes(heard: Heard) -> None:
    every, few = EventRule(on=1.0), EventRule(on=1.0, classes=frozenset({3}))
    assert "No class reaches 100 %" in views.events(heard, (), every, "here")
    assert "None of the chosen classes reaches 100 %" in views.events(heard, (), few, "here")


def test_another_model_is_told_of(on: TimelineHandlers, tiny: Predictor, scene: Path) -> None:
    _, visit = _opened(on, scene)
    assert not on.model_changed(None, visit)[on.tab.notice].visible
    other = Predictor(replace(tiny.checkpoint, name="other"), device="cpu")
    told = on.model_changed(Visitor(predictor=other, library=None), visit)
    assert "press Listen again" in _notice(on, told)


def test_another_model_stops_a_sound_of_which_nothing_was_heard_yet(
    on: TimelineHandlers, tiny: Predictor, scene: Path
) -> None:
    steps = on.open_file(None, None, str(scene), *AUTO)
    visit = next(steps)[on.visit]
    other = Predictor(replace(tiny.checkpoint, name="other"), device="cpu")
    told = on.model_changed(Visitor(predictor=other, library=None), visit)
    assert "press Listen again" in _notice(on, told)
    list(steps)
    assert visit.heard is None


def test_another_sound_that_begins_while_one_is_drawn_is_not_drawn_over(
    on: TimelineHandlers, scene: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = on.open_file(None, None, str(scene), *AUTO)
    visit = next(steps)[on.visit]
    drawn = tab_of.show

    def show(*given: Any, **named: Any) -> Any:
        changes = drawn(*given, **named)
        visit.begin(visit.sound)
        return changes

    monkeypatch.setattr(tab_of, "show", show)
    assert list(steps) == []


def test_a_look_at_a_sound_that_has_gone_changes_nothing(
    on: TimelineHandlers, scene: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, visit = _opened(on, scene)
    label, of = visit.heard.timeline.labels[3], Asked.of

    def overtaken(*controls: Any) -> Asked:
        visit.begin(visit.sound)
        return of(*controls)

    monkeypatch.setattr(Asked, "of", overtaken)
    changes = on.look(visit, *AUTO[:3], [label], *AUTO[4:])
    assert set(changes) == {on.tab.notice}
    assert not visit.rule.classes, "a class of another model need not be there"


def test_what_is_shown_on_the_way_takes_a_small_share_of_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(handlers, "time", SimpleNamespace(monotonic=lambda: now))
    sparing = Sparing()
    assert sparing.is_due()
    with sparing:
        now += 0.5
    now += 4.4
    assert not sparing.is_due()
    now += 0.2
    assert sparing.is_due()


def test_bad_input_is_a_sentence_in_place(on: TimelineHandlers, tmp_path: Path) -> None:
    no_sound = tmp_path / "text.wav"
    no_sound.write_bytes(b"no sound at all")
    cases = {
        no_sound: "is not a sound",
        tmp_path / "gone.wav": "is not a file",
        write(tmp_path / "silent.wav", np.zeros(RATE, np.float32)): "digital silence",
        write(tmp_path / "long.wav", noise(31.0)): "the limit here",
    }
    for path, expected in cases.items():
        changes, visit = _opened(on, path)
        assert expected in _notice(on, changes[-1])
        assert not visit.listens


@pytest.mark.parametrize(
    ("place", "value", "said"),
    (
        (0, 20.0, "choose shorter windows"),
        (1, 5.0, "no longer than a window"),
        (2, 1000, "“Rows” is 1000; choose from 1 to 40"),
        (4, 7, "“Event begins at” is 7; choose from 0.05 to 1"),
        (4, None, "“Event begins at” is empty"),
        (5, 0.9, "no higher than the second"),
        (6, -1, "“Least length (s)” is -1; choose from 0 to 30"),
        (7, float("nan"), "“Join gaps (s)” is nan"),
    ),
)
def test_controls_that_cannot_be_leave_all_as_it_was(
    on: TimelineHandlers, scene: Path, place: int, value: float | None, said: str
) -> None:
    controls = (*AUTO[:place], value, *AUTO[place + 1 :])
    _, visit = _opened(on, scene)
    before = (visit.heard, visit.sound, visit.look, visit.rule)
    [again] = on.again(None, visit, *controls)
    [dropped] = on.open_file(None, visit, str(scene), *controls)
    [first] = on.enter(None, None, *controls)
    for changes in (again, dropped, first, *([on.look(visit, *controls)] if place > 1 else ())):
        assert said in _notice(on, changes)
        assert not {on.visit, on.tab.picture, on.tab.events, on.tab.line} & changes.keys()
    assert (visit.heard, visit.sound, visit.look, visit.rule) == before


def test_numbers_out_of_range_reach_the_handlers(on: TimelineHandlers) -> None:
    assert [slider.preprocess(1000) for slider in on.tab.sliders] == 5 * [1000]


def test_hops_that_leave_sound_out_are_not_offered(on: TimelineHandlers) -> None:
    offered = on.window_changed(1.0, 2.0)[on.tab.hop]
    assert [hop for _, hop in offered.choices] == [0.0, 0.1, 0.2, 0.5, 1.0]
    assert offered.value == 0.0
    assert on.window_changed(2.0, 2.0)[on.tab.hop].value == 2.0


def test_a_sound_damaged_on_the_way_keeps_its_beginning(
    on: TimelineHandlers, tmp_path: Path
) -> None:
    sound = noise(20.0)
    sound[15 * RATE] = np.nan
    path = write(tmp_path / "bad.wav", sound, subtype="FLOAT")
    changes, visit = _opened(on, path)
    assert "NaN" in _notice(on, changes[-1])
    assert 5 < visit.heard.timeline.duration_s < 16
    assert _sent(changes[-1], on)["labels"]


@pytest.mark.parametrize(("sample", "said"), ((np.nan, "NaN"), (0.0, "is digital silence")))
def test_a_sound_of_which_nothing_is_heard_is_only_refused(
    on: TimelineHandlers, tmp_path: Path, sample: float, said: str
) -> None:
    path = write(tmp_path / "none.wav", np.full(3 * RATE, sample, np.float32), subtype="FLOAT")
    changes, visit = _opened(on, path)
    last = changes[-1]
    assert said in _notice(on, last)
    assert (last[on.tab.picture], last[on.tab.line], last[on.tab.files]) == ("", "", "")
    assert "threshold" not in last[on.tab.events]
    assert visit.heard is None


def test_a_visit_that_has_ended_stops(on: TimelineHandlers, scene: Path) -> None:
    steps = on.open_file(None, None, str(scene), *AUTO)
    visit = next(steps)[on.visit]
    left(visit)
    left(None)
    list(steps)
    assert visit.heard is None


# --- what is drawn and told -----------------------------------------------------------------------


def test_silence_and_probabilities_are_told_apart(heard: Heard) -> None:
    sent = json.loads(picture.payload(heard, Look(k=7), (), "here", whole=True))
    values = _values(sent)
    silent = heard.timeline.silent
    assert silent.any()
    assert (values[:, silent] == picture.SILENT).all()
    rows = heard.timeline.top_classes(7)
    expected = np.rint(254 * heard.timeline.probabilities[~silent][:, rows]).T
    np.testing.assert_array_equal(values[:, ~silent], expected)


def test_on_the_way_neighbours_are_pooled_and_peaks_stay(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture, "COLUMNS_ON_THE_WAY", 5)
    look = Look(k=2)
    few, all_ = (
        _values(json.loads(picture.payload(heard, look, (), "here", whole=whole)))
        for whole in (False, True)
    )
    assert few.shape[1] <= 5 < all_.shape[1]
    loud = np.where(all_ == picture.SILENT, 0, all_).max(axis=1)
    np.testing.assert_array_equal(np.where(few == picture.SILENT, 0, few).max(axis=1), loud)


def test_the_overview_holds_what_was_heard_and_no_more(whole: Timeline) -> None:
    """A canvas of an hour at ten milliseconds a column would be wider than a browser draws."""
    part = replace(whole, duration_s=3.0, total_s=3600.0, done=False)
    part = replace(part, overview=whole.overview[:, :300])
    for timeline, columns in ((part, 300), (whole, 900)):
        image = Image.open(io.BytesIO(picture.overview_png(timeline)))
        assert image.size == (columns, 128)
        assert picture.overview_s(timeline) == pytest.approx(columns / 100)
    loudest = np.array(image.convert("RGB"), int).sum(axis=2)
    assert loudest[:, :300].mean() > loudest[:, 350:550].mean(), "hiss, and then silence"


def test_what_came_from_outside_is_escaped(heard: Heard) -> None:
    labels = (HOSTILE, *heard.timeline.labels[1:])
    bad = replace(
        heard,
        sound=replace(heard.sound, title=HOSTILE),
        timeline=replace(heard.timeline, labels=labels, model=HOSTILE),
    )
    rule = EventRule(on=0.01, off=0.01)
    shown = views.line(bad) + views.events(bad, bad.events(rule), rule, "here")
    assert "<img" not in shown
    assert "&lt;img" in shown


@pytest.mark.parametrize(
    ("seconds", "digits", "said"),
    ((3.26, 1, "0:03.3"), (59.96, 1, "1:00.0"), (750, 0, "12:30"), (3_725.5, 1, "1:02:05.5")),
)
def test_times_are_minutes_and_hours(seconds: float, digits: int, said: str) -> None:
    assert clock(seconds, digits) == said


def test_an_hour_is_told_alike_to_those_who_do_not_see_it(heard: Heard) -> None:
    hour = replace(heard, timeline=replace(heard.timeline, duration_s=3600.0))
    assert "1:00:00 long" in picture.summary(hour, ())
    assert "1:00:00 heard" in views.line(hour)


def test_how_far_it_is(whole: Timeline) -> None:
    part = replace(whole, duration_s=750.0, total_s=3600.0)
    assert views.on_the_way(part, 10.0) == ("12:30 of 1:00:00 heard, about 38 s left", 750 / 3600)
    assert views.on_the_way(replace(part, total_s=None), 10.0) == ("12:30 heard", None)


# --- what is fetched ------------------------------------------------------------------------------


@pytest.fixture
def shelf() -> TimelineShelf:
    return TimelineShelf()


@pytest.fixture
def client(shelf: TimelineShelf) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=TimelineRoutes(shelf).routes())) as client:
        yield client


def _shelved(shelf: TimelineShelf, heard: Heard) -> tuple[TimelineVisit, str]:
    visit = TimelineVisit()
    visit.hear(visit.begin(heard.sound), heard.timeline)
    visit.rule = EventRule(on=0.01, off=0.01)
    shelf.keep(visit)
    return visit, f"/{url(visit.token, 1)}"


def test_the_sound_comes_in_ranges(client: TestClient, shelf: TimelineShelf, heard: Heard) -> None:
    visit, place = _shelved(shelf, heard)
    data = heard.sound.path.read_bytes()
    part = client.get(f"{place}/sound", headers={"range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, data[1000:2000])
    visit.begin(heard.sound)
    gone = client.get(f"{place}/sound")
    assert (gone.status_code, "not in hand any more" in gone.text) == (404, True)


def test_what_browsers_cannot_play_comes_as_flac(
    client: TestClient, shelf: TimelineShelf, heard: Heard, tmp_path: Path
) -> None:
    sound = soundfile.read(heard.sound.path, dtype="float32")[0]
    path = write(tmp_path / "scene.aiff", sound)
    _visit, place = _shelved(shelf, replace(heard, sound=replace(heard.sound, path=path)))
    answer = client.get(f"{place}/sound")
    assert answer.headers["content-type"] == "audio/flac"
    assert soundfile.info(io.BytesIO(answer.content)).frames == 9 * RATE
    path.unlink()
    assert client.get(f"{place}/sound").status_code == 404


def test_a_sound_is_transcoded_once_though_its_length_was_said_otherwise(
    client: TestClient,
    shelf: TimelineShelf,
    heard: Heard,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sound = soundfile.read(heard.sound.path, dtype="float32")[0]
    path = write(tmp_path / "scene.aiff", sound)
    heard = replace(heard, sound=replace(heard.sound, path=path))
    on_the_way = replace(heard.timeline, duration_s=3.0, total_s=8.99, done=False)
    visit, place = _shelved(shelf, replace(heard, timeline=on_the_way))
    first = client.get(f"{place}/sound")
    assert soundfile.info(io.BytesIO(first.content)).frames == 9 * RATE
    visit.hear(visit._running, heard.timeline)
    monkeypatch.delattr(playable, "_transcode")
    assert client.get(f"{place}/sound").content == first.content


def test_of_an_unknown_length_what_was_heard_is_sent(
    client: TestClient, shelf: TimelineShelf, heard: Heard, tmp_path: Path
) -> None:
    sound = soundfile.read(heard.sound.path, dtype="float32")[0]
    path = write(tmp_path / "scene.aiff", sound)
    part = replace(heard.timeline, duration_s=3.0, total_s=None, done=False)
    heard = replace(heard, sound=replace(heard.sound, path=path), timeline=part)
    _visit, place = _shelved(shelf, heard)
    answer = client.get(f"{place}/sound")
    assert soundfile.info(io.BytesIO(answer.content)).frames == 3 * RATE


def test_nothing_else_can_be_fetched(
    client: TestClient, shelf: TimelineShelf, heard: Heard
) -> None:
    visit, place = _shelved(shelf, heard)
    for wrong in (
        f"{place[:-1]}2/sound",
        "/passt/timelines/x/1/overview",
        f"{place}/events/pickle",
        "/passt/timelines/x/1/probabilities",
    ):
        assert client.get(wrong).status_code == 404
    del visit
    assert client.get(f"{place}/sound").status_code == 404, "the visit has ended"


@pytest.mark.parametrize("name", FORMATS)
def test_events_are_files_named_after_sound_and_model(
    client: TestClient, shelf: TimelineShelf, heard: Heard, name: str
) -> None:
    visit, place = _shelved(shelf, heard)
    answer = client.get(f"{place}/events/{name}")
    named = answer.headers["content-disposition"]
    assert named.endswith(f"scene__{heard.timeline.model}__events{FORMATS[name].suffix}")
    assert heard.events(visit.rule)[0].label in answer.text


def test_a_file_of_events_tells_how_they_were_found(
    client: TestClient, shelf: TimelineShelf, heard: Heard
) -> None:
    visit, place = _shelved(shelf, heard)
    told = client.get(f"{place}/events/json").json()
    assert (told["window_s"], told["hop_s"], told["on"]) == (1.0, 0.5, visit.rule.on)


def test_probabilities_are_a_table(client: TestClient, shelf: TimelineShelf, heard: Heard) -> None:
    visit, place = _shelved(shelf, heard)
    rows = list(csv.reader(io.StringIO(client.get(f"{place}/probabilities").text)))
    assert rows[0] == ["start_s", "end_s", *heard.timeline.labels]
    values = np.array(rows[1:], float)
    np.testing.assert_allclose(values[:, 2:], heard.timeline.probabilities, atol=1e-6)
    np.testing.assert_allclose(values[:, 0], visit.heard.timeline.starts)


def test_the_overview_is_a_picture(client: TestClient, shelf: TimelineShelf, heard: Heard) -> None:
    _visit, place = _shelved(shelf, heard)
    answer = client.get(f"{place}/overview?v=1")
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == picture.overview_png(heard.timeline)
    assert float(answer.headers["x-passt-seconds"]) == pytest.approx(9.0)


def test_an_overview_that_comes_too_late_is_no_fault(
    client: TestClient, shelf: TimelineShelf, heard: Heard
) -> None:
    """The page asks for it until it hears that another sound was begun."""
    visit, place = _shelved(shelf, heard)
    visit.begin(heard.sound)
    assert client.get(f"{place}/overview?v=1").status_code == 204
    for number in ("3", "0", "x", "²"):
        assert client.get(f"{place[:-1]}{number}/overview").status_code == 404


def test_a_stretch_comes_frame_by_frame(
    client: TestClient, shelf: TimelineShelf, heard: Heard
) -> None:
    _visit, place = _shelved(shelf, heard)
    answer = client.get(f"{place}/detail/1.0/2.5")
    assert Image.open(io.BytesIO(answer.content)).size == (150, 128)
    for wrong in ("2.0/1.0", "0.0/999.0", "nan/1.0", "50.0/51.0"):
        assert client.get(f"{place}/detail/{wrong}").status_code == 404


# --- the microphone -------------------------------------------------------------------------------


@pytest.fixture
def microphone(tiny: Predictor) -> live.LiveHandlers:
    settings = Settings()
    first = Visitor(predictor=tiny, library=None)
    services = Services(settings=settings, shelf=ModelShelf(settings, tiny), first=first)

    async def built() -> live.LiveHandlers:
        with gr.Blocks():
            return live.LiveHandlers(
                services=services, state=gr.State(None), visit=gr.State(None), tab=live.build()
            )

    return asyncio.run(built())


def _block(sound: np.ndarray, begins: bool = False, rate: int = RATE) -> Any:
    samples = base64.b64encode(np.int16(32_767 * sound).tobytes()).decode()
    data = {"rate": rate, "samples": samples, "begins": begins}
    return SimpleNamespace(_data=data)


def test_the_microphone_is_heard_block_by_block(microphone: live.LiveHandlers) -> None:
    visit, sound = None, noise(1.2)
    for number in range(3):
        block = sound[number * 12_800 : (number + 1) * 12_800]
        changes = microphone.hear(None, visit, 1.0, 3, _block(block, begins=number == 0))
        visit = changes[microphone.visit]
    sent = json.loads(changes[microphone.tab.picture])
    assert len(sent["labels"]) == len(sent["now"]) == 3
    assert sent["at"] == pytest.approx(1.2)
    assert len(base64.b64decode(sent["times"])) == 3 * 4
    assert len(visit.live.rolling.samples) == RATE, "only the window is held"
    anew = microphone.hear(None, visit, 1.0, 3, _block(sound, begins=True))
    assert len(anew[microphone.visit].live.moments) == 1


def test_the_microphones_numbers_are_put_within_their_ranges(
    microphone: live.LiveHandlers, tiny: Predictor
) -> None:
    for slider in (microphone.tab.window, microphone.tab.classes):
        assert slider.preprocess(-1) == -1
    block = _block(noise(1.0), begins=True)
    many = microphone.hear(None, None, 1000.0, 1000, block)
    assert len(many[microphone.visit].rows) == len(tiny.labels)
    assert many[microphone.visit].live.rolling.seconds == live.MOST_WINDOW_S
    few = microphone.hear(None, None, -1.0, -1, block)
    assert len(few[microphone.visit].rows) == 1


@pytest.mark.parametrize(
    "data",
    (
        {},
        {"rate": "x", "samples": ""},
        {"rate": RATE, "samples": "!"},
        {"rate": RATE, "samples": "AAA="},
        {"rate": RATE, "samples": ""},
        {"rate": 1, "samples": base64.b64encode(bytes(64)).decode()},
        {"rate": RATE, "samples": base64.b64encode(bytes(2 * 11 * RATE)).decode()},
    ),
)
def test_a_block_that_is_none_is_told_of(microphone: live.LiveHandlers, data: Any) -> None:
    changes = microphone.hear(None, None, 2.0, 3, SimpleNamespace(_data=data))
    assert json.loads(changes[microphone.tab.picture])["error"]


def test_the_same_fault_is_told_of_again(microphone: live.LiveHandlers) -> None:
    told, visit = [], None
    for _ in range(2):
        changes = microphone.hear(None, visit, 2.0, 3, SimpleNamespace(_data={"begins": True}))
        visit = changes[microphone.visit]
        told.append(changes[microphone.tab.picture])
    first, second = map(json.loads, told)
    assert first["error"] == second["error"]
    assert told[0] != told[1], "the page looks at a value that has changed"


def test_rows_stay_where_they_are() -> None:
    assert live.steady((), [4, 2]) == (4, 2)
    assert live.steady((4, 2, 7), [2, 9, 7]) == (9, 2, 7)
    assert live.steady((4, 2), [1, 2, 4]) == (1, 2, 4)
