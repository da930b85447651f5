"""A library that is built again, added to, and taken from; and one whose build was killed."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from copy import copy
from pathlib import Path

import numpy as np
import pytest

from passt_core.cli import main
from passt_core.errors import LibraryError
from passt_core.files import ROOT
from passt_core.inference.predictor import Predictor
from passt_core.library import build as building_module
from passt_core.library import journal, soundmap
from passt_core.library.build import adding, build, building, rebuilding
from passt_core.library.change import remap, remove
from passt_core.library.embed import Outcome
from passt_core.library.manifest import Manifest
from passt_core.library.steps import Step, finished
from passt_core.library.store import SoundLibrary
from passt_core.library.tables import State
from passt_core.signal.decoding import Waveform
from tests.sounds import noise, tone, write

HEARD = "passt_core.library.build.embed"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four tones in a folder, one of them twice."""
    for number in range(4):
        put(tmp_path / "sounds" / "Tone" / f"{number}.wav", tone(0.3, hz=300.0 + 100 * number))
    shutil.copy(tmp_path / "sounds" / "Tone" / "2.wav", tmp_path / "sounds" / "same.wav")
    return tmp_path / "sounds"


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were listened to."""
    names: list[str] = []
    real = building_module.embed

    def listens(files: dict[str, Path], predictor: Predictor) -> Iterator[dict[str, Outcome]]:
        names.extend(path.name for path in files.values())
        yield from real(files, predictor)

    monkeypatch.setattr(HEARD, listens)
    return names


@pytest.fixture
def library(folder: Path, tiny: Predictor, tmp_path: Path) -> SoundLibrary:
    return build(folder, "mine", tiny, target=tmp_path / "index")


def put(path: Path, audio: Waveform) -> None:
    """Write a sound into a folder that need not be there yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, audio)


def again(folder: Path, predictor: Predictor) -> SoundLibrary:
    return build(folder, "mine", predictor, target=folder.parent / "index")


def found(library: SoundLibrary, row: int) -> str:
    """The clip that the index finds for an embedding of the library."""
    _, numbers = library.index.search(np.asarray(library.embeddings[row : row + 1]), 1)
    return library.clips[int(library.rows_of(numbers[0])[0])].id


def test_a_copy_is_found_by_its_content(library: SoundLibrary) -> None:
    assert [clip.id for clip in library.clips] == [
        *("Tone/0.wav", "Tone/1.wav", "Tone/2.wav", "Tone/3.wav")
    ]
    copy = next(record for record in library.files if record.state is State.COPY)
    assert (copy.file, copy.reason) == ("same.wav", "Tone/2.wav")


def test_only_what_is_new_or_changed_is_heard(
    library: SoundLibrary, folder: Path, tiny: Predictor, heard: list[str]
) -> None:
    same = again(folder, tiny)
    assert heard == []
    assert np.array_equal(same.embeddings, library.embeddings)
    assert np.array_equal(same.map, library.map)

    put(folder / "Tone" / "1.wav", noise(0.3))
    put(folder / "Noise" / "new.wav", noise(0.4, seed=5))
    (folder / "Tone" / "3.wav").rename(folder / "moved.wav")
    changed = again(folder, tiny)
    assert sorted(heard) == ["1.wav", "new.wav"]
    numbers = {clip.id: clip.number for clip in changed.clips}
    assert numbers["Tone/0.wav"] == 0
    assert min(numbers["Tone/1.wav"], numbers["moved.wav"], numbers["Noise/new.wav"]) == 4
    assert len(set(numbers.values())) == 5
    assert [found(changed, row) for row in range(5)] == [clip.id for clip in changed.clips]


def test_what_is_gone_goes_and_its_copy_takes_its_place(
    library: SoundLibrary, folder: Path, tiny: Predictor, heard: list[str]
) -> None:
    (folder / "Tone" / "2.wav").unlink()
    left = again(folder, tiny)
    assert [clip.id for clip in left.clips][-1] == "same.wav"
    assert heard == [], "its content was known"
    assert not any(record.state is State.COPY for record in left.files)


