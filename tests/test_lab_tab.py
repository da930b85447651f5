"""What stands behind the Lab tab, without a browser: sounds, views, figures, handlers."""

from __future__ import annotations

import asyncio
import base64
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest

from passt_core.errors import LibraryError
from passt_core.files import ASSETS
from passt_core.inference.predictor import Predictor
from passt_core.lab import judge
from passt_core.lab.heard import Heard, HeardClip, Unreadable, hear
from passt_core.lab.labelled import LabelledClip
from passt_core.lab.probe import Epoch, ProbeConfig, probe
from passt_core.library.manifest import BUNDLED_SOUNDS
from passt_core.network.registry import BUNDLED
from passt_ui.build import build_app, launch_options
from passt_ui.lab import cells, figures, views
from passt_ui.lab.handlers import LabHandlers
from passt_ui.lab.sounds import LabelledSounds, library_choices, of_library, of_zip, stored
from passt_ui.lab.visit import LabVisit, file_name, left, own_head
from passt_ui.models import model_choices
from passt_ui.services import ModelShelf, Services, Visitor
from passt_ui.settings import Settings
from passt_ui.tabs import lab
from tests.sounds import noise, tone, write

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


def mine(path: Path, *, each: int = 4, labels: tuple[str, ...] = ("Hum", "Hiss")) -> Path:
    """A zip of short sounds, one folder per class, with a file that is no sound."""
    with zipfile.ZipFile(path, "w") as bundle:
        for index in range(each):
            for number, label in enumerate(labels):
                sound = noise(0.4, seed=index) if number % 2 else tone(0.4, hz=90 + 9 * index)
                clip = write(path.with_name("clip.wav"), sound)
                bundle.write(clip, f"sounds/{label}/{index}.wav")
        bundle.writestr(f"sounds/{labels[0]}/text.wav", b"no sound")
    return path


@pytest.fixture
def zipped(tmp_path: Path) -> Iterator[LabelledSounds]:
    sounds = of_zip(mine(tmp_path / "mine.zip"), "mine.zip")
    yield sounds
    sounds.remove()


@pytest.fixture(scope="module")
def judged() -> judge.Judgement:
    generator = np.random.default_rng(0)
    labels = ["Dog", HOSTILE, "A name that is far too long for an axis"]
    outcomes = []
    for index in range(30):
        centre = np.eye(8)[index % 3]
        vector = (centre + 0.5 * generator.normal(size=8)).astype(np.float32)
        clip = LabelledClip(path=Path(f"{index}.wav"), label=labels[index % 3])
        outcomes.append(HeardClip(clip=clip, windows=vector[None]))
    return judge.by_neighbours(Heard.of(outcomes))


