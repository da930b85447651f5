"""What the browser fetches beside the page: maps of libraries, and their sounds.

A sound is asked for by its library's key and its number. Both are looked up; no path that a visitor
could send is ever opened.
"""

from __future__ import annotations

import hashlib
import json
import logging
from weakref import WeakKeyDictionary

from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from passt_core.errors import LibraryError, PasstError
from passt_core.library.store import SoundLibrary
from passt_ui import mapdata
from passt_ui.playable import Transcodes, media_type, played_as_is
from passt_ui.shelf import LibraryShelf

PREFIX = "/passt"
MOST_DIGITS = 9
"""Of a clip's number; a longer one is no clip's."""
SOUND_SECONDS = 3600
"""A browser may keep a sound for so long before it asks whether the file has changed."""

_NOTHING = "There is nothing of this name here; reload the page."


class LibraryRoutes:
    """The routes over the libraries of a shelf."""

    def __init__(self, shelf: LibraryShelf) -> None:
        self._shelf = shelf
        self._transcodes = Transcodes()
        self._maps: WeakKeyDictionary[SoundLibrary, bytes] = WeakKeyDictionary()

    def routes(self) -> list[BaseRoute]:
        """For the server, ahead of Gradio's own, which take every path that is left.

        Whole paths, and no mount: behind a proxy that takes a prefix away, a mount finds nothing.
        """
        gzip = [Middleware(GZipMiddleware, compresslevel=5)]
        return [
            Route(f"{PREFIX}/libraries/{{key}}/map", self.map, middleware=gzip),
            Route(f"{PREFIX}/libraries/{{key}}/sounds/{{number}}", self.sound),
            Route(f"{PREFIX}/{{rest:path}}", _nothing),
        ]

    def map(self, request: Request) -> Response:
        """``GET passt/libraries/{key}/map``: the library's map as JSON."""
        key = request.path_params["key"]
        try:
            body = self._body(self._shelf.library(key))
        except PasstError as error:
            return _missing(str(error))
        etag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = self._headers(key, etag, max_age=0)
        if _known(request, etag):
            return Response(status_code=304, headers=headers)
        return Response(body, media_type="application/json", headers=headers)

    def sound(self, request: Request) -> Response:
        """``GET passt/libraries/{key}/sounds/{number}``: a clip's sound, whole or a range of it.

        A format that browsers do not play is sent as FLAC, cut to the clip's stretch.
        """
        key, number = request.path_params["key"], request.path_params["number"]
        try:
            library = self._shelf.library(key)
            return self._file(request, key, library, _number(number))
        except PasstError as error:
            return _missing(str(error))

    def _file(self, request: Request, key: str, library: SoundLibrary, number: int) -> Response:
        clip = mapdata.clip_of(library, number)
        try:
            path = library.sound_path(clip)
            if not played_as_is(clip.file):
                path = self._transcodes.flac(path, clip.start_s, clip.end_s)
            about = path.stat()
        except (PasstError, OSError) as error:  # the message names folders of this machine
            logging.getLogger(__name__).warning("%s: %s", clip.id, error)
            raise LibraryError("This sound cannot be read any more; choose another.") from error
        response = FileResponse(path, media_type=media_type(clip.file), stat_result=about)
        etag = response.headers["etag"]
        headers = self._headers(key, etag, max_age=SOUND_SECONDS)
        if _known(request, etag):
            return Response(status_code=304, headers=headers)
        response.headers.update(headers)
        return response

    def _body(self, library: SoundLibrary) -> bytes:
        if library not in self._maps:
            text = json.dumps(mapdata.payload(library), ensure_ascii=False, separators=(",", ":"))
            self._maps[library] = text.encode()
        return self._maps[library]

    def _headers(self, key: str, etag: str, *, max_age: int) -> dict[str, str]:
        scope = "public" if self._shelf.is_shared(key) else "private"
        return {
            "etag": etag,
            "cache-control": f"{scope}, max-age={max_age}, must-revalidate",
            "x-content-type-options": "nosniff",
        }


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        raise LibraryError(_NOTHING)
    return int(text)


def _known(request: Request, etag: str) -> bool:
    """Whether the browser has this version; weak and strong tags are compared alike."""
    named = request.headers.get("if-none-match", "")
    return etag.removeprefix("W/") in [tag.strip().removeprefix("W/") for tag in named.split(",")]


def _nothing(_: Request) -> Response:
    return _missing(_NOTHING)


def _missing(sentence: str) -> Response:
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return PlainTextResponse(sentence, 404, headers=headers)
