"""What answers the report page while `nightmend review` serves it."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.errors import NightmendError, PictureProblem
from pipeline.ledger import queries
from pipeline.ledger.store import FILE_NAME, Ledger
from pipeline.names import shown
from pipeline.reading import read_regular
from pipeline.records import Outcome
from pipeline.reports import html, page_data
from pipeline.reports.pictures import Pictures
from pipeline.reports.redo import Redo
from pipeline.review import forms, remembered
from pipeline.review.apply import Reviewer
from pipeline.review.forms import DecisionForm
from pipeline.review.publish import Place
from pipeline.runner import lock
from pipeline.settings import Settings

MAX_FILE = 64 * 2**20
"""No kept picture is larger."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of several decisions."""

    outcomes: tuple[Outcome, ...]
    problems: tuple[str, ...]


class ReviewDesk:
    """Shows the pictures of one state folder, and carries out decisions there."""

    def __init__(self, folder: Path, state: Path) -> None:
        """Read the newest run.

        Args:
            folder: What the person named.
            state: Its state folder.

        Raises:
            UsageError: there is no ledger.
            LedgerTrouble: it cannot be read.
        """
        with contextlib.closing(Ledger(state / FILE_NAME)):
            pass  # Brings the tables up to date.
        info = queries.summary(state).info
        output = Path(info.output) if state == folder else state.parent
        try:
            settings = Settings.model_validate_json(info.settings_json)
        except ValidationError:
            settings = Settings()  # The run is of another version.
        self._place = Place(output, state, settings)
        self._state = state

    def redraw(self) -> Path:
        """Draw the report page anew, and return its path."""
        return html.write(queries.summary(self._state), self._state)

    def apply(self, wanted: tuple[DecisionForm, ...]) -> Result:
        """Carry out decisions, holding the folder against any run.

        Raises:
            Locked: a run holds the folder.
            OutputTrouble, LedgerTrouble: nothing more can be written.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._reviewer() as reviewer:
            done = [reviewer.apply(form, now) for form in wanted]
        outcomes = tuple(outcome for one in done for outcome in one.outcomes)
        return Result(outcomes, tuple(one.problem for one in done if one.problem))

    def page(self) -> bytes:
        return (self._state / "report.html").read_bytes()

    def file(self, name: str) -> bytes | None:
        try:
            return read_regular(self._state, name, MAX_FILE)
        except PictureProblem:
            return None

    def decide(self, body: bytes) -> dict[str, Any]:
        """Carry out what the page sent, and return what to show now."""
        try:
            result = self.apply(forms.parse(body, "what the page sent").decisions)
        except (NightmendError, OSError) as error:
            return {"problem": page_data.text(str(error))}
        return {
            "problem": page_data.text("; ".join(result.problems)),
            "told": "Written down: "
            + "; ".join(f"it is {one.status.value} now" for one in result.outcomes[:1]),
            "pictures": [self._fresh(outcome) for outcome in result.outcomes],
        }

    def _fresh(self, outcome: Outcome) -> dict[str, Any]:
        pictures = Pictures(self._state, embed_bytes=0)
        info = queries.summary(self._state).info
        redo = Redo(info, queries.roots(self._state)).command(outcome)
        held = remembered.decisions(self._state).get(outcome.digest)
        return {
            "card": page_data.card(outcome, pictures.link, held),
            "details": page_data.details(outcome, pictures.link, redo),
        }

    @contextlib.contextmanager
    def _reviewer(self) -> Iterator[Reviewer]:
        with (
            lock.hold(self._state, lock.this_process(datetime.now(UTC))),
            contextlib.closing(Ledger(self._state / FILE_NAME)) as ledger,
        ):
            yield Reviewer(ledger, self._place)


def line_for(outcome: Outcome) -> str:
    """Say on one line what came of a decision."""
    return f"{shown(outcome.key)}: {outcome.status.value}; {shown(outcome.problem)}"
