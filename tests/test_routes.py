"""The routes of maps and sounds: what they send, and that nothing else can be got from them."""

from __future__ import annotations

import gc
import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
import soundfile
from starlette.applications import Starlette
from starlette.testclient import TestClient

from passt_core.inference.predictor import Predictor
from passt_core.library.store import SoundLibrary
from passt_ui import mapdata, playable
from passt_ui.playable import Transcodes
from passt_ui.routes import LibraryRoutes
from passt_ui.shelf import LibraryShelf
from tests.libraries import clip, random_library, units
from tests.sounds import RATE, encode, noise, tone, write

pytestmark = pytest.mark.filterwarnings("default")
"""Starlette's test client warns of its own future."""

SECRET = b"nobody shall read this"


@pytest.fixture(scope="module")
def library(tiny: Predictor, tmp_path_factory: pytest.TempPathFactory) -> SoundLibrary:
    """WAV, AIFF and M4A, one that leads out of its folder, one that is no sound."""
    root = tmp_path_factory.mktemp("sounds")
    write(root / "plain.wav", noise(2.0))
    write(root / "tape.aiff", np.concatenate([noise(1.0), tone(2.0), noise(1.0, seed=1)]))
    encode(root / "phone.m4a", noise(1.0), RATE, "aac")
    (root / "broken.caf").write_bytes(b"no sound")
    (root.parent / "secret.wav").write_bytes(SECRET)
    clips = (
        replace(clip(0, file="plain.wav"), end_s=2.0),
        replace(clip(1, file="tape.aiff"), start_s=1.0, end_s=3.0),
        replace(clip(2, file="phone.m4a"), end_s=1.0),
        replace(clip(3, file="../secret.wav"), end_s=1.0),
        replace(clip(4, file="gone.wav"), end_s=1.0),
        replace(clip(5, file="broken.caf"), end_s=1.0),
    )
    return random_library(root / "mine", tiny.checkpoint, units(6, 32), clips=clips)


@pytest.fixture
def shelf() -> LibraryShelf:
    return LibraryShelf()


@pytest.fixture
def client(shelf: LibraryShelf) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=LibraryRoutes(shelf).routes())) as client:
        yield client


def _url(library: SoundLibrary, key: str, row: int) -> str:
    return f"/passt/libraries/{key}/sounds/{library.clips[row].number}"


def test_the_map_comes_compressed_and_once(
    client: TestClient, shelf: LibraryShelf, library: SoundLibrary
) -> None:
    key = shelf.share(library)
    answer = client.get(f"/passt/libraries/{key}/map")
    assert answer.json() == mapdata.payload(library)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["cache-control"].startswith("public")
    tag = answer.headers["etag"]
    again = client.get(f"/passt/libraries/{key}/map", headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_a_sound_comes_whole_and_in_ranges(
    client: TestClient, shelf: LibraryShelf, library: SoundLibrary
) -> None:
    url = _url(library, shelf.share(library), 0)
    whole = client.get(url)
    assert whole.headers["content-type"] == "audio/wav"
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.content == library.sound_path(library.clips[0]).read_bytes()
    part = client.get(url, headers={"range": "bytes=1000-1999"})
    assert part.status_code == 206
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(whole.content)}"
    assert part.content == whole.content[1000:2000]
    assert client.get(url, headers={"range": "bytes=99999999-"}).status_code == 416
    tag = whole.headers["etag"]
    assert client.get(url, headers={"if-none-match": tag}).status_code == 304
    assert client.head(url).headers["content-length"] == str(len(whole.content))
    assert client.post(url).status_code == 405


def test_what_browsers_cannot_play_is_sent_as_flac(
    client: TestClient, shelf: LibraryShelf, library: SoundLibrary
) -> None:
    url = _url(library, shelf.share(library), 1)
    answer = client.get(url)
    assert answer.headers["content-type"] == "audio/flac"
    samples, rate = soundfile.read(io.BytesIO(answer.content), dtype="float32")
    assert (rate, len(samples)) == (RATE, 2 * RATE)
    assert np.abs(samples[500:-500] - tone(2.0)[500:-500]).max() < 1e-3
    part = client.get(url, headers={"range": "bytes=10-19"})
    assert part.content == answer.content[10:20]


