"""The About tab: what this is, which model speaks, where the sounds come from."""

from __future__ import annotations

import gradio as gr

from passt_core.network.checkpoints import Checkpoint
from passt_ui.services import Services, Visitor


def build(services: Services) -> gr.Markdown:
    """Lay the tab out; the text about the model follows the model in hand."""
    with gr.Column(elem_classes=["passt-colophon"]):
        text = gr.Markdown(about(services.first))
    return text


def about(visitor: Visitor) -> str:
    """What the page says of itself and of the model in hand."""
    checkpoint = visitor.predictor.checkpoint
    return (
        "## PaSST Explorer\n"
        "See and hear what an audio transformer makes of a sound. The model is "
        "[PaSST](https://arxiv.org/abs/2110.05069) (Koutini et al. 2021): a transformer that "
        "looks at a spectrogram in patches of 16 x 16 and, while it is trained, drops some of them "
        "at random. That is **Patchout**: it makes training several times cheaper, and it works "
        "against overfitting. Here you can drop patches yourself, and watch and hear what is left."
        f"\n\n## The model: {checkpoint.name}\n{_table(visitor)}\n"
        f"\nClasses: {', '.join(checkpoint.labels[:60])}"
        f"{' …' if len(checkpoint.labels) > 60 else ''}\n\n"
        "## The library\n"
        f"{_library(visitor)}\n\n"
        "## What happens to your clip\n"
        "It is analysed where this app runs, kept for this visit, and deleted within a day. "
        "Nothing is sent anywhere else."
    )


def _table(visitor: Visitor) -> str:
    checkpoint: Checkpoint = visitor.predictor.checkpoint
    config, card = checkpoint.config, checkpoint.card
    parameters = sum(p.numel() for p in checkpoint.network.parameters())
    rows = [
        ("trained on", card.get("trained_on", "not said")),
        ("score", card.get("score", "not said")),
        ("licence", card.get("licence", "not said")),
        (
            "network",
            f"{config.depth} blocks of {config.dim}, {config.heads} heads, "
            f"{parameters / 1e6:.1f} million parameters",
        ),
        (
            "patches",
            f"{config.patch} x {config.patch}, one every {config.stride_time} frames and "
            f"{config.stride_freq} bands; {config.grid[0]} x {config.grid[1]} at most",
        ),
        (
            "listens to",
            f"{visitor.predictor.window_s:g} s at a time, "
            f"{visitor.predictor.sample_rate // 1000} kHz mono",
        ),
        ("SHA-256", f"`{checkpoint.sha256[:16]}…`"),
    ]
    return "\n| | |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in rows)


def _library(visitor: Visitor) -> str:
    library = visitor.library
    if library is None:
        return visitor.library_problem
    labels = len({clip.label for clip in library.clips})
    return (
        f"**{library.name}**: {len(library.clips)} sounds of {labels} kinds, all of them "
        "synthesised by this project's own code and free to use (CC0)."
        if library.name == "bundled"
        else f"**{library.name}**: {len(library.clips)} sounds of {labels} kinds."
    )
