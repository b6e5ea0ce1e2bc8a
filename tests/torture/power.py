"""Cut the power: go on from what a disk holds at any moment that nobody has synced.

The run writes to an ext4 in a file. The file holds what the file system has handed to
its disk by then; what it still keeps in memory is lost with the power. At many steps of
one run the file is copied, and each copy is mounted and gone on with.
"""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.files import make_folder
from pipeline.ledger import queries
from pipeline.ledger.store import FILE_NAME
from pipeline.records import Outcome
from tests.support.runs import Silent, fill, outcomes, repair, tree
from tests.support.steps import watching
from tests.torture.rows import Row, counted, scaled
from tests.torture.scenes import pictures

STATES = 100
PROMISE = "the power was cut (ext4 in a file)"
SIZE_MIB = 24
PICTURES = 6


def run(scale: float, folder: Path) -> list[Row]:
    """Return what came of runs from such states; skip where nothing can be mounted."""
    problem = why_not(folder)
    if problem:
        return [Row(PROMISE, 0, 0, skipped=problem)]
    count = scaled(STATES, scale, least=4)
    source = fill(folder / "power" / "in", pictures(PICTURES))
    repair(source, folder / "power" / "whole")
    expected = tree(folder / "power" / "whole")
    shutil.copytree(source, folder / "power" / "before")
    states = _cut(source, folder / "power", count)
    broken = []
    for state in states:
        with _mounted(state.image, folder / "power" / "mnt") as mount:
            said = _judge(state, mount / "out", source, expected)
        if said:
            broken.append(f"at step {state.step}: {said}")
        state.image.unlink()
    if tree(source) != tree(folder / "power" / "before"):
        broken.append("an input was changed")
    lost = sum(state.unsynced_lost for state in states)
    if not lost:
        broken.append("a file that nobody synced was never lost: nothing is proved")
    note = f"in {lost} of them a file that nobody synced was lost"
    return [counted(PROMISE, len(states), broken, note)]


@dataclass(frozen=True, slots=True)
class State:
    """What a disk held at one moment."""

    image: Path
    step: int
    finished: tuple[Outcome, ...]
    """What the run had told to be finished by then."""

    unsynced_lost: bool


@dataclass(slots=True)
class _Camera:
    """Copies the image now and then while a run writes to it."""

    image: Path
    mount: Path
    every: float
    told: Silent = field(default_factory=Silent)
    states: list[State] = field(default_factory=list)
    steps: int = 0

    def step(self) -> None:
        self.steps += 1
        if self.steps < self.every * (len(self.states) + 1):
            return
        # A file that nobody syncs shows that the copy lacks what is only in memory.
        witness = self.mount / f"witness-{self.steps}"
        witness.write_bytes(b"written, but never synced")
        copy = self.image.with_name(f"state-{self.steps}.img")
        _call("cp", "--sparse=always", str(self.image), str(copy))
        finished = tuple(self.told.outcomes)
        with _mounted(copy, self.mount.with_name("look")) as look:
            lost = not (look / witness.name).exists()
        self.states.append(State(copy, self.steps, finished, lost))


def _cut(source: Path, folder: Path, count: int) -> list[State]:
    """Run once, and return what the disk held at so many moments of it."""
    counting: list[int] = []
    with watching(lambda: counting.append(1)):
        repair(source, folder / "counted")
    image = folder / "disk.img"
    make_image(image)
    with _mounted(image, folder / "disk") as mount:
        camera = _Camera(image, mount, len(counting) / (count + 1))
        with watching(camera.step):
            repair(source, mount / "out", observer=camera.told)
    return camera.states[:count]


def _judge(state: State, output: Path, source: Path, expected: dict[str, str]) -> str:
    """Say what is wrong with such a state, or with what a run makes of it; or ""."""
    held = tree(output) if output.exists() else {}
    for outcome in state.finished:
        if outcome.output and held.get(outcome.output) != outcome.output_digest:
            return f"{outcome.key} was told to be done, and its output is not there"
    ledger = output / ".nightmend" / FILE_NAME
    recorded = {}
    if ledger.exists() and ledger.stat().st_size:
        with contextlib.closing(sqlite3.connect(ledger)) as connection:
            (answer,) = connection.execute("PRAGMA integrity_check").fetchone()
        if answer != "ok":
            return f"the ledger is damaged: {answer}"
        with contextlib.suppress(Exception):
            recorded = outcomes(output)
    missing = {one.key for one in state.finished} - set(recorded)
    if missing:
        return f"{min(missing)} was told to be done, and the ledger lacks it"
    for outcome in recorded.values():
        if outcome.output and held.get(outcome.output) != outcome.output_digest:
            return f"the ledger says that {outcome.key} is done, and it is not"
    repair(source, output)
    if tree(output) != expected:
        return "the output is another after going on"
    done = queries.states(output / ".nightmend")
    return "" if done == {"done": len(expected)} else f"the ledger says {done}"


def why_not(folder: Path) -> str:
    """Say why no image can be mounted on this machine; "" when it can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root of a Linux system may mount a file"
    if not (shutil.which("mkfs.ext4") and shutil.which("mount")):
        return "mkfs.ext4 and mount are not both installed"
    image = folder / "trial.img"
    try:
        make_folder(folder)
        make_image(image)
        with _mounted(image, folder / "trial"):
            return ""
    except subprocess.CalledProcessError as error:
        said = (error.stderr or b"").decode(errors="replace").strip()
        return f"no loop mount here: {said or error}"
    finally:
        image.unlink(missing_ok=True)


def make_image(image: Path) -> None:
    """Make an empty ext4 in a file."""
    with image.open("wb") as opened:
        opened.truncate(SIZE_MIB * 2**20)
    _call("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0", str(image))


@contextlib.contextmanager
def _mounted(image: Path, at: Path) -> Iterator[Path]:
    at.mkdir(parents=True, exist_ok=True)
    _call("mount", "-o", "loop", str(image), str(at))
    try:
        yield at
    finally:
        _call("umount", str(at))


def _call(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
