"""``export``: a model as a file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from passt_core.cli.options import load_checkpoint
from passt_core.cli.show import echo_facts
from passt_core.errors import CheckpointError


def export(
    model: Annotated[
        str, typer.Argument(help="bundled, a published name, or a checkpoint file.", metavar="NAME")
    ],
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="ONNX file to write.", show_default=False)
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a model as ONNX: waveform in, logits, probabilities and embedding out.

    The file is compared with the model in onnxruntime before it is put in its place.
    """
    from passt_core.inference import onnx_export  # noqa: PLC0415 - torch

    if out.is_dir() or (out.exists() and not force):
        raise CheckpointError(f"{out} is there already; name another file, or use --force")
    if out.suffix != ".onnx":
        raise CheckpointError(f"{out} is to hold an ONNX model; let its name end in .onnx")
    onnx_export.require_packages()
    checkpoint = load_checkpoint(model)
    found = onnx_export.export(out, checkpoint)
    longest = max(samples for _, samples in found.shapes)
    rate = checkpoint.front_end.sample_rate
    echo_facts(
        [
            ("file", out),
            ("size", f"{out.stat().st_size} bytes"),
            ("takes", f"{onnx_export.INPUT}, up to {longest / rate:g} s at {rate} Hz"),
            ("gives", ", ".join(onnx_export.OUTPUTS)),
            ("largest difference", f"{found.largest:.2g}, {len(found.shapes)} lengths compared"),
        ]
    )
