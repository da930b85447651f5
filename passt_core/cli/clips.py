"""``analyze`` and ``search``: a clip in, its classes or its neighbours out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from passt_core.cli import folders
from passt_core.cli.options import (
    BUNDLED,
    DEFAULT_INDEX,
    FP32,
    AsJson,
    ClipOrFolder,
    Index,
    KeepTokens,
    Model,
    Precision,
    load_predictor,
)
from passt_core.cli.show import echo_facts, echo_json, echo_table, progress
from passt_core.errors import LibraryError, PasstError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from passt_core.inference.analysis import ClipAnalysis
    from passt_core.inference.predictor import Predictor
    from passt_core.library.query import Filter
    from passt_core.library.search import Distribution, SearchHit
    from passt_core.library.store import SoundLibrary
    from passt_core.network.patchout import PatchoutSpec

TopK = Annotated[int | None, typer.Option("--top-k", min=1, help="How many classes [default: 5]")]
Drop = Annotated[int, typer.Option(min=0, metavar="N")]
Neighbours = Annotated[int, typer.Option("-k", min=1, help="How many neighbours.")]
Library = Annotated[
    str, typer.Option(help="Name of a library, or its folder.", metavar="NAME_OR_FOLDER")
]
MaybeClip = Annotated[
    Path | None,
    typer.Argument(
        metavar="[CLIP]",
        help="Sound file to be like; not needed with --like or --unlike.",
        show_default=False,
        readable=False,
    ),
]
Like = Annotated[
    list[str] | None,
    typer.Option(metavar="ID", help="A sound to be like: its id in the library. Repeatable."),
]
Unlike = Annotated[
    list[str] | None,
    typer.Option(metavar="ID_OR_FILE", help="A sound to be unlike. Repeatable."),
]
Start = Annotated[
    float | None, typer.Option(metavar="S", help="Where the CLIP's stretch begins, in seconds.")
]
End = Annotated[
    float | None, typer.Option(metavar="S", help="Where the CLIP's stretch ends, in seconds.")
]
Labels = Annotated[
    list[str] | None, typer.Option(metavar="LABEL", help="Only sounds of this label. Repeatable.")
]
Families = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="Only sounds of this family. Repeatable.")
]
Words = Annotated[
    str,
    typer.Option(metavar="WORDS", help="Only sounds with all words in their label, file or id."),
]
Seed = Annotated[int | None, typer.Option(help="Of the patchout's draws [default: 0]")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print a table with commas.")]

DEFAULT_TOP_K = 5


def analyze(
    clip: ClipOrFolder,
    top_k: TopK = None,
    model: Model = BUNDLED,
    precision: Precision = FP32,
    keep_tokens: KeepTokens = 1.0,
    patchout_time: Drop = 0,
    patchout_freq: Drop = 0,
    patchout_unstructured: Drop = 0,
    seed: Seed = None,
    as_json: AsJson = False,
    out: folders.Out = None,
    workers: folders.Workers = None,
    events: folders.AsEvents = False,
    window: folders.Window = None,
    hop: folders.Hop = None,
    on: folders.On = None,
    off: folders.Off = None,
    least: folders.Least = None,
    merge: folders.Merge = None,
    labels: folders.LabelFolder = None,
    labels_format: folders.LabelForm = None,
) -> None:
    """Name the classes that a model hears in a clip, or write a table of all sounds of a folder.

    The patchout options take time columns, frequency rows and single patches of a clip away at
    random. A table that was not finished goes on when the same command is given again.
    """
    from passt_core.network.patchout import PatchoutSpec  # noqa: PLC0415 - torch

    spec = PatchoutSpec(time=patchout_time, freq=patchout_freq, unstructured=patchout_unstructured)
    options = folders.FolderOptions(
        out=out,
        workers=workers,
        as_events=events,
        window=window,
        hop=hop,
        on=on,
        off=off,
        least=least,
        merge=merge,
        labels=labels,
        labels_format=labels_format,
    )
    options.check(clip)
    if out is not None:
        _check_table(spec, seed, top_k, events=events)
        folders.analyze_folder(
            clip,
            options,
            model=model,
            precision=precision,
            keep_tokens=keep_tokens,
            top_k=top_k or DEFAULT_TOP_K,
            as_json=as_json,
        )
        return
    found = _listen(load_predictor(model, precision, keep_tokens), clip, spec, seed or 0)
    if as_json:
        echo_json(found.report(top_k or DEFAULT_TOP_K))
    else:
        _echo_analysis(found, clip, top_k or DEFAULT_TOP_K)


def _check_table(spec: PatchoutSpec, seed: int | None, top_k: int | None, *, events: bool) -> None:
    if not spec.is_empty:
        raise PasstError("a table is of whole sounds; leave the patchout options out")
    if seed is not None:
        raise PasstError("--seed is of patchout, and a table is of whole sounds; leave it out")
    if events and top_k is not None:
        raise PasstError("--top-k is of classes, and --events was given; leave one of them out")


def search(
    clip: MaybeClip = None,
    like: Like = None,
    unlike: Unlike = None,
    start: Start = None,
    end: End = None,
    label: Labels = None,
    family: Families = None,
    text: Words = "",
    k: Neighbours = 5,
    library: Library = BUNDLED,
    model: Model = BUNDLED,
    index: Index = DEFAULT_INDEX,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Find the sounds of a library that a model thinks are most like a clip, or like its sounds.

    Several are taken together: towards the mean of CLIP and --like, away from that of --unlike.
    """
    from passt_core.library import search as searching  # noqa: PLC0415 - torch, faiss
    from passt_core.library.query import Filter, compose  # noqa: PLC0415
    from passt_core.library.store import SoundLibrary, locate  # noqa: PLC0415

    if as_json and as_csv:
        raise LibraryError("--json and --csv were both given; print one of them")
    likes, unlikes = like or [], unlike or []
    _check_asked(clip, [*likes, *unlikes], start, end)
    predictor = load_predictor(model)
    opened = SoundLibrary.open(locate(library, index), predictor.checkpoint)
    within = Filter(labels=frozenset(label or ()), families=frozenset(family or ()), text=text)
    left = _left(opened, within)
    clips = [] if clip is None else [_stretch(predictor, clip, start, end).embedding]
    plus = [*clips, *(_example(predictor, opened, name) for name in likes)]
    embedding = compose(plus, [_example(predictor, opened, name) for name in unlikes])
    hits = searching.search(opened, embedding, k, exclude={*likes, *unlikes}, within=within)
    asked: dict[str, object] = {
        "clip": None if clip is None else clip.name,
        "start_s": start,
        "end_s": end,
        "like": likes,
        "unlike": unlikes,
        "labels": sorted(within.labels),
        "families": sorted(within.families),
        "text": text,
        "sounds": left,
    }
    if as_csv:
        typer.echo(searching.to_csv(hits), nl=False)
    elif as_json:
        told = searching.to_json(hits, query=asked, library=opened.name, model=predictor.name)
        echo_json(json.loads(told))
    else:
        among = searching.Distribution.of(opened, embedding)
        _echo_hits(hits, among, asked | {"model": predictor.name, "library": opened.name})


