"""Several runs share a folder between them, and end like one."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from pipeline.cli.folders import shards_of, workplace
from pipeline.cli.main import main
from pipeline.errors import ExitCode, Locked
from pipeline.ledger import queries
from pipeline.records import PaintRequest
from pipeline.runner import batch, lock
from pipeline.runner.contract import Order, RunResult
from pipeline.settings import Settings
from pipeline.stages.choose_files import Selection, Shard
from tests.support.fakes import GREEN, ORANGE, RED, Result
from tests.support.runs import (
    SETTINGS,
    FakeTools,
    Silent,
    fill,
    order,
    outcomes,
    picture,
    repair,
    tree,
)

Captured = pytest.CaptureFixture[str]
HOLDER = {"pid": "1", "host": "here", "started": "now"}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    colours = (RED, GREEN, ORANGE)
    return fill(
        tmp_path / "in",
        {f"{n % 3}/{n}.png": picture(n, colours[n % 3]) for n in range(12)},
    )


def shard_order(source: Path, output: Path, number: int, of: int) -> Order:
    plain = order(source, output)
    shard = Shard(number, of)
    place = workplace(output, plain.task.workplace.run_id, shard)
    return replace(
        plain,
        task=replace(plain.task, workplace=place),
        selection=Selection(shard=shard),
    )


def run_shard(
    source: Path, output: Path, number: int, of: int, tools: FakeTools | None = None
) -> RunResult:
    asked = shard_order(source, output, number, of)
    return batch.run(asked, Silent(), build_tools=tools or FakeTools())


def test_shards_that_run_at_once_end_like_one_run(
    source: Path, tmp_path: Path, capsys: Captured
) -> None:
    output = tmp_path / "out"
    threads = [
        threading.Thread(target=run_shard, args=(source, output, number, 3))
        for number in (1, 2, 3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    code = main(["merge", str(output)])

    assert code == ExitCode.OK
    repair(source, tmp_path / "whole")
    assert tree(output) == tree(tmp_path / "whole")
    apart, whole = outcomes(output), outcomes(tmp_path / "whole")
    assert {k: o.status for k, o in apart.items()} == {
        k: o.status for k, o in whole.items()
    }
    assert main(["verify", str(output)]) == ExitCode.OK
    assert "12 of 12 outputs are as recorded" in capsys.readouterr().out
    assert not list(output.rglob("*.part"))


def test_the_pictures_of_the_report_are_found_where_the_shards_keep_them(
    source: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    for number in (1, 2):
        run_shard(source, output, number, 2)

    main(["merge", str(output)])

    state = output / ".nightmend"
    assert (state / "report.html").is_file()
    kept = [
        path
        for outcome in outcomes(output).values()
        for path in (
            *(attempt.picture for attempt in outcome.attempts),
            *(choice.mask for choice in outcome.choices),
            *outcome.checkpoints,
            outcome.preview_before,
        )
        if path
    ]
    assert len(kept) > 20
    assert [path for path in kept if not (state / path).is_file()] == []


def test_merging_twice_changes_nothing(source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    for number in (1, 2):
        run_shard(source, output, number, 2)
    main(["merge", str(output)])
    state = output / ".nightmend"
    once = queries.summary(state), queries.runs(state)

    again = main(["merge", str(output)])

    assert again == ExitCode.OK
    assert (queries.summary(state), queries.runs(state)) == once


def test_a_merged_folder_is_finished_for_a_plain_run(
    source: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    for number in (1, 2):
        run_shard(source, output, number, 2)
    main(["merge", str(output)])
    tools = FakeTools()

    result = repair(source, output, tools)

    assert (result.planned, result.worked, tools.built) == (12, 0, 0)


def test_what_a_plain_run_did_later_is_not_undone_by_another_merge(
    source: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    run_shard(source, output, 1, 1)
    main(["merge", str(output)])
    fill(source, {"0/0.png": picture(99, GREEN)})
    repair(source, output)

    main(["merge", str(output)])

    assert outcomes(output)["0/0.png"].status == "clean"
    assert main(["verify", str(output)]) == ExitCode.OK


def test_a_shard_that_went_on_is_merged_once_more(
    source: Path, tmp_path: Path, capsys: Captured
) -> None:
    output = tmp_path / "out"
    run_shard(source, output, 1, 2)

    early = main(["merge", str(output)])
    said = capsys.readouterr().out
    run_shard(source, output, 2, 2)
    late = main(["merge", str(output)])

    assert (early, late) == (ExitCode.SOME_FAILED, ExitCode.OK)
    assert "not here yet: shard 2/2" in said
    assert len(outcomes(output)) == 12


def test_a_shard_that_was_ended_early_is_not_passed_off_as_finished(
    source: Path, tmp_path: Path, capsys: Captured
) -> None:
    output = tmp_path / "out"
    asked = shard_order(source, output, 1, 1)
    limits = replace(asked.limits, max_pictures=5)
    batch.run(replace(asked, limits=limits), Silent(), build_tools=FakeTools())

    code = main(["merge", str(output)])

    assert code == ExitCode.SOME_FAILED
    assert "7 pictures are not finished" in capsys.readouterr().out
    assert main(["verify", str(output)]) == ExitCode.SOME_FAILED


def test_shards_that_quarrel_over_a_picture_are_refused_by_name(
    source: Path, tmp_path: Path, capsys: Captured
) -> None:
    output = tmp_path / "out"

    def spoil(_request: PaintRequest, _number: int) -> Result:
        return RED

    run_shard(source, output, 1, 1)
    for number in (1, 2):
        run_shard(source, output, number, 2, FakeTools(spoil))

    code = main(["merge", str(output)])

    said = capsys.readouterr().err
    assert code == ExitCode.USAGE
    assert "0/0.png (shard-1-of-1 and shard-" in said
    assert "split in two ways" in said
    assert not (output / ".nightmend" / "ledger.sqlite").exists()


def test_shards_and_a_plain_run_keep_out_of_each_others_way(
    source: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    place = workplace(output, "x", Shard(1, 2))
    place.state.mkdir(parents=True)

    with lock.beside_others(place, HOLDER):
        with lock.beside_others(workplace(output, "y", Shard(2, 2)), HOLDER):
            pass
        with pytest.raises(Locked, match="process 1 on here"):
            repair(source, output)
    with lock.hold(output / ".nightmend", HOLDER), pytest.raises(Locked):
        run_shard(source, output, 1, 2)


def test_a_shard_that_recovers_leaves_the_files_of_the_others_alone(
    source: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    one, two = (shard_order(source, output, number, 2) for number in (1, 2))
    with _dying(one) as key:
        folder = (output / key).parent
        folder.mkdir(parents=True, exist_ok=True)
        theirs = folder / f".nm-{two.task.workplace.lane}0123456789abcdef.part"
        mine = folder / f".nm-{one.task.workplace.lane}0123456789abcdef.part"
        theirs.touch()
        mine.touch()

    batch.run(one, Silent(), build_tools=FakeTools())

    assert theirs.exists()
    assert not mine.exists()


@contextlib.contextmanager
def _dying(asked: Order) -> Iterator[str]:
    """Leave a picture claimed, as a run does that is killed; give its key."""

    class Killed(BaseException):
        pass

    def kill(_request: PaintRequest, _number: int) -> Result:
        raise Killed

    with pytest.raises(Killed):
        batch.run(asked, Silent(), build_tools=FakeTools(kill))
    with sqlite3.connect(asked.task.workplace.state / "ledger.sqlite") as ledger:
        (key,) = ledger.execute("SELECT key FROM pictures LIMIT 1").fetchone()
        ledger.execute("UPDATE pictures SET state = 'claimed' WHERE key = ?", (key,))
    ledger.close()
    yield key.decode()


def test_a_folder_of_shards_asks_to_be_merged_first(
    source: Path, tmp_path: Path, capsys: Captured
) -> None:
    output = tmp_path / "out"
    run_shard(source, output, 1, 2)

    assert main(["verify", str(output)]) == ExitCode.USAGE
    assert "nightmend merge" in capsys.readouterr().err
    assert list(shards_of(output / ".nightmend")) == [Shard(1, 2)]


def test_a_folder_without_shards_cannot_be_merged(
    tmp_path: Path, capsys: Captured
) -> None:
    assert main(["merge", str(tmp_path)]) == ExitCode.USAGE
    assert "holds no shards" in capsys.readouterr().err


def test_the_command_line_takes_a_shard(
    source: Path, tmp_path: Path, capsys: Captured
) -> None:
    words = ["repair", str(source), "--out", str(tmp_path / "out"), "--engine"]
    words += ["classical", "--detect", "quality", "--min-free", "1MB", "--shard"]

    for part in ("1/2", "2/2"):
        assert main([*words, part]) == ExitCode.OK
    assert main(["merge", str(tmp_path / "out")]) == ExitCode.OK
    assert len(outcomes(tmp_path / "out")) == 12


def seeded(seed: int) -> Settings:
    """Return settings with which everything is done anew, to other bytes."""
    run = SETTINGS.run.model_copy(update={"seed": seed})
    return SETTINGS.model_copy(update={"run": run})


def run_anew(source: Path, output: Path, seed: int) -> RunResult:
    asked = shard_order(source, output, 1, 2)
    asked = replace(asked, task=replace(asked.task, settings=seeded(seed)))
    return batch.run(asked, Silent(), build_tools=FakeTools())


def test_a_shard_and_the_whole_folder_replace_what_the_other_published(
    source: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    for number in (1, 2):
        run_shard(source, output, number, 2)
    main(["merge", str(output)])

    trees = [tree(output)]
    codes = []
    for seed in (1, 3):
        codes.append(repair(source, output, settings=seeded(seed)).code)
        trees.append(tree(output))
        codes.append(run_anew(source, output, seed + 1).code)
        trees.append(tree(output))

    assert ExitCode.SOME_FAILED not in codes
    assert all(one != other for one, other in pairwise(trees))
    main(["merge", str(output)])
    assert main(["verify", str(output)]) == ExitCode.OK


def test_what_no_ledger_of_the_folder_knows_is_not_replaced_by_a_shard(
    source: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    for number in (1, 2):
        run_shard(source, output, number, 2)
    main(["merge", str(output)])
    theirs = [path for path in output.glob("*/*.png") if path.is_file()]
    for path in theirs:
        path.write_bytes(b"of somebody else")

    shard = run_anew(source, output, 2)

    assert shard.code is ExitCode.SOME_FAILED
    assert {path.read_bytes() for path in theirs} == {b"of somebody else"}
