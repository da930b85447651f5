"""A real Chromium for the tests of the page, and a page in it that is watched for faults."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --use-gl=angle --use-angle=swiftshader "
    "--enable-unsafe-swiftshader --autoplay-policy=no-user-gesture-required "
    "--use-fake-ui-for-media-stream --use-fake-device-for-media-stream"
).split()
PATIENCE_MS = 30_000
VEIL = "document.querySelector('#spectrogram .passt-plot').data.some(t => t.name === 'taken')"


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


def wait_for_example(page: Page) -> None:
    """The page has its first example in hand, with a mask over it."""
    page.wait_for_selector("#classes .mask")
    page.wait_for_function(VEIL)


class Watched:
    """A page that may ask nobody but the app, and in which no script may fail."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self._ours = (url, "data:", "blob:")
        self._seen: list[str] = []
        page.on("request", self._asked)
        page.on("pageerror", lambda error: self._seen.append(str(error)))

    def _asked(self, request: Request) -> None:
        if not request.url.startswith(self._ours):
            self._seen.append(request.url)

    def check(self) -> None:
        """Nothing of that kind was seen since the last time."""
        seen, self._seen = self._seen, []
        assert not seen, seen


@contextmanager
def empty_page(browser: Browser, url: str, **options: object) -> Iterator[Watched]:
    """A page that is still empty, for the app at ``url``."""
    page = browser.new_page(**({"viewport": {"width": 1400, "height": 1000}} | options))
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    watch = Watched(page, url)
    yield watch
    page.close()
    watch.check()


@contextmanager
def watched(browser: Browser, url: str, **options: object) -> Iterator[Page]:
    """A page of the app."""
    with empty_page(browser, url, **options) as watch:
        watch.page.goto(url)
        yield watch.page
