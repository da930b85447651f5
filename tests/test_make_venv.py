"""Installing once, wholly, and again when the lists change."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tools import make_venv

ROOT = Path(__file__).resolve().parents[1]
Commands = list[list[str]]


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """What would be run, in a project whose ``.venv`` is not there yet."""
    ran: Commands = []

    def run(command: list[str], *, check: bool) -> None:
        ran.append(command)
        if "fails.txt" in str(command[-1]):
            raise subprocess.CalledProcessError(1, command)

    for name in ("requirements.txt", "requirements-dev.txt", "requirements-parity.txt"):
        (tmp_path / name).write_text(f"{name}==1\n")
    monkeypatch.setattr(make_venv, "ROOT", tmp_path)
    monkeypatch.setattr(make_venv, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(make_venv, "MARKER", tmp_path / ".venv" / ".installing")
    monkeypatch.setattr(subprocess, "run", run)
    return ran


def installed(commands: Commands) -> list[str]:
    return [Path(command[-1]).name for command in commands if "install" in command]


def test_a_second_call_does_nothing(commands: Commands) -> None:
    make_venv.main("dev")
    assert installed(commands) == ["requirements-dev.txt", "requirements-parity.txt"]
    assert "--no-deps" in commands[-1]
    assert not make_venv.MARKER.exists()
    done = len(commands)
    make_venv.main("dev")
    make_venv.main("run")
    assert len(commands) == done


def test_a_changed_list_is_installed_again(commands: Commands) -> None:
    make_venv.main("run")
    (make_venv.ROOT / "requirements.txt").write_text("other==2\n")
    make_venv.main("run")
    assert installed(commands) == ["requirements.txt", "requirements.txt"]


def test_an_interrupted_installation_is_begun_again(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(make_venv, "INSTALLS", {"run": (("fails.txt", ()),)})
        (make_venv.ROOT / "fails.txt").write_text("")
        with pytest.raises(subprocess.CalledProcessError):
            make_venv.main("run")
    half = make_venv.VENV / "half a package"
    half.touch()
    assert not make_venv.is_ready("run")
    make_venv.MARKER.write_text("999999999")  # of a process that is no more
    make_venv.main("run")
    assert not half.exists()
    assert make_venv.is_ready("run")


def test_two_do_not_install_at_once(commands: Commands) -> None:
    make_venv.VENV.mkdir()
    make_venv.MARKER.write_text(str(os.getpid()))
    with pytest.raises(SystemExit, match="Another make is installing"):
        make_venv.main("run")
    assert not commands


@pytest.mark.parametrize(
    "name", ("requirements.txt", "requirements-dev.txt", "requirements-parity.txt")
)
def test_every_version_is_pinned(name: str) -> None:
    lines = [line.strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines()]
    wanted = [line for line in lines if line and not line.startswith(("#", "-r "))]
    assert wanted
    assert [line for line in wanted if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