class _Found(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.choices: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.choices += [value or "" for name, value in attrs if name == "data-choose"]


def test_the_bundled_library_is_labelled_sounds() -> None:
    assert ("library bundled", "library:app:bundled") in library_choices()
    sounds = of_library("library:app:bundled")
    assert len(sounds.clips) == len(list((ASSETS / "library").glob("*.ogg")))
    assert sounds.counts["Rain"] >= 3
    assert sounds.title(sounds.clips[0]) == sounds.clips[0].path.stem


@pytest.mark.parametrize("key", ["library:../../etc", "library:nope", "/etc"])
def test_only_the_apps_libraries_are_opened(key: str) -> None:
    with pytest.raises(LibraryError, match="there is no library"):
        of_library(key)


def test_stored_embeddings_are_what_the_model_hears() -> None:
    predictor = Predictor.from_checkpoint(device="cpu")
    visitor = Visitor(predictor=predictor, library=None)
    sounds = of_library("library:app:bundled")
    heard = stored(sounds, visitor)
    assert heard is not None
    few = slice(0, 3)
    again = Heard.of(hear(predictor, sounds.clips[few]))
    network = predictor.checkpoint.network
    assert np.abs(heard.logits(network)[few] - again.logits(network)).max() < 0.02
    unit = again.embeddings / np.linalg.norm(again.embeddings, axis=1, keepdims=True)
    ours = heard.embeddings[few] / np.linalg.norm(heard.embeddings[few], axis=1, keepdims=True)
    assert np.abs(unit - ours).max() < 1e-3


def test_another_model_must_listen_itself(tiny: Predictor) -> None:
    assert stored(of_library("library:app:bundled"), Visitor(predictor=tiny, library=None)) is None


def test_a_zip_is_labelled_sounds_until_it_is_removed(zipped: LabelledSounds) -> None:
    assert dict(zipped.counts) == {"Hiss": 4, "Hum": 5}
    assert zipped.title(zipped.clips[0]) == "Hum/0.wav"
    assert zipped.folder is not None
    assert zipped.folder.is_dir()
    left(LabVisit(upload=zipped))
    assert not zipped.folder.exists()


def test_hostile_labels_stay_text(judged: judge.Judgement, tiny: Predictor) -> None:
    clips = tuple(LabelledClip(path=Path(f"{n}.wav"), label=HOSTILE) for n in range(2))
    titles = {clips[0].path: HOSTILE}
    sounds = LabelledSounds(key=HOSTILE, name=HOSTILE, clips=clips, titles=titles)
    windows = np.ones((1, 32), np.float32)
    heard = Heard.of(
        [HeardClip(clip=clips[1], windows=windows), Unreadable(clip=clips[0], reason=HOSTILE)]
    )
    for html in (
        views.about_sounds(sounds, tiny.checkpoint),
        views.progress(HOSTILE),
        views.result_line(judged, sounds, tiny.checkpoint),
        views.figures(judged),
        views.class_bars(judged),
        views.confusions(judged),
        views.unreadable(heard, sounds),
        cells.line(judged, 0, 2),
    ):
        assert html
        assert not {"script", "img"} & set(_Found(html).tags)


def test_every_class_and_confusion_leads_to_its_sounds(judged: judge.Judgement) -> None:
    rows = _Found(views.class_bars(judged)).choices
    assert sorted(rows) == ["0:", "1:", "2:"]
    pairs = [tuple(map(int, c.split(":"))) for c in _Found(views.confusions(judged)).choices]
    counts = [int(judged.confusion[pair]) for pair in pairs]
    assert counts == sorted(counts, reverse=True)
    assert min(counts) > 0
    assert all(row != column for row, column in pairs)


def test_scores_are_the_judgements(judged: judge.Judgement) -> None:
    html = views.figures(judged)
    right = int(np.diag(judged.confusion).sum())
    assert f"<dd>{100 * judged.accuracy:.0f} %<" in html
    assert f"{right} of 30" in html
    assert "among all classes" not in html


def test_a_whole_class_begins_with_what_was_not_found(judged: judge.Judgement) -> None:
    rows = cells.rows_of(judged, 1, None)
    found = (judged.said[rows] == 1).tolist()
    assert found == sorted(found)
    assert len(rows) == 10


def test_the_matrix_is_the_confusion(judged: judge.Judgement) -> None:
    value = figures.matrix(judged)
    trace, layout = value["figure"]["data"][0], value["figure"]["layout"]
    raw = trace["z"]
    shape = [int(n) for n in raw["shape"].split(",")]
    z = np.frombuffer(base64.b64decode(raw["bdata"]), raw["dtype"]).reshape(shape)
    share = judged.confusion / judged.confusion.sum(axis=1, keepdims=True)
    assert np.abs(z - 100 * share).max() <= 0.5
    assert value["counts"] == judged.confusion.tolist()
    assert layout["yaxis"]["autorange"] == "reversed"
    assert layout["yaxis"]["tickvals"] == [0, 1, 2]
    assert all(len(name) <= figures.LONGEST_NAME for name in layout["xaxis"]["ticktext"])
    assert sum(int(n) for row in trace["text"] for n in row if n) == 30


def test_the_curve_is_the_epochs() -> None:
    epochs = [
        Epoch(
            decay=0.1,
            number=n,
            train_loss=3 / n,
            train_accuracy=n / 5,
            validation_loss=4 / n,
            validation_accuracy=n / 9,
        )
        for n in (1, 2, 3)
    ]
    drawn = figures.curves(epochs)
    training, held_out = drawn["loss"]["data"]
    assert (training["name"], held_out["name"]) == ("training", "held out")
    assert training["x"] == [1, 2, 3]
    assert held_out["y"] == pytest.approx([4, 2, 4 / 3])
    assert drawn["accuracy"]["data"][0]["y"] == pytest.approx([20, 40, 60])
    assert training["line"]["dash"] != held_out["line"]["dash"]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("my head", "my head"),
        ("../../etc/x", "etc-x"),
        ("...", "head"),
        ("ü/鳥", "ü-鳥"),
        ("", "head"),
    ],
)
def test_a_heads_name_is_a_files(title: str, name: str) -> None:
    assert file_name(title) == name


def test_the_list_of_models_gains_the_head() -> None:
    choices = model_choices(
        "bundled", own=True, head=("Your head: mine", "/tmp/x/mine.safetensors")
    )
    assert choices[1] == ("Your head: mine", "/tmp/x/mine.safetensors")
    again = model_choices("/tmp/x/mine.safetensors", own=True, head=choices[1])
    assert again == choices


