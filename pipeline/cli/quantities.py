"""Read amounts as people write them: 8h, 5GB, 07:00."""

import re
from datetime import UTC, datetime, time, timedelta, tzinfo

from pipeline.errors import UsageError
from pipeline.names import shown

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {
    **{"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12},
    **{"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40},
    **{"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40},
}


def duration_s(text: str, option: str) -> float:
    """Return the seconds of "8h", "1h30m", "90s" or "1.5h".

    Raises:
        UsageError: it is none of these.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", text)
    if not parts or "".join(map("".join, parts)) != text.replace(" ", ""):
        raise UsageError(
            f"{option} {shown(text)}: write a time such as 8h, 1h30m or 90s"
        )
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def size_mib(text: str, option: str) -> int:
    """Return the MiB of "5GB", "500MiB" or "2G", rounded up.

    Raises:
        UsageError: it is none of these.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]+)", text.strip().lower())
    if match is None or match[2] not in _BYTES:
        raise UsageError(f"{option} {shown(text)}: write a size such as 5GB or 500MiB")
    return int(-(-float(match[1]) * _BYTES[match[2]] // 2**20))


def next_time(
    text: str, now: datetime, option: str, zone: tzinfo | None = None
) -> datetime:
    """Return when a clock on the wall will next show a time, or a full date and time.

    Where the clocks are put back and a time comes twice, either may be the next. Where
    they are put forward and it is left out, the moment that would have had it counts.

    Args:
        text: "07:00", or "2026-11-23T07:00" for one moment.
        now: With its zone.
        option: For the sentence.
        zone: Of the clock on the wall; None means this machine's.

    Raises:
        UsageError: it cannot be read, or that moment has passed.
    """
    here = now.astimezone(zone)
    moments: list[datetime]
    try:
        if re.fullmatch(r"\d{1,2}:\d\d", text):
            shows = time.fromisoformat(text.zfill(5))
            days = (here.date() + timedelta(days=n) for n in range(2))
            walls = [datetime.combine(day, shows) for day in days]
            moments = [moment for wall in walls for moment in _both(wall, zone)]
        else:
            moments = [_moment(datetime.fromisoformat(text), zone)]
    except ValueError as error:
        raise UsageError(
            f"{option} {shown(text)}: write a time such as 07:00, or 2026-11-23T07:00"
        ) from error
    later = [moment for moment in moments if moment > now]
    if not later:
        raise UsageError(f"{option} {shown(text)}: that moment has passed")
    return min(later)


def _both(wall: datetime, zone: tzinfo | None) -> list[datetime]:
    """Return the moments at which the clock shows a time; the second is rare."""
    first = _moment(wall, zone)
    second = _moment(wall.replace(fold=1), zone)
    comes_twice = second.astimezone(zone).replace(tzinfo=None) == wall
    return [first, second] if comes_twice else [first]


def _moment(wall: datetime, zone: tzinfo | None) -> datetime:
    """Return what a wall clock's time means, in UTC."""
    if wall.tzinfo is None and zone is not None:
        wall = wall.replace(tzinfo=zone)
    return wall.astimezone(UTC)
