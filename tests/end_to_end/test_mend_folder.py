"""A folder goes in, a mirrored folder comes out, and every picture has its outcome."""

import os
from pathlib import Path

import pytest

from pipeline.errors import ExitCode, PictureChanged
from pipeline.ledger import queries
from pipeline.records import Found, ImageRef, Status
from pipeline.runner import batch
from pipeline.settings import LoadSettings, RunSettings, Settings
from pipeline.stages.load import identify
from tests.support.fakes import GREEN
from tests.support.runs import (
    FakeTools,
    Silent,
    fill,
    mixed,
    order,
    outcomes,
    picture,
    repair,
    tree,
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return mixed(tmp_path / "in")


def test_every_picture_found_has_exactly_one_outcome(
    source: Path, tmp_path: Path
) -> None:
    result = repair(source, tmp_path / "out")

    ended = {key: outcome.status for key, outcome in outcomes(tmp_path / "out").items()}
    assert ended == {
        "clean.png": Status.CLEAN,
        "deep/er/repaired.png": Status.REPAIRED,
        "kept.png": Status.KEPT,
        "torn.png": Status.UNREADABLE,
    }
    assert result.code is ExitCode.SOME_FAILED
    assert (result.planned, result.worked) == (4, 4)
    assert queries.states(tmp_path / "out" / ".nightmend") == {"done": 4}


def test_the_output_mirrors_the_tree_and_changes_repaired_pictures_only(
    source: Path, tmp_path: Path
) -> None:
    repair(source, tmp_path / "out")

    before, after = tree(source), tree(tmp_path / "out")
    assert set(after) == {"clean.png", "deep/er/repaired.png", "kept.png"}
    assert after["clean.png"] == before["clean.png"]
    assert after["kept.png"] == before["kept.png"]
    assert after["deep/er/repaired.png"] != before["deep/er/repaired.png"]


def test_inputs_are_never_changed(source: Path, tmp_path: Path) -> None:
    before = tree(source)
    stamps = {p: p.stat().st_mtime_ns for p in source.rglob("*") if p.is_file()}

    repair(source, tmp_path / "out")

    assert tree(source) == before
    assert {p: p.stat().st_mtime_ns for p in stamps} == stamps


def test_a_bad_picture_in_the_middle_does_not_end_the_run(tmp_path: Path) -> None:
    files = {f"{n}.png": picture(n) for n in range(5)}
    files["2.png"] = b"\x89PNG\r\n\x1a\nrubbish"

    repair(fill(tmp_path / "in", files), tmp_path / "out")

    ended = [outcome.status for outcome in outcomes(tmp_path / "out").values()]
    assert ended.count(Status.REPAIRED) == 4
    assert ended.count(Status.UNREADABLE) == 1


def test_an_exception_nobody_expected_costs_one_picture(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = fill(tmp_path / "in", {f"{n}.png": picture(n) for n in range(3)})
    calls = iter(range(100))

    def explode_once(request: object, number: int) -> tuple[int, int, int]:
        if next(calls) == 0:
            raise RuntimeError("somebody's bug")
        return GREEN

    result = repair(source, tmp_path / "out", FakeTools(explode_once))

    ended = outcomes(tmp_path / "out")
    assert [ended[key].status for key in sorted(ended)] == [
        Status.FAILED,
        Status.REPAIRED,
        Status.REPAIRED,
    ]
    assert "somebody's bug" in ended["0.png"].problem
    assert "Traceback" in caplog.text
    assert result.code is ExitCode.SOME_FAILED


def test_a_bug_that_hits_every_picture_shows_its_traceback_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = fill(tmp_path / "in", {f"{n}.png": picture(n) for n in range(3)})

    def explode(request: object, number: int) -> tuple[int, int, int]:
        raise RuntimeError("somebody's bug")

    repair(source, tmp_path / "out", FakeTools(explode))

    assert caplog.text.count("Traceback") == 1
    assert all(f"{n}.png: RuntimeError: somebody's bug" in caplog.text for n in "012")


def test_models_are_built_once_and_given_back(source: Path, tmp_path: Path) -> None:
    tools = FakeTools()

    repair(source, tmp_path / "out", tools)

    assert tools.built == 1
    assert tools.inpainters[0].closed == 1


def test_an_output_folder_inside_the_source_is_not_searched(tmp_path: Path) -> None:
    source = fill(tmp_path, {"a.png": picture(1)})

    repair(source, source / "mended")
    again = Silent()
    repair(source, source / "mended", observer=again)

    assert set(outcomes(source / "mended")) == {"a.png"}
    assert (again.planned, again.finished_before) == (1, 1)


def test_links_and_twice_used_names_are_named(tmp_path: Path) -> None:
    first = fill(tmp_path / "first", {"a.png": picture(1)})
    second = fill(tmp_path / "second", {"a.png": picture(2)})
    (first / "link.png").symlink_to(second / "a.png")
    asked = order(first, tmp_path / "out")
    both = type(asked)(asked.task, (first, second))

    result = batch.run(both, Silent(), build_tools=FakeTools())

    ended = outcomes(tmp_path / "out")
    assert ended["a.png"].status is Status.REPAIRED
    assert ended[str(first / "link.png")].status is Status.SKIPPED
    assert "link" in ended[str(first / "link.png")].problem
    assert ended[str(second / "a.png")].status is Status.FAILED
    assert result.code is ExitCode.SOME_FAILED


def test_names_that_are_not_utf8_are_mirrored_byte_for_byte(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    name = os.fsdecode(b"caf\xe9 \n.png")
    (source / name).write_bytes(picture(1))

    repair(source, tmp_path / "out")

    assert (tmp_path / "out" / name).is_file()
    assert outcomes(tmp_path / "out")[name].status is Status.REPAIRED


def test_a_file_of_somebody_else_in_the_output_is_never_replaced(
    tmp_path: Path,
) -> None:
    source = fill(tmp_path / "in", {"a.png": picture(1), "b.png": picture(2)})
    fill(tmp_path / "out", {"a.png": b"precious"})

    result = repair(source, tmp_path / "out")

    assert (tmp_path / "out" / "a.png").read_bytes() == b"precious"
    ended = outcomes(tmp_path / "out")
    assert ended["a.png"].status is Status.FAILED
    assert ended["b.png"].status is Status.REPAIRED
    assert result.code is ExitCode.SOME_FAILED
    assert not list((tmp_path / "out").rglob("*.part"))


def test_the_result_of_another_source_is_never_replaced(tmp_path: Path) -> None:
    first = fill(tmp_path / "first", {"a.png": picture(1)})
    second = fill(tmp_path / "second", {"a.png": picture(2)})
    repair(first, tmp_path / "out")
    before = tree(tmp_path / "out")

    repair(second, tmp_path / "out")

    assert tree(tmp_path / "out") == before
    assert "holds the result of" in outcomes(tmp_path / "out")["a.png"].problem


def test_a_young_file_is_left_for_the_next_run(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", {"old.png": picture(1), "new.png": picture(2)})
    os.utime(source / "old.png", (1, 1))
    settling = Settings(run=RunSettings(min_free_mib=0, settle_s=600))

    first = repair(source, tmp_path / "out", settings=settling)
    ended = outcomes(tmp_path / "out")
    os.utime(source / "new.png", (1, 1))
    repair(source, tmp_path / "out", settings=settling)

    assert first.planned == 1
    assert ended["new.png"].status is Status.SKIPPED
    assert "left for the next run" in ended["new.png"].problem
    assert outcomes(tmp_path / "out")["new.png"].status is Status.REPAIRED


def test_a_file_that_keeps_changing_is_skipped_and_the_rest_is_done(
    tmp_path: Path,
) -> None:
    source = fill(tmp_path / "in", {"a.png": picture(1), "b.png": picture(2)})
    count = iter(range(10, 100))

    def mutate(request: object, number: int) -> tuple[int, int, int]:
        (source / "a.png").write_bytes(picture(next(count)))
        return GREEN

    tools = FakeTools(mutate)
    repair(source, tmp_path / "out", tools)

    ended = outcomes(tmp_path / "out")
    assert ended["a.png"].status is Status.SKIPPED
    assert "changed" in ended["a.png"].problem
    assert not (tmp_path / "out" / "a.png").exists()
    assert not list((tmp_path / "out").rglob("*.part"))
    assert ended["b.png"].status is Status.REPAIRED


@pytest.mark.parametrize(("times", "status"), [(1, "repaired"), (2, "skipped")])
def test_a_file_that_changes_while_it_is_read_is_read_once_more(
    times: int, status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = fill(tmp_path / "in", {"a.png": picture(1), "b.png": picture(2)})
    changes = [f"change {n}" for n in range(times)]

    def hindered(found: Found, settings: LoadSettings) -> tuple[ImageRef, bytes]:
        if found.key == "a.png" and changes:
            raise PictureChanged(changes.pop())
        return identify(found, settings)

    monkeypatch.setattr("pipeline.runner.worker.identify", hindered)

    repair(source, tmp_path / "out")

    ended = outcomes(tmp_path / "out")
    assert ended["a.png"].status.value == status
    assert ended["b.png"].status is Status.REPAIRED


def test_a_file_that_changes_once_is_done_again_from_what_it_is_now(
    tmp_path: Path,
) -> None:
    source = fill(tmp_path / "in", {"a.png": picture(1)})
    changed: list[int] = []

    def mutate_once(request: object, number: int) -> tuple[int, int, int]:
        if not changed:
            changed.append(1)
            (source / "a.png").write_bytes(picture(2))
        return GREEN

    repair(source, tmp_path / "out", FakeTools(mutate_once))
    still = fill(tmp_path / "still", {"a.png": picture(2)})
    repair(still, tmp_path / "expected")

    assert outcomes(tmp_path / "out")["a.png"].status is Status.REPAIRED
    assert tree(tmp_path / "out") == tree(tmp_path / "expected")


def test_check_looks_and_writes_nothing_beside_its_ledger(
    source: Path, tmp_path: Path
) -> None:
    before = tree(tmp_path)
    asked = order(source, tmp_path / "state", command="check")
    tools = FakeTools()
    result = batch.run(asked, Silent(), build_tools=tools)

    ended = {k: o.status for k, o in outcomes(tmp_path / "state").items()}
    assert ended == {
        "clean.png": Status.CLEAN,
        "deep/er/repaired.png": Status.FLAWED,
        "kept.png": Status.FLAWED,
        "torn.png": Status.UNREADABLE,
    }
    assert tree(tmp_path) == before
    assert tools.inpainters == []
    assert result.code is ExitCode.SOME_FAILED
