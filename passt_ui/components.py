"""The page's own components: gr.HTML hosting Plotly from the installed package, no CDN."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import plotly

WEB = Path(__file__).parent / "web"
SCRIPTS = (
    Path(plotly.__file__).parent / "package_data" / "plotly.min.js",
    WEB / "packed.js",
    WEB / "player.js",
    WEB / "plots.js",
    WEB / "stretch.js",
    WEB / "spectrogram.js",
    WEB / "mapdata.js",
    WEB / "playlist.js",
    WEB / "mapcanvas.js",
    WEB / "maptraces.js",
    WEB / "maplegend.js",
    WEB / "soundmap.js",
    WEB / "cards.js",
    WEB / "likeness.js",
    WEB / "matrix.js",
    WEB / "curves.js",
)
STYLES = (WEB / "passt.css", WEB / "soundmap.css", WEB / "search.css")


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
    <div class="passt-band" hidden></div>
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
  <div class="passt-tools passt-stretch" role="group" aria-label="A stretch of the clip">
    <span class="times" role="status"></span>
    <button type="button" class="passt-play" data-part="stretch" aria-pressed="false"
      disabled>stretch</button>
    <button type="button" class="passt-play search" disabled>search this stretch</button>
    <button type="button" class="passt-play clear" disabled>no stretch</button>
  </div>
</div>
"""
_LIKENESS = """
<div class="passt-likeness">
  <figure class="passt-figure" role="img" aria-label="How alike the library's sounds are">
    <div class="passt-plot"></div>
  </figure>
  <p class="passt-told passt-quiet"></p>
</div>
"""
MAP = """
<div class="passt-map">
  <div class="passt-bar">
    <label>Colour <select name="colouring">
      <option value="label">label</option>
      <option value="family">family</option>
      <option value="cluster">cluster</option>
      <option value="likeness">similarity to what is asked</option>
    </select></label>
    <span class="passt-segments" role="group" aria-label="What dragging does">
      <button type="button" data-drag="pan" aria-pressed="true">Move</button>
      <button type="button" data-drag="lasso" aria-pressed="false">Lasso</button>
      <button type="button" data-drag="select" aria-pressed="false">Box</button>
    </span>
    <span class="passt-segments" role="group" aria-label="Zoom">
      <button type="button" data-zoom="0.6" aria-label="Nearer">+</button>
      <button type="button" data-zoom="1.6" aria-label="Further">−</button>
      <button type="button" data-zoom="whole">Whole</button>
    </span>
    <label><input type="checkbox" name="hovers"> hear on hover</label>
    <label><input type="checkbox" name="dims" checked> dim the rest</label>
  </div>
  <div class="passt-figure passt-field" tabindex="0" role="application" aria-roledescription="map"
    aria-label="${label}" aria-describedby="${id}-keys">
    <canvas></canvas>
    <div class="passt-plot"></div>
    <i class="passt-here" hidden></i><i class="passt-now" hidden></i>
    <div class="passt-tip" aria-hidden="true" hidden><p class="box"></p></div>
    <p class="passt-empty" role="status" hidden></p>
  </div>
  <p class="passt-keys" id="${id}-keys">Arrow keys walk from sound to sound, space plays,
    Enter opens, L puts into the list, Escape leaves.</p>
  <section class="passt-picked" aria-label="Sounds picked on the map" hidden>
    <div class="passt-bar">
      <button type="button" data-part="back" aria-label="Previous sound">◀◀</button>
      <button type="button" class="passt-play" data-part="toggle" aria-pressed="false">all</button>
      <button type="button" data-part="next" aria-label="Next sound">▶▶</button>
      <span class="count" role="status"></span>
      <button type="button" data-part="clear">Clear</button>
    </div>
    <ol></ol>
  </section>
  <details class="passt-key-box" open><summary>Legend</summary>
    <div class="passt-legend" role="group" aria-label="Press one to hide its sounds"></div>
  </details>
</div>
"""


