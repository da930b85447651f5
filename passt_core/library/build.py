"""A folder of sounds → a library on disk."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from passt_core import __version__
from passt_core.inference.predictor import Predictor
from passt_core.library import soundmap, store
from passt_core.library.catalogue import catalogue
from passt_core.library.embed import Embedded, Progress, embed
from passt_core.library.manifest import METRIC, SCHEMA, Manifest, check_name, portable
from passt_core.library.store import SoundLibrary


def build(
    folder: str | Path,
    name: str,
    predictor: Predictor,
    *,
    target: Path,
    labels: Path | None = None,
    progress: Progress | None = None,
) -> SoundLibrary:
    """Embed the sounds of a folder, place them on a map, write the library and open it.

    The same sounds, model and machine give the same library; only the date differs.

    Args:
        folder: the sounds, in it and in the folders in it.
        name: of the library.
        predictor: the model.
        target: folder of libraries; this one lies in ``target / name`` and replaces what is there.
        labels: CSV that describes the sounds; None: ``library.csv`` in the folder, else the names
            of the folders that they lie in.
        progress: told of the files that are done.

    Returns:
        The library; what could not be read is in its manifest's ``skipped``.

    Raises:
        LibraryError: no sound could be embedded, or the library cannot be written.
    """
    home = Path(target) / check_name(name)
    found = catalogue(folder, labels)
    embedded = embed(found, predictor, progress=progress)
    places = soundmap.layout(embedded.embeddings)
    manifest = _manifest(name, predictor, embedded)
    manifest = replace(
        manifest,
        root=portable(found.root, home),
        labels=portable(labels, home) if labels else None,
    )
    store.write(home, manifest, clips=embedded.clips, embeddings=embedded.embeddings, places=places)
    return SoundLibrary.open(home, predictor.checkpoint)


def _manifest(name: str, predictor: Predictor, embedded: Embedded) -> Manifest:
    checkpoint = predictor.checkpoint
    return Manifest(
        schema=SCHEMA,
        name=name,
        model=checkpoint.name,
        weights_sha256=checkpoint.sha256,
        front_end=checkpoint.front_end,
        dim=predictor.embedding_dim,
        metric=METRIC,
        count=len(embedded.clips),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        tool_version=__version__,
        root="",
        labels=None,
        files={},
        skipped=embedded.skipped,
    )
