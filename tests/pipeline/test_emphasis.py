"""The notation of weights in prompts."""

import pytest

from pipeline.emphasis import MOST, Piece, first_words, parse, plain, written


@pytest.mark.parametrize(
    ("prompt", "pieces"),
    [
        ("a red cat", [("a red cat", 1.0)]),
        ("a (red:1.5) cat", [("a ", 1.0), ("red", 1.5), (" cat", 1.0)]),
        ("((a)) b", [("a", 1.21), (" b", 1.0)]),
        ("[a], b", [("a", 1 / 1.1), (", b", 1.0)]),
        ("(a (b:2) c:0.5)", [("a ", 0.5), ("b", 1.0), (" c", 0.5)]),
        (r"\(a\) \\ b", [("(a) \\ b", 1.0)]),
        ("(a, b", [("a, b", 1.1)]),
        ("a) b", [("a) b", 1.0)]),
        ("at 10:30 (in 10:30)", [("at 10:30 ", 1.0), ("in 10", 10.0)]),
        ("(a:-1)", [("a", -1.0)]),
        ("(a:99)", [("a", MOST)]),
        ("(a,:1.2) , b", [("a, ", 1.2), ("b", 1.0)]),
    ],
)
def test_brackets_give_weights(prompt: str, pieces: list[tuple[str, float]]) -> None:
    (section,) = parse(prompt)

    assert [piece.text for piece in section] == [text for text, _ in pieces]
    weights = [weight for _, weight in pieces]
    assert [piece.weight for piece in section] == pytest.approx(weights)


def test_break_begins_a_section_and_empty_ones_are_left_out() -> None:
    assert parse("BREAK a BREAK , BREAK (b BREAK c:2)") == (
        (Piece("a", 1.0),),
        (Piece("b", 2.0),),
        (Piece("c", 2.0),),
    )
    assert parse("BREAKFAST") == ((Piece("BREAKFAST", 1.0),),)
    assert parse(" , ") == ((),)


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "a (red:1.5) cat BREAK (b, c:0.25), d",
        r"smile \(person\), \[x\] \\",
        "(at 10:30:1.5)",
    ],
)
def test_what_is_written_is_read_the_same(prompt: str) -> None:
    assert parse(written(parse(prompt))) == parse(prompt)
    assert written(parse(prompt)) == prompt


def test_the_words_alone_have_no_brackets() -> None:
    assert plain(r"(a:1.3) [b] BREAK \(c\)") == "a b, (c)"


def test_first_words_keep_their_weights() -> None:
    sections = parse("one (two three:1.5) BREAK four five")

    assert written(first_words(sections, 2)) == "one (two:1.5)"
    assert written(first_words(sections, 4)) == "one (two three:1.5) BREAK four"
    assert first_words(sections, 0) == ((),)
    assert first_words(sections, 99) == sections


@pytest.mark.parametrize("hostile", ["(a[" * 30_000, "[" * 50_000 + ")" * 50_000])
def test_a_hostile_prompt_is_read(hostile: str) -> None:
    letters = sum(letter in "a)" for letter in hostile)

    assert len(plain(hostile)) == letters
