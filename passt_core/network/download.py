"""Fetching a published checkpoint: resumed, checked, written atomically."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from passt_core.errors import DownloadError
from passt_core.files import atomic_path, sha256_of

Progress = Callable[[int, int | None], None]
"""Called with the bytes fetched so far and, where it is known, the bytes in all."""

_CHUNK = 1 << 20
_TIMEOUT_S = 30.0


def fetch(
    url: str,
    target: Path,
    *,
    sha256: str | None = None,
    size: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Make sure that ``target`` is the file at ``url``.

    What was fetched before an interruption lies beside the target as ``.part`` and is gone on
    with. Where the file's hash is not published, the hash of the first download is kept beside it
    as ``.sha256`` and holds from then on.

    Raises:
        DownloadError: no network, a refused request, or a file that is not what it should be.
    """
    expected = sha256 or _recorded(target)
    if target.is_file():
        _verify(target, expected)
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DownloadError(
            f"{target.parent} cannot be made ({error.strerror}); "
            "set PASST_CACHE to a folder that can be written"
        ) from error
    part = target.with_name(target.name + ".part")
    _download(url, part, size, progress)
    if expected is not None and sha256_of(part) != expected:
        part.unlink()
        raise DownloadError(
            f"{target.name} was fetched but its SHA-256 is not {expected[:12]}…; "
            "it was thrown away: fetch it again, or ask who publishes it"
        )
    if sha256 is None:
        _record(target, sha256_of(part))
    part.replace(target)
    return target


def _verify(target: Path, expected: str | None) -> None:
    found = sha256_of(target)
    if expected is None:
        _record(target, found)
    elif found != expected:
        raise DownloadError(
            f"{target} has SHA-256 {found[:12]}… where {expected[:12]}… belongs; "
            "it has changed or is damaged: delete it and fetch it again"
        )


def _sidecar(target: Path) -> Path:
    return target.with_name(target.name + ".sha256")


def _recorded(target: Path) -> str | None:
    sidecar = _sidecar(target)
    return sidecar.read_text(encoding="ascii").strip() if sidecar.is_file() else None


def _record(target: Path, digest: str) -> None:
    with atomic_path(_sidecar(target)) as temporary:
        temporary.write_text(digest + "\n", encoding="ascii")


def _download(url: str, part: Path, size: int | None, progress: Progress | None) -> None:
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
            resumed = response.status == http.client.PARTIAL_CONTENT
            have = have if resumed else 0
            length = response.headers.get("Content-Length")
            total = have + int(length) if length else size
            _copy(response, part, have, total, progress)
    except urllib.error.HTTPError as error:
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            if error.headers.get("Content-Range", "").endswith(f"/{have}"):
                return  # the whole file had arrived before the interruption
            part.unlink()  # it is a part of some other file
            _download(url, part, size, progress)
            return
        raise DownloadError(
            f"{url} was refused with status {error.code} ({error.reason}); try again later"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise DownloadError(
            f"{url} cannot be reached ({_reason(error)}); connect to the network and try again, "
            "or go on with the bundled model"
        ) from error


def _copy(
    response: http.client.HTTPResponse,
    part: Path,
    have: int,
    total: int | None,
    progress: Progress | None,
) -> None:
    with part.open("ab" if have else "wb") as file:
        while chunk := response.read(_CHUNK):
            file.write(chunk)
            have += len(chunk)
            if progress:
                progress(have, total)
    if total is not None and have < total:
        raise DownloadError(
            f"the connection ended after {have} of {total} bytes; "
            "fetch again: what has arrived is kept"
        )


def _reason(error: BaseException) -> str:
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", None) or reason)
