"""A library → what the browser draws its map from and finds its sounds by."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import numpy as np
import plotly.colors
from numpy.typing import NDArray

from passt_core.errors import LibraryError
from passt_core.library.store import SoundLibrary
from passt_core.library.tables import LibraryClip
from passt_ui import palette
from passt_ui.packed import packed
from passt_ui.playable import stretch
from passt_ui.times import clock

UNLABELLED = "no label"
NO_CLUSTER = "no cluster"

Group = dict[str, str]


def urls(key: str) -> dict[str, str]:
    """Where the browser finds a library's map and, before a clip's number, its sounds."""
    folder = f"passt/libraries/{quote(key, safe='')}"
    return {"url": f"{folder}/map", "sounds": f"{folder}/sounds/", "key": key}


def sound_url(key: str, clip: LibraryClip) -> str:
    """Where the browser finds a clip's sound, with its stretch as a media fragment."""
    start, end = stretch(clip)
    return f"{urls(key)['sounds']}{clip.number}#t={start:.3f},{end:.3f}"


def sign(key: str, clip: LibraryClip) -> str:
    """What the player knows a clip's sound by, wherever on the page it is played."""
    return f"library:{key}:{clip.number}"


def clip_of(library: SoundLibrary, number: int) -> LibraryClip:
    """The clip of a number.

    Raises:
        LibraryError: there is none.
    """
    rows = np.flatnonzero(library.numbers == number)
    if not len(rows):
        raise LibraryError("There is no sound of this number in the library; reload the page.")
    return library.clips[rows[0]]


def payload(library: SoundLibrary) -> dict[str, Any]:
    """All that the map draws, plain for JSON; arrays are base64 of little-endian numbers.

    ``x``, ``y``, ``start``, ``end`` are float32 (N,), ``number`` is int32 (N,). Each of the
    ``groups`` (label, family, cluster) holds ``of``, int32 (N,), and what its members are called
    and drawn with.
    """
    clips = library.clips
    stretches = np.array([stretch(clip) for clip in clips], dtype=np.float32).reshape(-1, 2)
    return {
        "name": library.name,
        "x": packed(library.map[:, 0].astype(np.float32)),
        "y": packed(library.map[:, 1].astype(np.float32)),
        "start": packed(stretches[:, 0]),
        "end": packed(stretches[:, 1]),
        "number": packed(library.numbers.astype(np.int32)),
        "id": [clip.id for clip in clips],
        "title": [title(clip) for clip in clips],
        "scale": list(plotly.colors.sequential.Cividis),
        "groups": {
            "label": _labels(clips),
            "family": _families(clips),
            "cluster": _clusters(library.clusters),
        },
    }


def title(clip: LibraryClip) -> str:
    """A clip's name in few words: its id without folders and ending, and where it begins."""
    name = posixpath.basename(clip.id.partition("#t=")[0])
    name = name.removesuffix(posixpath.splitext(clip.file)[1])
    if not clip.start_s:
        return name
    return f"{name}, {clock(int(clip.start_s))}"


def family(clip: LibraryClip) -> str:
    """The family of a clip's label; a label without one is its own."""
    return clip.family or clip.label or UNLABELLED


def _labels(clips: Sequence[LibraryClip]) -> dict[str, Any]:
    """Labels in their family's colours, told apart by shape."""
    families = {clip.label or UNLABELLED: family(clip) for clip in clips}
    colours = palette.label_colours(families)
    order = sorted(families, key=lambda label: (families[label], label))
    groups, within = [], dict.fromkeys(families.values(), 0)
    for label in order:
        symbol = palette.SYMBOLS[within[families[label]] % len(palette.SYMBOLS)]
        within[families[label]] += 1
        drawn = {"name": label, "colour": colours[label], "symbol": symbol}
        groups.append(drawn | {"parent": families[label]})
    return _grouped([clip.label or UNLABELLED for clip in clips], order, groups)


def _families(clips: Sequence[LibraryClip]) -> dict[str, Any]:
    colours = palette.family_colours(map(family, clips))
    groups = [
        {"name": name, "colour": colour, "symbol": palette.symbol(index)}
        for index, (name, colour) in enumerate(colours.items())
    ]
    return _grouped([family(clip) for clip in clips], list(colours), groups)


def _clusters(found: NDArray[np.int32]) -> dict[str, Any]:
    """Clusters in order of their numbers; what is in none comes last, small and grey."""
    members = sorted(set(found[found >= 0].tolist()))
    names = {number: f"cluster {number + 1}" for number in members}
    groups = [
        {"name": names[number], "colour": palette.colour(number), "symbol": palette.symbol(number)}
        for number in members
    ]
    if (found < 0).any():
        names[-1] = NO_CLUSTER
        groups.append({"name": NO_CLUSTER, "colour": palette.NONE, "symbol": "circle"})
    order = list(names.values())
    return _grouped([names[max(-1, number)] for number in found.tolist()], order, groups)


def _grouped(of: Sequence[str], order: Sequence[str], groups: list[Group]) -> dict[str, Any]:
    place = {name: index for index, name in enumerate(order)}
    return {"of": packed(np.array([place[name] for name in of], dtype=np.int32)), "groups": groups}
