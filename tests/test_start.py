"""How the app starts, and how it says in one line that it cannot."""

from __future__ import annotations

import logging
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

import app
from passt_core.errors import LibraryError
from passt_core.files import ROOT
from passt_ui.services import Services
from passt_ui.settings import AddressError, Settings, check_address, explained


@pytest.fixture
def port() -> Iterator[int]:
    """A port that is in use."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_in_use_is_told_in_one_line(port: int) -> None:
    ended = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=os.environ | {"PASST_PORT": str(port)},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    line = f"error: port {port} is in use; stop what uses it, or set PASST_PORT\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", line)


def test_a_library_that_is_not_there_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PASST_LIBRARY", "nope")
    monkeypatch.setenv("PASST_PORT", "0")
    with pytest.raises(SystemExit) as ended:
        app.main()
    told = capsys.readouterr()
    assert (ended.value.code, told.out) == (2, "")
    assert re.fullmatch(r"error: there is no sound library in .*nope; make it: .*\n", told.err)


def test_an_address_of_another_machine() -> None:
    with pytest.raises(AddressError, match=r"cannot listen on 192\.0\.2\.1, port .* PASST_HOST"):
        check_address(Settings(host="192.0.2.1", port=0))


def test_a_free_port_is_let_through(port: int) -> None:
    check_address(Settings(port=0))
    with pytest.raises(AddressError, match="is in use"):
        check_address(Settings(port=port))


def test_a_library_by_another_model(
    tiny_checkpoint: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The bundled one is only missed; another was asked for by name."""
    with caplog.at_level(logging.WARNING):
        services = Services.create(Settings(model=str(tiny_checkpoint)))
    assert services.first.library is None
    [line] = [record.getMessage() for record in caplog.records]
    assert "the library bundled was made by the model" in line
    named = Settings(model=str(tiny_checkpoint), library="./bundled")
    with pytest.raises(LibraryError, match="was made by the model"):
        Services.create(named)


WRONG = (
    ("PASST_PORT", "abc", "a whole number from 0 to 65535"),
    ("PASST_PORT", "70000", "a whole number from 0 to 65535"),
    ("PASST_PRECISION", "fp64", "auto or fp32 or bf16 or int8"),
    ("PASST_MAX_FILE_MB", "0", "a whole number of 1 or more"),
    ("PASST_MAX_MINUTES", "-1", "a number above 0"),
    ("PASST_JOBS", "1.5", "a whole number of 1 or more"),
    ("PASST_OWN_CHECKPOINTS", "maybe", "true or false"),
)


@pytest.mark.parametrize(("name", "value", "rule"), WRONG)
def test_a_wrong_setting_is_told_with_its_rule(
    name: str, value: str, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as caught:
        Settings()
    expected = f"error: {name} is {value!r}; it must be {rule}: set it, or leave it out"
    assert explained(caught.value) == expected


def test_the_start_is_one_line(tmp_path: Path) -> None:
    """The address, at once, and nothing of what the server tells itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "PASST_PORT": str(port),
        "GRADIO_TEMP_DIR": str(tmp_path),
        "NO_PROXY": "127.0.0.1,localhost",
    }
    served = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert served.stdout is not None
        assert served.stdout.readline() == f"PaSST Explorer is on http://127.0.0.1:{port}\n"
    finally:
        served.terminate()
        rest, _ = served.communicate(timeout=30)
    assert rest == ""
