"""What people decided, as rows of the ledger."""

import os

from pipeline.records import Decision
from pipeline.wire import from_text, to_text

INSERT_DECISION = (
    "INSERT INTO decisions (key, digest, decided, decision) VALUES (?, ?, ?, ?)"
)

NEWEST_DECISIONS = (
    "SELECT decision FROM decisions WHERE number IN "
    "(SELECT MAX(number) FROM decisions GROUP BY digest) ORDER BY number"
)
"""The newest for each content, in the order in which they were made."""


def decision_row(decision: Decision) -> tuple[bytes, str, str, str]:
    """Return the values for `INSERT_DECISION`."""
    key = os.fsencode(decision.key)
    return key, decision.digest, decision.decided, to_text(decision)


def decision_from(text: str) -> Decision:
    """Return what one row of `NEWEST_DECISIONS` says."""
    return from_text(Decision, text)
