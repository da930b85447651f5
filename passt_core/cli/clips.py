"""``analyze`` and ``search``: one clip in, its classes or its neighbours out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from passt_core.cli.options import (
    BUNDLED,
    DEFAULT_INDEX,
    AsJson,
    Clip,
    Index,
    Model,
    load_predictor,
)
from passt_core.cli.show import echo_facts, echo_json, echo_table, progress

if TYPE_CHECKING:
    from passt_core.inference.analysis import ClipAnalysis
    from passt_core.inference.predictor import Predictor
    from passt_core.network.patchout import PatchoutSpec

TopK = Annotated[int, typer.Option("--top-k", min=1, help="How many classes.")]
Drop = Annotated[int, typer.Option(min=0, metavar="N")]
Neighbours = Annotated[int, typer.Option("-k", min=1, help="How many neighbours.")]
Library = Annotated[
    str, typer.Option(help="Name of a library, or its folder.", metavar="NAME_OR_FOLDER")
]


def analyze(
    clip: Clip,
    top_k: TopK = 5,
    model: Model = BUNDLED,
    patchout_time: Drop = 0,
    patchout_freq: Drop = 0,
    patchout_unstructured: Drop = 0,
    seed: Annotated[int, typer.Option(help="Of the patchout's draws.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Name the classes that a model hears in a clip.

    The patchout options take time columns, frequency rows and single patches away at random.
    """
    from passt_core.network.patchout import PatchoutSpec  # noqa: PLC0415 - torch

    spec = PatchoutSpec(time=patchout_time, freq=patchout_freq, unstructured=patchout_unstructured)
    found = _listen(load_predictor(model), clip, spec, seed)
    if as_json:
        echo_json(found.report(top_k))
    else:
        _echo_analysis(found, clip, top_k)


def search(
    clip: Clip,
    k: Neighbours = 5,
    library: Library = BUNDLED,
    model: Model = BUNDLED,
    index: Index = DEFAULT_INDEX,
    as_json: AsJson = False,
) -> None:
    """Find the sounds of a library that a model thinks are most like a clip."""
    from passt_core.library import search as searching  # noqa: PLC0415 - torch, faiss
    from passt_core.library.store import SoundLibrary, locate  # noqa: PLC0415

    predictor = load_predictor(model)
    opened = SoundLibrary.open(locate(library, index), predictor.checkpoint)
    hits = searching.search(opened, _listen(predictor, clip).embedding, k)
    if as_json:
        told = [hit.report() for hit in hits]
        echo_json({"model": predictor.name, "library": opened.name, "hits": told})
        return
    echo_facts([("clip", clip.name), ("model", predictor.name), ("library", opened.name)])
    typer.echo()
    rows = [
        (
            hit.rank,
            hit.similarity,
            f"{searching.share_below(opened, hit.similarity):.1%}",
            hit.label,
            hit.file,
        )
        for hit in hits
    ]
    echo_table(("rank", "similarity", "above pairs", "label", "file"), rows)


def _listen(
    predictor: Predictor, clip: Path, spec: PatchoutSpec | None = None, seed: int = 0
) -> ClipAnalysis:
    with progress("listening", "s") as report:
        return predictor.analyze_file(clip, spec, seed, report)


def _echo_analysis(found: ClipAnalysis, clip: Path, top_k: int) -> None:
    patches = f"{len(found.kept)} of {found.grid.patches} patches kept"
    echo_facts(
        [
            ("clip", f"{clip.name}, {found.duration_s:.2f} s"),
            ("model", found.model),
            ("tokens", f"{patches}, sequence of {found.sequence_length}"),
            ("encoder", f"{found.flops_share:.1%} of the FLOPs"),
        ]
    )
    typer.echo()
    classes = enumerate(found.top_k(top_k), start=1)
    echo_table(("rank", "score", "class"), [(rank, c.score, c.label) for rank, c in classes])
    if len(found.windows) > 1:
        typer.echo()
        rows = []
        for window in found.windows:
            best = found.window_top_k(window, 1)[0]
            rows.append((window.start_s, window.end_s, best.score, best.label))
        echo_table(("start s", "end s", "score", "first class"), rows)
