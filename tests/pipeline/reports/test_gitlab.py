"""GitLab's code quality report, by what GitLab documents."""

import json

import pytest

from pipeline.reports import gitlab
from tests.support.readers import Refused, read_gitlab
from tests.support.weighed import (
    DIGIT,
    DOUBT,
    FACE,
    PLACES,
    an_ordinary_check,
    flawed,
    unreadable,
    weigh,
)


def test_severities_are_those_of_gitlab_the_worst_first() -> None:
    check = weigh([flawed("a.png", DOUBT, FACE, DIGIT), unreadable("b.png")])

    seen = read_gitlab(gitlab.render(check, PLACES))

    assert [one.level for one in seen] == ["critical", "major", "minor", "info"]


def test_two_files_with_the_same_content_have_fingerprints_of_their_own() -> None:
    first = flawed("a.png", DIGIT)
    twin = flawed("b.png", DIGIT)
    object.__setattr__(twin, "digest", first.digest)

    seen = read_gitlab(gitlab.render(weigh([first, twin]), PLACES))

    assert [one.path for one in seen] == ["pictures/a.png", "pictures/b.png"]


def test_a_clean_check_is_an_empty_list() -> None:
    assert json.loads(gitlab.render(weigh([flawed("a.png")]), PLACES)) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("severity", "bad"),
        ("fingerprint", ""),
        ("location", {"path": "a.png"}),
        ("location", {"path": "./a.png", "lines": {"begin": 1}}),
        ("location", {"path": "a.png", "lines": {"begin": 0}}),
        ("description", None),
    ],
)
def test_the_reader_sees_when_something_is_wrong(field: str, value: object) -> None:
    issues = json.loads(gitlab.render(an_ordinary_check(), PLACES))
    read_gitlab(json.dumps(issues))
    issues[0][field] = value

    with pytest.raises(Refused):
        read_gitlab(json.dumps(issues))
