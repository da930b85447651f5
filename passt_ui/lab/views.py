"""Values of the Lab → HTML. Everything that came from outside is escaped here."""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape

import numpy as np

from passt_core.lab.heard import Heard
from passt_core.lab.judge import HEAD, Judgement, wilson
from passt_core.lab.probe import Probed
from passt_core.library.manifest import BUNDLED_SOUNDS
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.registry import BUNDLED
from passt_ui.lab.sounds import LabelledSounds
from passt_ui.lab.visit import OwnHead
from passt_ui.views import note

CONFUSIONS = 8
_SHOWN = 5

Cell = tuple[str, str, str]
"""What a figure is called, the figure, and what it means."""


def about_sounds(sounds: LabelledSounds, checkpoint: Checkpoint) -> str:
    """How many sounds of how many kinds, how many of them the model knows, what was left out."""
    counts = sounds.counts
    known = sum(label in set(checkpoint.labels) for label in counts)
    fewest = min(counts.values())
    amount = f"{_count(len(sounds.clips), 'sound')} of {_count(len(counts), 'kind')}"
    parts = [
        f"{amount}, {fewest} or more of each",
        f"{checkpoint.name} knows {known if known < len(counts) else 'all'} of these kinds",
    ]
    parts += [f"{n} {reason}" for reason, n in sounds.skipped.items()]
    return f'<p class="passt-quiet" role="status">{escape("; ".join(parts))}.</p>'


def progress(text: str, share: float | None = None) -> str:
    """A bar and a line; without a share, the bar only says that something goes on."""
    value = "" if share is None else f' value="{min(1.0, max(0.0, share)):.3f}"'
    said = escape(text)
    return (
        f'<div class="passt-progress"><progress aria-label="{said}"{value}></progress>{said}</div>'
    )


def result_line(judged: Judgement, sounds: LabelledSounds, checkpoint: Checkpoint) -> str:
    """Who was judged on what, and how."""
    if judged.by == HEAD:
        how = f"by its head, among the {_count(len(judged.labels), 'class', 'es')} that it knows"
    else:
        how = "by its embeddings: each sound is called what its nearest other sound is"
    left = f"; {_count(judged.left_out, 'sound')} not judged" if judged.left_out else ""
    return (
        f'<p class="passt-speaks"><b>{escape(checkpoint.name)}</b> on '
        f"<b>{escape(sounds.name)}</b>, {_count(len(judged), 'sound')}, {escape(how)}{left}</p>"
    )


def trained_on_these(own: OwnHead) -> str:
    """A warning that a head is judged on what it was trained on."""
    held = f"{100 * own.probed.last.validation_accuracy:.0f} %"
    return note(
        f"{own.name} was trained on these sounds, so this flatters it. "
        f"On those held out while it was trained it had {held}."
    )


def learnt_from_these(checkpoint: Checkpoint, sounds: LabelledSounds) -> str:
    """A warning that the bundled model learnt from sounds like the bundled ones; else empty."""
    ours = all(clip.path.is_relative_to(BUNDLED_SOUNDS) for clip in sounds.clips)
    if checkpoint.name != BUNDLED or not ours:
        return ""
    made = "other sounds of the same making"
    return note(f"{checkpoint.name} learnt from {made} among others, so this flatters it.")


def figures(judged: Judgement) -> str:
    """The scores in a row, each with what it means."""
    right = int(np.diag(judged.confusion).sum())
    cells: list[Cell] = [
        (
            "called right",
            _percent(judged.accuracy),
            f"{right} of {len(judged)} · {_interval(judged.accuracy_interval)}",
        )
    ]
    if judged.accuracy_all is not None:
        cells.append(
            ("among all classes", _percent(judged.accuracy_all), "if it may also say any other")
        )
    cells += [
        ("in the first three", _percent(judged.top_3), "right class among the three surest"),
        (
            "average precision",
            _decimal(judged.mean_average_precision),
            "mAP: 1 if each class's sounds come first in its ranking",
        ),
        ("nearest is alike", _percent(judged.recall_at_1), "R@1: the nearest other sound"),
        ("ten nearest", _decimal(judged.map_at_10), "mAP@10: 1 if like sounds come first"),
    ]
    return _row(cells)


