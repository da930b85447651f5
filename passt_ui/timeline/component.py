"""The Timeline tab's own components: what is heard along a sound, and what is heard just now."""

from __future__ import annotations

import gradio as gr

from passt_ui import components

SCRIPTS = tuple(
    components.WEB / name
    for name in (
        "timelinespectra.js",
        "timelineplot.js",
        "timeline.js",
        "timelinemic.js",
        "timelinelive.js",
    )
)
STYLE = components.WEB / "timeline.css"

_TIMELINE = """
<div class="passt-timeline empty">
  <div class="passt-figure passt-line-field" tabindex="0" role="application"
    aria-roledescription="timeline" aria-label="Timeline" aria-describedby="${id}-keys">
    <div class="passt-plot"></div>
    <div class="passt-playhead" hidden></div>
  </div>
  <p class="passt-readout" aria-hidden="true"></p>
  <div class="passt-bar">
    <button type="button" class="passt-play" data-part="sound" aria-pressed="false"
      disabled>sound</button>
    <span class="passt-segments" role="group" aria-label="Zoom">
      <button type="button" data-view="0.5" aria-label="Nearer">+</button>
      <button type="button" data-view="2" aria-label="Further">−</button>
      <button type="button" data-view="whole">Whole</button>
    </span>
    <span class="times" role="status" aria-live="off"></span>
    <span class="passt-heat" aria-label="Colours: probability from 0 to 1"><span>0</span><i></i
      ><span>1 probability</span></span>
    <span class="passt-heat"><i class="silent"></i><span>digital silence</span></span>
    <span class="passt-heat"><i class="event"></i><span>event</span></span>
  </div>
  <p class="passt-keys" id="${id}-keys">Click to hear from there; drag to zoom, the wheel too.
    Arrow keys go 5 s on or back, space plays, + and − zoom, 0 shows the whole.</p>
</div>
"""


def timeline(elem_id: str) -> gr.HTML:
    """The picture; its value is JSON in a string, as :func:`passt_ui.timeline.picture.payload`."""
    return gr.HTML(
        value="",
        html_template=_TIMELINE.replace("${id}", elem_id),
        js_on_load="passt.timeline(element, props, watch);",
        head=script_tags(),
        apply_default_css=False,
        elem_id=elem_id,
    )


def events(elem_id: str) -> gr.HTML:
    """The table of events, which keeps its place and its focus while it grows."""
    return gr.HTML(
        value="",
        js_on_load="passt.events(element, props, watch);",
        head=script_tags(),
        apply_default_css=False,
        elem_id=elem_id,
    )


_LIVE = """
<div class="passt-live empty">
  <p class="passt-notice" role="alert" hidden></p>
  <div class="passt-level">
    <button type="button" class="passt-play" aria-pressed="false" disabled>Listen</button>
    <span>level</span><span class="track" role="meter" aria-label="level" aria-valuemin="-60"
      aria-valuemax="0"><i></i><b></b></span><span class="value">–</span>
    <span class="rate" role="status"></span>
  </div>
  <ol></ol>
  <p class="passt-scale" aria-hidden="true" hidden><span>60 s ago</span><span>now</span></p>
  <span class="passt-heat" aria-label="Colours: probability from 0 to 1" hidden><span>0</span><i></i
    ><span>1 probability</span></span>
  <p class="passt-empty">Press Listen and let the browser use the microphone: what the model hears
    appears here while it hears it.</p>
</div>
"""


def live(elem_id: str) -> gr.HTML:
    """The microphone's picture; its value is JSON in a string, empty while nothing was heard.

    The browser hands blocks of sound on with a ``hear`` event: ``samples``, 16 bits in base64,
    their ``rate`` in Hz, and ``begins`` with the first block.
    """
    return gr.HTML(
        value="",
        html_template=_LIVE,
        js_on_load="passt.live(element, props, watch, trigger, 'hear');",
        head=script_tags(),
        apply_default_css=False,
        elem_id=elem_id,
    )


def script_tags() -> str:
    """The page's scripts and, after them, the tab's own."""
    own = "".join(f'<script src="{components.file_url(path)}"></script>' for path in SCRIPTS)
    return components.script_tags() + own
