"""Run a check, and weigh what it found: what `check` and `baseline` have in common."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from pipeline.cli import closing, picking
from pipeline.cli.folders import state_of
from pipeline.cli.progress import Progress
from pipeline.cli.repair import new_run_id
from pipeline.gate import baseline_file
from pipeline.gate.decided import Decided
from pipeline.gate.memory import Memory
from pipeline.gate.memory_store import FILE_NAME as MEMORY_FILE
from pipeline.gate.problem import Excuses
from pipeline.gate.problems import Checked, checked
from pipeline.gate.selection import Selection as Rules
from pipeline.ledger import queries
from pipeline.records import RunSummary, Workplace
from pipeline.runner import batch
from pipeline.runner.contract import Order, RunResult, Task
from pipeline.runner.looking import looking_basis
from pipeline.settings import Settings
from pipeline.stages.choose_files import Selection


@dataclass(frozen=True, slots=True)
class Request:
    """What is checked, and with what."""

    settings: Settings
    sources: tuple[Path, ...]
    selection: Selection = field(default_factory=Selection)
    state: Path | None = None
    """Where the ledger is kept; None keeps none."""

    cache: Path | None = None
    """Where the memory is kept; None remembers nothing."""

    baseline: Path | None = None
    decisions: Path | None = None
    """The output folder of a repair whose reviewed pictures are excused."""

    allow_empty: bool = False
    retry_quarantined: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """How a check went; its state folder stands as long as the check is held."""

    result: RunResult
    state: Path
    request: Request
    excuses: tuple[Excuses | None, Excuses | None]
    """The baseline, and what people decided."""

    def weigh(self, summary: RunSummary) -> Checked:
        """Return what the gate makes of it."""
        baseline, review = self.excuses
        # Nothing was planned: then the run has already said that this is no mistake.
        empty = self.request.allow_empty or not self.result.planned
        return checked(
            summary,
            self.request.settings,
            baseline,
            review=review,
            allow_empty=empty,
        )

    def summary(self) -> RunSummary:
        """Return what was seen in the pictures that were asked for."""
        return closing.only(queries.summary(self.state), self.result)


@contextlib.contextmanager
def held(request: Request) -> Iterator[Answer]:
    """Run a check, and keep its state folder while what it found is used.

    Raises:
        UsageError: the settings or a file cannot be followed; before any picture is
            opened.
        NightmendError, DetectorError: the run could not begin.
    """
    settings = request.settings
    Rules(settings).check()
    excuses = (
        read_baseline(request.baseline),
        read_decisions(request.decisions),
    )
    with contextlib.ExitStack() as stack:
        state = request.state
        if state is None:
            folder = tempfile.TemporaryDirectory(prefix="nightmend-")
            state = Path(stack.enter_context(folder))
        memory = None
        if request.cache is not None:
            file = request.cache / MEMORY_FILE
            memory = Memory(file, looking_basis(settings), settings)
            stack.callback(memory.close)
        order = Order(
            Task("check", settings, Workplace(state, state, new_run_id())),
            request.sources,
            argv=picking.command_line(sys.argv),
            allow_empty=request.allow_empty,
            memory=memory,
            selection=request.selection,
            retry_quarantined=request.retry_quarantined,
        )
        result = batch.run(order, Progress("check"))
        answer = Answer(result, state, request, excuses)
        if memory is not None and result.worked:
            memory.remember(answer.summary().outcomes)
        yield answer


def read_baseline(file: Path | None) -> Excuses | None:
    """Return the baseline of a file; None without one.

    Raises:
        UsageError: it cannot be read.
    """
    return None if file is None else baseline_file.read(file, today())


def read_decisions(folder: Path | None) -> Excuses | None:
    """Return what was decided about the pictures of an output folder.

    Raises:
        UsageError: there is no ledger.
    """
    return None if folder is None else Decided(queries.decisions(state_of(folder)))


def today() -> date:
    """Return the day of this machine's calendar."""
    return date.today()  # noqa: DTZ011  a day of expiry is meant where people are


def cache_folder(
    given: Path | None, forget: bool, environment: Mapping[str, str] = os.environ
) -> Path | None:
    """Return where the memory lies; None when nothing is to be remembered.

    Args:
        given: The folder that the user named.
        forget: The user wants none.
        environment: May name the user's folders.
    """
    if forget or given is not None:
        return None if forget else given
    return _users_folder(environment)


def _users_folder(environment: Mapping[str, str]) -> Path | None:
    if environment.get("NIGHTMEND_HOME"):
        return Path(environment["NIGHTMEND_HOME"]).expanduser() / "cache"
    if sys.platform == "win32" and environment.get("LOCALAPPDATA"):
        return Path(environment["LOCALAPPDATA"]) / "nightmend" / "cache"
    if environment.get("XDG_CACHE_HOME"):
        return Path(environment["XDG_CACHE_HOME"]) / "nightmend"
    try:
        home = Path.home()
    except RuntimeError:
        return None  # A container's nameless user has none; so nothing is remembered.
    below = Path("Library/Caches") if sys.platform == "darwin" else Path(".cache")
    return home / below / "nightmend"
