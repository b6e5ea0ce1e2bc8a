"""Show or empty the memory of what was seen in pictures.

A check remembers what it saw by the content of the file, the settings, the weights and
the code that looks, so that an unchanged picture is not looked at again.
"""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import gating
from pipeline.errors import ExitCode, OutputTrouble
from pipeline.gate.memory_store import FILE_NAME, Store
from pipeline.names import shown

Folder = Annotated[
    Path | None,
    typer.Option("--cache", metavar="DIR", help="The cache folder of the checks."),
]


def show(cache: Folder = None) -> ExitCode:
    """Say where the memory lies, and how much it holds."""
    file = _file(cache)
    print(f"memory:   {shown(file)}")
    if not file.is_file():
        print("          there is none yet")
        return ExitCode.OK
    store = Store.opened(file)
    try:
        outcomes, files = store.counts()
    finally:
        store.close()
    print(f"size:     {_size(file) / 2**20:.1f} MiB")
    print(f"pictures: {outcomes} contents, {files} files")
    return ExitCode.OK


def clean(cache: Folder = None) -> ExitCode:
    """Delete the memory; the next check looks at every picture."""
    file = _file(cache)
    freed = _size(file)
    try:
        for path in _parts(file):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputTrouble(
            f"{shown(file)} cannot be deleted: {error.strerror}"
        ) from error
    print(f"{freed / 2**20:.1f} MiB freed in {shown(file.parent)}")
    return ExitCode.OK


SUBCOMMANDS = {"show": show, "clean": clean}


def _file(cache: Path | None) -> Path:
    folder = gating.cache_folder(cache, forget=False)
    return (folder or Path()) / FILE_NAME


def _parts(file: Path) -> list[Path]:
    return [Path(f"{file}{suffix}") for suffix in ("", "-wal", "-shm")]


def _size(file: Path) -> int:
    return sum(path.stat().st_size for path in _parts(file) if path.is_file())
