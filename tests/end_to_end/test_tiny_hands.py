"""The model that comes along repairs a sample by the command as it is typed."""

import contextlib
import io
import shutil
from dataclasses import dataclass
from pathlib import Path

import cv2
import pytest

from detectors.arrays import MaskArray
from pipeline.album import exact_of
from pipeline.cli.main import main
from pipeline.errors import ExitCode
from pipeline.ledger import queries
from pipeline.ledger.store import FILE_NAME, Ledger
from pipeline.metadata import read_provenance
from pipeline.model_presets import preset_for
from pipeline.model_shipped import shipped_digest
from pipeline.records import Choice, Outcome, Status, Workplace
from pipeline.runner.contract import Task
from pipeline.runner.resume import picture_basis, run_basis
from pipeline.settings import Settings
from pipeline.stages import blend
from tests.support.network import reached, untraceable
from tests.support.photographs import ROOT
from tests.support.promises import (
    MASK_BLUR_PX,
    Repaired,
    assert_each_has_one_outcome,
    assert_never_costs_more,
    assert_same_where_nothing_was_covered,
)
from tests.support.shipped import NAME, POSE_NAME, real_model

SAMPLE = "six-fingers.png"
ENGINE = f"diffusion/{NAME}"
WORDS = (
    *("--model", NAME, "--device", "cpu", "--detect", "hands"),
    *("--variations", "2", "--passes", "1", "--min-free", "1MB"),
    *("--set", "inpaint.steps=4", "--set", "choose.retry_steps=[]"),
    *("--set", "inpaint.control=hand-pose", "--set", "inpaint.removal=model"),
    *("--set", f"inpaint.control_model={POSE_NAME}"),
)
"""Enough to go through every stage; how well it paints is measured elsewhere."""

pytestmark = pytest.mark.timeout(900)  # a busy machine is no failure


@dataclass(frozen=True)
class Run:
    """One repair of the sample."""

    repaired: Repaired
    addresses: tuple[str, ...]
    """Those that it wanted to reach, as the kernel saw it."""

    unwatched: str
    """Why the kernel could not be asked; "" where it was."""

    @property
    def outcome(self) -> Outcome:
        return self.repaired.outcomes()[SAMPLE]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    real_model()
    folder = tmp_path_factory.mktemp("tiny-hands")
    source, output = folder / "in", folder / "out"
    source.mkdir()
    shutil.copyfile(ROOT / "data" / "samples" / SAMPLE, source / SAMPLE)
    config = folder / "none.toml"
    config.touch()
    words = ["repair", str(source), "--out", str(output), *WORDS]
    words += ["--config", str(config)]
    unwatched, addresses = untraceable(folder), []
    if unwatched:
        with contextlib.redirect_stdout(io.StringIO()):
            code = main(words)
        assert code in {ExitCode.OK, ExitCode.FLAWS}
    else:
        addresses = reached(["-m", "pipeline", *words], folder / "calls.log")
    return Run(Repaired(source, output, 0, ""), tuple(addresses), unwatched)


def test_it_paints_what_was_asked_for(run: Run) -> None:
    assert_each_has_one_outcome(run.repaired, {SAMPLE})
    outcome = run.outcome
    assert {choice.working for choice in outcome.choices} == {(192, 192)}
    assert [attempt.number for attempt in outcome.attempts] == [0, 1]
    assert [attempt.problem for attempt in outcome.attempts] == ["", ""]
    notes = [note for attempt in outcome.attempts for note in attempt.notes]
    assert not any("without the ControlNet" in note for note in notes)
    assert_never_costs_more(outcome)


def test_it_reaches_nobody(run: Run) -> None:
    if run.unwatched:
        pytest.skip(run.unwatched)

    assert run.addresses == ()


def test_no_variation_touches_a_pixel_outside_its_mask(run: Run) -> None:
    outcome, state = run.outcome, run.repaired.state
    covers = {choice.patch: cover_of(choice, state) for choice in outcome.choices}

    for attempt in outcome.attempts:
        layer = cv2.imread(str(state / exact_of(attempt.picture)), cv2.IMREAD_UNCHANGED)
        assert layer is not None
        touched = layer[:, :, 3] > 0
        assert touched.any()
        assert not (touched & ~covers[attempt.patch]).any()


def cover_of(choice: Choice, state: Path) -> MaskArray:
    """Return where a variation may show: (H, W) bool, its window's size."""
    mask = cv2.imread(str(state / choice.mask), cv2.IMREAD_GRAYSCALE)
    assert mask is not None
    covered: MaskArray = blend.cover_for(mask > 127, MASK_BLUR_PX, choice.mode) > 0
    return covered


def test_the_picture_is_the_same_outside_the_mask(run: Run) -> None:
    outcome = run.outcome
    if outcome.status is Status.REPAIRED:
        assert_same_where_nothing_was_covered(run.repaired, outcome)
        return
    before = (run.repaired.source / SAMPLE).read_bytes()
    assert outcome.status is Status.KEPT
    assert (run.repaired.output / SAMPLE).read_bytes() == before


def test_the_record_names_the_model_and_depends_on_its_digests(run: Run) -> None:
    repaired, outcome = run.repaired, run.outcome
    info = queries.runs(repaired.state)[-1]
    settings = Settings.model_validate_json(info.settings_json)
    with contextlib.closing(Ledger(repaired.state / FILE_NAME)) as ledger:
        known = ledger.known()[SAMPLE]

    place = Workplace(repaired.output, repaired.state, info.run_id)
    task = Task("repair", settings, place)
    assert (info.engine, outcome.engine) == (ENGINE, ENGINE)
    assert (settings.inpaint.model, settings.inpaint.revision) == (NAME, "")
    assert len(shipped_digest(preset_for(NAME))) == 64
    assert known.basis == picture_basis(run_basis(task), task, SAMPLE)
    if outcome.status is Status.REPAIRED:
        written = read_provenance((repaired.output / SAMPLE).read_bytes())
        assert written is not None
        assert {repair.engine for repair in written.repairs} == {ENGINE}
