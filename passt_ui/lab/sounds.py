"""Labelled sounds that the Lab can judge a model on: a library of the app, or a visitor's zip."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

import numpy as np

from passt_core.errors import DatasetError, LibraryError
from passt_core.lab.archive import unpack
from passt_core.lab.heard import Heard, HeardClip
from passt_core.lab.labelled import LabelledClip
from passt_core.library import store
from passt_core.library.manifest import Manifest
from passt_core.library.store import SoundLibrary
from passt_ui.library.listed import ListedLibrary, all_of_app, find
from passt_ui.services import Visitor

UPLOAD = "upload"
"""Key of the sounds that a visitor brought."""
_LIBRARY = "library:"


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledSounds:
    """Sounds with their labels.

    Attributes:
        key: which they are, among those that the page offers.
        name: what the page calls them.
        clips: at least one.
        titles: path of a clip → what the page calls it.
        skipped: reason → how many files were left out for it.
        folder: what must be removed with them; None: they are not ours.
        library: that they are of; None: they were brought.
    """

    key: str
    name: str
    clips: tuple[LabelledClip, ...]
    titles: Mapping[Path, str]
    skipped: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    folder: Path | None = None
    library: ListedLibrary | None = None

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """Clips of each label, by label."""
        return dict(sorted(Counter(clip.label for clip in self.clips).items()))

    def title(self, clip: LabelledClip) -> str:
        """What the page calls a clip."""
        return self.titles.get(clip.path, clip.path.name)

    def remove(self) -> None:
        """Delete what was unpacked for them."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def library_choices(listed: Sequence[ListedLibrary] | None = None) -> list[tuple[str, str]]:
    """(what the page says, key) of libraries; None: those of the app."""
    libraries = all_of_app() if listed is None else listed
    return [(f"library {one.name}", library_key(one)) for one in libraries]


def library_key(library: ListedLibrary) -> str:
    """The key of a library among the Lab's sounds."""
    return _LIBRARY + library.key


def of_library(key: str, listed: Sequence[ListedLibrary] | None = None) -> LabelledSounds:
    """The labelled sounds of a library, whatever model embedded it.

    Args:
        key: as :func:`library_key` has it; it is looked up, never opened.
        listed: the libraries that it may be of; None: those of the app.

    Raises:
        DatasetError: none has a label.
        LibraryError: there is no library, or no sound where it was made from.
    """
    library = find(key.removeprefix(_LIBRARY), all_of_app() if listed is None else listed)
    name, folder = library.name, library.folder
    roots = [(folder / source.root).resolve() for source in Manifest.read(folder).sources]
    clips = {roots[clip.source] / clip.file: clip for clip in store.clips_of(folder)}
    labelled = {path: clip for path, clip in clips.items() if clip.label and path.is_file()}
    if not labelled:
        raise DatasetError(
            f"no sound of the library {name} has a label and is still there; "
            "choose another, or bring a zip of folders, one for each class"
        )
    gone = sum(not path.is_file() for path in clips)
    skipped = {"not there any more": gone, "without a label": len(clips) - len(labelled) - gone}
    return LabelledSounds(
        key=key,
        name=name,
        clips=tuple(LabelledClip(path=path, label=c.label) for path, c in labelled.items()),
        titles=MappingProxyType({path: c.id.partition("#t=")[0] for path, c in labelled.items()}),
        library=library,
        skipped=MappingProxyType({reason: n for reason, n in skipped.items() if n}),
    )


def of_zip(archive: Path, name: str) -> LabelledSounds:
    """The sounds of a visitor's zip; they lie in a new folder until :meth:`remove` is called.

    Raises:
        DatasetError: see :func:`passt_core.lab.archive.unpack`.
    """
    unpacked = unpack(archive)
    sounds = unpacked.sounds
    return LabelledSounds(
        key=UPLOAD,
        name=name,
        clips=tuple(LabelledClip(path=sound.path, label=sound.label) for sound in sounds),
        titles=MappingProxyType({sound.path: sound.name for sound in sounds}),
        skipped=MappingProxyType(unpacked.skipped),
        folder=unpacked.folder,
    )


def stored(sounds: LabelledSounds, visitor: Visitor) -> Heard | None:
    """What the visitor's model has heard of a library when it was built; None if that will not do.

    A library holds one embedding of length 1 for each clip. It stands for the clip's window where
    there is one: the head normalises its length away.
    """
    library = _opened(sounds, visitor)
    if library is None:
        return None
    rows = {library.roots[clip.source] / clip.file: row for row, clip in enumerate(library.clips)}
    longest = max((clip.end_s for clip in library.clips), default=0.0)
    if longest > visitor.predictor.window_s or any(clip.path not in rows for clip in sounds.clips):
        return None
    length = np.float32(np.sqrt(library.manifest.dim))
    return Heard.of(
        HeardClip(clip=clip, windows=length * np.asarray(library.embeddings[rows[clip.path]])[None])
        for clip in sounds.clips
    )


def _opened(sounds: LabelledSounds, visitor: Visitor) -> SoundLibrary | None:
    if sounds.library is None:
        return None
    if visitor.library is not None and visitor.chosen == sounds.library:
        return visitor.library
    try:
        return SoundLibrary.open(sounds.library.folder, visitor.body)
    except LibraryError:
        return None
