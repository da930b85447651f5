"""``train``, ``pretrain``, ``distill`` and ``recipe``: the lab from the command line."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from tqdm import tqdm

from passt_core.cli.show import echo_facts
from passt_core.errors import TrainingError

if TYPE_CHECKING:
    from passt_core.lab.config import TrainConfig
    from passt_core.lab.datasets import Dataset, Fold
    from passt_core.lab.train import EpochReport, Progress, Ticks, Traces, Trained
    from passt_core.network.checkpoints import Checkpoint

PROGRAM = "python -m passt_core"

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
Scores = Annotated[
    Path,
    typer.Argument(
        metavar="SCORES",
        help="What a teacher said: an .npz, or a folder of lessons.",
        show_default=False,
    ),
]
Start = Annotated[
    str | None, typer.Option(metavar="NAME", help="Begin from this model, not from nothing.")
]
Deit = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Begin from the weights of a DeiT.")
]
HoldOut = Annotated[
    str | None, typer.Option(metavar="FOLD", help="Leave a fold out, to score on it.")
]
Validate = Annotated[
    str | None,
    typer.Option(metavar="FOLD", help="Leave a fold out, and score on it after each epoch."),
]
Out = Annotated[Path, typer.Option(metavar="FILE", help="Checkpoint to write.", show_default=False)]
Config = Annotated[
    Path | None, typer.Option(metavar="YAML", help="Choices of the recipe, one a line.")
]
Choices = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A choice of the recipe; may be repeated."),
]
Restart = Annotated[
    bool, typer.Option("--restart", help="Begin anew where a killed training could go on.")
]
Log = Annotated[Path | None, typer.Option(metavar="CSV", help="Write a row per epoch to it.")]
TensorBoard = Annotated[
    Path | None, typer.Option("--tensorboard", metavar="DIR", help="Write TensorBoard's files.")
]
Card = Annotated[
    Path | None,
    typer.Option(metavar="JSON", help="What to say of the model: title, licence, score, ..."),
]
Markdown = Annotated[
    bool, typer.Option("--markdown", help="Write the card as Markdown beside the checkpoint too.")
]


def recipe(config: Config = None, choices: Choices = None) -> None:
    """Print every choice of a training as YAML: the defaults, a file's, and those of --set."""
    from passt_core.lab.recipe import effective, to_yaml  # noqa: PLC0415 - torch

    typer.echo(to_yaml(effective(config, choices or ())), nl=False)


def train(
    datasets: DataSets,
    out: Out,
    start: Start = None,
    deit: Deit = None,
    hold_out: HoldOut = None,
    validate: Validate = None,
    config: Config = None,
    choices: Choices = None,
    restart: Restart = False,
    log: Log = None,
    tensorboard: TensorBoard = None,
    card: Card = None,
    markdown: Markdown = False,
) -> None:
    """Train a small PaSST on a labelled dataset, or on several as one.

    A training that was killed goes on when the same command is given again. Under torchrun it runs
    in several processes.
    """
    from passt_core.lab import train as training  # noqa: PLC0415 - torch
    from passt_core.lab.datasets import join, load_dataset  # noqa: PLC0415

    about, chosen = _read_card(card), _chosen(config, choices)
    clips, scored = _folds(join([load_dataset(path) for path in datasets]), hold_out, validate)
    traces = _traces(out, restart, log, tensorboard)
    with _watched("training", traces) as (watched, told):
        trained = training.train(
            clips,
            chosen,
            start=_start(start, deit, chosen),
            validation=scored,
            traces=watched,
            progress=told,
        )
    options = {"start": start, "deit": deit, "hold-out": hold_out, "validate": validate}
    command = _command("train", datasets, out, options, config, choices)
    data = {"trained_on": f"{clips.name}, {len(clips)} clips", "command": command}
    _keep(trained, out, data | about, watched, markdown=markdown)


