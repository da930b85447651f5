"""``narrow``: the same model with fewer classes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from passt_core.cli.show import echo_facts
from passt_core.errors import CheckpointError


def narrow(
    model: Annotated[
        str, typer.Argument(help="bundled, a published name, or a checkpoint file.", metavar="NAME")
    ],
    classes: Annotated[
        Path,
        typer.Option(metavar="FILE", help="Classes to keep, one a line.", show_default=False),
    ],
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Checkpoint to write.", show_default=False)
    ],
) -> None:
    """Keep some of a model's classes; the others are never answered again."""
    from passt_core.lab.narrow import narrow as run  # noqa: PLC0415 - torch
    from passt_core.network import checkpoints  # noqa: PLC0415

    try:
        lines = classes.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(
            f"{classes} cannot be read ({error}); give a text file with a class a line"
        ) from error
    wide = checkpoints.load(model)
    found = run(wide, [line.strip() for line in lines if line.strip()])
    checkpoints.rewrite(out, found)
    echo_facts([("checkpoint", out), ("classes", f"{len(found.labels)} of {len(wide.labels)}")])
