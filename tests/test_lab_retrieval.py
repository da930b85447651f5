"""Retrieval over folds, against scikit-learn's nearest neighbours."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors
from typer.testing import CliRunner

from passt_core.cli import app, main
from passt_core.errors import DatasetError
from passt_core.inference.predictor import Predictor
from passt_core.lab import metrics
from passt_core.lab.datasets import load_dataset
from passt_core.lab.retrieval import retrieve
from tests.sounds import noise, tone, write


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tones and noises in three folds."""
    folder = tmp_path_factory.mktemp("folds")
    rows = []
    for number in range(18):
        name = f"{number}.wav"
        sound = tone(0.4, hz=300.0 + 90 * number) if number % 2 else noise(0.4, seed=number)
        write(folder / name, sound)
        rows.append((name, "Tone" if number % 2 else "Noise", number % 3))
    path = folder / "clips.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("file", "label", "fold"), *rows])
    return path


def test_a_search_is_scikit_learns() -> None:
    draw = np.random.default_rng(0)
    library, queries = draw.normal(size=(60, 8)), draw.normal(size=(15, 8))
    held, wanted = draw.integers(0, 4, 60), draw.integers(0, 5, 15)
    found = metrics.search_scores(queries, wanted, library, held)
    near = NearestNeighbors(n_neighbors=10, metric="cosine").fit(library)
    right = held[near.kneighbors(queries)[1]] == wanted[:, None]
    known = np.isin(wanted, held)
    assert np.array_equal(np.isnan(found.first), ~known)
    assert np.array_equal(found.first[known], right[known, 0])
    assert np.array_equal(found.five[known], right[known, :5].any(axis=1))


def test_queries_look_in_the_other_folds(table: Path, tiny: Predictor) -> None:
    dataset = load_dataset(table)
    told: list[tuple[float, float | None]] = []
    *folds, mean = retrieve(dataset, tiny, progress=lambda *done: told.append(done))
    assert told[-1] == (18, 18)
    assert [one.fold for one in folds] == [0, 1, 2]
    assert [(one.queries, one.library) for one in (*folds, mean)] == [(6, 12)] * 3 + [(18, 12)]
    assert mean.statistics.recall_at_1 == 1.0, "noise and tones differ in their statistics"
    for name in ("recall_at_1", "recall_at_5", "map_at_10"):
        of_folds = [getattr(one.model, name) for one in folds]
        assert getattr(mean.model, name) == pytest.approx(np.mean(of_folds))
    (second,) = retrieve(dataset, tiny, folds=(1,))
    assert second == folds[1]


def test_one_command_prints_the_figures(table: Path, tiny_checkpoint: Path) -> None:
    ended = CliRunner().invoke(app, ["retrieval", str(table), "--model", str(tiny_checkpoint)])
    assert ended.exit_code == 0, ended.output
    lines = [line.split() for line in ended.output.splitlines()]
    assert lines[3] == ["fold", "queries", "library", "by", "R@1", "R@5", "mAP@10"]
    assert [line[0] for line in lines[4:]] == [*"001122", "all", "all"]


def test_what_cannot_be_asked_is_told(
    table: Path, tiny: Predictor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["retrieval", str(table), "--fold", "7"]) == 2
    assert "fold 7" in capsys.readouterr().err
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        write(tmp_path / label / "x.wav", tone(0.4))
    with pytest.raises(DatasetError, match="has 0 folds"):
        retrieve(load_dataset(tmp_path), tiny)
    (tmp_path / "clips.csv").write_text("file,label,fold\na/x.wav,a,1\nb/x.wav,b,2\nb/y.wav,b,1\n")
    (tmp_path / "b" / "y.wav").write_text("no sound")
    with pytest.raises(DatasetError, match="1 clips .* cannot be read"):
        retrieve(load_dataset(tmp_path / "clips.csv"), tiny)
