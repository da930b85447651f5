"""Searching: FAISS against plain numpy, and what a similarity means."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passt_core.errors import LibraryError
from passt_core.inference.predictor import Predictor
from passt_core.library import nearest
from passt_core.library import search as searching
from passt_core.library.query import Filter, compose
from passt_core.library.search import (
    Distribution,
    SearchHit,
    more_like,
    search,
    similarities,
    to_csv,
    to_json,
)
from passt_core.library.soundmap import place
from passt_core.library.store import SoundLibrary
from tests import libraries
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


# --- within ----------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=("exact", "compressed"))
def families(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tiny: Predictor
) -> SoundLibrary:
    """Sixty clips of three labels and two families."""
    kinds = (("Rain", "water"), ("Stream", "water"), ("Dog", "animals"))
    clips = tuple(
        libraries.clip(
            n, label=kinds[n % 3][0], family=kinds[n % 3][1], file=f"{kinds[n % 3][0]}/{n}.wav"
        )
        for n in range(60)
    )
    folder = tmp_path_factory.mktemp("libraries") / "families"
    library = random_library(folder, tiny.checkpoint, units(60, DIM), clips=clips)
    if request.param == "compressed":
        index = nearest.build(np.asarray(library.embeddings), library.numbers, limit=0)
        return replace(library, index=index)
    return library


@pytest.mark.parametrize(
    ("within", "rows"),
    (
        (Filter(), range(60)),
        (Filter(labels=frozenset({"Dog"})), range(2, 60, 3)),
        (
            Filter(families=frozenset({"animals"}), labels=frozenset({"Rain"})),
            [row for row in range(60) if row % 3 != 1],
        ),
        (Filter(text="stream 1.WAV"), (1, 31)),
        (Filter(text="whale"), ()),
    ),
)
def test_only_what_comes_into_it_is_found(
    families: SoundLibrary, within: Filter, rows: Sequence[int]
) -> None:
    query = units(1, DIM, seed=8)[0]
    unwanted = [families.clips[row].id for row in rows[:2]]
    hits = search(families, query, 100, within=within, exclude=unwanted)
    truth = families.embeddings @ query
    expected = sorted(rows[2:], key=lambda row: -truth[row])
    assert [families.row(hit.id) for hit in hits] == expected
    assert [hit.rank for hit in hits] == list(range(1, len(expected) + 1))
    assert np.allclose([hit.similarity for hit in hits], truth[expected], atol=1e-6)


def test_more_like_a_clip_leaves_it_out(families: SoundLibrary) -> None:
    chosen = families.clips[4]
    hits = more_like(families, chosen.id, 5)
    assert hits == search(families, families.embeddings[4], 5, exclude={chosen.id})
    dogs = Filter(labels=frozenset({"Dog"}))
    assert {hit.label for hit in more_like(families, chosen.id, 100, within=dogs)} == {"Dog"}
    with pytest.raises(LibraryError, match="no clip 'nobody'"):
        more_like(families, "nobody", 5)


def test_like_two_and_unlike_a_third(families: SoundLibrary) -> None:
    first, second, third = families.embeddings[:3]
    query = compose([first, second], [third])
    hits = search(families, query, 60)
    assert hits[-1].clip == families.clips[2]
    ranks = {hit.id: hit.rank for hit in hits}
    assert max(ranks[families.clips[0].id], ranks[families.clips[1].id]) <= 6


# --- how alike all are -----------------------------------------------------------------------


def test_similarities_of_all_clips(library: SoundLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "_BLOCK", 7)
    query = 3.0 * units(1, DIM, seed=8)[0]
    found = similarities(library, query)
    assert found.shape == (60,)
    assert found.dtype == np.float32
    assert np.allclose(found, library.embeddings @ query / 3.0, atol=1e-6)
    hits = search(library, query, 60)
    assert np.allclose([found[library.row(h.id)] for h in hits], [h.similarity for h in hits])
    with pytest.raises(LibraryError, match="has shape"):
        similarities(library, query[:3])


def test_a_distribution_says_where_a_similarity_lies(library: SoundLibrary) -> None:
    query = units(1, DIM, seed=8)[0]
    alike = library.embeddings @ query
    found = Distribution.of(library, query, bins=8)
    assert (found.counts.sum(), len(found.edges), found.count) == (60, 9, 60)
    assert np.allclose(found.edges[[0, -1]], [alike.min(), alike.max()])
    for hit in search(library, query, 60):
        assert found.share_below(hit.similarity) == pytest.approx((60 - hit.rank) / 60, abs=0.02)
    assert (found.share_below(-1.0), found.share_below(1.1)) == (0.0, 1.0)
    assert found.percentile(50) == pytest.approx(np.median(alike), abs=1e-6)
    assert (found.percentile(0), found.percentile(100)) == (alike.min(), alike.max())
    told = json.loads(json.dumps(found.report()))
    assert (told["clips"], told["compared"], sum(told["counts"])) == (60, 60, 60)


def test_a_distribution_of_a_large_library_is_of_a_sample(
    library: SoundLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "DISTRIBUTION_CLIPS", 40)
    query = units(1, DIM, seed=8)[0]
    found, again = (Distribution.of(library, query) for _ in range(2))
    assert (len(found.ordered), found.count) == (40, 60)
    assert np.array_equal(found.ordered, again.ordered)
    alike = np.clip(library.embeddings @ query, -1.0, 1.0)
    assert np.isclose(found.ordered[:, None], alike[None], atol=1e-6).any(axis=1).all()


def test_what_no_distribution_can_say_is_refused(library: SoundLibrary) -> None:
    with pytest.raises(LibraryError, match="0 bins"):
        Distribution.of(library, library.embeddings[0], bins=0)
    found = Distribution.of(library, library.embeddings[0])
    for percent in (-1.0, 101.0, float("nan")):
        with pytest.raises(LibraryError, match="no percentage"):
            found.percentile(percent)


def test_a_distribution_of_equals(tmp_path: Path, tiny: Predictor) -> None:
    library = random_library(tmp_path / "one", tiny.checkpoint, units(1, DIM))
    found = Distribution.of(library, library.embeddings[0])
    assert found.counts.sum() == 1


# --- hits that go elsewhere ------------------------------------------------------------------


def test_hits_as_a_table(library: SoundLibrary) -> None:
    hits = search(library, library.embeddings[3], 4)
    header, *rows = csv.reader(io.StringIO(to_csv(hits), newline=""))
    assert header[:4] == ["rank", "similarity", "id", "label"]
    told = [dict(zip(header, row, strict=True)) for row in rows]
    assert [(row["rank"], row["id"], row["file"]) for row in told] == [
        (str(hit.rank), hit.id, hit.file) for hit in hits
    ]
    assert [float(row["end_s"]) for row in told] == [hit.clip.end_s for hit in hits]
    assert to_csv([]).count("\n") == 1


def test_hits_as_json(library: SoundLibrary) -> None:
    hits = search(library, library.embeddings[3], 4)
    asked = {"like": [hits[0].id], "text": "鳥"}
    text = to_json(hits, query=asked, library=library.name, model="tiny")
    assert "鳥" in text
    told = json.loads(text)
    assert (told["query"], told["library"], told["model"]) == (asked, library.name, "tiny")
    assert [hit["id"] for hit in told["hits"]] == [hit.id for hit in hits]
    assert told["hits"][0].items() >= hits[0].report().items()
    assert hits[0].report()["end_s"] == hits[0].clip.end_s
