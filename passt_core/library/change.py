"""Changes to a library that need no model: clips removed, the map laid out anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from passt_core import __version__
from passt_core.errors import LibraryError
from passt_core.library import nearest, soundmap, store
from passt_core.library.assemble import measured, seconds_of
from passt_core.library.manifest import Manifest, MapFacts
from passt_core.library.store import Contents, SoundLibrary
from passt_core.library.tables import FileRecord, LibraryClip, State
from passt_core.network.checkpoints import Checkpoint


def remove(library: SoundLibrary, names: Sequence[str], checkpoint: Checkpoint) -> SoundLibrary:
    """Remove clips from a library: from its tables, its embeddings, its FAISS file and its map.

    Their sound files stay. Building again leaves them out; adding a file by name brings it back.

    Args:
        library: to be changed.
        names: ids of clips, or files with all their stretches.
        checkpoint: the model of the library.

    Returns:
        The library without them, as it is on disk now.

    Raises:
        LibraryError: an unknown name, no clip would be left, or it cannot be written.
    """
    gone = _named(library, names)
    kept = np.flatnonzero(~np.isin(library.numbers, [clip.number for clip in gone]))
    if not len(kept):
        raise LibraryError(
            f"the library {library.name} would be left without a clip; delete it instead"
        )
    embeddings, places = np.asarray(library.embeddings[kept]), library.map[kept]
    clips = tuple(library.clips[row] for row in kept)
    index = nearest.changed(
        library.index,
        embeddings,
        library.numbers[kept],
        new=np.zeros(len(kept), bool),
        removed=np.array([clip.number for clip in gone], np.int64),
    )
    contents = Contents(
        clips=clips,
        files=_without(library.files, gone, clips),
        embeddings=embeddings,
        places=places,
        clusters=soundmap.clusters(embeddings, places),
        index=index,
    )
    manifest = replace(
        _changed(library.manifest),
        count=len(clips),
        seconds=seconds_of(clips),
        map=measured(library.manifest.map, embeddings, places),
    )
    store.write(library.folder, manifest, contents)
    return SoundLibrary.open(library.folder, checkpoint)


def relaid(library: SoundLibrary, *, neighbours: int, min_dist: float) -> SoundLibrary:
    """A library with another map, in memory: nothing is written.

    Args:
        library: as it is on disk.
        neighbours: as :func:`passt_core.library.soundmap.layout` has it.
        min_dist: as there.

    Raises:
        LibraryError: a choice that UMAP has no use for.
    """
    soundmap.check_choices(neighbours, min_dist)
    embeddings = library.embeddings
    places = soundmap.layout(embeddings, neighbours=neighbours, min_dist=min_dist)
    facts = measured(MapFacts(neighbours=neighbours, min_dist=min_dist), embeddings, places)
    return replace(
        library,
        manifest=replace(library.manifest, map=facts),
        map=places,
        clusters=soundmap.clusters(embeddings, places),
    )


def remap(
    library: SoundLibrary, checkpoint: Checkpoint, *, neighbours: int, min_dist: float
) -> SoundLibrary:
    """Lay the map of a library out anew, and keep it.

    Args:
        library: to be changed.
        checkpoint: the model of the library.
        neighbours: as :func:`passt_core.library.soundmap.layout` has it.
        min_dist: as there.

    Returns:
        The library with its new map, as it is on disk now.

    Raises:
        LibraryError: a choice that UMAP has no use for, or it cannot be written.
    """
    other = relaid(library, neighbours=neighbours, min_dist=min_dist)
    contents = Contents(
        clips=other.clips,
        files=other.files,
        embeddings=np.asarray(other.embeddings),
        places=other.map,
        clusters=other.clusters,
        index=other.index,
    )
    store.write(library.folder, _changed(other.manifest), contents)
    return SoundLibrary.open(library.folder, checkpoint)


def _named(library: SoundLibrary, names: Sequence[str]) -> tuple[LibraryClip, ...]:
    """The clips of these ids and files.

    Raises:
        LibraryError: a name is neither.
    """
    known = {clip.id for clip in library.clips} | {clip.file for clip in library.clips}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise LibraryError(
            f"the library {library.name} has no clip or file {unknown[0]!r}; "
            "use an id or a file of its clips.csv"
        )
    wanted = set(names)
    return tuple(clip for clip in library.clips if {clip.id, clip.file} & wanted)


def _without(
    files: Sequence[FileRecord], gone: Sequence[LibraryClip], left: Sequence[LibraryClip]
) -> tuple[FileRecord, ...]:
    """What became of the files after clips were removed."""
    starts: dict[tuple[int, str], set[float]] = {}
    for clip in gone:
        starts.setdefault((clip.source, clip.file), set()).add(clip.start_s)
    in_part = {(clip.source, clip.file) for clip in left}
    found = []
    for record in files:
        if record.key not in starts:
            found.append(record)
        elif record.key in in_part:
            removed = sorted(record.without | starts[record.key])
            found.append(replace(record, reason=" ".join(map(repr, removed))))
        else:
            found.append(replace(record, state=State.REMOVED, reason=""))
    return tuple(found)


def _changed(manifest: Manifest) -> Manifest:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return replace(manifest, changed=now, tool_version=__version__)