def test_a_file_that_cannot_be_read_is_not_tried_again_until_it_changes(
    folder: Path, tiny: Predictor, heard: list[str]
) -> None:
    (folder / "bad.wav").write_text("no sound")
    again(folder, tiny)
    heard.clear()
    again(folder, tiny)
    assert heard == []
    put(folder / "bad.wav", tone(0.3, hz=2000.0))
    assert "bad.wav" in [clip.id for clip in again(folder, tiny).clips]


def test_what_is_removed_is_gone_from_everything_and_stays_out(
    library: SoundLibrary, folder: Path, tiny: Predictor
) -> None:
    left = remove(library, ["Tone/1.wav"], tiny.checkpoint)
    assert [clip.number for clip in left.clips] == [0, 2, 3]
    assert left.index.ntotal == len(left.embeddings) == len(left.map) == 3
    assert [found(left, row) for row in range(3)] == [clip.id for clip in left.clips]
    for name in ("clips.csv", "faiss.index", "embeddings.npy"):
        gone = library.embeddings[1].tobytes()
        assert gone not in (left.folder / name).read_bytes()

    assert "Tone/1.wav" not in [clip.id for clip in again(folder, tiny).clips]
    home = left.folder
    whole = finished(rebuilding(home, tiny))
    assert "Tone/1.wav" not in [clip.id for clip in whole.clips]
    back = finished(adding(home, [folder / "Tone" / "1.wav"], tiny))
    numbers = {clip.id: clip.number for clip in back.clips}
    assert numbers["Tone/1.wav"] == max(numbers.values()), "a number is never given twice"


def test_a_stretch_is_removed_alone(tiny: Predictor, tmp_path: Path) -> None:
    folder = tmp_path / "sounds"
    put(folder / "long.wav", noise(3.5 * tiny.window_s))
    put(folder / "short.wav", tone(0.4))
    whole = again(folder, tiny)
    assert len(whole.clips) == 5
    second = whole.clips[1].id
    left = remove(whole, [second], tiny.checkpoint)
    kept = [clip.id for clip in whole.clips if clip.id != second]
    assert [clip.id for clip in left.clips] == kept
    assert [clip.id for clip in again(folder, tiny).clips] == kept
    assert [clip.id for clip in finished(rebuilding(left.folder, tiny)).clips] == kept
    named = finished(adding(left.folder, [folder / "long.wav"], tiny))
    assert [clip.id for clip in named.clips] == [clip.id for clip in whole.clips]


@pytest.mark.parametrize("names", (["nothing.wav"], ["Tone/0.wav", "nothing"]))
def test_what_is_not_there_cannot_be_removed(
    library: SoundLibrary, tiny: Predictor, names: list[str]
) -> None:
    with pytest.raises(LibraryError, match="has no clip or file 'nothing"):
        remove(library, names, tiny.checkpoint)
    with pytest.raises(LibraryError, match="without a clip; delete it"):
        remove(library, [clip.id for clip in library.clips], tiny.checkpoint)
    assert len(SoundLibrary.open(library.folder, tiny.checkpoint).clips) == 4


def test_folders_and_files_are_added(
    library: SoundLibrary, tiny: Predictor, tmp_path: Path, heard: list[str]
) -> None:
    more = tmp_path / "more"
    put(more / "Tone" / "0.wav", noise(0.5, seed=1))
    put(tmp_path / "single" / "one.wav", noise(0.5, seed=2))
    put(tmp_path / "single" / "other.wav", noise(0.5, seed=3))
    wide = finished(adding(library.folder, [more, tmp_path / "single" / "one.wav"], tiny))
    assert [clip.id for clip in wide.clips[4:]] == ["more/Tone/0.wav", "one.wav"]
    assert sorted(heard) == ["0.wav", "one.wav"]
    assert all(wide.sound_path(clip).is_file() for clip in wide.clips)
    wider = finished(adding(library.folder, [tmp_path / "single" / "other.wav"], tiny))
    assert [clip.id for clip in wider.clips[5:]] == ["one.wav", "other.wav"]
    assert len(again(tmp_path / "sounds", tiny).clips) == len(wider.clips), "what was added stays"
    put(more / "late.wav", noise(0.5, seed=4))
    latest = finished(adding(library.folder, [], tiny))
    assert "late.wav" in [clip.id for clip in latest.clips]
    for path in (tmp_path / "nothing", more / "nothing.wav"):
        with pytest.raises(LibraryError, match="is not there"):
            finished(adding(library.folder, [path], tiny))
    with pytest.raises(LibraryError, match="lies in .* and in"):
        finished(adding(library.folder, [more / "Tone"], tiny))


