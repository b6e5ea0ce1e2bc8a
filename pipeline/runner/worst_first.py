"""Look at all pictures before the first is repaired, and rank them by their flaws."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from detectors.findings import Severity
from pipeline.ledger import queries
from pipeline.records import Outcome
from pipeline.runner import batch
from pipeline.runner.contract import BuildTools, Observer, Order, RunResult
from pipeline.runner.limits import Limits

FOLDER = "look"
"""Below the state folder: the ledger of what was seen, so that it is seen once only."""

LOOK_SHARE = 0.25
"""Where the night has an end, the look may take this much of what is left of it. What
was not looked at by then comes after what is known to be flawed."""

WEIGHTS: Mapping[Severity, float] = {
    Severity.FINE: 0.0,
    Severity.NOTE: 0.01,
    Severity.WARNING: 0.1,
    Severity.ERROR: 1.0,
}
"""Ten warnings weigh as much as an error."""


def look_first(
    order: Order, observer: Observer, build_tools: BuildTools
) -> tuple[RunResult, Mapping[str, float]]:
    """Look at every picture of a repair as `check` does; nothing is changed.

    Looking takes a small part of the time that repainting takes. It is a run like any
    other: it keeps to its share of the time, can be ended whenever one likes, and does
    only what is missing when it is started again.

    Args:
        order: The repair that is to follow.
        observer: Is told how the looking comes along.
        build_tools: Whose detectors are used.

    Returns:
        How the looking ended, and how bad each picture is, by key; higher is worse.

    Raises:
        NightmendError, DetectorError: it could not begin.
    """
    task = order.task
    place = replace(
        task.workplace,
        state=task.workplace.state / FOLDER,
        run_id=f"{task.workplace.run_id}-look",
        lane="",
    )
    look = replace(
        order,
        task=replace(task, command="check", workplace=place),
        limits=_share(order.limits, datetime.now(UTC)),
    )
    result = batch.run(look, observer, build_tools=build_tools)
    if not result.names:
        return result, {}
    least = task.settings.detect.min_confidence
    seen = queries.summary(place.state).outcomes
    return result, {o.key: badness(o, least) for o in seen if o.key in result.names}


def _share(limits: Limits, now: datetime) -> Limits:
    """Return how long the look may take of the time that the whole may take."""
    budget_s, stop_at = limits.budget_s, limits.stop_at
    return Limits(
        None if budget_s is None else budget_s * LOOK_SHARE,
        None if stop_at is None else now + (stop_at - now) * LOOK_SHARE,
    )


def badness(outcome: Outcome, min_confidence: float) -> float:
    """Return how much is wrong with a picture: what was found, by weight and surety."""
    return sum(
        WEIGHTS[row.severity] * row.confidence
        for row in outcome.findings
        if row.confidence >= min_confidence
    )
