"""A timeline → what the browser draws of it: rows of probabilities, an overview, marks."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.colors
from numpy.typing import NDArray
from PIL import Image

from passt_core.errors import AudioError
from passt_core.inference.analysis import PatchGrid
from passt_core.inference.events import Event
from passt_core.inference.timeline import Timeline
from passt_core.signal import audio
from passt_ui import palette
from passt_ui.figures import decibels, frequency_ticks
from passt_ui.packed import packed
from passt_ui.timeline.visit import Heard, Look, Sound
from passt_ui.times import clock

HEAT = "Viridis"
"""Perceptually uniform map of the probabilities, from 0 to 1; other than the spectrograms' own."""
SILENT = 255
"""Stands for a window of digital silence; probabilities are whole numbers below it."""
COLUMNS_ON_THE_WAY = 2000
"""While a sound is being heard, at most so many columns are sent; when it is done, all."""
MOST_MARKED = 4000
"""Events that are outlined in the picture; the table's downloads hold all."""

MOST_DETAIL_S = 180.0
"""A longer stretch is seen in the overview alone."""

_BEST = 3
_LEAST_MEL = -1e6
"""Below all that is shown; columns of an overview that nothing was drawn in are -inf."""


def payload(heard: Heard, look: Look, events: Sequence[Event], url: str, *, whole: bool) -> str:
    """Everything that the picture shows, as JSON.

    Args:
        heard: the sound, as far as it was heard.
        look: which classes are shown.
        events: those of the visitor's rule.
        url: where the browser finds what belongs to the sound.
        whole: send every column; False: at most :data:`COLUMNS_ON_THE_WAY`.
    """
    timeline = heard.timeline
    rows = look.rows(timeline)
    values, borders = _columns(timeline, rows, whole)
    grid = _grid(heard)
    octaves, names = frequency_ticks(grid)
    place = {index: row for row, index in enumerate(rows)}
    marked = [event for event in events if event.index in place][:MOST_MARKED]
    sent: dict[str, Any] = {
        "key": key(url),
        "sound": f"{url}/sound",
        "end": end_s(timeline),
        "heard": timeline.duration_s,
        "done": timeline.done,
        "version": heard.version,
        "overview": f"{url}/overview?v={heard.version}",
        "step": timeline.overview_step_s,
        "detail": f"{url}/detail",
        "most_detail": MOST_DETAIL_S,
        "bands": int(timeline.overview.shape[0]),
        "octaves": {"places": octaves, "names": names},
        "edges_hz": [round(float(hz)) for hz in grid.band_edges],
        "labels": [timeline.labels[index] for index in rows],
        "values": packed(values),
        "borders": packed(borders.astype(np.float32)),
        "table": packed(colour_table(HEAT, SILENT)),
        "events": [
            [place[event.index], event.start_s, event.end_s, round(event.peak, 4)]
            for event in marked
        ],
        "summary": summary(heard, events),
    }
    return json.dumps(sent, separators=(",", ":"))


def key(url: str) -> str:
    """What the page's player knows the sound by."""
    return f"timeline:{url}"


def summary(heard: Heard, events: Sequence[Event]) -> str:
    """The picture in words, for those who do not see it."""
    timeline = heard.timeline
    best = []
    for index in timeline.top_classes(_BEST):
        curve = timeline.probabilities[:, index]
        if len(curve):
            at = timeline.starts[int(curve.argmax())]
            best.append(f"{timeline.labels[index]} {100 * curve.max():.0f} % at {clock(at)}")
    return (
        f"Timeline of {heard.sound.title}, {clock(timeline.duration_s)} long, as "
        f"{timeline.model} hears it. Highest: {', '.join(best)}. {len(events)} events."
    )


def overview_png(timeline: Timeline) -> bytes:
    """The overview in the spectrograms' colours, low frequencies below, as far as it was heard."""
    return _png(timeline.overview)


def overview_s(timeline: Timeline) -> float:
    """How many seconds the overview spans, from the sound's beginning."""
    return timeline.overview.shape[1] * timeline.overview_step_s


def detail_png(sound: Sound, start_s: float, end_s: float) -> bytes:
    """The spectrogram of a stretch, frame by frame, in the same colours.

    Raises:
        AudioError: the stretch is no stretch of the sound, longer than :data:`MOST_DETAIL_S`, or
            cannot be read.
    """
    if not 0.0 <= start_s < end_s <= start_s + MOST_DETAIL_S:
        raise AudioError(
            f"a spectrogram from {start_s:g} s to {end_s:g} s was asked for; "
            f"ask for up to {MOST_DETAIL_S:g} s"
        )
    samples = audio.load(
        sound.path,
        start_s=start_s,
        duration_s=end_s - start_s,
        sample_rate=sound.predictor.sample_rate,
        silence_allowed=True,
    )
    return _png(sound.predictor.spectrogram(samples))


def _png(mel: NDArray[np.float32]) -> bytes:
    """Normalised log-mel (bands, frames) as a picture with a pixel for each value."""
    level = decibels(np.maximum(mel[::-1], _LEAST_MEL)).astype(np.float32)
    span = palette.DB_CEILING - palette.DB_FLOOR
    scaled = 255 * (level - palette.DB_FLOOR) / span
    image = Image.fromarray(np.clip(scaled, 0, 255).astype(np.uint8))
    image.putpalette(colour_table(palette.SPECTRUM, 256).tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def end_s(timeline: Timeline) -> float:
    """Where the time axis ends, in seconds: at the sound's end as far as that is known."""
    if timeline.done or timeline.total_s is None:
        return timeline.duration_s
    return max(timeline.total_s, timeline.duration_s)


def colour_table(name: str, count: int) -> NDArray[np.uint8]:
    """``count`` colours of one of Plotly's scales, (count, 3)."""
    sampled = plotly.colors.sample_colorscale(name, np.linspace(0.0, 1.0, count).tolist())
    rgb = [plotly.colors.unlabel_rgb(colour) for colour in sampled]
    return np.rint(np.array(rgb)).astype(np.uint8)


def _columns(
    timeline: Timeline, rows: Sequence[int], whole: bool
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Values (rows, columns) and borders (columns + 1,); on the way the highest of neighbours."""
    chosen = timeline.probabilities[:, list(rows)]
    values = np.rint((SILENT - 1) * np.clip(chosen, 0.0, 1.0)).astype(np.uint8)
    silent, borders = timeline.silent, timeline.cells()
    together = -(-len(values) // COLUMNS_ON_THE_WAY)
    if together > 1 and not whole:
        first = np.arange(0, len(values), together)
        values = np.maximum.reduceat(values, first, axis=0)
        silent = np.logical_and.reduceat(silent, first)
        borders = borders[[*first, -1]]
    values = np.where(silent[:, None], np.uint8(SILENT), values)
    return np.ascontiguousarray(values.T), borders


def _grid(heard: Heard) -> PatchGrid:
    """Where the bands lie, whatever the number of frames."""
    config = heard.sound.checkpoint.config
    return PatchGrid.of(config, heard.sound.checkpoint.front_end, config.frames)
