"""What belongs to one visitor of the Timeline tab: a sound, what was heard of it, and the rule."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

from passt_core.errors import AudioError
from passt_core.inference.events import Event, EventRule, find_events
from passt_core.inference.predictor import Predictor
from passt_core.inference.timeline import Timeline
from passt_core.network.checkpoints import Checkpoint

CLASSES = 12
"""Rows of a timeline, where nothing else is asked for."""

_TOKEN_BYTES = 18
_GONE = "This sound is not in hand any more; reload the page, or drop it again."


@dataclass(frozen=True, kw_only=True)
class Look:
    """Which classes are shown: those that were chosen, or the ``k`` with the highest peaks."""

    k: int = CLASSES
    chosen: tuple[str, ...] = ()

    def rows(self, timeline: Timeline) -> list[int]:
        """Places in the head of the classes that are shown, from the top."""
        places = {label: index for index, label in enumerate(timeline.labels)}
        chosen = [places[label] for label in self.chosen if label in places]
        return chosen or timeline.top_classes(self.k)


@dataclass(frozen=True, kw_only=True, eq=False)
class Sound:
    """A sound and who listens: its file, what the page calls it, and the model."""

    path: Path
    title: str
    predictor: Predictor

    @property
    def checkpoint(self) -> Checkpoint:
        """The model's checkpoint."""
        return self.predictor.checkpoint


@dataclass(frozen=True, kw_only=True, eq=False)
class Heard:
    """A sound as far as it was heard.

    Attributes:
        sound: which one.
        number: of the visitor's sounds, counted from 1; another pace makes another one.
        version: of its snapshots, counted from 1.
        timeline: the snapshot.
    """

    sound: Sound
    number: int
    version: int
    timeline: Timeline

    def events(self, rule: EventRule) -> tuple[Event, ...]:
        """What the rule finds in it."""
        return find_events(self.timeline, rule)


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """A sound as far as it was heard, which of its classes are shown, and what is an event."""

    heard: Heard
    look: Look
    rule: EventRule


class TimelineVisit:
    """A visitor's Timeline tab; made once in a visit.

    One thread listens, others ask it to stop or look at what was heard. What is heard is handed
    on as values: whoever has one can go on with it.

    Attributes:
        token: what the browser knows the visitor's sounds by; it cannot be guessed.
        sound: the one in hand; None: none yet.
        heard: the same as far as it was heard; None: nothing of it yet.
        look: which classes are shown; rule: what counts as an event. Both may change meanwhile.
    """

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(_TOKEN_BYTES)
        self.sound: Sound | None = None
        self.heard: Heard | None = None
        self.look = Look()
        self.rule = EventRule()
        self._lock = threading.Lock()
        self._count = 0
        self._running: Listening | None = None

    def begin(
        self, sound: Sound, look: Look | None = None, rule: EventRule | None = None
    ) -> Listening:
        """Begin to listen to another sound; what was listened to until now ends."""
        with self._lock:
            if self._running is not None:
                self._running.stop()
            self._count += 1
            self._running = Listening(self._count, sound)
            self.sound, self.heard = sound, None
            self.look, self.rule = look or Look(), rule or EventRule()
            return self._running

    def hear(self, listening: Listening, timeline: Timeline) -> Seen | None:
        """Take a snapshot in hand; None: another sound was begun meanwhile, and it is let go."""
        with self._lock:
            if listening is not self._running:
                return None
            version = self.heard.version + 1 if self.heard else 1
            self.heard = Heard(
                sound=listening.sound, number=listening.number, version=version, timeline=timeline
            )
            return Seen(heard=self.heard, look=self.look, rule=self.rule)

    def seen(self) -> Seen | None:
        """What is in hand; None: nothing of a sound was heard yet."""
        with self._lock:
            if self.heard is None:
                return None
            return Seen(heard=self.heard, look=self.look, rule=self.rule)

    def look_at(self, number: int, look: Look, rule: EventRule) -> Seen | None:
        """Look at the sound of a number in another way; None: it is not in hand any more."""
        with self._lock:
            if self.heard is None or self.heard.number != number:
                return None
            self.look, self.rule = look, rule
            return Seen(heard=self.heard, look=look, rule=rule)

    def forget(self, listening: Listening) -> None:
        """Let go what was heard of a sound, unless another one was begun meanwhile."""
        with self._lock:
            if listening is self._running:
                self.heard = None

    def is_current(self, listening: Listening) -> bool:
        """Whether no other sound was begun since."""
        return listening is self._running

    def stop(self, why: str) -> bool:
        """Ask what is being listened to, if anything is, to stop."""
        with self._lock:
            if self._running is None or self._running.ended:
                return False
            self._running.stop(why)
            return True

    def is_over(self, number: str) -> bool:
        """Whether a sound of this number was begun, and nothing of it is in hand any more."""
        with self._lock:
            begun = {str(count) for count in range(1, self._count + 1)}
            return number in begun and (self.heard is None or str(self.heard.number) != number)

    @property
    def listens(self) -> bool:
        """Whether a sound is being listened to."""
        running = self._running
        return running is not None and not running.ended

    @property
    def is_empty(self) -> bool:
        """Whether nothing was heard, and nothing will be."""
        return self.heard is None and not self.listens


class Listening:
    """One sound being listened to: whether it was asked to stop, and why."""

    def __init__(self, number: int, sound: Sound) -> None:
        self.number = number
        self.sound = sound
        self.why = ""
        self.ended = False
        self._stopped = threading.Event()

    @property
    def stopped(self) -> bool:
        """Whether it was asked to stop."""
        return self._stopped.is_set()

    def stop(self, why: str = "") -> None:
        """Ask it to stop at its next snapshot."""
        self.why = why
        self._stopped.set()


def left(visit: TimelineVisit | None) -> None:
    """A visitor has gone: end what goes on."""
    if visit is not None:
        visit.stop("The visit has ended.")


class TimelineShelf:
    """Visits that the browser may fetch sounds and tables of, each under its token."""

    def __init__(self) -> None:
        self._visits: WeakValueDictionary[str, TimelineVisit] = WeakValueDictionary()
        self._lock = threading.Lock()

    def keep(self, visit: TimelineVisit) -> None:
        """Put a visit there, for as long as the visitor's state holds it."""
        with self._lock:
            self._visits[visit.token] = visit

    def heard(self, token: str, number: str) -> tuple[Heard, EventRule]:
        """The sound of a token and a number, and the visitor's rule.

        Raises:
            AudioError: there is none, or another one is in hand now.
        """
        visit = self._visit(token)
        seen = visit.seen() if visit else None
        if seen is None or str(seen.heard.number) != number:
            raise AudioError(_GONE)
        return seen.heard, seen.rule

    def is_over(self, token: str, number: str) -> bool:
        """Whether a visitor has gone on from the sound of a token and a number."""
        visit = self._visit(token)
        return visit is not None and visit.is_over(number)

    def _visit(self, token: str) -> TimelineVisit | None:
        with self._lock:
            return self._visits.get(token)
