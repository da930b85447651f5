"""The command line: every command, its JSON, and one line for whatever is wrong."""

from __future__ import annotations

import csv
import io
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from passt_core.cli import main
from passt_core.cli.show import echo_table, one_line
from passt_core.files import ROOT
from passt_core.inference.predictor import Predictor
from passt_core.library.query import compose, unit
from passt_core.network import checkpoints, registry
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.patchout import PatchoutSpec
from tests.libraries import units
from tests.libraries import write as write_library
from tests.sounds import TINY, noise, randomised, save_network, tone, write


class Ended:
    """What a command left behind."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        assert self.err == ""
        return json.loads(self.out)


Run = Callable[..., Ended]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process."""

    def run(*arguments: object) -> Ended:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    return run


@pytest.fixture
def refused(run: Run) -> Callable[..., str]:
    """Run a command that must end in one line on standard error, and return that line."""

    def refused(*arguments: object) -> str:
        ended = run(*arguments)
        assert ended.code == 2
        assert ended.out == ""
        assert ended.err.startswith("error: ")
        assert ended.err.count("\n") == 1
        assert ended.err.endswith("\n")
        assert "Traceback" not in ended.err
        return ended.err

    return refused


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("clip") / "Vögel 鳥.wav", noise(1.5))


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Path:
    """A folder of libraries with one in it, ``mine``: five sounds in two classes."""
    folder = tmp_path_factory.mktemp("sounds")
    for number in range(5):
        name = folder / ("Tone" if number < 3 else "Noise") / f"{number}.wav"
        name.parent.mkdir(exist_ok=True)
        write(name, tone(0.5, hz=300.0 + 200 * number) if number < 3 else noise(0.5, seed=number))
    (folder / "broken.wav").write_text("not a sound")
    index = tmp_path_factory.mktemp("index")
    arguments = ("library", "build", folder, "--name", "mine", "--index", index)
    assert main([*map(str, arguments), "--model", str(tiny_checkpoint)]) == 0
    return index


def test_analyze_as_json(run: Run, clip: Path, tiny: Predictor, tiny_checkpoint: Path) -> None:
    told = run("analyze", clip, "--model", tiny_checkpoint, "--json", "--top-k", 3).json
    truth = tiny.analyze_file(clip)
    best = [{"label": c.label, "score": pytest.approx(c.score, abs=1e-5)} for c in truth.top_k(3)]
    assert told == {
        "model": "tiny",
        "precision": "fp32",
        "duration_s": 1.5,
        "tokens": {
            "kept": truth.grid.patches,
            "all": truth.grid.patches,
            "sequence_length": truth.sequence_length,
            "merged_to": truth.sequence_length,
            "flops_share": 1.0,
        },
        "top_k": best,
        "windows": [{"start_s": 0.0, "end_s": 1.5, "top_k": best}],
    }


def test_analyze_with_patchout(
    run: Run, clip: Path, tiny: Predictor, tiny_checkpoint: Path
) -> None:
    options = ("--patchout-time", 2, "--patchout-freq", 1, "--patchout-unstructured", 3)
    command = ("analyze", clip, "--model", tiny_checkpoint, "--json", *options, "--seed", 7)
    told = run(*command).json
    spec = PatchoutSpec(time=2, freq=1, unstructured=3)
    truth = tiny.analyze_file(clip, spec, seed=7)
    assert told["tokens"]["kept"] == len(truth.kept) < told["tokens"]["all"]
    assert told["tokens"]["flops_share"] == pytest.approx(truth.flops_share, abs=1e-6)
    assert told["top_k"][0]["score"] == pytest.approx(truth.top_k(1)[0].score, abs=1e-5)
    assert run(*command).json == told
    assert run(*command[:-1], 8).json != told


def test_analyze_a_clip_of_several_windows(run: Run, tiny_checkpoint: Path, tmp_path: Path) -> None:
    long = write(tmp_path / "long.wav", noise(17.0, rate=8000), 8000)
    told = run("analyze", long, "--model", tiny_checkpoint, "--json").json
    times = [(window["start_s"], window["end_s"]) for window in told["windows"]]
    assert times == [(0.0, 10.0), (5.0, 15.0), (7.0, 17.0)]
    assert all(len(window["top_k"]) == 5 for window in told["windows"])
    table = run("analyze", long, "--model", tiny_checkpoint).out
    assert "first class" in table


