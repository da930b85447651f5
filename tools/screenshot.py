"""The README's screenshots: ``python -m tools.screenshot`` starts the app and takes them.

Wants a Chromium (``PASST_CHROMIUM``, or one on the path) and Playwright from
``requirements-dev.txt``.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import soundfile
from playwright.sync_api import Page, sync_playwright

from passt_core.files import ASSETS, ROOT, atomic_path
from passt_core.signal import audio

TARGET = ASSETS / "screenshot.png"
WIDTH, HEIGHT = 1400, 1390
TIMELINE = ASSETS / "screenshot-timeline.png"
TIMELINE_HEIGHT = 1180
PARTS = ("farm-morning", "passing-siren", "windy-yard", "clearing", "storm", "plucked-strings")
"""Examples that make the sound of the timeline, one after the other."""
FLAGS = ("--no-sandbox", "--disable-gpu", "--hide-scrollbars")
PATIENCE_S = 120


def main() -> int:
    chromium = shutil.which(os.environ.get("PASST_CHROMIUM") or "chromium")
    if chromium is None:
        print("error: no Chromium was found; install one, or set PASST_CHROMIUM", file=sys.stderr)
        return 2
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    environment = os.environ | {"PASST_PORT": str(port)}
    app = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment)
    try:
        wait_for(port)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
            take(browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}), url)
            with tempfile.TemporaryDirectory() as folder:
                page = browser.new_page(viewport={"width": WIDTH, "height": TIMELINE_HEIGHT})
                take_timeline(page, url, joined(Path(folder)))
            browser.close()
    finally:
        app.terminate()
        app.wait(timeout=30)
    for taken in (TARGET, TIMELINE):
        print(taken.relative_to(ROOT))
    return 0


def wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
            return
        time.sleep(0.5)
    raise TimeoutError(f"the app did not answer within {PATIENCE_S} s")


def take(page: Page, url: str) -> None:
    """The Explore tab with an example under a mask."""
    page.goto(url)
    page.wait_for_selector("#classes .mask")
    page.locator("#examples button").nth(1).click()
    page.wait_for_selector("#clip-line b:text('windy yard')")
    page.wait_for_timeout(1500)
    save(page, TARGET)


def joined(folder: Path) -> Path:
    """The parts as one sound."""
    path = folder / "a-day-outside.wav"
    sounds = [audio.load(ASSETS / "examples" / f"{part}.ogg") for part in PARTS]
    soundfile.write(path, np.clip(np.concatenate(sounds), -1.0, 1.0), audio.SAMPLE_RATE)
    return path


def take_timeline(page: Page, url: str, sound: Path) -> None:
    """The Timeline tab with a sound that was heard to its end."""
    page.goto(url)
    page.get_by_role("tab", name="Timeline").click()
    page.wait_for_selector("#timeline-line b")
    page.set_input_files("#timeline-file input[type=file]", sound)
    page.wait_for_selector(f"#timeline-line b:text('{sound.stem}')")
    page.wait_for_selector("#timeline-cancel", state="hidden")
    page.wait_for_timeout(2500)
    save(page, TIMELINE)


def save(page: Page, target: Path) -> None:
    with atomic_path(target) as temporary:
        temporary.write_bytes(page.screenshot(type="png"))


if __name__ == "__main__":
    sys.exit(main())
