"""The map of 50,000 sounds beside one of 500, in Chromium: how long a frame takes while it is used.

``python -m benchmarks.soundmap``

The page is the map alone, drawn by the app's own scripts from the app's own routes. The points are
painted on the processor, so a GPU changes little; Chromium shows at most 60 frames a second.
"""

from __future__ import annotations

import argparse
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from benchmarks._table import show_cells
from passt_core.library.manifest import METRIC, SCHEMA, Manifest, MapFacts, Source
from passt_core.library.store import SoundLibrary
from passt_core.library.tables import LibraryClip
from passt_core.signal.mel import MelConfig
from passt_ui import components, mapdata
from passt_ui.routes import LibraryRoutes
from passt_ui.shelf import LibraryShelf

FEW, MANY = 500, 50_000
SECONDS = 5.0
LABELS, FAMILIES, CLUSTERS = 60, 12, 40
SEED = 0
PLOT = "document.querySelector('.passt-plot')"
FLAGS = ("--no-sandbox",)

Line = tuple[str, ...]
Gesture = Callable[[Page, float, float, float], None]

TIMED = """
    window.paints_ms = [];
    const plain = passt.mapcanvas;
    passt.mapcanvas = (place) => {
        const canvas = plain(place);
        return { ...canvas, paint(view) {
            const begin = performance.now();
            canvas.paint(view);
            window.paints_ms.push(performance.now() - begin);
        } };
    };
"""
FRAMES = """() => {
    window.frames_ms = [];
    let last = performance.now();
    const id = ++window.turn || (window.turn = 1);
    requestAnimationFrame(function tick(now) {
        window.frames_ms.push(now - last);
        last = now;
        if (id === window.turn) requestAnimationFrame(tick);
    });
}"""


@dataclass(frozen=True, kw_only=True)
class Frames:
    """Milliseconds between frames, median and 95th percentile, and how many there were."""

    median: float
    p95: float
    count: int


def synthetic(count: int) -> SoundLibrary:
    """A library that is not on disk: Gaussian heaps on the map, labels and clusters among them."""
    rng = np.random.default_rng(SEED)
    cluster = rng.integers(0, CLUSTERS, count)
    centres = rng.normal(0, 6, (CLUSTERS, 2))
    places = centres[cluster] + rng.normal(0, 0.7, (count, 2))
    labels = rng.integers(0, LABELS, count)
    clips = tuple(
        LibraryClip(
            number=number,
            id=f"folder/recording-{number:05d}.wav",
            file=f"folder/recording-{number:05d}.wav",
            start_s=0.0,
            end_s=10.0,
            label=f"Label {labels[number]}",
            family=f"family {labels[number] % FAMILIES}",
        )
        for number in range(count)
    )
    return SoundLibrary(
        folder=Path(f"of {count}"),
        manifest=_manifest(count),
        clips=clips,
        embeddings=rng.normal(size=(count, 8)).astype(np.float32),
        map=places.astype(np.float32),
        clusters=np.where(rng.random(count) < 0.1, -1, cluster).astype(np.int32),
        index=None,
        rebuild="",
    )


def _manifest(count: int) -> Manifest:
    return Manifest(
        schema=SCHEMA,
        name=f"of-{count}",
        model="none",
        weights_sha256="",
        front_end=MelConfig(),
        dim=8,
        metric=METRIC,
        count=count,
        seconds=10.0 * count,
        created="",
        changed="",
        tool_version="",
        sources=(Source(root="."),),
        next_number=count,
        map=MapFacts(),
        files={},
    )


def query(library: SoundLibrary, key: str) -> str:
    """What the page is told of a clip in hand: twelve hits, and how alike all are."""
    rng = np.random.default_rng(SEED)
    hits = rng.choice(len(library.clips), 12, replace=False).tolist()
    alike = rng.integers(0, 256, len(library.clips)).astype(np.uint8)
    found = {"key": key, "title": "a clip", "x": 0.0, "y": 0.0, "hits": hits, "linked": hits[:8]}
    return json.dumps(found | {"alike": mapdata.packed(alike), "lo": 0.0, "hi": 1.0})


def page_of(library: SoundLibrary, key: str) -> str:
    """The map's own page, with the scripts and styles of the app."""
    scripts = "".join(f'<script src="files{path}"></script>' for path in components.SCRIPTS)
    styles = "".join(f'<link rel="stylesheet" href="files{path}">' for path in components.STYLES)
    props = json.dumps({"value": mapdata.urls(key) | {"query": query(library, key)}})
    return (
        f'<!doctype html><html><head>{styles}</head><body class="light">'
        f'<div id="map" class="gradio-container">{components.MAP}</div>{scripts}'
        f"<script>{TIMED}</script><script>passt.soundmap(document.getElementById('map'), {props}, "
        "() => 0, () => 0);</script></body></html>"
    )


