"""What can be asked of a library: sounds to be like and unlike, and which clips come into it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from passt_core.errors import LibraryError
from passt_core.library.tables import LibraryClip

Floats = NDArray[np.float32]

_ZERO = 1e-12
"""Shortest embedding that points anywhere."""
_NOTHING = 1e-3
"""Shortest difference of unit vectors that is more than their rounding."""


def compose(
    plus: Sequence[NDArray[np.floating]], minus: Sequence[NDArray[np.floating]] = ()
) -> Floats:
    """One embedding to search with, out of sounds to be like and sounds to be unlike.

    The mean direction of the first minus that of the second (Rocchio 1971, with equal weights).
    Sounds count alike however many there are on either side, and whatever their embeddings'
    lengths.

    Args:
        plus: embeddings of sounds to be like, (D,) each, of any length but zero.
        minus: embeddings of sounds to be unlike; with no ``plus`` the search leads away from them.

    Returns:
        (D,) of length 1.

    Raises:
        LibraryError: there is none, they are not of one shape, one points nowhere, or the two
            sides cancel each other out.
    """
    if not len(plus) and not len(minus):
        raise LibraryError("no sound was given to search with; give at least one")
    shapes = sorted({np.shape(embedding) for embedding in (*plus, *minus)})
    if len(shapes) > 1 or len(shapes[0]) != 1:
        raise LibraryError(
            f"embeddings of shapes {', '.join(map(str, shapes))} cannot be put together; "
            "take all from one model, (D,) each"
        )
    sides = [np.mean([unit(e) for e in side], axis=0) for side in (plus, minus) if len(side)]
    towards = sides[0] if len(plus) else -sides[0]
    if len(sides) > 1:
        towards = towards - sides[1]
    if np.linalg.norm(towards) < _NOTHING:
        raise LibraryError(
            "the sounds to be like and to be unlike cancel each other out; "
            "take one of them away or add another"
        )
    return unit(towards)


def unit(embedding: NDArray[np.floating]) -> Floats:
    """An embedding (D,) brought to length 1.

    Raises:
        LibraryError: it is zero or not finite.
    """
    vector = np.asarray(embedding, dtype=np.float32)
    length = float(np.linalg.norm(vector))
    if not _ZERO < length < np.inf:
        raise LibraryError(
            f"the embedding has length {length:g} and points nowhere; "
            "ask with a sound that the model can hear"
        )
    return vector / length


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which clips come into a search; all of them if nothing is said.

    Attributes:
        labels: a clip has one of these,
        families: or is of one of these.
        text: besides, each of its words stands somewhere in the clip's label, file or id, in
            upper or lower case.
    """

    labels: frozenset[str] = frozenset()
    families: frozenset[str] = frozenset()
    text: str = ""

    def __bool__(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.labels or self.families or self.text.strip())

    def matches(self, clips: Sequence[LibraryClip]) -> NDArray[np.bool_]:
        """Which of the clips come into it, (N,)."""
        words = _plain(self.text).split()
        return np.fromiter((self._named(c) and _says(c, words) for c in clips), bool, len(clips))

    def _named(self, clip: LibraryClip) -> bool:
        if not self.labels and not self.families:
            return True
        return clip.label in self.labels or clip.family in self.families


def _says(clip: LibraryClip, words: Sequence[str]) -> bool:
    if not words:
        return True
    said = _plain(f"{clip.label}\n{clip.file}\n{clip.id}")
    return all(word in said for word in words)


def _plain(text: str) -> str:
    """Without case, and with one spelling per letter: a file's name may come decomposed."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
