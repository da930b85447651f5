"""``library``: building sound libraries, changing them, and looking at them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from passt_core.cli.options import (
    BUNDLED,
    DEFAULT_INDEX,
    FP32,
    AsJson,
    Index,
    Model,
    Precision,
    load_predictor,
)
from passt_core.cli.show import echo_facts, echo_json, echo_table, one_line, steps_shown
from passt_core.errors import LibraryError

if TYPE_CHECKING:
    from passt_core.library.build import Steps
    from passt_core.library.store import SoundLibrary
    from passt_core.network.checkpoints import Checkpoint

app = typer.Typer(help="Build sound libraries and look after them.", no_args_is_help=True)

Folder = Annotated[
    Path,
    typer.Argument(metavar="FOLDER", help="Folder of sounds.", show_default=False, readable=False),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the library.", show_default=False)]
Labels = Annotated[
    Path | None,
    typer.Option(metavar="CSV", help="Columns file and label [default: library.csv in FOLDER]"),
]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Folder to write.", show_default=False)]


@app.command()
def build(
    folder: Folder,
    name: Annotated[str, typer.Option(help="Name of the library.", show_default=False)],
    labels: Labels = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a library of this name of other folders.")
    ] = False,
    model: Model = BUNDLED,
    precision: Precision = FP32,
    index: Index = DEFAULT_INDEX,
) -> None:
    """Embed all sounds under a folder, so that they can be searched and seen on a map.

    Done again, it hears only what is new or has changed. A build that was killed goes on where it
    was.
    """
    from passt_core.library.build import building  # noqa: PLC0415 - torch, faiss
    from passt_core.library.manifest import check_name  # noqa: PLC0415

    home = index / check_name(name)
    predictor = load_predictor(model, precision)
    _report(building(home, folder, predictor, labels=labels, replace_other=replace))


@app.command()
def add(
    name: Name,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH...]", help="Folders and sound files.", show_default=False),
    ] = None,
    labels: Labels = None,
    model: Model = BUNDLED,
    precision: Precision = FP32,
    index: Index = DEFAULT_INDEX,
) -> None:
    """Add sounds to a library: those named, or else what is new in its own folders."""
    from passt_core.library.build import adding  # noqa: PLC0415 - torch, faiss

    home = _home(name, index)
    predictor = load_predictor(model, precision)
    _report(adding(home, paths or [], predictor, labels=labels))


@app.command()
def rebuild(
    name: Name,
    model: Model = BUNDLED,
    precision: Precision = FP32,
    index: Index = DEFAULT_INDEX,
) -> None:
    """Hear every sound of a library again, perhaps with another model."""
    from passt_core.library.build import rebuilding  # noqa: PLC0415 - torch, faiss

    home = _home(name, index)
    _report(rebuilding(home, load_predictor(model, precision)))


@app.command()
def remove(
    name: Name,
    clips: Annotated[
        list[str],
        typer.Argument(metavar="CLIP...", help="Ids of clips, or files.", show_default=False),
    ],
    model: Model = BUNDLED,
    index: Index = DEFAULT_INDEX,
) -> None:
    """Remove clips from a library; their sound files stay, and building again leaves them out."""
    from passt_core.library.change import remove as removed  # noqa: PLC0415 - torch, faiss

    library, checkpoint = _open(name, model, index)
    left = removed(library, clips, checkpoint)
    gone = len(library.clips) - len(left.clips)
    echo_facts([("library", left.name), ("removed", gone), ("clips", len(left.clips))])


@app.command("map")
def remap(
    name: Name,
    neighbours: Annotated[
        int, typer.Option(help="Of each clip that UMAP keeps together: few show small groups.")
    ] = 15,
    min_dist: Annotated[
        float, typer.Option(help="Least distance on the map: 0 packs groups tightly.")
    ] = 0.3,
    model: Model = BUNDLED,
    index: Index = DEFAULT_INDEX,
) -> None:
    """Lay the map of a library out anew."""
    from passt_core.library.change import remap as changed  # noqa: PLC0415 - torch, faiss

    library, checkpoint = _open(name, model, index)
    left = changed(library, checkpoint, neighbours=neighbours, min_dist=min_dist)
    echo_facts([("library", left.name), *_map_facts(left)])


@app.command()
def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    index: Index = DEFAULT_INDEX,
) -> None:
    """Delete a library, not the sounds that it is of."""
    from passt_core.library import store  # noqa: PLC0415 - faiss

    home = _home(name, index)
    store.check_there(home)
    if yes or _agreed(f"Delete the library {name} in {home}? Its sounds stay."):
        store.delete(home)
        echo_facts([("deleted", home)])
    else:
        echo_facts([("kept", home)])


@app.command("list")
def list_libraries(index: Index = DEFAULT_INDEX, as_json: AsJson = False) -> None:
    """List the libraries."""
    from passt_core.library.journal import unfinished  # noqa: PLC0415
    from passt_core.library.manifest import Manifest  # noqa: PLC0415 - torch
    from passt_core.library.store import names  # noqa: PLC0415 - faiss

    rows: list[tuple[object, ...]] = []
    for name in names(index):
        try:
            manifest = Manifest.read(index / name)
        except LibraryError as error:
            rows.append((name, "-", "-", "-", "-", one_line(error)))
        else:
            roots = [str((index / name / s.root).resolve()) for s in manifest.sources]
            minutes = f"{manifest.seconds / 60:.1f}"
            about = (manifest.count, minutes, manifest.model, manifest.changed, "; ".join(roots))
            rows.append((name, *about))
    stopped = "its build was stopped; build again to go on"
    rows += [(name, "-", "-", "-", "-", stopped) for name in unfinished(index)]
    columns = ("name", "clips", "minutes", "model", "changed", "sounds")
    if as_json:
        echo_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif rows:
        echo_table(columns, rows)
    else:
        typer.echo(f"no libraries in {index}; make one: python -m passt_core library build --help")


@app.command()
def info(
    name: Name, model: Model = BUNDLED, index: Index = DEFAULT_INDEX, as_json: AsJson = False
) -> None:
    """Tell what a library holds, and what was left out of it."""
    from passt_core.library.tables import State  # noqa: PLC0415 - faiss

    library, _ = _open(name, model, index)
    labels = Counter(clip.label for clip in library.clips if clip.label)
    left = [record for record in library.files if record.state is not State.IN]
    facts = _facts(library)
    if as_json:
        told = [{"file": r.file, "state": r.state.value, "reason": r.reason} for r in left]
        echo_json({**dict(facts), "labels": dict(labels), "left out": told})
        return
    echo_facts(facts)
    if labels:
        typer.echo()
        echo_table(("label", "clips"), sorted(labels.items()))
    _tell_left_out(library)


@app.command()
def verify(
    name: Name,
    sounds: Annotated[
        bool, typer.Option("--sounds", help="Read every sound file too, and compare its content.")
    ] = False,
    model: Model = BUNDLED,
    index: Index = DEFAULT_INDEX,
) -> None:
    """Check a library: its files against their checksums, its sounds against its table.

    Ends with 1 if there is a fault, and with 2 if the library cannot be used.
    """
    from passt_core.library.verify import verify as faults_of  # noqa: PLC0415 - torch, faiss
    from passt_core.network import checkpoints  # noqa: PLC0415

    faults = faults_of(_home(name, index), checkpoints.load(model), sounds=sounds)
    if faults:
        rows = [(fault.where, fault.what, fault.remedy) for fault in faults]
        echo_table(("where", "what", "remedy"), rows)
        raise typer.Exit(1)
    echo_facts([("library", name), ("faults", 0)])


@app.command()
def export(
    name: Name,
    out: Out,
    form: Annotated[
        str, typer.Option("--format", metavar="csv|parquet", help="Of the table of clips.")
    ] = "csv",
    model: Model = BUNDLED,
    index: Index = DEFAULT_INDEX,
) -> None:
    """Write a library's table of clips and its embeddings for other programs."""
    from passt_core.library.export import export as exported  # noqa: PLC0415 - torch, faiss

    library, _ = _open(name, model, index)
    exported(library, out, form=form)
    echo_facts([("folder", out), ("clips", len(library.clips))])