def test_analyze_as_a_table(run: Run, clip: Path, tiny: Predictor, tiny_checkpoint: Path) -> None:
    ended = run("analyze", clip, "--model", tiny_checkpoint, "--top-k", 20)
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert "Vögel 鳥.wav, 1.50 s" in lines[0]
    assert "first class" not in ended.out
    start = next(line for line in lines if line.startswith("rank")).index("class")
    assert {line[start:] for line in lines[-TINY.classes :]} == set(tiny.labels)


def _sounds(index: Path) -> Path:
    return Path(json.loads((index / "mine" / "manifest.json").read_text())["sources"][0]["root"])


@pytest.fixture
def mine(index: Path, tiny_checkpoint: Path) -> tuple[object, ...]:
    """Options that name the library and its model."""
    return ("--library", "mine", "--index", index, "--model", tiny_checkpoint)


def test_search_as_json(run: Run, index: Path, mine: tuple[object, ...]) -> None:
    sound = _sounds(index) / "Tone" / "1.wav"
    told = run("search", sound, "-k", 2, "--json", *mine).json
    assert told.keys() == {"model", "library", "query", "hits"}
    assert (told["model"], told["library"]) == ("tiny", "mine")
    assert (told["query"]["clip"], told["query"]["sounds"]) == ("1.wav", 5)
    first, second = told["hits"]
    known = {"rank": 1, "id": "Tone/1.wav", "label": "Tone", "file": "Tone/1.wav", "start_s": 0.0}
    assert known.items() <= first.items()
    assert first["similarity"] == pytest.approx(1.0, abs=1e-5)
    assert second["similarity"] < first["similarity"]
    assert len(run("search", sound, "--json", *mine).json["hits"]) == 5


def test_search_as_a_table(run: Run, clip: Path, index: Path, tiny_checkpoint: Path) -> None:
    library = index / "mine"
    options = ("--library", library, "--model", tiny_checkpoint, "-k", 3, "--start", 0.5)
    ended = run("search", clip, *options)
    assert ended.code == 0
    lines = ended.out.splitlines()
    head = next(place for place, line in enumerate(lines) if line.startswith("rank"))
    columns = "rank similarity closer than label file start s end s"
    assert lines[head].split() == columns.split()
    assert [line.split()[0] for line in lines[head + 1 :]] == ["1", "2", "3"]
    assert lines[1].split() == ["start", "0.500"]


def test_search_as_csv(run: Run, clip: Path, mine: tuple[object, ...]) -> None:
    ended = run("search", clip, "-k", 3, "--csv", *mine)
    rows = list(csv.DictReader(io.StringIO(ended.out)))
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    assert {row["label"] for row in rows} <= {"Tone", "Noise"}


def test_search_needs_no_clip_with_examples(run: Run, mine: tuple[object, ...]) -> None:
    told = run("search", "--like", "Tone/1.wav", "--json", *mine).json
    assert len(told["hits"]) == 4
    assert "Tone/1.wav" not in {hit["id"] for hit in told["hits"]}
    away = run("search", "--unlike", "Tone/1.wav", "--json", *mine).json
    assert [h["id"] for h in away["hits"]] == [h["id"] for h in reversed(told["hits"])]


def test_search_takes_examples_together(
    run: Run, index: Path, clip: Path, mine: tuple[object, ...], tiny: Predictor
) -> None:
    sounds = _sounds(index)
    examples = ("--like", "Tone/0.wav", "--like", "Tone/1.wav", "--unlike", sounds / "Noise/3.wav")
    told = run("search", clip, *examples, "--json", *mine).json

    def heard(path: Path) -> np.ndarray:
        return tiny.analyze_file(path).embedding

    plus = [clip, sounds / "Tone/0.wav", sounds / "Tone/1.wav"]
    embedding = compose([heard(path) for path in plus], [heard(sounds / "Noise/3.wav")])
    for hit in told["hits"]:
        wanted = float(unit(heard(sounds / hit["file"])) @ embedding)
        assert hit["similarity"] == pytest.approx(wanted, abs=1e-4)
    assert {hit["id"] for hit in told["hits"]} == {"Tone/2.wav", "Noise/3.wav", "Noise/4.wav"}


