"""The log goes where it should, and cannot be used against its reader."""

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import logs
from pipeline.errors import UsageError

Captured = pytest.CaptureFixture[str]
log = logging.getLogger("pipeline.somewhere")


@pytest.fixture(autouse=True)
def own_handlers_only() -> Iterator[None]:
    yield
    for name in logs.PACKAGES:
        logger = logging.getLogger(name)
        for handler in logger.handlers[:]:
            logger.removeHandler(handler)
            handler.close()
        logger.setLevel(logging.NOTSET)


@pytest.mark.parametrize(
    ("verbose", "levels"),
    [(0, ["warning"]), (1, ["warning", "info"]), (2, ["warning", "info", "debug"])],
)
def test_more_verbose_shows_more(
    verbose: int, levels: list[str], capsys: Captured
) -> None:
    logs.set_up(verbose)

    for level in ("warning", "info", "debug"):
        getattr(log, level)("seen")

    assert capsys.readouterr().err.splitlines() == [f"{name}: seen" for name in levels]


def test_names_cannot_steer_the_terminal_or_break_a_line(capsys: Captured) -> None:
    logs.set_up()

    log.warning("%s is odd", "a\x1b[2J\n\u202e.png")

    assert capsys.readouterr().err == "warning: a\\u001b[2J\\u000a\\u202e.png is odd\n"


def test_the_log_file_holds_everything_as_json_lines(tmp_path: Path) -> None:
    file = tmp_path / "night.log"
    logs.set_up(0, file)

    log.debug("%s", os.fsdecode(b"caf\xe9\n"))
    try:
        raise RuntimeError("a bug")
    except RuntimeError:
        log.exception("trouble")

    first, second = [json.loads(line) for line in file.read_text().splitlines()]
    assert (first["level"], first["message"]) == ("DEBUG", "caf\\xe9\\u000a")
    assert "RuntimeError: a bug" in second["traceback"]
    assert first["time"].endswith("+00:00")


def test_setting_up_twice_does_not_double_the_lines(capsys: Captured) -> None:
    logs.set_up()
    logs.set_up()

    log.warning("once")

    assert capsys.readouterr().err == "warning: once\n"


def test_a_log_on_a_full_disk_is_told_once_and_ends_nothing(
    tmp_path: Path, capsys: Captured
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    logs.set_up(0, Path("/dev/full"))

    for _ in range(3):
        log.debug("into the void")

    told = capsys.readouterr().err
    assert told.count("cannot be written") == 1
    assert "No space left" in told


def test_a_log_file_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be opened"):
        logs.set_up(0, tmp_path / "no" / "such" / "folder.log")


def test_fields_stand_in_the_log_file_and_are_harmless_too(tmp_path: Path) -> None:
    file = tmp_path / "night.log"
    logs.set_up(0, file)

    fields = {"event": "picture", "key": "a\n\x1b\u202e.png", "took_s": 1.5}
    log.info("seen", extra={"fields": fields})

    line = json.loads(file.read_text("ascii"))
    assert line["message"] == "seen"
    assert (line["event"], line["took_s"]) == ("picture", 1.5)
    assert line["key"] == "a\\u000a\\u001b\\u202e.png"
