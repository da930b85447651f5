"""The map in a real browser: clicked, hovered, lassoed, walked by keyboard, and heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsers import wait_for_example, watched

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default")]
"""Playwright and Pillow warn of their own futures."""

PLAYED = "passt.player.audio.currentTime"
PLOT = "document.querySelector('#map .passt-plot')"
SHOWN = "Number(document.querySelector('#map .passt-field').dataset.shown)"
PLACES = """([xs, ys]) => {
    const plot = document.querySelector('#map .passt-plot');
    const [[left, right], [bottom, top]] = ['xaxis', 'yaxis'].map(
        (axis) => plot._fullLayout[axis].range);
    const box = plot.getBoundingClientRect();
    return xs.map((x, row) => [
        box.x + (box.width * (x - left)) / (right - left),
        box.y + (box.height * (top - ys[row])) / (top - bottom)]);
}"""
FETCHED = """async () => {
    const card = document.querySelector('#neighbours [data-sound]').dataset.sound;
    const { id, x, y, groups } = await (await fetch(card.split('/sounds/')[0] + '/map')).json();
    const numbers = (text, Kind) => Array.from(new Kind(Uint8Array.from(atob(text),
        (letter) => letter.charCodeAt(0)).buffer));
    const kinds = Object.fromEntries(Object.entries(groups).map(([kind, { of, groups }]) => (
        [kind, numbers(of, Int32Array).map((index) => groups[index])])));
    return { id, x: numbers(x, Float32Array), y: numbers(y, Float32Array), kinds };
}"""
PIXELS = """(places) => {
    const canvas = document.querySelector('#map canvas');
    const box = canvas.getBoundingClientRect();
    const ratio = canvas.width / box.width;
    const pen = canvas.getContext('2d');
    return places.map(([x, y]) => [...pen.getImageData(
        Math.floor((x - box.x) * ratio), Math.floor((y - box.y) * ratio), 1, 1).data.slice(0, 3)]);
}"""

Place = tuple[float, float]


def _open_map(page: Page) -> None:
    page.get_by_role("tab", name="Search & Map").click()
    page.wait_for_function(f"{PLOT}._fullLayout?.xaxis?._length && {PLOT}.data?.length === 3")


@pytest.fixture
def page(page: Page) -> Page:
    """The map, with an example in hand."""
    _open_map(page)
    return page


@dataclass(frozen=True)
class Sent:
    """The library as the server sends it, by row: its groups have names and colours."""

    id: list[str]
    x: list[float]
    y: list[float]
    kinds: dict[str, list[dict[str, str]]]

    @property
    def label(self) -> list[str]:
        return [group["name"] for group in self.kinds["label"]]

    def places(self, page: Page) -> list[Place]:
        """Where the sounds lie on the screen."""
        return [(x, y) for x, y in page.evaluate(PLACES, [self.x, self.y])]


@pytest.fixture
def sent(page: Page) -> Sent:
    return Sent(**page.evaluate(FETCHED))


def _drag(page: Page, corners: Sequence[Place]) -> None:
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in (*corners[1:], corners[0]):
        page.mouse.move(*corner, steps=5)
    page.mouse.up()


def _around(places: Sequence[Place], margin: float) -> tuple[float, float, float, float]:
    xs, ys = zip(*places)
    return min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + margin


def _hover(page: Page, place: Place) -> None:
    page.mouse.move(place[0] + 30, place[1] + 30)
    page.mouse.move(*place, steps=3)


def test_a_point_is_clicked_and_heard(page: Page, sent: Sent) -> None:
    _hover(page, sent.places(page)[sent.label.index("Rain")])
    expect(page.locator("#map .passt-tip .box")).to_be_visible()
    title = page.locator("#map .passt-tip span").first.inner_text()
    page.mouse.down()
    page.mouse.up()
    page.wait_for_function(f"passt.player.key?.startsWith('library:') && {PLAYED} > 0.1")
    expect(page.locator("#map .passt-now")).to_be_visible()
    card = page.locator("#chosen .passt-card")
    expect(card).to_have_count(1)
    expect(card).to_contain_text(title)
    expect(card).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#hits .passt-card")).to_have_count(12)


def test_a_lasso_fills_a_list_that_plays_through(page: Page, sent: Sent) -> None:
    places = sent.places(page)
    wanted = [row for row, label in enumerate(sent.label) if label == "Chainsaw"]
    left, top, right, bottom = _around([places[row] for row in wanted], 12)
    inside = [i for i, (x, y) in enumerate(places) if left < x < right and top < y < bottom]
    page.locator("[data-drag=lasso]").click()
    _drag(page, [(left, top), (right, top), (right, bottom), (left, bottom)])
    entries = page.locator(".passt-picked li button")
    expect(entries).to_have_count(len(inside))
    listed = entries.evaluate_all("buttons => buttons.map(button => button.dataset.id)")
    assert listed == [sent.id[row] for row in inside]
    assert {sent.id[row] for row in wanted} <= set(listed)

    page.locator("[data-part=toggle]").click()
    for place in range(len(inside)):
        expect(entries.nth(place)).to_have_attribute("aria-current", "true")
        expect(page.locator(".passt-picked .count")).to_contain_text(f"{place + 1} of")
        page.wait_for_function(f"{PLAYED} > 0.05 && passt.player.audio.duration > 0")
        expect(page.locator("#map .passt-now")).to_be_visible()
        page.evaluate(f"{PLAYED} = passt.player.audio.duration - 0.15")
    expect(page.locator(".passt-picked [aria-current]")).to_have_count(0)
    assert page.evaluate("passt.player.audio.paused")

    entries.last.click()
    expect(entries.last).to_have_attribute("aria-current", "true")
    page.locator("[data-part=back]").click()
    expect(entries.nth(len(inside) - 2)).to_have_attribute("aria-current", "true")
    page.locator("[data-part=clear]").click()
    expect(page.locator(".passt-picked")).to_be_hidden()
    page.wait_for_function("passt.player.audio.paused")
    page.wait_for_function(f"!{PLOT}.layout.selections?.length")


def test_a_box_selects_and_stays_while_labels_are_hidden(page: Page, sent: Sent) -> None:
    left, top, right, bottom = _around(sent.places(page), 5)
    page.locator("[data-drag=select]").click()
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(right, bottom, steps=5)
    page.mouse.up()
    count = page.locator(".passt-picked .count")
    expect(count).to_contain_text(f"{len(sent.id)} sounds picked, 1 to 100 are listed")
    expect(page.locator(".passt-picked li")).to_have_count(100)
    page.get_by_role("button", name="Rain", exact=True).click()
    expect(count).to_contain_text(f"{len(sent.id)} sounds picked")


def test_a_sound_plays_on_hover_only_where_that_was_asked_for(page: Page, sent: Sent) -> None:
    first, *_, other = sent.places(page)
    _hover(page, first)
    expect(page.locator("#map .passt-tip .box")).to_be_visible()
    page.wait_for_timeout(600)
    assert page.evaluate("passt.player.key") is None
    page.get_by_label("hear on hover").check()
    _hover(page, first)
    page.wait_for_function(f"{PLAYED} > 0.05")
    heard = page.evaluate("passt.player.key")
    page.mouse.down()
    page.mouse.up()
    expect(page.locator("#chosen .passt-card")).to_have_count(1)
    assert not page.evaluate("passt.player.audio.paused")
    _hover(page, other)
    page.wait_for_function(f"passt.player.key !== {heard!r} && {PLAYED} > 0.05")


def test_arrow_keys_walk_and_are_told(page: Page) -> None:
    field = page.get_by_role("application")
    field.focus()
    told = page.locator("#passt-live")
    at = "(() => { const { transform } = document.querySelector('#map .passt-here').style; "
    at += "return transform.match(/[-\\d.]+/g).map(Number); })()"
    page.keyboard.press("ArrowRight")
    expect(told).to_contain_text(", ")
    x, y = page.evaluate(at)
    steps = {"ArrowRight": (1, 0), "ArrowUp": (0, -1), "ArrowLeft": (-1, 0), "ArrowDown": (0, 1)}
    for key, (right, down) in steps.items():
        before = told.inner_text()
        page.keyboard.press(key)
        expect(told).not_to_have_text(before)
        dx, dy = (now - then for now, then in zip(page.evaluate(at), (x, y)))
        along, across = dx * right + dy * down, abs(dx * down - dy * right)
        if "no sound further" in told.inner_text():
            assert (dx, dy) == (0, 0)
        else:
            assert along > 0
            assert across <= along + 1e-3
        x, y = page.evaluate(at)
    title = page.locator("#map .passt-tip span").first.inner_text()

    page.keyboard.press("Space")
    page.wait_for_function(f"{PLAYED} > 0.1")
    page.keyboard.press("Space")
    page.wait_for_function("passt.player.audio.paused")
    page.keyboard.press("Enter")
    expect(page.locator("#chosen .passt-card")).to_contain_text(title)
    page.keyboard.press("l")
    expect(page.locator(".passt-picked li button")).to_have_attribute("data-id", title)
    page.keyboard.press("l")
    expect(page.locator(".passt-picked")).to_be_hidden()
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(field).not_to_be_focused()


@pytest.mark.parametrize("kind", ["label", "family", "cluster"])
def test_points_have_their_groups_colour(page: Page, sent: Sent, kind: str) -> None:
    page.get_by_label("dim the rest").uncheck()
    page.get_by_label("Colour").select_option(kind)
    names = {group["name"] for group in sent.kinds[kind]}
    expect(page.locator(".passt-legend button")).to_have_count(len(names))
    assert set(page.locator(".passt-legend button").all_inner_texts()) == names
    page.wait_for_timeout(200)
    seen = page.evaluate(PIXELS, sent.places(page))
    painted = ["#" + bytes(pixel).hex() for pixel in seen]
    wanted = [group["colour"].lower() for group in sent.kinds[kind]]
    alike = sum(a == b for a, b in zip(painted, wanted))
    assert alike > 0.3 * len(wanted), "some lie under others, but not so many"


def test_points_are_coloured_by_likeness(page: Page, sent: Sent) -> None:
    page.get_by_label("Colour").select_option("likeness")
    expect(page.locator(".passt-legend")).to_contain_text("similarity to what is asked")
    expect(page.locator(".passt-legend button")).to_have_count(0)
    expect(page.get_by_label("dim the rest")).to_be_disabled()
    page.wait_for_timeout(200)
    found = page.locator("#hits .passt-card").first
    best = sent.id.index(found.locator(".text span").first.inner_text())
    ends = page.evaluate("[...document.querySelectorAll('#map .passt-alike')][0].innerText")
    lo, hi = (float(part) for part in ends.split()[:2])
    told = float(found.inner_text().split("similarity ")[1].split()[0])
    assert hi == pytest.approx(told, abs=0.006)
    assert lo < hi
    pixels = page.evaluate(PIXELS, sent.places(page))
    brightness = [sum(pixel) for pixel in pixels]
    assert brightness[best] < 0.6 * max(brightness), "the most alike are darkest on light"


def test_a_label_is_hidden_and_shown_again(page: Page, sent: Sent) -> None:
    button = page.locator(".passt-legend button", has_text="Helicopter")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    left = len(sent.id) - sent.label.count("Helicopter")
    page.wait_for_function(f"{SHOWN} === {left}")
    page.get_by_label("Colour").select_option("family")
    page.wait_for_function(f"{SHOWN} === {len(sent.id)}")
    page.get_by_label("Colour").select_option("label")
    page.wait_for_function(f"{SHOWN} === {left}")
    button.click()
    page.wait_for_function(f"{SHOWN} === {len(sent.id)}")


def test_more_hits_have_a_ring_and_the_view_stays(page: Page) -> None:
    page.locator("[data-zoom='0.6']").click()
    span = f"{PLOT}._fullLayout.xaxis.range"
    before = page.evaluate(span)
    number = page.locator("#search-k input[type=number]")
    number.fill("30")
    number.press("Enter")
    page.wait_for_function(f"{PLOT}.data[1].x.length === 30")
    assert page.evaluate(span) == before
    page.locator("[data-zoom=whole]").click()
    page.wait_for_function(f"{span}[0] < {before[0]}")


def test_a_stretch_ends_before_its_file_does(page: Page) -> None:
    url = page.locator("#hits .passt-card").first.get_attribute("data-sound")
    page.evaluate(
        """([url]) => {
            window.ends = 0;
            passt.player.audio.addEventListener('passt:finished', () => { window.ends += 1; });
            passt.player.begin(url.split('#')[0] + '#t=0.5,1.0', 'a stretch');
        }""",
        [url],
    )
    page.wait_for_function("window.ends === 1 && passt.player.audio.paused")
    assert 1.0 <= page.evaluate(PLAYED) < 1.3
    page.evaluate("passt.player.resume()")
    page.wait_for_function(f"!passt.player.audio.paused && {PLAYED} < 0.9")
    page.wait_for_function("window.ends === 2")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_has_the_legend_folded_and_asks_too(
    browser: Browser, app_url: str, theme: str
) -> None:
    size = {"width": 390, "height": 844}
    with watched(browser, app_url, viewport=size, color_scheme=theme, has_touch=True) as page:
        wait_for_example(page)
        _open_map(page)
        expect(page.locator(".passt-legend")).to_be_hidden()
        page.locator("#map summary").click()
        expect(page.locator(".passt-legend")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        x, y = Sent(**page.evaluate(FETCHED)).places(page)[0]
        page.touchscreen.tap(x, y)
        expect(page.locator("#chosen .passt-card")).to_have_count(1)
        page.wait_for_function(f"{PLAYED} > 0.05")
        page.locator("#hits [data-ask=like]").first.tap()
        expect(page.locator("#asked .passt-chip > span")).to_have_count(2)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