@contextmanager
def served(libraries: dict[int, SoundLibrary]) -> Iterator[str]:
    """The maps on a port of this machine; yields the address before a map's size."""
    shelf = LibraryShelf()
    keys = {count: shelf.share(library) for count, library in libraries.items()}

    def page(request: Request) -> HTMLResponse:
        count = int(request.path_params["count"])
        return HTMLResponse(page_of(libraries[count], keys[count]))

    files = Mount("/files", StaticFiles(directory="/"))
    routes = [Route("/{count:int}", page), files, *LibraryRoutes(shelf).routes()]
    config = uvicorn.Config(Starlette(routes=routes), port=0, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.should_exit = True
        thread.join()


def pan(page: Page, x: float, y: float, seconds: float) -> None:
    page.mouse.move(x, y)
    page.mouse.down()
    for angle in _turns(seconds):
        page.mouse.move(x + 120 * np.cos(angle), y + 120 * np.sin(angle))
    page.mouse.up()


def zoom(page: Page, x: float, y: float, seconds: float) -> None:
    page.mouse.move(x, y)
    for angle in _turns(seconds):
        page.mouse.wheel(0, 60 * np.sign(np.sin(angle)))


def hover(page: Page, x: float, y: float, seconds: float) -> None:
    for angle in _turns(seconds):
        page.mouse.move(x + 200 * np.cos(angle), y + 150 * np.sin(3 * angle))


GESTURES: MappingProxyType[str, Gesture] = MappingProxyType(
    {"move": pan, "zoom": zoom, "hover": hover}
)


def _turns(seconds: float) -> Iterator[float]:
    """An angle that goes round once in two seconds, for so long."""
    begin = time.perf_counter()
    while (passed := time.perf_counter() - begin) < seconds:
        yield np.pi * passed
        time.sleep(0.008)


def drawn(browser: Browser, url: str) -> tuple[Page, float]:
    """A page with its map, and the milliseconds from the request to the drawn points."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    begin = time.perf_counter()
    page.goto(url)
    page.wait_for_function(f"{PLOT}._fullLayout?.xaxis?._length && {PLOT}.data?.length === 3")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    return page, 1000 * (time.perf_counter() - begin)


def measured(page: Page, gesture: Gesture, seconds: float) -> Frames:
    """Frames while a gesture goes on."""
    box = page.locator(".passt-plot").bounding_box()
    if box is None:
        raise RuntimeError("the map is not drawn")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    gesture(page, x, y, 0.5)  # the first touch compiles
    page.evaluate(FRAMES)
    gesture(page, x, y, seconds)
    times = np.array(page.evaluate("() => { window.turn += 1; return window.frames_ms; }")[1:])
    return Frames(
        median=float(np.median(times)), p95=float(np.percentile(times, 95)), count=len(times)
    )


def recoloured(page: Page) -> float:
    """Milliseconds in which the points get other colours."""
    return page.evaluate(
        """() => {
            const choice = document.querySelector('[name=colouring]');
            const begin = performance.now();
            choice.value = 'family';
            choice.dispatchEvent(new Event('change', { bubbles: true }));
            return performance.now() - begin;
        }"""
    )


def rows(pages: dict[int, Page], seconds: float) -> Iterator[Line]:
    """A line for each gesture: both maps, and their ratios."""
    few, many = sorted(pages)
    for name, gesture in GESTURES.items():
        small, large = (measured(pages[count], gesture, seconds) for count in (few, many))
        yield _row(f"{name}, frame, median", small.median, large.median)
        yield _row(f"{name}, frame, 95th percentile", small.p95, large.p95)


def _row(what: str, small: float, large: float) -> Line:
    return what, f"{small:.1f}", f"{large:.1f}", f"{large / small:.2f}"


def compared(browser: Browser, url: str, sizes: Sequence[int], seconds: float) -> list[Line]:
    """Both maps, used alike."""
    drawn(browser, f"{url}{sizes[0]}")[0].close()  # the first is the slowest
    opened = {count: drawn(browser, f"{url}{count}") for count in sizes}
    pages = {count: page for count, (page, _) in opened.items()}
    lines = [*rows(pages, seconds)]
    paints = (np.median(pages[count].evaluate("window.paints_ms")) for count in sizes)
    lines.append(_row("painting alone, median", *paints))
    lines.append(_row("until it is drawn", *(opened[count][1] for count in sizes)))
    lines.append(_row("other colours", *(recoloured(pages[count]) for count in sizes)))
    return lines


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Frame times of a large and a small map.")
    parser.add_argument("--few", type=int, default=FEW)
    parser.add_argument("--many", type=int, default=MANY)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each gesture")
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    chosen = parser.parse_args(given)
    sizes = (chosen.few, chosen.many)
    libraries = {count: synthetic(count) for count in sizes}
    with served(libraries) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chosen.chromium, args=list(FLAGS))
        lines = compared(browser, url, sizes, chosen.seconds)
        print("frames of a browser that shows 60 a second at most; all in ms")
        head = ("what", f"{chosen.few:,} sounds", f"{chosen.many:,} sounds", "ratio")
        show_cells(head, lines)
        browser.close()


if __name__ == "__main__":
    main()
