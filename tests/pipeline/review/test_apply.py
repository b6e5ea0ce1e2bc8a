"""What a person decides is carried out exactly, remembered, and can be taken back."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from detectors.arrays import RgbArray
from pipeline.album import exact_of
from pipeline.ledger import queries
from pipeline.ledger.store import FILE_NAME, Ledger
from pipeline.records import Choice, Outcome, PaintRequest, Status
from pipeline.review import remembered
from pipeline.review.apply import Applied, Reviewer
from pipeline.review.forms import DecisionForm, NotAFlawForm, PickForm
from pipeline.review.publish import Place
from tests.support import runs
from tests.support.fakes import GREEN, ORANGE, RED, Result, draw
from tests.support.pictures import encoded
from tests.support.runs import (
    HAND,
    SETTINGS,
    SIZE,
    FakeTools,
    fill,
    outcomes,
    picture,
    tree,
)

NOW = "2026-01-01T00:00:00+00:00"


class Folder:
    """A repaired folder, and a person who decides about it."""

    def __init__(self, root: Path, files: dict[str, bytes]) -> None:
        self.source, self.output = fill(root / "in", files), root / "out"
        self.state = self.output / ".nightmend"
        self.tools = FakeTools(self._paint)
        runs.repair(self.source, self.output, self.tools)

    @staticmethod
    def _paint(_request: PaintRequest, number: int) -> Result:
        return ORANGE if number == 0 else GREEN

    def decide(self, _name: str = "a.png", /, **said: object) -> Applied:
        form = DecisionForm.model_validate(
            {"digest": outcomes(self.output)[_name].digest, **said}
        )
        ledger = Ledger(self.state / FILE_NAME)
        try:
            place = Place(self.output, self.state, SETTINGS)
            return Reviewer(ledger, place).apply(form, NOW)
        finally:
            ledger.close()

    def outcome(self, name: str = "a.png") -> Outcome:
        return outcomes(self.output)[name]

    def choice(self, name: str = "a.png") -> Choice:
        (choice,) = self.outcome(name).choices
        return choice

    def pixels(self, name: str = "a.png") -> RgbArray:
        return decoded((self.output / name).read_bytes())


def decoded(data: bytes) -> RgbArray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path, {"a.png": picture(1), "b.png": picture(2, GREEN)})


def other_than(folder: Folder) -> int:
    winner = folder.choice().winner
    return next(
        attempt.number
        for attempt in folder.outcome().attempts
        if attempt.number != winner and attempt.cost is not None
    )


def test_another_variation_takes_the_winners_place_to_the_last_bit(
    folder: Folder,
) -> None:
    machines, number = folder.choice(), other_than(folder)
    attempt = next(a for a in folder.outcome().attempts if a.number == number)
    layer = cv2.imread(str(folder.state / exact_of(attempt.picture)), -1)
    assert layer is not None

    done = folder.decide(picks=[{"pass_number": 1, "patch": 0, "number": number}])

    window, before = machines.window, decoded(picture(1))
    wanted = before.copy()
    touched = layer[:, :, 3] > 0
    wanted[window.rows, window.columns][touched] = layer[touched][:, 2::-1]
    assert done.problem == ""
    np.testing.assert_array_equal(folder.pixels(), wanted)
    assert (wanted != before).any()
    assert folder.choice().winner == number
    assert folder.outcome().status is Status.REPAIRED
    assert "review" in folder.choice().reason


def test_a_rejected_repair_gives_the_original_file_back(folder: Folder) -> None:
    folder.decide(verdict="reject")

    assert (folder.output / "a.png").read_bytes() == picture(1)
    assert folder.outcome().status is Status.KEPT
    assert folder.outcome().remaining == folder.outcome().findings
    assert folder.outcome().preview_after == ""


def test_a_decision_that_is_taken_back_restores_what_the_run_made(
    folder: Folder,
) -> None:
    before, choice = tree(folder.output), folder.choice()

    folder.decide(verdict="reject")
    folder.decide()

    assert tree(folder.output) == before
    assert folder.choice() == choice
    assert remembered.decisions(folder.state) == {}


@pytest.mark.parametrize(("kind", "suffix"), [("JPEG", "jpg"), ("WEBP", "webp")])
def test_formats_that_lose_something_are_rebuilt_to_the_same_bytes(
    tmp_path: Path, kind: str, suffix: str
) -> None:
    pixels = draw(SIZE, {HAND: RED})
    name = f"a.{suffix}"
    folder = Folder(tmp_path, {name: encoded(pixels, kind)})
    machine = (folder.output / name).read_bytes()
    assert folder.outcome(name).status is Status.REPAIRED

    folder.decide(name, verdict="reject")
    rejected = (folder.output / name).read_bytes()
    folder.decide(name)

    assert rejected == encoded(pixels, kind)
    assert (folder.output / name).read_bytes() == machine


def test_an_accepted_repair_stays_and_is_remembered_by_its_content(
    folder: Folder,
) -> None:
    before = tree(folder.output)

    folder.decide(verdict="accept", note="fine")

    held = remembered.decisions(folder.state)[folder.outcome().digest]
    assert tree(folder.output) == before
    assert (held.verdict, held.note, held.key) == ("accept", "fine", "a.png")
    assert held.excuses("hand/any", None)


def test_what_is_no_flaw_is_put_back_and_counts_no_more(folder: Folder) -> None:
    row = folder.outcome().findings[0]
    box = [row.box.x0, row.box.y0, row.box.x1, row.box.y1]

    folder.decide(not_flaws=[{"kind": row.kind, "box": box}])

    held = remembered.decisions(folder.state)[folder.outcome().digest]
    assert (folder.output / "a.png").read_bytes() == picture(1)
    assert folder.outcome().status is Status.CLEAN
    assert held.excuses(row.kind, HAND)
    assert not held.excuses("face/other", HAND)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"picks": [{"pass_number": 1, "patch": 0, "number": 99}]}, "is not kept"),
        ({"picks": [{"pass_number": 7, "patch": 3, "number": 0}]}, "no region 4"),
    ],
)
def test_what_cannot_be_carried_out_is_said_and_changes_nothing(
    folder: Folder, said: dict[str, object], sentence: str
) -> None:
    before, outcome = tree(folder.output), folder.outcome()

    done = folder.decide(**said)

    assert sentence in done.problem
    assert tree(folder.output) == before
    assert folder.outcome() == outcome


def test_a_changed_original_is_never_mixed_with_an_old_repair(folder: Folder) -> None:
    before = tree(folder.output)
    (folder.source / "a.png").write_bytes(picture(9))

    done = folder.decide(verdict="reject")

    assert "no longer the picture" in done.problem
    assert tree(folder.output) == before


def test_a_file_of_somebody_else_in_the_outputs_place_is_left_alone(
    folder: Folder,
) -> None:
    (folder.output / "a.png").write_bytes(b"mine")

    done = folder.decide(verdict="reject")

    assert "not written by this tool" in done.problem
    assert (folder.output / "a.png").read_bytes() == b"mine"
    assert not list(folder.output.rglob("*.part"))


def test_a_digest_that_nobody_knows_is_told(folder: Folder) -> None:
    ledger = Ledger(folder.state / FILE_NAME)
    place = Place(folder.output, folder.state, SETTINGS)

    done = Reviewer(ledger, place).apply(DecisionForm(digest="0" * 64), NOW)

    ledger.close()
    assert "no picture here" in done.problem


def test_what_was_decided_is_published_again_after_a_crash(folder: Folder) -> None:
    folder.decide(verdict="reject")
    (folder.output / "a.png").unlink()
    ledger = Ledger(folder.state / FILE_NAME)

    Reviewer(ledger, Place(folder.output, folder.state, SETTINGS)).catch_up()

    ledger.close()
    assert (folder.output / "a.png").read_bytes() == picture(1)


def test_a_file_left_from_before_a_crash_gives_way_to_what_was_decided(
    folder: Folder,
) -> None:
    machine = (folder.output / "a.png").read_bytes()
    folder.decide(verdict="reject")
    (folder.output / "a.png").write_bytes(machine)
    ledger = Ledger(folder.state / FILE_NAME)

    Reviewer(ledger, Place(folder.output, folder.state, SETTINGS)).catch_up()

    ledger.close()
    assert (folder.output / "a.png").read_bytes() == picture(1)


def test_the_machines_own_result_is_not_lost(folder: Folder) -> None:
    machine = folder.outcome()

    folder.decide(verdict="reject")

    assert queries.machine_outcome(folder.state, "a.png") == machine
    assert queries.machine_outcome(folder.state, "none.png") is None


def test_forms_describe_a_decision() -> None:
    form = DecisionForm(
        digest="a" * 64,
        picks=(PickForm(pass_number=1, patch=2),),
        not_flaws=(NotAFlawForm(kind="hand/x", box=(1, 2, 3, 4)),),
    )

    decision = form.decision("a.png", NOW)

    assert decision.picks[0].number is None
    assert decision.not_flaws[0].box.width == 2
    assert decision.settled
