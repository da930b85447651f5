"""Neighbours: one contract over both kinds of index, with numpy as the oracle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import search as benchmark
from passt_core.errors import LibraryError
from passt_core.library import compressed, nearest
from tests.libraries import units

DIM = 32
KINDS = {"exact": 10**6, "compressed": 0}
"""Kind → the limit that makes it."""

Numbers = nearest.Numbers
Floats = nearest.Floats


@pytest.fixture(params=KINDS)
def limit(request: pytest.FixtureRequest) -> int:
    return KINDS[request.param]


def clustered(count: int, seed: int = 0) -> Floats:
    """Embeddings around forty centres, (count, DIM)."""
    draw = np.random.default_rng(seed)
    centres = units(40, DIM, 1)
    vectors = centres[draw.integers(0, 40, count)] + 0.1 * units(count, DIM, seed)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def numbers_for(count: int, seed: int = 0) -> Numbers:
    """Numbers with gaps and in no order."""
    return np.random.default_rng(seed).permutation(3 * count)[:count].astype(np.int64)


def lookup(embeddings: Floats, numbers: Numbers) -> nearest.Vectors:
    rows = {number: row for row, number in enumerate(numbers.tolist())}
    return lambda wanted: embeddings[[rows[number] for number in wanted.tolist()]]


def neighbours(
    index: faiss.Index, embeddings: Floats, numbers: Numbers, queries: Floats, k: int
) -> tuple[Floats, Numbers]:
    return nearest.search(index, queries, k, vectors=lookup(embeddings, numbers))


def truth(embeddings: Floats, numbers: Numbers, query: Floats, k: int) -> tuple[Floats, Numbers]:
    similarities = embeddings @ query
    order = np.lexsort((numbers, -similarities))[:k]
    return similarities[order], numbers[order]


def none() -> Numbers:
    return np.empty(0, np.int64)


# --- searching -------------------------------------------------------------------------------


@settings(deadline=None, max_examples=80)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    count=st.integers(1, 150),
    asked=st.integers(1, 3),
    k=st.integers(1, 200),
    seed=st.integers(0, 2**16),
    share=st.sampled_from((None, 0.0, 0.3, 1.0)),
)
def test_a_small_library_is_searched_as_by_brute_force(
    kind: str, count: int, asked: int, k: int, seed: int, share: float | None
) -> None:
    embeddings, numbers = units(count, DIM, seed), numbers_for(count, seed)
    index = nearest.build(embeddings, numbers, limit=KINDS[kind])
    assert nearest.kind(index) == kind
    queries = units(asked, DIM, seed + 1)
    may = np.full(count, True)
    if share is not None:
        may = np.random.default_rng(seed).random(count) < share
    found, whose = nearest.search(
        index,
        queries,
        k,
        vectors=lookup(embeddings, numbers),
        allowed=None if share is None else numbers[may],
    )
    assert found.shape == whose.shape == (asked, min(k, int(may.sum())))
    for query, similarities, named in zip(queries, found, whose, strict=True):
        expected, theirs = truth(embeddings[may], numbers[may], query, k)
        assert np.allclose(similarities, expected, atol=1e-5)
        if len(expected) < 2 or np.diff(expected).max() < -1e-5:
            assert named.tolist() == theirs.tolist()


def test_a_large_library_misses_little_and_tells_no_wrong_similarity(limit: int) -> None:
    embeddings, numbers = clustered(6000), numbers_for(6000)
    index = nearest.build(embeddings, numbers, limit=limit)
    queries = clustered(50, seed=5)
    found, whose = neighbours(index, embeddings, numbers, queries, 10)
    shared = []
    for query, similarities, named in zip(queries, found, whose, strict=True):
        told = lookup(embeddings, numbers)(named) @ query
        assert np.allclose(similarities, told, atol=1e-6)
        assert (np.diff(similarities) <= 0).all()
        shared.append(len(set(named) & set(truth(embeddings, numbers, query, 10)[1])))
    assert np.mean(shared) >= 9.5


def test_equals_come_in_the_order_of_their_numbers(limit: int) -> None:
    same, numbers = np.repeat(units(1, DIM), 9, axis=0), numbers_for(9)
    index = nearest.build(same, numbers, limit=limit)
    _, whose = neighbours(index, same, numbers, same[:1], 9)
    assert whose[0].tolist() == sorted(numbers)


@pytest.mark.parametrize("few", (0, 20_000))
@pytest.mark.parametrize("large", (False, True))
def test_only_what_is_allowed_is_found(
    limit: int, few: int, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where none of the lists nearest to the query holds any of it."""
    monkeypatch.setattr(nearest, "_FEW", few)
    monkeypatch.setattr(compressed, "_PROBED", 1)
    embeddings = clustered(3000)
    numbers = numbers_for(3000) + (compressed._BITMAP if large else 0)
    index = nearest.build(embeddings, numbers, limit=limit)
    query = embeddings[0]
    far = np.argsort(embeddings @ query)[:100]
    found, whose = nearest.search(
        index, query[None], 5, vectors=lookup(embeddings, numbers), allowed=numbers[far]
    )
    expected, theirs = truth(embeddings[far], numbers[far], query, 5)
    assert np.allclose(found[0], expected, atol=1e-5)
    assert whose[0].tolist() == theirs.tolist()