@pytest.fixture(scope="module")
def services(tiny_checkpoint: Path) -> Services:
    """As of an app that runs on the tiny network, without examples."""
    settings = Settings(model=str(tiny_checkpoint), device="cpu")
    predictor = Predictor.from_checkpoint(tiny_checkpoint, device="cpu")
    first = Visitor(predictor=predictor, library=None, library_problem="none")
    return Services(settings=settings, shelf=ModelShelf(settings, predictor), first=first)


@pytest.fixture(scope="module")
def on(services: Services) -> LabHandlers:
    """The handlers over a tab; built in an event loop, for Gradio would leave its own open."""

    async def built() -> LabHandlers:
        with gr.Blocks(), gr.Tab("Lab") as tab:
            return LabHandlers(
                services=services,
                visit=gr.State(None),
                model=gr.Dropdown([]),
                tab=lab.build(services, tab),
            )

    return asyncio.run(built())


Changes = dict[Any, Any]


def _all(work: Iterator[Changes]) -> Changes:
    """What the page shows after all of a handler's changes."""
    shown: Changes = {}
    for changes in work:
        assert changes
        shown |= changes
    return shown


def _brought(on: LabHandlers, path: Path) -> LabVisit:
    return _all(on.bring(None, None, str(path)))[on.visit]


def test_from_a_zip_to_a_head(on: LabHandlers, tmp_path: Path) -> None:
    visit = _brought(on, mine(tmp_path / "mine.zip"))
    shown = _all(on.evaluate(None, visit, judge.NEIGHBOURS))
    visit = shown[on.visit]
    assert visit.judged.accuracy > 0.5
    assert "1 sound could not be read" in shown[on.tab.line]
    assert shown[on.tab.stop].visible is False
    event = SimpleNamespace(_data={"id": "0:0"})
    cards = on.choose_cell(None, visit, event)[on.tab.cell]
    assert "data:audio/mpeg;base64," in cards
    assert "is: Hiss" in cards
    shown = _all(on.train(None, visit, "hum or hiss", lab.ONE))
    own = shown[on.visit].own
    assert own.predictor.labels == ("Hiss", "Hum")
    assert own.predictor.analyze(noise(1.0), 32_000).top_k(1)[0].label == "Hiss"
    assert own.file.name == "hum or hiss.safetensors"
    visitor = Visitor(predictor=own.predictor, library=None, trunk=own.body)
    shown = _all(on.evaluate(visitor, shown[on.visit], judge.HEAD))
    assert "this flatters it" in shown[on.tab.line]
    left(shown[on.visit])
    assert not own.file.exists()


def test_training_again_forgets_the_old_head(on: LabHandlers, tmp_path: Path) -> None:
    visit = _brought(on, mine(tmp_path / "mine.zip"))
    visit = _all(on.train(None, visit, "a", lab.ONE))[on.visit]
    first = visit.own.file
    visit = _all(on.train(None, visit, "b", lab.SEVERAL))[on.visit]
    assert not first.exists()
    assert visit.own.predictor.checkpoint.activation == "sigmoid"
    left(visit)


def test_stopping_leaves_what_was(on: LabHandlers, tmp_path: Path) -> None:
    visit = _brought(on, mine(tmp_path / "mine.zip"))
    work = on.evaluate(None, visit, judge.NEIGHBOURS)
    assert next(work)[on.tab.stop].visible is True
    work.close()
    shown = on.stopped()
    assert (shown[on.tab.run].visible, shown[on.tab.stop].visible) == (True, False)
    left(visit)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({}, "it is empty"),
        ({"a/x.txt": b""}, "no sound in a class folder"),
        ({"../a/x.wav": b""}, "leads out of it"),
    ],
)
def test_a_bad_zip_is_told_in_place(
    on: LabHandlers, tmp_path: Path, names: dict[str, bytes], message: str
) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as bundle:
        for name, data in names.items():
            bundle.writestr(name, data)
    shown = _all(on.bring(None, None, str(tmp_path / "bad.zip")))
    assert message in shown[on.tab.notice].value
    assert on.visit not in shown