def test_search_for_a_stretch_is_a_search_for_what_is_cut_out(
    run: Run, index: Path, mine: tuple[object, ...], tmp_path: Path
) -> None:
    both = np.concatenate([tone(0.5, hz=500.0), noise(0.5, seed=4)])
    sound = write(tmp_path / "both.wav", both)
    for stretch, best in (((0, 0.5), "Tone/1.wav"), ((0.5, 9), "Noise/4.wav")):
        options = ("--start", stretch[0], "--end", stretch[1], "-k", 1, "--json")
        [hit] = run("search", sound, *options, *mine).json["hits"]
        assert hit["id"] == best
        assert hit["similarity"] == pytest.approx(1.0, abs=1e-3)


def test_search_within_labels_and_words(run: Run, clip: Path, mine: tuple[object, ...]) -> None:
    def found(*options: object) -> set[str]:
        return {hit["id"] for hit in run("search", clip, *options, "--json", *mine).json["hits"]}

    noises = {"Noise/3.wav", "Noise/4.wav"}
    assert found("--label", "Noise") == noises
    assert len(found("--label", "Noise", "--label", "Tone")) == 5
    assert found("--text", "noise 3") == {"Noise/3.wav"}
    assert found("--label", "Noise", "--text", "WAV") == noises


@pytest.mark.parametrize(
    ("options", "reason"),
    (
        ("", "nothing was asked; give a CLIP, or --like"),
        ("--start 1 --like Tone/1.wav", "are of the CLIP"),
        ("CLIP --start 7", "begins at 7 s, and Vögel 鳥.wav lasts 1.50 s; begin earlier"),
        ("CLIP --start -1", "cannot begin at -1 s"),
        ("CLIP --start nan", "cannot begin at nan s"),
        ("CLIP --start 1 --end 1", "must end after it begins"),
        ("CLIP --start 1 --end 0.5", "must end after it begins"),
        ("CLIP --start 1 --end 1.01", "lasts 10 ms; the model needs at least 25 ms"),
        ("CLIP --start 1.49", "lasts 10 ms"),
        ("--like Tone/9.wav", "has no clip 'Tone/9.wav'"),
        ("CLIP --unlike nothing.wav", "has no clip 'nothing.wav'"),
        ("CLIP --label Dog", "no sound of the library mine is left"),
        ("CLIP --family weather", "no sound of the library mine is left"),
        ("CLIP --label Tone --text noise", "no sound of the library mine is left"),
        ("--like Tone/1.wav --unlike Tone/1.wav", "cancel each other out"),
        ("CLIP --json --csv", "print one of them"),
    ),
)
def test_searches_that_make_no_sense(
    refused: Callable[..., str],
    clip: Path,
    mine: tuple[object, ...],
    options: str,
    reason: str,
) -> None:
    arguments = [clip if word == "CLIP" else word for word in options.split()]
    assert reason in refused("search", *arguments, *mine)


def test_a_search_for_a_silent_stretch(
    refused: Callable[..., str], mine: tuple[object, ...], tmp_path: Path
) -> None:
    quiet = np.zeros(44_100, np.float32)
    sound = write(tmp_path / "half.wav", np.concatenate([tone(1.0, rate=44_100), quiet]), 44_100)
    line = refused("search", sound, "--start", 1.2, "--end", 1.8, *mine)
    assert "half.wav is silent from 1.2 s to 1.8 s" in line


