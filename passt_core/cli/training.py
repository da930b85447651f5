"""``train``, ``pretrain`` and ``distill``: the lab from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from passt_core.cli.show import Report, echo_facts, progress
from passt_core.errors import TrainingError

if TYPE_CHECKING:
    from passt_core.lab.train import EpochReport, Progress, Trained

DataSets = Annotated[
    list[Path],
    typer.Argument(
        metavar="DATASET...", help="Folders of class folders, or CSVs.", show_default=False
    ),
]
Sounds = Annotated[
    list[Path],
    typer.Argument(metavar="FOLDER...", help="Folders of sounds.", show_default=False),
]
Start = Annotated[
    str | None, typer.Option(metavar="NAME", help="Begin from this model, not from nothing.")
]
HoldOut = Annotated[
    int | None, typer.Option(metavar="FOLD", help="Leave a fold out, to score on it.")
]
Out = Annotated[Path, typer.Option(metavar="FILE", help="Checkpoint to write.", show_default=False)]
Choices = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A choice of the recipe; may be repeated."),
]
Card = Annotated[
    Path | None,
    typer.Option(metavar="JSON", help="What to say of the model: title, licence, score, ..."),
]


def train(
    datasets: DataSets,
    out: Out,
    start: Start = None,
    hold_out: HoldOut = None,
    choices: Choices = None,
    card: Card = None,
) -> None:
    """Train a small PaSST on a labelled dataset, or on several as one."""
    from passt_core.lab import train as training  # noqa: PLC0415 - torch
    from passt_core.lab.config import TrainConfig  # noqa: PLC0415
    from passt_core.lab.datasets import join, load_dataset  # noqa: PLC0415
    from passt_core.network import checkpoints  # noqa: PLC0415

    about = _read_card(card)
    config = TrainConfig.of(choices or ())
    clips = join([load_dataset(dataset) for dataset in datasets])
    clips = clips if hold_out is None else clips.without(hold_out)
    beginning = None if start is None else checkpoints.load(start)
    with progress("training", "epoch") as report:
        trained = training.train(clips, config, start=beginning, progress=_epochs(report))
    _keep(trained, out, {"trained_on": f"{clips.name}, {len(clips)} clips"} | about)


def pretrain(folders: Sounds, out: Out, choices: Choices = None, card: Card = None) -> None:
    """Pre-train a small PaSST on unlabelled sounds; train begins from it with --start."""
    from passt_core.lab.config import TrainConfig  # noqa: PLC0415 - torch
    from passt_core.lab.datasets import sounds_under  # noqa: PLC0415
    from passt_core.lab.pretrain import pretrain as run  # noqa: PLC0415

    about = _read_card(card)
    paths = [path for folder in folders for path in sounds_under(folder)]
    with progress("pre-training", "epoch") as report:
        trained = run(paths, TrainConfig.of(choices or ()), progress=_epochs(report))
    _keep(trained, out, {"trained_on": f"{len(paths)} unlabelled sounds"} | about)


def distill(
    scores: Annotated[
        Path,
        typer.Argument(
            metavar="SCORES", help="What a teacher said, as an .npz.", show_default=False
        ),
    ],
    out: Out,
    start: Start = None,
    leave_out: Annotated[
        Path | None,
        typer.Option(metavar="DATASET", help="Leave out the files of this dataset's --hold-out."),
    ] = None,
    hold_out: HoldOut = None,
    choices: Choices = None,
    card: Card = None,
) -> None:
    """Train a small PaSST to say what a teacher said; train begins from it with --start."""
    from passt_core.lab.config import TrainConfig  # noqa: PLC0415 - torch
    from passt_core.lab.datasets import load_dataset  # noqa: PLC0415
    from passt_core.lab.distill import TeacherScores  # noqa: PLC0415
    from passt_core.lab.distill import distill as run  # noqa: PLC0415
    from passt_core.network import checkpoints  # noqa: PLC0415

    about = _read_card(card)
    teacher = TeacherScores.read(scores)
    if leave_out is not None and hold_out is not None:
        unseen = load_dataset(leave_out).only(hold_out)
        teacher = teacher.without({clip.path.name for clip in unseen.clips})
    beginning = None if start is None else checkpoints.load(start)
    config = TrainConfig.of(choices or ())
    with progress("distilling", "epoch") as report:
        trained = run(teacher, config, start=beginning, progress=_epochs(report))
    _keep(
        trained, out, {"trained_on": f"a teacher's scores of {len(teacher.scores)} sounds"} | about
    )


def _epochs(report: Report) -> Progress:
    def told(epoch: EpochReport) -> None:
        report(epoch.epoch, epoch.epochs)

    return told


def _keep(trained: Trained, out: Path, card: dict[str, Any]) -> None:
    trained.save(out, card)
    echo_facts(
        [
            ("checkpoint", out),
            ("classes", len(trained.labels)),
            ("epochs", trained.config.epochs),
            ("last loss", trained.losses[-1]),
            ("minutes", trained.seconds / 60),
        ]
    )


def _read_card(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} cannot be read as a card ({error}); give JSON") from error
    if not isinstance(card, dict):
        raise TrainingError(f"{path} holds {type(card).__name__}; a card is a JSON object")
    return card