def test_more_than_there_are_gives_all(limit: int) -> None:
    embeddings, numbers = clustered(700), numbers_for(700)
    index = nearest.build(embeddings, numbers, limit=limit)
    found, whose = neighbours(index, embeddings, numbers, embeddings[:2], 1000)
    assert found.shape == (2, 700)
    assert all(sorted(named) == sorted(numbers) for named in whose)


@pytest.mark.parametrize(
    ("queries", "k", "message"),
    (
        (units(1, DIM), 0, "at least 1"),
        (units(1, DIM + 1), 3, "do not fit an index of dimension 32"),
        (units(1, DIM)[0], 3, "do not fit"),
    ),
)
def test_a_query_that_is_none_is_refused(limit: int, queries: Floats, k: int, message: str) -> None:
    embeddings, numbers = units(20, DIM), numbers_for(20)
    index = nearest.build(embeddings, numbers, limit=limit)
    with pytest.raises(LibraryError, match=message):
        neighbours(index, embeddings, numbers, queries, k)


# --- building and changing -------------------------------------------------------------------


def test_the_same_library_gives_the_same_file(limit: int, tmp_path: Path) -> None:
    files = [tmp_path / "a.index", tmp_path / "b.index"]
    for file in files:
        nearest.write(nearest.build(clustered(500), numbers_for(500), limit=limit), file)
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(
    ("embeddings", "numbers", "message"),
    (
        (units(3, DIM), np.array([1, 2]), "do not fit 3 embeddings"),
        (units(3, DIM), np.array([1, 2, 2]), "each stand once"),
        (units(3, DIM), np.array([1, 2, -2]), "0 or more"),
        (units(3, DIM), np.array([1.0, 2.0, 3.0]), "float64 numbers"),
        (units(3, DIM).astype(np.float64), np.arange(3), "type float64"),
        (units(3, DIM)[0], np.arange(DIM), "shape"),
        (2 * units(3, DIM), np.array([7, 8, 9]), "number 7 has length 2"),
        (np.full((3, DIM), np.nan, np.float32), np.arange(3), "has length nan"),
    ),
)
def test_what_cannot_be_indexed_is_refused(
    embeddings: Floats, numbers: Numbers, message: str
) -> None:
    with pytest.raises(LibraryError, match=message):
        nearest.build(embeddings, numbers)


