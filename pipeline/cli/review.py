"""Overrule a run: look at its report page here, or apply what was saved from it."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from pipeline import logs
from pipeline.cli import options
from pipeline.cli.desk import ReviewDesk, line_for
from pipeline.cli.folders import state_of
from pipeline.cli.options import Folder
from pipeline.errors import ExitCode, UsageError
from pipeline.names import shown
from pipeline.review import forms, remembered
from pipeline.review.serve import Server


def serve(
    folder: Folder,
    *,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="0 takes any that is free.")
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--browser", help="Open the page in your browser.")
    ] = False,
    verbose: options.Verbose = 0,
) -> ExitCode:
    """Show the report page on this machine; what you decide there is done at once.

    Only this machine can open the address, and only who knows its secret. Ctrl+C ends
    it. `nightmend review DST` is short for this.
    """
    logs.set_up(verbose, None)
    desk = _desk(folder)
    desk.redraw()
    try:
        server = Server(desk, port)
    except OSError as error:
        raise UsageError(
            f"cannot listen on port {port}: {error.strerror}; leave --port out"
        ) from error
    print(f"review: {server.address}  (Ctrl+C ends it)", flush=True)
    if browser:
        webbrowser.open(server.address)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
        desk.redraw()
    return ExitCode.OK


def apply(
    file: Annotated[
        Path, typer.Argument(help="What the report page saved.", metavar="FILE")
    ],
    folder: Folder,
) -> ExitCode:
    """Carry out the decisions saved from a report page, and remember them.

    Exits 3 when one of them could not be carried out; the others are.
    """
    saved = forms.read(file)
    desk = _desk(folder)
    result = desk.apply(saved.decisions)
    for outcome in result.outcomes:
        print(line_for(outcome))
    for problem in result.problems:
        print(f"not done: {shown(problem)}")
    if result.outcomes:
        print(f"report: {shown(desk.redraw())}")
    return ExitCode.SOME_FAILED if result.problems else ExitCode.OK


def list_decisions(folder: Folder) -> ExitCode:
    """List what was decided about the pictures of a folder."""
    for one in remembered.decisions(state_of(folder)).values():
        parts: list[str] = [one.verdict] if one.verdict else []
        parts += [
            f"pass {p.pass_number} region {p.patch}: {p.number}" for p in one.picks
        ]
        parts += [f"not a flaw: {shown(n.kind)}" for n in one.not_flaws]
        parts += [shown(one.note)] if one.note else []
        print(f"{one.decided}  {shown(one.key)}: {'; '.join(parts)}")
    return ExitCode.OK


def _desk(folder: Path) -> ReviewDesk:
    state = state_of(folder)
    if not state.is_dir():
        raise UsageError(
            f"{shown(folder)} holds no run; name the output folder of a repair, or the "
            "--state folder of a check"
        )
    return ReviewDesk(folder, state)


SUBCOMMANDS = {"serve": serve, "apply": apply, "list": list_decisions}
DEFAULT = "serve"
