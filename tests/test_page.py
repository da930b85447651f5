"""The page in a real browser, as a visitor uses it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, Page, expect

from passt_core.files import ASSETS
from tests.browsers import PATIENCE_MS, VEIL, open_tab
from tests.sounds import encode, noise, tone, write

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default")]
"""Playwright and Pillow warn of their own futures."""

PLAYED = "passt.player.audio.currentTime"


def _clip(path: Path) -> Path:
    """A stereo recording at 44.1 kHz: a tune that the app ships, as a phone would save it."""
    samples, _ = soundfile.read(ASSETS / "examples" / "windy-yard.ogg")
    soundfile.write(path, np.stack([samples, 0.5 * samples], axis=1)[: 4 * 32_000], 44_100)
    return path


def _upload(page: Page, path: Path) -> None:
    page.set_input_files("#clip input[type=file]", path)


def test_first_paint_shows_something_alive(page: Page) -> None:
    expect(page.locator("#speaks")).to_contain_text("bundled")
    expect(page.locator("#clip-line")).to_contain_text("Rain and thunder")
    expect(page.locator("#neighbours button")).to_have_count(6)
    expect(page.locator("#classes li")).to_have_count(5)
    expect(page.locator("#tokens")).to_contain_text("FLOPs left")
    figure = page.evaluate("document.querySelector('#spectrogram .passt-plot').data[0].type")
    assert figure == "heatmap"


def test_a_clip_is_uploaded_masked_and_its_neighbour_heard(page: Page, tmp_path: Path) -> None:
    _upload(page, _clip(tmp_path / "yard 44k.wav"))
    expect(page.locator("#clip-line")).to_contain_text("yard 44k")
    expect(page.locator("#clip-line")).to_contain_text("2.9 s")
    page.get_by_label("None", exact=True).check()
    page.wait_for_function(f"!({VEIL})")
    expect(page.locator("#classes .mask")).to_have_count(0)
    before = page.inner_text("#tokens")

    slider = page.locator("#mask-time input[type=range]")
    slider.focus()
    for _ in range(5):
        slider.press("ArrowRight")
    page.wait_for_function(VEIL)
    expect(page.locator("#classes .track.mask")).to_have_count(5)
    expect(page.locator("#tokens")).not_to_have_text(before)
    expect(page.locator("#presets input:checked")).to_have_count(0)

    page.locator("#neighbours button").first.click()
    page.wait_for_function(f"{PLAYED} > 0.1")
    pressed = page.locator("#neighbours button").first
    expect(pressed).to_have_attribute("aria-pressed", "true")


def test_a_clip_is_recorded(page: Page) -> None:
    """Chromium's own beeping microphone stands in for a voice."""
    page.locator("#record button", has_text="Record").click()
    page.wait_for_timeout(2500)
    page.locator("#record").get_by_role("button", name="Stop").click()
    expect(page.locator("#clip-line")).to_contain_text("Your recording")
    expect(page.locator("#record button", has_text="Record")).to_be_visible()


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "aac"), ("b.webm", "libopus")])
def test_the_sound_of_a_video_is_taken(page: Page, tmp_path: Path, name: str, codec: str) -> None:
    _upload(page, encode(tmp_path / name, noise(2.0, rate=48_000), 48_000, codec))
    expect(page.locator("#clip-line")).to_contain_text(name[0])
    expect(page.locator("#clip-line")).to_contain_text("2.0 s")


def test_what_is_left_and_what_was_taken_can_be_heard(page: Page) -> None:
    page.locator("[data-part=left]").click()
    page.wait_for_function(f"passt.player.key?.endsWith(':left') && {PLAYED} > 0.1")
    page.locator("[data-part=taken]").click()
    page.wait_for_function(f"passt.player.key?.endsWith(':taken') && {PLAYED} > 0.1")
    expect(page.locator("#spectrogram .passt-playhead")).to_be_visible()
    page.locator("#mask-freq input[type=range]").press("ArrowLeft")
    page.wait_for_function("passt.player.audio.paused")


def test_the_seed_draws_other_patches(page: Page) -> None:
    kept = "document.querySelector('#spectrogram .passt-plot').data[1].z.bdata ?? "
    kept += "String(document.querySelector('#spectrogram .passt-plot').data[1].z)"
    before = page.evaluate(kept)
    page.locator("#seed input").fill("41")
    page.locator("#seed input").press("Enter")
    page.wait_for_function(f"({kept}) !== {before!r}")
    assert page.evaluate(kept) != before


KEPT = "document.querySelector('#tokens dd').firstChild.textContent"


