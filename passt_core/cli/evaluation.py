"""``evaluate`` and ``calibrate``: a model against a labelled dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from passt_core.cli.options import (
    BUNDLED,
    FP32,
    AsJson,
    KeepTokens,
    Model,
    Precision,
    load_predictor,
)
from passt_core.cli.show import echo_facts, echo_json, echo_table, one_line, progress
from passt_core.errors import CheckpointError

if TYPE_CHECKING:
    from passt_core.inference.predictor import Predictor
    from passt_core.lab.baselines import Baseline
    from passt_core.lab.datasets import Dataset, Fold
    from passt_core.lab.report import Report
    from passt_core.lab.robustness import Condition

Data = Annotated[
    Path,
    typer.Argument(
        metavar="DATASET",
        help="Folder of class folders, a CSV, or a published dataset's folder.",
        show_default=False,
    ),
]
FoldName = Annotated[
    str | None,
    typer.Option("--fold", metavar="FOLD", help="Only this fold, or split.", show_default="all"),
]
Layout = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="How DATASET lies on disk: folders, csv, esc50, esc10, fsd50k, speech-commands, "
        "audioset.",
        show_default="recognised",
    ),
]
KnownOnly = Annotated[
    bool, typer.Option("--known-only", help="Leave out labels that the model does not know.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are there.")]
Resamples = Annotated[
    int,
    typer.Option("--resamples", min=0, metavar="N", help="Of the bootstrap intervals; 0: none."),
]


def evaluate(
    dataset: Data,
    model: Model = BUNDLED,
    fold: FoldName = None,
    layout: Layout = None,
    baselines: Annotated[
        bool, typer.Option("--baselines", help="Also simple classifiers, on the other folds.")
    ] = False,
    robustness: Annotated[
        bool, typer.Option("--robustness", help="Also on thinned, cut, quiet, noisy, dull clips.")
    ] = False,
    precision: Precision = FP32,
    keep_tokens: KeepTokens = 1.0,
    known_only: KnownOnly = False,
    resamples: Resamples = 1000,
    reports: Annotated[
        list[Path] | None,
        typer.Option(
            "--report",
            metavar="FILE",
            help="Write a report: .html, .md or .json; may be repeated.",
            show_default=False,
        ),
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Score a model on a labelled dataset."""
    from passt_core.lab.evaluate import evaluate as score  # noqa: PLC0415 - torch
    from passt_core.lab.report import Report, check_targets, write  # noqa: PLC0415

    targets = reports or []
    check_targets(targets, force=force)
    clips, predictor, chosen = _asked(dataset, layout, model, fold, precision, keep_tokens)
    with progress(f"scoring {clips.name}", "clip") as told:
        found = score(
            predictor, clips, chosen, known_only=known_only, resamples=resamples, progress=told
        )
    report = Report(
        evaluation=found,
        baselines=_baselines(clips, predictor, chosen, resamples, known_only) if baselines else (),
        robustness=_robustness(clips, predictor, chosen, known_only) if robustness else (),
    )
    for target in targets:
        write(target, report, force=force)
    if as_json:
        echo_json(report.to_dict())
    else:
        _echo(report)
    _warn(report, targets)


def calibrate(
    dataset: Data,
    model: Annotated[
        str, typer.Option(metavar="NAME", help="What to calibrate.", show_default=False)
    ],
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Checkpoint to write.", show_default=False)
    ],
    fold: FoldName = None,
    layout: Layout = None,
    known_only: KnownOnly = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Fit one temperature on clips that a model has not heard; write it with that temperature."""
    from dataclasses import asdict, replace  # noqa: PLC0415

    from passt_core.lab.answers import listen  # noqa: PLC0415 - torch
    from passt_core.lab.calibrate import calibrate as fit  # noqa: PLC0415
    from passt_core.network import checkpoints  # noqa: PLC0415

    _check_out(out, force)
    clips, predictor, chosen = _asked(dataset, layout, model, fold)
    kept = clips.among(predictor.labels) if known_only else clips
    with progress(f"hearing {clips.name}", "clip") as told:
        answers = listen(predictor, kept if chosen is None else kept.only(chosen), progress=told)
    found = fit(answers)
    checkpoints.rewrite(out, replace(predictor.checkpoint, temperature=found.temperature))
    for clip in answers.unreadable:
        _tell(f"left out: {clip.reason}")
    if as_json:
        echo_json({"checkpoint": str(out)} | asdict(found))
        return
    echo_facts(
        [
            ("checkpoint", out),
            ("temperature", found.temperature),
            ("clips", found.clips),
            ("loss", f"{found.loss:.3f}, was {found.loss_before:.3f}"),
            ("ECE", f"{found.ece:.3f}, was {found.ece_before:.3f}"),
        ]
    )


def _asked(
    dataset: Path,
    layout: str | None,
    model: str,
    fold: str | None,
    precision: str = FP32,
    keep_tokens: float = 1.0,
) -> tuple[Dataset, Predictor, Fold | None]:
    """The clips, the model, and the fold: a number if it reads as one."""
    from passt_core.lab.datasets import load_dataset  # noqa: PLC0415 - torch

    clips = load_dataset(dataset, layout=layout)
    chosen: Fold | None = int(fold) if fold is not None and fold.isdecimal() else fold
    if chosen is not None:
        clips.only(chosen)  # before a model is fetched for it
    return clips, load_predictor(model, precision, keep_tokens), chosen


def _baselines(
    clips: Dataset, predictor: Predictor, fold: Fold | None, resamples: int, known_only: bool
) -> tuple[Baseline, ...]:
    from passt_core.lab.baselines import baselines  # noqa: PLC0415 - scikit-learn

    kept = clips.among(predictor.labels) if known_only else clips
    with progress("training baselines", "part") as told:
        return baselines(kept, fold, resamples=resamples, progress=told)


def _robustness(
    clips: Dataset, predictor: Predictor, fold: Fold | None, known_only: bool
) -> tuple[Condition, ...]:
    from passt_core.lab.robustness import robustness  # noqa: PLC0415 - torch

    with progress("changing clips", "condition") as told:
        return robustness(predictor, clips, fold, known_only=known_only, progress=told)


def _echo(report: Report) -> None:
    """What a report tells, as tables."""
    from passt_core.lab.report import content  # noqa: PLC0415 - torch

    found = report.evaluation
    echo_facts(content.facts(found))
    tables = [content.metrics_table(found), content.class_table(found)]
    if report.baselines:
        tables.append(content.comparison_table(report))
    if report.robustness:
        tables.append(content.robustness_table(report))
    confusions = content.confusion_table(found)
    for headers, rows in (*tables, *([confusions] if confusions[1] else [])):
        typer.echo()
        echo_table(headers, rows)


def _warn(report: Report, targets: list[Path]) -> None:
    """What must be known of the scores, and where the reports are."""
    from passt_core.lab.report import content  # noqa: PLC0415 - torch

    for note in content.warnings(report.evaluation):
        _tell(f"note: {note}")
    for clip in report.evaluation.unreadable:
        _tell(f"not scored: {clip.file}: {clip.reason}")
    for target in targets:
        _tell(f"report: {target}")


def _check_out(out: Path, force: bool) -> None:
    if out.is_dir() or (out.exists() and not force):
        raise CheckpointError(f"{out} is there already; name another file, or use --force")
    if out.suffix != ".safetensors":
        raise CheckpointError(f"{out} is to hold a checkpoint; let its name end in .safetensors")


def _tell(line: str) -> None:
    typer.echo(one_line(line), err=True)