def test_transcoded_sounds_do_not_fill_the_disk(tmp_path: Path) -> None:
    path = write(tmp_path / "a.aiff", noise(1.0))
    ends = [0.5 + 0.1 * index for index in range(4)]
    kept = Transcodes(most_bytes=1)
    files = [kept.flac(path, 0.0, end_s) for end_s in ends]
    assert [file.is_file() for file in files] == [False, False, False, True]
    assert kept.flac(path, 0.0, ends[0]).is_file()


def test_a_sound_is_transcoded_once_and_keeps_no_other_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2, timeout=20)
    made: list[str] = []
    transcode = playable._transcode

    def together(path: Path, *rest: Any) -> None:
        made.append(path.name)
        both.wait()  # broken, if one waits for the other to be done
        transcode(path, *rest)

    monkeypatch.setattr(playable, "_transcode", together)
    kept = Transcodes()
    paths = [write(tmp_path / name, noise(0.5)) for name in ("a.aiff", "b.aiff")]
    with ThreadPoolExecutor(4) as pool:
        files = list(pool.map(kept.flac, 2 * paths))
    assert sorted(made) == ["a.aiff", "b.aiff"]
    assert files[:2] == files[2:]
    assert all(file.is_file() for file in files)


@pytest.mark.parametrize("row", [3, 4, 5], ids=["out of the folder", "gone", "no sound"])
def test_a_sound_that_cannot_be_had_is_a_sentence(
    client: TestClient, shelf: LibraryShelf, library: SoundLibrary, row: int
) -> None:
    answer = client.get(_url(library, shelf.share(library), row))
    assert answer.status_code == 404
    assert answer.text == "This sound cannot be read any more; choose another."
    assert SECRET not in answer.content


@pytest.mark.parametrize("prefix", ["", "/deep"], ids=["taken away", "kept"])
def test_a_proxy_may_serve_the_app_below_a_prefix(
    shelf: LibraryShelf, library: SoundLibrary, prefix: str
) -> None:
    url = prefix + _url(library, shelf.share(library), 0)
    app = Starlette(routes=LibraryRoutes(shelf).routes())
    with TestClient(app, root_path="/deep") as client:
        assert client.get(url).status_code == 200


KEYS = (
    "..",
    ".",
    "%2e%2e",
    "%2e%2e%2f%2e%2e",
    "..%5c..",
    "%2fetc%2fpasswd",
    "mine",
    "mine-00000000",
    "%00",
    "a" * 4000,
    "__proto__",
    "*",
)
NUMBERS = (
    "..",
    "%2e%2e%2fsecret.wav",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "-1",
    "+0",
    "0.0",
    "1e0",
    "0x0",
    "٣",
    "²",
    "%200",
    "0%00",
    "9" * 9,
    "9" * 5000,
    "2147483648",
    "nan",
    "",
    "0%2f..%2f..%2fmap",
)


def _refused(client: TestClient, url: str) -> None:
    answer = client.get(url)
    assert answer.status_code == 404, url[:80]
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.endswith("reload the page.")


@pytest.mark.parametrize("key", KEYS, ids=range(len(KEYS)))
def test_a_hostile_key_gets_nothing(
    client: TestClient, shelf: LibraryShelf, library: SoundLibrary, key: str
) -> None:
    shelf.share(library)
    _refused(client, f"/passt/libraries/{key}/map")
    _refused(client, f"/passt/libraries/{key}/sounds/0")


@pytest.mark.parametrize("number", NUMBERS, ids=range(len(NUMBERS)))
def test_a_hostile_number_gets_nothing(
    client: TestClient, shelf: LibraryShelf, library: SoundLibrary, number: str
) -> None:
    key = shelf.share(library)
    _refused(client, f"/passt/libraries/{key}/sounds/{quote(number, safe='/%')}")


def test_another_visitors_library_needs_its_token(
    client: TestClient, shelf: LibraryShelf, library: SoundLibrary
) -> None:
    own = replace(library)
    token = shelf.keep(own)
    answer = client.get(_url(library, token, 0))
    assert answer.status_code == 200
    assert answer.headers["cache-control"].startswith("private")
    for guess in (token[:-1], token[:-1] + ("A" if token[-1] != "A" else "B"), token.swapcase()):
        _refused(client, _url(library, guess, 0))
    del own
    gc.collect()
    _refused(client, _url(library, token, 0))
    _refused(client, f"/passt/libraries/{token}/map")
