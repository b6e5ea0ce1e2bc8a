"""One run holds a folder; the next one hears who."""

from pathlib import Path

import pytest

from pipeline.errors import ExitCode, Locked, OutputTrouble
from pipeline.runner import lock
from pipeline.runner.lock import hold

WHO = {"pid": "17", "host": "night", "started": "2026-01-02T03:04:05+00:00"}


def test_the_second_hears_who_holds_the_folder(tmp_path: Path) -> None:
    with (
        hold(tmp_path, WHO),
        pytest.raises(Locked, match="process 17 on night, started 2026") as caught,
        hold(tmp_path, WHO),
    ):
        pass

    assert caught.value.exit_code is ExitCode.LOCKED


def test_the_folder_is_free_again_afterwards(tmp_path: Path) -> None:
    with hold(tmp_path, WHO):
        pass
    with hold(tmp_path, WHO):
        pass


def test_a_holder_that_has_not_said_its_name_is_waited_for_and_named_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "PATIENCE_S", 0.05)

    with hold(tmp_path, WHO):
        (tmp_path / lock.FILE_NAME).write_text("")
        with pytest.raises(Locked, match="has not said its name"), hold(tmp_path, WHO):
            pass


def test_a_hostile_lock_file_cannot_steer_the_terminal(tmp_path: Path) -> None:
    with (
        hold(tmp_path, WHO | {"host": "\x1b[2J"}),
        pytest.raises(Locked) as caught,
        hold(tmp_path, WHO),
    ):
        pass

    assert "\x1b" not in str(caught.value)


def test_a_lock_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / lock.FILE_NAME).mkdir()

    with (
        pytest.raises(OutputTrouble, match="cannot be locked") as caught,
        hold(tmp_path, WHO),
    ):
        pass

    assert caught.value.exit_code is ExitCode.STOPPED


def test_what_goes_wrong_while_the_folder_is_held_is_not_the_locks_trouble(
    tmp_path: Path,
) -> None:
    with pytest.raises(OSError, match="something else"), hold(tmp_path, WHO):
        raise OSError("something else")
