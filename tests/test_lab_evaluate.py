"""A model against a dataset: scores that are those of its answers, and every bad dataset told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from passt_core.errors import DatasetError
from passt_core.inference.predictor import Predictor
from passt_core.lab.answers import listen
from passt_core.lab.datasets import Dataset, LabelledClip, load_dataset
from passt_core.lab.evaluate import evaluate, judge
from tests.sounds import TINY, noise, randomised, save_network, tone, write

LABELS = ("Speech", "Child speech, kid speaking", "Conversation")
"""Three of the seven classes of the tiny network."""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Twelve clips of three classes, two of them of two windows; folds 1 and 2, four sources."""
    root = tmp_path_factory.mktemp("clips")
    clips = []
    for index in range(12):
        seconds = 11.0 if index > 9 else 0.3
        sound = noise(seconds, seed=index) if index % 2 else tone(seconds, hz=100.0 * (index + 1))
        path = write(root / f"{index}.wav", sound)
        label = LABELS[index % 3 if index < 8 else 0]
        clips.append(
            LabelledClip(path=path, label=label, fold=index % 2 + 1, source=f"source {index % 4}")
        )
    return Dataset(name="clips", clips=tuple(clips), labels=LABELS)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """The tiny network under names that the dataset uses, calibrated with a temperature of 2."""
    path = tmp_path_factory.mktemp("known") / "known.safetensors"
    names = ("Other", *LABELS[:2], "More", LABELS[2], "Most", "Last")
    save_network(path, randomised(TINY), labels=names, temperature=2.0)
    return Predictor.from_checkpoint(path, device="cpu")


def test_scores_are_those_of_the_answers(known: Predictor, dataset: Dataset) -> None:
    found = evaluate(known, dataset)
    analyses = [known.analyze_file(clip.path) for clip in dataset.clips]
    places = [known.labels.index(label) for label in LABELS]
    logits = np.stack([a.logits for a in analyses])
    targets = np.array(dataset.targets)
    said = logits[:, places].argmax(axis=1)
    assert found.accuracy == pytest.approx(np.mean(said == targets))
    all_right = logits.argmax(axis=1) == np.array(places)[targets]
    assert found.accuracy_all == pytest.approx(all_right.mean())
    table = np.zeros((3, 3), int)
    np.add.at(table, (targets, said), 1)
    np.testing.assert_array_equal(found.confusion, table)
    probabilities = np.stack([a.probabilities for a in analyses])[:, places]
    assert [r.probability for r in found.results] == pytest.approx(probabilities.max(axis=1))
    assert [r.right for r in found.results] == list(said == targets)
    assert found.results[0].file.endswith("/0.wav")
    assert sum(b.count for b in found.reliability) == 12


def test_every_score_is_there_and_json_can_hold_it(known: Predictor, dataset: Dataset) -> None:
    found = evaluate(known, dataset, resamples=50)
    keys = {figure.key for figure in found.figures}
    assert keys >= {
        *("accuracy", "accuracy_all", "top_3", "top_3_all", "top_5", "precision_macro"),
        *("recall_micro", "f1_macro", "f1_micro", "mean_average_precision", "roc_auc", "d_prime"),
        *("lwlrap", "ece", "ece_all", "ece_classwise", "ece_uncalibrated"),
        *("recall_at_1", "map_at_10"),
    }
    for figure in found.figures:
        assert figure.by_source is not None or figure.value is None, figure.key
    accuracy = found.figure("accuracy")
    assert accuracy is not None
    assert accuracy.by_clip is not None
    assert accuracy.by_clip.low <= found.accuracy <= accuracy.by_clip.high
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["figures"][0]["by_clip"].keys() == {"low", "high"}
    assert found == evaluate(known, dataset, resamples=50)  # seeded


def test_a_softmax_is_over_the_classes_to_choose_from(tmp_path: Path, dataset: Dataset) -> None:
    names = ("Other", *LABELS, "More", "Most", "Last")
    path = save_network(
        tmp_path / "soft.safetensors", randomised(TINY), labels=names, activation="softmax"
    )
    predictor = Predictor.from_checkpoint(path, device="cpu")
    short = replace(dataset, clips=dataset.clips[:8])
    answers = listen(predictor, short)
    logits = np.stack([predictor.analyze_file(c.path).logits for c in short.clips])
    expected = softmax(logits[:, 1:4], axis=1)
    np.testing.assert_allclose(answers.probabilities(among=[1, 2, 3]), expected, atol=1e-5)
    np.testing.assert_allclose(answers.scores(), log_softmax(logits, axis=1), atol=1e-5)
    found = judge("soft", answers)
    assert [r.probability for r in found.results] == pytest.approx(
        list(expected.max(axis=1)), rel=1e-4
    )


def test_the_temperature_moves_the_error_and_nothing_else(
    known: Predictor, dataset: Dataset
) -> None:
    cold = Predictor(replace(known.checkpoint, temperature=1.0), device="cpu")
    hot, plain = evaluate(known, dataset), evaluate(cold, dataset)
    for key in ("accuracy", "mean_average_precision", "lwlrap", "roc_auc"):
        assert hot.figure(key) == plain.figure(key)
    error = {name: found.figure("ece") for name, found in (("hot", hot), ("plain", plain))}
    raw = hot.figure("ece_uncalibrated")
    assert raw is not None
    assert error["plain"] is not None
    assert raw.value == error["plain"].value
    assert error["hot"] is not None
    assert error["hot"].value != error["plain"].value
    assert (hot.temperature, plain.temperature) == (2.0, 1.0)


