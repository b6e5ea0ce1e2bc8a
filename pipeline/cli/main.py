"""Parse, dispatch, and turn an error into an exit code.

A command's file is imported only when that command is called, so that `--help` and a
mistyped option answer at once; the table below holds what the overview shows.
"""

import errno
import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from typer.core import TyperGroup

from pipeline import __version__

COMMANDS: tuple[tuple[str, str, str], ...] = (
    ("repair", "pipeline.cli.repair", "Repair the flawed pictures of a folder."),
    ("watch", "pipeline.cli.watch", "Repair pictures as a generator writes them."),
    ("check", "pipeline.cli.check", "Find and report flaws, change nothing; for CI."),
    ("rule", "pipeline.cli.rule", "Explain a rule of the check, or list them all."),
    ("baseline", "pipeline.cli.baseline", "Excuse known problems, fail on new ones."),
    ("cache", "pipeline.cli.cache", "Show or empty what checks remember."),
    ("report", "pipeline.cli.report", "Draw the reports of a finished run again."),
    ("review", "pipeline.cli.review", "Overrule a run from its report page."),
    ("runs", "pipeline.cli.runs", "List the runs of an output folder, or show one."),
    ("merge", "pipeline.cli.merge", "Join the ledgers of shards into one."),
    ("verify", "pipeline.cli.verify", "Prove a repaired folder against its ledger."),
    ("detectors", "pipeline.cli.detectors", "List what can be found."),
    ("models", "pipeline.cli.models", "List, fetch and verify inpainting models."),
    ("eval", "pipeline.cli.eval", "Measure the detectors on labelled pictures."),
    ("schema", "pipeline.cli.schema", "Print the JSON Schema of the results."),
    ("doctor", "pipeline.cli.doctor", "Tell what is installed, and what is missing."),
)
"""Name, module, and one sentence; in the order in which the overview lists them."""

Command = Callable[..., Any]


class _LazyGroup(TyperGroup):
    """Puts the real command in place of its line in the table when it is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        modules = {name: module for name, module, _ in COMMANDS}
        if args and args[0] in modules:
            self.commands[args[0]] = _load(args[0], modules[args[0]])
        return super().resolve_command(ctx, args)


class _WithDefault(TyperGroup):
    """Takes what is no subcommand's name for an argument of the default one."""

    default = ""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands and self.default:
            args = [self.default, *args]
        return super().resolve_command(ctx, args)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: What follows the program's name; None takes it from the process.

    Returns:
        The exit code; see `pipeline.errors.ExitCode`.
    """
    _open_what_is_closed()
    command = typer.main.get_command(_overview())
    try:
        answer = command.main(arguments, prog_name="nightmend", standalone_mode=False)
    except SystemExit as ended:
        # A shell's completion ends with a 0. Typer's answer to a closed pipe is a 1,
        # which would mean flaws.
        answer = ended.code
        if answer:
            answer = _failures().tell(BrokenPipeError(errno.EPIPE, "closed"))
    except Exception as error:  # noqa: BLE001  the last place that can name an error
        answer = _failures().tell(error)
    try:
        sys.stdout.flush()
    except OSError as error:
        told = _failures().tell(error)
        answer = answer or told
    return int(answer or 0)


def _open_what_is_closed() -> None:
    """Put the null device in place of standard streams that were closed, as by `>&-`.

    Else the next file to be opened would take the number, and receive what a library
    writes to its standard error.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    sys.stdout = sys.stdout or _null()
    sys.stderr = sys.stderr or _null()


def _null() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _failures() -> Any:
    return importlib.import_module("pipeline.cli.failures")


def _new_app() -> typer.Typer:
    # Plain text instead of boxes: it reads the same in a log, and imports nothing.
    return typer.Typer(
        rich_markup_mode=None, no_args_is_help=True, pretty_exceptions_enable=False
    )


def _overview() -> typer.Typer:
    """Return the program with its commands as they stand in the table."""
    app = _new_app()
    app.info.cls = _LazyGroup
    app.callback()(_root)
    for name, _, sentence in COMMANDS:
        app.command(name, help=sentence)(_listed_only)
    return app


def _load(name: str, module_name: str) -> Any:
    """Import a command's file and return the command it holds."""
    module = importlib.import_module(module_name)
    app = _new_app()
    several: Mapping[str, Command] | None = getattr(module, "SUBCOMMANDS", None)
    if several is None:
        app.command(name)(module.command)
    else:
        default = {"default": getattr(module, "DEFAULT", "")}
        app.info.cls = type("_Several", (_WithDefault,), default)
        app.callback(help=(module.__doc__ or "").split("\n\n")[0])(_listed_only)
        for sub_name, function in several.items():
            app.command(sub_name)(function)
    command = typer.main.get_command(app)
    command.params = [p for p in command.params if "completion" not in (p.name or "")]
    return command


def _listed_only() -> None:
    """Stand for a command whose file is not imported yet."""


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"nightmend {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version and exit.",
            callback=_print_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Find flawed regions in folders of pictures, repaint them, keep the best.

    Exit codes: 0 fine; 1 flaws found or left; 2 wrong usage; 3 some pictures could not
    be read or processed; 5 weights, device or a package is missing; 6 stopped by the
    surroundings, resumable; 10 stopped by an own limit, resumable; 11 another run holds
    the folder; 70 a bug; 130 or 143 stopped by a signal, resumable. Any other code is a
    failure.
    """
