"""A baseline excuses what is known, and nothing else."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from detectors.findings import Severity
from detectors.geometry import Box
from pipeline.errors import ExitCode, OutputTrouble, UsageError
from pipeline.gate import baseline_file
from pipeline.gate.baseline import Baseline
from pipeline.gate.problems import Checked, checked
from pipeline.records import Outcome
from pipeline.settings import Settings
from tests.support.checks_made import HAND, liked, row, seen, summary, unread

TODAY, LATER, PAST = date(2026, 11, 22), date(2027, 3, 31), date(2026, 11, 21)


def weighed(*outcomes: Outcome, baseline: Baseline | None = None) -> Checked:
    return checked(summary(*outcomes), Settings(), baseline)


def known(
    *outcomes: Outcome, reason: str = "", expires: date | None = None
) -> Baseline:
    return Baseline((), TODAY).with_problems(
        weighed(*outcomes).failing, reason, expires
    )


def test_a_legacy_folder_turns_green() -> None:
    legacy = [seen("a.png", row()), unread("b.png", digest="b" * 64), seen("c.png")]

    result = weighed(*legacy, baseline=known(*legacy, reason="old set"))

    assert result.code is ExitCode.OK
    assert {one.excused for one in result.problems} == {"baseline: old set"}


def test_a_new_flaw_fails_beside_known_ones() -> None:
    legacy = seen("a.png", row())
    worse = seen("a.png", row(), row("hand/fused", Box(400, 300, 500, 400)))

    result = weighed(worse, seen("b.png", row()), baseline=known(legacy))

    assert [(one.key, one.rule.code) for one in result.failing] == [
        ("a.png", "NM103"),
        ("b.png", "NM101"),
    ]


def test_a_moved_file_is_still_known() -> None:
    before, after = seen("a.png", row()), seen("x/y.png", row(), content="a.png")

    assert weighed(after, baseline=known(before)).code is ExitCode.OK


def test_another_picture_of_the_same_name_is_not_known() -> None:
    before, after = seen("a.png", row()), seen("a.png", row(), content="new")

    assert weighed(after, baseline=known(before)).code is ExitCode.FLAWS


@pytest.mark.parametrize(
    ("shift", "code"), [(12, ExitCode.OK), (40, ExitCode.OK), (90, ExitCode.FLAWS)]
)
def test_a_place_that_shifted_a_little_is_the_same(shift: int, code: ExitCode) -> None:
    after = seen("a.png", row(box=HAND.shifted(shift, 0)))

    assert weighed(after, baseline=known(seen("a.png", row()))).code is code


def test_one_rule_does_not_excuse_another_at_the_same_place() -> None:
    after = seen("a.png", row("hand/fused"))

    assert weighed(after, baseline=known(seen("a.png", row()))).code is ExitCode.FLAWS


def test_classes_of_own_weights_are_told_apart() -> None:
    before = seen("a.png", row("segment/logo", severity=Severity.WARNING))
    after = seen("a.png", row("segment/text", severity=Severity.WARNING))

    assert weighed(after, baseline=known(before)).code is ExitCode.FLAWS


def test_one_more_copy_of_a_known_duplicate_is_new() -> None:
    copies = [liked(seen(key, content="x"), "p") for key in "abc"]

    result = weighed(*copies, baseline=known(*copies[:2]))

    assert [one.key for one in result.failing] == ["c"]


def test_a_file_that_cannot_be_read_is_known_by_its_path() -> None:
    baseline = known(unread("a.png"))

    sound = seen("c.png")
    assert weighed(unread("a.png"), sound, baseline=baseline).code is ExitCode.OK
    assert weighed(unread("b.png"), sound, baseline=baseline).code is not ExitCode.OK


def test_an_expired_entry_excuses_nothing() -> None:
    legacy = seen("a.png", row())
    written = known(legacy, expires=TODAY)

    on_the_day = weighed(legacy, baseline=Baseline(written.entries, TODAY))
    after = weighed(legacy, baseline=Baseline(written.entries, LATER))

    assert on_the_day.code is ExitCode.OK
    assert after.code is ExitCode.FLAWS
    assert Baseline(written.entries, LATER).expired() == written.entries


def test_an_update_keeps_reasons_and_learns_names_and_places() -> None:
    first = known(seen("a.png", row()), reason="agreed", expires=LATER)
    moved = seen("b.png", row(box=HAND.shifted(10, 0)), content="a.png")

    grown = first.with_problems(
        weighed(moved, seen("n.png", row("hand/fused"))).failing, "new", None
    )

    old, new = grown.entries
    assert (old.path, old.reason, old.expires) == ("b.png", "agreed", LATER)
    assert old.box == HAND.shifted(10, 0)
    assert (new.path, new.reason, new.added) == ("n.png", "new", TODAY)


def test_renewing_an_expired_entry_keeps_its_reason_unless_another_is_given() -> None:
    legacy = weighed(seen("a.png", row())).failing
    expired = Baseline(known(seen("a.png", row()), reason="agreed").entries, TODAY)
    expired = Baseline([replace(one, expires=PAST) for one in expired.entries], TODAY)

    (renewed,) = expired.with_problems(legacy, "", LATER).entries
    (reworded,) = expired.with_problems(legacy, "still", LATER).entries

    assert (renewed.reason, renewed.expires) == ("agreed", LATER)
    assert (reworded.reason, reworded.expires) == ("still", LATER)


def test_what_is_cured_matches_nothing_any_more() -> None:
    baseline = known(seen("a.png", row()), seen("b.png", row()))

    matched = baseline.matched(weighed(seen("a.png", row()), seen("b.png")).problems)

    assert [one.path for one in matched] == ["a.png"]
    left = baseline.without(set(baseline.entries) - matched)
    assert [one.path for one in left.entries] == ["a.png"]


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    file = tmp_path / "b.json"
    baseline = known(
        seen("a\udcff\x1b.png", row()), unread("b.png"), reason="ü", expires=LATER
    )

    baseline_file.write(file, baseline)

    assert baseline_file.read(file, TODAY).entries == baseline.entries


def test_a_file_is_sorted_and_changes_little_with_little(tmp_path: Path) -> None:
    one, two = tmp_path / "1.json", tmp_path / "2.json"
    pictures = [seen(f"{name}.png", row()) for name in "cab"]

    baseline_file.write(one, known(*pictures))
    baseline_file.write(two, known(*pictures, seen("b2.png", row())))

    before, after = one.read_text().splitlines(), two.read_text().splitlines()
    paths = [entry["path"] for entry in json.loads(one.read_text())["entries"]]
    assert paths == ["a.png", "b.png", "c.png"]
    assert [line for line in before if line not in after] == []
    assert '   "box": [100, 100, 200, 200],' in before


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"format": "nightmend-baseline-9", "entries": []}',
        '{"format": "nightmend-baseline-1"}',
        '{"format": "nightmend-baseline-1", "entries": [{"path": "a"}]}',
        '{"format": "nightmend-baseline-1", "entries": [], "more": 1}',
    ],
)
def test_what_is_no_baseline_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "b.json"
    file.write_text(text)

    with pytest.raises(UsageError, match=r"b\.json"):
        baseline_file.read(file, TODAY)


def test_a_box_inside_out_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "b.json"
    baseline_file.write(file, known(seen("a.png", row())))
    file.write_text(file.read_text().replace("[100, 100", "[900, 100"))

    with pytest.raises(UsageError, match="inside out"):
        baseline_file.read(file, TODAY)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nightmend baseline create"):
        baseline_file.read(tmp_path / "none.json", TODAY)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(OutputTrouble):
        baseline_file.write(tmp_path / "file" / "b.json", Baseline((), TODAY))
