"""A library on disk: what goes in comes out, and nothing that is not right gets in."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import faiss
import numpy as np
import pytest

from passt_core.errors import LibraryError
from passt_core.files import ROOT, atomic_folder
from passt_core.inference.predictor import Predictor
from passt_core.library import store
from passt_core.library.manifest import (
    Manifest,
    Source,
    check_name,
    portable,
    rebuild_command,
)
from passt_core.library.store import SoundLibrary, locate, names
from tests.libraries import clip, random_library, units, write

DIM = 32


@pytest.fixture
def library(tmp_path: Path, tiny: Predictor) -> SoundLibrary:
    return random_library(tmp_path / "mine", tiny.checkpoint, units(20, DIM))


def refused(folder: Path, predictor: Predictor) -> str:
    """The message of the refusal to open; it ends in a command that the shell can read."""
    with pytest.raises(LibraryError) as error:
        SoundLibrary.open(folder, predictor.checkpoint)
    message = str(error.value)
    command = shlex.split(message[message.index("python -m passt_core library") :])
    named = "rebuild" if "rebuild" in command else "--name"
    assert command[command.index(named) + 1] == folder.name
    return message


def replace_file(folder: Path, name: str, content: bytes) -> None:
    """Put other content in, and its checksum into the manifest: what a forger would do."""
    (folder / name).write_bytes(content)
    change_manifest(folder, files={name: hashlib.sha256(content).hexdigest()})


def change_manifest(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    about = json.loads(path.read_text(encoding="utf-8"))
    for key, value in changes.items():
        about[key] = about[key] | value if isinstance(value, dict) else value
    path.write_text(json.dumps(about), encoding="utf-8")


def npy(array: np.ndarray, folder: Path) -> bytes:
    path = folder / "array.npy"
    np.save(path, array)
    return path.read_bytes()


def test_round_trip(library: SoundLibrary, tmp_path: Path, tiny: Predictor) -> None:
    embeddings = units(20, DIM)
    assert library.clips == tuple(clip(number) for number in range(20))
    assert np.array_equal(library.embeddings, embeddings)
    assert isinstance(library.embeddings, np.memmap)
    assert library.map.shape == (20, 2)
    assert library.name == "mine"
    assert library.roots == (tmp_path,)
    assert library.numbers.tolist() == [7 * number for number in range(20)]
    assert library.rows_of(np.array([133, 0, 7])).tolist() == [19, 0, 1]
    assert library.clusters.tolist() == [number % 3 - 1 for number in range(20)]
    assert [record.file for record in library.files] == [clip.file for clip in library.clips]
    assert library.clip("clip-7") == library.clips[7]
    assert {path.name for path in library.folder.iterdir()} == {
        "manifest.json",
        "clips.csv",
        "clusters.npy",
        "embeddings.npy",
        "faiss.index",
        "files.csv",
        "map.npy",
    }
    again = SoundLibrary.open(library.folder, tiny.checkpoint)
    assert again.manifest == library.manifest


def test_an_unknown_id_is_named(library: SoundLibrary) -> None:
    with pytest.raises(LibraryError, match="no clip 'nothing'"):
        library.clip("nothing")


def test_another_model_is_refused(library: SoundLibrary, tiny: Predictor) -> None:
    mine = tiny.checkpoint
    others = (
        replace(mine, sha256="0" * 64),
        replace(mine, front_end=replace(mine.front_end, hop=160)),
    )
    for other in others:
        with pytest.raises(LibraryError, match="was made by the model tiny") as error:
            SoundLibrary.open(library.folder, replace(other, name="other", source="/x/other.pt"))
        assert "--model /x/other.pt" in str(error.value)
        assert f"--index {library.folder.parent}" in str(error.value)


@pytest.mark.parametrize(
    "name", ("clips.csv", "files.csv", "embeddings.npy", "map.npy", "clusters.npy")
)
def test_a_damaged_or_missing_file_is_named(
    library: SoundLibrary, tiny: Predictor, name: str
) -> None:
    path = library.folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert f"{name} is damaged" in refused(library.folder, tiny)
    path.unlink()
    assert f"{name} is missing" in refused(library.folder, tiny)


@pytest.mark.parametrize(
    "array",
    (
        units(19, DIM),
        units(20, DIM + 1),
        units(20, DIM).astype(np.float64),
        np.zeros(20, np.float32),
    ),
)
def test_embeddings_of_the_wrong_shape_or_type_are_refused(
    library: SoundLibrary, tiny: Predictor, tmp_path: Path, array: np.ndarray
) -> None:
    replace_file(library.folder, "embeddings.npy", npy(array, tmp_path))
    assert f"of shape {array.shape}" in refused(library.folder, tiny)


def test_a_map_of_the_wrong_shape_is_refused(
    library: SoundLibrary, tiny: Predictor, tmp_path: Path
) -> None:
    replace_file(library.folder, "map.npy", npy(np.zeros((20, 3), np.float32), tmp_path))
    assert "map.npy" in refused(library.folder, tiny)


class Bomb:
    """Unpickling it makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, (str(self.mark),))


