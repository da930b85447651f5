"""Simple classifiers: what they are given, that they learn, and that they never hear the test."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from passt_core.errors import DatasetError
from passt_core.lab import baselines as lab
from passt_core.lab import features
from passt_core.lab.datasets import Dataset, LabelledClip
from tests.sounds import noise, tone, write

NAMES = tuple(lab.CLASSIFIERS)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Tones low and high, and noise: six of each, in three folds; easily told apart."""
    root = tmp_path_factory.mktemp("sounds")
    clips = []
    for index in range(18):
        kind = ("Low", "High", "Noise")[index % 3]
        sound = {
            "Low": tone(0.4, hz=200.0 + index),
            "High": tone(0.4, hz=6000.0 + 10 * index),
            "Noise": noise(0.4, seed=index),
        }[kind]
        path = write(root / f"{index}.wav", sound)
        source = f"source {index // 3}"
        clips.append(LabelledClip(path=path, label=kind, fold=index // 6, source=source))
    return Dataset(name="sounds", clips=tuple(clips), labels=("High", "Low", "Noise"))


@pytest.fixture(autouse=True)
def _few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "_TREES", 20)


def values(found: lab.Baseline) -> dict[str, float | None]:
    return {figure.key: figure.value for figure in found.figures}


def test_all_of_them_learn_what_is_easy(dataset: Dataset) -> None:
    told: list[tuple[float, float | None]] = []
    found = lab.baselines(
        dataset, 1, resamples=20, progress=lambda done, total: told.append((done, total))
    )
    assert [baseline.name for baseline in found] == list(NAMES)
    for baseline in found:
        assert baseline.clips == 6
        assert values(baseline)["accuracy"] == 1.0, baseline.name
        assert values(baseline)["mean_average_precision"] == 1.0
        figure = baseline.figure("accuracy")
        assert figure is not None
        assert figure.by_source is not None
        assert baseline.figure("accuracy_all") is None
    assert told[-1] == (3, 3)


def test_the_regression_is_scikit_learns_on_the_other_folds(dataset: Dataset) -> None:
    """With labels that nothing in the sound tells, so that every clip of the fold matters."""
    random = np.random.default_rng(0)
    labels = [dataset.labels[i] for i in random.integers(0, 3, 18)]
    mixed = replace(
        dataset, clips=tuple(replace(c, label=n) for c, n in zip(dataset.clips, labels))
    )
    x = features.extract(mixed).statistics
    train = np.array([clip.fold != 2 for clip in mixed.clips])
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    targets = np.array(mixed.targets)
    expected = (model.fit(x[train], targets[train]).predict(x[~train]) == targets[~train]).mean()
    found = {b.name: values(b)["accuracy"] for b in lab.baselines(mixed, 2)}
    assert found[NAMES[0]] == pytest.approx(expected)


def test_all_folds_in_turn_score_every_clip_once(dataset: Dataset) -> None:
    for baseline in lab.baselines(dataset):
        assert baseline.clips == 18
        assert values(baseline)["accuracy"] == 1.0


def test_without_folds_sources_stay_together(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[lab.Part] = []

    def listening(given: features.Features, part: lab.Part) -> lab.Floats:
        heard.append(part)
        return np.full((len(part.test), 3), 1 / 3)

    monkeypatch.setattr(lab, "CLASSIFIERS", {"listening": listening})
    plain = replace(dataset, clips=tuple(replace(clip, fold=None) for clip in dataset.clips))
    lab.baselines(plain)
    assert len(heard) == lab.SPLITS
    assert sorted(np.concatenate([part.test for part in heard])) == list(range(18))
    for part in heard:
        there = {plain.clips[place].source for place in part.train}
        assert not there & {plain.clips[place].source for place in part.test}


def test_the_same_again_is_the_same(dataset: Dataset) -> None:
    assert lab.baselines(dataset, 0, resamples=5) == lab.baselines(dataset, 0, resamples=5)


def test_clips_of_several_classes(dataset: Dataset) -> None:
    clips = tuple(
        replace(clip, also=("Low",)) if clip.label == "Noise" else clip for clip in dataset.clips
    )
    found = lab.baselines(replace(dataset, clips=clips, multi_label=True), 1)
    for baseline in found:
        assert values(baseline)["exact_match"] == 1.0, baseline.name
        assert values(baseline)["lwlrap"] == 1.0


def test_a_class_that_is_not_in_training_has_probability_0(dataset: Dataset) -> None:
    clips = tuple(c for c in dataset.clips if c.fold == 1 or c.label != "Noise")
    given = features.extract(replace(dataset, clips=clips))
    own = np.array([clip.fold == 1 for clip in clips])
    part = lab.Part(train=np.flatnonzero(~own), test=np.flatnonzero(own))
    for classifier in lab.CLASSIFIERS.values():
        found = classifier(given, part)
        assert found.shape == (6, 3)
        assert (found[:, 2] == 0).all()
        np.testing.assert_allclose(found.sum(axis=1), 1.0)


def test_one_class_alone_in_training(dataset: Dataset) -> None:
    clips = tuple(c for c in dataset.clips if c.fold == 1 or c.label == "Low")
    for baseline in lab.baselines(replace(dataset, clips=clips), 1):
        assert values(baseline)["accuracy"] == pytest.approx(1 / 3)


def test_one_class_of_several_varies(dataset: Dataset) -> None:
    """All clips to train on are Low, some also Noise: one column to learn."""
    clips = tuple(
        replace(clip, label="Low", also=("Noise",) if clip.label == "Noise" else ())
        for clip in dataset.clips
        if clip.label != "High"
    )
    several = replace(dataset, clips=clips, multi_label=True)
    for baseline in lab.baselines(several, 1):
        assert values(baseline)["exact_match"] == 1.0, baseline.name


def test_bad_datasets(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="fold 9; its folds are 0, 1, 2"):
        lab.baselines(dataset, 9)
    bare = replace(dataset, clips=tuple(replace(clip, fold=None) for clip in dataset.clips))
    few = [c for c in bare.clips if c.label != "High"]
    with pytest.raises(DatasetError, match="class High of sounds has 1 readable clip"):
        lab.baselines(replace(bare, clips=(*few, bare.clips[1])))
    alike = tuple(replace(clip, source="one") for clip in bare.clips)
    with pytest.raises(DatasetError, match="all clips of sounds are of one source"):
        lab.baselines(replace(bare, clips=alike))
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"none")
    clip = LabelledClip(path=broken, label="Low", fold=0)
    only = replace(dataset, clips=(clip, *(c for c in dataset.clips if c.fold)))
    with pytest.raises(DatasetError, match="and 0 to score"):
        lab.baselines(only, 0)
    with pytest.raises(DatasetError, match="none of the 1 clips .* broken.wav"):
        features.extract(replace(dataset, clips=(clip,)))


def test_statistics_by_hand() -> None:
    mel = np.array([[0, 1, 2, 3, 4], [5, 5, 5, 5, 5]], np.float32)
    found = features.described(mel).reshape(5, 2)
    expected = [[2, 5], [np.sqrt(2), 0], [0.4, 5], [3.6, 5], [1, 0]]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_array_equal(features.described(mel[:, :1])[-2:], [0, 0])


def test_patches_are_stretches_of_frames_evenly_spread() -> None:
    mel = np.arange(2 * 12, dtype=np.float32).reshape(2, 12)
    np.testing.assert_array_equal(
        features.cut(mel), [[0, 1, 2, 3, 12, 13, 14, 15], *features.cut(mel[:, 4:])]
    )
    assert features.cut(np.zeros((2, 9_001), np.float32)).shape == (features.PATCHES_PER_CLIP, 8)
    np.testing.assert_array_equal(features.cut(mel[:1, :3]), [[0, 1, 2, 0]])
