"""From a folder of sounds to a library: labels, what cannot be read, the map."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from passt_core.errors import AudioError, LibraryError
from passt_core.files import ASSETS, INDEX, ROOT
from passt_core.inference.predictor import Predictor
from passt_core.library import soundmap
from passt_core.library.build import build
from passt_core.library.catalogue import catalogue
from passt_core.library.manifest import Source
from passt_core.library.steps import Step
from passt_core.library.store import CHECKED, FAISS, SoundLibrary
from passt_core.library.tables import State
from passt_core.network import checkpoints
from passt_core.signal import audio
from tests.libraries import units
from tests.sounds import noise, tone, write

LONG_NAME = "é" * 120 + ".wav"  # 244 bytes of the 255 that a name may have


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three sounds in folders, one of them longer than the window, and much that is none."""
    folder = tmp_path_factory.mktemp("sounds")
    (folder / "a" / "Dög").mkdir(parents=True)
    write(folder / "tone.wav", tone(0.5))
    write(folder / "a" / "Dög" / LONG_NAME, noise(0.7))
    write(folder / "a" / "long.FLAC", noise(11.0, rate=8000), 8000)
    (folder / "text.wav").write_text("not a sound")
    (folder / "empty.mp3").touch()
    write(folder / "silent.wav", np.zeros(3200, np.float32))
    write(folder / "nan.wav", np.full(3200, np.nan, np.float32), subtype="FLOAT")
    (folder / "notes.txt").write_text("no sound, and not taken for one")
    write(folder / "._hidden.wav", tone(0.5))
    (folder / "folder.wav").mkdir()
    (folder / "loop.wav").symlink_to(folder / "loop.wav")
    (folder / "out.wav").symlink_to("/etc/passwd")
    return folder


@pytest.fixture(scope="module")
def built(sounds: Path, tiny: Predictor, tmp_path_factory: pytest.TempPathFactory) -> SoundLibrary:
    return build(sounds, "mine", tiny, target=tmp_path_factory.mktemp("index"))


def test_what_can_be_read_is_in_the_library(built: SoundLibrary, sounds: Path) -> None:
    assert [clip.file for clip in built.clips] == [
        f"a/Dög/{LONG_NAME}",
        "a/long.FLAC",
        "a/long.FLAC",
        "tone.wav",
    ]
    assert [clip.label for clip in built.clips] == ["Dög", "a", "a", ""]
    window = built.clips[1].end_s
    assert [clip.start_s for clip in built.clips] == [0.0, 0.0, round(11.0 - window, 6), 0.0]
    assert [clip.end_s for clip in built.clips] == [0.7, window, 11.0, 0.5]
    ids = [clip.id for clip in built.clips]
    assert ids[1] == f"a/long.FLAC#t=0,{window:g}"
    assert (ids[0], ids[3]) == (f"a/Dög/{LONG_NAME}", "tone.wav")
    assert [clip.number for clip in built.clips] == [0, 1, 2, 3]
    assert built.manifest.seconds == pytest.approx(1.2 + 2 * window)
    for clip in built.clips:
        assert built.sound_path(clip) == sounds / clip.file
        assert built.clip(clip.id) == clip


def test_what_cannot_is_listed_with_its_reason(built: SoundLibrary) -> None:
    reasons = {r.file: r.reason for r in built.files if r.state is State.SKIPPED}
    expected = {
        "text.wav": "not a sound",
        "empty.mp3": "empty",
        "silent.wav": "silence",
        "nan.wav": "NaN",
        "loop.wav": "leads nowhere",
        "out.wav": "leads out",
    }
    assert reasons.keys() == expected.keys()
    for file, reason in expected.items():
        assert reason in reasons[file]


def test_embeddings_are_those_of_the_predictor(built: SoundLibrary, tiny: Predictor) -> None:
    assert np.allclose(np.linalg.norm(built.embeddings, axis=1), 1, atol=1e-6)
    rate = tiny.sample_rate
    for row, clip in enumerate(built.clips):
        length = clip.end_s - clip.start_s
        path = built.sound_path(clip)
        alone = audio.load(path, start_s=clip.start_s, duration_s=length, sample_rate=rate)
        unit = tiny.embed(alone, rate, normalize=True)
        assert np.allclose(built.embeddings[row], unit, atol=1e-4), clip.id