@pytest.mark.parametrize("name", ("embeddings.npy", "map.npy"))
def test_a_pickled_array_is_refused_and_does_not_run(
    library: SoundLibrary, tiny: Predictor, tmp_path: Path, name: str
) -> None:
    mark = tmp_path / "it-ran"
    bomb = Bomb(mark)
    objects = np.empty(1, object)
    objects[0] = bomb
    for content in (npy(objects, tmp_path), pickle.dumps(bomb)):
        replace_file(library.folder, name, content)
        assert f"{name} is not an array" in refused(library.folder, tiny)
        assert not mark.exists()


@pytest.mark.parametrize(
    "content",
    (
        b"",
        b"id,file\n",
        b"number,id,source,file,start,end,label,family,licence,origin\nonly one\n",
        b"\xff\xfe\x00",
        b'number,id,source,file,start,end,label,family,licence,origin\n0,"a",0,"b",x,1,"","","",""\n',
    ),
)
def test_clips_that_cannot_be_read_are_refused(
    library: SoundLibrary, tiny: Predictor, content: bytes
) -> None:
    replace_file(library.folder, "clips.csv", content)
    assert "clips.csv" in refused(library.folder, tiny)


def test_an_id_that_stands_twice_is_refused(
    library: SoundLibrary, tiny: Predictor, tmp_path: Path
) -> None:
    text = (library.folder / "clips.csv").read_bytes().replace(b'"clip-3"', b'"clip-4"')
    replace_file(library.folder, "clips.csv", text)
    assert "unique ids" in refused(library.folder, tiny)


@pytest.mark.parametrize(
    "text",
    ("", "{", "[]", "null", "{}", '{"schema": 1}', '{"schema": 99}', "\ud800"),
)
def test_a_manifest_that_is_not_one_is_refused(
    library: SoundLibrary, tiny: Predictor, text: str
) -> None:
    path = library.folder / "manifest.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    refused(library.folder, tiny)


@pytest.mark.parametrize(
    "change", ({"count": "many"}, {"front_end": None}, {"sources": 3}, {"map": "x"})
)
def test_a_manifest_with_a_wrong_value_is_refused(
    library: SoundLibrary, tiny: Predictor, change: dict[str, object]
) -> None:
    change_manifest(library.folder, **change)
    assert next(iter(change)) in refused(library.folder, tiny)


def test_no_library_is_said_so(tmp_path: Path, tiny: Predictor) -> None:
    assert "there is no sound library" in refused(tmp_path / "nothing", tiny)
    assert "build assets/library --name bundled" in refused(tmp_path / "bundled", tiny)


