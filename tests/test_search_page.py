"""Asking the library in a real browser: stretches, examples, filters, meanings, exports, maps."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Download, Locator, Page, expect

from tests.sounds import noise, tone, write

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default")]
"""Playwright and Pillow warn of their own futures."""

BARS = "document.querySelector('#likeness .passt-plot').data?.[0]?.y"
MARK = "document.querySelector('#likeness .passt-plot').layout?.shapes?.[0]?.x0"
STAR = "document.querySelector('#map .passt-plot').data[2]"
IDS = "cards => cards.map(card => card.querySelector('.text span').textContent)"


def _search(page: Page) -> None:
    page.get_by_role("tab", name="Search & Map").click()
    expect(page.locator("#hits .passt-card")).to_have_count(12)
    page.wait_for_function(f"{BARS}?.length > 0 || {BARS}?.bdata")


def _ids(page: Page) -> list[str]:
    return page.locator("#hits .passt-card").evaluate_all(IDS)


def _chips(page: Page) -> Locator:
    return page.locator("#asked .passt-chip > span")


def _words(page: Page) -> Locator:
    return page.locator("#search-text").get_by_role("textbox")


def _drag(page: Page, start: float, end: float) -> None:
    """Over the spectrogram, from one share of its width to another."""
    x, y, width, height = page.evaluate(
        """() => {
            const plot = document.querySelector('#spectrogram .passt-plot');
            const box = plot.getBoundingClientRect();
            const { xaxis, yaxis } = plot._fullLayout;
            return [box.x + xaxis._offset, box.y + yaxis._offset, xaxis._length, yaxis._length];
        }"""
    )
    page.mouse.move(x + start * width, y + height / 2)
    page.mouse.down()
    page.mouse.move(x + end * width, y + height / 3, steps=6)
    page.mouse.up()


def test_a_stretch_is_dragged_heard_and_searched_with(page: Page, tmp_path: Path) -> None:
    """Half of the clip is a hum and half of it hiss: each half has neighbours of its own."""
    sound = np.concatenate([tone(2.0, hz=1000), noise(2.0)])
    page.set_input_files("#clip input[type=file]", write(tmp_path / "both.wav", sound))
    expect(page.locator("#clip-line")).to_contain_text("both")
    page.wait_for_function("passt.player.key === null")
    found = {}
    for name, start, end in (("hum", 0.4, 0.05), ("hiss", 0.6, 0.95)):
        page.get_by_role("tab", name="Explore").click()
        _drag(page, start, end)
        expect(page.locator("#spectrogram .passt-band")).to_be_visible()
        low, high = sorted(4 * share for share in (start, end))
        times = page.locator(".passt-stretch .times").inner_text().split()
        assert [float(times[1]), float(times[3])] == pytest.approx([low, high], abs=0.05)
        assert page.evaluate("passt.player.audio.paused"), "a drag is no click"
        page.locator("[data-part=stretch]").click()
        page.wait_for_function(f"passt.player.audio.currentTime > {low}")
        page.locator(".passt-stretch .search").click()
        expect(_chips(page)).to_have_text([f"like: your clip {float(times[1]):.2f}–{high:.2f} s"])
        expect(page.locator("#hits .passt-card")).to_have_count(12)
        found[name] = _ids(page)
    assert not set(found["hum"][:3]) & set(found["hiss"][:3])

    page.get_by_text("reset to the whole clip").click()
    expect(_chips(page)).to_have_text(["like: your clip"])
    assert _ids(page) != found["hiss"]
    page.get_by_role("tab", name="Explore").click()
    expect(page.locator("#spectrogram .passt-band")).to_be_hidden()


def test_a_stretch_is_typed_or_told_why_not(page: Page) -> None:
    _search(page)
    start, end = (page.locator(f"#stretch-{name} input") for name in ("start", "end"))
    notice = page.locator("#search-notice")
    start.fill("2")
    end.fill("2.01")
    end.press("Enter")
    expect(notice).to_contain_text("the model needs at least 25 ms")
    start.fill("99")
    page.locator("#stretch-search").click()
    expect(notice).to_contain_text("begin earlier")
    start.fill("2")
    end.fill("4.5")
    page.locator("#stretch-search").click()
    expect(_chips(page)).to_have_text(["like: your clip 2.00–4.50 s"])
    expect(notice).to_be_hidden()
    page.get_by_role("tab", name="Explore").click()
    expect(page.locator("#spectrogram .passt-band")).to_be_visible()


def test_more_like_a_sound_and_less_like_another(page: Page) -> None:
    _search(page)
    before = _ids(page)
    page.locator("#hits [data-ask=like]").nth(1).click()
    expect(_chips(page)).to_have_text(["like: your clip", f"like: {before[1]}"])
    assert before[1] not in _ids(page)
    other = _ids(page)[0]
    page.locator("#hits [data-ask=unlike]").first.click()
    expect(_chips(page)).to_have_count(3)
    expect(_chips(page).last).to_have_text(f"unlike: {other}")
    page.get_by_role("button", name="Take away: like: your clip").click()
    expect(_chips(page)).to_have_text([f"like: {before[1]}", f"unlike: {other}"])

    first = _ids(page)[0]
    page.locator("#hits [data-ask=more_like]").first.focus()
    page.keyboard.press("Enter")
    expect(_chips(page)).to_have_text([f"like: {first}"])
    expect(page.locator("#hits [data-ask=more_like]").first).to_be_focused()
    page.wait_for_function(f"{STAR}?.x.length")
    page.locator("#hits .passt-card").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#hits .passt-card").nth(1)).to_be_focused()
    page.wait_for_function("passt.player.audio.currentTime > 0.05")
    page.get_by_role("button", name=f"Take away: like: {first}").click()
    expect(_chips(page)).to_have_text(["like: your clip"])
    expect(page.locator("#hits .passt-card")).to_have_count(12)
    assert _ids(page) == before


def test_labels_families_and_words_narrow_a_search(page: Page) -> None:
    _search(page)
    left = page.locator("#search-left")
    expect(left).to_contain_text("All ")
    page.locator("#search-labels input").click()
    page.get_by_role("option", name="Rain", exact=True).click()
    expect(_chips(page)).to_have_text(["like: your clip", "within: Rain"])
    expect(page.locator("#hits .passt-card b").first).to_have_text("Rain")
    others = page.locator("#hits .passt-card b").filter(has_not_text=re.compile(r"^\s*Rain\s*$"))
    expect(others).to_have_count(0)
    page.locator("#search-families input").click()
    page.get_by_role("option", name="music", exact=True).click()
    expect(_chips(page)).to_have_count(3)
    _words(page).press_sequentially("RAIN 0", delay=20)
    expect(_chips(page).last).to_have_text("with the words: RAIN 0")
    assert all("rain" in clip_id for clip_id in _ids(page))
    _words(page).fill("zebra")
    expect(page.locator("#hits")).to_contain_text("No sound of the library is left")
    expect(left).to_contain_text("0 of ")
    page.get_by_role("button", name="Take away: with the words: zebra").click()
    expect(_words(page)).to_have_value("")
    page.get_by_role("button", name="Take away: within: music").click()
    page.get_by_role("button", name="Take away: within: Rain").click()
    expect(left).to_contain_text("All ")
    expect(page.locator("#search-labels")).not_to_contain_text("Rain")


def test_a_similarity_has_its_meaning_beside_it(page: Page) -> None:
    _search(page)
    told = page.locator("#likeness .passt-told")
    expect(told).to_contain_text("The most alike, 0.")
    expect(page.locator("#likeness figure")).to_have_attribute(
        "aria-label", re.compile(r"Histogram of how alike the \d+ sounds of bundled are to Rain")
    )
    card = page.locator("#hits .passt-card").nth(4)
    card.hover()
    alike = float(card.get_attribute("data-alike") or "nan")
    expect(told).to_contain_text(f"{alike:.2f} is closer than")
    assert page.evaluate(MARK) == pytest.approx(alike, abs=1e-3)
    expect(card).to_contain_text("of the library")
    page.mouse.move(5, 5)
    expect(told).to_contain_text("The most alike")
    page.locator("#hits .passt-card").nth(2).focus()
    page.wait_for_function(f"{MARK} > {alike}")


def _saved(page: Page, form: str) -> Download:
    expect(page.locator(f"#export-{form}")).to_be_enabled()
    with page.expect_download() as download:
        page.locator(f"#export-{form}").click()
    return download.value


def test_what_was_found_is_saved(page: Page) -> None:
    _search(page)
    page.locator("#hits [data-ask=unlike]").last.click()
    expect(_chips(page)).to_have_count(2)
    found = _ids(page)
    table, report = _saved(page, "csv"), _saved(page, "json")
    name = "neighbours__Rain-and-thunder-and-1-more__bundled"
    assert (table.suggested_filename, report.suggested_filename) == (f"{name}.csv", f"{name}.json")
    with Path(table.path()).open(encoding="utf-8", newline="") as file:
        assert [row["id"] for row in csv.DictReader(file)] == found
    told = json.loads(Path(report.path()).read_text(encoding="utf-8"))
    assert [hit["id"] for hit in told["hits"]] == found
    assert told["query"]["clip"] == "Rain and thunder"
    assert len(told["query"]["unlike"]) == 1


def test_a_point_of_the_map_is_asked_with(page: Page) -> None:
    _search(page)
    page.get_by_role("application").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    card = page.locator("#chosen .passt-card")
    expect(card).to_contain_text("closer than")
    chosen = card.locator(".text span").first.inner_text()
    page.locator("#chosen [data-ask=more_like]").click()
    expect(_chips(page)).to_have_text([f"like: {chosen}"])
    expect(card).to_contain_text("similarity 1.000")
    page.locator("#examples button").nth(2).evaluate("button => button.click()")
    expect(page.locator("#search-line")).to_contain_text("A clock by the fire")
    expect(_chips(page)).to_have_text(["like: your clip"])


@pytest.mark.slow
def test_the_map_is_laid_out_anew_and_comes_back(page: Page) -> None:
    _search(page)
    page.wait_for_function(f"{STAR}?.x.length")
    star = page.evaluate(f"{STAR}.x[0]")
    page.get_by_role("button", name="How this map was laid out").click()
    facts = page.locator("#map-facts")
    expect(facts).to_contain_text("trustworthiness")
    number = page.locator("#map-neighbours input[type=number]")
    number.fill("4")
    number.press("Enter")
    page.locator("#map-lay").click()
    expect(page.locator("#map-progress")).to_contain_text("Laying out")
    expect(page.locator("#map-own")).to_be_visible(timeout=180_000)
    expect(facts.locator("dd").first).to_have_text("4of each sound, that UMAP kept together")
    page.wait_for_function(f"{STAR}?.x[0] !== {star}")
    card = page.locator("#hits .passt-card").first
    card.click()
    page.wait_for_function("passt.player.audio.currentTime > 0.05")
    page.locator("#map-own").click()
    expect(page.locator("#map-own")).to_be_hidden()
    page.wait_for_function(f"{STAR}?.x[0] === {star}")
