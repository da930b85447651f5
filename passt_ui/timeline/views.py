"""A timeline → HTML. Everything that came from outside is escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from passt_core.inference.event_files import FORMATS
from passt_core.inference.events import Event, EventRule
from passt_core.inference.timeline import Timeline
from passt_ui.timeline.picture import key
from passt_ui.timeline.visit import Heard
from passt_ui.times import clock
from passt_ui.views import note

LISTED = 300
"""Events in the table; the downloads hold all."""


def line(heard: Heard) -> str:
    """What is in hand, and how and by whom it was heard."""
    timeline = heard.timeline
    count = len(timeline.starts)
    return (
        f'<p class="passt-speaks"><b>{escape(heard.sound.title)}</b> · '
        f"{clock(timeline.duration_s)} heard by <b>{escape(timeline.model)}</b> in {count} "
        f"window{'' if count == 1 else 's'} of {timeline.window_s:g} s, one every "
        f"{timeline.hop_s:g} s</p>"
    )


def on_the_way(timeline: Timeline, seconds: float) -> tuple[str, float | None]:
    """How far it is after so many seconds, and the share that was heard, if that is known."""
    heard, total = timeline.duration_s, timeline.total_s
    if total is None:
        return f"{clock(heard)} heard", None
    left = (total - heard) * seconds / heard if heard else 0.0
    about = f", about {_span(left)} left" if left >= 1 else ""
    return f"{clock(heard)} of {clock(total)} heard{about}", heard / total if total else None


def events(heard: Heard, found: Sequence[Event], rule: EventRule, url: str) -> str:
    """The events as a table; a row's button plays what it tells of."""
    if heard.timeline.silent.all():
        return note("Nothing but digital silence was heard until now.")
    if not found:
        none = "None of the chosen classes" if rule.classes else "No class"
        return note(
            f"{none} reaches {100 * rule.on:.0f} % for long enough. Lower the first threshold, "
            "or shorten the least length."
        )
    rows = "".join(
        f"<tr><td>{_button(event, number, url)}</td><td>{clock(event.start_s, 1)}</td>"
        f"<td>{clock(event.end_s, 1)}</td><td>{event.end_s - event.start_s:.1f} s</td>"
        f"<td>{100 * event.peak:.0f} %</td></tr>"
        for number, event in enumerate(found[:LISTED])
    )
    more = f" The first {LISTED} are listed; the files hold all." if len(found) > LISTED else ""
    return (
        f'<p class="passt-quiet" role="status">{_count(len(found), "event")} in '
        f"{escape(heard.sound.title)}.{more}</p>"
        '<div class="passt-events" tabindex="0" role="region" aria-label="Events"><table><thead>'
        '<tr><th scope="col">class</th><th scope="col">start</th><th scope="col">end</th>'
        f'<th scope="col">length</th><th scope="col">peak</th></tr></thead><tbody>{rows}</tbody>'
        "</table></div>"
    )


def downloads(url: str) -> str:
    """Links to the events as files, and to all probabilities."""
    forms = "".join(
        f'<a class="passt-play" href="{url}/events/{name}" download>{escape(form.title)}</a>'
        for name, form in FORMATS.items()
    )
    return (
        '<div class="passt-files"><span>Events as</span>'
        f'{forms}<a class="passt-play" href="{url}/probabilities" download>'
        "All probabilities (CSV)</a></div>"
    )


def _button(event: Event, number: int, url: str) -> str:
    start, end = event.start_s, event.end_s
    return (
        f'<button type="button" class="passt-play" aria-pressed="false" '
        f'data-key="{escape(key(url))}:event:{number}" '
        f'data-sound="{escape(url)}/sound#t={start:.3f},{end:.3f}" '
        f'data-event-start="{start:.3f}" data-event-end="{end:.3f}">{escape(event.label)}</button>'
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