def _agreed(question: str) -> bool:
    """Whether someone says yes.

    Raises:
        LibraryError: nobody is there to answer.
    """
    try:
        return typer.confirm(question)
    except typer.Abort as error:
        raise LibraryError("nothing was answered, so nothing is deleted; say --yes") from error


def _home(name: str, index: Path) -> Path:
    """Folder of a library, by its name or its own path."""
    from passt_core.library.store import locate  # noqa: PLC0415 - faiss

    return locate(name, index)


def _open(name: str, model: str, index: Path) -> tuple[SoundLibrary, Checkpoint]:
    from passt_core.library.store import SoundLibrary  # noqa: PLC0415 - faiss
    from passt_core.network import checkpoints  # noqa: PLC0415 - torch

    checkpoint = checkpoints.load(model)
    return SoundLibrary.open(_home(name, index), checkpoint), checkpoint


def _report(steps: Steps) -> None:
    """Take the steps of a build under a bar, and tell what came of them."""
    library = steps_shown(steps)
    echo_facts(_facts(library))
    _tell_left_out(library)


def _facts(library: SoundLibrary) -> list[tuple[str, object]]:
    from passt_core.library import nearest  # noqa: PLC0415 - faiss

    states = Counter(record.state.value for record in library.files)
    return [
        ("library", library.name),
        ("clips", len(library.clips)),
        ("labels", len({clip.label for clip in library.clips if clip.label})),
        ("minutes", round(library.manifest.seconds / 60, 1)),
        ("model", library.manifest.model),
        ("precision", library.manifest.precision),
        ("folder", str(library.folder)),
        ("index", nearest.kind(library.index)),
        ("skipped", states["skipped"]),
        ("copies", states["copy"]),
        ("removed", states["removed"]),
        *_map_facts(library),
    ]


def _map_facts(library: SoundLibrary) -> list[tuple[str, object]]:
    facts = library.manifest.map
    chosen = f"{facts.neighbours} neighbours, min_dist {facts.min_dist:g}"
    return [
        ("map", chosen + (f", {facts.placed} put in later" if facts.placed else "")),
        ("trustworthiness", facts.trustworthiness),
        ("neighbours kept", facts.preservation),
    ]


def _tell_left_out(library: SoundLibrary) -> None:
    """The files that are not in the library, and why."""
    from passt_core.library.tables import State  # noqa: PLC0415 - faiss

    for state, column in ((State.SKIPPED, "reason"), (State.COPY, "same content as")):
        rows = [(r.file, r.reason) for r in library.files if r.state is state]
        if rows:
            typer.echo()
            echo_table((f"{state.value} file", column), rows)
