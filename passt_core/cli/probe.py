"""``probe``: a head of one's own on a frozen network, in seconds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from passt_core.cli.options import BUNDLED, AsJson, Model, load_predictor
from passt_core.cli.show import echo_facts, echo_json, progress

if TYPE_CHECKING:
    from passt_core.inference.predictor import Predictor
    from passt_core.lab.datasets import Dataset
    from passt_core.lab.heard import Heard
    from passt_core.lab.probe import Probed

_SHOWN = 5


def probe(
    dataset: Annotated[
        Path,
        typer.Argument(
            metavar="DATASET", help="Folder of class folders, or a CSV.", show_default=False
        ),
    ],
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Checkpoint to write.", show_default=False)
    ],
    model: Model = BUNDLED,
    several: Annotated[
        bool, typer.Option("--several", help="A clip may have several classes: sigmoids.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the clips that are held out.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Train a new head for your own classes; the network itself stays as it is.

    The file that is written goes wherever a model does: analyze --model FILE.
    """
    from passt_core.lab import probe as probing  # noqa: PLC0415 - torch
    from passt_core.lab.datasets import load_dataset  # noqa: PLC0415

    clips = load_dataset(dataset)
    predictor = load_predictor(model)
    heard = _heard(predictor, clips)
    config = probing.ProbeConfig(activation="sigmoid" if several else "softmax", seed=seed)
    found = probing.probe(heard, config)
    card = {"title": clips.name, "trained_on": f"{clips.name}, {len(heard)} clips, only the head"}
    probing.save(out, predictor.checkpoint, found, card)
    _tell(out, heard, found, as_json)


def _heard(predictor: Predictor, dataset: Dataset) -> Heard:
    from passt_core.lab.heard import Heard, hear  # noqa: PLC0415 - torch

    outcomes = []
    with progress("listening", "clip") as report:
        for outcome in hear(predictor, dataset.clips):
            outcomes.append(outcome)
            report(len(outcomes), len(dataset))
    return Heard.of(outcomes)


def _tell(out: Path, heard: Heard, found: Probed, as_json: bool) -> None:
    last = found.last
    facts = {
        "checkpoint": str(out),
        "classes": len(found.labels),
        "trained on": len(found.train),
        "held out": len(found.validation),
        "accuracy on those": last.validation_accuracy,
        "loss on those": last.validation_loss,
        "accuracy in training": last.train_accuracy,
        "weight decay": found.decay,
        "epochs": len(found.curve),
        "unreadable": len(heard.unreadable),
    }
    if as_json:
        echo_json({name.replace(" ", "_"): value for name, value in facts.items()})
        return
    echo_facts(list(facts.items()))
    for one in heard.unreadable[:_SHOWN]:
        typer.echo(f"left out: {one.reason}")
    if len(heard.unreadable) > _SHOWN:
        typer.echo(f"left out: {len(heard.unreadable) - _SHOWN} more")
