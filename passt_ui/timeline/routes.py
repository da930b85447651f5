"""What the browser fetches of a timeline: its sound, its overview, and its tables.

A sound is asked for by the visit's token and its number. Both are looked up; no path that a visitor
could send is ever opened.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from types import MappingProxyType
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import BaseRoute, Route

from passt_core.errors import PasstError
from passt_core.inference.events import EventRule
from passt_core.inference.timeline import Timeline
from passt_ui.playable import Transcodes, media_type, played_as_is
from passt_ui.timeline import picture, tables
from passt_ui.timeline.visit import Heard, TimelineShelf

PREFIX = "/passt/timelines"
SECONDS_HEADER = "x-passt-seconds"
"""How much time a picture spans."""

_SAFE = ("x-content-type-options", "nosniff")
_PRIVATE = MappingProxyType(dict([("cache-control", "private, max-age=3600"), _SAFE]))
_FRESH = MappingProxyType(dict([("cache-control", "no-store"), _SAFE]))
_GONE = "This sound cannot be read any more; drop it again."


def url(token: str, number: int) -> str:
    """Where the browser finds what belongs to a sound, relative to the page."""
    return f"{PREFIX.lstrip('/')}/{token}/{number}"


class TimelineRoutes:
    """The routes over the visits of a shelf."""

    def __init__(self, shelf: TimelineShelf) -> None:
        self._shelf = shelf
        self._transcodes = Transcodes()

    def routes(self) -> list[BaseRoute]:
        """For the server, ahead of Gradio's own."""
        own = f"{PREFIX}/{{token}}/{{number}}"
        return [
            Route(f"{own}/sound", self.sound),
            Route(f"{own}/overview", self.overview),
            Route(f"{own}/detail/{{start:float}}/{{end:float}}", self.detail),
            Route(f"{own}/events/{{form}}", self.events),
            Route(f"{own}/probabilities", self.probabilities),
        ]

    def sound(self, request: Request) -> Response:
        """``GET …/sound``: the sound, whole or a range of it; as FLAC where browsers want it."""
        try:
            heard, _ = self._asked(request)
            path = heard.sound.path
            if not played_as_is(path.name):
                path = self._transcodes.flac(path, end_s=_transcoded_to(heard.timeline))
            about = path.stat()
        except PasstError as error:
            return _missing(str(error))
        except OSError as error:  # the message names folders of this machine
            logging.getLogger(__name__).warning("%s", error)
            return _missing(_GONE)
        kind = media_type(heard.sound.path.name)
        stays = heard.timeline.done or path == heard.sound.path
        headers = _PRIVATE if stays else _FRESH  # of an unknown length only what was heard is sent
        return FileResponse(path, media_type=kind, stat_result=about, headers=headers)

    def overview(self, request: Request) -> Response:
        """``GET …/overview``: the spectrogram of what was heard so far, as a PNG.

        A header tells the seconds that it spans. There is no content where the visitor has gone on
        to another sound, which the page does not know yet.
        """
        try:
            heard, _ = self._asked(request)
        except PasstError as error:
            over = self._shelf.is_over(*_named(request))
            return Response(status_code=204, headers=_FRESH) if over else _missing(str(error))
        png = picture.overview_png(heard.timeline)
        spans = {SECONDS_HEADER: f"{picture.overview_s(heard.timeline):.6f}"}
        return Response(png, media_type="image/png", headers={**_PRIVATE, **spans})

    def detail(self, request: Request) -> Response:
        """``GET …/detail/{start}/{end}``: the spectrogram of a stretch in seconds, as a PNG."""
        try:
            heard, _ = self._asked(request)
            start, end = request.path_params["start"], request.path_params["end"]
            png = picture.detail_png(heard.sound, start, end)
        except PasstError as error:
            return _missing(str(error))
        return Response(png, media_type="image/png", headers=_PRIVATE)

    def events(self, request: Request) -> Response:
        """``GET …/events/{form}``: the events of the visitor's rule, as a file."""
        try:
            heard, rule = self._asked(request)
            form = tables.form_of(request.path_params["form"])
            text = tables.events(heard, rule, form)
        except PasstError as error:
            return _missing(str(error))
        name = tables.file_name(heard, "events", form.suffix)
        return PlainTextResponse(text, headers={**_FRESH, **_attached(name)})

    def probabilities(self, request: Request) -> Response:
        """``GET …/probabilities``: every class in every window, as CSV."""
        try:
            heard, _ = self._asked(request)
        except PasstError as error:
            return _missing(str(error))
        name = tables.file_name(heard, "probabilities", ".csv")
        lines: Iterator[str] = tables.probabilities(heard.timeline)
        return StreamingResponse(
            lines, media_type="text/csv", headers={**_FRESH, **_attached(name)}
        )

    def _asked(self, request: Request) -> tuple[Heard, EventRule]:
        return self._shelf.heard(*_named(request))


def _named(request: Request) -> tuple[str, str]:
    """The token and the number that a sound is asked for by."""
    return request.path_params["token"], request.path_params["number"]


def _transcoded_to(timeline: Timeline) -> float | None:
    """How far a sound is transcoded; None: to its end, whatever the length that it was said to be.

    What goes on for longer than anyone knows is sent as far as it was heard.
    """
    whole = timeline.done or timeline.total_s is not None
    return None if whole else timeline.duration_s


def _attached(name: str) -> dict[str, str]:
    return {"content-disposition": f"attachment; filename*=utf-8''{quote(name)}"}


def _missing(sentence: str) -> Response:
    return PlainTextResponse(sentence, 404, headers=_FRESH)
