"""The Timeline tab in a real browser: a sound is listened along, seen, heard, and taken home."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import APIResponse, Browser, Page, Route, expect

from tests.browsers import watched
from tests.sounds import noise, tone, write

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default")]
"""Playwright and Pillow warn of their own futures."""

PLOT = "document.querySelector('#timeline .passt-plot')"
DRAWN = f"{PLOT}?._fullLayout?.images?.length === 2"
RANGE = f"{PLOT}._fullLayout.xaxis.range"
PLAYS = "!passt.player.audio.paused && passt.player.audio.currentTime"


def _opened(page: Page) -> None:
    page.get_by_role("tab", name="Timeline").click()
    page.wait_for_function(DRAWN)
    expect(page.locator("#timeline-line")).to_contain_text("Chainsaw, then a helicopter")
    expect(page.locator("#timeline-cancel")).to_be_hidden()


def _at(page: Page, share: float) -> tuple[float, float]:
    """A place of the spectrogram, at a share of its width."""
    x, y = page.evaluate(
        """share => {
            const plot = document.querySelector('#timeline .passt-plot');
            const box = plot.getBoundingClientRect();
            const { xaxis, yaxis2 } = plot._fullLayout;
            return [box.x + xaxis._offset + share * xaxis._length, box.y + yaxis2._offset + 40];
        }""",
        share,
    )
    return x, y


def test_a_sound_is_listened_along(browser: Browser, app_url: str, tmp_path: Path) -> None:
    with watched(browser, app_url) as page:
        _opened(page)
        for label in ("Chainsaw", "Helicopter"):
            expect(page.locator("#timeline-events tbody")).to_contain_text(label)
        sound = np.concatenate([noise(20.0), np.zeros(160_000, np.float32), tone(20.0)])
        path = write(tmp_path / "evening.aiff", sound)
        page.set_input_files("#timeline-file input[type=file]", path)
        expect(page.locator("#timeline-line")).to_contain_text("evening · 0:45 heard")
        expect(page.locator("#timeline-cancel")).to_be_hidden()
        page.wait_for_function(f"{DRAWN} && Math.abs({RANGE}[1] - 45) < 0.1")
        _zoomed_and_heard(page)
        _rules(page)
        _taken_home(page)
        _refused(page, tmp_path)


def test_an_older_spectrogram_that_comes_late_is_not_drawn(
    browser: Browser, app_url: str, tmp_path: Path
) -> None:
    with watched(browser, app_url) as page:
        _opened(page)
        early: list[tuple[Route, APIResponse]] = []
        page.route("**/2/overview?v=1", lambda route: early.append((route, route.fetch())))
        path = write(tmp_path / "long.wav", noise(100.0))
        page.set_input_files("#timeline-file input[type=file]", path)
        expect(page.locator("#timeline-line")).to_contain_text("long · 1:40 heard")
        drawn = f"{PLOT}._fullLayout.images[0]"
        page.wait_for_function(f"{DRAWN} && Math.abs({drawn}.sizex - 100) < 0.1")
        [(route, answer)] = early
        assert float(answer.headers["x-passt-seconds"]) < 100
        with page.expect_response("**/2/overview?v=1"):
            route.fulfill(response=answer)
        page.wait_for_timeout(500)
        assert page.evaluate(f"Math.abs({drawn}.sizex - 100) < 0.1")


def _zoomed_and_heard(page: Page) -> None:
    page.mouse.move(*_at(page, 0.2))
    page.mouse.down()
    page.mouse.move(*_at(page, 0.6), steps=5)
    page.mouse.up()
    page.wait_for_function(f"Math.abs({RANGE}[0] - 9) < 1 && Math.abs({RANGE}[1] - 27) < 1")
    assert page.evaluate("passt.player.audio.paused"), "a drag is no click"
    page.mouse.click(*_at(page, 0.5))
    page.wait_for_function(f"{PLAYS} > 17")
    expect(page.locator("#timeline .passt-playhead")).to_be_visible()
    field = page.locator("#timeline .passt-line-field")
    expect(field).to_be_focused()
    page.keyboard.press(" ")
    page.wait_for_function("passt.player.audio.paused")
    before = page.evaluate("passt.player.audio.currentTime")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"Math.abs(passt.player.audio.currentTime - {before + 5}) < 0.2")
    page.keyboard.press("0")
    page.wait_for_function(f"{RANGE}[1] > 44")
    page.mouse.move(*_at(page, 0.5))
    expect(page.locator("#timeline .passt-readout")).to_contain_text("Hz")
    assert "Timeline of evening" in (field.get_attribute("aria-label") or "")


def _rules(page: Page) -> None:
    def rule(name: str, value: str) -> None:
        field = page.locator(f"#timeline-{name} input[type=number]")
        field.fill(value)
        field.press("Enter")

    told = page.locator("#timeline-notice")
    rule("on", "7")
    expect(told).to_contain_text("“Event begins at” is 7; choose from 0.05 to 1")
    rule("on", "1")
    expect(page.locator("#timeline-events")).to_contain_text("No class reaches 100 %")
    expect(told).to_be_hidden()
    rule("on", "0.05")
    rule("off", "0.05")
    expect(page.locator("#timeline-events [role=status]")).to_contain_text("in evening")
    page.locator("#timeline-events tbody .passt-play").last.click()
    page.wait_for_function("!passt.player.audio.paused && passt.player.key.includes(':event:')")
    page.keyboard.press("Space")
    rule("classes", "1000")
    expect(told).to_contain_text("“Rows” is 1000")
    page.locator("#timeline-classes input[type=number]").blur()
    page.wait_for_function(f"{PLOT}._fullLayout.yaxis.ticktext.length === 40")
    expect(told).to_be_hidden()
    rule("classes", "3")
    page.wait_for_function(f"{PLOT}._fullLayout.yaxis.ticktext.length === 3")


def _taken_home(page: Page) -> None:
    with page.expect_download() as taken:
        page.locator("#timeline-files a", has_text="JSON").click()
    assert taken.value.suggested_filename == "evening__bundled__events.json"
    told = json.loads(Path(taken.value.path()).read_text(encoding="utf-8"))
    assert told["file"] == "evening.aiff"
    assert told["events"]


def _refused(page: Page, folder: Path) -> None:
    no_sound = folder / "nothing.wav"
    no_sound.write_bytes(b"no sound at all")
    page.set_input_files("#timeline-file input[type=file]", no_sound)
    expect(page.locator("#timeline-notice")).to_contain_text("is not a sound")
    expect(page.locator("#timeline-line")).to_have_text("")
    for name in ("Nearer", "Further", "Whole"):
        expect(page.locator("#timeline").get_by_role("button", name=name)).to_be_disabled()
    page.locator("#timeline-examples button").first.click()
    expect(page.locator("#timeline-line")).to_contain_text("Rain and thunder")
    expect(page.locator("#timeline-notice")).to_be_hidden()


def test_the_microphone_is_heard(browser: Browser, app_url: str) -> None:
    """Chromium's own microphone beeps once in a second."""
    with watched(browser, app_url, viewport={"width": 390, "height": 844}) as page:
        page.get_by_role("tab", name="Timeline").click()
        page.get_by_role("tab", name="Live").click()
        button = page.locator("#live button")
        button.click()
        expect(page.locator("#live li")).to_have_count(8)
        expect(page.locator("#live .rate")).to_contain_text("answers per second")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.get_by_role("tab", name="A sound").click()
        page.wait_for_function("!document.querySelector('#live [aria-pressed=true]')")
        page.get_by_role("tab", name="Live").click()
        expect(page.locator("#live .rate")).to_have_text("stopped, for this tab was left")
        page.evaluate(
            """() => {
                const refused = new DOMException("no", "NotAllowedError");
                navigator.mediaDevices.getUserMedia = () => Promise.reject(refused);
            }"""
        )
        button.click()
        expect(page.locator("#live .passt-notice")).to_contain_text("The microphone was refused")


def test_a_microphone_that_cannot_be_tapped_is_let_go(browser: Browser, app_url: str) -> None:
    with watched(browser, app_url) as page:
        page.get_by_role("tab", name="Timeline").click()
        page.get_by_role("tab", name="Live").click()
        page.evaluate(
            """() => {
                const Context = window.AudioContext;
                window.opened = [];
                window.AudioContext = function () {
                    const context = new Context();
                    window.opened.push(context);
                    context.audioWorklet.addModule = () => Promise.reject(new Error("no module"));
                    return context;
                };
            }"""
        )
        page.locator("#live button").click()
        expect(page.locator("#live .passt-notice")).to_contain_text("cannot be used (no module)")
        page.wait_for_function("opened.length === 1 && opened[0].state === 'closed'")
