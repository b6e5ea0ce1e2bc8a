"""Decide between the original and its variations."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.records import Cost
from pipeline.settings import ChooseSettings


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided, and why."""

    winner: int | None
    """The variation's number, or None: the original stays."""

    cost: Cost
    """What the kept version costs; never more than the original."""

    reason: str


def is_better(before: Cost, after: Cost, settings: ChooseSettings) -> bool:
    """Tell whether a variation may replace the original.

    Its total must be lower by `min_gain`. Of its flaw part, `min_flaw_drop` must be
    gone: a smooth seam does not make up for a hand as bad as before. And its blur may
    not exceed `max_blur`: nobody wants five fingers of fog.
    """
    gain = before.total - after.total
    enough_gone = after.flaw <= _most_flaw(before, settings)
    return gain >= settings.min_gain and enough_gone and not _is_fog(after, settings)


def _is_fog(after: Cost, settings: ChooseSettings) -> bool:
    return after.blur > settings.max_blur


def _most_flaw(before: Cost, settings: ChooseSettings) -> float:
    """Return the highest flaw part that is a repair."""
    return before.flaw * (1 - settings.min_flaw_drop)


def is_enough(before: Cost, after: Cost, settings: ChooseSettings) -> bool:
    """Tell whether painting may stop at this variation.

    "first-pass" stops when the flaw part is below `pass_below`; "margin" when it is
    below by another `min_gain`; "never" paints all. Either must also be better than the
    original.
    """
    if settings.stop == "never" or not is_better(before, after, settings):
        return False
    spare = settings.min_gain if settings.stop == "margin" else 0.0
    return after.flaw + spare < settings.pass_below


def choose(
    before: Cost, tried: Sequence[tuple[int, Cost | None]], settings: ChooseSettings
) -> Verdict:
    """Return the cheapest variation, or None when the original is to stay.

    Args:
        before: What the original costs.
        tried: (number, cost) of every variation; None for one that failed. Of two that
            cost the same, the lower number wins.
        settings: How much better a variation must be.
    """
    costs = sorted(
        ((cost.total, number, cost) for number, cost in tried if cost is not None),
        key=lambda entry: entry[:2],
    )
    good = [entry for entry in costs if is_better(before, entry[2], settings)]
    if good:
        total, number, cost = good[0]
        reason = (
            f"variation {number} costs {total:.2f} and the original {before.total:.2f} "
            f"(flaw {cost.flaw:.2f} against {before.flaw:.2f}), a gain of at least "
            f"{settings.min_gain:.2f}; the lowest of {len(costs)}"
        )
        return Verdict(number, cost, reason)
    return Verdict(None, before, _why_not(before, costs, len(tried), settings))


def _why_not(
    before: Cost,
    costs: list[tuple[float, int, Cost]],
    tried: int,
    settings: ChooseSettings,
) -> str:
    """Say in one clause why the original stays."""
    if not tried:
        return "the original stays: nothing was painted"
    if not costs:
        return f"the original stays: none of {tried} variations came out"
    total, number, cost = costs[0]
    if all(_is_fog(each, settings) for _, _, each in costs):
        least = min(each.blur for _, _, each in costs)
        return (
            f"the original stays: all of {len(costs)} variations are blurred, by "
            f"{least:.2f} at least (choose.max_blur is {settings.max_blur:.2f})"
        )
    if _is_fog(cost, settings):
        return (
            f"the original stays: variation {number} costs {total:.2f} against "
            f"{before.total:.2f}, but is blurred by {cost.blur:.2f}, above "
            f"{settings.max_blur:.2f} (choose.max_blur), and no sharper one is better"
        )
    if before.total - total >= settings.min_gain:
        return (
            f"the original stays: variation {number} costs {total:.2f} against "
            f"{before.total:.2f}, but its flaw part goes from {before.flaw:.2f} to "
            f"{cost.flaw:.2f}, above {_most_flaw(before, settings):.2f}"
        )
    return (
        f"the original stays at {before.total:.2f}: the best of {tried}, variation "
        f"{number}, costs {total:.2f}, not {settings.min_gain:.2f} less"
    )