def test_classes_without_a_clip_are_listed_and_left_out_of_means(
    known: Predictor, dataset: Dataset
) -> None:
    part = replace(dataset, clips=tuple(c for c in dataset.clips if c.label != LABELS[1]))
    found = evaluate(known, part)
    assert found.absent == (LABELS[1],)
    absent = found.classes[1]
    assert (absent.clips, absent.recall, absent.f1, absent.average_precision) == (0, *[None] * 3)
    there = [c.average_precision for c in found.classes if c.clips]
    assert found.mean_average_precision == pytest.approx(np.mean(there))
    macro = found.figure("f1_macro")
    assert macro is not None
    assert macro.value == pytest.approx(np.mean([c.f1 for c in found.classes if c.clips]))


def test_a_fold_with_classes_of_its_own(known: Predictor, dataset: Dataset) -> None:
    """A class that only one fold has is no error: not in it, and not in the others."""
    clips = [replace(c, fold=2 if c.label == LABELS[2] else 1) for c in dataset.clips]
    apart = replace(dataset, clips=tuple(clips))
    assert evaluate(known, apart, 1).absent == (LABELS[2],)
    alone = evaluate(known, apart, 2)
    assert alone.absent == LABELS[:2]
    area = alone.figure("roc_auc")
    assert area is not None
    assert area.value is None


def test_clips_of_several_classes(known: Predictor, dataset: Dataset) -> None:
    clips = [replace(dataset.clips[0], also=(LABELS[1],)), *dataset.clips[1:8]]
    several = replace(dataset, clips=tuple(clips), multi_label=True)
    found = evaluate(known, several, resamples=10)
    assert found.multi_label
    assert {"exact_match", "ece_classwise", "ece_uncalibrated"} <= {f.key for f in found.figures}
    assert found.figure("ece") is None
    assert sum(map(sum, found.confusion)) == 9
    assert sum(b.count for b in found.reliability) == 8 * 3
    probabilities = np.stack([known.analyze_file(c.path).probabilities for c in clips])
    places = [known.labels.index(label) for label in LABELS]
    said = probabilities[:, places] >= 0.5
    assert [c.said for c in found.classes] == list(said.sum(axis=0))


def test_what_cannot_be_heard_is_listed(known: Predictor, dataset: Dataset, tmp_path: Path) -> None:
    broken = tmp_path / "sounds" / "broken.wav"
    broken.parent.mkdir()
    broken.write_bytes(b"no sound")
    silent = write(broken.with_name("silent.wav"), 0 * tone(0.3))
    bad = tuple(LabelledClip(path=p, label=LABELS[0]) for p in (broken, silent))
    found = evaluate(known, replace(dataset, clips=(*bad, *dataset.clips[:6])))
    assert found.clips == 6
    assert [u.file for u in found.unreadable] == ["sounds/broken.wav", "sounds/silent.wav"]
    assert "broken.wav" in found.unreadable[0].reason
    with pytest.raises(DatasetError, match=r"none of the 2 clips of clips can be scored; .*broken"):
        evaluate(known, replace(dataset, clips=bad))


def test_labels_that_the_model_does_not_know(tiny: Predictor, dataset: Dataset) -> None:
    other = replace(dataset.clips[0], label="Theremin")
    odd = replace(dataset, clips=(other, *dataset.clips[1:6]), labels=(*LABELS, "Theremin"))
    with pytest.raises(DatasetError, match="tiny has no class Theremin .1 of clips's 4 labels"):
        evaluate(tiny, odd)
    found = evaluate(tiny, odd, known_only=True)
    assert (found.clips, found.left_out) == (5, ("Theremin",))
    strange = replace(odd, clips=(other,), labels=("Theremin", "Ondes"))
    with pytest.raises(DatasetError, match="shares 0 of its 2 labels"):
        evaluate(tiny, strange, known_only=True)


def test_one_clip_a_class_has_no_neighbours(known: Predictor, dataset: Dataset) -> None:
    found = evaluate(known, replace(dataset, clips=dataset.clips[:3]))
    assert found.recall_at_1 is None
    assert found.map_at_10 is None
    assert evaluate(known, replace(dataset, clips=dataset.clips[:1])).clips == 1


def test_folds(known: Predictor, dataset: Dataset) -> None:
    found = evaluate(known, dataset, 2)
    assert (found.fold, found.clips) == (2, 6)
    assert found.leaks == ()
    with pytest.raises(DatasetError, match="fold 5; its folds are 1, 2"):
        evaluate(known, dataset, 5)
    clips = (replace(dataset.clips[0], fold=2), *dataset.clips[1:])
    assert evaluate(known, replace(dataset, clips=clips), 2).leaks == ("source 0",)


def test_the_commonest_confusions(known: Predictor, dataset: Dataset) -> None:
    table = ((5, 1, 3), (0, 2, 0), (4, 0, 1))
    found = replace(evaluate(known, dataset), confusion=table)
    a, b, c = LABELS
    assert found.confusions() == ((c, a, 4), (a, c, 3), (a, b, 1))
    assert found.confusions(1) == ((c, a, 4),)


def test_progress_ends_with_all_clips(known: Predictor, dataset: Dataset) -> None:
    told: list[tuple[float, float | None]] = []
    evaluate(known, dataset, progress=lambda done, total: told.append((done, total)))
    assert told == [(8, 12), (12, 12)]


def test_a_dataset_from_disk(known: Predictor, tmp_path: Path) -> None:
    for label in LABELS:
        (tmp_path / label).mkdir()
        for index in range(2):
            write(tmp_path / label / f"{index}.wav", noise(0.3, seed=index))
    found = evaluate(known, load_dataset(tmp_path), resamples=5)
    assert found.clips == 6
    assert all(figure.by_source is None for figure in found.figures)
