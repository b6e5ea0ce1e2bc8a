"""Foretell how long a run will still take, and how sure that is."""

import math
from dataclasses import dataclass, field

SURE_FROM = 5
"""Pictures after which anything is foretold."""

SPREAD = 1.28
"""Standard deviations either side; four of five runs end within, were times normal."""

CLOSE = 1.3
"""Ends of a range nearer than this ratio are told as one figure."""


@dataclass
class TimeLeft:
    """Learns from the time between one finished picture and the next.

    That is what counts however many are worked on at once. Pictures without a flaw are
    many times faster than others, so a rate that follows the last few would jump; all
    of this run count the same, and the range says how much their mixture leaves open.
    """

    count: int = 0
    _mean_s: float = 0.0
    _squares: float = field(default=0.0, repr=False)

    def note(self, gap_s: float) -> None:
        """Learn the seconds since the picture before, or since the beginning."""
        # Welford's way to a variance, which loses no digits over a long night.
        self.count += 1
        change = gap_s - self._mean_s
        self._mean_s += change / self.count
        self._squares += change * (gap_s - self._mean_s)

    def range_s(self, left: int) -> tuple[float, float] | None:
        """Return the shortest and the longest that is likely; None when unknown.

        Args:
            left: Pictures still to do.

        The mean is only known to within its standard error, and the pictures to come
        vary around it: the variance of their sum is `left` squared times the first,
        plus `left` times the second.
        """
        if self.count < SURE_FROM:
            return None
        variance = self._squares / (self.count - 1)
        spread = SPREAD * math.sqrt(variance * (left * left / self.count + left))
        # What is left cannot take less than no time; in doubt it takes longer.
        middle = self._mean_s * left
        return max(middle - spread, middle / 4), middle + spread

    def told(self, left: int, *, falling: bool = False) -> str:
        """Return "about 1 h 20 min left", "1 h to 3 h left" or that it is too early.

        Args:
            left: Pictures still to do.
            falling: They take less time than those so far, so that only the upper end
                means something.
        """
        if not left:
            return ""
        found = self.range_s(left)
        if found is None:
            return "too early to tell the time left"
        low, high = found
        if falling:
            return f"at most {spelled(high)} left"
        if high <= low * CLOSE or high < 90:
            return f"about {spelled((low + high) / 2)} left"
        return f"{spelled(low)} to {spelled(high)} left"


def spelled(seconds: float) -> str:
    """Return a time with as many figures as one can mean: 40 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(round(minutes / 5) * 5, 60)
    if hours >= 10 or not rest:
        return f"{round(minutes / 60)} h"
    return f"{hours} h {rest} min"
