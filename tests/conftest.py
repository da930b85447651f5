"""Fixtures that all tests share. Helpers that are plain functions live in ``tests/sounds.py``."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from passt_core.inference.predictor import Predictor
from tests.sounds import TINY, randomised, save_network


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random network of 32 dimensions and 7 classes, as a safetensors file."""
    return save_network(tmp_path_factory.mktemp("tiny") / "tiny.safetensors", randomised(TINY))


@pytest.fixture(scope="session")
def tiny(tiny_checkpoint: Path) -> Predictor:
    """The tiny network, listening; it holds no state, so all tests may share it."""
    return Predictor.from_checkpoint(tiny_checkpoint, device="cpu")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium; a test that asks for it is skipped where there is none."""
    names = (os.environ.get("PASST_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    for name in names:
        if name and (found := shutil.which(name)):
            return found
    pytest.skip("no Chromium was found: install chromium, or set PASST_CHROMIUM to one")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the tests out of the user's cache, and the user's cache out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PASST_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