def test_the_same_sounds_give_the_same_library(
    built: SoundLibrary, sounds: Path, tiny: Predictor, tmp_path: Path
) -> None:
    told: list[Step] = []
    again = build(sounds, "mine", tiny, target=tmp_path, progress=told.append)
    assert [step for step in told if step.stage == "reading"] == [
        Step(stage="reading", done=done, total=7) for done in range(1, 8)
    ]
    embedding = [step for step in told if step.stage == "embedding"]
    assert (embedding[-1].done, embedding[-1].total) == (7, 7)
    assert told[-1] == Step(stage="mapping")
    for name in (*CHECKED, FAISS):
        assert (again.folder / name).read_bytes() == (built.folder / name).read_bytes()


def test_labels_come_from_the_csv_in_the_folder(tiny: Predictor, tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav", "c.wav"):
        write(tmp_path / name, tone(0.3))
    (tmp_path / "library.csv").write_text(
        "id,file,label,family,seed,generator,licence\n"
        "one,a.wav,Rain,weather,7,water.rain,CC0-1.0\n"
        ',b.wav,"Dog, barking",,,,\n'
        "lost,../../etc/passwd.wav,x,,,,\n",
        encoding="utf-8-sig",
    )
    found = catalogue(tmp_path)
    first, second, third = found.sounds
    assert (first.id, first.label, first.family) == ("one", "Rain", "weather")
    assert (first.licence, first.origin) == ("CC0-1.0", "water.rain")
    assert (second.id, second.label) == ("b.wav", "Dog, barking")
    assert (third.id, third.label) == ("c.wav", "")
    assert [item.file for item in found.skipped] == ["../../etc/passwd.wav"]
    assert "not there" in found.skipped[0].reason


def test_labels_come_from_the_csv_that_is_given(tiny: Predictor, tmp_path: Path) -> None:
    folder = tmp_path / "sounds" / "Bird"
    folder.mkdir(parents=True)
    write(folder / "a.wav", tone(0.3))
    write(folder / "b.wav", tone(0.4))
    table = tmp_path / "esc.csv"
    table.write_text("filename,label\nBird\\a.wav,Crow\n")
    library = build(folder.parent, "x", tiny, target=tmp_path / "index", labels=table)
    assert [clip.label for clip in library.clips] == ["Crow", "Bird"]
    assert library.manifest.sources == (Source(root=str(folder.parent), labels=str(table)),)
    assert "library rebuild x" in library.rebuild


@pytest.mark.parametrize(
    ("text", "message"),
    (
        ("label\nx\n", "no column 'file'"),
        ("", "no column 'file'"),
        ("file,id\na.wav,same\nb.wav,same\n", "ids must be unique"),
        ('file,label\n"a.wav,x\n', "cannot be read as labels"),
    ),
)
def test_a_csv_that_is_no_list_is_refused(tmp_path: Path, text: str, message: str) -> None:
    for name in ("a.wav", "b.wav"):
        write(tmp_path / name, tone(0.3))
    (tmp_path / "library.csv").write_text(text)
    with pytest.raises(LibraryError, match=message):
        catalogue(tmp_path)


def test_a_csv_that_is_missing_or_not_text_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", tone(0.3))
    for table in (tmp_path / "nothing.csv", tmp_path / "a.wav"):
        with pytest.raises(LibraryError, match="cannot be read as labels"):
            catalogue(tmp_path, table)


def test_a_folder_without_sounds_is_refused(tiny: Predictor, tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="not a folder"):
        build(tmp_path / "nothing", "x", tiny, target=tmp_path)
    with pytest.raises(LibraryError, match="there is no sound in"):
        build(tmp_path, "x", tiny, target=tmp_path)
    (tmp_path / "a.wav").write_text("not a sound")
    with pytest.raises(LibraryError, match=r"none of the 1 sounds .*\n?.*not a sound"):
        build(tmp_path, "x", tiny, target=tmp_path)
    with pytest.raises(LibraryError, match="cannot be called"):
        build(tmp_path, "../x", tiny, target=tmp_path)


def test_one_bad_clip_of_a_batch_costs_only_itself(
    tiny: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        write(tmp_path / f"{number}.wav", tone(0.3, hz=200.0 + 100 * number))

    def fails(*_: object) -> None:
        raise AudioError("the model's answer is not finite")

    monkeypatch.setattr(Predictor, "analyze_batch", fails)
    whole = tiny.stretches
    monkeypatch.setattr(
        Predictor,
        "stretches",
        lambda self, path: fails() if path.name == "2.wav" else whole(path),
    )
    library = build(tmp_path, "x", tiny, target=tmp_path / "index")
    assert [clip.file for clip in library.clips] == ["0.wav", "1.wav", "3.wav"]
    assert [r.file for r in library.files if r.state is State.SKIPPED] == ["2.wav"]


def test_a_name_that_is_not_utf8_is_skipped(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", tone(0.3))
    try:
        (tmp_path / "b\udcff.wav").touch()
    except (OSError, UnicodeError):
        pytest.skip("this file system takes only UTF-8 names")
    found = catalogue(tmp_path)
    assert [sound.file for sound in found.sounds] == ["a.wav"]
    assert [item.file for item in found.skipped] == ["b?.wav"]


@pytest.mark.parametrize("count", (1, 2, 3, 9))
def test_small_libraries_have_a_map_without_umap(count: int) -> None:
    places = soundmap.layout(units(count, 16))
    assert places.shape == (count, 2)
    assert places.dtype == np.float32
    assert np.allclose(places.mean(axis=0), 0, atol=1e-6)
    assert np.array_equal(places, soundmap.layout(units(count, 16)))


def test_equal_clips_have_a_map() -> None:
    assert np.array_equal(soundmap.layout(np.ones((4, 16), np.float32)), np.zeros((4, 2)))


def test_umap_is_imported_only_when_it_is_needed() -> None:
    script = (
        "import sys, numpy\n"
        "from passt_core.library import build, embed, search, soundmap, store\n"
        "soundmap.layout(numpy.eye(4, dtype='float32'))\n"
        "sys.exit('umap' in sys.modules or 'numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0


@pytest.mark.slow
def test_umap_keeps_families_together() -> None:
    """Three well-parted families and a pair of equal clips; the same map each time."""
    centres = units(3, 24)
    embeddings = np.repeat(centres, 8, axis=0) + 0.1 * units(24, 24, seed=1)
    embeddings[1] = embeddings[0]
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    places = soundmap.layout(embeddings)
    assert places.shape == (24, 2)
    assert places.dtype == np.float32
    assert np.isfinite(places).all()
    assert np.allclose(places.mean(axis=0), 0, atol=1e-5)
    family = np.repeat(np.arange(3), 8)
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert np.mean(family[distances.argmin(axis=1)] == family) > 0.9
    assert np.array_equal(places, soundmap.layout(embeddings))


def test_the_reader_knows_every_file_of_the_bundled_library() -> None:
    """What ships can be embedded: the sounds that the CSV names are there, and only those."""
    found = catalogue(ASSETS / "library")
    assert len(found.sounds) >= 120
    assert not found.skipped
    assert all(sound.label and sound.licence for sound in found.sounds)
    assert audio.info(found.root / found.sounds[0].file).duration_s


def test_the_bundled_library_is_of_the_bundled_model_and_sounds() -> None:
    """If this fails: python -m passt_core library build assets/library --name bundled."""
    library = SoundLibrary.open(INDEX / "bundled", checkpoints.load("bundled"))
    sounds = catalogue(ASSETS / "library").sounds
    assert [clip.id for clip in library.clips] == [sound.id for sound in sounds]
    assert [clip.label for clip in library.clips] == [sound.label for sound in sounds]
    assert all(library.sound_path(clip).is_file() for clip in library.clips)
    assert not any(Path(source.root).is_absolute() for source in library.manifest.sources)
    assert all(record.state is State.IN for record in library.files)
    assert not any(record.modified_ns for record in library.files)
    assert max(path.stat().st_size for path in library.folder.iterdir()) < 5_000_000
