"""Tell when a run has reached a limit that the user set."""

import bisect
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

SURE_FROM = 3
"""Pictures after which the time of the next can be foretold at all."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a run shall end although there is work left; None means: not for that."""

    budget_s: float | None = None
    """Seconds since the run began."""

    stop_at: datetime | None = None
    """A moment, with its zone."""

    max_pictures: int | None = None

    def from_now(self, now: datetime) -> "Limits":
        """Return the same with the budget as a moment, to hold for several runs."""
        if self.budget_s is None:
            return self
        end = now + timedelta(seconds=self.budget_s)
        return Limits(None, min(end, self.stop_at or end), self.max_pictures)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Limiter:
    """Is asked before every picture whether it shall still be begun.

    A picture that was begun is finished. So that this takes a run as little as
    possible over its end, a picture is not begun either when it would rather end too
    late than in time: when the median of this run's pictures took longer than what is
    left. What is over is at most one picture's time.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        """Start the clock.

        Args:
            limits: What the user set.
            clock: A monotonic clock in seconds, for the budget.
            now: The clock on the wall, with its zone; it may be set while the run
                lasts, so the moment to stop at is compared with it each time.
        """
        self._limits = limits
        self._clock = clock
        self._now = now
        self._began_s = clock()
        self._took_s: list[float] = []

    def note(self, took_s: float) -> None:
        """Remember how long a picture took from its beginning to its end."""
        bisect.insort(self._took_s, took_s)

    def reached(self, taken: int) -> str:
        """Return which limit forbids another picture, in a clause; "" when none does.

        Args:
            taken: Pictures begun so far.
        """
        limits = self._limits
        if limits.max_pictures is not None and taken >= limits.max_pictures:
            return f"--max-pictures {limits.max_pictures} is reached"
        needs_s = self._typical_s()
        if limits.budget_s is not None:
            left_s = self._began_s + limits.budget_s - self._clock()
            if left_s <= 0:
                return f"the budget of {_spelled(limits.budget_s)} is used up"
            if left_s < needs_s:
                return (
                    f"the {_spelled(left_s)} left of the budget are less than most "
                    f"pictures of this run took ({_spelled(needs_s)})"
                )
        if limits.stop_at is not None:
            left_s = (limits.stop_at - self._now()).total_seconds()
            shown = limits.stop_at.astimezone().strftime("%H:%M")
            if left_s <= 0:
                return f"it is {shown}, the time to stop at"
            if left_s < needs_s:
                return (
                    f"the {_spelled(left_s)} until {shown} are less than most pictures "
                    f"of this run took ({_spelled(needs_s)})"
                )
        return ""

    def _typical_s(self) -> float:
        """Return the median so far; 0 as long as it means little."""
        if len(self._took_s) < SURE_FROM:
            return 0.0
        return statistics.median_high(self._took_s)


def _spelled(seconds: float) -> str:
    """Return a time for people, such as 1:30:00 or 12 s."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    return str(timedelta(seconds=round(seconds)))
