"""``evaluate``: a model against a labelled dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from passt_core.cli.options import BUNDLED, AsJson, Model, load_predictor
from passt_core.cli.show import echo_facts, echo_json, echo_table

Data = Annotated[
    Path,
    typer.Argument(
        metavar="DATASET", help="Folder of class folders, or a CSV.", show_default=False
    ),
]


def evaluate(
    dataset: Data,
    model: Model = BUNDLED,
    fold: Annotated[int | None, typer.Option(help="Only this fold.", show_default="all")] = None,
    robustness: Annotated[
        bool, typer.Option("--robustness", help="Also on cut, quiet, padded, noisy, thinned clips.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Score a model on a labelled dataset."""
    from passt_core.lab.datasets import load_dataset  # noqa: PLC0415 - torch
    from passt_core.lab.evaluate import evaluate as score  # noqa: PLC0415
    from passt_core.lab.robustness import robustness as hold_under_changes  # noqa: PLC0415

    clips = load_dataset(dataset)
    predictor = load_predictor(model)
    found = score(predictor, clips, fold)
    held = hold_under_changes(predictor, clips, fold) if robustness else ()
    if as_json:
        conditions = {condition.name: condition.accuracy for condition in held}
        echo_json(found.to_dict() | ({"robustness": conditions} if held else {}))
        return
    echo_facts(
        [
            ("model", found.model),
            ("dataset", found.dataset),
            ("fold", "all" if fold is None else fold),
            ("clips", found.clips),
            ("accuracy", found.accuracy),
            ("accuracy, all classes", found.accuracy_all),
            ("top 3", found.top_3),
            ("mAP", found.mean_average_precision),
            ("retrieval R@1", found.recall_at_1),
            ("retrieval mAP@10", found.map_at_10),
        ]
    )
    typer.echo()
    rows = [(c.label, c.clips, c.recall, c.average_precision) for c in found.classes]
    echo_table(("class", "clips", "recall", "average precision"), rows)
    if held:
        typer.echo()
        echo_table(("clips are", "accuracy"), [(c.name, c.accuracy) for c in held])