def _check_asked(
    clip: Path | None, examples: Sequence[str], start: float | None, end: float | None
) -> None:
    if clip is None and not examples:
        raise LibraryError(
            "nothing was asked; give a CLIP, or --like or --unlike with the id of a sound of "
            "the library"
        )
    if clip is None and (start is not None or end is not None):
        raise LibraryError("--start and --end are of the CLIP, and none was given; give one")


def _left(library: SoundLibrary, within: Filter) -> int:
    """How many of the library's sounds come into a search.

    Raises:
        LibraryError: none does.
    """
    left = int(within.matches(library.clips).sum())
    if not left:
        raise LibraryError(
            f"no sound of the library {library.name} is left by --label, --family and --text; "
            "leave one out, or see the labels in its clips.csv"
        )
    return left


def _stretch(
    predictor: Predictor, clip: Path, start: float | None, end: float | None
) -> ClipAnalysis:
    if start is None and end is None:
        return _listen(predictor, clip)
    from passt_core.inference.stretch import analyze_stretch  # noqa: PLC0415 - torch

    return analyze_stretch(predictor, clip, start or 0.0, end)


def _example(predictor: Predictor, library: SoundLibrary, name: str) -> NDArray[np.float32]:
    """The embedding of a library's sound, by its id, or of a file."""
    known = any(clip.id == name for clip in library.clips)
    if not known and Path(name).is_file():
        return _listen(predictor, Path(name)).embedding
    return library.embeddings[library.row(name)]


def _echo_hits(hits: Sequence[SearchHit], among: Distribution, asked: Mapping[str, object]) -> None:
    """A table, below what was asked of which library."""
    facts = {
        name: ", ".join(value) if isinstance(value, list) else value
        for name, value in asked.items()
    }
    echo_facts([(name.removesuffix("_s"), value or None) for name, value in facts.items()])
    typer.echo()
    rows = [
        (
            hit.rank,
            hit.similarity,
            f"{among.share_below(hit.similarity):.1%}",
            hit.label,
            hit.file,
            hit.clip.start_s,
            hit.clip.end_s,
        )
        for hit in hits
    ]
    columns = ("rank", "similarity", "closer than", "label", "file", "start s", "end s")
    echo_table(columns, rows)


def _listen(
    predictor: Predictor, clip: Path, spec: PatchoutSpec | None = None, seed: int = 0
) -> ClipAnalysis:
    with progress("listening", "s") as report:
        return predictor.analyze_file(clip, spec, seed, report)


def _echo_analysis(found: ClipAnalysis, clip: Path, top_k: int) -> None:
    patches = f"{len(found.kept)} of {found.grid.patches} patches kept"
    merged = f", merged to {found.merged_to}" if found.merged_to < found.sequence_length else ""
    echo_facts(
        [
            ("clip", f"{clip.name}, {found.duration_s:.2f} s"),
            ("model", f"{found.model}, {found.precision}"),
            ("tokens", f"{patches}, sequence of {found.sequence_length}{merged}"),
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
