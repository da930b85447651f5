"""A head on frozen embeddings: against scikit-learn, back into a checkpoint, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import binomtest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from passt_core.cli import main
from passt_core.errors import DatasetError, TrainingError
from passt_core.inference.predictor import Predictor
from passt_core.lab import judge
from passt_core.lab import probe as probing
from passt_core.lab.heard import Heard, HeardClip, Unreadable, hear
from passt_core.lab.labelled import LabelledClip
from passt_core.lab.probe import Epoch, ProbeConfig, Probed
from tests.sounds import noise, tone, write

DIM, CLASSES, EACH = 24, 4, 30


def _heard(*, spread: float = 1.5, each: int = EACH, dim: int = DIM, **changes: object) -> Heard:
    """Clouds of embeddings, one for each class, that overlap more the wider they are."""
    generator = np.random.default_rng(3)
    centres = generator.normal(size=(CLASSES, dim))
    clips = []
    for label in range(CLASSES):
        for number in range(each):
            vector = centres[label] + spread * generator.normal(size=dim)
            clip = LabelledClip(path=Path(f"{label}-{number}.wav"), label=f"class {label}")
            windows = vector[None].astype(np.float32)
            clips.append(HeardClip(clip=replace(clip, **changes), windows=windows))
    return Heard.of(clips)


@pytest.fixture(scope="module")
def heard() -> Heard:
    return _heard()


@pytest.mark.parametrize("decay", [1.0, 0.01])
def test_softmax_is_logistic_regression(heard: Heard, decay: float) -> None:
    features, targets = probing.features_of(heard), torch.from_numpy(heard.targets)
    config = ProbeConfig(epochs=500)
    head = probing.fit(features, targets, classes=CLASSES, decay=decay, config=config)
    z = ((features - head.mean) / head.spread).numpy()
    reference = LogisticRegression(C=1 / (decay * len(z)), tol=1e-10, max_iter=5000)
    reference.fit(z, heard.targets)
    ours = head.logits(features).softmax(dim=1).numpy()
    assert np.abs(ours - reference.predict_proba(z)).max() < 1e-3
    assert np.abs(head.weight.numpy() - reference.coef_).max() < 1e-3
    accuracy = float((ours.argmax(axis=1) == heard.targets).mean())
    assert accuracy == pytest.approx(reference.score(z, heard.targets), abs=0.01)


def test_sigmoid_is_a_logistic_regression_for_each_class(heard: Heard) -> None:
    features, truth = probing.features_of(heard), torch.from_numpy(heard.truth)
    config = ProbeConfig(epochs=500, activation="sigmoid")
    head = probing.fit(features, truth, classes=CLASSES, decay=0.1, config=config)
    z = ((features - head.mean) / head.spread).numpy()
    ours = head.logits(features).sigmoid().numpy()
    for label in range(CLASSES):
        reference = LogisticRegression(C=1 / (0.1 * len(z)), tol=1e-10, max_iter=5000)
        reference.fit(z, heard.targets == label)
        assert np.abs(ours[:, label] - reference.predict_proba(z)[:, 1]).max() < 1e-3
        assert np.abs(head.weight[label].numpy() - reference.coef_[0]).max() < 1e-3


def test_steps_are_a_curve_for_each_decay_and_then_the_best() -> None:
    heard = _heard(spread=3.0)
    config = ProbeConfig(decays=(10.0, 0.1, 1e-5), epochs=30)
    *epochs, found = probing.steps(heard, config)
    assert isinstance(found, Probed)
    assert all(isinstance(epoch, Epoch) for epoch in epochs)
    last = {epoch.decay: epoch for epoch in epochs}
    assert set(last) == set(config.decays)
    assert found.decay == min(last.values(), key=lambda epoch: epoch.validation_loss).decay == 0.1
    assert found.last == last[found.decay]
    assert [epoch.number for epoch in found.curve] == list(range(1, len(found.curve) + 1))
    assert found.curve[-1].train_loss < found.curve[0].train_loss


def test_the_head_that_is_kept_has_seen_all_clips(heard: Heard) -> None:
    found = probing.probe(heard, ProbeConfig(decays=(0.1,)))
    everything = probing.fit(
        probing.features_of(heard),
        torch.from_numpy(heard.targets),
        classes=CLASSES,
        decay=0.1,
        config=ProbeConfig(),
    )
    assert torch.equal(found.head.weight, everything.weight)


def test_a_feature_that_never_changes_does_no_harm() -> None:
    heard = _heard()
    flat = [np.concatenate([w, np.full((1, 3), 5.0, np.float32)], axis=1) for w in heard.windows]
    flat = replace(heard, windows=tuple(np.where(np.arange(27) < 24, 0, f) for f in flat))
    found = probing.probe(flat, ProbeConfig(decays=(0.1,), epochs=5))
    assert torch.isfinite(found.head.weight).all()
    assert found.last.train_accuracy == pytest.approx(1 / CLASSES)


def test_a_split_is_by_class_and_of_its_seed(heard: Heard) -> None:
    train, held = probing.split(heard, ProbeConfig(validation=0.2))
    assert sorted([*train, *held]) == list(range(len(heard)))
    assert np.bincount(heard.targets[held]).tolist() == [6] * CLASSES
    again = probing.split(heard, ProbeConfig(validation=0.2))[1]
    other = probing.split(heard, ProbeConfig(validation=0.2, seed=1))[1]
    assert held.tolist() == again.tolist() != other.tolist()


@pytest.mark.parametrize("share", [0.01, 0.99])
def test_every_class_is_on_both_sides(share: float) -> None:
    heard = _heard(each=2)
    train, held = probing.split(heard, ProbeConfig(validation=share))
    assert sorted(heard.targets[train]) == sorted(heard.targets[held]) == [0, 1, 2, 3]


def _with(heard: Heard, **values: list[object]) -> Heard:
    named = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    pairs = zip(heard.clips, named, strict=True)
    return replace(heard, clips=tuple(replace(clip, **changes) for clip, changes in pairs))


def test_the_smallest_fold_is_held_out(heard: Heard) -> None:
    folds = [("a", "b", "b")[i % 3] for i in range(len(heard))]
    _, held = probing.split(_with(heard, fold=folds), ProbeConfig())
    assert [folds[i] for i in held] == ["a"] * 40
    lopsided = [1 if label == 0 else 2 for label in heard.targets]
    _, held = probing.split(_with(heard, fold=lopsided), ProbeConfig())
    assert set(heard.targets[held]) == {0, 1, 2, 3}


def test_a_source_stays_on_one_side(heard: Heard) -> None:
    sources = [f"{label}:{i % 5}" for i, label in enumerate(heard.targets)]
    named = _with(heard, source=sources)
    train, held = probing.split(named, ProbeConfig())
    assert not {sources[i] for i in train} & {sources[i] for i in held}
    assert set(named.targets[held]) == set(named.targets[train]) == {0, 1, 2, 3}


def test_one_source_for_all_is_no_source(heard: Heard) -> None:
    named = _with(heard, source=["freesound"] * len(heard))
    assert len(probing.split(named, ProbeConfig())[1]) == 4 * round(EACH / 4)


def test_a_head_goes_back_into_a_checkpoint(tiny: Predictor, tmp_path: Path) -> None:
    """Saved and loaded, it says of a clip what the fit said of its embedding."""
    heard = _heard(dim=32)
    found = probing.probe(heard, ProbeConfig(decays=(0.1,)))
    saved = probing.save(tmp_path / "mine.safetensors", tiny.checkpoint, found, {"title": "mine"})
    assert saved.labels == heard.labels
    assert saved.activation == "softmax"
    assert saved.card["title"] == "mine"
    assert saved.card["base"] == tiny.name
    ours = found.head.logits(probing.features_of(heard)).numpy()
    assert np.abs(heard.logits(saved.network) - ours).max() < 2e-3
    sound = noise(2.0)
    before, after = tiny.analyze(sound, 32_000), Predictor(saved).analyze(sound, 32_000)
    assert np.array_equal(before.embedding, after.embedding)
    assert after.probabilities.sum() == pytest.approx(1.0, abs=1e-4)
    weights = [p.data_ptr() for p in tiny.checkpoint.network.blocks.parameters()]
    assert [p.data_ptr() for p in saved.network.blocks.parameters()] == weights
    assert len(tiny.checkpoint.labels) == tiny.checkpoint.network.config.classes == 7


def test_a_body_in_float16_stays_a_small_file(tmp_path: Path) -> None:
    base = Predictor.from_checkpoint(device="cpu").checkpoint
    found = probing.probe(_heard(dim=base.config.dim), ProbeConfig(decays=(0.1,), epochs=3))
    path = tmp_path / "mine.safetensors"
    probing.save(path, base, found, {})
    parameters = sum(p.numel() for p in base.network.parameters())
    assert path.stat().st_size < 2.2 * parameters


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a"] * 6, "have the label 'a'"),
        (list("aaabbc"), r"1 of the 3 classes have one clip.*\(c\)"),
    ],
)
def test_too_few_are_refused(labels: list[str], message: str) -> None:
    clips = [LabelledClip(path=Path(str(i)), label=label) for i, label in enumerate(labels)]
    vectors = np.random.default_rng(0).normal(size=(6, 1, 8)).astype(np.float32)
    pairs = zip(clips, vectors, strict=True)
    heard = Heard.of(HeardClip(clip=clip, windows=windows) for clip, windows in pairs)
    with pytest.raises(DatasetError, match=message):
        probing.probe(heard)


@pytest.mark.parametrize(
    "choice",
    [{"activation": "tanh"}, {"decays": ()}, {"decays": (0.0,)}, {"epochs": 0}, {"validation": 1}],
)
def test_wrong_choices_are_refused(choice: dict[str, object]) -> None:
    with pytest.raises(TrainingError):
        ProbeConfig(**choice)


def test_damaged_embeddings_are_told(heard: Heard) -> None:
    spoilt = replace(heard, windows=(np.full((1, DIM), np.nan, np.float32), *heard.windows[1:]))
    with pytest.raises(TrainingError, match="the loss is nan in epoch 1"):
        probing.probe(spoilt)


def test_clips_are_heard_once_and_bad_ones_listed(tiny: Predictor, tmp_path: Path) -> None:
    text = tmp_path / "text.wav"
    text.write_text("no sound")
    paths = [
        write(tmp_path / "short.wav", noise(1.0)),
        text,
        write(tmp_path / "long.wav", noise(26.0)),
        write(tmp_path / "silent.wav", 0 * noise(1.0)),
        write(tmp_path / "tone.wav", tone(1.0)),
    ]
    clips = [LabelledClip(path=path, label="x") for path in paths]
    outcomes = list(hear(tiny, clips, max_seconds=60))
    assert [outcome.clip for outcome in outcomes] == clips
    assert [isinstance(outcome, Unreadable) for outcome in outcomes] == [0, 1, 0, 1, 0]
    found = Heard.of(outcomes)
    assert [len(windows) for windows in found.windows] == [1, 5, 1]
    for clip, embedding, logits in zip(
        found.clips, found.embeddings, found.logits(tiny.checkpoint.network), strict=True
    ):
        expected = tiny.analyze_file(clip.path)
        assert np.abs(embedding - expected.embedding).max() < 1e-5
        assert np.abs(logits - expected.logits).max() < 1e-4
    assert (
        "limit here is 0.2 min" in Heard.of(hear(tiny, clips, max_seconds=10)).unreadable[1].reason
    )


def test_nothing_heard_is_told(tiny: Predictor, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("no sound")
    clips = [LabelledClip(path=tmp_path / "a.wav", label="x")]
    with pytest.raises(DatasetError, match="none of the 1 sounds could be read"):
        Heard.of(hear(tiny, clips))


def test_neighbours_judge_as_scikit_learn_does(heard: Heard) -> None:
    judged = judge.by_neighbours(heard)
    unit = heard.embeddings / np.linalg.norm(heard.embeddings, axis=1, keepdims=True)
    right = 0
    for index in range(len(heard)):
        others = np.arange(len(heard)) != index
        nearest = KNeighborsClassifier(1, metric="cosine").fit(unit[others], heard.targets[others])
        right += int(nearest.predict(unit[index : index + 1])[0] == heard.targets[index])
    assert judged.accuracy == pytest.approx(right / len(heard))
    assert judged.recall_at_1 == pytest.approx(judged.accuracy)
    assert judged.confusion.sum() == len(heard)
    assert 0.3 < judged.accuracy < 1


def test_a_clip_alone_with_its_label_is_not_judged(heard: Heard) -> None:
    lonely = _with(heard, label=["alone", *(clip.label for clip in heard.clips[1:])])
    judged = judge.by_neighbours(lonely)
    assert judged.left_out == 1
    assert len(judged) == len(heard) - 1
    assert np.isnan(judged.recalls[judged.labels.index("alone")])


def test_the_head_judges_among_the_labels_it_shares(tiny: Predictor) -> None:
    known = tiny.labels[:3]
    heard = _heard(dim=32)
    names = dict(zip(heard.labels, (*known, "no class of it"), strict=True))
    heard = _with(heard, label=[names[clip.label] for clip in heard.clips])
    judged = judge.by_head(heard, tiny.checkpoint)
    assert judged.labels == tuple(sorted(known))
    assert (len(judged), judged.left_out) == (3 * EACH, EACH)
    logits = heard.logits(tiny.checkpoint.network)[: 3 * EACH]
    truth = [tiny.labels.index(clip.label) for clip in judged.clips]
    assert judged.accuracy_all == pytest.approx(np.mean(logits.argmax(axis=1) == truth))
    places = [tiny.labels.index(label) for label in judged.labels]
    assert np.array_equal(judged.scores, logits[:, places])


def test_a_head_that_knows_one_label_cannot_be_judged(tiny: Predictor) -> None:
    with pytest.raises(DatasetError, match="knows 0 of the 4 labels"):
        judge.by_head(_heard(dim=32), tiny.checkpoint)


def test_cells_hold_the_clips_that_they_count(heard: Heard) -> None:
    judged = judge.by_neighbours(heard)
    for row in range(CLASSES):
        for column in range(CLASSES):
            cell = judged.cell(row, column)
            assert len(cell) == judged.confusion[row, column]
            assert all(judged.targets[cell] == row)
            assert np.all(np.diff(judged.scores[cell, column]) <= 0)
    largest = judged.largest_confusions(3)
    wrong = judged.confusion - np.diag(np.diag(judged.confusion))
    assert [one.clips for one in largest] == sorted(wrong.ravel(), reverse=True)[:3]
    assert all(one.label != one.said and one.of == EACH for one in largest)


def test_no_mistakes_no_confusions() -> None:
    judged = judge.by_neighbours(_heard(spread=0.01))
    assert judged.accuracy == judged.top_3 == 1.0
    assert judged.mean_average_precision == pytest.approx(1.0)
    assert judged.largest_confusions(5) == ()
    assert judged.accuracy_interval[1] == pytest.approx(1.0)


@pytest.mark.parametrize(("right", "of"), [(0, 5), (3, 10), (77, 80), (80, 80)])
def test_the_interval_is_wilsons(right: int, of: int) -> None:
    expected = binomtest(right, of).proportion_ci(method="wilson")
    assert judge.wilson(right, of) == pytest.approx((expected.low, expected.high), abs=1e-6)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for index in range(4):
        for label, sound in (("hum", tone(0.5, hz=90 + index)), ("hiss", noise(0.5, seed=index))):
            (tmp_path / "mine" / label).mkdir(parents=True, exist_ok=True)
            write(tmp_path / "mine" / label / f"{index}.wav", sound)
    return tmp_path / "mine"


def test_from_a_folder_to_a_model_that_analyzes(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "hum" / "text.wav").write_text("no sound")
    out = tmp_path / "mine.safetensors"
    assert main(["probe", str(folder), "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["classes"], told["trained_on"], told["held_out"]) == (2, 6, 2)
    assert told["unreadable"] == 1
    clip = str(folder / "hiss" / "0.wav")
    assert main(["analyze", clip, "--model", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["top_k"][0]["label"] == "hiss"
    assert main(["probe", str(folder), "--out", str(out), "--several"]) == 0
    printed = capsys.readouterr().out
    assert "accuracy on those" in printed
    assert "left out: text.wav is not a sound" in printed


def test_one_clip_of_a_class_is_one_line_and_code_2(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in list((folder / "hum").iterdir())[1:]:
        path.unlink()
    assert main(["probe", str(folder), "--out", str(tmp_path / "x.safetensors")]) == 2
    error = capsys.readouterr().err
    assert "1 of the 2 classes have one clip" in error
    assert error.count("\n") == 1
