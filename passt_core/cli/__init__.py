"""The command line: ``python -m passt_core``.

Results go to standard output, progress and errors to standard error. What a user can mend ends
in one line and exit code 2. Commands import what they need when they run, so that help is quick.
"""

from __future__ import annotations

import typer

from passt_core.cli import clips, libraries, models, training
from passt_core.cli.show import one_line
from passt_core.errors import PasstError

PROGRAM = "python -m passt_core"
REFUSED = 2

app = typer.Typer(
    help="See, hear and search what an audio transformer makes of a sound.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(clips.analyze)
app.command()(clips.search)
app.command()(training.train)
app.command()(training.pretrain)
app.command()(training.evaluate)
app.add_typer(models.app, name="models")
app.add_typer(libraries.app, name="library")


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: what follows the program's name; None: the process's own.

    Returns:
        The exit code: 0, 2 for what a user can mend, 130 after an interruption.
    """
    try:
        app(args=arguments, prog_name=PROGRAM)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except PasstError as error:
        return _refuse(error)
    except OSError as error:  # a folder that may not be entered, a full disk
        return _refuse(f"{error.filename or 'the system'}: {error.strerror or error}")
    return 0


def _refuse(reason: object) -> int:
    typer.echo(f"error: {one_line(reason)}", err=True)
    return REFUSED
