"""Searching: FAISS against plain numpy, and what a similarity means."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passt_core.errors import LibraryError
from passt_core.inference.predictor import Predictor
from passt_core.library import store
from passt_core.library.search import SearchHit, search, share_below
from passt_core.library.soundmap import place
from passt_core.library.store import SoundLibrary
from tests.libraries import random_library, units

DIM = 32


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, tiny: Predictor) -> SoundLibrary:
    folder = tmp_path_factory.mktemp("libraries") / "mine"
    return random_library(folder, tiny.checkpoint, units(60, DIM))


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    count=st.integers(1, 50),
    k=st.integers(1, 60),
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from((1e-3, 1.0, 1e4)),
    excluded=st.sets(st.integers(0, 49), max_size=10),
)
def test_search_is_brute_force(
    tiny: Predictor, count: int, k: int, seed: int, scale: float, excluded: set[int]
) -> None:
    embeddings = units(count, DIM, seed)
    query = units(1, DIM, seed + 1)[0] * scale
    with TemporaryDirectory() as folder:
        library = random_library(Path(folder) / "mine", tiny.checkpoint, embeddings)
        unwanted = [f"clip-{number}" for number in excluded]
        hits = search(library, query, k, exclude=unwanted)
    truth = embeddings.astype(np.float64) @ (query / np.linalg.norm(query)).astype(np.float64)
    order = [row for row in np.argsort(-truth, kind="stable") if row not in excluded][:k]
    assert [hit.rank for hit in hits] == list(range(1, len(order) + 1))
    assert np.allclose([hit.similarity for hit in hits], truth[order], atol=1e-5)
    # Random vectors have no ties that float32 could turn round.
    if len(order) < 2 or np.diff(truth[order]).max() < -1e-5:
        assert [hit.clip for hit in hits] == [library.clips[row] for row in order]


def test_a_clip_finds_itself_first(library: SoundLibrary) -> None:
    for row, clip in enumerate(library.clips):
        first, second = search(library, library.embeddings[row], 2)
        assert first.clip == clip
        assert first.similarity == pytest.approx(1.0, abs=1e-6)
        assert first.similarity <= 1.0
        assert (first.id, first.label, first.file) == (clip.id, clip.label, clip.file)
        assert search(library, library.embeddings[row], 1, exclude={clip.id}) == [
            SearchHit(rank=1, similarity=second.similarity, clip=second.clip)
        ]


def test_equal_similarities_keep_the_order_of_the_library(tmp_path: Path, tiny: Predictor) -> None:
    same = np.repeat(units(1, DIM), 9, axis=0)
    library = random_library(tmp_path / "same", tiny.checkpoint, same)
    assert [hit.clip for hit in search(library, same[0], 9)] == list(library.clips)


def test_fewer_clips_than_asked_for(library: SoundLibrary) -> None:
    assert len(search(library, library.embeddings[0], 1000)) == 60
    everything = [clip.id for clip in library.clips]
    assert search(library, library.embeddings[0], 3, exclude=everything) == []
    assert len(search(library, library.embeddings[0], 3, exclude=["no such id"])) == 3


@pytest.mark.parametrize(
    ("query", "message"),
    (
        (np.ones(DIM + 1, np.float32), "has shape"),
        (np.ones((1, DIM), np.float32), "has shape"),
        (np.zeros(DIM, np.float32), "points nowhere"),
        (np.full(DIM, np.nan, np.float32), "points nowhere"),
        (np.full(DIM, np.inf, np.float32), "points nowhere"),
    ),
)
def test_an_embedding_that_is_none_is_refused(
    library: SoundLibrary, query: np.ndarray, message: str
) -> None:
    with pytest.raises(LibraryError, match=message):
        search(library, query, 3)


def test_no_neighbours_cannot_be_asked_for(library: SoundLibrary) -> None:
    with pytest.raises(LibraryError, match="at least 1"):
        search(library, library.embeddings[0], 0)


def test_share_below_counts_pairs(library: SoundLibrary) -> None:
    similarities = library.embeddings @ library.embeddings.T
    pairs = similarities[np.triu_indices(60, k=1)]
    for threshold in (-1.0, -0.2, 0.0, 0.3, 1.1):
        assert share_below(library, threshold) == pytest.approx(np.mean(pairs < threshold))


def test_share_below_of_a_large_library_is_near(
    library: SoundLibrary, tmp_path: Path, tiny: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = share_below(library, 0.1)
    monkeypatch.setattr(store, "PAIRED_CLIPS", 40)
    sampled = random_library(tmp_path / "mine", tiny.checkpoint, np.array(library.embeddings))
    assert len(sampled.pair_similarities) == 40 * 39 // 2
    assert share_below(sampled, 0.1) == pytest.approx(exact, abs=0.05)
    again = SoundLibrary.open(sampled.folder, tiny.checkpoint)
    assert share_below(again, 0.1) == share_below(sampled, 0.1)


def test_one_clip_has_no_pairs(tmp_path: Path, tiny: Predictor) -> None:
    library = random_library(tmp_path / "one", tiny.checkpoint, units(1, DIM))
    assert np.isnan(share_below(library, 0.5))


def test_a_library_clip_is_placed_where_it_is(library: SoundLibrary) -> None:
    for row in range(10):
        hits = search(library, library.embeddings[row], 5)
        assert np.abs(place(hits, library) - library.map[row]).max() < 0.05


def test_a_query_lies_among_its_neighbours(library: SoundLibrary) -> None:
    hits = search(library, units(1, DIM, seed=9)[0], 6)
    places = library.map[[library.row(hit.id) for hit in hits]]
    where = place(hits, library)
    assert where.shape == (2,)
    assert where.dtype == np.float32
    assert (places.min(axis=0) <= where).all()
    assert (where <= places.max(axis=0)).all()
    assert np.allclose(place(hits[:1], library), places[0], atol=1e-6)


def test_nothing_found_has_no_place(library: SoundLibrary) -> None:
    with pytest.raises(LibraryError, match="without neighbours"):
        place([], library)
