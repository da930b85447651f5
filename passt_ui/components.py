"""The page's own components: gr.HTML hosting Plotly from the installed package, no CDN."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import plotly

WEB = Path(__file__).parent / "web"
SCRIPTS = (
    Path(plotly.__file__).parent / "package_data" / "plotly.min.js",
    WEB / "player.js",
    WEB / "plots.js",
    WEB / "spectrogram.js",
    WEB / "soundmap.js",
    WEB / "cards.js",
)
STYLES = WEB / "passt.css"


def file_url(path: Path) -> str:
    """Where the browser finds a file that the app serves, relative to the page."""
    return f"gradio_api/file={path}"


def script_tags() -> str:
    """The page's scripts, for a component's ``head``: loaded once, before the component starts."""
    return "".join(f'<script src="{file_url(path)}"></script>' for path in SCRIPTS)


_SPECTROGRAM = """
<div class="passt-spectrogram">
  <figure class="passt-figure" role="img" aria-label="Spectrogram">
    <div class="passt-plot"></div>
    <div class="passt-playhead" hidden></div>
  </figure>
  <p class="passt-readout" aria-hidden="true"></p>
  <div class="passt-tools">
    <button type="button" class="passt-play" data-part="clip" aria-pressed="false">clip</button>
    <button type="button" class="passt-play" data-part="left" aria-pressed="false"
      title="The sound of the patches that stay">what is left</button>
    <button type="button" class="passt-play" data-part="taken" aria-pressed="false"
      title="The sound of the patches that were taken">what was taken</button>
    <label><input type="checkbox" name="grid"> patch grid</label>
  </div>
</div>
"""
_MAP = """
<div class="passt-map"><figure class="passt-figure" role="img" aria-label="${label}">
  <div class="passt-plot"></div></figure>
  <div class="passt-legend" role="group" aria-label="Labels; press one to hide its sounds"></div>
</div>
"""


def spectrogram(elem_id: str) -> gr.HTML:
    """The spectrogram; ``value``, ``veil`` and ``sounds`` are its props, ``select`` its event.

    The browser asks for the mask's sounds with a ``listen`` event.
    """
    return gr.HTML(
        value={},
        html_template=_SPECTROGRAM,
        js_on_load="passt.spectrogram(element, props, watch, trigger, 'listen');",
        head=script_tags(),
        apply_default_css=False,
        elem_id=elem_id,
        veil=None,
        sounds=None,
    )


def soundmap(value: dict[str, Any], *, label: str, elem_id: str) -> gr.HTML:
    """The map of a library; ``query`` is a prop, ``select`` fires with a clip's id."""
    return gr.HTML(
        value=value,
        html_template=_MAP.replace("${label}", label),
        js_on_load="passt.soundmap(element, props, watch, trigger);",
        head=script_tags(),
        apply_default_css=False,
        elem_id=elem_id,
        query=None,
    )


def card_list(value: str, *, elem_id: str) -> gr.HTML:
    """Cards; ``select`` fires with the id of the one chosen."""
    return gr.HTML(
        value=value,
        js_on_load="passt.cards(element, props, watch, trigger);",
        head=script_tags(),
        apply_default_css=False,
        elem_id=elem_id,
    )