def pretrain(
    folders: Sounds,
    out: Out,
    start: Start = None,
    config: Config = None,
    choices: Choices = None,
    restart: Restart = False,
    log: Log = None,
    tensorboard: TensorBoard = None,
    card: Card = None,
    markdown: Markdown = False,
) -> None:
    """Pre-train a small PaSST on unlabelled sounds; train begins from it with --start."""
    from passt_core.lab.datasets import sounds_under  # noqa: PLC0415 - torch
    from passt_core.lab.pretrain import pretrain as run  # noqa: PLC0415

    about, chosen = _read_card(card), _chosen(config, choices)
    paths = [path for folder in folders for path in sounds_under(folder)]
    traces = _traces(out, restart, log, tensorboard)
    with _watched("pre-training", traces) as (watched, told):
        trained = run(
            paths, chosen, start=_start(start, None, chosen), traces=watched, progress=told
        )
    command = _command("pretrain", folders, out, {"start": start}, config, choices)
    data = {"trained_on": f"{len(paths)} unlabelled sounds", "command": command}
    _keep(trained, out, data | about, watched, markdown=markdown)


def distill(
    scores: Scores,
    out: Out,
    start: Start = None,
    labelled: Annotated[
        Path | None,
        typer.Option(metavar="DATASET", help="Labels of some of the sounds; they count more."),
    ] = None,
    leave_out: Annotated[
        Path | None,
        typer.Option(metavar="DATASET", help="Leave out the files of this dataset's --hold-out."),
    ] = None,
    hold_out: HoldOut = None,
    config: Config = None,
    choices: Choices = None,
    restart: Restart = False,
    log: Log = None,
    tensorboard: TensorBoard = None,
    card: Card = None,
    markdown: Markdown = False,
) -> None:
    """Train a small PaSST to say what a teacher said; train begins from it with --start."""
    about, chosen = _read_card(card), _chosen(config, choices)
    if scores.is_dir():
        learn, data = _lessons(scores, hold_out, labelled or leave_out)
    else:
        learn, data = _taught(scores, labelled, leave_out, hold_out)
    traces = _traces(out, restart, log, tensorboard)
    with _watched("distilling", traces) as (watched, told):
        trained = learn(chosen, start=_start(start, None, chosen), traces=watched, progress=told)
    options = {
        "start": start,
        "labelled": labelled,
        "leave-out": leave_out,
        "hold-out": hold_out,
    }
    command = _command("distill", [scores], out, options, config, choices)
    made = {"trained_on": data, "command": command}
    _keep(trained, out, made | about, watched, markdown=markdown)


def _taught(
    scores: Path, labelled: Path | None, leave_out: Path | None, hold_out: str | None
) -> tuple[Callable[..., Trained], str]:
    """How a file of a teacher's scores is learnt, and what to say of it."""
    from passt_core.lab.datasets import load_dataset  # noqa: PLC0415 - torch
    from passt_core.lab.distill import distill as run  # noqa: PLC0415
    from passt_core.lab.teacher import TeacherScores  # noqa: PLC0415

    teacher = TeacherScores.read(scores)
    labels = None if labelled is None else load_dataset(labelled)
    if hold_out is not None:
        if leave_out is not None:
            unseen = load_dataset(leave_out).only(_fold(hold_out))
            teacher = teacher.without({clip.path.name for clip in unseen.clips})
        labels = labels and labels.without(_fold(hold_out))
    learn = partial(run, teacher, labelled=labels)
    return learn, f"a teacher's scores of {len(teacher.scores)} sounds"


def _lessons(
    folder: Path, hold_out: str | None, dataset: Path | None
) -> tuple[Callable[..., Trained], str]:
    """How a folder of lessons is learnt, without one fold or several (1,3), and what to say."""
    from passt_core.lab.lessons import Lessons, learn  # noqa: PLC0415 - torch

    if dataset is not None:
        raise TrainingError(
            f"{folder} holds lessons, which know their labels and folds themselves; "
            "leave --labelled and --leave-out away"
        )
    folds = (hold_out or "").replace(" ", "").split(",")
    if hold_out is not None and not all(fold.isdecimal() for fold in folds):
        raise TrainingError(f"--hold-out is {hold_out!r}; the folds of lessons are numbers: 1,3")
    lessons = Lessons.read(folder, hold_out=[int(fold) for fold in folds if fold])
    return partial(learn, lessons), f"{len(lessons)} lessons of a teacher"


def _chosen(config: Path | None, choices: list[str] | None) -> TrainConfig:
    from passt_core.lab.recipe import effective  # noqa: PLC0415 - torch

    return effective(config, choices or ())


