"""What a script can ask of the running app, through gradio_client."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from passt_core.files import ASSETS
from passt_core.inference.predictor import Predictor
from passt_core.network.patchout import PatchoutSpec

STORM = ASSETS / "examples" / "storm.ogg"

pytestmark = pytest.mark.filterwarnings("default")
"""gradio_client and what it is built on warn of each other's futures."""


@pytest.fixture(scope="module")
def client(app_url: str) -> Iterator[Client]:
    client = Client(app_url, verbose=False)
    yield client
    client.close()


@pytest.fixture(scope="module")
def bundled() -> Predictor:
    return Predictor.from_checkpoint(device="cpu")


def test_analyze_is_what_the_core_says(client: Client, bundled: Predictor) -> None:
    answer = client.predict(handle_file(STORM), 3, api_name="/analyze")
    expected = bundled.analyze_file(STORM)
    assert answer["model"] == "bundled"
    assert answer["duration_s"] == pytest.approx(expected.duration_s, abs=1e-3)
    assert answer["tokens"]["kept"] == answer["tokens"]["all"] == expected.grid.patches
    assert [row["label"] for row in answer["top_k"]] == [s.label for s in expected.top_k(3)]
    scores = [row["score"] for row in answer["top_k"]]
    assert scores == pytest.approx([s.score for s in expected.top_k(3)], abs=1e-4)


def test_arguments_have_the_names_of_the_readme(client: Client) -> None:
    answer = client.predict(audio=handle_file(STORM), top_k=2, api_name="/analyze")
    assert len(answer["top_k"]) == 2
    found = client.predict(audio=handle_file(STORM), k=2, api_name="/search")
    assert len(found["hits"]) == 2


def test_patchout_keeps_what_the_core_keeps(client: Client, bundled: Predictor) -> None:
    answer = client.predict(handle_file(STORM), 9, 2, 5, 7, 4, api_name="/patchout")
    spec = PatchoutSpec(time=9, freq=2, unstructured=5)
    expected = bundled.analyze_file(STORM, spec, 7)
    assert answer["kept"] == expected.kept.tolist()
    assert answer["with_mask"]["tokens"]["flops_share"] == pytest.approx(
        expected.flops_share, abs=1e-4
    )
    assert answer["with_all"]["tokens"]["flops_share"] == 1.0
    assert len(answer["with_mask"]["top_k"]) == 4


def test_search_finds_sounds_that_exist(client: Client) -> None:
    answer = client.predict(handle_file(STORM), 5, api_name="/search")
    similarities = [hit["similarity"] for hit in answer["hits"]]
    assert similarities == sorted(similarities, reverse=True)
    assert all((ASSETS / "library" / hit["file"]).is_file() for hit in answer["hits"])


def test_a_library_sound_finds_itself(client: Client) -> None:
    sound = ASSETS / "library" / "rain-01.ogg"
    answer = client.predict(handle_file(sound), 1, api_name="/search")
    assert answer["hits"][0]["id"] == "rain-01"
    assert answer["hits"][0]["similarity"] == pytest.approx(1.0, abs=1e-3)


def test_answers_are_json(client: Client) -> None:
    answer = client.predict(handle_file(STORM), 5, api_name="/analyze")
    assert json.loads(json.dumps(answer)) == answer


def _write(path: Path, samples: np.ndarray, rate: int = 32_000, **how: str) -> Path:
    soundfile.write(path, samples, rate, **how)
    return path


def test_bad_clips_are_told_in_one_sentence_and_the_app_goes_on(
    client: Client, tmp_path: Path
) -> None:
    text = tmp_path / "text.wav"
    text.write_text("this is no sound")
    nan = np.full(32_000, np.nan, np.float32)
    two_minutes = np.tile(np.float32([0.1, -0.1]), 4_000 * 121 // 2)
    cases = {
        text: "not a sound",
        _write(tmp_path / "none.wav", np.zeros(0)): "0 samples",
        _write(tmp_path / "one.wav", np.ones(1)): "1 sample at",
        _write(tmp_path / "nan.wav", nan, subtype="FLOAT"): "NaN",
        _write(tmp_path / "silence.wav", np.zeros(32_000)): "digital silence",
        _write(tmp_path / "long.wav", two_minutes, 4_000): "2 min",
    }
    for path, words in cases.items():
        with pytest.raises(AppError, match=words) as caught:
            client.predict(handle_file(path), 5, api_name="/analyze")
        assert "Traceback" not in str(caught.value)
    assert client.predict(handle_file(STORM), 1, api_name="/analyze")["top_k"]


def test_a_mask_that_leaves_nothing_is_refused(client: Client) -> None:
    with pytest.raises(AppError, match="keep at least 1"):
        client.predict(handle_file(STORM), 9999, 0, 0, 0, 5, api_name="/patchout")


@pytest.mark.parametrize("wrong", [0, -3])
def test_counts_must_be_positive(client: Client, wrong: int) -> None:
    with pytest.raises(AppError, match="at least 1"):
        client.predict(handle_file(STORM), wrong, api_name="/search")


def test_files_of_the_machine_are_out_of_reach(app_url: str, tmp_path: Path) -> None:
    """A path that was not uploaded is refused, though it is a sound that could be analysed."""
    secret = _write(tmp_path / "secret.wav", np.random.default_rng(0).standard_normal(32_000) / 9)
    body = json.dumps(
        {"data": [{"path": str(secret), "meta": {"_type": "gradio.FileData"}}, 5]}
    ).encode()
    call = f"{app_url}gradio_api/call/analyze"
    request = urllib.request.Request(call, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        event = json.load(response)["event_id"]
    with urllib.request.urlopen(f"{call}/{event}", timeout=60) as stream:
        assert b"event: error" in stream.read()
