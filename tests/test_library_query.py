"""What is asked: directions put together, and which clips come into it."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from passt_core.errors import LibraryError
from passt_core.library.query import Filter, compose, unit
from tests.libraries import clip, units

DIM = 16
X, Y, Z = np.eye(DIM, dtype=np.float32)[:3]


def test_one_sound_is_its_own_direction() -> None:
    assert np.allclose(compose([5.0 * X]), X)
    assert np.allclose(compose([], [5.0 * X]), -X)
    assert compose([X.astype(np.float64)]).dtype == np.float32


def test_sounds_count_alike_whatever_their_lengths_and_number() -> None:
    middle = (X + Y) / np.sqrt(2.0)
    assert np.allclose(compose([0.01 * X, 1000.0 * Y]), middle)
    assert np.allclose(compose([X, Y], [Z, Z, Z, Z]), unit((X + Y) / 2.0 - Z))
    assert np.allclose(compose([X, X, X, Y]), unit(0.75 * X + 0.25 * Y))


@given(
    arrays.arrays(np.float32, (4, DIM), elements=st.floats(-10, 10, width=32)),
    st.integers(1, 3),
)
def test_a_query_is_of_length_one_or_refused(vectors: np.ndarray, towards: int) -> None:
    try:
        found = compose(list(vectors[:towards]), list(vectors[towards:]))
    except LibraryError as error:
        assert "points nowhere" in str(error) or "cancel" in str(error)
    else:
        assert found.shape == (DIM,)
        assert np.linalg.norm(found) == pytest.approx(1.0, abs=1e-5)


def test_away_from_a_sound_is_less_like_it() -> None:
    first, second = units(2, DIM, seed=4)
    assert compose([first], [second]) @ second < first @ second


@pytest.mark.parametrize(
    ("plus", "minus", "message"),
    (
        ([], [], "at least one"),
        ([X], [X], "cancel"),
        ([X, -X], [], "cancel"),
        ([X, Y], [Y, X], "cancel"),
        ([X], [X[:5]], "one model"),
        ([X[None]], [], "one model"),
        ([np.zeros(DIM)], [], "points nowhere"),
        ([X], [np.full(DIM, np.nan)], "points nowhere"),
        ([np.full(DIM, np.inf)], [], "points nowhere"),
    ),
)
def test_what_leads_nowhere_is_refused(
    plus: list[np.ndarray], minus: list[np.ndarray], message: str
) -> None:
    with pytest.raises(LibraryError, match=message):
        compose(plus, minus)


CLIPS = (
    clip(0, id="a", file="Rain/Dach eins.wav", label="Rain on surface", family="water"),
    clip(1, id="b", file="dogs/rex.wav", label="Dog", family="animals"),
    clip(2, id="rainy-dog", file="x.wav", label="Dog", family="animals"),
    clip(3, id="d", file=unicodedata.normalize("NFD", "Vögel/Köln.wav"), label="Bird", family=""),
    clip(4, id="e", file="y.wav", label="", family=""),
)


@pytest.mark.parametrize(
    ("asked", "rows"),
    (
        (Filter(), [0, 1, 2, 3, 4]),
        (Filter(text=" \n "), [0, 1, 2, 3, 4]),
        (Filter(labels=frozenset({"Dog"})), [1, 2]),
        (Filter(labels=frozenset({"dog"})), []),
        (Filter(families=frozenset({"water"})), [0]),
        (Filter(labels=frozenset({"Bird"}), families=frozenset({"animals"})), [1, 2, 3]),
        (Filter(labels=frozenset({""})), [4]),
        (Filter(text="RAIN"), [0, 2]),
        (Filter(text="rain dach"), [0]),
        (Filter(text="dach rain surface .wav"), [0]),
        (Filter(text="vögel"), [3]),
        (Filter(text=unicodedata.normalize("NFD", "KÖLN")), [3]),
        (Filter(text="rain", families=frozenset({"animals"})), [2]),
        (Filter(text="e[.]wav"), []),
    ),
)
def test_what_comes_into_a_search(asked: Filter, rows: list[int]) -> None:
    matches = asked.matches(CLIPS)
    assert matches.dtype == bool
    assert matches.shape == (len(CLIPS),)
    assert np.flatnonzero(matches).tolist() == rows
    assert bool(asked) == bool(asked.labels or asked.families or asked.text.strip())


def test_no_clips_match_nothing() -> None:
    assert Filter(text="rain").matches(()).shape == (0,)
