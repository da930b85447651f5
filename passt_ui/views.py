"""Values → the page's HTML. Everything that came from outside is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from passt_core.inference.analysis import ClipAnalysis
from passt_core.library.store import SoundLibrary
from passt_core.network.checkpoints import Checkpoint
from passt_core.network.registry import BUNDLED
from passt_ui.hand import Hand
from passt_ui.times import length


@dataclass(frozen=True, kw_only=True)
class Card:
    """One sound as a card: ``sound`` is a URL to play, ``choose`` an id to hand to the server.

    ``asks`` is the id of a sound that can be asked with; ``alike`` its similarity to what was
    asked, ``told`` what that means.
    """

    title: str
    lines: tuple[str, ...]
    picture: str
    key: str
    sound: str = ""
    choose: str = ""
    current: bool = False
    asks: str = ""
    alike: float | None = None
    told: str = ""


def cards(items: Iterable[Card], *, label: str, small: bool = False) -> str:
    """A list of cards, named ``label`` for screen readers."""
    rows = "".join(f"<li>{_card(item)}{_asks(item)}</li>" for item in items)
    size = " small" if small else ""
    return f'<ul class="passt-cards{size}" aria-label="{escape(label)}">{rows}</ul>'


def _card(card: Card) -> str:
    lines = "".join(f"<span>{escape(line)}</span>" for line in card.lines)
    attributes = f'data-key="{escape(card.key)}"'
    if card.sound:
        attributes += f' data-sound="{escape(card.sound)}" aria-pressed="false"'
    if card.choose:
        attributes += f' data-choose="{escape(card.choose)}"'
    if card.current:
        attributes += ' aria-current="true"'
    if card.alike is not None:
        attributes += f' data-alike="{card.alike:.4f}" data-told="{escape(card.told)}"'
    if not (card.sound or card.choose):
        attributes += " disabled"
    return (
        f'<button type="button" class="passt-card" {attributes}>'
        f"{_picture(card.picture)}"
        f'<span class="text"><b class="play">{escape(card.title)}</b>{lines}</span></button>'
    )


def _asks(card: Card) -> str:
    """Buttons that ask with a sound, below its card."""
    if not card.asks:
        return ""
    named = escape(card.asks)
    buttons = "".join(
        f'<button type="button" data-ask="{ask}" data-id="{named}" aria-label="{label}: {named}"'
        f' title="{what}">{sign}</button>'
        for ask, sign, label, what in (
            ("more_like", "more like this", "more like this", "Ask for nothing but this sound"),
            ("like", "+", "also like", "Ask for sounds that are also like this one"),
            ("unlike", "\N{MINUS SIGN}", "unlike", "Ask for sounds that are unlike this one"),
        )
    )
    return f'<span class="passt-asks">{buttons}</span>'


def _picture(uri: str) -> str:
    return f'<img src="{uri}" alt="">' if uri else ""


def class_bars(everything: ClipAnalysis, masked: ClipAnalysis, k: int) -> str:
    """The top classes with all patches and with the mask, on one scale from 0 to 100 %."""
    is_masked = masked is not everything
    rows = []
    for score in everything.top_k(k):
        other = masked.score(score.index).score
        change = ""
        if is_masked:
            change = f'<span class="change">{_change(score.score, other)}</span>'
        bars = _bar("all", "all patches", score.score)
        if is_masked:
            bars += _bar("mask", "with the mask", other)
        name = f'<span class="name"><span>{escape(score.label)}</span>{change}</span>'
        rows.append(f"<li>{name}{bars}</li>")
    key = '<span class="all"><i></i>all patches</span>'
    if is_masked:
        key += '<span class="mask"><i></i>with the mask</span>'
    return (
        f'<p class="passt-key">{key}</p><ol class="passt-bars">{"".join(rows)}</ol>'
        '<div class="passt-scale" aria-hidden="true">'
        "<span>0 %</span><span>50</span><span>100 %</span></div>"
    )


def _change(before: float, after: float) -> str:
    """What lies between two probabilities as they are shown, in percentage points."""
    points = round(100 * after) - round(100 * before)
    if not points:
        return "no change"
    sign = "+" if points > 0 else "\N{MINUS SIGN}"
    return f"{sign}{abs(points)} point{'' if abs(points) == 1 else 's'}"


def _bar(kind: str, name: str, value: float) -> str:
    percent = 100 * value
    return (
        f'<span class="track {kind}" role="img" aria-label="{name}: {percent:.0f} %">'
        f'<i style="width:{percent:.2f}%"></i></span><span class="value">{percent:.0f} %</span>'
    )


def token_stats(masked: ClipAnalysis) -> str:
    """Patches kept, sequence length and the encoder's work that is left."""
    grid = masked.grid
    kept = len(masked.kept)
    cells = [
        ("patches kept", f"{kept}", f"of {grid.patches}"),
        ("sequence", f"{masked.sequence_length}", f"of {masked.full_sequence_length} tokens"),
        ("encoder work", f"{100 * masked.flops_share:.0f} %", "of the FLOPs left"),
    ]
    body = "".join(
        f"<div><dt>{name}</dt><dd>{value}<small>{rest}</small></dd></div>"
        for name, value, rest in cells
    )
    return f'<dl class="passt-stats">{body}</dl>'


