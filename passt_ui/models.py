"""The list of models that the page offers."""

from __future__ import annotations

from pathlib import Path

from passt_core.network.checkpoints import official_path
from passt_core.network.registry import BUNDLED, OFFICIAL

OWN = "own"
"""Choice of the list that asks for a file."""


def model_choices(
    extra: str, *, own: bool, head: tuple[str, str] | None = None
) -> list[tuple[str, str]]:
    """Names of the models as the page lists them, with the visitor's own one.

    Args:
        extra: name or file of the model in hand.
        own: whether visitors may bring a file of their own.
        head: what a head that the visitor trained is called, and its value in the list.
    """
    official = [
        (f"{name} · {entry.score} · {_at_hand(name)}", name) for name, entry in OFFICIAL.items()
    ]
    choices = [("bundled · small, offline", BUNDLED), *([head] if head else []), *official]
    if extra not in {name for _, name in choices}:
        choices.append((f"{Path(extra).name} · a file", extra))
    if own:
        choices.append(("a checkpoint file of your own …", OWN))
    return choices


def _at_hand(name: str) -> str:
    if official_path(name).is_file():
        return "downloaded"
    size = OFFICIAL[name].size
    return f"to download, {size / 1e6:.0f} MB" if size else "to download"
