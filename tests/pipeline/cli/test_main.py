"""The command line answers with the right sentence and the right code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline import __version__
from pipeline.cli.failures import tell
from pipeline.cli.main import COMMANDS, main
from pipeline.errors import ExitCode, Locked, ModelMissing, OutputTrouble
from tests.support.pictures import encoded
from tests.support.runs import fill, picture

Captured = pytest.CaptureFixture[str]


def test_the_overview_names_every_command(capsys: Captured) -> None:
    assert main(["--help"]) == 0

    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown for name, _, _ in COMMANDS)
    assert "Exit codes" in shown


@pytest.mark.parametrize("name", [name for name, _, _ in COMMANDS])
def test_every_command_explains_itself(name: str, capsys: Captured) -> None:
    assert main([name, "--help"]) == 0

    assert capsys.readouterr().out.startswith(f"Usage: nightmend {name}")


def test_the_version_is_told(capsys: Captured) -> None:
    assert main(["--version"]) == 0

    assert capsys.readouterr().out == f"nightmend {__version__}\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "Usage"),
        (["rpair"], "Did you mean 'repair'"),
        (["repair"], "Missing"),
        (["repair", "x"], "--out"),
        (["check", "x", "--fail-on", "worst"], "fail-on"),
        (["check", "x", "--colour"], "No such option"),
        (["check", "nowhere"], "there is no file or folder nowhere"),
        (["check", ".", "--set", "mask.grow=3"], "did you mean mask.grow_px"),
        (["check", ".", "--config", "none.toml"], "none.toml"),
        (["check", ".", "--output-format", "xml"], "one of text, jsonl"),
        (["check", ".", "--output-format", "jsonl="], "FMT=FILE"),
        (["check", ".", "--detect", "hends"], "did you mean 'hands'"),
        (["repair", ".", "--out", "."], "source and output at once"),
        (["repair", "inner", "--out", "."], "lies in the output folder"),
        (["repair", ".", "--out", "o", "--engine", "clasical"], "'classical'"),
        (["repair", ".", "--out", "o", "--strength", "2"], "plan.strength"),
        (["repair", ".", "--out", "o", "--sampler", "heun"], "inpaint.scheduler"),
        (["repair", ".", "--out", "o", "--masks", "gone"], "mask file or folder gone"),
        (["runs", "."], "there is no ledger"),
        (["verify", "."], "there is no ledger"),
        (["report", "."], "there is no ledger"),
        (["check", ".", "--log-file", "no/folder/x"], "log file"),
    ],
)
def test_wrong_usage_is_one_sentence_and_code_2(
    words: list[str],
    says: str,
    capsys: Captured,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill(tmp_path, {"a.png": picture(1), "inner/b.png": picture(2)})
    monkeypatch.chdir(tmp_path)

    assert main(words) == ExitCode.USAGE

    shown = capsys.readouterr()
    assert says in shown.err + shown.out
    assert "Traceback" not in shown.err


def test_a_folder_without_pictures_is_code_2_unless_allowed(
    tmp_path: Path, capsys: Captured
) -> None:
    (tmp_path / "empty").mkdir()
    words = [
        *("check", str(tmp_path / "empty"), "--detect", "quality"),
        *("--config", str(fill(tmp_path, {"x.toml": b""}) / "x.toml")),
    ]

    assert main(words) == ExitCode.USAGE
    assert "no PNG, JPEG or WebP picture was found" in capsys.readouterr().err
    assert main([*words, "--allow-empty"]) == ExitCode.OK


def test_a_missing_model_stops_before_the_first_picture(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    source = fill(tmp_path / "in", {"a.png": picture(1)})
    out = tmp_path / "out"
    words = ["repair", str(source), "--out", str(out), "--detect", "quality"]

    code = main([*words, "--model", "nobody/has-this-model"])

    told = capsys.readouterr().err
    assert code == ExitCode.ENVIRONMENT
    assert "models fetch" in told
    assert "--engine classical" in told
    assert not (out / "a.png").exists()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ModelMissing("x"), 5),
        (OutputTrouble("x"), 6),
        (Locked("x"), 11),
        (RuntimeError("x"), 70),
    ],
)
def test_every_error_has_its_code(error: Exception, code: int) -> None:
    assert tell(error) == code


def test_a_bug_is_code_70_with_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    try:
        raise KeyError("nobody expected this")
    except KeyError as error:
        tell(error)

    assert "Traceback" in caplog.text
    assert "nobody expected this" in caplog.text


def test_a_sentence_cannot_steer_the_terminal(capsys: Captured) -> None:
    tell(OutputTrouble("a\x1b[2Jb\nc"))

    assert capsys.readouterr().err == "nightmend: a\\u001b[2Jb\\u000ac\n"


def test_a_reader_that_has_gone_is_not_a_finding(tmp_path: Path) -> None:
    """`nightmend runs DST | head -0` must not exit 1, which means flaws."""
    reading, writing = os.pipe()
    os.close(reading)
    words = [sys.executable, "-m", "pipeline", "detectors"]
    with os.fdopen(writing, "w") as pipe:
        shown = subprocess.run(
            words, check=False, stdout=pipe, stderr=subprocess.PIPE, text=True
        )

    assert shown.returncode == ExitCode.STOPPED
    assert "Traceback" not in shown.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_were_closed_change_nothing(tmp_path: Path, closed: str) -> None:
    source = fill(tmp_path / "in", {"a.png": black()})
    program = f'"$0" -m pipeline check "$1" --detect quality --log-file "$2" {closed}'
    log = tmp_path / "log.jsonl"
    words = ["sh", "-c", program, sys.executable, str(source), str(log)]

    ended = subprocess.run(words, check=False, capture_output=True, text=True)

    assert ended.returncode == ExitCode.FLAWS, ended.stderr
    assert "Traceback" not in ended.stderr
    # Nothing but the log is in the file that was opened first.
    assert all(json.loads(line) for line in log.read_text().splitlines())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_no_room_for_what_is_printed_is_told_in_a_sentence() -> None:
    words = [sys.executable, "-m", "pipeline", "detectors"]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            words, check=False, stdout=full, stderr=subprocess.PIPE, text=True
        )

    assert ended.returncode == ExitCode.STOPPED
    assert ended.stderr == (
        "nightmend: what was to be written finds no room: No space left on device\n"
    )


def test_check_gates_on_quality_with_real_detectors(
    tmp_path: Path, capsys: Captured
) -> None:
    dark = fill(tmp_path / "in", {"dark.png": black()})
    words = ["check", str(dark), "--detect", "quality"]
    words += ["--config", str(fill(tmp_path, {"x.toml": b""}) / "x.toml")]
    file = tmp_path / "results.jsonl"

    flawed = main([*words, "--output-format", f"jsonl={file}"])
    forgiven = main([*words, "--exit-zero"])

    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert (flawed, forgiven) == (ExitCode.FLAWS, ExitCode.OK)
    assert [line["type"] for line in lines] == ["header", "picture", "summary"]
    assert lines[1]["key"] == "dark.png"
    assert lines[1]["findings"]
    assert "dark.png: error NM201 image/black" in capsys.readouterr().out
    assert sorted(p.name for p in dark.iterdir()) == ["dark.png"]


def black() -> bytes:
    return encoded(np.zeros((64, 64, 3), dtype=np.uint8), "PNG")
