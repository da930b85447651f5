"""The README names everything that exists, and nothing that does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.main import get_command

from passt_core.cli import app
from passt_core.files import ROOT
from passt_core.network.registry import OFFICIAL
from passt_ui.settings import Settings

README = (ROOT / "README.md").read_text(encoding="utf-8")


def _commands() -> Iterator[str]:
    for name, command in get_command(app).commands.items():
        inner = getattr(command, "commands", None)
        yield from (f"{name} {sub}" for sub in inner) if inner else (name,)


@pytest.mark.parametrize("command", tuple(_commands()))
def test_every_command_is_in_the_readme(command: str) -> None:
    group, _, sub = command.partition(" ")
    lines = [line for line in README.splitlines() if f"python -m passt_core {group}" in line]
    assert lines
    assert not sub or any(sub in line for line in lines)


@pytest.mark.parametrize("name", tuple(OFFICIAL))
def test_every_published_checkpoint_is_in_the_readme(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("field", tuple(Settings.model_fields))
def test_every_setting_is_in_the_readme(field: str) -> None:
    assert f"`PASST_{field.upper()}`" in README


def test_the_front_matter_fits_what_is_installed() -> None:
    assert f"sdk_version: {version('gradio')}" in README
    assert "app_file: app.py" in README


def test_every_file_that_the_readme_links_to_is_there() -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / link).exists(), link


@pytest.mark.parametrize(
    "path",
    [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")]
    + sorted((ROOT / "docs").rglob("*.md")),
    ids=lambda path: path.name,
)
def test_no_place_is_left_to_be_filled_in(path: Path) -> None:
    found = [line for line in path.read_text(encoding="utf-8").splitlines() if "@@" in line]
    assert not found, f"{path.name} still has {found}"