def test_library_build_says_what_it_did(
    run: Run, clip: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    (clip.parent / "broken.mp3").write_text("not a sound")
    labels = tmp_path / "labels.csv"
    labels.write_text(f"file,label\n{clip.name},Bird\n", encoding="utf-8")
    ended = run(
        *("library", "build", clip.parent, "--name", "Vögel", "--labels", labels),
        *("--model", tiny_checkpoint, "--index", tmp_path / "index"),
    )
    (clip.parent / "broken.mp3").unlink()
    assert ended.code == 0
    assert ended.err == ""
    facts = dict(line.split(maxsplit=1) for line in ended.out.splitlines()[:10])
    assert facts["library"] == "Vögel"
    assert (facts["clips"], facts["labels"], facts["skipped"]) == ("1", "1", "1")
    assert "broken.mp3" in ended.out
    of = ("--model", tiny_checkpoint, "--index", tmp_path / "index", "--json")
    assert run("library", "info", "Vögel", *of).json["precision"] == "fp32"


def test_library_list(run: Run, index: Path, tmp_path: Path) -> None:
    listed = run("library", "list", "--index", index)
    assert listed.code == 0
    assert listed.out.splitlines()[1].split()[:4] == ["mine", "5", "0.0", "tiny"]
    assert run("library", "list", "--index", index, "--json").json[0]["clips"] == 5
    assert "no libraries in" in run("library", "list", "--index", tmp_path).out
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "manifest.json").write_text("{")
    assert "cannot be read" in run("library", "list", "--index", tmp_path).out


