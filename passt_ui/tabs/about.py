"""The About tab: what this is, which model speaks, where the sounds come from."""

from __future__ import annotations

from html import escape

import gradio as gr

from passt_core.network.checkpoints import Checkpoint
from passt_core.network.registry import BUNDLED
from passt_ui.services import Services, Visitor

LABELS_SHOWN = 60


def build(services: Services) -> gr.HTML:
    """Lay the tab out; the text follows the model in hand."""
    return gr.HTML(about(services.first), elem_id="about", apply_default_css=False)


def about(visitor: Visitor) -> str:
    """What the page says of itself and of the model in hand."""
    checkpoint = visitor.predictor.checkpoint
    rows = "".join(
        f"<dt>{name}</dt><dd>{escape(str(value))}</dd>" for name, value in _facts(visitor)
    )
    return (
        '<div class="passt-about"><h2>What this is</h2>'
        "<p>See and hear what an audio transformer makes of a sound. The model is "
        '<a href="https://arxiv.org/abs/2110.05069">PaSST</a> (Koutini et al. 2021): it looks at '
        "a spectrogram in patches of 16 x 16 cells and, while it is trained, drops some of them at "
        "random. That is <b>Patchout</b>: it makes training several times cheaper and works "
        "against overfitting. Here you drop patches yourself, and watch and hear what is left.</p>"
        f"<h2>The model: {escape(checkpoint.name)}</h2><dl>{rows}</dl>"
        f"<h2>The library</h2><p>{escape(_library(visitor))}</p>"
        "<h2>What happens to your clip</h2>"
        "<p>It is analysed where this app runs, kept for this visit, and deleted within a day or "
        "two. It is sent nowhere else.</p></div>"
    )


def _facts(visitor: Visitor) -> list[tuple[str, str]]:
    checkpoint: Checkpoint = visitor.predictor.checkpoint
    config, card = checkpoint.config, checkpoint.card
    parameters = sum(p.numel() for p in checkpoint.network.parameters()) / 1e6
    labels = "; ".join(checkpoint.labels[:LABELS_SHOWN])
    more = len(checkpoint.labels) - LABELS_SHOWN
    said = [
        (name.replace("_", " "), str(card[name]))
        for name in ("trained_on", "score", "licence")
        if card.get(name)
    ]
    return [
        *said,
        (
            "network",
            (
                f"{config.depth} blocks of {config.dim}, {config.heads} heads, "
                f"{parameters:.1f} million parameters"
            ),
        ),
        (
            "patches",
            (
                f"{config.patch} x {config.patch}, one every {config.stride_time} frames and "
                f"{config.stride_freq} bands: {config.grid[0]} rows x {config.grid[1]} columns"
            ),
        ),
        (
            "listens to",
            (
                f"{visitor.predictor.window_s:g} s at a time, "
                f"{visitor.predictor.sample_rate // 1000} kHz mono"
            ),
        ),
        ("classes", labels + (f"; and {more} more" if more > 0 else "")),
        ("SHA-256", f"{checkpoint.sha256[:16]}…"),
    ]


def _library(visitor: Visitor) -> str:
    library = visitor.library
    if library is None:
        return visitor.library_problem
    labels = len({clip.label for clip in library.clips})
    text = f"{library.name}: {len(library.clips)} sounds of {labels} kinds."
    if library.name == BUNDLED:
        text += " All of them are synthesised by this project's own code and free to use (CC0)."
    return text
