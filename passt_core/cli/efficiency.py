"""``prune``: a smaller network from a trained one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from passt_core.cli.show import echo_facts, progress

Share = Annotated[float, typer.Option(metavar="SHARE", help="Share to keep, above 0, at most 1.")]

KEPT = ("trained_on", "licence")
"""What the old card says that is still true; its scores are not."""


def prune(
    dataset: Annotated[
        Path,
        typer.Argument(
            metavar="DATASET", help="What the model was trained on.", show_default=False
        ),
    ],
    model: Annotated[
        str, typer.Option(help="bundled, a published name, or a checkpoint file.", metavar="NAME")
    ],
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Checkpoint to write.", show_default=False)
    ],
    heads_kept: Share = 1.0,
    units_kept: Share = 1.0,
    hold_out: Annotated[
        int | None, typer.Option(metavar="FOLD", help="Leave a fold out, to score on it.")
    ] = None,
) -> None:
    """Take the least important attention heads and MLP units out of a model.

    What is left is smaller and faster, and knows a little less: go on with train --start FILE.
    """
    from passt_core.lab.datasets import load_dataset  # noqa: PLC0415 - torch
    from passt_core.lab.efficiency import Cost  # noqa: PLC0415
    from passt_core.lab.prune import prune as run  # noqa: PLC0415
    from passt_core.network import checkpoints  # noqa: PLC0415

    with progress(f"fetching {model}", "B", scaled=True) as report:
        trained = checkpoints.load(model, report)
    clips = load_dataset(dataset)
    clips = clips if hold_out is None else clips.without(hold_out)
    found = run(trained, clips, heads_kept=heads_kept, units_kept=units_kept)
    checkpoints.save(
        out,
        found.network,
        front_end=trained.front_end,
        labels=trained.labels,
        activation=trained.activation,
        card={
            **{key: trained.card[key] for key in KEPT if key in trained.card},
            "title": f"{trained.card.get('title', trained.name)}, pruned",
            "pruned_from": trained.sha256,
            "heads_kept": heads_kept,
            "units_kept": units_kept,
        },
    )
    before, after = Cost.of(trained.network), Cost.of(found.network)
    old, new = trained.config, found.network.config
    echo_facts(
        [
            ("checkpoint", out),
            ("heads", f"{sum(new.block_heads)} of {sum(old.block_heads)}"),
            ("MLP units", f"{sum(new.block_units)} of {sum(old.block_units)}"),
            ("parameters", f"{after.parameters:,} of {before.parameters:,}"),
            ("GFLOPs", f"{after.flops / 1e9:.3f} of {before.flops / 1e9:.3f}"),
        ]
    )
