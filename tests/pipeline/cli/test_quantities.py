"""Amounts are read as people write them, and nonsense is refused."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from pipeline.cli.quantities import duration_s, next_time, size_mib
from pipeline.errors import UsageError

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("8h", 28800), ("90s", 90), ("1h30m", 5400), ("1.5h", 5400), ("2d", 172800)],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration_s(text, "--budget") == seconds


@pytest.mark.parametrize("text", ["", "8", "h", "8 hours", "8h!", "-3h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--budget"):
        duration_s(text, "--budget")


@pytest.mark.parametrize(
    ("text", "mib"), [("5GB", 4769), ("512MiB", 512), ("2g", 2048), ("1 b", 1)]
)
def test_sizes(text: str, mib: int) -> None:
    assert size_mib(text, "--min-free") == mib


@pytest.mark.parametrize("text", ["5", "GB", "5 apples"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--min-free"):
        size_mib(text, "--min-free")


def berlin(*numbers: int) -> datetime:
    return datetime(*numbers, tzinfo=BERLIN)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("now", "text", "next_one"),
    [
        # In the evening it is tomorrow's, in the night today's.
        (berlin(2026, 11, 22, 22), "07:00", datetime(2026, 11, 23, 6, tzinfo=UTC)),
        (berlin(2026, 11, 22, 3), "7:00", datetime(2026, 11, 22, 6, tzinfo=UTC)),
        (berlin(2026, 11, 22, 7), "07:00", datetime(2026, 11, 23, 6, tzinfo=UTC)),
        # The night of 25 October 2026 has 25 hours, and 02:30 comes twice in it.
        (berlin(2026, 10, 24, 22), "07:00", datetime(2026, 10, 25, 6, tzinfo=UTC)),
        (berlin(2026, 10, 24, 22), "02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (
            datetime(2026, 10, 25, 0, 45, tzinfo=UTC),
            "02:30",
            datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
        ),
        # The night of 29 March 2026 has 23 hours, and no 02:30.
        (berlin(2026, 3, 28, 22), "07:00", datetime(2026, 3, 29, 5, tzinfo=UTC)),
        (berlin(2026, 3, 28, 22), "02:30", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        (
            berlin(2026, 11, 22, 22),
            "2026-11-24T07:00",
            datetime(2026, 11, 24, 6, tzinfo=UTC),
        ),
    ],
)
def test_the_next_such_time_also_when_the_clocks_are_changed(
    now: datetime, text: str, next_one: datetime
) -> None:
    assert next_time(text, now, "--stop-at", BERLIN) == next_one


def test_without_a_zone_the_clock_of_this_machine_counts() -> None:
    now = datetime.now(UTC)

    assert 0 < (next_time("07:00", now, "--stop-at") - now).total_seconds() <= 90_000


@pytest.mark.parametrize("text", ["25:00", "soon", "7", "2020-01-01T07:00"])
def test_what_is_no_time_to_come_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--stop-at"):
        next_time(text, datetime.now(UTC), "--stop-at")
