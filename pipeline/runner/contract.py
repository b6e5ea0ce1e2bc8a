"""What a run is asked to do, and what every executor offers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from pipeline.errors import ExitCode
from pipeline.records import Outcome, Reviewed, Workplace
from pipeline.runner.limits import Limits
from pipeline.settings import Settings
from pipeline.stages.choose_files import Selection
from pipeline.toolbox import Toolbox


@dataclass(frozen=True, slots=True)
class Task:
    """What is done with every picture; small, so it may travel to another process."""

    command: Literal["repair", "check"]
    settings: Settings
    workplace: Workplace
    masks: Path | None = None
    """Masks given by the user: a folder of the same tree, or one file for all."""

    reviewed: Mapping[str, Reviewed] = field(default_factory=dict)
    """What people decided about pictures, by the digest of the original."""


class Recalls(Protocol):
    """Knows what came of pictures that were looked at before, wherever they lay."""

    def recall(self, jobs: Sequence["Job"]) -> Mapping[str, Outcome]:
        """Return the outcomes that are known, by key."""
        ...


@dataclass(frozen=True, slots=True)
class Order:
    """What a run was asked to do."""

    task: Task
    sources: tuple[Path, ...]
    argv: tuple[str, ...] = ()
    """The command line, for the ledger."""

    allow_empty: bool = False
    grace_s: float = 30.0
    """How long a signal lets the running picture go on."""

    memory: Recalls | None = None
    """What a check need not look at again; None means that nothing is remembered."""

    selection: Selection = field(default_factory=Selection)
    """Which pictures of the sources are wanted."""

    ranks: Mapping[str, float] = field(default_factory=dict)
    """How bad pictures are, by key: the worst are worked on first, and those of one
    rank, or of none, in the order of their keys."""

    retry_quarantined: bool = False
    """Begin anew with pictures that were given up because workers died over them."""

    limits: Limits = field(default_factory=Limits)
    """When the run ends although there is work left."""


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to work on; small, so it may travel to another process."""

    root: Path
    key: str

    @property
    def path(self) -> Path:
        return self.root / self.key


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one job; small, so it may travel to another process."""

    job: Job
    outcome: Outcome
    changed: bool = False
    """The input changed while it was worked on; the outcome is not to be believed."""

    lost: str = ""
    """How the worker died that was at it; "" when none did. There is no outcome then,
    and nobody can tell whether it was the picture's fault."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended."""

    run_id: str
    code: ExitCode
    planned: int
    """Pictures found."""

    worked: int
    """Pictures finished by this run."""

    names: frozenset[str] = frozenset()
    """The keys of everything that has an outcome in this run's sources."""

    problem: str = ""
    """What ended the run early, in a sentence; "" when nothing did."""

    ended: ExitCode = ExitCode.OK
    """What ended the run, whatever came of its pictures; OK when all was done."""

    signal: ExitCode | None = None
    """A signal that came while it ran, even when it came too late to end anything."""


class BuildTools(Protocol):
    """Builds the detectors and the inpainter; `pipeline.toolbox.build_toolbox`."""

    def __call__(self, settings: Settings, *, with_inpainter: bool) -> Toolbox: ...


class Observer(Protocol):
    """Is told how a run comes along; for a progress bar."""

    def started(self, planned: int, finished_before: int) -> None: ...

    def finished(self, outcome: Outcome) -> None: ...

    def ended(self) -> None: ...


Take = Callable[[], Job | None]
"""Hands out the next job; None when there is none, for now or for good."""

Breakable = Callable[[], AbstractContextManager[None]]
"""Marks the work that may be broken off when a signal's grace is over."""


class Executor(Protocol):
    """Works on pictures, one or several at a time, in any order.

    It draws jobs with `take` as it has room for them, and stops when `take` gives None
    and nothing is under way; after each result it asks again. What ends the whole run
    is raised; what is wrong with one picture is in its result.
    """

    def open(self) -> str:
        """Build the tools, or have them built; once, before `run`.

        Returns:
            The engine's name; "" where nothing is repaired.

        Raises:
            NightmendError, DetectorError: a tool cannot be built.
        """
        ...

    def run(self, take: Take) -> Iterator[Result]:
        """Yield one result per job, in the order in which they come."""
        ...

    def close(self) -> None:
        """Free what it holds, and end what is under way; twice does no harm."""
        ...
