"""The README's screenshot: ``python -m tools.screenshot`` starts the app and takes it.

Wants a Chromium (``PASST_CHROMIUM``, or one on the path) and Playwright from
``requirements-dev.txt``.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress

from playwright.sync_api import Page, sync_playwright

from passt_core.files import ASSETS, ROOT, atomic_path

TARGET = ASSETS / "screenshot.png"
WIDTH, HEIGHT = 1400, 1390
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
            browser.close()
    finally:
        app.terminate()
        app.wait(timeout=30)
    print(TARGET.relative_to(ROOT))
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
    with atomic_path(TARGET) as temporary:
        shot = page.screenshot(type="png")
        temporary.write_bytes(shot)


if __name__ == "__main__":
    sys.exit(main())
