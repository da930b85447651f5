"""What the browser draws the map from: every clip, its place, its groups and its stretch."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import soundmap
from passt_core.errors import LibraryError
from passt_core.inference.predictor import Predictor
from passt_core.library.store import SoundLibrary
from passt_ui import mapdata, palette
from passt_ui.playable import media_type, played_as_is, stretch
from passt_ui.shelf import LibraryShelf
from tests.libraries import clip, random_library, units

LABELS = (("Rain", "weather"), ("Wind", "weather"), ("Dog", "animals"), ("", ""))


@pytest.fixture(scope="module")
def library(tiny: Predictor, tmp_path_factory: pytest.TempPathFactory) -> SoundLibrary:
    clips = tuple(
        clip(index, label=LABELS[index % 4][0], family=LABELS[index % 4][1]) for index in range(20)
    )
    folder = tmp_path_factory.mktemp("maps") / "mine"
    return random_library(folder, tiny.checkpoint, units(20, 32), clips=clips)


def _unpacked(text: str, kind: type[np.generic]) -> NDArray[np.generic]:
    return np.frombuffer(base64.b64decode(text), kind)


def test_the_map_holds_every_clip(library: SoundLibrary) -> None:
    sent = json.loads(json.dumps(mapdata.payload(library)))
    places = np.stack([_unpacked(sent[axis], np.float32) for axis in "xy"], axis=1)
    assert np.array_equal(places, library.map)
    assert sent["id"] == [one.id for one in library.clips]
    assert np.allclose(_unpacked(sent["end"], np.float32), [one.end_s for one in library.clips])
    numbers = _unpacked(sent["number"], np.int32)
    assert len(set(numbers.tolist())) == len(library.clips)
    for row, number in enumerate(numbers.tolist()):
        assert mapdata.clip_of(library, number) is library.clips[row]


def test_groups_keep_the_pages_colours(library: SoundLibrary) -> None:
    groups = mapdata.payload(library)["groups"]
    labels = groups["label"]["groups"]
    of = _unpacked(groups["label"]["of"], np.int32)
    assert [labels[i]["name"] for i in of] == [
        one.label or mapdata.UNLABELLED for one in library.clips
    ]
    weather = [group for group in labels if group.get("parent") == "weather"]
    assert [group["name"] for group in weather] == ["Rain", "Wind"]
    assert weather[0]["symbol"] != weather[1]["symbol"]
    families = {group["name"]: group["colour"] for group in groups["family"]["groups"]}
    assert families == palette.family_colours(["weather", "animals", mapdata.UNLABELLED])


def test_clusters_are_named_and_what_is_in_none_comes_last() -> None:
    found = mapdata._clusters(np.array([2, -1, 0, 2, -1], np.int32))
    names = [group["name"] for group in found["groups"]]
    assert names == ["cluster 1", "cluster 3", mapdata.NO_CLUSTER]
    assert _unpacked(found["of"], np.int32).tolist() == [1, 2, 0, 1, 2]


@pytest.mark.parametrize("number", [-1, 10**9 - 1, 5_000_000])
def test_a_number_that_no_clip_has_is_refused(library: SoundLibrary, number: int) -> None:
    with pytest.raises(LibraryError, match="no sound of this number"):
        mapdata.clip_of(library, number)


def test_a_stretch_is_named_in_the_file_or_cut_out() -> None:
    part = replace(
        clip(1, id="tapes/side a.wav#t=61.5,64", file="tapes/side a.wav"), start_s=61.5, end_s=64.0
    )
    assert mapdata.title(part) == "side a, 1:01"
    assert stretch(part) == (61.5, 64.0)
    assert stretch(replace(part, file="tapes/side a.AIFF")) == (0.0, 2.5)
    assert played_as_is("a.MP3")
    assert media_type("a.caf") == "audio/flac"
    assert media_type("page.html") == "audio/flac"


def test_urls_hold_nothing_that_ends_a_path(library: SoundLibrary) -> None:
    urls = mapdata.urls("a b/../c?d#e")
    assert urls["url"] == "passt/libraries/a%20b%2F..%2Fc%3Fd%23e/map"
    url = mapdata.sound_url("key", library.clips[3])
    assert url == f"passt/libraries/key/sounds/{library.clips[3].number}#t=0.000,3.100"


def test_the_shelf_shares_by_name_and_keeps_secretly(library: SoundLibrary) -> None:
    shelf = LibraryShelf()
    key = shelf.share(library)
    assert key == shelf.share(library)
    assert key.startswith("mine-")
    assert shelf.library(key) is library
    own = replace(library)
    tokens = {shelf.keep(own), shelf.keep(own)}
    assert len(tokens) == 2
    assert all(len(token) >= 24 and not shelf.is_shared(token) for token in tokens)
    assert shelf.library(min(tokens)) is own
    del own
    for token in tokens:
        with pytest.raises(LibraryError):
            shelf.library(token)


def test_a_library_that_was_made_again_has_another_key(
    library: SoundLibrary, tiny: Predictor, tmp_path: Path
) -> None:
    again = random_library(tmp_path / "mine", tiny.checkpoint, units(20, 32, seed=1))
    shelf = LibraryShelf()
    assert shelf.share(library) != shelf.share(again)


@pytest.mark.browser
@pytest.mark.filterwarnings("default")
def test_the_benchmark_compares_two_maps(chromium: str, capsys: pytest.CaptureFixture[str]) -> None:
    soundmap.main(["--few", "20", "--many", "200", "--seconds", "0.3", "--chromium", chromium])
    told = capsys.readouterr().out
    rows = [line.split("|")[1:-1] for line in told.splitlines() if line.startswith("| ")]
    assert rows[0][1].strip() == "20 sounds"
    assert len(rows) == 2 + 2 * len(soundmap.GESTURES) + 3
    assert all(float(row[1]) > 0 for row in rows[2:])
