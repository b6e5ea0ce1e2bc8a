"""Every flaw that can be found has a rule, a page and a picture."""

import importlib
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from workshop.rules import draw

from detectors import catalogue, kinds_docs
from detectors.arrays import RgbArray
from detectors.findings import Severity
from pipeline import rules_docs
from pipeline.errors import PictureProblem, UsageError
from pipeline.gate.rules import RULES, by_code, check_words, chosen, rule_for

TABLES = [kinds_docs.kinds_of(spec) for spec in catalogue.BUILT_IN]
KINDS = {name: kind for table in TABLES if table for name, kind in table.items()}


def test_no_code_and_no_kind_stands_for_two_rules() -> None:
    assert len({rule.code for rule in RULES}) == len(RULES)
    assert len({rule.kind for rule in RULES}) == len(RULES)
    assert [rule.code for rule in RULES] == sorted(rule.code for rule in RULES)
    assert all(re.fullmatch(r"NM[123]\d\d", rule.code) for rule in RULES)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_what_a_detector_objects_to_has_a_rule_of_the_same_weight(name: str) -> None:
    kind = KINDS[name]

    rule = rule_for(name)

    if kind.severity is not Severity.FINE:
        assert rule in RULES
        assert rule.severity is kind.severity


def test_every_rule_about_hands_faces_and_pictures_is_found_by_somebody() -> None:
    between = {"image/duplicate", "image/near-duplicate", "image/size-outlier"}
    families = {"segment/*", "anatomy/other", "image/other"}
    rules = {rule.kind for rule in RULES if rule.group != "file"}

    assert rules - between - families <= set(KINDS)


def test_every_trouble_with_a_file_has_a_rule() -> None:
    kinds = {PictureProblem.kind}
    waiting = [PictureProblem]
    while waiting:
        below = waiting.pop().__subclasses__()
        waiting += below
        kinds |= {one.kind for one in below}

    assert len(kinds) >= 8
    assert all(
        rule_for(kind).kind == kind and rule_for(kind) in RULES for kind in kinds
    )


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("segment/watermark", "NM190"),
        ("hand/webbed", "NM199"),
        ("image/banded", "NM299"),
        ("nonsense", "NM299"),
    ],
)
def test_a_kind_without_a_rule_of_its_own_gets_its_familys(
    kind: str, code: str
) -> None:
    rule = rule_for(kind)

    assert (rule.code, rule.kind) == (code, kind)


@pytest.mark.parametrize("word", ["NM101", "nm101", "NM1", "NM10", "NM", "hand/"])
def test_a_word_names_rules_by_code_or_kind(word: str) -> None:
    assert chosen(by_code("hand/extra-digit"), (word,))
    assert not chosen(by_code("NM201"), (word,)) or word == "NM"


@pytest.mark.parametrize("word", ["NM9", "NM105", "hand", "hand/extra", "all", ""])
def test_a_word_that_names_nothing_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="nightmend rule"):
        check_words([word])


def test_words_that_name_something_are_taken() -> None:
    check_words(["NM", "NM3", "NM101", "image/black", "image/", "segment/logo"])


def test_the_pages_of_the_rules_are_fresh() -> None:
    written = {
        path.name: path.read_text("utf-8") for path in rules_docs.FOLDER.iterdir()
    }

    assert written == dict(rules_docs.pages()), "run: python -m pipeline.rules_docs"


def test_every_rule_has_a_picture_and_no_picture_lacks_a_rule() -> None:
    names = {path.stem for path in draw.FOLDER.iterdir()}

    assert names == {rule.code for rule in RULES} == set(draw.PICTURES)
    assert sum(path.stat().st_size for path in draw.FOLDER.iterdir()) < 600_000


@pytest.mark.parametrize("code", ["NM101", "NM104", "NM204", "NM222", "NM302"])
def test_the_pictures_of_the_rules_are_fresh(code: str) -> None:
    kept = _read((draw.FOLDER / f"{code}.jpg").read_bytes())

    fresh = _read(draw.drawn(code))

    assert kept.shape == fresh.shape
    assert np.abs(kept.astype(np.int16) - fresh).mean() < 2.0


@pytest.mark.parametrize("code", ["NM201", "NM202", "NM203", "NM204", "NM205"])
def test_the_picture_of_a_rule_breaks_it(code: str) -> None:
    quality = importlib.import_module("detectors.quality")
    settings = importlib.import_module("pipeline.settings")
    detector = quality.build(**settings.QualitySettings().model_dump())

    found = detector.inspect(np.ascontiguousarray(draw.PICTURES[code]()))

    assert by_code(code).kind in {one.kind for one in found}


def test_the_picture_lies_where_the_command_says(tmp_path: Path) -> None:
    path = rules_docs.picture_of(by_code("NM101"))

    assert path is not None
    assert path.read_bytes()[:2] == b"\xff\xd8"


def _read(encoded: bytes) -> RgbArray:
    read = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert read is not None
    pixels: RgbArray = read.astype(np.uint8)
    return pixels
