"""A table of repairs that was stopped goes on with the hands that it lacks."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from workshop.tiny_hands import evaluate
from workshop.tiny_hands.evaluate import AT_ONCE, Kept, measure, table
from workshop.tiny_hands.repairs import FIRST
from workshop.tiny_hands.verdicts import CONTROLS, Row, Verdict

HANDS = 2 * AT_ONCE + 1
ROW = Row("controls", None, ())


def said(number: int, row: str) -> Verdict:
    return Verdict(row, 0, FIRST + number, "fused", True, False, True, 0.0, 0)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Answer for the workers, and collect which hands they are asked about."""
    numbers: list[int] = []

    def answer(_: Row, share: Sequence[int], __: Path) -> list[Verdict]:
        numbers.extend(share)
        return [said(number, name) for number in share for name in CONTROLS]

    monkeypatch.setattr(evaluate, "verdicts_of", answer)
    return numbers


def test_what_a_stopped_table_lacks_is_measured_and_nothing_twice(
    asked: list[int], tmp_path: Path
) -> None:
    file = tmp_path / "table.json"
    stopped = Kept(file, Path("model"), 16)
    stopped.add([said(number, name) for number in (0, 3) for name in CONTROLS])
    kept = Kept(file, Path("model"), 16)

    with ThreadPoolExecutor(2) as pool:
        measure(ROW, HANDS, tmp_path, pool, kept)

    assert sorted(asked) == sorted(set(range(HANDS)) - {0, 3})
    again = Kept(file, Path("model"), 16).of(ROW)
    assert [v.seed - FIRST for v in again] == 2 * list(range(HANDS))
    assert f"| as drawn |  | {HANDS} | 1.00 | 0.00 |" in table(again)


def test_what_was_painted_is_told_with_its_standard_error() -> None:
    shares, blurs = (0.0, 0.5, 1.0), (0.2, 0.2, 0.5)
    told = [
        replace(said(number, "tiny-hands"), painted_sound=share, painted_blur=blur)
        for number, (share, blur) in enumerate(zip(shares, blurs, strict=True))
    ]

    line = table([*told, said(3, "tiny-hands")]).splitlines()[-1]

    # Of 0, 0.5 and 1 the spread is 0.5, and that of their mean 0.5 / sqrt(3).
    assert line.endswith("| 0.50 ± 0.29 | 0.30 ± 0.10 |")


def test_a_table_of_another_model_is_not_gone_on_with(tmp_path: Path) -> None:
    Kept(tmp_path / "table.json", Path("model"), 16).add([said(0, "as drawn")])

    with pytest.raises(ValueError, match="was measured with others"):
        Kept(tmp_path / "table.json", Path("other"), 16)


def test_a_table_of_other_settings_is_not_gone_on_with(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Else one line would tell of hands that were repaired in two ways."""
    Kept(tmp_path / "table.json", Path("model"), 16).add([said(0, "as drawn")])
    monkeypatch.setattr("workshop.tiny_hands.repairs.MIN_FLAW_DROP", 0.1)

    with pytest.raises(ValueError, match="was measured with others"):
        Kept(tmp_path / "table.json", Path("model"), 16)
