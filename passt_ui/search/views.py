"""Questions, answers and maps → HTML. Everything that came from outside is escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from passt_core.library.manifest import MapFacts
from passt_core.library.soundmap import JUDGED_NEIGHBOURS
from passt_core.library.store import SoundLibrary
from passt_ui.search.answer import Answer, loosen
from passt_ui.search.question import Part, Question
from passt_ui.views import heading, note


def asked(parts: Sequence[Part], question: Question) -> str:
    """All that is asked as chips, each with a cross; and the way back to the whole clip."""
    chips = "".join(f"<li>{_chip(part)}</li>" for part in parts)
    if not question.is_whole_clip:
        chips += (
            '<li><button type="button" class="passt-reset" data-ask="whole_clip" data-id="">'
            "reset to the whole clip</button></li>"
        )
    nothing = "" if parts else '<li class="passt-quiet">nothing yet</li>'
    return f'<ul class="passt-asked" aria-label="What is asked">{chips}{nothing}</ul>'


def _chip(part: Part) -> str:
    said = escape(f"{part.kind}: {part.name}")
    cross = ""
    if not part.lasting:
        cross = (
            f'<button type="button" data-ask="without" data-id="{escape(part.key)}" '
            f'aria-label="Take away: {said}" title="Take away">\N{MULTIPLICATION SIGN}</button>'
        )
    kind = "unlike" if part.kind == "unlike" else "like" if part.kind == "like" else "within"
    return f'<span class="passt-chip {kind}"><span>{said}</span>{cross}</span>'


def left(count: int, library: SoundLibrary) -> str:
    """How many sounds come into the search."""
    everything = len(library.clips)
    if count == everything:
        return told(f"All {everything} sounds of {library.name} are asked.")
    return told(f"{count} of {everything} sounds of {library.name} are left.")


def found(answer: Answer, question: Question) -> str:
    """Heading of what was found."""
    sounds = len(answer.hits)
    what = "your clip" if question.is_whole_clip else "what is asked"
    return heading(f"Most like {what}: {sounds} sound{'' if sounds == 1 else 's'}")


def summary(answer: Answer | None) -> str:
    """The map in words."""
    return _quiet(answer.among()) if answer else ""


def likeness(answer: Answer) -> str:
    """The histogram in words."""
    among = answer.likeness
    low, middle, high = (among.percentile(percent) for percent in (0, 50, 100))
    told = (
        f"Histogram of how alike the {among.count} sounds of {answer.library.name} are to "
        f"{answer.title}: from {low:.2f} to {high:.2f}, half of them below {middle:.2f}."
    )
    if answer.hits:
        first, last = answer.hits[0].similarity, answer.hits[-1].similarity
        told += f" The {len(answer.hits)} that were found lie from {last:.2f} to {first:.2f}."
    return told


def map_facts(library: SoundLibrary) -> str:
    """How a map was made and how good it is, each figure with what it means."""
    facts = library.manifest.map
    cells = [
        ("neighbours", f"{facts.neighbours}", "of each sound, that UMAP kept together"),
        ("min_dist", f"{facts.min_dist:g}", "how near two sounds may lie: 0 packs them tightly"),
        *_quality(facts),
    ]
    if facts.placed:
        cells.append(
            ("placed later", f"{facts.placed}", "put among their neighbours, without UMAP")
        )
    body = "".join(
        f"<div><dt>{name}</dt><dd>{value}<small>{what}</small></dd></div>"
        for name, value, what in cells
    )
    return f'<dl class="passt-stats passt-facts">{body}</dl>'


def _quality(facts: MapFacts) -> list[tuple[str, str, str]]:
    if facts.trustworthiness is None or facts.preservation is None:
        return [("quality", "unknown", "it was not measured for this map")]
    of = f"of {facts.judged} sounds"
    near = min(JUDGED_NEIGHBOURS, (facts.judged - 1) // 2)
    return [
        (
            "trustworthiness",
            f"{facts.trustworthiness:.3f}",
            f"1: what lies together is alike; {of}",
        ),
        (
            "neighbours kept",
            f"{100 * facts.preservation:.0f} %",
            f"of the {near} sounds most like each, so many are its nearest here; {of}",
        ),
    ]


def nothing_left(question: Question) -> str:
    """In place of hits, where the filter leaves no sound."""
    return note(loosen(question.within))


def told(text: str) -> str:
    """A quiet line that is also read out."""
    return _quiet(text, "status")


def _quiet(text: str, role: str = "") -> str:
    said = f' role="{role}"' if role else ""
    return f'<p class="passt-quiet"{said}>{escape(text)}</p>'
