"""``prune``: a smaller network from a trained one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from passt_core.cli.options import load_checkpoint
from passt_core.cli.show import echo_facts

if TYPE_CHECKING:
    from passt_core.lab.dropping import Dropped
    from passt_core.network.checkpoints import Checkpoint

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
    blocks: Annotated[
        int | None, typer.Option(metavar="N", help="Blocks to keep; all, if it is not given.")
    ] = None,
    hold_out: Annotated[
        int | None, typer.Option(metavar="FOLD", help="Leave a fold out, to score on it.")
    ] = None,
) -> None:
    """Take the least important blocks, attention heads and MLP units out of a model.

    What is left is smaller and faster, and knows a little less: go on with train --start FILE.
    """
    from passt_core.lab.datasets import load_dataset  # noqa: PLC0415 - torch
    from passt_core.lab.dropping import drop_blocks  # noqa: PLC0415
    from passt_core.lab.prune import prune as run  # noqa: PLC0415
    from passt_core.network import checkpoints  # noqa: PLC0415

    trained = load_checkpoint(model)
    clips = load_dataset(dataset)
    clips = clips if hold_out is None else clips.without(hold_out)
    kept = trained.config.stored if blocks is None else blocks
    shallow = drop_blocks(trained, clips, blocks=kept)
    found = replace(trained, network=shallow.network)
    if blocks is None or (heads_kept, units_kept) != (1.0, 1.0):
        pruned = run(found, clips, heads_kept=heads_kept, units_kept=units_kept)
        found = replace(found, network=pruned.network)
    checkpoints.save(
        out,
        found.network,
        front_end=trained.front_end,
        labels=trained.labels,
        activation=trained.activation,
        card=_card(
            trained, heads_kept=heads_kept, units_kept=units_kept, blocks=list(shallow.blocks)
        ),
    )
    _echo(out, trained, found, shallow.dropped)


def _card(trained: Checkpoint, **kept: object) -> dict[str, object]:
    """What the new checkpoint says of itself."""
    return {
        **{key: trained.card[key] for key in KEPT if key in trained.card},
        "title": f"{trained.card.get('title', trained.name)}, pruned",
        "pruned_from": trained.sha256,
        **kept,
    }


def _echo(out: Path, trained: Checkpoint, found: Checkpoint, dropped: Sequence[Dropped]) -> None:
    from passt_core.lab.efficiency import Cost  # noqa: PLC0415 - torch

    before, after = Cost.of(trained.network), Cost.of(found.network)
    old, new = trained.config, found.config
    echo_facts(
        [
            ("checkpoint", out),
            ("blocks", f"{new.stored} of {old.stored}{_gone(dropped)}"),
            ("heads", f"{sum(new.block_heads)} of {sum(old.block_heads)}"),
            ("MLP units", f"{sum(new.block_units)} of {sum(old.block_units)}"),
            ("parameters", f"{after.parameters:,} of {before.parameters:,}"),
            ("GFLOPs", f"{after.flops / 1e9:.3f} of {before.flops / 1e9:.3f}"),
        ]
    )


def _gone(dropped: Sequence[Dropped]) -> str:
    """Which blocks went, and what the answers lost with each."""
    told = [
        f"{one.block} (divergence {one.divergence:.3f}, cosine {one.likeness:.3f})"
        for one in dropped
    ]
    return f"; left out, one after another: {', '.join(told)}" if told else ""
