"""GitHub annotations and the job summary, within the limits of both."""

import pytest

from pipeline.reports import github
from tests.support.readers import read_github, read_summary
from tests.support.weighed import (
    DIGIT,
    DOUBT,
    FACE,
    PLACES,
    a_hostile_check,
    an_ordinary_check,
    flawed,
    unreadable,
    weigh,
)
from tests.support.workflow_commands import Command, commands_in


def test_a_problem_becomes_an_annotation_on_its_picture() -> None:
    text = github.render(weigh([flawed("a, b:c.png", DIGIT)]), PLACES)

    assert commands_in(text) == [
        Command(
            "error",
            {
                "file": "pictures/a, b:c.png",
                "line": "1",
                "title": "nightmend NM101 hand/extra-digit",
            },
            "6 digits seen (confidence 0.97) at x=10 y=20, 100x200 px",
        )
    ]


@pytest.mark.parametrize(
    ("pictures", "last"),
    [(10, "6 digits seen"), (11, "and 2 more"), (50, "and 41 more")],
)
def test_ten_of_a_kind_are_shown_and_the_rest_is_counted(
    pictures: int, last: str
) -> None:
    check = weigh([flawed(f"{n:02}.png", DIGIT, FACE) for n in range(pictures)])

    seen = read_github(github.render(check, PLACES))

    for level in ("error", "warning"):
        mine = [one for one in seen if one.level == level]
        assert len(mine) == 10
        assert mine[-1].text.startswith(last)


def test_the_worst_are_among_the_ten() -> None:
    pictures = [flawed(f"{n:02}.png", DIGIT) for n in range(30)]

    seen = read_github(github.render(weigh([*pictures, unreadable("z.png")]), PLACES))

    assert seen[0].path == "pictures/z.png"


def test_notes_are_notices() -> None:
    seen = read_github(github.render(weigh([flawed("a.png", DOUBT)]), PLACES))

    assert [one.level for one in seen] == ["notice"]


def test_the_reader_obeys_what_is_not_escaped() -> None:
    obeyed = commands_in("::error::fine\n  ::add-mask::x\nso ##[add-path]/evil is too")

    assert [one.name for one in obeyed] == ["error", "add-mask", "add-path"]


def test_the_summary_stays_below_the_limit_and_says_what_is_missing() -> None:
    check = weigh([flawed(f"{n:03}" + "<" * 200, DIGIT) for n in range(200)])

    text = github.render_summary(check, PLACES, max_bytes=100_000)

    assert len(text.encode()) < 100_000
    rows = len(read_summary(text))
    assert 0 < rows < 200
    assert f"{200 - rows} more do not fit" in text


def test_the_summary_gives_the_verdict_first() -> None:
    text = github.render_summary(an_ordinary_check(), PLACES)

    assert text.startswith("### nightmend check\n\nThe check fails")
    assert "1 picture that could not be judged" in text.split("<details")[0]


def test_a_summary_without_escapes_would_be_seen() -> None:
    page = github.render_summary(a_hostile_check(), PLACES)
    row = "| error | <code>a</code> | NM101 | <img src=x onerror=alert(1)> |\n"

    with pytest.raises(Exception, match="foreign tags"):
        read_summary(
            page.replace("| --- | --- | --- | --- |\n", f"{'| --- ' * 4}|\n{row}")
        )
