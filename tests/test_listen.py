"""The sound of a mask."""

from __future__ import annotations

import numpy as np
import pytest

from passt_core.inference.listen import split
from passt_core.inference.predictor import Predictor
from passt_core.network.patchout import PatchoutSpec
from tests.sounds import RATE, noise, tone


def _energy(sound: np.ndarray) -> float:
    return float((sound.astype(np.float64) ** 2).sum())


def test_the_halves_sum_to_what_the_network_can_hear(tiny: Predictor) -> None:
    samples = noise(3.04)
    heard = tiny.analyze(samples, RATE, PatchoutSpec(time=6, freq=2), 3)
    halves = split(samples, heard.grid, heard.kept)
    whole = split(samples, heard.grid, np.arange(heard.grid.patches))
    assert halves.left.shape == halves.taken.shape == samples.shape
    assert np.allclose(halves.left + halves.taken, whole.left, atol=1e-5)
    assert _energy(whole.taken) == pytest.approx(0.0, abs=1e-9)
    inside = slice(RATE // 10, -RATE // 5)
    assert _energy(whole.left[inside]) == pytest.approx(_energy(samples[inside]), rel=0.05)


def test_a_row_takes_the_tone_in_it(tiny: Predictor) -> None:
    samples = tone(3.04, hz=1000.0)
    grid = tiny.analyze(samples, RATE).grid
    row = next(r for r in range(grid.rows) if grid.hz(r)[0] <= 1000 < grid.hz(r)[1])
    heard = tiny.analyze(samples, RATE, PatchoutSpec(drop_rows=(row,)))
    halves = split(samples, heard.grid, heard.kept)
    assert _energy(halves.taken) > 20 * _energy(halves.left)


def test_a_column_takes_its_moment(tiny: Predictor) -> None:
    samples = noise(3.04)
    heard = tiny.analyze(samples, RATE, PatchoutSpec(drop_columns=(5,)))
    halves = split(samples, heard.grid, heard.kept)
    start, end = (round(t * RATE) for t in heard.grid.seconds(5))
    middle = slice(start + 1024, end - 1024)
    assert _energy(halves.taken[middle]) > 20 * _energy(halves.left[middle])
    assert _energy(halves.left[: start - 2048]) > 20 * _energy(halves.taken[: start - 2048])
