"""Folders of sounds → a library on disk; what is known already is not heard again."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from passt_core.errors import LibraryError
from passt_core.files import ROOT, sha256_of
from passt_core.inference.predictor import Predictor
from passt_core.library import journal, store
from passt_core.library.assemble import Gathered, Known, assembled, opened, removed_of
from passt_core.library.catalogue import Place, SkippedFile, Sound, gather
from passt_core.library.embed import Outcome, embed
from passt_core.library.journal import Journal
from passt_core.library.manifest import Manifest, Source, check_name, portable
from passt_core.library.steps import Progress, Step, finished
from passt_core.library.store import SoundLibrary
from passt_core.library.tables import FileRecord, State

Steps = Generator[Step, None, SoundLibrary]
"""A build that can be stopped after any step, and then goes on there the next time."""


def build(
    folder: str | Path,
    name: str,
    predictor: Predictor,
    *,
    target: Path,
    labels: Path | None = None,
    replace_other: bool = False,
    progress: Progress | None = None,
) -> SoundLibrary:
    """Make a library of a folder's sounds, or bring it up to date.

    Only what is new or has changed is heard; what is gone from the folder goes from the library;
    what was removed by hand stays out; folders that were added to the library stay in it. Another
    model or precision than the library is of hears all of it again. The same sounds, model and
    machine give the same library; only its dates differ.

    Args:
        folder: the sounds, in it and in the folders in it.
        name: of the library.
        predictor: the model.
        target: folder of libraries; this one lies in ``target / name``.
        labels: CSV that describes the sounds; None: ``library.csv`` in the folder, else the names
            of the folders that they lie in.
        replace_other: may a library of this name that is of other folders be replaced?
        progress: told after each step.

    Raises:
        LibraryError: no sound could be embedded, the library cannot be written, or it is of other
            folders.
    """
    home = Path(target) / check_name(name)
    steps = building(home, folder, predictor, labels=labels, replace_other=replace_other)
    return finished(steps, progress)


def building(
    home: Path,
    folder: str | Path,
    predictor: Predictor,
    *,
    labels: Path | None = None,
    replace_other: bool = False,
) -> Steps:
    """:func:`build`, step by step, in ``home``."""
    wanted = _source(home, Path(folder), labels)
    known = Known.read(home, predictor)
    sources: tuple[Source, ...] = (wanted,)
    if any(source.root == wanted.root for source in known.sources):  # with others that were added
        sources = tuple(wanted if s.root == wanted.root else s for s in known.sources)
    elif known.sources:
        if not replace_other:
            roots = ", ".join(str((home / source.root).resolve()) for source in known.sources)
            raise LibraryError(
                f"the library {home.name} is of {roots}; add this folder to it, choose another "
                "name, or say --replace"
            )
        known = Known()
    return (yield from _updating(home, sources, predictor, known))


def adding(
    home: Path,
    paths: Sequence[Path],
    predictor: Predictor,
    *,
    labels: Path | None = None,
) -> Steps:
    """Add folders and single files to a library, step by step.

    Without any, what is new in the folders that the library is of is added. A file that was
    removed by hand comes back if it is named.

    Raises:
        LibraryError: there is no library, it is of another model or precision, or a path is not
            there.
    """
    library = opened(home, predictor)
    known = Known.of(library)
    sources = _with_paths(home, library.manifest.sources, paths, labels)
    named = {path.resolve() for path in paths if path.is_file()}
    back = {
        record.key: record.sha256
        for record in known.removed.values()
        if library.roots[record.source].joinpath(record.file).resolve() in named
    }
    removed = {key: record for key, record in known.removed.items() if key not in back}
    heard = {sha256: o for sha256, o in known.heard.items() if sha256 not in back.values()}
    known = replace(known, removed=removed, heard=heard)
    return (yield from _updating(home, sources, predictor, known))


def rebuilding(home: Path, predictor: Predictor) -> Steps:
    """Make a library anew from its folders, by whatever model; what was removed stays out.

    Raises:
        LibraryError: there is no library, or its manifest is damaged.
    """
    manifest = Manifest.read(home, predictor.checkpoint.source)
    known = Known(sources=manifest.sources, removed=removed_of(home), manifest=manifest)
    return (yield from _updating(home, manifest.sources, predictor, known))


def _updating(home: Path, sources: tuple[Source, ...], predictor: Predictor, known: Known) -> Steps:
    """Find what there is, hear what is not known yet, and write the library."""
    places = [Place.of(source, home) for source in sources]
    sounds, skipped = gather(places)
    paths = {(s.source, s.file): places[s.source].root / s.file for s in sounds}
    with journal.opened(home, predictor) as notes:
        records = yield from _reading(sounds, paths, known, notes)
        outcomes: dict[str, Outcome] = {**known.heard, **notes.heard()}
        fresh = {
            record.sha256: paths[record.key]
            for record in records.values()
            if record.state is State.IN and record.sha256 not in outcomes
        }
        done = 0
        for found in embed(fresh, predictor):
            notes.keep(found)
            outcomes |= found
            done += len(found)
            yield Step(stage="embedding", done=done, total=len(fresh))
        yield Step(stage="mapping")
        files = [*_judged(records, outcomes), *map(_left_out, skipped)]
        gathered = Gathered(sounds=sounds, files=tuple(files), outcomes=outcomes)
        store.write(home, *assembled(gathered, known, predictor, home.name, sources))
    journal.remove(home)
    return SoundLibrary.open(home, predictor.checkpoint)


def _reading(
    sounds: Sequence[Sound],
    paths: Mapping[tuple[int, str], Path],
    known: Known,
    notes: Journal,
) -> Generator[Step, None, dict[tuple[int, str], FileRecord]]:
    """What each file holds: its SHA-256, read only where it is not known from before."""
    contents = {**known.contents(), **notes.contents()}
    first: dict[str, FileRecord] = {}
    records: dict[tuple[int, str], FileRecord] = {}
    for done, sound in enumerate(sounds, start=1):
        key = (sound.source, sound.file)
        record = _as_before(_read(sound, paths[key], contents, notes), known.removed.get(key))
        original = first.setdefault(record.sha256, record) if record.state is State.IN else record
        if original is not record:
            record = replace(record, state=State.COPY, reason=original.file)
        records[key] = record
        yield Step(stage="reading", done=done, total=len(sounds))
    return records


def _read(
    sound: Sound, path: Path, contents: Mapping[tuple[str, int, int], str], notes: Journal
) -> FileRecord:
    record = FileRecord(source=sound.source, file=sound.file)
    try:
        about = path.stat()
        seen = (str(path), about.st_size, about.st_mtime_ns)
        sha256 = contents.get(seen)
        if sha256 is None:
            sha256 = sha256_of(path)
            notes.keep_content(*seen, sha256)
    except OSError as error:
        return replace(record, state=State.SKIPPED, reason=f"{error.strerror or error}")
    # In the project a time of writing is that of a checkout, and says nothing.
    modified = 0 if path.is_relative_to(ROOT) else about.st_mtime_ns
    return replace(record, size=about.st_size, modified_ns=modified, sha256=sha256)


def _as_before(record: FileRecord, before: FileRecord | None) -> FileRecord:
    """A record without what was removed of the file by hand."""
    if before is not None and before.state is State.REMOVED:
        return replace(record, state=State.REMOVED, reason="")
    if before is not None and before.sha256 == record.sha256:
        return replace(record, reason=before.reason)
    return record


def _judged(
    records: Mapping[tuple[int, str], FileRecord], outcomes: Mapping[str, Outcome]
) -> Iterator[FileRecord]:
    """Records of the files, once it is known which can be heard."""
    for record in records.values():
        outcome = outcomes.get(record.sha256)
        if record.state is State.IN and isinstance(outcome, str):
            yield replace(record, state=State.SKIPPED, reason=outcome)
        else:
            yield record


def _left_out(item: SkippedFile) -> FileRecord:
    return FileRecord(source=item.source, file=item.file, state=State.SKIPPED, reason=item.reason)


def _source(home: Path, folder: Path, labels: Path | None) -> Source:
    return Source(
        root=portable(folder, home), labels=None if labels is None else portable(labels, home)
    )


def _with_paths(
    home: Path, sources: tuple[Source, ...], paths: Sequence[Path], labels: Path | None
) -> tuple[Source, ...]:
    """The sources of a library and more; what lies in one of them is in it already."""
    found = list(sources)
    for path in paths:
        if not path.exists():
            raise LibraryError(f"{path} is not there; name folders and sound files that are")
        root = path if path.is_dir() else path.parent
        new = _source(home, root, labels)
        only = None if path.is_dir() else (path.name,)
        at = next((i for i, source in enumerate(found) if source.root == new.root), None)
        if at is not None:
            found[at] = _wider(found[at], only, new.labels)
        elif only is None or not _inside(path, home, found):
            found.append(replace(new, only=only))
    return tuple(found)


def _wider(source: Source, only: tuple[str, ...] | None, labels: str | None) -> Source:
    """A source with more of its files."""
    source = source if labels is None else replace(source, labels=labels)
    if source.only is None or only is None:
        return replace(source, only=None)
    return replace(source, only=tuple(sorted({*source.only, *only})))


def _inside(path: Path, home: Path, sources: Sequence[Source]) -> bool:
    whole = [(home / s.root).resolve() for s in sources if s.only is None]
    return any(path.resolve().is_relative_to(root) for root in whole)
