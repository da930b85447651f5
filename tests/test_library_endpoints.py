"""What a script can ask of the Library tab: no path, and nothing of another visitor."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from passt_core.files import ASSETS
from tests.sounds import noise, tone, write

pytestmark = pytest.mark.filterwarnings("default")
"""gradio_client and what it is built on warn of each other's futures."""


def _built(client: Client, folder: Path) -> str:
    sounds = [write(folder / "a.wav", tone(0.5)), write(folder / "b.wav", noise(0.5))]
    files = [handle_file(path) for path in sounds]
    return str(client.predict("mine", files, api_name="/library_build"))


def test_a_visitor_reaches_their_own_library_and_no_other(app_url: str, tmp_path: Path) -> None:
    one, other = Client(app_url, verbose=False), Client(app_url, verbose=False)
    told = _built(one, tmp_path)
    assert "mine</b> is built: 2 clips" in told
    taken = str(one.predict(5, api_name="/library_build_done"))
    assert "library <b>mine</b>, 2 sounds" in taken
    assert "own:mine" in taken
    assert str(tmp_path) not in told + taken
    with pytest.raises(AppError):
        other.predict("own:mine", 5, api_name="/choose_library")
    seen = str(other.predict(api_name="/library_enter"))
    assert "bundled" in seen
    assert "mine" not in seen
    assert "mine is deleted." in str(one.predict(5, api_name="/library_delete"))
    assert "comes with the app" in str(one.predict(5, api_name="/library_delete"))
    for client in (one, other):
        client.close()


@pytest.mark.parametrize("key", ["own:../../etc", "app:../assets", "/etc/passwd", ""])
def test_a_key_is_no_path(app_url: str, key: str) -> None:
    client = Client(app_url, verbose=False)
    with pytest.raises(AppError) as caught:
        client.predict(key, 5, api_name="/choose_library")
    assert "Traceback" not in str(caught.value)
    client.close()


def _called(app_url: str, endpoint: str, data: list[Any]) -> bytes:
    call = f"{app_url}gradio_api/call/{endpoint}"
    body = json.dumps({"data": data}).encode()
    request = urllib.request.Request(call, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        event = json.load(response)["event_id"]
    with urllib.request.urlopen(f"{call}/{event}", timeout=60) as stream:
        return stream.read()


def test_files_of_the_machine_are_no_uploads(app_url: str, tmp_path: Path) -> None:
    """A path that was not uploaded is refused, though it is a sound that could be embedded."""
    secret = write(tmp_path / "secret.wav", noise(0.5))
    file = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
    answer = _called(app_url, "library_build", [None, None, "mine", [file]])
    assert b"event: error" in answer
    assert b"is built" not in answer


@pytest.mark.parametrize("rest", ["own%3Amine/map", "mine/sounds/0", "..%2f..%2fetc/map"])
def test_an_own_library_has_no_key_that_can_be_guessed(app_url: str, rest: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{app_url}passt/libraries/{rest}", timeout=30)
    assert caught.value.code == 404
    assert str(ASSETS) not in caught.value.read().decode()
