"""Workers tell what came of a picture; only their supervisor opens the ledger."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.runs import fill, picture

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import os, sys
from pathlib import Path
from tests.pipeline.runner.test_one_writer import Listening
from tests.support.poison import PoisonTools, workers
from tests.support.runs import repair
source, output, notes = map(Path, sys.argv[1:4])
listening = Listening(notes)
listening()
tools = PoisonTools(start=listening)
code = repair(source, output, tools, settings=workers(executor=sys.argv[4])).code
print(os.getpid())
sys.exit(code)
"""


@dataclass(frozen=True)
class Listening:
    """Notes which process opens a database from now on; may travel to a worker."""

    notes: Path

    def __call__(self) -> None:
        (self.notes / f"{os.getpid()}.began").touch()

        def note(event: str, _: object) -> None:
            if event == "sqlite3.connect":
                (self.notes / f"{os.getpid()}.opened").touch()

        sys.addaudithook(note)


@pytest.mark.parametrize(
    "executor", ["processes", pytest.param("ray", marks=pytest.mark.ray)]
)
def test_no_worker_opens_the_ledger(tmp_path: Path, executor: str) -> None:
    source = fill(tmp_path / "in", {f"{n}.png": picture(n) for n in range(4)})
    notes = tmp_path / "notes"
    notes.mkdir()
    words = [source, tmp_path / "out", notes, executor]

    shown = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, words)],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )

    supervisor = shown.stdout.split()[-1]
    assert len(list(notes.glob("*.began"))) > 1, "a supervisor and some worker"
    assert [path.stem for path in notes.glob("*.opened")] == [supervisor]
