"""``retrieval``: how well a model finds its like among real recordings."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from passt_core.cli.evaluation import Data, Layout
from passt_core.cli.options import BUNDLED, AsJson, Model, load_predictor
from passt_core.cli.show import echo_facts, echo_json, echo_table, progress

if TYPE_CHECKING:
    from passt_core.lab.retrieval import Searched

Folds = Annotated[
    list[str] | None,
    typer.Option("--fold", metavar="FOLD", help="Ask from this fold only; may be repeated."),
]


def retrieval(
    dataset: Data,
    model: Model = BUNDLED,
    folds: Folds = None,
    layout: Layout = None,
    as_json: AsJson = False,
) -> None:
    """Look for the clips of each fold among the other folds, by a model and without one.

    Only folds that the model was not trained on say how well it finds what it does not know.
    """
    from passt_core.lab.datasets import load_dataset  # noqa: PLC0415 - torch
    from passt_core.lab.retrieval import retrieve  # noqa: PLC0415

    clips = load_dataset(dataset, layout=layout)
    chosen = tuple(int(fold) if fold.isdecimal() else fold for fold in folds or ())
    for fold in chosen:
        clips.only(fold)  # before a model is fetched for it
    predictor = load_predictor(model)
    with progress(f"hearing {clips.name}", "clip") as told:
        found = retrieve(clips, predictor, folds=chosen or None, progress=told)
    if as_json:
        results = [asdict(one) for one in found]
        echo_json({"model": predictor.name, "dataset": clips.name, "results": results})
        return
    echo_facts([("model", predictor.name), ("dataset", clips.name)])
    typer.echo()
    headers = ("fold", "queries", "library", "by", "R@1", "R@5", "mAP@10")
    echo_table(headers, [row for one in found for row in _rows(one, predictor.name)])


def _rows(one: Searched, model: str) -> list[tuple[object, ...]]:
    fold = "all" if one.fold is None else str(one.fold)
    told = ((model, one.model), ("log-mel statistics", one.statistics))
    return [
        (fold, one.queries, one.library, name, r.recall_at_1, r.recall_at_5, r.map_at_10)
        for name, r in told
    ]
