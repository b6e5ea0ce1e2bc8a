"""Carry out what a person decided, and remember it."""

import contextlib
import logging
from collections import defaultdict
from dataclasses import dataclass, replace

from pipeline.errors import PictureProblem
from pipeline.files import digest_file, publish
from pipeline.ledger import queries
from pipeline.ledger.rows import Known, Stamp
from pipeline.ledger.store import Ledger
from pipeline.names import shown
from pipeline.records import Decision, Outcome, Status
from pipeline.review.amend import amended, severity_of
from pipeline.review.forms import DecisionForm
from pipeline.review.publish import Made, Place, make
from pipeline.review.rebuild import chosen

log = logging.getLogger(__name__)

DECIDABLE = frozenset({Status.REPAIRED, Status.KEPT, Status.CLEAN, Status.FLAWED})
"""What was looked at; there is nothing to decide about a damaged file."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of one decision."""

    outcomes: tuple[Outcome, ...] = ()
    """One for each picture of that content."""

    problem: str = ""
    """Why it was not carried out, in a sentence; "" when it was."""


class Reviewer:
    """Carries out decisions in one state folder, whose lock the caller holds."""

    def __init__(self, ledger: Ledger, place: Place) -> None:
        """Read what the ledger knows.

        Raises:
            LedgerTrouble: it cannot be read.
        """
        self._ledger = ledger
        self._place = place
        self._known: dict[str, list[Known]] = defaultdict(list)
        for known in ledger.known().values():
            self._known[known.digest].append(known)

    def apply(self, form: DecisionForm, decided: str) -> Applied:
        """Carry out one decision for every picture of that content.

        Args:
            form: What was decided.
            decided: When, in ISO 8601.

        Raises:
            OutputTrouble, LedgerTrouble: nothing more can be written.
        """
        done, problems = [], []
        for known in self._known.get(form.digest, []):
            try:
                done.append(self._carry_out(known, form.decision(known.key, decided)))
            except PictureProblem as error:
                problems.append(f"{shown(known.key)}: {error}")
        if not done and not problems:
            problems.append(f"{shown(form.name)}: no picture here has that content")
        return Applied(tuple(done), "; ".join(problems))

    def catch_up(self) -> None:
        """Publish again what was decided, where the file is not there (any more).

        Raises:
            OutputTrouble, LedgerTrouble: nothing more can be written.
        """
        for decision in queries.decisions(self._place.state):
            for known in self._known.get(decision.digest, []):
                if not (decision.settled and known.output) or self._stands(known):
                    continue
                try:
                    self._carry_out(known, replace(decision, key=known.key))
                except PictureProblem as error:
                    log.warning("%s: the decision cannot be kept: %s", known.key, error)

    def _carry_out(self, known: Known, decision: Decision) -> Outcome:
        """Stage, record, publish: a crash in between is made good by `catch_up`."""
        machine = queries.machine_outcome(self._place.state, known.key)
        if known.state != "done" or machine is None:
            raise PictureProblem("it is not finished; run the same command again first")
        if machine.status not in DECIDABLE:
            raise PictureProblem(f"it is {machine.status}; there is nothing to decide")
        choices = chosen(machine, decision)
        same = (choices, known.output_digest) == (
            machine.choices,
            machine.output_digest,
        )
        made = None
        if machine.output and not (same and self._stands(known)):
            made = make(known, machine, choices, self._place)
        outcome = amended(machine, decision, made)
        try:
            self._record(known, outcome, decision, made)
            if made is not None:
                publish(
                    made.temp,
                    self._place.output / known.output,
                    ours=self._ledger.output_digests(known.key),
                    source=known.root / known.key,
                )
        finally:
            if made is not None:
                with contextlib.suppress(OSError):
                    made.temp.unlink(missing_ok=True)
        log.info("%s: %s", known.key, outcome.status)
        return outcome

    def _stands(self, known: Known) -> bool:
        """Tell whether the file that was published is still there."""
        path = self._place.output / known.output
        try:
            if Stamp.of(path.lstat()) == known.output_stamp:
                return True
            return digest_file(path) == known.output_digest
        except OSError:
            return False

    def _record(
        self, known: Known, outcome: Outcome, decision: Decision, made: Made | None
    ) -> None:
        # Giving a file its name leaves its size and date as they are.
        written = known.output_stamp if made is None else Stamp.of(made.temp.stat())
        self._ledger.done(
            known.run_id,
            outcome,
            severity=severity_of(outcome, self._place.settings.detect.min_confidence),
            written=written,
            decision=decision,
        )