def test_what_is_no_zip_is_told_in_place(on: LabHandlers, tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04 and nothing more")
    shown = _all(on.bring(None, None, str(tmp_path / "bad.zip")))
    assert "cannot be read as a zip" in shown[on.tab.notice].value


@pytest.mark.parametrize(
    ("zip_of", "evaluated", "trained"),
    [
        ({"labels": ("Hum",)}, "all 4 clips have the label", "all 4 clips have the label"),
        ({"each": 1}, "no label has two clips", "2 of the 2 classes have one clip"),
    ],
)
def test_too_few_sounds_are_told_in_place(
    on: LabHandlers, tmp_path: Path, zip_of: dict[str, Any], evaluated: str, trained: str
) -> None:
    visit = _brought(on, mine(tmp_path / "mine.zip", **zip_of))
    shown = _all(on.evaluate(None, visit, judge.NEIGHBOURS))
    assert evaluated in shown[on.tab.notice].value
    assert shown[on.tab.run].visible
    shown = _all(on.train(None, visit, "x", lab.ONE))
    assert trained in shown[on.tab.train_notice].value
    assert shown[on.tab.train].visible
    left(visit)


def test_a_zip_of_nothing_but_bad_files_is_told(on: LabHandlers, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as bundle:
        for label in ("a", "b"):
            bundle.writestr(f"{label}/x.wav", b"no sound")
    visit = _brought(on, tmp_path / "bad.zip")
    shown = _all(on.evaluate(None, visit, judge.NEIGHBOURS))
    assert "none of the 2 sounds could be read" in shown[on.tab.notice].value
    left(visit)


def test_a_bug_leaves_the_page_usable(
    on: LabHandlers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = _brought(on, mine(tmp_path / "mine.zip"))
    monkeypatch.setattr(judge, "by_neighbours", lambda heard: 1 / 0)
    work = on.evaluate(None, visit, judge.NEIGHBOURS)
    shown: list[Changes] = []
    with pytest.raises(ZeroDivisionError):
        shown.extend(work)
    assert shown[-1][on.tab.run].visible is True
    left(visit)


@pytest.mark.parametrize("cell", ["9:0", "0:9", "-1:0"])
def test_a_cell_that_is_not_there_is_empty(on: LabHandlers, tmp_path: Path, cell: str) -> None:
    visit = _brought(on, mine(tmp_path / "mine.zip"))
    visit = _all(on.evaluate(None, visit, judge.NEIGHBOURS))[on.visit]
    shown = on.choose_cell(None, visit, SimpleNamespace(_data={"id": cell}))
    assert "Click a cell" in shown[on.tab.cell]
    left(visit)


def test_another_model_takes_the_old_result_away(on: LabHandlers, tmp_path: Path) -> None:
    visit = _brought(on, mine(tmp_path / "mine.zip"))
    visit = _all(on.evaluate(None, visit, judge.NEIGHBOURS))[on.visit]
    shown = on.with_model(visit, on.services.first)
    assert shown[on.visit].judged is None
    assert shown[on.tab.line] == shown[on.tab.figures] == ""
    left(visit)


def test_a_head_keeps_the_library_of_its_body(zipped: LabelledSounds) -> None:
    """Its embeddings are the same, though its file is another."""
    from passt_ui.services import visitor_with

    settings = Settings(device="cpu")
    predictor = Predictor.from_checkpoint(device="cpu")
    visitor = visitor_with(settings, predictor)
    good = [clip for clip in zipped.clips if clip.path.stat().st_size > 100]
    found = probe(Heard.of(hear(predictor, good)), ProbeConfig(decays=(0.1,), epochs=3))
    own = own_head("mine", found, visitor, zipped, settings)
    assert visitor_with(settings, own.predictor).library is None
    with_library = visitor_with(settings, own.predictor, own.body)
    assert with_library.library is not None
    assert with_library.body.sha256 == predictor.checkpoint.sha256
    own.remove()


def test_no_folder_is_served(services: Services, zipped: LabelledSounds) -> None:
    assert "allowed_paths" not in launch_options(services)
    sound = cells._sound(zipped.clips[0].path, services.first.predictor)
    assert sound.startswith("data:audio/mpeg")
    assert cells._sound(Path("/gone.wav"), services.first.predictor) == ""


def test_the_page_is_built_with_a_lab(services: Services) -> None:
    async def built() -> gr.Blocks:
        return build_app(services)

    names = {fn.api_name for fn in asyncio.run(built()).fns.values()}
    assert {"lab_evaluate", "lab_train", "lab_cell", "use_head"} <= names


@pytest.mark.parametrize(
    ("share", "told"),
    [(1.0, "100 %"), (224 / 225, "99.5 %"), (0.9949, "99 %"), (0.0, "0 %"), (float("nan"), "–")],
)
def test_nothing_is_rounded_up_to_all_of_it(share: float, told: str) -> None:
    assert views._percent(share) == told


def test_only_the_bundled_model_on_the_bundled_sounds_is_called_flattered(tiny: Predictor) -> None:
    def sounds(folder: Path) -> LabelledSounds:
        clip = LabelledClip(path=folder / "a.ogg", label="Dog")
        return LabelledSounds(key="k", name="n", clips=(clip,), titles={})

    bundled = replace(tiny.checkpoint, name=BUNDLED)
    assert "flatters" in views.learnt_from_these(bundled, sounds(BUNDLED_SOUNDS))
    assert not views.learnt_from_these(bundled, sounds(Path("/elsewhere")))
    assert not views.learnt_from_these(tiny.checkpoint, sounds(BUNDLED_SOUNDS))