def test_a_library_is_deleted_only_by_who_says_so(
    run: Run,
    refused: Callable[..., str],
    tiny: Predictor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    delete = ("library", "delete", "mine", "--index", tmp_path)
    assert "no sound library" in refused(*delete)
    checkpoint = replace(tiny.checkpoint, name="tiny")
    write_library(tmp_path / "mine", checkpoint, units(3, TINY.dim))
    for answer, code, told in (("", 2, "nothing is deleted; say --yes"), ("n\n", 0, "kept")):
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        ended = run(*delete)
        assert ended.code == code
        assert told in ended.out + ended.err
        assert (tmp_path / "mine").is_dir()
    assert run(*delete, "--yes").code == 0
    assert not (tmp_path / "mine").exists()


def test_a_stopped_build_is_listed(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".half.journal").touch()
    assert "its build was stopped" in run("library", "list", "--index", tmp_path).out


def test_models_list_names_every_model(run: Run) -> None:
    listed = [line.split()[0] for line in run("models", "list").out.splitlines()[1:]]
    assert listed == list(checkpoints.names())


def test_models_info(run: Run, tiny: Predictor, tiny_checkpoint: Path) -> None:
    file = run("models", "info", tiny_checkpoint).out
    assert tiny.checkpoint.sha256 in file
    assert "7, sigmoid" in file
    official = run("models", "info", "passt_s_swa_p16_128_ap476")
    assert official.code == 0
    assert "models fetch passt_s_swa_p16_128_ap476" in official.out


def test_models_speed_fetches_with_progress_and_keeps_what_it_measured(
    run: Run, tiny: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []

    def loaded(name: str, progress: Callable[[float, float | None], None]) -> Checkpoint:
        progress(1.0, 2.0)
        told.append(name)
        return tiny.checkpoint

    monkeypatch.setenv("PASST_CACHE", str(tmp_path))
    monkeypatch.setattr(checkpoints, "load", loaded)
    ended = run("models", "speed", "passt_s_p16_128_ap472")
    assert told == ["passt_s_p16_128_ap472"]
    assert ended.code == 0
    lines = [line.split() for line in ended.out.splitlines()]
    assert lines[0] == ["model", "tiny"]
    assert lines[4][0] == "precision"
    assert lines[5][0] == "fp32"
    assert list(json.loads((tmp_path / "precision.json").read_text()).values()) == [lines[2][1]]


def test_models_fetch_gives_the_path(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetched(url: str, target: Path, **_: object) -> Path:
        return target

    monkeypatch.setattr(checkpoints, "fetch", fetched)
    ended = run("models", "fetch", "passt_s_p16_128_ap472")
    assert ended.code == 0
    assert Path(ended.out.strip()).name == "passt-s-f128-p16-s10-ap.472.pt"
    assert "bundled.safetensors" in run("models", "fetch", "bundled").out


def test_models_fetch_without_a_network(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "RELEASES", "http://127.0.0.1:9/")
    line = refused("models", "fetch", "passt_s_p16_128_ap472")
    assert "cannot be reached" in line
    assert "bundled" in line


def test_models_fetch_into_a_place_that_is_no_folder(
    refused: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PASST_CACHE", str(tmp_path / "file" / "cache"))
    assert "set PASST_CACHE" in refused("models", "fetch", "passt_s_p16_128_ap472")


def silence(path: Path) -> None:
    write(path, np.zeros(32_000, np.float32))


def truncated_mp3(path: Path) -> None:
    whole = path.with_name("whole.mp3")
    write(whole, noise(2.0))
    path.write_bytes(whole.read_bytes()[:40])


def with_value(value: float) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        samples = noise(1.0)
        samples[100] = value
        write(path, samples, subtype="FLOAT")

    return make


BAD_CLIPS: tuple[tuple[str, Callable[[Path], object], str], ...] = (
    ("missing.wav", lambda path: None, "not a file"),
    ("folder.wav", Path.mkdir, "not a file"),
    ("empty.wav", Path.touch, "is empty"),
    ("text.wav", lambda path: path.write_text("hello " * 50), "not a sound"),
    ("headless.mp3", truncated_mp3, "headless.mp3"),
    ("no-samples.wav", lambda path: write(path, np.zeros(0, np.float32)), "0 samples"),
    ("one.wav", lambda path: write(path, np.ones(1, np.float32)), "1 sample at"),
    ("nan.wav", with_value(np.nan), "NaN"),
    ("inf.wav", with_value(np.inf), "infinite"),
    ("silence.flac", silence, "digital silence"),
    ("slow.wav", lambda path: write(path, noise(1.0), 1000), "1000 Hz"),
    ("line\nbreak.wav", Path.touch, "is empty"),
    ("x" * 300 + ".wav", lambda path: None, "cannot be opened"),
)


@pytest.mark.parametrize(
    ("name", "make", "reason"), BAD_CLIPS, ids=[name[:12] for name, *_ in BAD_CLIPS]
)
def test_bad_clips(
    refused: Callable[..., str],
    index: Path,
    tiny_checkpoint: Path,
    tmp_path: Path,
    name: str,
    make: Callable[[Path], object],
    reason: str,
) -> None:
    make(tmp_path / name)
    options = ("--model", tiny_checkpoint)
    assert reason in refused("analyze", tmp_path / name, *options)
    search = ("search", tmp_path / name, "--library", "mine", "--index", index)
    assert reason in refused(*search, *options)


@pytest.mark.parametrize(
    ("name", "channels", "rate"),
    (("eight.wav", 8, 32_000), ("8k.wav", 1, 8_000), ("192k.flac", 2, 192_000)),
)
def test_odd_clips_that_work(
    run: Run, tiny_checkpoint: Path, tmp_path: Path, name: str, channels: int, rate: int
) -> None:
    sound = np.repeat(noise(0.5, rate=rate)[:, None], channels, axis=1)
    soundfile.write(tmp_path / name, sound, rate)
    told = run("analyze", tmp_path / name, "--model", tiny_checkpoint, "--json").json
    assert told["duration_s"] == pytest.approx(0.5, abs=1e-3)


def test_a_cut_mp3_gives_what_is_left_of_it(
    run: Run, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    sound = write(tmp_path / "cut.mp3", noise(4.0))
    sound.write_bytes(sound.read_bytes()[: sound.stat().st_size // 2])
    told = run("analyze", sound, "--model", tiny_checkpoint, "--json").json
    assert 1.5 < told["duration_s"] < 2.5


def test_a_very_long_unicode_name(run: Run, tiny_checkpoint: Path, tmp_path: Path) -> None:
    sound = write(tmp_path / ("鳥" * 83 + ".wav"), noise(0.5))
    assert run("analyze", sound, "--model", tiny_checkpoint).code == 0


def test_patchout_of_everything(
    refused: Callable[..., str], clip: Path, tiny_checkpoint: Path
) -> None:
    options = ("--patchout-time", 999, "--model", tiny_checkpoint)
    assert "keep at least 1" in refused("analyze", clip, *options)


def test_an_unknown_model(refused: Callable[..., str], clip: Path, tmp_path: Path) -> None:
    for arguments in (
        ("analyze", clip, "--model", "nothing"),
        ("search", clip, "--model", "nothing"),
        ("models", "info", "nothing"),
        ("models", "fetch", "nothing"),
        ("library", "build", clip.parent, "--name", "x", "--model", "nothing"),
    ):
        assert "no model is called 'nothing'" in refused(*arguments)


def test_a_checkpoint_of_the_wrong_shape(
    refused: Callable[..., str], clip: Path, tmp_path: Path
) -> None:
    network = randomised(TINY)
    state = network.state_dict()
    state["norm.weight"] = torch.ones(TINY.dim + 1)
    torch.save(state, tmp_path / "wrong.pt")
    line = refused("analyze", clip, "--model", tmp_path / "wrong.pt")
    assert "norm.weight has shape (33,) where (32,) belongs" in line


class Bomb:
    """Unpickling it makes a folder."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, (str(self.mark),))


@pytest.mark.parametrize(
    "save", (torch.save, lambda bomb, path: path.write_bytes(pickle.dumps(bomb)))
)
def test_a_pickle_that_executes_code_does_not_run(
    refused: Callable[..., str],
    clip: Path,
    tmp_path: Path,
    save: Callable[[object, Path], object],
) -> None:
    mark, bomb = tmp_path / "it-ran", tmp_path / "bomb.pt"
    save({"state_dict": Bomb(mark)}, bomb)
    refused("analyze", clip, "--model", bomb)
    refused("models", "info", bomb)
    assert not mark.exists()


def test_a_library_by_another_model(
    refused: Callable[..., str], clip: Path, index: Path, tmp_path: Path
) -> None:
    other = save_network(tmp_path / "other.safetensors", randomised(TINY, seed=1))
    line = refused("search", clip, "--library", "mine", "--index", index, "--model", other)
    assert "was made by the model tiny" in line
    assert f"library rebuild mine --model {other} --index {index}" in line


def test_a_library_that_is_missing_or_damaged(
    refused: Callable[..., str], clip: Path, tiny: Predictor, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    options = ("--index", tmp_path, "--model", tiny_checkpoint)
    assert "no sound library" in refused("search", clip, *options)
    checkpoint = replace(tiny.checkpoint, name="tiny")
    write_library(tmp_path / "mine", checkpoint, units(3, TINY.dim))
    (tmp_path / "mine" / "map.npy").write_bytes(b"x")
    assert "map.npy is damaged" in refused("search", clip, "--library", "mine", *options)


def test_bad_builds(
    refused: Callable[..., str], clip: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    options = ("--model", tiny_checkpoint, "--index", tmp_path / "index")
    build = ("library", "build")
    assert "no sound in" in refused(*build, tmp_path, "--name", "x", *options)
    assert "not a folder" in refused(*build, tmp_path / "nothing", "--name", "x", *options)
    assert "cannot be called" in refused(*build, clip.parent, "--name", "../x", *options)
    labels = ("--labels", tmp_path / "nothing.csv")
    assert "as labels" in refused(*build, clip.parent, "--name", "x", *labels, *options)
    (tmp_path / "index").write_text("a file where the folder should be")
    assert "cannot be written" in refused(*build, clip.parent, "--name", "x", *options)


@pytest.mark.parametrize(
    "case",
    (
        "nonsense: no such command 'nonsense'",
        "analyze: missing argument 'CLIP'",
        "analyze x.wav y.wav: got unexpected extra argument(s) (y.wav)",
        "analyze x.wav --top-k 0: --top-k is '0'; it must be 1 or more",
        "analyze x.wav --top-k many: --top-k is 'many'; it must be a whole number",
        "analyze x.wav --patchout-time -1: --patchout-time is '-1'; it must be 0 or more",
        "analyze x.wav --tpo-k 3: no such option: --tpo-k (Possible options: --top-k)",
        "search x.wav -k 0: -k is '0'; it must be 1 or more",
        "search x.wav -k: option '-k' requires an argument",
        "evaluate x --resamples 1.5: --resamples is '1.5'; it must be a whole number",
        "library nonsense: no such command 'nonsense'",
        "library build x: missing option '--name'",
        "models fetch: missing argument 'name'",
    ),
)
def test_wrong_usage_is_one_line_with_the_remedy(refused: Callable[..., str], case: str) -> None:
    arguments, _, reason = case.partition(": ")
    line = refused(*arguments.split())
    assert line.startswith(f"error: {reason}; see: python -m passt_core")
    assert line.endswith(" --help\n")


@pytest.mark.parametrize("group", ((), ("models",), ("library",)))
def test_without_arguments_it_says_what_there_is(run: Run, group: tuple[str, ...]) -> None:
    ended = run(*group)
    assert (ended.code, ended.out) == (2, "")
    assert "Usage:" in ended.err
    assert "Commands:" in ended.err


def test_help_ends_well(run: Run) -> None:
    assert run("analyze", "--help").code == 0


def test_what_the_system_refuses_is_one_line(
    refused: Callable[..., str],
    clip: Path,
    tiny_checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "/somewhere")

    monkeypatch.setattr(Predictor, "analyze_file", full)
    line = refused("analyze", clip, "--model", tiny_checkpoint)
    assert line == "error: /somewhere: No space left on device\n"


def test_an_interruption_ends_with_130(
    run: Run, clip: Path, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Predictor, "analyze_file", interrupted)
    assert run("analyze", clip, "--model", tiny_checkpoint).code == 130


def test_an_interrupted_training_says_what_is_kept(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **kwargs: Any) -> None:
        kwargs["traces"].state.write_bytes(b"so far")
        raise KeyboardInterrupt

    for name in ("Dog", "Rain"):
        (tmp_path / "set" / name).mkdir(parents=True)
        write(tmp_path / "set" / name / "a.wav", noise(1.0))
    monkeypatch.setattr("passt_core.lab.train.train", interrupted)
    ended = run("train", tmp_path / "set", "--out", tmp_path / "mine.safetensors")
    assert ended.code == 130
    assert ended.err.strip().endswith("give the same command to go on")
    assert "mine.state.safetensors keeps what was done" in ended.err


def test_help_does_not_wait_for_torch() -> None:
    script = (
        "import sys\n"
        "from passt_core.cli import main\n"
        "assert main(['--help']) == 0\n"
        "assert main(['analyze', '--help']) == 0\n"
        "sys.exit(bool({'torch', 'faiss', 'umap'} & sys.modules.keys()))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    for command in ("analyze", "search", "models", "library"):
        assert command in ended.stdout


def as_a_module(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "passt_core", *arguments]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)


def test_as_a_module_it_ends_with_one_line_too(tmp_path: Path, tiny_checkpoint: Path) -> None:
    ended = as_a_module("analyze", tmp_path / "no\udcff.wav", "--model", tiny_checkpoint)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("error: ")
    assert ended.stderr.count("\n") == 1


def test_decoders_do_not_write_between_our_words(
    tmp_path: Path, tiny_checkpoint: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sound = write(tmp_path / "cut.mp3", noise(4.0))
    content = bytearray(sound.read_bytes())
    content[3000:3300] = bytes(300)
    sound.write_bytes(content[:-500])
    main(["analyze", str(sound), "--model", str(tiny_checkpoint)])
    assert "Illegal Audio-MPEG-Header" in capfd.readouterr().err, "libmpg123 is quiet by now"
    ended = as_a_module("analyze", sound, "--model", tiny_checkpoint)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "cut.mp3" in ended.stdout


def test_columns_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    echo_table(("n", "name", "x"), [(1, "鳥", 0.5), (10, "e\u0301a", 12.25), (100, "a\nb", -1.0)])
    assert capsys.readouterr().out.splitlines() == [
        "  n  name       x",
        "  1  鳥     0.500",
        " 10  e\u0301a    12.250",
        "100  a b   -1.000",
    ]
    echo_table(("a", "b"), [])
    assert capsys.readouterr().out == "a  b\n"


def test_one_line_has_nothing_that_steers_a_terminal() -> None:
    assert one_line("a\x1b[31m\n b\udcff") == "a [31m b"