@pytest.mark.parametrize("damage", ("missing", "cut", "noise", "stale", "other kind"))
def test_the_faiss_file_is_made_again(library: SoundLibrary, tiny: Predictor, damage: str) -> None:
    path = library.folder / "faiss.index"
    good = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(good[: len(good) // 2])
    elif damage == "noise":
        path.write_bytes(np.random.default_rng(0).bytes(len(good)))
    else:
        kind = faiss.IndexFlatIP if damage == "stale" else faiss.IndexFlatL2
        other = kind(DIM)
        other.add(units(20, DIM, seed=int(damage == "stale")))
        faiss.write_index(other, str(path))
    opened = SoundLibrary.open(library.folder, tiny.checkpoint)
    for row, number in enumerate(opened.numbers.tolist()):
        assert np.array_equal(opened.index.reconstruct(number), library.embeddings[row])
    assert path.read_bytes() == good
    told = Manifest.read(library.folder).files["faiss.index"]
    assert told == hashlib.sha256(good).hexdigest(), "it is read again the next time"


def test_writing_replaces_the_old_one(library: SoundLibrary, tiny: Predictor) -> None:
    again = random_library(library.folder, tiny.checkpoint, units(5, DIM, seed=3))
    assert len(again.clips) == 5
    assert [path.name for path in library.folder.parent.iterdir()] == ["mine"]
    assert len(library.embeddings) == 20, "what was open goes on as it was"
    assert np.array_equal(library.embeddings, units(20, DIM))


def test_an_error_in_the_middle_leaves_the_old_one(
    library: SoundLibrary, tiny: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.np, "save", full)
    with pytest.raises(LibraryError, match="No space left"):
        write(library.folder, tiny.checkpoint, units(5, DIM))
    monkeypatch.undo()
    assert len(SoundLibrary.open(library.folder, tiny.checkpoint).clips) == 20
    assert [path.name for path in library.folder.parent.iterdir()] == ["mine"]


@pytest.mark.parametrize("step", (1, 2))
def test_a_kill_between_the_steps_leaves_the_old_one(
    library: SoundLibrary, tiny: Predictor, step: int
) -> None:
    """The process dies, without any clean-up, before or after the old folder is moved aside."""
    script = f"""
import os, pathlib
from passt_core.files import atomic_folder
steps = []
real = pathlib.Path.replace
def replace(self, target):
    steps.append(self)
    if len(steps) == {step}:
        os._exit(9)
    return real(self, target)
pathlib.Path.replace = replace
with atomic_folder(pathlib.Path({str(library.folder)!r})) as temporary:
    (temporary / "manifest.json").write_text("half")
"""
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert ended.returncode == 9
    assert len(SoundLibrary.open(library.folder, tiny.checkpoint).clips) == 20


def test_what_a_kill_left_aside_goes_with_the_next_writing(tmp_path: Path) -> None:
    target, aside = tmp_path / "mine", tmp_path / ".mine.old"
    for folder in (target, aside):
        folder.mkdir()
    with atomic_folder(target) as temporary:
        (temporary / "new").touch()
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert (target / "new").exists()


def test_what_a_kill_left_half_written_goes_with_the_next_writing(tmp_path: Path) -> None:
    """Not what is being written now, and not what is another library's."""
    kept = (".mine-now12345.tmp", ".mine-2-old12345.tmp", ".other-old12345.tmp")
    for name in (".mine-old12345.tmp", *kept):
        (tmp_path / name).mkdir()
        if "old" in name:
            os.utime(tmp_path / name, (0, 0))
    with atomic_folder(tmp_path / "mine") as temporary:
        (temporary / "new").touch()
    assert {path.name for path in tmp_path.iterdir()} == {"mine", *kept}


def test_a_library_of_ones_own_is_not_offered_to_git() -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    files = ("index/mine/manifest.json", "index/bundled/manifest.json")
    command = ["git", "check-ignore", "--no-index", *files]
    ended = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    if ended.returncode > 1:
        pytest.skip(f"git does not answer: {ended.stderr.strip()}")
    assert ended.stdout.split() == ["index/mine/manifest.json"]


def test_parts_that_do_not_fit_are_not_written(tmp_path: Path, tiny: Predictor) -> None:
    with pytest.raises(LibraryError, match="do not fit"):
        write(tmp_path / "mine", tiny.checkpoint, units(5, DIM), count=6)
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize(
    "file", ("../secret.wav", "/etc/passwd", "sub/../../secret.wav", "link.wav", "..")
)
def test_no_path_leads_out_of_the_root(tmp_path: Path, tiny: Predictor, file: str) -> None:
    root = tmp_path / "sounds"
    (root / "sub").mkdir(parents=True)
    (tmp_path / "secret.wav").touch()
    (root / "link.wav").symlink_to(tmp_path / "secret.wav")
    library = random_library(
        tmp_path / "mine",
        tiny.checkpoint,
        units(1, DIM),
        sources=(Source(root=str(root)),),
        clips=(clip(0, file=file),),
    )
    with pytest.raises(LibraryError, match="leads out"):
        library.sound_path(library.clips[0])


def test_a_sound_is_found_or_said_to_be_gone(tmp_path: Path, tiny: Predictor) -> None:
    sound = tmp_path / "sub" / "ö 鳥.wav"
    sound.parent.mkdir()
    sound.touch()
    library = random_library(
        tmp_path / "mine",
        tiny.checkpoint,
        units(2, DIM),
        clips=(clip(0, file="sub/ö 鳥.wav"), clip(1)),
    )
    assert library.sound_path(library.clips[0]) == sound
    with pytest.raises(LibraryError, match="any more; put it back, or build again: python"):
        library.sound_path(library.clips[1])


def test_paths_in_the_project_are_relative(tmp_path: Path) -> None:
    assert portable(ROOT / "assets" / "library", ROOT / "index" / "x") == "../../assets/library"
    assert portable(tmp_path, ROOT / "index" / "x") == tmp_path.as_posix()
    assert portable(ROOT / "assets", tmp_path) == (ROOT / "assets").as_posix()


def test_the_rebuild_command_says_all_that_is_needed(tmp_path: Path, tiny: Predictor) -> None:
    assert (
        rebuild_command(ROOT / "index" / "bundled")
        == "python -m passt_core library build assets/library --name bundled"
    )
    library = random_library(
        tmp_path / "my sounds",
        tiny.checkpoint,
        units(1, DIM),
        sources=(Source(root="/a b", labels="/c.csv"),),
    )
    assert shlex.split(library.rebuild) == [
        *("python", "-m", "passt_core", "library", "rebuild", "my sounds"),
        *("--model", tiny.checkpoint.source, "--index", str(tmp_path)),
    ]


@pytest.mark.parametrize("name", ("", ".", "..", "a/b", "../x", ".hidden", "-x", "x" * 61, "a\n"))
def test_names_that_are_no_folder_are_refused(name: str) -> None:
    with pytest.raises(LibraryError, match="cannot be called"):
        check_name(name)


@pytest.mark.parametrize("name", ("bundled", "Vögel 2", "鳥", "a.b+c-d_e"))
def test_names_that_are_taken(name: str) -> None:
    assert check_name(name) == name


def test_libraries_are_listed_and_located(library: SoundLibrary, tmp_path: Path) -> None:
    (tmp_path / "no-library").mkdir()
    (tmp_path / ".mine.old").mkdir()
    (tmp_path / ".mine.old" / "manifest.json").touch()
    assert names(tmp_path) == ("mine",)
    assert names(tmp_path / "nothing") == ()
    assert locate("mine", tmp_path) == library.folder
    assert locate(str(library.folder), tmp_path / "elsewhere") == library.folder
    assert Manifest.read(library.folder).count == 20
