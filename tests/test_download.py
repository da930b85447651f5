"""Fetching, against a server of our own on this machine."""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from passt_core.errors import DownloadError
from passt_core.files import sha256_of
from passt_core.network import download
from passt_core.network.download import fetch

CONTENT = bytes(range(256)) * 20_000
SHA = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Server:
    """What it serves, how it misbehaves, what it was asked."""

    address: str = ""
    content: bytes = CONTENT
    status: int | None = None
    drop_after: int | None = None
    ranges: bool = True
    stall: bool = False
    asked: list[str | None] = field(default_factory=list)
    done: Event = field(default_factory=Event)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range")
        self.asked.append(asked)
        if self.stall:
            self.done.wait(5)
            return
        if self.status:
            request.send_error(self.status)
            return
        first = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and self.ranges else 0
        if first >= len(self.content):
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{len(self.content)}")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        body = self.content[first:]
        request.send_response(206 if first else 200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body[: self.drop_after])


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    ours = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            ours.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        thread = Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        ours.address = f"http://127.0.0.1:{running.server_port}/weights.pt"
        try:
            yield ours
        finally:
            ours.done.set()
            running.shutdown()
            thread.join()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "weights.pt"


def beside(target: Path) -> set[str]:
    return {path.name for path in target.parent.iterdir()}


def test_a_file_is_fetched_with_progress_and_in_one_step(server: Server, target: Path) -> None:
    told: list[tuple[int, int | None]] = []

    def progress(done: int, total: int | None) -> None:
        assert not target.exists(), "the name stands for the whole file only"
        told.append((done, total))

    assert fetch(server.address, target, sha256=SHA, progress=progress) == target
    assert target.read_bytes() == CONTENT
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert {total for _, total in told} == {len(CONTENT)}
    assert beside(target) == {"weights.pt"}


def test_what_is_there_is_not_fetched_again(server: Server, target: Path) -> None:
    fetch(server.address, target, sha256=SHA)
    fetch(server.address, target, sha256=SHA)
    assert len(server.asked) == 1


def test_an_interrupted_download_goes_on_where_it_stopped(server: Server, target: Path) -> None:
    server.drop_after = 2_000_000
    with pytest.raises(DownloadError, match="fetch again|try again"):
        fetch(server.address, target, sha256=SHA)
    assert beside(target) == {"weights.pt.part"}
    server.drop_after = None
    seen: list[int] = []
    fetch(server.address, target, sha256=SHA, progress=lambda done, _: seen.append(done))
    assert server.asked == [None, "bytes=2000000-"]
    assert min(seen) > 2_000_000
    assert target.read_bytes() == CONTENT
    assert beside(target) == {"weights.pt"}


def test_a_server_that_cannot_resume_sends_it_all(server: Server, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("weights.pt.part").write_bytes(CONTENT[:5000])
    server.ranges = False
    fetch(server.address, target, sha256=SHA)
    assert target.read_bytes() == CONTENT


def test_a_part_that_is_the_whole_is_taken(server: Server, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("weights.pt.part").write_bytes(CONTENT)
    fetch(server.address, target)
    assert target.read_bytes() == CONTENT


def test_a_part_of_another_file_is_begun_anew(server: Server, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("weights.pt.part").write_bytes(b"x" * (len(CONTENT) + 10))
    fetch(server.address, target)
    assert target.read_bytes() == CONTENT


def test_an_interruption_by_the_caller_keeps_the_part(server: Server, target: Path) -> None:
    def cancel(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(server.address, target, sha256=SHA, progress=cancel)
    assert beside(target) == {"weights.pt.part"}
    fetch(server.address, target, sha256=SHA)
    assert target.read_bytes() == CONTENT


def test_a_wrong_hash_is_thrown_away(server: Server, target: Path) -> None:
    server.content = CONTENT[:-1] + b"!"
    with pytest.raises(DownloadError, match=f"its SHA-256 is not {SHA[:12]}.*thrown away"):
        fetch(server.address, target, sha256=SHA)
    assert beside(target) == set()


def test_a_file_that_changed_on_disk_is_refused(server: Server, target: Path) -> None:
    fetch(server.address, target, sha256=SHA)
    target.write_bytes(b"something else")
    with pytest.raises(DownloadError, match="has changed or is damaged: delete it"):
        fetch(server.address, target, sha256=SHA)


def test_an_unknown_hash_is_recorded_on_first_use(server: Server, target: Path) -> None:
    fetch(server.address, target)
    sidecar = target.with_name("weights.pt.sha256")
    assert sidecar.read_text().strip() == SHA == sha256_of(target)
    fetch(server.address, target)
    target.write_bytes(CONTENT + b"!")
    with pytest.raises(DownloadError, match=f"where {SHA[:12]}… belongs"):
        fetch(server.address, target)
    target.unlink()
    server.content = CONTENT + b"!"
    with pytest.raises(DownloadError, match="thrown away"):
        fetch(server.address, target)
    assert beside(target) == {"weights.pt.sha256"}


def test_a_file_put_there_by_hand_is_recorded_too(server: Server, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(CONTENT)
    fetch(server.address, target)
    assert server.asked == []
    assert target.with_name("weights.pt.sha256").read_text().strip() == SHA


@pytest.mark.parametrize("status", (403, 404, 500))
def test_a_refusal_names_its_status(server: Server, target: Path, status: int) -> None:
    server.status = status
    with pytest.raises(DownloadError, match=f"refused with status {status}"):
        fetch(server.address, target)
    assert not target.exists()


def test_no_network_is_one_clear_message(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/weights.pt"
        with pytest.raises(DownloadError, match="cannot be reached .* go on with the bundled"):
            fetch(address, target)
    with pytest.raises(DownloadError, match="connect to the network and try again"):
        fetch("http://nowhere.invalid/weights.pt", target)
    assert beside(target) == set()


def test_a_server_that_says_nothing_is_given_up(
    server: Server, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_TIMEOUT_S", 0.2)
    server.stall = True
    with pytest.raises(DownloadError, match="cannot be reached"):
        fetch(server.address, target)