_MATRIX = """
<div class="passt-matrix">
  <div class="passt-figure passt-grid" role="group" aria-roledescription="confusion matrix"
    aria-label="${empty}">
    <div class="passt-plot"></div>
    <p class="passt-empty">${empty}</p>
  </div>
  <p class="passt-readout" aria-live="polite"></p>
</div>
"""
_CURVES = """
<div class="passt-curves">
  <p class="passt-key" hidden><span class="train"><i></i>training</span>
    <span class="held"><i></i>held out</span></p>
  <div class="passt-pair">
    <figure class="passt-figure" role="img" aria-label="Loss by epoch" data-plot="loss">
      <div class="passt-plot"></div></figure>
    <figure class="passt-figure" role="img" aria-label="Accuracy by epoch" data-plot="accuracy">
      <div class="passt-plot"></div></figure>
  </div>
  <p class="passt-empty">${empty}</p>
</div>
"""


def spectrogram(elem_id: str) -> gr.HTML:
    """The spectrogram; ``value``, ``veil``, ``sounds`` and ``stretch`` are its props.

    The first two are JSON in a string: Gradio copies its props at every touch of the page, and
    a string is copied at once. Empty: there is no clip, no veil.

    The browser asks for the mask's sounds with a ``listen`` event, and for a search with a part of
    the clip with a ``stretch`` event: ``start`` and ``end`` in seconds of the clip. The prop
    ``stretch`` is the part that is asked with, as ``start,end``; empty: none.
    """
    return gr.HTML(
        value="",
        html_template=_SPECTROGRAM,
        js_on_load="passt.spectrogram(element, props, watch, trigger, 'listen', 'stretch');",
        head=script_tags(),
        apply_default_css=False,
        elem_id=elem_id,
        veil="",
        sounds=None,
        stretch="",
    )


def soundmap(value: dict[str, str], *, label: str, elem_id: str) -> gr.HTML:
    """The map of a library: ``value`` is what :func:`passt_ui.mapdata.urls` says, or empty.

    With it goes ``query``, what is asked, as JSON in a string; empty: nothing. ``select`` fires
    with the id of a sound that was chosen, ``pick`` with the ids of those in the list.
    """
    return gr.HTML(
        value=value,
        html_template=MAP.replace("${label}", label).replace("${id}", elem_id),
        js_on_load="passt.soundmap(element, props, watch, trigger, 'pick');",
        head=script_tags(),
        apply_default_css=False,
        elem_id=elem_id,
    )


def card_list(value: str, *, elem_id: str) -> gr.HTML:
    """Cards; ``select`` fires with the id of the one chosen, ``ask`` with ``ask`` and an ``id``."""
    return gr.HTML(
        value=value,
        js_on_load="passt.cards(element, props, watch, trigger, 'ask');",
        head=script_tags(),
        apply_default_css=False,
        elem_id=elem_id,
    )


def likeness(elem_id: str) -> gr.HTML:
    """How alike the library's sounds are to what was asked, and where the card in hand is.

    Its value is JSON in a string: ``figure``, the ``summary`` and what is ``told`` of the best hit.
    """
    return gr.HTML(
        value="",
        html_template=_LIKENESS,
        js_on_load="passt.likeness(element, props, watch);",
        head=script_tags(),
        apply_default_css=False,
        elem_id=elem_id,
    )


def matrix(elem_id: str, *, empty: str) -> gr.HTML:
    """The confusion matrix; ``select`` fires with ``row:column``, ``chosen`` marks a cell.

    Its value is JSON in a string: Gradio sends what changed within a list, and that goes wrong.

    Args:
        elem_id: of the element.
        empty: what stands there while there is none.
    """
    return gr.HTML(
        value="",
        html_template=_MATRIX.replace("${empty}", empty),
        js_on_load="passt.matrix(element, props, watch, trigger);",
        head=script_tags(),
        apply_default_css=False,
        elem_id=elem_id,
        chosen=None,
    )


def curves(elem_id: str, *, empty: str) -> gr.HTML:
    """Loss and accuracy of a training; ``empty`` stands there while there are none."""
    return gr.HTML(
        value="",
        html_template=_CURVES.replace("${empty}", empty),
        js_on_load="passt.curves(element, props, watch);",
        head=script_tags(),
        apply_default_css=False,
        elem_id=elem_id,
    )
