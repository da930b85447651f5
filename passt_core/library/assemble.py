"""What was found and heard, and what the last library knew → what the next one holds."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from passt_core import __version__
from passt_core.errors import LibraryError
from passt_core.inference.predictor import Predictor
from passt_core.library import nearest, soundmap
from passt_core.library.catalogue import Sound
from passt_core.library.embed import Heard, Outcome
from passt_core.library.manifest import (
    METRIC,
    SCHEMA,
    Manifest,
    MapFacts,
    Source,
    rebuild_command,
)
from passt_core.library.store import Contents, SoundLibrary
from passt_core.library.tables import FILES, FileRecord, LibraryClip, State, read_files

Key = tuple[int, str]
"""Source and file."""
Floats = NDArray[np.float32]

MOST_JOINED = 0.05
"""Share of a library that may join its map before it is laid out anew."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Known:
    """What the last library knew.

    Attributes:
        sources: where its sounds lie.
        heard: SHA-256 of a file → what it gave.
        files: its files by key; removed: those of them that something was removed of.
        numbers: (id, SHA-256) of a clip → its number.
        library: the open library; None if there is none, or none that can be used.
        manifest: of the library that the next one takes the place of.
    """

    sources: tuple[Source, ...] = ()
    heard: Mapping[str, Outcome] = field(default_factory=dict)
    files: Mapping[Key, FileRecord] = field(default_factory=dict)
    removed: Mapping[Key, FileRecord] = field(default_factory=dict)
    numbers: Mapping[tuple[str, str], int] = field(default_factory=dict)
    library: SoundLibrary | None = None
    manifest: Manifest | None = None

    @classmethod
    def read(cls, home: Path, predictor: Predictor) -> Known:
        """What the library in a folder knew; of another model's only where its sounds lie."""
        try:
            manifest = Manifest.read(home)
        except LibraryError:
            return cls()
        try:
            return cls.of(opened(home, predictor))
        except LibraryError:
            return cls(sources=manifest.sources, removed=removed_of(home), manifest=manifest)

    @classmethod
    def of(cls, library: SoundLibrary) -> Known:
        """What an open library knows."""
        files = {record.key: record for record in library.files}
        return cls(
            sources=library.manifest.sources,
            heard=_heard(library, files),
            files=files,
            removed=_removed(files),
            numbers={
                (clip.id, files[clip.source, clip.file].sha256): clip.number
                for clip in library.clips
            },
            library=library,
            manifest=library.manifest,
        )

    @property
    def next_number(self) -> int:
        """What the next new clip is numbered."""
        return self.manifest.next_number if self.manifest else 0

    def contents(self) -> dict[tuple[str, int, int], str]:
        """(path, size, time of writing in ns) of each file → its SHA-256."""
        if self.library is None:
            return {}
        roots = self.library.roots
        return {
            (str(roots[r.source] / r.file), r.size, r.modified_ns): r.sha256
            for r in self.files.values()
            if r.sha256 and r.modified_ns
        }


def opened(home: Path, predictor: Predictor) -> SoundLibrary:
    """Open a library that more may be embedded into, by the model and in the precision it is of.

    Raises:
        LibraryError: as :meth:`SoundLibrary.open`; it is of another precision.
    """
    library = SoundLibrary.open(home, predictor.checkpoint)
    manifest, precision = library.manifest, predictor.precision
    if manifest.precision != precision:
        again = rebuild_command(home, manifest, predictor.checkpoint.source, precision)
        raise LibraryError(
            f"the library {manifest.name} was made in {manifest.precision}, and this is "
            f"{precision}: one library holds embeddings of one precision; listen in "
            f"{manifest.precision}, or make it again: {again}"
        )
    return library


@dataclass(frozen=True, kw_only=True, eq=False)
class Gathered:
    """What lies in the folders: sounds, a record of each file, and what each content gave."""

    sounds: tuple[Sound, ...]
    files: tuple[FileRecord, ...]
    outcomes: Mapping[str, Outcome]


def assembled(
    gathered: Gathered, known: Known, predictor: Predictor, name: str, sources: tuple[Source, ...]
) -> tuple[Manifest, Contents]:
    """The next library: clips in the order of the sounds, with the numbers they had before.

    Raises:
        LibraryError: nothing could be embedded.
    """
    clips, embeddings = _clips(gathered, known)
    places, facts = _map(clips, embeddings, known)
    contents = Contents(
        clips=clips,
        files=gathered.files,
        embeddings=embeddings,
        places=places,
        clusters=soundmap.clusters(embeddings, places),
        index=_index(clips, embeddings, known),
    )
    checkpoint = predictor.checkpoint
    now = datetime.now(UTC).isoformat(timespec="seconds")
    manifest = Manifest(
        schema=SCHEMA,
        name=name,
        model=checkpoint.name,
        weights_sha256=checkpoint.sha256,
        front_end=checkpoint.front_end,
        dim=predictor.embedding_dim,
        metric=METRIC,
        count=len(clips),
        seconds=seconds_of(clips),
        created=known.manifest.created if known.manifest else now,
        changed=now,
        tool_version=__version__,
        sources=sources,
        next_number=max(known.next_number, 1 + max(clip.number for clip in clips)),
        map=facts,
        files={},
        precision=predictor.precision,
    )
    return manifest, contents


