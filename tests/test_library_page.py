"""The Library tab in a real browser: a library is built, searched, changed and deleted."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browsers import PATIENCE_MS
from tests.sounds import noise, tone, write

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default")]
"""Playwright and Pillow warn of their own futures."""


@pytest.fixture
def page(page: Page) -> Page:
    """The Library tab, with an example in hand."""
    page.get_by_role("tab", name="Library").click()
    expect(page.locator("#library-cards button")).to_have_count(1)
    return page


def _files(folder: Path) -> list[Path]:
    sounds = {"low.wav": tone(0.6, hz=90), "high.wav": tone(0.6, hz=900), "hiss.wav": noise(0.6)}
    paths = [write(folder / name, sound) for name, sound in sounds.items()]
    table = folder / "labels.csv"
    table.write_text("file,label\nlow.wav,Hum\nhigh.wav,Hum\nhiss.wav,Hiss\n", encoding="utf-8")
    return [*paths, table]


def _upload(page: Page, paths: Path | list[Path]) -> None:
    page.set_input_files("#library-files input[type=file]", paths)
    expect(page.locator("#library-files")).not_to_contain_text("Drop File Here")


def _name(page: Page, name: str) -> None:
    page.locator("#library-name").get_by_role("textbox").fill(name)


def _build(page: Page, paths: Path | list[Path], name: str) -> None:
    _upload(page, paths)
    _name(page, name)
    page.locator("#library-build").click()
    expect(page.locator("#library-summary")).to_contain_text(f"{name} is built")
    expect(page.locator("#speaks")).to_contain_text(f"library {name}")


def test_first_paint_shows_the_bundled_library_and_what_to_do(page: Page) -> None:
    card = page.locator("#library-cards button")
    expect(card).to_contain_text("bundled")
    expect(card).to_contain_text("comes with the app · health: good")
    expect(card).to_have_attribute("aria-current", "true")
    expect(page.locator("#library-details")).to_contain_text("trustworthiness")
    expect(page.locator("#library-delete")).to_have_count(0)
    expect(page.locator("#library-clips")).to_be_hidden()
    expect(page.get_by_text("name the library and press Build")).to_be_visible()


def test_a_library_is_built_searched_changed_and_deleted(page: Page, tmp_path: Path) -> None:
    _build(page, _files(tmp_path), "mine")
    expect(page.locator("#library input")).to_have_value("mine · 3 sounds · yours")
    expect(page.locator("#library-summary")).to_contain_text("3 clips, 2 labels")
    expect(page.locator("#library-cards button")).to_have_count(2)

    page.get_by_role("tab", name="Search & Map").click()
    expect(page.locator("#hits li")).to_have_count(3)
    expect(page.locator("#map .passt-legend")).to_contain_text("Hiss")
    expect(page.locator("#map-summary")).to_contain_text("Hum (2)")
    page.locator("#hits [data-sound]").first.click()
    page.wait_for_function("passt.player.audio.currentTime > 0.05")
    page.get_by_role("tab", name="Explore").click()
    expect(page.locator("#neighbours li")).to_have_count(3)

    page.get_by_role("tab", name="Library").click()
    expect(page.locator("#library-picked label")).to_have_count(3)
    page.locator("#library-filter").get_by_role("textbox").press_sequentially("hum")
    expect(page.locator("#library-picked label")).to_have_count(2)
    page.get_by_label("low.wav · Hum").check()
    page.locator("#library-remove").click()
    expect(page.locator("#library-told")).to_contain_text("1 sound removed from mine; 2 left.")
    expect(page.locator("#speaks")).to_contain_text("mine, 2 sounds")

    with page.expect_download() as download:
        page.locator("#library-export").click()
    with zipfile.ZipFile(download.value.path()) as bundle:
        table = next(name for name in bundle.namelist() if name.endswith("clips.csv"))
        assert b"hiss.wav" in bundle.read(table)
    assert download.value.suggested_filename == "mine__bundled.zip"

    page.locator("#library-delete").click()
    expect(page.locator("#library-question")).to_contain_text("Delete mine, 2 sounds")
    page.locator("#library-keep").click()
    expect(page.locator("#library-question")).to_be_hidden()
    page.locator("#library-delete").click()
    page.locator("#library-sure").click()
    expect(page.locator("#library-told")).to_contain_text("mine is deleted.")
    expect(page.locator("#speaks")).to_contain_text("library bundled")
    expect(page.locator("#library-cards button")).to_have_count(1)


def test_a_zip_is_built_added_to_and_left_by_the_list(page: Page, tmp_path: Path) -> None:
    low, high, hiss, _ = _files(tmp_path)
    with zipfile.ZipFile(tmp_path / "field.zip", "w") as bundle:
        bundle.write(low, "Hum/low.wav")
        bundle.write(hiss, "Hiss/hiss.wav")
        bundle.writestr("Hiss/text.wav", b"no sound")
    _build(page, tmp_path / "field.zip", "field")
    expect(page.locator("#library-summary")).to_contain_text("2 clips, 2 labels")
    expect(page.locator("#library-summary")).to_contain_text("Hiss/text.wav: is not a sound")

    _upload(page, high)
    page.get_by_role("button", name="Add to field").click()
    expect(page.locator("#library-summary")).to_contain_text("field has grown: 3 clips")
    expect(page.locator("#speaks")).to_contain_text("field, 3 sounds")

    page.locator("#library input").click()
    page.get_by_role("option", name="bundled").click()
    expect(page.locator("#speaks")).to_contain_text("library bundled")
    page.locator("#library-cards button", has_text="field").click()
    expect(page.locator("#library input")).to_have_value("field · 3 sounds · yours")


def test_faults_are_told_in_place(page: Page, tmp_path: Path) -> None:
    alert = page.locator("#library-notice").get_by_role("alert")
    page.locator("#library-build").click()
    expect(alert).to_contain_text("has no name yet")
    _name(page, "x")
    page.locator("#library-build").click()
    expect(alert).to_contain_text("no sound here yet")
    (tmp_path / "bad.zip").write_bytes(b"PK and nothing more")
    _upload(page, tmp_path / "bad.zip")
    page.locator("#library-build").click()
    expect(alert).to_contain_text("bad.zip cannot be read as a zip")
    _name(page, "bundled")
    page.locator("#library-build").click()
    expect(alert).to_contain_text("already")
    expect(page.locator("#library-build")).to_be_enabled()


def test_a_build_is_stopped_and_goes_on(page: Page, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "many.zip", "w", zipfile.ZIP_DEFLATED) as bundle:
        for number in range(120):
            sound = write(tmp_path / "one.wav", noise(3.0, seed=number))
            bundle.write(sound, f"{number}.wav")
    _upload(page, tmp_path / "many.zip")
    _name(page, "many")
    page.locator("#library-build").click()
    expect(page.locator("#library-progress")).to_contain_text("Listened to")
    page.locator("#library-stop").click()
    alert = page.locator("#library-notice").get_by_role("alert")
    expect(alert).to_contain_text("sounds that were heard")
    page.locator("#library-build").click()
    built = page.locator("#library-summary")
    expect(built).to_contain_text("many is built: 120 clips", timeout=4 * PATIENCE_MS)  # UMAP


def test_another_model_keeps_the_librarys_name_and_says_why_it_is_silent(
    page: Page, tmp_path: Path, tiny_checkpoint: Path
) -> None:
    _build(page, _files(tmp_path), "mine")
    page.locator("#model input").click()
    page.get_by_role("option", name="a checkpoint file of your own").click()
    page.set_input_files(
        "#own-checkpoint input[type=file], input[accept*=safetensors]", tiny_checkpoint
    )
    expect(page.locator("#speaks")).to_contain_text("tiny")
    expect(page.locator("#model-notice")).to_contain_text("embeddings cannot be compared")
    expect(page.locator("#library input")).to_have_value("mine · 3 sounds · yours")
    expect(page.locator("#library-cards")).to_contain_text("of another model: bundled")
    page.locator("#library-rebuild").click()
    expect(page.locator("#library-summary")).to_contain_text("mine was listened to again")
    expect(page.locator("#speaks")).to_contain_text("mine, 3 sounds")
    expect(page.locator("#model-notice")).to_be_hidden()


def test_the_keyboard_reaches_all_of_it(page: Page, tmp_path: Path) -> None:
    _build(page, _files(tmp_path), "mine")
    page.locator("#library-cards button").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.locator("#speaks")).to_contain_text("library bundled")
    page.locator("#library-cards button").nth(1).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#speaks")).to_contain_text("library mine")
    page.locator("#library-delete").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#library-question")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator("#library-sure")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#library-keep")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#library-question")).to_be_hidden()
