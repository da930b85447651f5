"""The sound library: the same samples on each run, levels kept, catalogue and files agree."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.random import PCG64, Generator

from passt_core.errors import PasstError
from tools.make_library.__main__ import main
from tools.make_library.again import AGAIN, retake
from tools.make_library.check import example_faults, library_faults, signal_faults
from tools.make_library.dsp import SR, coloured, gain, samples, times
from tools.make_library.level import PEAK_DBFS, TARGET_LUFS, level, limit, loudness
from tools.make_library.modes import pluck
from tools.make_library.phrases import PHRASES, TIMBRES, notes_of
from tools.make_library.registry import SOURCES
from tools.make_library.render import (
    FADE_OUT,
    LABEL_SEPARATOR,
    LONGEST_WHOLE,
    library_rows,
    make_clip,
    write_clip,
)
from tools.make_library.scenes import SCENES
from tools.make_library.source import Source, seed_of
from tools.make_library.space import pass_by
from tools.make_library.speech import PROGRAM

ROOT = Path(__file__).parent.parent
ESC10 = {
    "Dog", "Rain", "Waves, surf", "Baby cry, infant cry", "Tick-tock", "Sneeze", "Helicopter",
    "Chainsaw", "Fire", "Crowing, cock-a-doodle-doo",
}  # fmt: skip
FAMILIES = {
    "water", "weather", "fire", "animals", "machines", "vehicles", "alarms", "domestic", "human",
    "music", "noise",
}  # fmt: skip


def audioset_names() -> set[str]:
    with (ROOT / "assets/labels/audioset.csv").open(newline="", encoding="utf-8") as file:
        return {row["display_name"] for row in csv.DictReader(file)}


def test_registry_uses_audioset_names_and_covers_esc10():
    labels = [source.label for source in SOURCES]
    used = set(labels) | {label for scene in SCENES for label in scene.labels}
    used |= {label for source in SOURCES for label in source.also}
    assert used <= audioset_names()
    assert set(labels) >= ESC10
    assert len(set(labels)) >= 35
    assert sum(source.count for source in SOURCES) >= 400
    assert {source.family for source in SOURCES} == FAMILIES
    assert len({source.slug for source in SOURCES}) == len(SOURCES)
    assert len({scene.slug for scene in SCENES}) == len(SCENES) == 8


def test_seeds_are_fixed_and_differ():
    assert seed_of("Rain", 1) == seed_of("Rain", 1) < 2**32
    seeds = {seed_of(source.slug, k) for source in SOURCES for k in range(1, source.count + 1)}
    seeds |= {seed_of(scene.slug, scene.take) for scene in SCENES}
    assert len(seeds) == sum(source.count for source in SOURCES) + len(SCENES)


def test_ids_are_one_each_and_generators_are_told():
    rows = library_rows()
    assert len({row["id"] for row in rows}) == len(rows)
    told = {row["id"]: row["generator"] for row in rows}
    assert told["train-01"] == "machines.train"
    assert told["harp-02"] == "instruments.play(harp)"
    assert told["phrase-c-minor-90bpm-harp"] == "phrases.play(c-minor-90bpm harp)"
    assert told["dog-03-again"] == "again.retake(dog 3)"


def test_further_labels_are_listed_in_one_field():
    two = Source("Rain", "wet-dog", "weather", 1, lambda rng: rng.random(9), ("Dog", "Bark"))
    assert LABEL_SEPARATOR.join(two.also) == "Dog|Bark"
    assert all(row["label"] not in row["also"].split(LABEL_SEPARATOR) for row in library_rows())


def test_each_phrase_is_the_same_music_for_each_instrument():
    ids = {row["id"] for row in library_rows()}
    assert {f"phrase-{name}-{timbre}" for name in PHRASES for timbre in TIMBRES} <= ids
    assert len(PHRASES) * len(TIMBRES) == 40
    for name, (tempo, bar) in PHRASES.items():
        assert f"{tempo}bpm" in name
        here, above = notes_of(name, 0), notes_of(name, 1)
        assert len(here) == len(bar)
        assert [(at, length, note + 12) for at, length, note in here] == above
        assert max(at + length for at, length, _ in here) < LONGEST_WHOLE - FADE_OUT


# phrases and clips that come again are long runs of the same few generators: one of each kind
DISTINCT = [
    source
    for source in SOURCES
    if source.numbered or source in AGAIN[:1] or source.slug.startswith("phrase-d-major")
]


@pytest.mark.parametrize("source", DISTINCT, ids=lambda source: source.slug)
def test_every_generator_makes_a_sound_clip(source):
    try:
        x = make_clip(source.generate, seed_of(source.slug, 99), 6.0)
    except PasstError:
        if shutil.which(PROGRAM):
            raise
        pytest.skip(f"{PROGRAM} is not installed")
    assert list(signal_faults(x, (2.0, 6.1))) == []


def test_a_clip_that_comes_again_is_near_and_not_the_same():
    dog = next(source for source in SOURCES if source.slug == "dog")
    first = dog.generate(Generator(PCG64(seed_of("dog", 3))))
    again = retake(Generator(PCG64(1)), "dog", 3)
    assert 0.02 < abs(len(first) / len(again) - 1) < 0.05 or len(again) == samples(4.0)
    assert not np.array_equal(first[:1000], again[:1000])


def test_what_lasts_too_long_fades_out():
    x = make_clip(lambda rng: rng.standard_normal(samples(6.0)), 1, 4.2)
    assert len(x) == samples(4.2)
    assert np.max(np.abs(x[-200:])) < 0.02 < np.max(np.abs(x[: SR // 2]))


@pytest.mark.parametrize("slug", ["rain", "dog", "acoustic-guitar"])
def test_same_seed_same_samples(slug):
    source = next(source for source in SOURCES if source.slug == slug)
    first, again, other = (make_clip(source.generate, seed) for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first[:1000], other[:1000])


def test_loudness_of_the_reference_tone():
    # EBU Tech 3341, case 1, in one channel: a 1 kHz sine with peaks at -23 dBFS has -26.0 LUFS.
    tone = gain(-23) * np.sin(2 * np.pi * 1000 * times(samples(5)))
    assert loudness(tone) == pytest.approx(-26.0, abs=0.1)
    assert loudness(np.zeros(SR)) == float("-inf")


def test_level_reaches_the_target_and_keeps_under_the_peak():
    noise = coloured(Generator(PCG64(1)), samples(3), 3.0)
    assert loudness(level(noise)) == pytest.approx(TARGET_LUFS, abs=0.3)
    knocks = np.zeros(samples(3))
    knocks[:: samples(0.5)] = 1.0
    assert np.max(np.abs(level(knocks))) <= gain(PEAK_DBFS)


def test_limit_is_a_ceiling_and_leaves_quiet_sound_alone():
    x = coloured(Generator(PCG64(2)), samples(1), 3.0)
    assert np.max(np.abs(limit(x, 0.5))) <= 0.5 + 1e-12
    assert np.allclose(limit(x, 10.0), x)


def test_a_plucked_string_is_in_tune():
    string = pluck(Generator(PCG64(3)), 220.0, 2.0, bright=0.5)
    spectrum = np.abs(np.fft.rfft(string * np.hanning(len(string)), 8 * len(string)))
    hz = np.fft.rfftfreq(8 * len(string), 1 / SR)
    near = (hz > 200) & (hz < 240)
    assert hz[near][np.argmax(spectrum[near])] == pytest.approx(220.0, abs=0.5)


def test_a_source_that_drives_past_falls_in_pitch():
    tone = np.sin(2 * np.pi * 1000 * times(samples(4)))
    passed = pass_by(tone, speed=20.0, closest=5.0, when=2.0)
    second = np.fft.rfftfreq(SR, 1 / SR)
    before, after = (
        second[np.argmax(np.abs(np.fft.rfft(part)))] for part in (passed[:SR], passed[-SR:])
    )
    assert before == pytest.approx(1000 / (1 - 20 / 343), rel=0.02)
    assert after == pytest.approx(1000 / (1 + 20 / 343), rel=0.02)


def test_faults_are_named():
    x = 1.2 * np.sign(np.sin(2 * np.pi * 100 * times(samples(1)))) + 0.1
    faults = " ".join(signal_faults(x, (2.0, 6.1)))
    for word in ("lasts", "peaks", "LUFS", "clipped", "DC", "clicks"):
        assert word in faults


def test_written_files_are_whole_and_stay_if_nothing_changed(tmp_path):
    path, x = tmp_path / "noise.ogg", level(coloured(Generator(PCG64(4)), samples(2), 3.0))
    write_clip(path, x)
    first = path.read_bytes()
    write_clip(path, x)
    assert path.read_bytes() == first
    assert list(tmp_path.iterdir()) == [path]


def test_shipped_library_and_examples_agree_with_their_catalogues():
    assert list(library_faults(ROOT / "assets/library")) == []
    assert list(example_faults(ROOT / "assets/examples")) == []


def test_check_fails_on_an_empty_folder(tmp_path, capsys):
    assert main(["--check", "--out", str(tmp_path), "--examples", str(tmp_path)]) == 1
    assert "library.csv: missing" in capsys.readouterr().err


def test_rendering_without_a_voice_is_refused_in_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert main(["--out", str(tmp_path), "--examples", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert PROGRAM in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())