def seconds_of(clips: Sequence[LibraryClip]) -> float:
    """How long clips last, together."""
    return round(sum(clip.end_s - clip.start_s for clip in clips), 3)


def measured(facts: MapFacts, embeddings: Floats, places: Floats) -> MapFacts:
    """What a manifest says of a map, with the figures of its places."""
    return replace(facts, **asdict(soundmap.quality(embeddings, places)))


def _clips(gathered: Gathered, known: Known) -> tuple[tuple[LibraryClip, ...], Floats]:
    """Every stretch that was heard and not removed, and the embeddings."""
    records = {record.key: record for record in gathered.files}
    clips: list[LibraryClip] = []
    units: list[Floats] = []
    number = known.next_number
    for sound in gathered.sounds:
        record = records[sound.source, sound.file]
        heard = gathered.outcomes.get(record.sha256)
        if record.state is not State.IN or not isinstance(heard, Heard):
            continue
        whole = len(heard.starts) == 1 and heard.starts[0] == 0.0 and not record.without
        for start, end, unit in zip(heard.starts, heard.ends, heard.units, strict=True):
            if start in record.without:
                continue
            clip_id = sound.id if whole else f"{sound.id}#t={start:g},{end:g}"
            given = known.numbers.get((clip_id, record.sha256))
            about = asdict(sound) | {"id": clip_id, "start_s": start, "end_s": end}
            clips.append(LibraryClip(**about, number=number if given is None else given))
            units.append(unit)
            number += given is None
    if not clips:
        raise _nothing(gathered.files)
    return tuple(clips), np.stack(units)


def _nothing(files: Sequence[FileRecord]) -> LibraryError:
    skipped = [record for record in files if record.state is State.SKIPPED]
    first = f"; the first: {skipped[0].file}: {skipped[0].reason}" if skipped else ""
    return LibraryError(
        f"none of the {len(files)} sounds is left for a library, {len(skipped)} could not be "
        f"read{first}. Give sounds that play elsewhere"
    )


def _map(
    clips: tuple[LibraryClip, ...], embeddings: Floats, known: Known
) -> tuple[Floats, MapFacts]:
    """Places: the last map, with what is new put among its neighbours, or a map made anew."""
    last = known.library
    if last is None:
        facts = known.manifest.map if known.manifest else None
        return _laid_out(embeddings, facts)
    old = {number: row for row, number in enumerate(last.numbers.tolist())}
    rows = np.array([old.get(clip.number, -1) for clip in clips])
    joins = rows < 0
    facts = last.manifest.map
    placed = facts.placed + int(joins.sum())
    if len(clips) < soundmap.LEAST_FOR_UMAP or placed > MOST_JOINED * len(clips):
        return _laid_out(embeddings, facts)
    places = np.zeros((len(clips), 2), np.float32)
    places[~joins] = last.map[rows[~joins]]
    if joins.any():
        places[joins] = soundmap.joined(embeddings[~joins], places[~joins], embeddings[joins])
    return places, measured(replace(facts, placed=placed), embeddings, places)


def _laid_out(embeddings: Floats, last: MapFacts | None) -> tuple[Floats, MapFacts]:
    """A map made anew, with the choices of the last one."""
    facts = replace(last or MapFacts(), placed=0)
    places = soundmap.layout(embeddings, neighbours=facts.neighbours, min_dist=facts.min_dist)
    return places, measured(facts, embeddings, places)


def _index(clips: tuple[LibraryClip, ...], embeddings: Floats, known: Known) -> faiss.Index:
    numbers = np.array([clip.number for clip in clips], np.int64)
    if known.library is None:
        return nearest.build(embeddings, numbers)
    gone = np.setdiff1d(known.library.numbers, numbers)
    new = ~np.isin(numbers, known.library.numbers)
    return nearest.changed(known.library.index, embeddings, numbers, new=new, removed=gone)


def _heard(library: SoundLibrary, files: Mapping[Key, FileRecord]) -> dict[str, Outcome]:
    """What a library's clips were heard as, and why others could not be."""
    rows: dict[str, list[int]] = {}
    for row, clip in enumerate(library.clips):
        rows.setdefault(files[clip.source, clip.file].sha256, []).append(row)
    heard: dict[str, Outcome] = {
        record.sha256: record.reason
        for record in files.values()
        if record.state is State.SKIPPED and record.sha256
    }
    for sha256, found in rows.items():
        heard[sha256] = Heard(
            starts=tuple(library.clips[row].start_s for row in found),
            ends=tuple(library.clips[row].end_s for row in found),
            units=np.asarray(library.embeddings[found]),
        )
    return heard


def _removed(files: Mapping[Key, FileRecord]) -> dict[Key, FileRecord]:
    return {
        key: record
        for key, record in files.items()
        if record.state is State.REMOVED or record.without
    }


def removed_of(home: Path) -> dict[Key, FileRecord]:
    """What was removed by hand from a library that cannot be opened, as far as it can be read."""
    try:
        return _removed({record.key: record for record in read_files(home / FILES)})
    except (OSError, KeyError, TypeError, ValueError, csv.Error):
        return {}
