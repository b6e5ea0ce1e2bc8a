"""Find the state folder that a person means."""

import re
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.ledger.store import FILE_NAME
from pipeline.names import shown
from pipeline.records import Workplace
from pipeline.stages.choose_files import Shard

STATE_NAME = ".nightmend"
_SHARD = re.compile(r"shard-(\d+)-of-(\d+)")


def state_of(folder: Path) -> Path:
    """Return the state folder of an output folder; a state folder stands for itself.

    Raises:
        UsageError: the folder holds the ledgers of shards, and none of its own yet.
    """
    if (folder / FILE_NAME).is_file():
        return folder
    state = folder / STATE_NAME
    if not (state / FILE_NAME).is_file() and shards_of(state):
        raise UsageError(
            f"{shown(folder)} was worked on in shards; join their ledgers first: "
            f"nightmend merge {shown(folder)}"
        )
    return state


def workplace(output: Path, run_id: str, shard: Shard | None = None) -> Workplace:
    """Return where the files of a run go; each shard has a state folder of its own."""
    state = output / STATE_NAME
    if shard is None:
        return Workplace(output, state, run_id)
    name = f"shard-{shard.number}-of-{shard.of}"
    lane = f"s{shard.number}of{shard.of}-"
    return Workplace(output, state / name, run_id, lane)


def shards_of(state: Path) -> dict[Shard, Path]:
    """Return the state folders of shards that hold a ledger, in order."""
    if not state.is_dir():
        return {}
    found = {}
    for folder in state.iterdir():
        match = _SHARD.fullmatch(folder.name)
        if match is not None and (folder / FILE_NAME).is_file():
            found[Shard(int(match[1]), int(match[2]))] = folder
    return dict(sorted(found.items(), key=lambda one: (one[0].of, one[0].number)))
