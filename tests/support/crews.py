"""Workers of a supervisor that follow a script instead of being processes."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.records import Outcome, Status
from pipeline.runner.contract import Breakable, Job, Result, Take
from pipeline.runner.crew import Ears, Gone, Heard
from pipeline.runner.messages import Began, Finished, Message, Ready
from pipeline.runner.supervisor import Supervisor
from pipeline.settings import WorkersSettings

Told = Message | Gone


def job(name: str) -> Job:
    return Job(Path("/in"), f"{name}.png")


def jobs(names: str) -> list[Job]:
    """Return a job for every letter."""
    return [job(name) for name in names]


def done(of: Job, resident_mib: float = 100.0) -> list[Told]:
    """Return what a worker tells that does a job well."""
    outcome = Outcome(of.key, "d", Status.CLEAN)
    return [Began("load"), Began("detect"), Finished(Result(of, outcome), resident_mib)]


@dataclass
class Actor:
    """One worker; meets `pipeline.runner.crew.Member`."""

    number: int
    ears: Ears
    play: "Play"
    given: list[Job] = field(default_factory=list)
    dismissed: bool = False
    ended: tuple[bool, float] | None = None
    """Whether it hung, and how long it was waited for."""

    def give(self, job: Job) -> None:
        self.given.append(job)
        self.tell(self.play.works(self.number, job))

    def dismiss(self) -> None:
        self.dismissed = True

    def end(self, *, hangs: bool = False, patience_s: float = 0.0) -> str:
        assert self.ended is None, "nobody ends twice"
        self.ended = (hangs, patience_s)
        self.ears.put(Heard(self.number, Gone()))  # as the end of a pipe does
        return ", in a trap" if hangs else "died of boredom"

    def tell(self, told: Iterable[Told]) -> None:
        for message in told:
            self.ears.put(Heard(self.number, message))


@dataclass
class Play:
    """Hires actors; meets `pipeline.runner.crew.Hire`."""

    works: Callable[[int, Job], Sequence[Told]] = lambda _number, job: done(job)
    starts: Callable[[int], Sequence[Told]] = lambda _number: [Ready("fake")]
    cast: list[Actor] = field(default_factory=list)
    prepared: list[tuple[str, ...]] = field(default_factory=list)
    """What was told each time that something could be done ahead."""

    closed: int = 0

    def __call__(self, number: int, ears: Ears) -> Actor:
        actor = Actor(number, ears, self)
        self.cast.append(actor)
        actor.tell(self.starts(number))
        return actor

    def prepare(self, modules: Sequence[str]) -> None:
        self.prepared.append(tuple(modules))

    def close(self) -> None:
        self.closed += 1

    def supervised(
        self, breakable: Breakable = nullcontext, **settings: object
    ) -> Supervisor:
        """Return a supervisor whose workers these are."""
        plain = {"executor": "processes", "count": 1, **settings}
        return Supervisor(self, WorkersSettings.model_validate(plain), breakable)

    def run(self, todo: Iterable[Job], **settings: object) -> list[Result]:
        """Return the results of a run from its beginning to its end."""
        supervisor = self.supervised(nullcontext, **settings)
        try:
            supervisor.open()
            return list(supervisor.run(taking(todo)))
        finally:
            supervisor.close()


def taking(todo: Iterable[Job]) -> Take:
    """Return what hands out these jobs."""
    waiting = deque(todo)
    return lambda: waiting.popleft() if waiting else None
