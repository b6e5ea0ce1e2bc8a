"""What was given up because workers died over it is tried again when that is asked."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.cli.main import main
from pipeline.errors import ExitCode
from pipeline.files import digest_file
from pipeline.records import Outcome, Status
from pipeline.runner import batch
from pipeline.runner.contract import RunResult
from pipeline.settings import Settings
from tests.support.poison import PoisonTools, poisoned, workers
from tests.support.runs import SETTINGS, Silent, fill, order, outcomes, picture

GIVES_UP = workers(count=1, attempts=1)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    files = {"a.png": poisoned(1, "leave"), "b.png": picture(2)}
    return fill(tmp_path / "in", files)


def run(
    source: Path,
    output: Path,
    tools: PoisonTools,
    settings: Settings,
    *,
    retry: bool = False,
) -> RunResult:
    asked = replace(order(source, output, settings=settings), retry_quarantined=retry)
    return batch.run(asked, Silent(), build_tools=tools)


def given_up(output: Path) -> Outcome:
    return outcomes(output)["a.png"]


def test_only_what_was_given_up_is_tried_again(source: Path, tmp_path: Path) -> None:
    output, once = tmp_path / "out", tmp_path / "once"
    once.mkdir()
    tools = PoisonTools(once=once)
    run(source, output, tools, GIVES_UP)
    before = given_up(output)

    again = run(source, output, tools, GIVES_UP, retry=True)

    assert before.status is Status.QUARANTINED
    assert "--retry-quarantined" in before.problem
    assert (again.worked, again.code) == (1, ExitCode.OK)
    assert given_up(output).status is Status.REPAIRED


def test_what_kills_once_more_is_given_up_once_more(
    source: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    run(source, output, PoisonTools(), GIVES_UP)

    again = run(source, output, PoisonTools(), GIVES_UP, retry=True)

    assert (again.worked, again.code) == (1, ExitCode.SOME_FAILED)
    assert given_up(output).status is Status.QUARANTINED


def test_this_process_never_works_on_what_killed_others(
    source: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    run(source, output, PoisonTools(), GIVES_UP)

    # Other settings make it due again as well, and by themselves it is `serial`.
    other = SETTINGS.run.model_copy(update={"seed": 7})
    alone = SETTINGS.model_copy(update={"run": other})
    again = run(source, output, PoisonTools(), alone)

    assert again.code is ExitCode.SOME_FAILED
    assert given_up(output).status is Status.QUARANTINED
    assert outcomes(output)["b.png"].status is Status.REPAIRED


def test_what_was_given_up_is_known_by_its_content(
    source: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"

    run(source, output, PoisonTools(), GIVES_UP)

    assert given_up(output).digest == digest_file(source / "a.png")


@pytest.mark.parametrize("command", ["repair", "check"])
def test_both_commands_take_the_option(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = fill(tmp_path / "in", {"b.png": picture(2)})
    words = [command, str(source), "--detect", "quality", "--retry-quarantined"]
    if command == "repair":
        words += ["--out", str(tmp_path / "out"), "--engine", "classical"]
        words += ["--min-free", "1MB"]

    assert main(words) in (ExitCode.OK, ExitCode.FLAWS), capsys.readouterr().err
