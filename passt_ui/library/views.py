"""Values of the Library tab → HTML. Everything that came from outside is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from types import MappingProxyType

from passt_core.library.store import SoundLibrary
from passt_core.library.tables import State
from passt_core.network.registry import BUNDLED
from passt_ui.lab.views import progress
from passt_ui.library.facts import GOOD, LibraryFacts
from passt_ui.library.labels import titles
from passt_ui.library.listed import ListedLibrary, Owner
from passt_ui.library.uploads import Arrived
from passt_ui.views import Card, cards, note

__all__ = ["cards_of", "details", "progress", "question", "summary"]

SHOWN = 12
_WHOSE = MappingProxyType(
    {Owner.APP: "of this installation", Owner.STORED: "stored", Owner.OWN: "yours"}
)

Row = tuple[str, str]


def cards_of(found: Iterable[LibraryFacts], current: str) -> str:
    """A card for each library; the one in hand is marked."""
    listed = [_card(facts, facts.library.key == current) for facts in found]
    return cards(listed, label="Libraries: press one to take it in hand")


def _card(facts: LibraryFacts, current: bool) -> Card:
    manifest, library = facts.manifest, facts.library
    lines: tuple[str, ...] = (facts.health,)
    if manifest is not None:
        amount = f"{_count(manifest.count, 'sound')} · {_count(facts.labels, 'class', 'es')}"
        model = f"model {manifest.model}" if facts.fits else f"of another model: {manifest.model}"
        lines = (
            f"{amount} · {length(manifest.seconds)}",
            f"{model} · {size(facts.own_bytes + facts.sound_bytes)}",
            f"{_whose(library)}{_health(facts)}",
        )
    return Card(
        title=library.name,
        lines=lines,
        picture=facts.picture,
        key=f"libraries:{library.key}",
        choose=library.key,
        current=current,
    )


def _whose(library: ListedLibrary) -> str:
    shipped = library.owner is Owner.APP and library.name == BUNDLED
    return "comes with the app" if shipped else _WHOSE[library.owner]


def _health(facts: LibraryFacts) -> str:
    return f" · health: {facts.health}" if facts.health else ""


def details(facts: LibraryFacts, problem: str) -> str:
    """All that is known of the library in hand, and why it cannot be used if so."""
    manifest = facts.manifest
    told = note(problem) if problem else ""
    if manifest is None:
        return told
    quality = manifest.map
    left = [(state, facts.states.get(state, 0)) for state in State if state is not State.IN]
    rows: list[tuple[str, str, str]] = [
        ("sounds", str(manifest.count), _left_out(left)),
        ("classes", str(facts.labels), "different labels" if facts.labels else "no labels given"),
        ("length", length(manifest.seconds), "of all clips together"),
        ("on disk", size(facts.own_bytes), f"and {size(facts.sound_bytes)} of sounds"),
        ("model", manifest.model, manifest.weights_sha256[:8] + "…"),
        ("index", facts.index or "–", "how neighbours are found"),
        ("map", _trust(quality.trustworthiness), _kept(quality.preservation)),
        ("changed", manifest.changed[:10], f"{manifest.changed[11:16]} UTC"),
        ("health", facts.health or "–", "files against their checksums"),
    ]
    cells = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(rest)}</small></dd></div>"
        for name, value, rest in rows
    )
    unwell = "" if facts.health in ("", GOOD) else " unwell"
    return f'{told}<dl class="passt-stats passt-library{unwell}">{cells}</dl>'


def _left_out(left: Sequence[tuple[State, int]]) -> str:
    words = {State.SKIPPED: "skipped", State.COPY: "copies", State.REMOVED: "removed"}
    told = ", ".join(f"{count} {words[state]}" for state, count in left if count)
    return told or "nothing left out"


def _trust(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _kept(value: float | None) -> str:
    return "" if value is None else f"trustworthiness; {100 * value:.0f} % of neighbours kept"


def summary(library: SoundLibrary, arrived: Arrived | None, done: str) -> str:
    """What came of a build: how much, of what, and what was left out and why."""
    labels = {clip.label for clip in library.clips if clip.label}
    told = (
        f"<b>{escape(library.name)}</b> {escape(done)}: {_count(len(library.clips), 'clip')}, "
        f"{_count(len(labels), 'label')}, {length(library.manifest.seconds)}. "
        "It is the library in hand."
    )
    called: dict[str, str] = {}
    for root in library.roots:
        called |= titles(root)
    skipped, copies = _left(library, called)
    skipped = [*(arrived.left_out if arrived else ()), *skipped]
    return (
        f'<div role="status"><p class="passt-speaks">{told}</p>'
        f"{_folded('file', 'skipped', skipped)}{_folded('copy', 'left out', copies)}</div>"
    )


def _left(library: SoundLibrary, called: dict[str, str]) -> tuple[list[Row], list[Row]]:
    """Files that were skipped, and copies; each by the name that it had."""
    skipped, copies = [], []
    for record in library.files:
        name = called.get(record.file, record.file)
        if record.state is State.SKIPPED:
            reason = record.reason.replace(record.file, name)
            skipped.append((name, reason.removeprefix(f"{name} ").removeprefix(f"{name}: ")))
        elif record.state is State.COPY:
            copies.append((name, f"the same as {called.get(record.reason, record.reason)}"))
    return skipped, copies


def _folded(noun: str, what: str, rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    items = "".join(f"<li><b>{escape(n)}</b>: {escape(reason)}</li>" for n, reason in rows[:SHOWN])
    more = f"<li>and {len(rows) - SHOWN} more</li>" if len(rows) > SHOWN else ""
    amount = f"1 {noun}" if len(rows) == 1 else f"{len(rows)} {noun.replace('copy', 'copie')}s"
    return (
        f'<details class="passt-how" open><summary>{amount} {what}</summary>'
        f"<ul>{items}{more}</ul></details>"
    )


def question(library: ListedLibrary, count: int | None) -> str:
    """Whether a library shall really be deleted."""
    amount = "" if count is None else f", {_count(count, 'sound')}"
    whose = " Nobody will have it any more." if library.owner is Owner.STORED else ""
    return (
        f'<p class="passt-speaks" role="alert">Delete <b>{escape(library.name)}</b>{amount}, '
        f"with its sound files?{whose}</p>"
    )


def length(seconds: float) -> str:
    """How long sounds last: seconds below a minute, minutes below an hour, else hours."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def size(amount: int) -> str:
    """Bytes as kB, MB or GB."""
    for unit, power in (("GB", 9), ("MB", 6)):
        if amount >= 10**power:
            return f"{amount / 10**power:.1f} {unit}"
    return f"{amount / 1000:.0f} kB"


def _count(number: int, noun: str, plural: str = "s") -> str:
    return f"{number} {noun}{'' if number == 1 else plural}"
