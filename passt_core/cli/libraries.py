"""``library``: building sound libraries and listing them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from passt_core.cli.options import BUNDLED, DEFAULT_INDEX, Index, Model, load_predictor
from passt_core.cli.show import echo_facts, echo_table, one_line, progress
from passt_core.errors import LibraryError

app = typer.Typer(help="Build sound libraries and list them.", no_args_is_help=True)

Folder = Annotated[
    Path,
    typer.Argument(metavar="FOLDER", help="Folder of sounds.", show_default=False, readable=False),
]


@app.command()
def build(
    folder: Folder,
    name: Annotated[str, typer.Option(help="Name of the library.", show_default=False)],
    labels: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Columns file and label [default: library.csv in FOLDER]"),
    ] = None,
    model: Model = BUNDLED,
    index: Index = DEFAULT_INDEX,
) -> None:
    """Embed all sounds under a folder, so that they can be searched and seen on a map."""
    from passt_core.library import build as building  # noqa: PLC0415 - torch, faiss
    from passt_core.library.manifest import check_name  # noqa: PLC0415

    check_name(name)
    predictor = load_predictor(model)
    with progress(f"embedding {name}", "clip") as report:
        library = building.build(
            folder, name, predictor, target=index, labels=labels, progress=report
        )
    skipped = library.manifest.skipped
    echo_facts(
        [
            ("library", library.name),
            ("clips", len(library.clips)),
            ("labels", len({clip.label for clip in library.clips if clip.label})),
            ("model", library.manifest.model),
            ("folder", library.folder),
            ("skipped", len(skipped)),
        ]
    )
    if skipped:
        typer.echo()
        echo_table(("skipped file", "reason"), [(item.file, item.reason) for item in skipped])


@app.command("list")
def list_libraries(index: Index = DEFAULT_INDEX) -> None:
    """List the libraries."""
    from passt_core.library.manifest import Manifest  # noqa: PLC0415 - torch
    from passt_core.library.store import names  # noqa: PLC0415 - faiss

    rows: list[tuple[object, ...]] = []
    for name in names(index):
        try:
            manifest = Manifest.read(index / name)
        except LibraryError as error:
            rows.append((name, "-", "-", "-", one_line(error)))
        else:
            sounds = (index / name / manifest.root).resolve()
            rows.append((name, manifest.count, manifest.model, manifest.created, sounds))
    if not rows:
        typer.echo(f"no libraries in {index}; make one: python -m passt_core library build --help")
        return
    echo_table(("name", "clips", "model", "created", "sounds"), rows)
