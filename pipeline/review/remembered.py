"""What was decided about the pictures of a state folder."""

from pathlib import Path

from pipeline.ledger import queries
from pipeline.ledger.store import FILE_NAME
from pipeline.records import Decision


def decisions(state: Path) -> dict[str, Decision]:
    """Return what holds now, by the digest of the original file.

    Args:
        state: A state folder; one without a ledger has no decisions.

    Raises:
        LedgerTrouble: the ledger cannot be read.
    """
    if not (state / FILE_NAME).is_file():
        return {}
    return {
        one.digest: one for one in queries.decisions(state) if not one.empty or one.note
    }
