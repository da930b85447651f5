"""Options that several commands share, and what they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from passt_core.cli.show import progress
from passt_core.files import INDEX

if TYPE_CHECKING:
    from passt_core.inference.predictor import Predictor
    from passt_core.network.checkpoints import Checkpoint

ClipOrFolder = Annotated[
    Path,
    typer.Argument(
        metavar="CLIP",
        help="Sound file, or a folder of them with --out.",
        show_default=False,
        readable=False,
    ),
]
Model = Annotated[
    str, typer.Option(help="bundled, a published name, or a checkpoint file.", metavar="NAME")
]
Precision = Annotated[
    str,
    typer.Option(
        help="Of the model: fp32, bf16, int8, or auto, the fastest that was measured here.",
        metavar="TYPE",
    ),
]
KeepTokens = Annotated[
    float,
    typer.Option(metavar="SHARE", help="Tokens that merging leaves, above 0; 1 merges none."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Index = Annotated[
    Path,
    typer.Option(
        help="Folder of the libraries.", metavar="DIR", show_default="index", readable=False
    ),
]

BUNDLED = "bundled"
FP32 = "fp32"
DEFAULT_INDEX = INDEX


def load_checkpoint(model: str) -> Checkpoint:
    """The checkpoint of a name or path; a published one is fetched first, with progress.

    Raises:
        CheckpointError: it cannot be had.
    """
    from passt_core.network import checkpoints  # noqa: PLC0415 - torch

    with progress(f"fetching {model}", "B", scaled=True) as report:
        return checkpoints.load(model, report)


def load_predictor(model: str, precision: str = FP32, keep_tokens: float = 1.0) -> Predictor:
    """The model of a name or path, loaded likewise.

    Raises:
        CheckpointError: it cannot be had.
        PasstError: there is no such precision, or share of tokens.
    """
    from passt_core.inference.predictor import Predictor  # noqa: PLC0415 - torch

    return Predictor(load_checkpoint(model), precision=precision, keep_tokens=keep_tokens)
