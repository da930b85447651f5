"""The command line: ``python -m passt_core``.

Results go to standard output, progress and errors to standard error. What a user can mend ends
in one line and exit code 2. Commands import what they need when they run, so that help is quick.
"""

from __future__ import annotations

from types import MappingProxyType

import typer
from pydantic import ValidationError

from passt_core.cli import (
    clips,
    efficiency,
    evaluation,
    export,
    libraries,
    models,
    narrow,
    probe,
    retrieval,
    training,
)
from passt_core.cli.show import one_line
from passt_core.errors import PasstError

PROGRAM = "python -m passt_core"
REFUSED = 2

RULES = MappingProxyType(
    {
        "int_parsing": "a whole number",
        "float_parsing": "a number",
        "greater_than_equal": "{ge} or more",
        "less_than_equal": "{le} or less",
    }
)
"""What a value must be, by the name that pydantic gives to the rule that it breaks."""

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
app.command()(training.distill)
app.command()(training.recipe)
app.command()(efficiency.prune)
app.command()(narrow.narrow)
app.command()(export.export)
app.command()(evaluation.evaluate)
app.command()(evaluation.calibrate)
app.command()(retrieval.retrieval)
app.command()(probe.probe)
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
        code = app(args=arguments, prog_name=PROGRAM, standalone_mode=False)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except typer.TyperException as error:
        return _misused(error)
    except PasstError as error:
        return _refuse(error)
    except OSError as error:  # a folder that may not be entered, a full disk
        return _refuse(f"{error.filename or 'the system'}: {error.strerror or error}")
    return code if isinstance(code, int) else 0


def _misused(error: typer.TyperException) -> int:
    """Tell what is wrong with a command line; without any arguments, what there is to choose."""
    context = getattr(error, "ctx", None)
    message = error.format_message()
    if context is not None and message == context.get_help():
        typer.echo(message, err=True)
        return REFUSED
    if isinstance(error.__cause__, ValidationError):
        message = _broken_rule(getattr(error, "param", None), error.__cause__)
    command = PROGRAM if context is None else context.command_path
    reason = message[:1].lower() + message[1:].rstrip(".")
    return _refuse(f"{reason}; see: {command} --help")


def _broken_rule(parameter: object, error: ValidationError) -> str:
    """The value of an option or argument, and the rule that it breaks."""
    fault = error.errors()[0]
    name = max(getattr(parameter, "opts", ["the value"]), key=len)
    rule = RULES.get(fault["type"])
    told = fault["msg"] if rule is None else f"it must be {rule.format(**fault.get('ctx', {}))}"
    return f"{name} is {fault['input']!r}; {told}"


def _refuse(reason: object) -> int:
    typer.echo(f"error: {one_line(reason)}", err=True)
    return REFUSED
