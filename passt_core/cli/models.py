"""``models``: which there are, fetching one, what one is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from passt_core.cli.options import BUNDLED, load_checkpoint
from passt_core.cli.show import echo_facts, echo_table, progress

if TYPE_CHECKING:
    from passt_core.network.checkpoints import Checkpoint

app = typer.Typer(help="List, fetch and describe models.", no_args_is_help=True)

CARD = ("title", "trained_on", "score", "licence", "command")
"""What a checkpoint says of itself, in the order of telling; the rest follows."""

NameOrPath = Annotated[
    str, typer.Argument(help="bundled, a published name, or a file.", show_default=False)
]


@app.command("list")
def list_models() -> None:
    """List the models that have a name, and which of them are here."""
    from passt_core.network import checkpoints  # noqa: PLC0415 - torch
    from passt_core.network.registry import BUNDLED, BUNDLED_FILE, OFFICIAL  # noqa: PLC0415

    here = "here" if BUNDLED_FILE.is_file() else "missing"
    rows = [(BUNDLED, here, "(python -m passt_core models info bundled)", "")]
    for name, entry in OFFICIAL.items():
        here = "fetched" if checkpoints.official_path(name).is_file() else "-"
        rows.append((name, here, entry.score, entry.trained_on))
    echo_table(("name", "here", "score", "trained on"), rows)


@app.command()
def fetch(name: Annotated[str, typer.Argument(help="A published name.")]) -> None:
    """Fetch a published model, check it, and print where it lies."""
    from passt_core.network import checkpoints  # noqa: PLC0415 - torch
    from passt_core.network.registry import BUNDLED, BUNDLED_FILE  # noqa: PLC0415

    if name == BUNDLED:
        typer.echo(BUNDLED_FILE)
        return
    with progress(f"fetching {name}", "B", scaled=True) as report:
        typer.echo(checkpoints.fetch_official(name, report))


@app.command()
def info(name_or_path: NameOrPath) -> None:
    """Say what a model is; a published one that is not here is not fetched for that."""
    from passt_core.network import checkpoints  # noqa: PLC0415 - torch
    from passt_core.network.registry import OFFICIAL  # noqa: PLC0415

    entry = OFFICIAL.get(name_or_path)
    if entry is None or checkpoints.official_path(name_or_path).is_file():
        _echo_checkpoint(checkpoints.load(name_or_path))
        return
    echo_facts(
        [
            ("name", name_or_path),
            ("trained on", entry.trained_on),
            ("score", entry.score),
            ("file", entry.url),
            ("size", f"{entry.size} bytes" if entry.size else None),
            ("sha256", entry.sha256),
            ("here", f"no; python -m passt_core models fetch {name_or_path}"),
        ]
    )


@app.command()
def speed(name_or_path: NameOrPath = BUNDLED) -> None:
    """Measure how fast a model is in each precision here; --precision auto goes by it."""
    from passt_core.inference.devices import device_of  # noqa: PLC0415 - torch
    from passt_core.inference.fastest import choose, measure  # noqa: PLC0415

    checkpoint, device = load_checkpoint(name_or_path), device_of("auto")
    found = measure(checkpoint, device)
    chosen = choose(checkpoint, found, device)
    echo_facts([("model", checkpoint.name), ("device", device), ("auto", chosen)])
    typer.echo()
    rows = [
        (
            row.precision,
            1000.0 * row.seconds,
            f"{row.speedup:.2f}x",
            f"{row.cosine:.6f}",
            row.change,
        )
        for row in found
    ]
    headers = ("precision", "ms a pass", "speed", "least cosine", "largest change")
    echo_table(headers, rows)


def _echo_checkpoint(checkpoint: Checkpoint) -> None:
    from passt_core.inference.windows import Windowing  # noqa: PLC0415 - torch

    config, front_end = checkpoint.config, checkpoint.front_end
    parameters = sum(p.numel() for p in checkpoint.network.parameters())
    window_s = Windowing.of(config, front_end).length / front_end.sample_rate
    rows, columns = config.rows, config.columns(config.frames)
    strides = f"{config.stride_freq} bands, {config.stride_time} frames"
    first = {key: checkpoint.card[key] for key in CARD if key in checkpoint.card}
    card = {**first, **checkpoint.card}  # what everyone asks comes first
    echo_facts(
        [
            ("name", checkpoint.name),
            *((key.replace("_", " "), value) for key, value in card.items()),
            ("classes", f"{config.classes}, {checkpoint.activation}"),
            ("temperature", checkpoint.temperature if checkpoint.temperature != 1 else None),
            ("parameters", f"{parameters:,}"),
            ("network", config.summary),
            ("patches", f"{rows} x {columns} of {config.patch} x {config.patch}, every {strides}"),
            ("window", f"{window_s:g} s at {front_end.sample_rate} Hz"),
            ("sha256", checkpoint.sha256),
        ]
    )
