"""Write the course of a run into the log, with fields that a program can read.

The log file holds one JSON object a line; those with an `event` are these.
"""

import logging

from pipeline.records import Outcome
from pipeline.runner.contract import RunResult

log = logging.getLogger(__name__)


def began(run_id: str, command: str, planned: int, todo: int) -> None:
    """Note that a run begins."""
    fields = {
        "event": "run-began",
        "run": run_id,
        "command": command,
        "planned": planned,
        "todo": todo,
    }
    log.debug(
        "%s %s: %d pictures, %d to do",
        *(command, run_id, planned, todo),
        extra={"fields": fields},
    )


def finished(run_id: str, outcome: Outcome) -> None:
    """Note what came of one picture."""
    fields = {
        "event": "picture",
        "run": run_id,
        "key": outcome.key,
        "status": outcome.status.value,
        "took_s": round(outcome.took_s, 3),
        "attempts": len(outcome.attempts),
        "problem": outcome.problem,
    }
    log.info(
        "%s: %s in %.1f s",
        *(outcome.key, outcome.status, outcome.took_s),
        extra={"fields": fields},
    )


def ended(result: RunResult) -> None:
    """Note how a run ended."""
    fields = {
        "event": "run-ended",
        "run": result.run_id,
        "code": int(result.code),
        "ended": result.ended.name,
        "planned": result.planned,
        "worked": result.worked,
        "problem": result.problem,
    }
    log.debug(
        "%s ended: %s, %d pictures worked on",
        *(result.run_id, result.ended.name, result.worked),
        extra={"fields": fields},
    )
