"""The commands as a person types them, with the real engine that needs no model."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from detectors.geometry import Box
from pipeline.cli.main import main
from pipeline.errors import ExitCode
from pipeline.ledger import queries
from pipeline.records import Status
from tests.support.checks import assert_changed_inside, assert_same_outside, decoded
from tests.support.pictures import draw_scene, encoded, with_blot
from tests.support.runs import fill, outcomes, tree

Captured = pytest.CaptureFixture[str]
BLOT = Box(60, 40, 90, 70)
MASK = np.zeros((120, 160), dtype=np.uint8)
MASK[BLOT.grown(2).rows, BLOT.grown(2).columns] = 255


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one picture to mend by a mask, and one that is fine."""
    scene = draw_scene(160, 120)
    fill(
        tmp_path,
        {
            "in/a/blot.png": encoded(with_blot(scene, BLOT), "PNG"),
            "in/fine.png": encoded(draw_scene(160, 120, seed=3), "PNG"),
            "masks/a/blot.png": encoded(MASK, "PNG"),
            "nightmend.toml": b"[detect]\ndetectors = ['quality']\n",
        },
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


REPAIR = [*("repair", "in", "--out", "out", "--engine", "classical")]
REPAIR += [*("--masks", "masks", "--set", "run.min_free_mib=0")]


def test_a_masked_blot_is_painted_over_and_nothing_else_changes(
    place: Path, capsys: Captured
) -> None:
    code = main([*REPAIR, "--variations", "2", "--passes", "1"])

    shown = capsys.readouterr().out
    before = decoded((place / "in/a/blot.png").read_bytes())
    after = decoded((place / "out/a/blot.png").read_bytes())
    outcome = outcomes(place / "out")["a/blot.png"]
    assert outcome.status is Status.REPAIRED
    assert len(outcome.attempts) == 2
    touched = np.zeros(MASK.shape, dtype=np.bool_)
    window = BLOT.grown(40)
    touched[window.rows, window.columns] = True
    assert_same_outside(touched, before, after)
    assert_changed_inside(MASK > 0, before, after)
    assert code == ExitCode.OK
    assert "pictures: out" in shown
    assert (place / "out/.nightmend/report.html").read_text().startswith("<!doctype")
    assert tree(place / "out")["fine.png"] == tree(place / "in")["fine.png"]


def test_the_same_command_again_does_nothing(place: Path, capsys: Captured) -> None:
    main(REPAIR)
    before = tree(place / "out")
    page = place / "out/.nightmend/report.html"
    page_before = page.stat().st_mtime_ns

    assert main(REPAIR) == ExitCode.OK

    assert tree(place / "out") == before
    assert page.stat().st_mtime_ns == page_before


def test_a_new_mask_mends_that_picture_again(place: Path) -> None:
    main(REPAIR)
    fill(place, {"masks/fine.png": encoded(MASK, "PNG")})
    main(REPAIR)

    assert outcomes(place / "out")["fine.png"].choices != ()


def test_verify_proves_a_folder_and_finds_what_was_tampered_with(
    place: Path, capsys: Captured
) -> None:
    main(REPAIR)
    sound = main(["verify", "out"])
    said = capsys.readouterr().out
    (place / "out/fine.png").unlink()
    flipped = bytearray((place / "out/a/blot.png").read_bytes())
    flipped[len(flipped) // 2] ^= 1
    (place / "out/a/blot.png").write_bytes(flipped)

    tampered = main(["verify", "out"])

    assert (sound, tampered) == (ExitCode.OK, ExitCode.SOME_FAILED)
    assert "2 of 2 outputs are as recorded" in said
    shown = capsys.readouterr().out
    assert "fine.png: missing" in shown
    assert "blot.png: not what was published" in shown
    assert "0 of 2 outputs" in shown


def test_verify_names_what_is_not_finished(place: Path, capsys: Captured) -> None:
    limited = main([*REPAIR, "--max-pictures", "1"])

    assert limited == ExitCode.LIMIT
    assert main(["verify", "out"]) == ExitCode.SOME_FAILED
    assert "1 pictures are not finished" in capsys.readouterr().out


def test_runs_are_listed_and_shown(place: Path, capsys: Captured) -> None:
    main([*REPAIR, "--max-pictures", "1"])
    main(REPAIR)
    capsys.readouterr()

    assert main(["runs", "out"]) == ExitCode.OK
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("limit: --max-pictures 1 is reached")
    assert second.endswith("done")
    assert main(["runs", "out", first.split()[0]]) == ExitCode.OK
    assert "a/blot.png: repaired" in capsys.readouterr().out
    assert main(["runs", "out", "nonsense"]) == ExitCode.USAGE


def test_reports_are_drawn_again_from_the_ledger(place: Path, capsys: Captured) -> None:
    main(REPAIR)
    page = place / "out/.nightmend/report.html"
    before = page.read_text()
    page.unlink()
    capsys.readouterr()

    assert main(["report", "out"]) == ExitCode.OK
    assert page.read_text() == before
    assert main(["report", "out", "--output-format", "jsonl"]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert json.loads(lines[-1])["statuses"] == {"clean": 1, "repaired": 1}


def test_results_go_where_they_are_asked_to(place: Path, capsys: Captured) -> None:
    words = [*REPAIR, "--output-format", "jsonl", "--output-format", "text=log.txt"]

    main(words)

    shown = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["type"] for line in shown] == [
        "header",
        "picture",
        "picture",
        "summary",
    ]
    assert (place / "log.txt").read_text().startswith("a/blot.png: repaired")


def test_check_with_a_state_folder_looks_at_changed_pictures_only(
    place: Path, capsys: Captured
) -> None:
    words = ["check", "in", "--state", "kept", "--no-cache", "-v"]
    main(words)
    first = capsys.readouterr()
    (place / "in/fine.png").write_bytes((place / "in/a/blot.png").read_bytes())
    main(words)
    second = capsys.readouterr()

    assert first.err.count("info: ") == 2
    assert second.err.count("info: ") == 1
    assert "of 2 pictures" in first.out
    assert "of 2 pictures" in second.out


def test_a_log_file_holds_a_line_for_every_picture(place: Path) -> None:
    main([*REPAIR, "--log-file", "night.log"])

    lines = [json.loads(x) for x in (place / "night.log").read_text().splitlines()]
    told = [line["message"] for line in lines if line["level"] == "INFO"]
    assert [message.split(" in ")[0] for message in told] == [
        "a/blot.png: repaired",
        "fine.png: clean",
    ]
    events = [line["event"] for line in lines if "event" in line]
    assert events == ["run-began", "picture", "picture", "run-ended"]
    assert lines[-1]["worked"] == 2


@pytest.mark.parametrize("command", ["repair", "check"])
def test_no_file_that_a_run_leaves_holds_the_addresses_that_are_told(
    place: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["repair", "in", "--out", "kept", "--engine", "classical"]
    if command == "check":
        words = ["check", "in", "--state", "kept", "--no-cache"]
    words += ["--set", "night.notify=['http://127.0.0.1:9/T0KEN']", "-vv"]
    words += ["--set", "night.notify_timeout_s=1", "--log-file", "kept.log"]
    monkeypatch.setattr(sys, "argv", ["nightmend", *words])

    main(words)

    left = [path for path in place.rglob("*") if path.is_file()]
    assert any(path.name == "ledger.sqlite" for path in left)
    assert [path.name for path in left if b"T0KEN" in path.read_bytes()] == []


def test_prompts_and_seeds_reach_the_ledger(place: Path) -> None:
    main([*REPAIR, "--prompt", "a calm sea", "--seed", "7"])
    settings = json.loads(queries.runs(place / "out/.nightmend")[-1].settings_json)

    assert settings["prompt"]["prompt"] == "a calm sea"
    assert settings["run"]["seed"] == 7
    assert settings["detect"]["detectors"] == ["quality"]


def test_doctor_and_detectors_say_what_is_here(place: Path, capsys: Captured) -> None:
    assert main(["detectors"]) == ExitCode.OK
    assert "quality" in capsys.readouterr().out
    code = main(["doctor", "--set", "inpaint.engine=classical"])

    shown = capsys.readouterr().out
    assert code == ExitCode.OK
    assert "hand_landmarker: ok" in shown
    assert "quality (in use): ready" in shown
    assert "inpaint.engine = 'classical'   <- --set" in shown
    assert f"detect.detectors = ['quality']   <- file {place}" in shown