@pytest.mark.parametrize("mapped", (False, True))
def test_what_is_added_and_removed_is_found_and_not_found(
    limit: int, mapped: bool, tmp_path: Path
) -> None:
    embeddings, numbers = clustered(1200), numbers_for(1200)
    index = nearest.build(embeddings[:1000], numbers[:1000], limit=limit)
    if mapped:
        nearest.write(index, tmp_path / "faiss.index")
        index = nearest.read(tmp_path / "faiss.index")
    new = np.arange(100, 1200) >= 1000
    after = nearest.changed(
        index, embeddings[100:], numbers[100:], new=new, removed=numbers[:100], limit=limit
    )
    assert nearest.holds(after, embeddings[100:], numbers[100:])
    assert nearest.holds(index, embeddings[:1000], numbers[:1000])
    _, whose = neighbours(after, embeddings[100:], numbers[100:], embeddings[1000:], 1)
    assert whose[:, 0].tolist() == numbers[1000:].tolist()
    _, whose = neighbours(after, embeddings[100:], numbers[100:], embeddings[:100], 20)
    assert not np.isin(whose, numbers[:100]).any()


def test_an_embedding_is_replaced_under_its_number(limit: int) -> None:
    before, numbers = clustered(300), numbers_for(300)
    index = nearest.build(before, numbers, limit=limit)
    now = before.copy()
    now[7] = units(1, DIM, seed=99)[0]
    new = np.arange(300) == 7
    after = nearest.changed(index, now, numbers, new=new, removed=numbers[new], limit=limit)
    assert nearest.holds(after, now, numbers)
    found, whose = neighbours(after, now, numbers, now[7:8], 1)
    assert (whose[0, 0], found[0, 0]) == (numbers[7], pytest.approx(1.0, abs=1e-6))


def test_a_change_that_was_told_wrong_gives_the_right_index(limit: int) -> None:
    embeddings, numbers = clustered(300), numbers_for(300)
    index = nearest.build(embeddings[:200], numbers[:200], limit=limit)
    nothing = np.zeros(300, bool)
    after = nearest.changed(index, embeddings, numbers, new=nothing, removed=none(), limit=limit)
    assert nearest.holds(after, embeddings, numbers)


def test_a_library_that_grows_and_shrinks_changes_its_kind() -> None:
    embeddings, numbers = clustered(300), numbers_for(300)
    small = nearest.build(embeddings[:200], numbers[:200], limit=200)
    grown = nearest.changed(
        small, embeddings, numbers, new=np.arange(300) >= 200, removed=none(), limit=200
    )
    shrunk = nearest.changed(
        grown,
        embeddings[:200],
        numbers[:200],
        new=np.zeros(200, bool),
        removed=numbers[200:],
        limit=200,
    )
    assert [nearest.kind(index) for index in (small, grown, shrunk)] == [
        "exact",
        "compressed",
        "exact",
    ]
    assert nearest.holds(grown, embeddings, numbers)
    assert nearest.holds(shrunk, embeddings[:200], numbers[:200])


def test_lists_are_made_anew_when_they_are_outgrown(monkeypatch: pytest.MonkeyPatch) -> None:
    embeddings, numbers = clustered(4000), numbers_for(4000)
    index = nearest.build(embeddings[:200], numbers[:200], limit=0)
    made: list[int] = []
    fresh = compressed.empty
    monkeypatch.setattr(compressed, "empty", lambda e: made.append(len(e)) or fresh(e))
    for before, now in ((200, 300), (300, 500), (500, 1200)):
        new = np.arange(now) >= before
        index = nearest.changed(
            index, embeddings[:now], numbers[:now], new=new, removed=none(), limit=0
        )
        assert nearest.holds(index, embeddings[:now], numbers[:now])
    assert made == [1200]  # more than half of it is new


def test_nothing_is_a_library_too() -> None:
    empty, numbers = np.empty((0, DIM), np.float32), none()
    index = nearest.build(empty, numbers)
    found, whose = neighbours(index, empty, numbers, units(2, DIM), 3)
    assert found.shape == whose.shape == (2, 0)


# --- on disk ---------------------------------------------------------------------------------


def test_a_file_gives_back_the_index(limit: int, tmp_path: Path) -> None:
    embeddings, numbers = clustered(900), numbers_for(900)
    index = nearest.build(embeddings, numbers, limit=limit)
    path = tmp_path / "faiss.index"
    nearest.write(index, path)
    again = nearest.read(path)
    assert nearest.kind(again) == nearest.kind(index)
    assert nearest.holds(again, embeddings, numbers)
    for k in (1, 10):
        mine = neighbours(index, embeddings, numbers, embeddings[:20], k)
        theirs = neighbours(again, embeddings, numbers, embeddings[:20], k)
        assert all(np.array_equal(a, b) for a, b in zip(mine, theirs, strict=True))