def test_the_mask_stays_on_when_the_grid_does(page: Page, tmp_path: Path) -> None:
    """Controls that do not change tell of no change: the mask must not depend on that."""
    for name in ("first", "second"):
        soundfile.write(tmp_path / f"{name}.wav", noise(3.0), 32_000)
        _upload(page, tmp_path / f"{name}.wav")
        expect(page.locator("#clip-line")).to_contain_text(name)
        page.wait_for_function(f"{VEIL} && {KEPT} !== '144'")
        expect(page.locator("#classes .track.mask")).to_have_count(5)
    page.locator("#examples button").first.click()
    expect(page.locator("#clip-line")).to_contain_text("Rain and thunder")
    page.wait_for_function(VEIL)
    page.locator("#examples button").first.click()
    page.wait_for_timeout(1500)
    assert page.evaluate(VEIL)


def test_fields_that_say_too_much_are_set_right(page: Page) -> None:
    time = page.locator("#mask-time input[type=number]")
    for field, kept in (("time", "5"), ("freq", "1"), ("unstructured", "1")):
        number = page.locator(f"#mask-{field} input[type=number]")
        number.fill("9999")
        number.press("Enter")
        page.wait_for_function(f"{KEPT} === '{kept}'")
        page.wait_for_timeout(500)
    expect(page.locator("#mask-unstructured input[type=number]")).to_have_value("0")
    expect(page.locator("#presets input:checked")).to_have_count(0)
    page.locator("#seed input").fill("-5")
    page.locator("#seed input").press("Enter")
    time.fill("0")
    time.press("Enter")
    page.wait_for_function(f"{KEPT} !== '1'")
    expect(page.locator("#notice")).to_be_hidden()


def test_a_preset_is_marked_only_while_it_holds(page: Page) -> None:
    page.get_by_label("Time", exact=True).check()
    page.wait_for_function(f"{KEPT} === '224'")
    expect(page.get_by_label("Time", exact=True)).to_be_checked()
    page.locator("#mask-time button").click()
    page.wait_for_function(f"!({VEIL})")
    expect(page.get_by_label("None", exact=True)).to_be_checked()


def test_a_bad_file_is_told_in_place_and_nothing_old_stays(page: Page, tmp_path: Path) -> None:
    text = tmp_path / "<b>text.wav"
    text.write_text("no sound")
    _upload(page, text)
    expect(page.get_by_role("alert").first).to_contain_text("not a sound that can be read")
    expect(page.locator("#notice b")).to_have_count(0)
    expect(page.locator("#classes li")).to_have_count(0)
    page.wait_for_function("!document.querySelector('#spectrogram .passt-plot').data.length")
    page.locator("#examples button").nth(2).click()
    expect(page.locator("#clip-line")).to_contain_text("A clock by the fire")
    expect(page.locator("#notice")).to_be_hidden()


def test_a_long_clip_comes_in_windows(page: Page, tmp_path: Path) -> None:
    rate = 8_000
    time = np.arange(26 * rate) / rate
    soundfile.write(tmp_path / "long.wav", 0.2 * np.sin(2 * np.pi * 500 * time), rate)
    _upload(page, tmp_path / "long.wav")
    expect(page.locator("#clip-line")).to_contain_text("window 1 of 5")
    slider = page.locator("#window input[type=range]")
    for _ in range(4):
        slider.press("ArrowRight")
        page.wait_for_timeout(100)
    expect(page.locator("#clip-line")).to_contain_text("16.0 s to 26.0 s")
    expect(slider).to_have_value("5")
    page.wait_for_function(VEIL)


def test_of_examples_pressed_one_after_the_other_the_last_is_heard(page: Page) -> None:
    for place in (1, 2, 3):
        page.locator("#examples button").nth(place).click()
    title = page.locator("#examples button").nth(3).inner_text().splitlines()[0]
    expect(page.locator("#clip-line")).to_contain_text(title)
    page.wait_for_timeout(1500)
    expect(page.locator("#clip-line")).to_contain_text(title)


def test_a_model_that_cannot_be_fetched_says_so(page: Page) -> None:
    page.locator("#model input").click()
    page.get_by_role("option", name="passt_s_swa_p16_128_ap476 ·").click()
    expect(page.locator("#model-notice")).to_contain_text("cannot be reached")
    expect(page.locator("#speaks")).to_contain_text("bundled")


def test_a_visitors_own_checkpoint_speaks(page: Page, tiny_checkpoint: Path) -> None:
    page.locator("#model input").click()
    page.get_by_role("option", name="a checkpoint file of your own").click()
    page.set_input_files(
        "#own-checkpoint input[type=file], input[accept*=safetensors]", tiny_checkpoint
    )
    expect(page.locator("#speaks")).to_contain_text("tiny")
    expect(page.locator("#speaks")).to_contain_text("7 classes")
    expect(page.locator("#neighbours")).to_contain_text("made by the model bundled")
    expect(page.locator("#neighbours")).to_contain_text("library rebuild")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scrolling(browser: Browser, app_url: str, theme: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme=theme)
    page.set_default_timeout(PATIENCE_MS)
    page.goto(app_url)
    page.wait_for_selector("#classes .mask")
    for tab in ("Explore", "Timeline", "Search & Map", "Library", "Lab", "About"):
        open_tab(page, tab)
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()


