"""Published layouts, as tiny trees of the same shape as the real archives."""

from __future__ import annotations

from pathlib import Path

import pytest

from passt_core.errors import DatasetError
from passt_core.lab.datasets import LAYOUTS, leaking_sources, load_dataset, recognise
from passt_core.lab.published import audioset_names
from passt_core.network.labels import label_set
from tests.sounds import tone, write

SOUND = tone(0.1)
ESC50_ROWS = (
    ("1-100032-A-0.wav", 1, 0, "dog", True, 100032, "A"),
    ("1-110389-B-0.wav", 1, 0, "dog", True, 110389, "B"),
    ("2-17150-A-12.wav", 2, 12, "crackling_fire", True, 17150, "A"),
    ("3-20861-A-2.wav", 3, 2, "pig", False, 20861, "A"),
)
SEGMENTS = """# Segments csv created Sun Mar  5 10:54:31 2017
# num_ytids=5, num_segs=5, num_unique_labels=3, num_positive_labels=6
# YTID, start_seconds, end_seconds, positive_labels
--4gqARaEJE, 0.000, 10.000, "/m/0bt9lr,/m/05tny_"
-0RWZT-miFs, 420.000, 430.000, "/m/06mb1"
-0xzrMun0Rs, 30.000, 40.000, "/m/06mb1,/m/0bt9lr"
-1nilez17Dg, 5.500, 15.500, "/m/unheard"
gone0000000, 1.000, 11.000, "/m/06mb1"
"""


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def sound(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write(path, SOUND)


@pytest.fixture
def esc50(tmp_path: Path) -> Path:
    root = tmp_path / "ESC-50-master"
    header = "filename,fold,target,category,esc10,src_file,take\n"
    put(root / "meta" / "esc50.csv", header + _lines(ESC50_ROWS))
    put(root / "requirements.txt", "")
    for row in ESC50_ROWS:
        sound(root / "audio" / row[0])
    return root


def _lines(rows: tuple[tuple[object, ...], ...]) -> str:
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


@pytest.fixture
def fsd50k(tmp_path: Path) -> Path:
    root = tmp_path / "FSD50K"
    truth = root / "FSD50K.ground_truth"
    put(truth / "vocabulary.csv", "0,Rain,/m/06mb1\n1,Bark,/m/05tny_\n2,Human_voice,/m/09l8g\n")
    dev = (
        "fname,labels,mids,split\n"
        '64760,"Bark,Rain","/m/05tny_,/m/06mb1",train\n'
        "16399,Rain,/m/06mb1,val\n"
        "99999,Rain,/m/06mb1,train\n"
    )
    put(truth / "dev.csv", dev)
    put(truth / "eval.csv", "fname,labels,mids\n37199,Human_voice,/m/09l8g\n")
    sound(root / "FSD50K.dev_audio" / "64760.wav")
    sound(root / "FSD50K.dev_audio" / "16399.wav")
    sound(root / "FSD50K.eval_audio" / "37199.wav")
    return root


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    root = tmp_path / "speech_commands_v0.02"
    for word in ("yes", "no"):
        for speaker in ("0a7c2a8d", "1b4c9b89", "2c6d3924"):
            sound(root / word / f"{speaker}_nohash_0.wav")
    sound(root / "_background_noise_" / "pink_noise.wav")
    put(root / "validation_list.txt", "yes/1b4c9b89_nohash_0.wav\nno/1b4c9b89_nohash_0.wav\n")
    put(root / "testing_list.txt", "yes/2c6d3924_nohash_0.wav\nno/2c6d3924_nohash_0.wav\n")
    put(root / "README.md", "")
    return root


@pytest.fixture
def audioset(tmp_path: Path) -> Path:
    root = tmp_path / "audioset"
    put(root / "eval_segments.csv", SEGMENTS)
    sound(root / "eval" / "--4gqARaEJE.flac")
    sound(root / "eval" / "Y-0RWZT-miFs_420.000_430.000.wav")
    sound(root / "eval" / "-0xzrMun0Rs_30000.wav")
    sound(root / "eval" / "-1nilez17Dg_5.500.wav")
    return root


def test_esc50(esc50: Path) -> None:
    assert recognise(esc50) == "esc50"
    dataset = load_dataset(esc50)
    assert dataset.name == "ESC-50"
    assert dataset.labels == ("Dog", "Pig", "Crackling fire")  # the order of the targets
    assert set(dataset.labels) <= set(label_set("esc50"))
    assert [clip.fold for clip in dataset.clips] == [1, 1, 2, 3]
    assert dataset.clips[2].source == "17150"
    assert load_dataset(esc50 / "meta" / "esc50.csv") == dataset


def test_esc10_is_a_part_of_esc50(esc50: Path) -> None:
    dataset = load_dataset(esc50, layout="esc10")
    assert dataset.name == "ESC-10"
    assert dataset.labels == ("Dog", "Crackling fire")
    assert len(dataset) == 3


def test_esc50_with_a_target_that_there_is_not(esc50: Path) -> None:
    listed = (esc50 / "meta" / "esc50.csv").read_text()
    put(esc50 / "meta" / "esc50.csv", listed.replace("3,2,pig", "3,50,pig"))
    with pytest.raises(DatasetError, match="line 5 of esc50.csv has target '50'.* 0 to 49"):
        load_dataset(esc50)


def test_esc50_without_its_sounds(esc50: Path) -> None:
    (esc50 / "audio" / "3-20861-A-2.wav").unlink()
    with pytest.raises(DatasetError, match="1 files that are not in audio .3-20861"):
        load_dataset(esc50)


def test_fsd50k(fsd50k: Path) -> None:
    assert recognise(fsd50k) == "fsd50k"
    dataset = load_dataset(fsd50k)
    assert dataset.multi_label
    assert dataset.labels == ("Rain", "Bark", "Human_voice")  # the last is not among the 527
    assert [clip.labels for clip in dataset.clips] == [
        ("Bark", "Rain"),
        ("Rain",),
        ("Human_voice",),
    ]
    assert dataset.folds == ("test", "train", "val")
    assert dataset.missing == ("99999.wav",)
    assert dataset.only("val").multi_label  # although no clip of that split has two labels


def test_fsd50k_with_a_label_without_an_id(fsd50k: Path) -> None:
    put(fsd50k / "FSD50K.ground_truth" / "eval.csv", 'fname,labels,mids\n37199,"A,B",/m/09l8g\n')
    with pytest.raises(DatasetError, match="clip 37199 of FSD50K has labels 'A,B'"):
        load_dataset(fsd50k)


def test_speech_commands(speech: Path) -> None:
    assert recognise(speech) == "speech-commands"
    dataset = load_dataset(speech)
    assert dataset.labels == ("no", "yes")
    assert dataset.folds == ("test", "train", "validation")
    assert {clip.source for clip in dataset.only("test").clips} == {"2c6d3924"}
    assert len(dataset) == 6
    assert not leaking_sources(dataset)


def test_audioset(audioset: Path) -> None:
    assert recognise(audioset) == "audioset"
    dataset = load_dataset(audioset)
    assert dataset == load_dataset(audioset / "eval_segments.csv")
    assert [clip.path.stem for clip in dataset.clips] == [
        "--4gqARaEJE",
        "Y-0RWZT-miFs_420.000_430.000",
        "-0xzrMun0Rs_30000",
        "-1nilez17Dg_5.500",
    ]
    assert dataset.clips[0].labels == ("Dog", "Bark")
    assert dataset.labels == ("Dog", "Bark", "Rain", "/m/unheard")
    assert dataset.missing == ("gone0000000_1.000",)
    assert dataset.multi_label


def test_audioset_names_may_lie_beside_the_segments(audioset: Path) -> None:
    index = "index,mid,display_name\n0,/m/unheard,Unheard\n1,/m/06mb1,Regn\n"
    put(audioset / "class_labels_indices.csv", index)
    assert load_dataset(audioset).labels[:2] == ("Unheard", "Regn")


def test_audioset_without_any_sound(audioset: Path) -> None:
    for path in (audioset / "eval").iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match="none of the 5 sounds that eval_segments.csv lists"):
        load_dataset(audioset)


def test_audioset_with_a_line_cut_short(audioset: Path) -> None:
    put(audioset / "eval_segments.csv", SEGMENTS + "abc, 1.0\n")
    with pytest.raises(DatasetError, match="line 9 of eval_segments.csv is 'abc,1.0'"):
        load_dataset(audioset)


def test_the_ids_are_audiosets() -> None:
    assert len(audioset_names()) == 527
    assert audioset_names()["/m/06mb1"] == "Rain"


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ("fsd50k", "has no FSD50K.ground_truth, which the layout fsd50k begins with"),
        ("speech-commands", "has no validation_list.txt"),
        ("wav", "layout is 'wav'; use one of folders, csv, esc50"),
    ],
)
def test_a_layout_that_is_not_there(esc50: Path, layout: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        load_dataset(esc50, layout=layout)


def test_the_layout_may_be_said(speech: Path) -> None:
    dataset = load_dataset(speech, layout="folders")
    assert dataset.labels == ("_background_noise_", "no", "yes")
    assert set(LAYOUTS) >= {"folders", "csv", "esc50", "fsd50k", "speech-commands", "audioset"}
