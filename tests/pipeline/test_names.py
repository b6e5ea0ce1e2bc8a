from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.names import harmless, shown


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain name.png", "plain name.png"),
        ("Größe 写真.png", "Größe 写真.png"),
        ("two\nlines.png", "two\\u000alines.png"),
        ("\x1b[2Jcleared", "\\u001b[2Jcleared"),
        ("safe\u202egnp.exe", "safe\\u202egnp.exe"),
        ("back\\slash", "back\\\\slash"),
        ("##[add-path]/evil.png", "#\\u0023[add-path]/evil.png"),
        ("##vso[task.complete]", "#\\u0023vso[task.complete]"),
        ("## no command", "## no command"),
        ("a plain space", "a plain space"),
        ("3.05\u202fPM\u3000\u00a0", "3.05\\u202fPM\\u3000\\u00a0"),
        (b"\xff\xfe.png".decode("utf-8", "surrogateescape"), "\\xff\\xfe.png"),
    ],
)
def test_names_are_shown_on_one_harmless_line(name: str, expected: Any) -> None:
    assert shown(name) == expected


@given(st.text(), st.text())
def test_two_names_never_look_the_same(one: str, other: str) -> None:
    assert (shown(one) == shown(other)) == (one == other)


@given(st.binary())
def test_what_is_shown_fits_any_encoding_and_has_no_control_characters(
    raw: bytes,
) -> None:
    text = shown(raw.decode("utf-8", "surrogateescape"))

    assert text.encode("utf-8").decode("utf-8").isprintable()


@given(st.text())
def test_a_sentence_with_a_shown_name_in_it_stays_as_it_is(name: str) -> None:
    assert harmless(f"it is {shown(name)}") == f"it is {shown(name)}"
