"""Listening along a sound: snapshots that grow, whatever becomes of the file on the way."""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from passt_core.errors import AudioError, PasstError
from passt_core.files import ASSETS, ROOT
from passt_core.inference import timeline as timelines
from passt_core.inference.overview import MOST_COLUMNS, Overview
from passt_core.inference.predictor import Predictor
from passt_core.inference.timeline import Pace, Timeline, listen
from passt_core.signal import audio
from tests.sounds import RATE, noise, tone, write

PACE = Pace(window_s=1.0, hop_s=0.5)


def follow(
    predictor: Predictor, path: Path, then: Callable[[], object] = lambda: None
) -> tuple[list[Timeline], AudioError | None]:
    """Every snapshot of a sound, and the error that it ended with; after the first, ``then``."""
    snapshots: list[Timeline] = []
    try:
        for snapshot in listen(predictor, path, PACE, every_s=0.0):
            snapshots.append(snapshot)
            if len(snapshots) == 1:
                then()
    except AudioError as error:
        return snapshots, error
    return snapshots, None


def heard(predictor: Predictor, path: Path, pace: Pace = PACE) -> Timeline:
    *_, last = listen(predictor, path, pace)
    return last


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12.3 s with four seconds of digital silence in the middle."""
    samples = noise(12.3)
    samples[4 * RATE : 8 * RATE] = 0
    return write(tmp_path_factory.mktemp("sound") / "sound.wav", samples)


def test_windows_are_what_the_predictor_hears(tiny: Predictor, sound: Path) -> None:
    found = heard(tiny, sound)
    samples = audio.load(sound)
    assert found.done
    assert (found.duration_s, found.total_s) == (12.3, 12.3)
    assert (found.window_s, found.hop_s) == (1.0, 0.5)
    assert found.starts == pytest.approx([*np.arange(23) * 0.5, 11.3])
    assert found.ends == pytest.approx(found.starts + 1.0)
    for row, start in enumerate(found.starts):
        window = samples[round(start * RATE) :][:RATE]
        assert found.silent[row] == (not window.any()), start
        truth = 0 if found.silent[row] else tiny.analyze(window, RATE).probabilities
        assert found.probabilities[row] == pytest.approx(truth, abs=1e-4)
    assert 0 < found.silent.sum() < len(found.silent)


def test_cells_share_the_sound_out(tiny: Predictor, sound: Path) -> None:
    found = heard(tiny, sound)
    cells = found.cells()
    assert (len(cells), cells[0], cells[-1]) == (len(found.starts) + 1, 0.0, 12.3)
    assert cells[1:4] == pytest.approx([0.75, 1.25, 1.75])
    assert (np.diff(cells) > 0).all()


def test_top_classes_are_those_with_the_highest_peaks(tiny: Predictor, sound: Path) -> None:
    found = heard(tiny, sound)
    peaks = found.probabilities.max(axis=0)
    best = found.top_classes(3)
    assert [peaks[index] for index in best] == sorted(peaks, reverse=True)[:3]
    assert found.top_classes(0) == []
    assert sorted(found.top_classes(99)) == list(range(len(found.labels)))


def test_snapshots_grow_and_stay_what_they_were(tiny: Predictor, tmp_path: Path) -> None:
    path = write(tmp_path / "long.wav", noise(64.0))
    snapshots = []
    copies = []
    for snapshot in listen(tiny, path, PACE, every_s=0.0):
        snapshots.append(snapshot)
        copies.append((snapshot.probabilities.copy(), snapshot.overview.copy()))
    counts = [len(snapshot.starts) for snapshot in snapshots]
    assert counts[-1] == 127
    assert len(counts) > 3
    assert 1 < counts[0] == counts[1] - counts[0] == counts[2] - counts[1], "what is heard together"
    assert [snapshot.done for snapshot in snapshots] == [False] * (len(counts) - 1) + [True]
    for snapshot, (probabilities, overview) in zip(snapshots, copies):
        assert snapshot.duration_s == snapshot.ends[-1]
        assert np.array_equal(snapshot.probabilities, probabilities)
        assert np.array_equal(snapshot.overview, overview)
        assert snapshots[-1].probabilities[: len(probabilities)] == pytest.approx(probabilities)
        assert len(snapshot.cells()) == len(snapshot.starts) + 1
        assert not snapshot.probabilities.flags.writeable


def test_a_sound_shorter_than_a_window_is_one(tiny: Predictor, tmp_path: Path) -> None:
    found = heard(tiny, write(tmp_path / "short.wav", tone(0.05)))
    assert (found.starts.tolist(), found.ends.tolist()) == ([0.0], [0.05])
    assert found.cells().tolist() == [0.0, 0.05]
    assert found.overview.shape == (128, 5)
    assert found.done


def test_the_overview_is_the_spectrogram(tiny: Predictor, tmp_path: Path) -> None:
    path = write(tmp_path / "noise.wav", noise(6.25))
    found = heard(tiny, path)
    truth = tiny.spectrogram(audio.load(path))
    assert found.overview_step_s == pytest.approx(0.01)
    assert found.overview.shape == truth.shape
    assert np.abs(found.overview - truth).max() < 1e-3


def test_the_bundled_model_hears_what_is_there() -> None:
    found = heard(Predictor.from_checkpoint(), ASSETS / "examples" / "passing-siren.ogg", Pace())
    assert found.labels[found.top_classes(1)[0]] == "Siren"


@settings(deadline=None, max_examples=40)
@given(
    frames=st.integers(1, 3 * MOST_COLUMNS),
    window=st.integers(20, 900),
    data=st.data(),
)
def test_an_overview_is_the_maximum_over_stretches(
    frames: int, window: int, data: st.DataObject
) -> None:
    hop = data.draw(st.integers(max(1, window // 4), window))
    mel = np.random.default_rng(frames).normal(size=(3, frames)).astype(np.float32)
    overview = Overview(3, 0.01)
    starts = [*range(0, max(1, frames - window), hop), max(0, frames - window)]
    for start in sorted(set(starts)):
        overview.add(start * 0.01, mel[:, start : start + window])
    shown, step_s = overview.picture(frames * 0.01)
    factor = round(step_s / 0.01)
    assert step_s == pytest.approx(factor * 0.01)
    assert shown.shape[1] == -(-frames // factor) <= MOST_COLUMNS
    assert factor == 1 or -(-frames // (factor // 2)) > MOST_COLUMNS
    truth = np.maximum.reduceat(mel, np.arange(0, frames, factor), axis=1)
    assert np.array_equal(shown, truth)


def test_a_look_at_an_overview_does_not_change_it() -> None:
    mels = np.random.default_rng(0).normal(size=(40, 2, 300)).astype(np.float32)
    looked, left = Overview(2, 0.01), Overview(2, 0.01)
    for number, mel in enumerate(mels):
        for overview in (looked, left):
            overview.add(number * 1.5, mel)
        looked.picture(number * 1.5 + 3.0)
    assert np.array_equal(looked.picture(61.5)[0], left.picture(61.5)[0])


@pytest.mark.parametrize(
    ("window_s", "hop_s", "reason"),
    (
        (0.1, 0.1, "0.16 s or more"),
        (float("nan"), 1.0, "choose longer windows"),
        (2.0, 0.0, "above 0 and no longer than a window"),
        (2.0, 2.5, "sound would be left out"),
        (2.0, float("inf"), "above 0"),
    ),
)
def test_a_pace_that_no_model_keeps_is_refused(window_s: float, hop_s: float, reason: str) -> None:
    with pytest.raises(PasstError, match=reason):
        Pace(window_s=window_s, hop_s=hop_s)


@pytest.mark.parametrize(
    ("pace", "reason"),
    (
        (Pace(window_s=11.0), "at most 10 s at once: choose shorter windows"),
        (Pace(hop_s=0.333), r"whole frames of 0.01 s: choose 0\.33$"),
        (Pace(hop_s=0.001), r"choose 0\.01$"),
    ),
)
def test_a_pace_that_does_not_suit_the_model_is_refused(
    tiny: Predictor, sound: Path, pace: Pace, reason: str
) -> None:
    with pytest.raises(PasstError, match=reason):
        next(listen(tiny, sound, pace))


def test_a_window_holds_a_patch_of_the_model(tiny: Predictor) -> None:
    config = SimpleNamespace(patch=32)
    wide = SimpleNamespace(config=config, front_end=tiny.checkpoint.front_end)
    predictor = SimpleNamespace(checkpoint=wide, name="wide", window_s=10.0)
    with pytest.raises(PasstError, match="wide needs a patch, 0.32 s or more"):
        Pace(window_s=0.3, hop_s=0.1).windowing(predictor)


@pytest.mark.parametrize("window_s", (0.16, 10.0))
def test_the_shortest_and_the_longest_windows_are_taken(
    tiny: Predictor, sound: Path, window_s: float
) -> None:
    found = heard(tiny, sound, Pace(window_s=window_s, hop_s=window_s))
    assert found.window_s == window_s
    assert len(found.starts) == np.ceil(12.3 / window_s)


@pytest.mark.parametrize(
    ("samples", "reason"),
    (
        (np.zeros(3 * RATE, np.float32), "digital silence"),
        (tone(0.01), "at least 25 ms"),
        (np.full(RATE, np.nan, np.float32), "NaN"),
    ),
)
def test_what_is_no_sound_is_refused(
    tiny: Predictor, tmp_path: Path, samples: np.ndarray, reason: str
) -> None:
    path = write(tmp_path / "bad.wav", samples, subtype="FLOAT")
    with pytest.raises(AudioError, match=reason):
        heard(tiny, path)


def test_what_was_not_read_is_not_heard(tiny: Predictor, tmp_path: Path) -> None:
    path = write(tmp_path / "bad.wav", np.full(RATE, np.nan, np.float32), subtype="FLOAT")
    snapshots, error = follow(tiny, path)
    assert "NaN" in str(error)
    assert snapshots == []


def test_a_sound_that_ends_within_a_window_is_heard_as_far_as_it_was_read(
    tiny: Predictor, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stream(*_: object, **__: object) -> object:
        yield noise(0.05)
        raise AudioError("damaged")

    monkeypatch.setattr(audio, "stream", stream)
    [snapshot], error = follow(tiny, sound)
    assert str(error) == "damaged"
    assert (snapshot.duration_s, snapshot.ends.tolist(), snapshot.done) == (0.05, [0.05], False)


def test_a_file_that_vanishes_after_its_header_was_read_is_told(
    tiny: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "goes.wav", noise(1.0))
    about = audio.info(path)
    path.unlink()
    monkeypatch.setattr(audio, "info", lambda _: about)
    with pytest.raises(AudioError, match="goes.wav cannot be read any more"):
        next(listen(tiny, path))


def test_a_file_that_is_not_there_is_refused(tiny: Predictor, tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="not a file"):
        next(listen(tiny, tmp_path / "nothing.wav"))


def test_what_was_heard_before_the_damage_stays(tiny: Predictor, tmp_path: Path) -> None:
    samples = noise(35.0)
    samples[25 * RATE] = np.inf
    path = write(tmp_path / "bad.wav", samples, subtype="FLOAT")
    snapshots, error = follow(tiny, path)
    assert "infinite" in str(error)
    assert not snapshots[-1].done
    assert snapshots[-1].duration_s == 20.0  # two whole blocks of ten seconds
    assert len(snapshots[-1].starts) == 39


def test_a_file_that_shrinks_while_it_is_read_is_told(tiny: Predictor, tmp_path: Path) -> None:
    path = write(tmp_path / "shrinks.wav", noise(60.0))
    snapshots, error = follow(tiny, path, lambda: os.truncate(path, 25 * 2 * RATE))
    assert re.search(r"became shorter while it was read, after \d+\.\d\d s", str(error))
    assert 20.0 <= snapshots[-1].duration_s <= 30.0
    assert not snapshots[-1].done


def test_a_file_that_is_removed_while_it_is_read_is_heard_to_its_end(
    tiny: Predictor, tmp_path: Path
) -> None:
    path = write(tmp_path / "goes.wav", noise(30.0))
    snapshots, error = follow(tiny, path, path.unlink)
    assert error is None
    assert snapshots[-1].done
    assert snapshots[-1].duration_s == 30.0


def test_a_fault_of_the_system_is_an_audio_error(
    tiny: Predictor, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stream(*_: object, **__: object) -> object:
        yield noise(2.0)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(audio, "stream", stream)
    snapshots, error = follow(tiny, sound)
    assert "cannot be read any more (Input/output error)" in str(error)
    assert snapshots[-1].duration_s == 2.0


def test_closing_it_closes_the_file(tiny: Predictor, tmp_path: Path) -> None:
    path = write(tmp_path / "long.wav", noise(60.0))
    snapshots = listen(tiny, path, PACE, every_s=0.0)
    next(snapshots)
    assert _open_files(path) == 1
    snapshots.close()
    assert _open_files(path) == 0


def _open_files(path: Path) -> int:
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("open files are counted in /proc, which is not there")
    gc.collect()
    return sum(link.resolve() == path for link in folder.iterdir())


def test_a_timeline_that_would_not_fit_is_refused(
    tiny: Predictor, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timelines, "MOST_VALUES", 7 * 10)
    with pytest.raises(AudioError, match="7 classes holds 10: choose a longer hop"):
        next(listen(tiny, sound, PACE))


def test_a_sound_of_unknown_length_is_refused_when_it_is_too_long(
    tiny: Predictor, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timelines, "MOST_VALUES", 7 * 10)
    about = audio.info(sound)
    monkeypatch.setattr(audio, "info", lambda _: replace(about, duration_s=None))
    monkeypatch.setattr(timelines, "_FIRST_ROWS", 10)
    with pytest.raises(AudioError, match="choose a longer hop"):
        list(listen(tiny, sound, PACE))


def test_a_timeline_has_no_more_room_than_it_may_hold(
    tiny: Predictor, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timelines, "MOST_VALUES", 7 * 25)
    monkeypatch.setattr(timelines, "_FIRST_ROWS", 20)
    found = heard(tiny, sound)
    assert len(found.starts) == 24
    room = found.probabilities.base
    while room.base is not None:
        room = room.base
    assert len(room) == 25


@pytest.mark.slow
def test_memory_does_not_follow_the_length(tiny_checkpoint: Path, tmp_path: Path) -> None:
    """Five minutes of 48 kHz stereo, 115 MB as the floats that they are, in far less."""
    path = tmp_path / "long.wav"
    stretch = np.stack([noise(20.0, rate=48_000)] * 2, axis=1)
    with soundfile.SoundFile(path, "w", 48_000, 2, "PCM_16") as file:
        for _ in range(15):
            file.write(stretch)
    script = (
        "import resource, sys\n"
        "from passt_core.inference.predictor import Predictor\n"
        "from passt_core.inference.timeline import listen\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "predictor = Predictor.from_checkpoint(sys.argv[1], device='cpu')\n"
        "snapshots = listen(predictor, sys.argv[2])\n"
        "for _ in range(3): next(snapshots)\n"
        "before = peak()\n"
        "for last in snapshots: pass\n"
        "print(len(last.starts), (peak() - before) // 1024)\n"
    )
    command = [sys.executable, "-c", script, str(tiny_checkpoint), str(path)]
    ended = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    windows, grown = map(int, ended.stdout.split())
    assert windows == 299
    assert grown < 40, f"{grown} MiB more after the first snapshots"
