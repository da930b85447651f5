"""Fixtures that all tests share. Helpers that are plain functions live in ``tests/sounds.py``."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from passt_core.files import ROOT
from passt_core.inference.predictor import Predictor
from tests.browsers import Watched, empty_page, launched, wait_for_example
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


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A Chromium for the tests of one file."""
    with launched(chromium) as browser:
        yield browser


@pytest.fixture(scope="module")
def tab(browser: Browser, app_url: str) -> Iterator[Watched]:
    """A page for the tests of one file: what it compiled for one, the next need not wait for."""
    with empty_page(browser, app_url) as tab:
        yield tab


@pytest.fixture
def page(tab: Watched, app_url: str) -> Iterator[Page]:
    """The page as a new visitor finds it, with an example in hand."""
    tab.page.goto(app_url)
    wait_for_example(tab.page)
    yield tab.page
    tab.page.goto("about:blank")
    tab.check()


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the tests out of the user's cache, and the user's cache out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PASST_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def app_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``app.py`` as a visitor meets it, in a process of its own and with no way to the network."""
    folder = tmp_path_factory.mktemp("app")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    closed = "http://127.0.0.1:9"
    settings = {
        "PASST_PORT": str(port),
        "PASST_MAX_MINUTES": "2",
        "GRADIO_TEMP_DIR": str(folder),
        "HTTPS_PROXY": closed,
        "HTTP_PROXY": closed,
        "NO_PROXY": "127.0.0.1,localhost",
    }
    log = folder / "app.log"
    url = f"http://127.0.0.1:{port}/"
    with log.open("w") as output:
        app = subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=ROOT,
            env=os.environ | settings,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(url, app, log)
            yield url
        finally:
            app.terminate()
            app.wait(timeout=30)


def _wait_for(url: str, app: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if app.poll() is not None:
            break
        with suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.3)
    raise RuntimeError(f"the app did not start:\n{log.read_text()}")