def test_an_open_index_outlives_its_file(limit: int, tmp_path: Path) -> None:
    """Another process may write the library anew while this one searches it."""
    embeddings, numbers = clustered(900), numbers_for(900)
    path = tmp_path / "faiss.index"
    nearest.write(nearest.build(embeddings, numbers, limit=limit), path)
    opened = nearest.read(path)
    nearest.write(nearest.build(embeddings[:9], numbers[:9], limit=limit), path)
    _, whose = neighbours(opened, embeddings, numbers, embeddings[500:], 1)
    assert whose[:, 0].tolist() == numbers[500:].tolist()


def test_a_file_is_mapped_not_read(limit: int, tmp_path: Path) -> None:
    path = tmp_path / "faiss.index"
    nearest.write(nearest.build(clustered(900), numbers_for(900), limit=limit), path)
    opened = nearest.read(path)
    maps = Path("/proc/self/maps")
    if not maps.is_file():
        pytest.skip("this system does not tell what a process has mapped")
    assert str(path) in maps.read_text()
    assert opened.ntotal == 900


def damaged(path: Path, how: Callable[[bytes], bytes]) -> None:
    path.write_bytes(how(path.read_bytes()))


@pytest.mark.parametrize(
    "how",
    (
        lambda data: b"",
        lambda data: data[: len(data) // 3],
        lambda data: data[:-8],
        lambda data: b"nonsense" + data[8:],
    ),
)
def test_a_damaged_file_is_refused_by_name(
    limit: int, tmp_path: Path, how: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "faiss.index"
    nearest.write(nearest.build(clustered(300), numbers_for(300), limit=limit), path)
    damaged(path, how)
    with pytest.raises(LibraryError, match=r"faiss\.index cannot be read"):
        nearest.read(path)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "faiss.index"
    other = faiss.IndexFlatL2(DIM)
    other.add(units(9, DIM))
    faiss.write_index(other, str(path))
    with pytest.raises(LibraryError, match="IndexFlatL2 is not one of a library"):
        nearest.read(path)
    with pytest.raises(LibraryError, match="cannot be read"):
        nearest.read(tmp_path / "missing.index")


def test_where_nothing_can_be_written(limit: int, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    index = nearest.build(units(9, DIM), numbers_for(9), limit=limit)
    with pytest.raises(LibraryError, match="cannot be written"):
        nearest.write(index, tmp_path / "file" / "faiss.index")


def test_an_index_of_another_library_is_known(limit: int) -> None:
    embeddings, numbers = clustered(400), numbers_for(400)
    index = nearest.build(embeddings, numbers, limit=limit)
    assert nearest.holds(index, embeddings, numbers)
    mixed = np.random.default_rng(3).permutation(400)
    assert nearest.holds(index, embeddings[mixed], numbers[mixed])
    assert not nearest.holds(index, embeddings[mixed], numbers)
    assert not nearest.holds(index, embeddings, numbers + 1)
    assert not nearest.holds(index, embeddings[:-1], numbers[:-1])
    assert not nearest.holds(index, units(400, DIM + 1), numbers)
    assert not nearest.holds(index, clustered(400, seed=8), numbers)


# --- the benchmark ---------------------------------------------------------------------------


@pytest.mark.slow
def test_the_benchmark_measures_both_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    benchmark.main(["--sizes", "500,3000", "--limit", "1000", "--queries", "20", "--dim", "64"])
    lines = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if "|" in line]
    head, _, *rows = [[cell.strip() for cell in line] for line in lines]
    table = [dict(zip(head, row, strict=True)) for row in rows]
    assert [(row["clips"], row["kind"]) for row in table] == [
        ("500", "exact"),
        ("3,000", "compressed"),
    ]
    for row in table:
        assert float(row["recall@10"]) >= 0.95
        assert 0.0 < float(row["p50 ms"]) <= float(row["p95 ms"])
        assert float(row["file MB"]) > 0.0
