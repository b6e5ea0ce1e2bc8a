"""Find the state folder that a person means."""

from pathlib import Path

from pipeline.ledger.store import FILE_NAME

STATE_NAME = ".nightmend"


def state_of(folder: Path) -> Path:
    """Return the state folder of an output folder; a state folder stands for itself."""
    if (folder / FILE_NAME).is_file():
        return folder
    return folder / STATE_NAME
