"""Look at all pictures before the first is repaired, and rank them by their flaws."""

from collections.abc import Mapping
from dataclasses import replace

from detectors.findings import Severity
from pipeline.ledger import queries
from pipeline.records import Outcome
from pipeline.runner import batch
from pipeline.runner.contract import BuildTools, Observer, Order, RunResult

FOLDER = "look"
"""Below the state folder: the ledger of what was seen, so that it is seen once only."""

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
    other: it obeys the limits, can be ended at any time, and does only what is missing
    when it is started again.

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
        limits=replace(order.limits, max_pictures=None),
    )
    result = batch.run(look, observer, build_tools=build_tools)
    if not result.names:
        return result, {}
    least = task.settings.detect.min_confidence
    seen = queries.summary(place.state).outcomes
    return result, {o.key: badness(o, least) for o in seen if o.key in result.names}


def badness(outcome: Outcome, min_confidence: float) -> float:
    """Return how much is wrong with a picture: what was found, by weight and surety."""
    return sum(
        WEIGHTS[row.severity] * row.confidence
        for row in outcome.findings
        if row.confidence >= min_confidence
    )
