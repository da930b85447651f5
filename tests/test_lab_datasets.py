"""Datasets: both layouts read alike, and every way they can be wrong says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from passt_core.errors import DatasetError
from passt_core.lab.datasets import check_folds, join, leaking_sources, load_dataset
from tests.sounds import tone, write


def folders(root: Path, *, classes: tuple[str, ...] = ("Dog", "Rain"), clips: int = 2) -> Path:
    for label in classes:
        (root / label).mkdir(parents=True, exist_ok=True)
        for number in range(clips):
            write(root / label / f"{label}-{number}.wav", tone(0.1))
    return root


def table(root: Path, text: str, *, names: tuple[str, ...] = ("a.wav", "b.wav")) -> Path:
    (root / "audio").mkdir(parents=True, exist_ok=True)
    for name in names:
        write(root / "audio" / name, tone(0.1))
    (root / "clips.csv").write_text(text, encoding="utf-8")
    return root


def test_a_folder_per_class_gives_sorted_labels_and_no_folds(tmp_path: Path) -> None:
    dataset = load_dataset(folders(tmp_path / "set", classes=("Rain", "Dog")))
    assert dataset.labels == ("Dog", "Rain")
    assert dataset.targets == (0, 0, 1, 1)
    assert dataset.folds == ()
    assert dataset.name == "set"


@pytest.mark.parametrize("column", ["label", "audioset_label", "category"])
def test_a_csv_beside_its_audio_folder(tmp_path: Path, column: str) -> None:
    text = f"filename,fold,{column}\na.wav,1,Rain\nb.wav,2,Dog\n"
    dataset = load_dataset(table(tmp_path / "set", text))
    assert [(clip.path.name, clip.label, clip.fold) for clip in dataset.clips] == [
        ("a.wav", "Rain", 1),
        ("b.wav", "Dog", 2),
    ]
    assert dataset.folds == (1, 2)


def test_the_named_csv_may_lie_among_its_sounds(tmp_path: Path) -> None:
    folders(tmp_path)
    path = tmp_path / "list.csv"
    path.write_text("filename,label\nDog/Dog-0.wav,Dog\nRain/Rain-0.wav,Rain\n", encoding="utf-8")
    assert len(load_dataset(path)) == 2


def test_folds_part_a_dataset(tmp_path: Path) -> None:
    dataset = load_dataset(
        table(tmp_path / "set", "filename,fold,label\na.wav,1,Rain\nb.wav,2,Dog\n")
    )
    assert [clip.path.name for clip in dataset.only(1).clips] == ["a.wav"]
    assert [clip.path.name for clip in dataset.without(1).clips] == ["b.wav"]
    assert dataset.without(1).labels == dataset.labels
    with pytest.raises(DatasetError, match="fold 7; its folds are 1, 2"):
        dataset.only(7)


def test_expected_labels_give_the_order(tmp_path: Path) -> None:
    dataset = load_dataset(folders(tmp_path), labels=("Rain", "Dog"))
    assert dataset.labels == ("Rain", "Dog")
    assert dataset.targets == (1, 1, 0, 0)


def test_labels_and_clips_must_meet(tmp_path: Path) -> None:
    folders(tmp_path)
    with pytest.raises(DatasetError, match="no clip of .* has the label Wind"):
        load_dataset(tmp_path, labels=("Dog", "Rain", "Wind"))
    with pytest.raises(DatasetError, match="clips labelled Rain"):
        load_dataset(tmp_path, labels=("Dog",))


def _empty_class(root: Path) -> Path:
    (folders(root) / "Wind").mkdir()
    return root


def _two_tables(root: Path) -> Path:
    table(root, "filename,label\na.wav,Rain\nb.wav,Dog\n")
    (root / "more.csv").write_text("filename,label\n", encoding="utf-8")
    return root


def _with(text: str) -> Callable[[Path], Path]:
    return lambda root: table(root, text)


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nothing there": (lambda root: root / "gone", "neither a folder nor a file"),
    "an empty folder": (lambda root: root, "has no folders"),
    "one class": (lambda root: folders(root, classes=("Dog",)), "1 class .Dog.*add another"),
    "a class without a clip": (_empty_class, "'Wind' .* no sound file"),
    "two tables": (_two_tables, "2 CSV files .clips.csv, more.csv"),
    "a missing column": (_with("filename,name\na.wav,Dog\n"), "columns filename, name; it needs"),
    "an empty table": (_with(""), r"\(none\)"),
    "a header only": (_with("filename,label\n"), "no clips"),
    "a missing file": (_with("filename,label\na.wav,Dog\nc.wav,Rain\n"), r"1 files .*c\.wav"),
    "a clip listed twice": (
        _with("filename,label\na.wav,Dog\na.wav,Rain\n"),
        "1 clips more than once",
    ),
    "a row without a label": (_with("filename,label\na.wav,\n"), "line 2 .* label ''"),
    "a fold that is no number": (_with("filename,label,fold\na.wav,Dog,x\n"), "line 2 .* 'x'"),
    "a way out of the folder": (_with("filename,label\n../a.wav,Dog\n"), "'../a.wav'.* beside"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_dataset_says_what_is_wrong(tmp_path: Path, case: str) -> None:
    make, message = BAD[case]
    root = tmp_path / "set"
    root.mkdir(exist_ok=True)
    with pytest.raises(DatasetError, match=message):
        load_dataset(make(root))


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match="cannot be read as a CSV"):
        load_dataset(path)


def test_joined_datasets_share_their_classes(tmp_path: Path) -> None:
    one = load_dataset(folders(tmp_path / "one", classes=("Rain", "Dog")))
    two = load_dataset(folders(tmp_path / "two", classes=("Dog", "Wind")))
    both = join([one, two])
    assert both.labels == ("Dog", "Rain", "Wind")
    assert len(both) == 8
    assert both.name == "one + two"
    with pytest.raises(DatasetError, match="more than once"):
        join([one, one])


def test_a_csv_with_several_labels_splits_and_sources(tmp_path: Path) -> None:
    text = (
        "filename,labels,split,source\n"
        "a.wav,Rain; Thunder ;Rain,train,one\n"
        'b.wav,"Waves, surf",test,\n'
    )
    dataset = load_dataset(table(tmp_path / "set", text))
    assert dataset.multi_label
    assert dataset.labels == ("Rain", "Thunder", "Waves, surf")
    assert [clip.labels for clip in dataset.clips] == [("Rain", "Thunder"), ("Waves, surf",)]
    assert dataset.truth.tolist() == [[True, True, False], [False, False, True]]
    assert dataset.folds == ("test", "train")
    assert [clip.source for clip in dataset.clips] == ["one", None]
    assert dataset.only("test").multi_label
    with pytest.raises(DatasetError, match="fold dev; its folds are test, train"):
        dataset.only("dev")


def test_a_dataset_among_some_labels(tmp_path: Path) -> None:
    dataset = load_dataset(folders(tmp_path, classes=("Dog", "Rain", "Wind")))
    part = dataset.among(("Wind", "Dog", "Sea"))
    assert part.labels == ("Dog", "Wind")
    assert {clip.label for clip in part.clips} == {"Dog", "Wind"}
    with pytest.raises(DatasetError, match="shares 1 of its 3 labels"):
        dataset.among(("Dog", "Sea"))


def test_of_several_labels_those_asked_for_stay(tmp_path: Path) -> None:
    text = "filename,labels\na.wav,Rain;Dog\nb.wav,Wind;Rain;Sea\n"
    part = load_dataset(table(tmp_path / "set", text)).among(("Dog", "Wind"))
    assert [clip.labels for clip in part.clips] == [("Dog",), ("Wind",)]


def test_a_source_in_two_folds_is_told(tmp_path: Path) -> None:
    text = "filename,label,fold,source\na.wav,Rain,1,x\nb.wav,Dog,{},x\n"
    leaking = load_dataset(table(tmp_path / "bad", text.format(2)))
    assert leaking_sources(leaking) == ("x",)
    with pytest.raises(DatasetError, match=r"1 sources with clips in more than one fold \(x\)"):
        check_folds(leaking)
    check_folds(load_dataset(table(tmp_path / "good", text.format(1))))