def _start(name: str | None, deit: Path | None, config: TrainConfig) -> Checkpoint | None:
    """What a training begins from."""
    from passt_core.lab import train as training  # noqa: PLC0415 - torch
    from passt_core.network import checkpoints  # noqa: PLC0415

    if name is not None and deit is not None:
        raise TrainingError(f"--start is {name} and --deit {deit}; begin from one of them")
    if deit is not None:
        return training.deit(deit, config)
    return None if name is None else checkpoints.load(name)


def _folds(
    clips: Dataset, hold_out: str | None, validate: str | None
) -> tuple[Dataset, Dataset | None]:
    """What is trained on and what is scored on; both without the fold that is held out."""
    from passt_core.lab.datasets import check_folds  # noqa: PLC0415 - torch

    if hold_out is not None or validate is not None:
        check_folds(clips)
    if hold_out is not None and hold_out == validate:
        raise TrainingError(
            f"--hold-out and --validate are both {hold_out}; a fold that chooses an epoch is not "
            "unseen: name two"
        )
    if hold_out is not None:
        clips = clips.without(_fold(hold_out))
    if validate is None:
        return clips, None
    return clips.without(_fold(validate)), clips.only(_fold(validate))


def _fold(text: str) -> Fold:
    """A fold by its number, or a split by its name."""
    return int(text) if text.lstrip("-").isdecimal() else text


def _traces(out: Path, restart: bool, log: Path | None, tensorboard: Path | None) -> Traces:
    from passt_core.lab import state  # noqa: PLC0415 - torch
    from passt_core.lab.train import Traces  # noqa: PLC0415

    return Traces(state=state.path_beside(out), restart=restart, log=log, tensorboard=tensorboard)


@contextmanager
def _watched(what: str, traces: Traces) -> Iterator[tuple[Traces, Progress]]:
    """A bar on the terminal of the first process, and what moves it."""
    from dataclasses import replace  # noqa: PLC0415

    from passt_core.lab.distributed import is_first  # noqa: PLC0415 - torch

    hidden = None if is_first() else True  # None: shown on a terminal only
    with tqdm(desc=what, unit="step", disable=hidden, leave=False) as bar:

        def ticked(done: int, total: int, loss: float) -> None:
            bar.total = total
            bar.set_postfix({"loss": f"{loss:.3f}"} | shown, refresh=False)
            bar.update(done - bar.n)

        def told(epoch: EpochReport) -> None:
            shown["epoch"] = f"{epoch.epoch}/{epoch.epochs}"
            shown["patchout"] = f"{epoch.patchout:.2f}"
            shown.update({name: f"{score:.3f}" for name, score in epoch.scores.items()})

        shown: dict[str, str] = {}
        ticks: Ticks = ticked
        try:
            yield replace(traces, ticks=ticks), told
        except KeyboardInterrupt:
            bar.close()
            kept = traces.state is not None and traces.state.exists()
            left = f"{traces.state} keeps what was done: give the same command to go on"
            typer.echo(f"stopped; {left if kept else 'nothing was kept yet'}", err=True)
            raise


def _keep(
    trained: Trained, out: Path, card: dict[str, Any], traces: Traces, *, markdown: bool
) -> None:
    """Write the result, and only then remove the state that it could be had from again."""
    from passt_core.files import atomic_path  # noqa: PLC0415
    from passt_core.lab.card import as_markdown  # noqa: PLC0415 - torch
    from passt_core.lab.distributed import is_first  # noqa: PLC0415

    if not is_first():
        return
    trained.save(out, card)
    if markdown:
        with atomic_path(out.with_suffix(".md")) as temporary:
            temporary.write_text(as_markdown(trained, card), encoding="utf-8")
    if traces.state is not None:
        traces.state.unlink(missing_ok=True)
    scores = [(f"validation {name}", value) for name, value in trained.scores.items()]
    echo_facts(
        [
            ("checkpoint", out),
            ("classes", len(trained.labels)),
            ("epochs", len(trained.losses)),
            ("last loss", trained.losses[-1]),
            *scores,
            ("minutes", trained.seconds / 60),
        ]
    )


def _command(
    name: str,
    data: Sequence[Path],
    out: Path,
    options: dict[str, Any],
    config: Path | None,
    choices: list[str] | None,
) -> str:
    """The command as its user may give it again."""
    words = [*PROGRAM.split(), name, *map(str, data), "--out", str(out)]
    for option, value in (options | {"config": config}).items():
        words += [] if value is None else [f"--{option}", str(value)]
    for choice in choices or ():
        words += ["--set", choice]
    return shlex.join(words)


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
