"""What is known of a library, whatever model made it: figures, health, a small map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from passt_core.errors import LibraryError
from passt_core.library import nearest, store
from passt_core.library.manifest import Manifest
from passt_core.library.store import SoundLibrary
from passt_core.library.tables import FILES, FileRecord, State, read_files
from passt_core.library.verify import health
from passt_core.network.checkpoints import Checkpoint
from passt_ui.library.listed import ListedLibrary
from passt_ui.library.pictures import picture

GOOD = "good"


@dataclass(frozen=True, kw_only=True, eq=False)
class LibraryFacts:
    """What is known of a library.

    Attributes:
        library: which it is.
        manifest: what it is made of; None: it cannot be read.
        labels: how many; own_bytes: of its files; sound_bytes: of its sounds.
        health: ``good``, or what is wrong; fits: whether it was made by the model in hand.
        index: how neighbours are found; empty where that is not known.
        states: what became of how many files.
        picture: a small map as a data URI.
    """

    library: ListedLibrary
    manifest: Manifest | None = None
    labels: int = 0
    own_bytes: int = 0
    sound_bytes: int = 0
    health: str = ""
    fits: bool = False
    index: str = ""
    states: Mapping[State, int] = field(default_factory=dict)
    picture: str = ""


def facts_of(library: ListedLibrary, checkpoint: Checkpoint) -> LibraryFacts:
    """Look at a library on disk; nothing that is wrong with it is raised."""
    folder = library.folder
    try:
        manifest = Manifest.read(folder)
        clips = store.clips_of(folder)
        files = read_files(folder / FILES)
    except (LibraryError, OSError, KeyError, ValueError):
        return LibraryFacts(library=library, health="it cannot be read; build it again")
    fits = _made_by(manifest, checkpoint)
    return LibraryFacts(
        library=library,
        manifest=manifest,
        labels=len({clip.label for clip in clips if clip.label}),
        own_bytes=_size(folder),
        sound_bytes=sum(record.size for record in files),
        health=_health(library, checkpoint) if fits else "",
        fits=fits,
        index=_kind(folder, checkpoint) if fits else "",
        states=_counted(files),
        picture=picture(folder, clips),
    )


def _made_by(manifest: Manifest, checkpoint: Checkpoint) -> bool:
    made_by = (manifest.weights_sha256, manifest.front_end, manifest.dim)
    return made_by == (checkpoint.sha256, checkpoint.front_end, checkpoint.config.dim)


def _health(library: ListedLibrary, checkpoint: Checkpoint) -> str:
    """In a few words; of an uploaded library without folders of this machine."""
    told = health(library.folder, checkpoint)
    if library.changeable and str(library.folder) in told:
        return "damaged; delete it and build it again"
    return told


def _kind(folder: Path, checkpoint: Checkpoint) -> str:
    try:
        return nearest.kind(SoundLibrary.open(folder, checkpoint).index)
    except LibraryError:
        return ""


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


def _counted(files: tuple[FileRecord, ...]) -> dict[State, int]:
    states = dict.fromkeys(State, 0)
    for record in files:
        states[record.state] += 1
    return states