def veil_note(masked: ClipAnalysis) -> str:
    """How to read the veil on this model's grid."""
    grid = masked.grid
    size, stride = grid.config.patch, grid.config.stride_time
    if grid.overlaps:
        text = (
            f"Patches of {size} x {size} overlap (one every {stride}). A cell is veiled as far as "
            "the patches over it are taken: half a veil means that half of them are left."
        )
    else:
        text = f"Patches of {size} x {size} stand side by side: a veiled cell was taken whole."
    return how_to_read(
        f"{text} Tokens are removed after their positions were added; the spectrogram itself is "
        "not painted over. Training drops patches at random (that is Patchout); normal inference "
        "keeps all of them, so dropping them here is an exploration."
    )


def how_to_read(text: str) -> str:
    """A folded explanation behind an ⓘ."""
    return (
        '<details class="passt-how"><summary>How to read this</summary>'
        f"<p>{escape(text)}</p></details>"
    )


def summary(hand: Hand) -> str:
    """The spectrogram in words, for those who do not see it."""
    best = hand.window.top_k(3)
    heard = ", ".join(f"{score.label} {100 * score.score:.0f} %" for score in best)
    taken = len(hand.masked.dropped)
    mask = f" {taken} of {hand.window.grid.patches} patches are taken away." if taken else ""
    return (
        f"Log-mel spectrogram of {hand.title}, {hand.start_s:.1f} to {hand.end_s:.1f} seconds, "
        f"20 Hz to 15 kHz. Most probable: {heard}.{mask}"
    )


def heading(text: str) -> str:
    """A small heading of a panel."""
    return f'<h2 class="passt-heading">{escape(text)}</h2>'


def notice(message: str) -> str:
    """A sentence that says what went wrong and what to do; it stays until the next action."""
    return f'<div class="passt-notice" role="alert">{escape(message)}</div>'


def note(message: str) -> str:
    """A sentence that says why something is empty and how to fill it."""
    return f'<div class="passt-empty">{escape(message)}</div>'


def speaks(checkpoint: Checkpoint, library: SoundLibrary | None) -> str:
    """Which model speaks, what it was trained on and how good it is; and which library answers."""
    card = checkpoint.card
    parts = [f"{len(checkpoint.labels)} classes"]
    parts += [f"trained on {card['trained_on']}"] if card.get("trained_on") else []
    parts += [str(card["score"])] if card.get("score") else []
    if checkpoint.name == BUNDLED:
        parts.append("small, offline, not the official model")
    rest = " · ".join(escape(part) for part in parts)
    sounds = "no library that fits it"
    if library is not None:
        sounds = f"library <b>{escape(library.name)}</b>, {len(library.clips)} sounds"
    return (
        f'<p class="passt-speaks"><b>{escape(checkpoint.name)}</b> speaks: {rest}<br>{sounds}</p>'
    )


def clip_line(hand: Hand) -> str:
    """What is in hand, and of a long clip what the whole of it holds."""
    windows: Sequence[object] = hand.clip.windows
    title = f"<b>{escape(hand.title)}</b> · {length(hand.clip.duration_s)}"
    if len(windows) > 1:
        best = ", ".join(f"{escape(s.label)} {100 * s.score:.0f} %" for s in hand.clip.top_k(3))
        title += (
            f" · window {hand.position + 1} of {len(windows)}: {length(hand.start_s)} to "
            f"{length(hand.end_s)} · whole clip: {best}"
        )
    return f'<p class="passt-speaks">{title}</p>'
