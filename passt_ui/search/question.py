"""What is asked of a library: a clip or a stretch of it, sounds to be like and unlike, a filter."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from passt_core.errors import AudioError, LibraryError
from passt_core.inference.stretch import analyze_stretch
from passt_core.library.query import Filter, compose
from passt_core.library.store import SoundLibrary
from passt_ui import mapdata
from passt_ui.hand import Hand
from passt_ui.services import Visitor

CLIP, LIKE, UNLIKE = "clip", "like", "unlike"
LABEL, FAMILY, TEXT = "label", "family", "text"


@dataclass(frozen=True, kw_only=True, eq=False)
class Stretch:
    """A stretch of the clip in hand, in seconds of the clip, and its embedding (D,)."""

    start_s: float
    end_s: float
    embedding: NDArray[np.float32]

    def __str__(self) -> str:
        return f"{self.start_s:.2f}–{self.end_s:.2f} s"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One thing of a question: ``key`` names it to the page, ``kind`` is ``like: `` and so on."""

    key: str
    kind: str
    name: str
    lasting: bool = False
    """Whether it cannot be taken away, as nothing would be asked any more."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Question:
    """What is asked.

    Attributes:
        clip: whether the clip in hand is among the sounds to be like, where there is one.
        stretch: what of it; None: the whole.
        plus: ids of sounds of the library to be like.
        minus: ids of those to be unlike.
        within: which sounds come into it.
    """

    clip: bool = True
    stretch: Stretch | None = None
    plus: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()
    within: Filter = field(default_factory=Filter)

    @property
    def is_whole_clip(self) -> bool:
        """Whether nothing but the whole clip in hand is asked for, within whatever."""
        return self.clip and self.stretch is None and not self.examples

    @property
    def examples(self) -> tuple[str, ...]:
        """Ids of the library's sounds in the question."""
        return self.plus + self.minus

    def like(self, clip_id: str) -> Question:
        """A sound more to be like."""
        return self._placed(clip_id, plus=(clip_id,))

    def unlike(self, clip_id: str) -> Question:
        """A sound more to be unlike."""
        return self._placed(clip_id, minus=(clip_id,))

    def more_like(self, clip_id: str) -> Question:
        """Nothing but a sound of the library."""
        return Question(clip=False, plus=(clip_id,), within=self.within)

    def whole_clip(self) -> Question:
        """Nothing but the whole clip in hand."""
        return Question(within=self.within)

    def of_stretch(self, stretch: Stretch) -> Question:
        """The same with a stretch of the clip in hand in place of the whole."""
        return replace(self, clip=True, stretch=stretch)

    def without(self, key: str) -> Question:
        """The same without one of its parts; the whole clip if no sound is left in it."""
        kind, _, name = key.partition(":")
        if kind in (LABEL, FAMILY, TEXT):
            return replace(self, within=_loosened(self.within, kind, name))
        left = self
        if kind == CLIP:
            left = replace(self, clip=False, stretch=None)
        elif kind == LIKE:
            left = replace(self, plus=tuple(i for i in self.plus if i != name))
        elif kind == UNLIKE:
            left = replace(self, minus=tuple(i for i in self.minus if i != name))
        return left if left.clip or left.examples else self.whole_clip()

    def embedding(self, hand: Hand | None, library: SoundLibrary) -> NDArray[np.float32]:
        """One embedding to search with, (D,) of length 1.

        Raises:
            LibraryError: nothing is asked, a sound is not in the library any more, or the sounds
                cancel each other out.
        """

        def of(ids: tuple[str, ...]) -> list[NDArray[np.float32]]:
            return [library.embeddings[library.row(clip_id)] for clip_id in ids]

        clip = []
        if self.clip and hand is not None:
            clip = [self.stretch.embedding if self.stretch else hand.clip.embedding]
        if not clip and not self.examples:
            raise LibraryError(
                "nothing is asked yet; bring a clip in Explore, or choose a point of the map and "
                "press: more like this"
            )
        return compose([*clip, *of(self.plus)], of(self.minus))

    def parts(self, hand: Hand | None, library: SoundLibrary | None) -> list[Part]:
        """All that is asked, in the order in which the page says it."""
        found = []
        if self.clip and hand is not None:
            name = f"your clip {self.stretch}" if self.stretch else "your clip"
            found.append(Part(key=CLIP, kind=LIKE, name=name, lasting=self.is_whole_clip))
        for kind, ids in ((LIKE, self.plus), (UNLIKE, self.minus)):
            found += [Part(key=f"{kind}:{i}", kind=kind, name=_named(i, library)) for i in ids]
        for kind, names in ((LABEL, self.within.labels), (FAMILY, self.within.families)):
            found += [Part(key=f"{kind}:{n}", kind="within", name=n) for n in sorted(names)]
        if self.within.text.strip():
            found.append(Part(key=TEXT, kind="with the words", name=self.within.text.strip()))
        return found

    def title(self, hand: Hand | None, library: SoundLibrary) -> str:
        """The sounds of the question in few words, as the map and the files call it."""
        sounds = [part for part in self.parts(hand, library) if part.kind in (LIKE, UNLIKE)]
        names = [part.name if part.kind == LIKE else f"not {part.name}" for part in sounds]
        if self.clip and hand is not None:
            names[0] = f"{hand.title} {self.stretch}" if self.stretch else hand.title
        return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"

    def report(self, hand: Hand | None) -> dict[str, object]:
        """Plain values for JSON; times in seconds of the clip."""
        clip = hand.title if self.clip and hand is not None else None
        stretch = self.stretch if clip else None
        return {
            "clip": clip,
            "start_s": stretch.start_s if stretch else None,
            "end_s": stretch.end_s if stretch else None,
            "like": list(self.plus),
            "unlike": list(self.minus),
            "labels": sorted(self.within.labels),
            "families": sorted(self.within.families),
            "text": self.within.text.strip(),
        }

    def _placed(
        self, clip_id: str, *, plus: tuple[str, ...] = (), minus: tuple[str, ...] = ()
    ) -> Question:
        """The same with a sound on one side, and not on the other."""
        others = [tuple(i for i in side if i != clip_id) for side in (self.plus, self.minus)]
        return replace(self, plus=others[0] + plus, minus=others[1] + minus)


def stretch_of(visitor: Visitor, start_s: float | None, end_s: float | None) -> Stretch:
    """Listen to a stretch of the clip in hand.

    Args:
        visitor: whose clip it is.
        start_s: where it begins, in seconds of the clip; None: where the clip does.
        end_s: where it ends; None, or later than the clip's end: there.

    Raises:
        AudioError: there is no clip, or this is no stretch of it that can be heard.
    """
    hand = visitor.hand
    if hand is None:
        raise AudioError("there is no clip to take a stretch of; bring one in Explore")
    if not hand.path.is_file():
        raise AudioError("your clip is not here any more; bring it again in Explore")
    start = 0.0 if start_s is None else start_s
    heard = analyze_stretch(visitor.predictor, hand.path, start, end_s)
    end = min(hand.clip.duration_s, start + heard.duration_s)
    return Stretch(start_s=start, end_s=end, embedding=heard.embedding)


def _named(clip_id: str, library: SoundLibrary | None) -> str:
    """A sound's name in few words; its id where the library has it no more."""
    with suppress(LibraryError):
        return mapdata.title(library.clip(clip_id)) if library else clip_id
    return clip_id


def _loosened(within: Filter, kind: str, name: str) -> Filter:
    if kind == LABEL:
        return replace(within, labels=within.labels - {name})
    if kind == FAMILY:
        return replace(within, families=within.families - {name})
    return replace(within, text="")
