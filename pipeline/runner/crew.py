"""The workers of one run, what each of them is at, and how long it may take."""

import queue
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from pipeline.runner.contract import Job
from pipeline.runner.messages import Message
from pipeline.settings import WorkersSettings

DEADLINES: Mapping[str, str] = {
    "": "start_s",
    "load": "load_s",
    "detect": "detect_s",
    "liken": "detect_s",
    "mask": "mask_s",
    "paint": "paint_s",
    "score": "score_s",
    "save": "save_s",
}
"""The setting that bounds a stage; "" is what comes before the first of them."""

SETTLE_S = 2.0
"""A worker is first heard of as gone, and has ended shortly after."""

LONGEST_WAIT_S = 60.0
"""Nothing is due sooner when nobody is at anything."""


@dataclass(frozen=True, slots=True)
class Gone:
    """Nothing more comes from this worker; it died, or the way to it is cut."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Something that happened to a worker."""

    number: int
    message: Message | Gone


Ears: TypeAlias = "queue.SimpleQueue[Heard]"
"""Where everything arrives that workers tell, from whatever thread."""


class Member(Protocol):
    """One worker as its supervisor sees it."""

    def give(self, job: Job) -> None:
        """Hand over a job; a worker that died meanwhile is heard of as `Gone`."""
        ...

    def dismiss(self) -> None:
        """Ask it to free its tools and end; `end` is called soon after."""
        ...

    def end(self, *, hangs: bool = False, patience_s: float = 0.0) -> str:
        """End it if it still lives, and say how it ended, as in "it ...".

        Args:
            hangs: Find out first where it hangs, and say only that.
            patience_s: How long it may take to end by itself.
        """
        ...


class Hire(Protocol):
    """Starts a worker, which first builds its tools and then tells that it is ready."""

    def __call__(self, number: int, ears: Ears) -> Member: ...

    def prepare(self, modules: Sequence[str]) -> None:
        """Do ahead what can be done for the next worker; often, and told twice is once.

        Args:
            modules: What a worker of this run has imported.
        """
        ...

    def close(self) -> None:
        """End what was begun ahead and never needed; twice does no harm."""
        ...


class Post:
    """One worker, and what it is at."""

    def __init__(
        self, number: int, member: Member, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.number = number
        self.member = member
        self.ready = False
        self.engine = ""
        self.job: Job | None = None
        self.stage = ""
        self._clock = clock
        self._stage_since = self._job_since = clock()
        self._worked = False
        self._pictures = 0
        self._first_mib = 0.0

    def begin_waiting(self, engine: str) -> None:
        self.ready, self.engine = True, engine

    def give(self, job: Job) -> None:
        """Set the worker to work."""
        self.job, self.stage = job, ""
        self._stage_since = self._job_since = self._clock()
        self.member.give(job)

    def begin_stage(self, stage: str) -> bool:
        """Note that a stage begins; True when it is the first of this worker's life."""
        self.stage, self._stage_since = stage, self._clock()
        first, self._worked = not self._worked, True
        return first

    def finish(self, resident_mib: float, settings: WorkersSettings) -> str:
        """Note that a job is done; say why the worker should be replaced, or ""."""
        self.job, self.stage = None, ""
        self._pictures += 1
        self._first_mib = self._first_mib or resident_mib
        growth_mib = resident_mib - self._first_mib
        if 0 < settings.max_growth_mib < growth_mib:
            return f"has grown by {growth_mib:.0f} MiB (workers.max_growth_mib)"
        if 0 < settings.max_pictures <= self._pictures:
            return f"did {self._pictures} pictures (workers.max_pictures)"
        return ""

    def at_it_s(self) -> float:
        """Return how long it has been at its job."""
        return self._clock() - self._job_since

    def limit(self, settings: WorkersSettings) -> tuple[float, str]:
        """Return the deadline that comes first: how long it is, and its setting."""
        name = DEADLINES.get(self.stage, "score_s")
        stage_s: float = getattr(settings, name)
        whole_s = self._job_since + settings.picture_s - self._stage_since
        if self.job is not None and whole_s < stage_s:
            return settings.picture_s, "picture_s"
        return stage_s, name

    def due_s(self, settings: WorkersSettings) -> float:
        """Return the seconds until its time is up; endless while it waits for a job."""
        if self.ready and self.job is None:
            return float("inf")
        limit_s, name = self.limit(settings)
        since = self._job_since if name == "picture_s" else self._stage_since
        return since + limit_s - self._clock()


class Crew:
    """All workers that are there."""

    def __init__(self, hire: Hire, settings: WorkersSettings) -> None:
        self._hire = hire
        self._settings = settings
        self._hired = 0
        self._posts: dict[int, Post] = {}
        self.heard: Ears = queue.SimpleQueue()

    @property
    def posts(self) -> tuple[Post, ...]:
        return tuple(self._posts.values())

    def post(self, number: int) -> Post | None:
        return self._posts.get(number)

    def idle(self) -> list[Post]:
        return [post for post in self.posts if post.ready and post.job is None]

    def busy(self) -> list[Post]:
        return [post for post in self.posts if post.job is not None]

    def starting(self) -> list[Post]:
        return [post for post in self.posts if not post.ready]

    def add(self) -> None:
        """Start one more worker; it is heard of when it is ready."""
        number, self._hired = self._hired, self._hired + 1
        self._posts[number] = Post(number, self._hire(number, self.heard))

    def remove(self, post: Post, *, hangs: bool = False) -> str:
        """End a worker that is of no use any more, and say how it ended."""
        del self._posts[post.number]
        return post.member.end(hangs=hangs, patience_s=SETTLE_S)

    def dismiss(self, post: Post, patience_s: float = 10.0) -> None:
        """Let a worker that waits end by itself."""
        del self._posts[post.number]
        post.member.dismiss()
        post.member.end(patience_s=patience_s)

    def dismiss_all(self, patience_s: float = 5.0) -> None:
        """End all: at once who is at something, in peace who waits."""
        waiting = self.idle()
        for post in waiting:
            post.member.dismiss()
        for post in self.posts:
            post.member.end(patience_s=patience_s if post in waiting else 0.0)
        self._posts.clear()
        self._hire.close()

    def prepare(self, modules: Sequence[str]) -> None:
        """Do ahead what can be done for whoever is hired next."""
        self._hire.prepare(modules)

    def next_due_s(self) -> float:
        """Return the seconds until the first worker's time is up."""
        dues = [post.due_s(self._settings) for post in self.posts]
        return min([*dues, LONGEST_WAIT_S])

    def overdue(self) -> Post | None:
        """Return a worker whose time is up, if there is one."""
        late = (post for post in self.posts if post.due_s(self._settings) <= 0)
        return next(late, None)
