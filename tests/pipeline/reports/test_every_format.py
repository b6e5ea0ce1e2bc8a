"""Every format stands before a reader, with ordinary and with hostile contents."""

import re
from collections import Counter
from pathlib import Path

import pytest

from pipeline.cli.outputs import FORMATS, Surroundings
from pipeline.gate.problems import Checked
from pipeline.names import shown
from pipeline.reports import github
from tests.support.readers import READERS, Refused, read_summary
from tests.support.weighed import (
    DIGIT,
    HOSTILE,
    PLACES,
    a_hostile_check,
    an_ordinary_check,
    flawed,
    unreadable,
    weigh,
)

AROUND = Surroundings(PLACES, Path("/nowhere/state"))
EXCUSES = {"github": None, "gitlab": None, "junit": "skipped"}
"""How a format shows what is excused: not at all, by a word of its own, or so."""


def render(name: str, check: Checked | None = None) -> str:
    return FORMATS[name](check or an_ordinary_check(), AROUND)


def test_every_format_but_the_page_has_a_reader_here() -> None:
    assert set(READERS) == set(FORMATS) - {"html"}


@pytest.mark.parametrize("name", READERS)
def test_a_reader_sees_every_problem_of_an_ordinary_check(name: str) -> None:
    seen = READERS[name](render(name))

    by_path = {one.path: one for one in seen if one.level not in ("excused", "skipped")}
    assert by_path["pictures/a/hand.png"].level in {"error", "major", "failure"}
    assert "6 digits seen" in by_path["pictures/a/hand.png"].text
    assert by_path["pictures/broken.png"].level in {"error", "critical"}
    assert "it ends early" in by_path["pictures/broken.png"].text


@pytest.mark.parametrize("name", READERS)
def test_what_is_excused_is_shown_the_way_the_format_knows(name: str) -> None:
    seen = READERS[name](render(name))

    level = EXCUSES.get(name, "excused")
    face = [one for one in seen if "small face.png" in one.path]
    if level is None:
        assert face == []
    else:
        assert [one.level for one in face] == [level]
        assert name in {"sarif", "jsonl"} or "there before us" in face[0].text


@pytest.mark.parametrize("name", READERS)
def test_no_hostile_name_or_message_breaks_a_reader(name: str) -> None:
    check = a_hostile_check()

    seen = READERS[name](render(name, check))

    if name == "github":
        assert Counter(one.level for one in seen) == {"error": 10}
    else:
        wanted = len(check.counting)
        if name == "junit":
            passed = sum(one.level in ("passed", "skipped") for one in seen)
            assert len(seen) - passed == wanted
        else:
            assert sum(one.level != "excused" for one in seen) == wanted


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", READERS)
def test_each_hostile_text_alone_arrives_whole(name: str, text: str) -> None:
    file_name = f"{text.replace('/', '|')}.png"
    check = weigh([flawed(f"deep/{file_name}", DIGIT, message=text)])

    (seen,) = READERS[name](render(name, check))

    assert _spelled(file_name) in _spelled(seen.path)
    assert _spelled(text) in _spelled(seen.text)


def _spelled(text: str) -> str:
    """Return text with its escapes spelled alike, whether it was escaped or not."""
    return re.sub(r"\\+", r"\\", shown(text))


def test_the_job_summary_shows_every_problem_and_draws_no_foreign_tag() -> None:
    check = a_hostile_check()

    seen = read_summary(github.render_summary(check, PLACES))

    assert Counter(one.level == "excused" for one in seen) == {
        False: len(check.counting),
        True: len(check.excused),
    }


BROKEN = {
    "text": "::set-output name=x::y\nall is well. The check passes.\n",
    "jsonl": '{"type": "header", "schema": "nightmend-results-1"}\n',
    "junit": "<testsuites><testsuite name='a'><testcase name='\x1b'/></testsuite>",
    "sarif": '{"version": "2.1.0", "runs": [{"results": []}]}',
    "github": "::error file=a.png::fine\n::set-output name=x::y\nclosing\n",
    "gitlab": '[{"description": "x", "severity": "bad"}]',
    "csv": "path,status\na.png,clean\n",
}


@pytest.mark.parametrize("name", READERS)
def test_the_reader_refuses_what_is_broken(name: str) -> None:
    with pytest.raises(Refused):
        READERS[name](BROKEN[name])


@pytest.mark.parametrize("name", READERS)
def test_a_picture_that_nobody_could_look_at_never_vanishes(name: str) -> None:
    check = weigh([flawed("fine.png"), unreadable("bad.png")], ignore=("NM3",))

    seen = READERS[name](render(name, check))

    assert any("bad.png" in one.path for one in seen)


@pytest.mark.parametrize("name", sorted(set(READERS) - {"csv"}))
def test_a_check_that_looked_at_nothing_is_not_green_in_any_format(name: str) -> None:
    text = render(name, weigh([]))

    READERS[name](text)
    assert "no picture was looked at" in text


@pytest.mark.parametrize("name", sorted(set(READERS) - {"csv"}))
def test_a_check_that_was_ended_early_says_so(name: str) -> None:
    text = render(name, weigh([flawed("a.png")], ended_by="signal"))

    assert "ended early" in text or '"ended_by": "signal"' in text


@pytest.mark.parametrize("name", READERS)
def test_the_same_check_is_written_the_same_twice(name: str) -> None:
    assert render(name) == render(name)
