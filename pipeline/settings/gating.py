"""Settings of the gate: which rules count, where, and how much."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.settings.basics import Section

Level = Literal["note", "warning", "error"]


class GateSettings(Section):
    """Which of `nightmend rule` count in a check, where, and how much."""

    select: tuple[str, ...] = ("NM",)
    """Rules that count: codes, their first letters such as NM1, or kinds."""

    ignore: tuple[str, ...] = ()
    """Rules that do not count, in the same words; stronger than `select`."""

    per_path: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Rules that do not count for pictures whose path or name fits a glob; in a glob
    `*` stands for slashes too."""

    severities: dict[str, Level] = Field(default_factory=dict)
    """How much rules weigh, by code, first letters or kind; the longest word wins."""

    near_duplicate_bits: Annotated[int, Field(ge=0, le=32)] = 8
    """Pictures whose looks differ in no more of 128 bits are near duplicates."""

    size_outlier: Annotated[float, Field(ge=1, le=100)] = 2.0
    """How many times larger or smaller than its folder's others, by the square root of
    the area, a picture must be to count as an outlier."""