def _lab(page: Page) -> None:
    """Open the Lab; the bundled library is judged at once."""
    page.get_by_role("tab", name="Lab").click()
    expect(page.locator("#lab-line")).to_contain_text("bundled, ")


def test_a_cell_of_the_matrix_is_heard_by_mouse_and_by_keyboard(page: Page) -> None:
    _lab(page)
    expect(page.locator("#lab-figures")).to_contain_text("called right")
    plot = page.locator("#lab-matrix .passt-plot")
    expect(plot.locator(".main-svg").first).to_be_visible()
    page.wait_for_function(
        "document.querySelector('#lab-matrix .passt-plot')._fullLayout?.xaxis?._length"
    )
    plot.scroll_into_view_if_needed()
    x, y = page.evaluate(
        """() => {
            const plot = document.querySelector('#lab-matrix .passt-plot');
            const box = plot.getBoundingClientRect();
            const {xaxis, yaxis} = plot._fullLayout;
            return [box.x + xaxis._offset + xaxis.l2p(1), box.y + yaxis._offset + yaxis.l2p(1)];
        }"""
    )
    page.mouse.move(x, y)
    page.wait_for_timeout(300)
    page.mouse.click(x, y)
    expect(page.locator("#lab-cell-line")).to_contain_text("called so")
    page.locator("#lab-cell button").first.click()
    page.wait_for_function(f"passt.player.key?.startsWith('lab:') && {PLAYED} > 0.1")

    page.locator("#lab-matrix .passt-grid").focus()
    readout = page.locator("#lab-matrix .passt-readout")
    for key in ("ArrowDown", "ArrowRight"):
        before = readout.inner_text()
        page.keyboard.press(key)
        expect(readout).not_to_have_text(before)
    page.keyboard.press("Enter")
    expect(page.locator("#lab-cell-line")).to_contain_text(readout.inner_text().split(",")[0])

    page.locator("#lab-confusions button").first.click()
    expect(page.locator("#lab-cell-line")).to_contain_text(", called ")
    expect(page.locator("#lab-cell button").first).to_contain_text("said: ")


def _zip(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as bundle:
        for index in range(4):
            for label, sound in (
                ("Hum", tone(0.5, hz=90 + index)),
                ("Hiss", noise(0.5, seed=index)),
            ):
                bundle.write(write(path.with_name("clip.wav"), sound), f"{label}/{index}.wav")
        bundle.writestr("Hum/text.wav", b"no sound")
    return path


def test_a_zip_is_judged_and_a_head_is_trained_and_used(page: Page, tmp_path: Path) -> None:
    _lab(page)
    upload = page.locator("#lab-upload input[type=file]")
    (tmp_path / "bad.zip").write_bytes(b"PK and nothing more")
    upload.set_input_files(tmp_path / "bad.zip")
    expect(page.locator("#lab-notice")).to_contain_text("cannot be read as a zip")
    upload.set_input_files(_zip(tmp_path / "mine.zip"))
    expect(page.locator("#lab-facts")).to_contain_text("9 sounds of 2 kinds")
    expect(page.locator("#lab-notice")).to_be_hidden()
    expect(page.locator("#lab-bars li")).to_have_count(0)

    page.locator("#lab-run").click()
    expect(page.locator("#lab-line")).to_contain_text("8 sounds, by its embeddings")
    expect(page.locator("#lab-line")).to_contain_text("1 sound could not be read")
    page.locator("#lab-bars button").first.click()
    expect(page.locator("#lab-cell button")).to_have_count(4)
    page.locator("#lab-cell button").first.click()
    page.wait_for_function(f"passt.player.key?.startsWith('lab:') && {PLAYED} > 0.1")

    page.locator("#lab-name input, #lab-name textarea").fill("hum or hiss")
    page.locator("#lab-train").click()
    expect(page.locator("#lab-trained")).to_contain_text("right, held out")
    lines = "document.querySelector('#lab-curve .passt-plot').data.map(t => t.x.length)"
    assert min(page.evaluate(lines)) > 1
    with page.expect_download() as download:
        page.locator("#lab-download").click()
    assert download.value.suggested_filename == "hum or hiss.safetensors"

    page.locator("#lab-use").click()
    expect(page.locator("#speaks")).to_contain_text("hum or hiss speaks: 2 classes")
    expect(page.locator("#model input")).to_have_value("Your head: hum or hiss")
    expect(page.locator("#classes")).to_contain_text("Hiss")
    expect(page.locator("#neighbours button")).to_have_count(6)
