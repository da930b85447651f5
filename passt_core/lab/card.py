"""A model's card as Markdown, from what its training knows and what its maker says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from passt_core.lab.train import Trained

_OWN = frozenset({"recipe", "classes", "validation", "command", "title", "trained_on"})
"""What has a place of its own on the card; all else is a line of its table."""


def as_markdown(trained: Trained, card: Mapping[str, Any]) -> str:
    """The card: data, classes with their clips, recipe, scores and command.

    Args:
        trained: the result.
        card: what its maker says, which is right where both speak.
    """
    told = {**trained.card(), **card}
    return "\n".join(
        [
            f"# {told.get('title', 'A PaSST')}",
            "",
            *_table(trained, told),
            *_data(told),
            *_scores(told),
            *_fenced("Command", "", str(told.get("command", ""))),
            *_fenced("Recipe", "yaml", yaml.safe_dump(dict(told["recipe"]), sort_keys=False)),
        ]
    )


def _table(trained: Trained, told: Mapping[str, Any]) -> Iterator[str]:
    shape = trained.network.config
    size = sum(parameter.numel() for parameter in trained.network.parameters())
    network = f"PaSST, dim {shape.dim}, {shape.depth} blocks, {shape.heads} heads"
    yield from ("| | |", "|---|---|")
    yield f"| network | {network}, {size / 1e6:.2f} M parameters |"
    yield f"| classes | {len(trained.labels)}, {trained.config.activation} |"
    for name, value in told.items():
        if name not in _OWN:
            yield f"| {_cell(name.replace('_', ' '))} | {_cell(value)} |"
    yield ""


def _data(told: Mapping[str, Any]) -> Iterator[str]:
    yield from ("## Data", "", f"Trained on {told.get('trained_on', 'what is not said')}.", "")
    if classes := told.get("classes"):
        yield from ("| class | clips |", "|---|---|")
        yield from (f"| {_cell(label)} | {clips} |" for label, clips in classes.items())
        yield ""


def _scores(told: Mapping[str, Any]) -> Iterator[str]:
    scores = dict(told.get("validation", {}))
    if not scores:
        return
    epoch = scores.pop("epoch", None)
    when = "" if epoch is None else f", after epoch {epoch}"
    yield from ("## Scores", "", f"Of these weights on the validation clips{when}.", "")
    yield from ("| score | |", "|---|---|")
    yield from (f"| {_cell(name)} | {value:.3f} |" for name, value in scores.items())
    yield ""


def _fenced(title: str, language: str, text: str) -> Iterator[str]:
    if text:
        yield from (f"## {title}", "", f"```{language}", text.rstrip(), "```", "")


def _cell(value: object) -> str:
    return " ".join(str(value).replace("|", "\\|").split())