def trained_figures(probed: Probed) -> str:
    """What came of a training, in a row."""
    last, held = probed.last, len(probed.validation)
    right = round(last.validation_accuracy * held)
    return _row(
        [
            (
                "right, held out",
                _percent(last.validation_accuracy),
                f"{right} of {held} · {_interval(wilson(right, held))}",
            ),
            ("right, in training", _percent(last.train_accuracy), f"of {len(probed.train)} sounds"),
            ("loss, held out", f"{last.validation_loss:.3f}", "nats per sound; 0 is perfect"),
            ("weight decay", f"{probed.decay:g}", "lowest held-out loss of those tried"),
            ("epochs", f"{len(probed.curve)}", "all sounds, seen so many times"),
        ]
    )


def _row(cells: Iterable[Cell]) -> str:
    body = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(rest)}</small></dd></div>"
        for name, value, rest in cells
    )
    return f'<dl class="passt-stats passt-scores">{body}</dl>'


def class_bars(judged: Judgement) -> str:
    """Every class as a button with a bar: the share of its sounds that was found."""
    counts = judged.confusion.sum(axis=1)
    order = np.argsort(np.nan_to_num(judged.recalls, nan=2.0), kind="stable")
    rows = []
    for index in order:
        label, total = judged.labels[index], int(counts[index])
        if not total:
            continue
        found = int(judged.confusion[index, index])
        rows.append(
            f'<li><button type="button" data-choose="{index}:" '
            f'aria-label="{escape(label)}: {found} of {total} found; hear them">'
            f'<span class="name"><span>{escape(label)}</span><span class="change">{found} of '
            f'{total}</span></span><span class="track all"><i style="width:'
            f'{100 * found / total:.1f}%"></i></span></button></li>'
        )
    return f'<ul class="passt-classes" aria-label="Classes, the worst first">{"".join(rows)}</ul>'


def confusions(judged: Judgement) -> str:
    """The largest confusions as buttons."""
    place = {label: index for index, label in enumerate(judged.labels)}
    rows = [
        f'<li><button type="button" data-choose="{place[one.label]}:{place[one.said]}">'
        f"{escape(one.label)} <span>called</span> {escape(one.said)} "
        f"<span>{one.clips} of {one.of}</span></button></li>"
        for one in judged.largest_confusions(CONFUSIONS)
    ]
    if not rows:
        return note("Nothing was taken for anything else.")
    return f'<ol class="passt-confusions" aria-label="Largest confusions">{"".join(rows)}</ol>'


def unreadable(heard: Heard, sounds: LabelledSounds) -> str:
    """Sounds that could not be heard, and why; empty if there are none."""
    bad = heard.unreadable
    if not bad:
        return ""
    items = "".join(
        f"<li>{escape(sounds.title(one.clip))}: {escape(one.reason)}</li>" for one in bad[:_SHOWN]
    )
    more = f"<li>and {len(bad) - _SHOWN} more</li>" if len(bad) > _SHOWN else ""
    return (
        f'<details class="passt-how"><summary>{_count(len(bad), "sound")} could not be read'
        f"</summary><ul>{items}{more}</ul></details>"
    )


def matrix_summary(judged: Judgement) -> str:
    """The matrix in words, for those who do not see it."""
    largest = judged.largest_confusions(3)
    told = "; ".join(f"{one.label} called {one.said}, {one.clips} of {one.of}" for one in largest)
    return (
        f"Confusion matrix of {len(judged.labels)} classes and {len(judged)} sounds, "
        f"{_percent(judged.accuracy)} called right. Largest confusions: {told or 'none'}. "
        "Arrow keys move over the cells, Enter plays what is in one."
    )


def _percent(share: float) -> str:
    """Whole percents; 100 only where nothing is missing."""
    if math.isnan(share):
        return "–"
    whole = f"{100 * share:.0f}"
    return (
        f"{math.floor(1000 * share) / 10:.1f} %" if whole == "100" and share < 1 else f"{whole} %"
    )


def _decimal(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}".removeprefix("0")


def _interval(between: tuple[float, float]) -> str:
    low, high = (100 * share for share in between)
    return f"95 % sure of {low:.0f} to {high:.0f}"


def _count(number: int, noun: str, plural: str = "s") -> str:
    return f"{number} {noun}{'' if number == 1 else plural}"
