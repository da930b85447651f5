"""A real Chromium for the tests of the page, and a page in it that is watched for faults."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect, sync_playwright

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --use-gl=angle --use-angle=swiftshader "
    "--enable-unsafe-swiftshader --autoplay-policy=no-user-gesture-required "
    "--use-fake-ui-for-media-stream --use-fake-device-for-media-stream"
).split()
PATIENCE_MS = 30_000


@contextmanager
def launched(chromium: str) -> Iterator[Browser]:
    """A Chromium that draws WebGL in software and plays without being asked."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


def open_tab(page: Page, name: str) -> None:
    """Open a tab by its name; on a narrow screen the last ones are in the menu of the rest."""
    tab = page.get_by_role("tab", name=name, exact=True)
    if not tab.is_visible():
        page.locator(".overflow-menu > button").first.click()
        page.locator(".overflow-dropdown").get_by_text(name, exact=True).click()
        return
    tab.click()


@contextmanager
def watched(browser: Browser, url: str, **options: object) -> Iterator[Page]:
    """A page of the app; every request must stay with the app, and no script may fail."""
    page = browser.new_page(**({"viewport": {"width": 1400, "height": 1000}} | options))
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    strangers: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: strangers.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(url)
    yield page
    page.close()
    assert not [u for u in strangers if not u.startswith((url, "data:", "blob:"))]
    assert not faults
