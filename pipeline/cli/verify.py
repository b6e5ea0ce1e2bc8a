"""nightmend verify: prove a repaired folder against its ledger."""

from pathlib import Path

from tqdm import tqdm

from pipeline.cli.folders import state_of
from pipeline.cli.options import Folder
from pipeline.errors import ExitCode
from pipeline.files import digest_file
from pipeline.ledger import queries
from pipeline.names import shown


def command(folder: Folder) -> ExitCode:
    """Compare every published picture with the digest that the ledger holds.

    Exits 3 when a picture is missing, differs, or was never finished.
    """
    state = state_of(folder)
    root = state.parent if state != folder else Path(queries.summary(state).info.output)
    expected = queries.published(state)
    troubles = [
        trouble
        for output, digest in tqdm(expected.items(), unit="picture", disable=None)
        if (trouble := _trouble(root / output, digest))
    ]
    waiting = sum(n for name, n in queries.states(state).items() if name != "done")
    for trouble in troubles:
        print(trouble)
    if waiting:
        print(f"{waiting} pictures are not finished; run the same command again")
    print(f"{len(expected) - len(troubles)} of {len(expected)} outputs are as recorded")
    return ExitCode.SOME_FAILED if troubles or waiting else ExitCode.OK


def _trouble(path: Path, digest: str) -> str:
    """Return what is wrong with one output, or ""."""
    try:
        same = digest_file(path) == digest
    except FileNotFoundError:
        return f"{shown(path)}: missing"
    except OSError as error:
        return f"{shown(path)}: cannot be read: {error.strerror}"
    return "" if same else f"{shown(path)}: not what was published"
