"""nightmend review: decisions from a file or from the served page are carried out."""

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from pipeline.cli.desk import ReviewDesk
from pipeline.cli.main import main
from pipeline.records import Status
from pipeline.runner import lock
from tests.support import runs
from tests.support.fakes import GREEN
from tests.support.runs import fill, outcomes, picture


@pytest.fixture
def output(tmp_path: Path) -> Path:
    source = fill(tmp_path / "in", {"a.png": picture(1), "b.png": picture(2, GREEN)})
    runs.repair(source, tmp_path / "out")
    return tmp_path / "out"


def saved(output: Path, **said: object) -> Path:
    decision = {"digest": outcomes(output)["a.png"].digest, **said}
    path = output.parent / "review.json"
    path.write_text(
        json.dumps({"format": "nightmend-review-1", "decisions": [decision]})
    )
    return path


def test_a_saved_file_is_applied_and_listed(
    output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = saved(output, verdict="reject", note="worse")

    code = main(["review", "apply", str(file), str(output)])

    assert code == 0
    assert (output / "a.png").read_bytes() == picture(1)
    assert "a.png: kept; rejected in review" in capsys.readouterr().out
    assert main(["review", "list", str(output)]) == 0
    assert "a.png: reject; worse" in capsys.readouterr().out
    assert '"verdict":"reject"' in (output / ".nightmend/report.html").read_text()


def test_what_could_not_be_done_is_told_with_its_own_code(
    output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = saved(output, digest="f" * 64)

    assert main(["review", "apply", str(file), str(output)]) == 3
    assert "not done" in capsys.readouterr().out


def test_a_folder_without_a_run_is_named(
    tmp_path: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()

    assert main(["review", "apply", str(saved(output)), str(tmp_path / "empty")]) == 2
    assert main(["review", str(tmp_path / "empty")]) == 2
    assert "holds no run" in capsys.readouterr().err


def test_a_run_in_progress_is_not_disturbed(output: Path) -> None:
    state = output / ".nightmend"
    file = saved(output, verdict="reject")
    holder = {"pid": "1", "host": "h", "started": "now"}

    with lock.hold(state, holder):
        assert main(["review", "apply", str(file), str(output)]) == 11

    assert outcomes(output)["a.png"].status is Status.REPAIRED


def test_the_desk_answers_with_the_picture_as_it_is_now(output: Path) -> None:
    desk = ReviewDesk(output, output / ".nightmend")
    desk.redraw()

    said = desk.decide(saved(output, verdict="reject").read_bytes())

    (fresh,) = said["pictures"]
    assert said["problem"] == ""
    assert fresh["card"]["status"] == "kept"
    assert "after" not in fresh["card"]
    assert desk.file(fresh["card"]["thumb"]) is not None
    assert desk.file("pictures/../ledger.sqlite") is None
    assert desk.page().startswith(b"<!doctype html>")


def test_a_served_page_ends_with_ctrl_c(output: Path) -> None:
    command = [sys.executable, "-m", "pipeline", "review", str(output)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        address = served.stdout.readline().split()[1]
        with urllib.request.urlopen(address, timeout=30) as answer:
            page = answer.read()
        served.send_signal(signal.SIGINT)
        code = served.wait(60)

    assert address.startswith("http://127.0.0.1:")
    assert b'id="wall"' in page
    assert code == 0


def test_the_desk_says_what_is_wrong_in_a_sentence(output: Path) -> None:
    desk = ReviewDesk(output, output / ".nightmend")

    assert "is not a file of decisions" in desk.decide(b"{}")["problem"]