def test_a_library_of_another_folder_is_not_replaced_unasked(
    library: SoundLibrary, tiny: Predictor, tmp_path: Path
) -> None:
    put(tmp_path / "other" / "x.wav", noise(0.5))
    with pytest.raises(LibraryError, match="--replace"):
        build(tmp_path / "other", "mine", tiny, target=tmp_path / "index")
    new = build(tmp_path / "other", "mine", tiny, target=tmp_path / "index", replace_other=True)
    assert [clip.id for clip in new.clips] == ["x.wav"]


def test_the_map_keeps_its_places_when_little_is_added(
    tiny: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "sounds"
    for number in range(20):
        put(folder / f"{number:02d}.wav", noise(0.2, seed=number))
    monkeypatch.setattr(soundmap, "_umap", lambda embeddings, *_: embeddings[:, :2].copy())
    first = again(folder, tiny)
    put(folder / "z.wav", noise(0.2, seed=99))
    second = again(folder, tiny)
    assert np.array_equal(second.map[:20], first.map)
    assert second.manifest.map.placed == 1
    near = np.argsort(-(second.embeddings[:20] @ second.embeddings[20]))[:5]
    low, high = first.map[near].min(axis=0), first.map[near].max(axis=0)
    assert ((second.map[20] >= low - 1e-5) & (second.map[20] <= high + 1e-5)).all()
    for number in range(5):
        put(folder / f"zz{number}.wav", noise(0.2, seed=100 + number))
    third = again(folder, tiny)
    assert third.manifest.map.placed == 0
    assert not np.array_equal(third.map[:20], first.map)


def test_the_map_can_be_laid_out_otherwise(
    library: SoundLibrary, folder: Path, tiny: Predictor
) -> None:
    other = remap(library, tiny.checkpoint, neighbours=5, min_dist=0.5)
    assert (other.manifest.map.neighbours, other.manifest.map.min_dist) == (5, 0.5)
    assert np.array_equal(other.embeddings, library.embeddings)
    assert again(folder, tiny).manifest.map.neighbours == 5, "later builds keep to it"
    for wrong in ({"neighbours": 1, "min_dist": 0.1}, {"neighbours": 5, "min_dist": 1.0}):
        with pytest.raises(LibraryError, match="a map takes"):
            remap(library, tiny.checkpoint, **wrong)


def test_a_build_that_was_stopped_goes_on(
    tiny: Predictor, tmp_path: Path, heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passt_core.inference.many.BATCH", 2)
    folder, home = tmp_path / "sounds", tmp_path / "index" / "mine"
    for number in range(6):
        put(folder / f"{number}.wav", noise(0.2, seed=number))
    steps = building(home, folder, tiny)
    next(step for step in steps if step.stage == "embedding" and step.done == 2)
    steps.close()
    assert not home.exists()
    assert journal.path_beside(home).is_file()

    heard.clear()
    told: list[Step] = []
    library = finished(building(home, folder, tiny), told.append)
    assert len(heard) == 4
    assert [s.total for s in told if s.stage == "embedding"] == [4, 4]
    assert not journal.path_beside(home).exists()
    fresh = build(folder, "fresh", tiny, target=tmp_path / "index")
    assert np.allclose(library.embeddings, fresh.embeddings, atol=1e-6)


def test_a_journal_of_another_model_or_a_damaged_one_is_begun_anew(
    tiny: Predictor, folder: Path, tmp_path: Path
) -> None:
    home = tmp_path / "index" / "mine"
    home.parent.mkdir()
    for content in (b"no database at all" * 100, b""):
        journal.path_beside(home).write_bytes(content)
        assert len(again(folder, tiny).clips) == 4
    with sqlite3.connect(journal.path_beside(home)) as database:
        database.execute("CREATE TABLE maker (text TEXT)")
        database.execute("INSERT INTO maker VALUES ('another')")
    database.close()
    assert len(again(folder, tiny).clips) == 4


def in_int8(predictor: Predictor) -> Predictor:
    """A predictor that says it is of another precision."""
    other = copy(predictor)
    other.precision = "int8"
    return other


def test_a_library_is_of_one_precision(
    library: SoundLibrary, folder: Path, tiny: Predictor, heard: list[str]
) -> None:
    assert library.manifest.precision == "fp32"
    put(folder / "new.wav", noise(0.4))
    command = r"library rebuild mine --model \S+ --precision int8 --index"
    with pytest.raises(LibraryError, match=rf"in fp32, and this is int8: .* again: .*{command}"):
        finished(adding(library.folder, [], in_int8(tiny)))
    assert heard == []
    other = again(folder, in_int8(tiny))
    assert other.manifest.precision == "int8"
    assert len(heard) == len(other.clips) == 5
    assert "rebuild mine --model" in other.rebuild
    assert "--precision int8" in other.rebuild
    heard.clear()
    assert len(again(folder, in_int8(tiny)).clips) == 5
    assert heard == []


def test_a_manifest_from_before_there_were_precisions_is_of_fp32(
    library: SoundLibrary, folder: Path, tiny: Predictor, heard: list[str]
) -> None:
    path = library.folder / "manifest.json"
    about = json.loads(path.read_text(encoding="utf-8"))
    assert about.pop("precision") == "fp32"
    path.write_text(json.dumps(about), encoding="utf-8")
    assert len(again(folder, tiny).clips) == 4
    assert heard == []


def test_a_build_that_was_stopped_does_not_go_on_in_another_precision(
    library: SoundLibrary, tiny: Predictor, heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passt_core.inference.many.BATCH", 2)
    steps = rebuilding(library.folder, tiny)
    next(step for step in steps if step.stage == "embedding")
    steps.close()
    heard.clear()
    finished(rebuilding(library.folder, in_int8(tiny)))
    assert len(heard) == 4


def test_two_builds_of_one_library_do_not_mix(
    tiny: Predictor, folder: Path, tmp_path: Path
) -> None:
    home = tmp_path / "index" / "mine"
    first = building(home, folder, tiny)
    next(first)
    with pytest.raises(LibraryError, match="let another build"):
        finished(building(home, folder, tiny))
    assert len(finished(first).clips) == 4


@pytest.mark.slow
def test_a_build_that_was_killed_goes_on(
    tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SIGKILL, again and again, at whatever moment: no sound is heard twice, none is lost."""
    folder, index = tmp_path / "sounds", tmp_path / "index"
    for number in range(160):
        put(folder / f"{number}.wav", noise(0.2, seed=number))
    command = [
        *("library", "build", str(folder), "--name", "mine"),
        *("--model", str(tiny_checkpoint), "--index", str(index)),
    ]
    kept = [0]
    notes = journal.path_beside(index / "mine")
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-m", "passt_core", *command], cwd=ROOT, stdout=subprocess.DEVNULL
        )
        while process.poll() is None and _kept(notes) <= kept[-1]:
            time.sleep(0.02)
        process.kill()
        assert process.wait() in (-signal.SIGKILL, 0)
        kept.append(_kept(notes))
    assert kept == sorted(kept)
    assert 0 < kept[1] < 160, "it was killed in the middle"
    assert main(command) == 0
    assert "clips            160" in capsys.readouterr().out
    assert not notes.exists()
    assert [path.name for path in index.iterdir()] == ["mine"]
    assert Manifest.read(index / "mine").count == 160


def _kept(notes: Path) -> int:
    """Sounds in a journal that another process may be writing."""
    if not notes.exists():
        return 0
    try:
        # Without a lock, as the build holds its own until it ends.
        database = sqlite3.connect(f"file:{notes}?immutable=1", uri=True)
        try:
            return int(database.execute("SELECT count(*) FROM heard").fetchone()[0])
        finally:
            database.close()
    except sqlite3.Error:
        return 0
