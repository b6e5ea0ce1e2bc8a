"""The next run leaves alone what a person decided, whatever else has changed."""

from pathlib import Path

import pytest

from pipeline.ledger.store import FILE_NAME, Ledger
from pipeline.records import Outcome, Status
from pipeline.review.apply import Reviewer
from pipeline.review.forms import DecisionForm
from pipeline.review.publish import Place
from pipeline.settings import ChooseSettings
from tests.support import runs
from tests.support.runs import SETTINGS, FakeTools, fill, outcomes, picture, tree

OTHER = SETTINGS.model_copy(update={"choose": ChooseSettings(min_gain=0.05)})
"""Settings under which every picture would be repaired anew."""


class Nights:
    """A folder that is repaired twice, with a decision in between."""

    def __init__(self, root: Path) -> None:
        self.source = fill(root / "in", {"a.png": picture(1), "b.png": picture(2)})
        self.output = root / "out"
        runs.repair(self.source, self.output)

    def decide(self, **said: object) -> None:
        digest = outcomes(self.output)["a.png"].digest
        state = self.output / ".nightmend"
        ledger = Ledger(state / FILE_NAME)
        form = DecisionForm.model_validate({"digest": digest, **said})
        done = Reviewer(ledger, Place(self.output, state, SETTINGS)).apply(form, "now")
        ledger.close()
        assert done.problem == ""

    def again(self) -> FakeTools:
        tools = FakeTools()
        runs.repair(self.source, self.output, tools, settings=OTHER)
        return tools

    def outcome(self, name: str = "a.png") -> Outcome:
        return outcomes(self.output)[name]


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return Nights(tmp_path)


def painted(tools: FakeTools) -> int:
    return sum(len(one.requests) for one in tools.inpainters)


@pytest.mark.parametrize("verdict", ["accept", "reject"])
def test_other_settings_do_not_undo_a_verdict(nights: Nights, verdict: str) -> None:
    nights.decide(verdict=verdict)
    before, outcome = tree(nights.output), nights.outcome()

    tools = nights.again()

    assert tree(nights.output) == before
    assert nights.outcome() == outcome
    assert painted(tools) == 1  # b.png alone is repaired anew


@pytest.mark.parametrize("verdict", ["accept", "reject"])
def test_a_renamed_picture_is_still_the_one_that_was_decided_about(
    nights: Nights, verdict: str
) -> None:
    nights.decide(verdict=verdict)
    held = (nights.output / "a.png").read_bytes()
    (nights.source / "a.png").rename(nights.source / "renamed.png")

    tools = nights.again()

    assert (nights.output / "renamed.png").read_bytes() == held
    assert "in review" in nights.outcome("renamed.png").problem
    assert painted(tools) == 1


def test_what_is_no_flaw_is_not_repaired_under_other_settings(nights: Nights) -> None:
    row = nights.outcome().findings[0]
    box = [row.box.x0, row.box.y0, row.box.x1, row.box.y1]
    nights.decide(not_flaws=[{"kind": row.kind, "box": box}])

    tools = nights.again()

    assert nights.outcome().status is Status.CLEAN
    assert (nights.output / "a.png").read_bytes() == picture(1)
    assert "no flaw in review" in nights.outcome().problem
    assert painted(tools) == 1


def test_a_decided_picture_that_was_deleted_comes_back_as_decided(
    nights: Nights,
) -> None:
    nights.decide(verdict="reject")
    (nights.output / "a.png").unlink()

    nights.again()

    assert (nights.output / "a.png").read_bytes() == picture(1)


def test_a_changed_picture_is_not_bound_by_what_was_decided(nights: Nights) -> None:
    nights.decide(verdict="reject")
    (nights.source / "a.png").write_bytes(picture(7))

    nights.again()

    assert nights.outcome().status is Status.REPAIRED
