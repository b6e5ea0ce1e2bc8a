"""The ledger remembers what a picture cost, until it is done."""

from pathlib import Path

import pytest

from pipeline.errors import LedgerTrouble
from pipeline.ledger.rows import NO_STAMP, Claim
from pipeline.ledger.store import FILE_NAME, Ledger
from pipeline.records import Outcome, Status

ROOT = Path("/pictures")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = Ledger(tmp_path / FILE_NAME)
    made.queue("r1", [(ROOT, "a.png"), (ROOT, "b.png")])
    made.claim("r1", Claim("a.png", ROOT, NO_STAMP, "basis", "processes"))
    return made


def counts(ledger: Ledger) -> tuple[str, int, int]:
    known = ledger.known()["a.png"]
    return known.state, known.losses, known.orphaned


def test_workers_lost_to_a_picture_are_counted(ledger: Ledger) -> None:
    assert ledger.lose("r1", "a.png") == 1
    assert ledger.lose("r1", "a.png") == 2

    assert counts(ledger) == ("queued", 2, 0)


def test_the_count_outlives_the_run_and_ends_when_the_picture_is_done(
    ledger: Ledger,
) -> None:
    ledger.lose("r1", "a.png")
    ledger.queue("r2", [(ROOT, "a.png")])
    before = counts(ledger)
    ledger.done("r2", Outcome("a.png", "d", Status.CLEAN))

    assert before == ("queued", 1, 0)
    assert counts(ledger) == ("done", 0, 0)


def test_a_run_that_died_is_counted_for_what_it_was_working_on_alone(
    ledger: Ledger,
) -> None:
    ledger.orphan()
    ledger.orphan()

    assert counts(ledger) == ("queued", 0, 1)
    assert ledger.known()["b.png"].orphaned == 0


def test_a_late_run_cannot_lose_what_another_took_over(ledger: Ledger) -> None:
    ledger.queue("r2", [(ROOT, "a.png")])

    with pytest.raises(LedgerTrouble, match="r1 does not hold"):
        ledger.lose("r1", "a.png")
