"""What the model is asked for."""

import numpy as np
import pytest

from detectors.findings import Finding, Remedy
from detectors.geometry import Box
from pipeline.records import Patch, Recipe
from pipeline.settings import PromptSettings
from pipeline.stages.prompt import tidied, words_for


def _patch(*kinds: str, remedy: Remedy = "redraw") -> Patch:
    box = Box(0, 0, 8, 8)
    findings = tuple(Finding("any", kind, box, 0.9) for kind in kinds)
    return Patch(0, box, np.ones((8, 8), dtype=np.bool_), findings, remedy)


SETTINGS = PromptSettings(
    before={"hand": "five fingers", "face/too-small": "detailed face"},
    negative_before={"hand": "extra fingers"},
)
RECIPE = Recipe("a woman waving", "blurry")


def test_the_words_for_the_kind_come_before_the_pictures_own_prompt() -> None:
    words = words_for(_patch("hand/malformed"), RECIPE, SETTINGS)

    assert words.prompt == "five fingers, a woman waving"
    assert words.negative_prompt == "extra fingers, blurry"


def test_a_full_kind_wins_and_each_text_comes_once() -> None:
    patch = _patch("hand/fused", "face/too-small", "hand/extra-digit", "face/malformed")

    words = words_for(patch, Recipe(), SETTINGS)

    assert words.prompt == "five fingers, detailed face"


def test_a_class_of_the_users_own_weights_gets_the_words_for_its_part() -> None:
    words = words_for(_patch("segment/left-hand"), Recipe(), SETTINGS)

    assert words.prompt == "five fingers"


def test_the_users_prompt_replaces_the_pictures_own() -> None:
    settings = SETTINGS.model_copy(update={"prompt": "a robot", "negative_prompt": ""})

    words = words_for(_patch("hand/fused"), RECIPE, settings)

    assert words == ("five fingers, a robot", "extra fingers")


def test_a_removal_asks_for_nothing() -> None:
    assert words_for(_patch("hand/surplus", remedy="remove"), RECIPE, SETTINGS) == (
        "",
        "",
    )


def test_a_users_mask_is_painted_by_the_pictures_own_prompt() -> None:
    words = words_for(_patch("user/mask"), RECIPE, SETTINGS)

    assert words == ("a woman waving", "blurry")


def test_the_own_prompt_is_cut_to_the_word_limit() -> None:
    settings = SETTINGS.model_copy(update={"max_words": 3})

    words = words_for(_patch("hand/fused"), Recipe("one two, three four"), settings)

    assert words.prompt == "five fingers, one two, three"


def test_weights_survive_the_cut() -> None:
    settings = SETTINGS.model_copy(update={"max_words": 3})
    recipe = Recipe("one (two three four:1.3) five", "(bad:1.2)")

    words = words_for(_patch("hand/fused"), recipe, settings)

    assert words == ("five fingers, one (two three:1.3)", "extra fingers, (bad:1.2)")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a cat <lora:fluffy:0.8>, sun", "a cat, sun"),
        ("(detailed:1.2) eyes, ((sharp))", "(detailed:1.2) eyes, (sharp:1.21)"),
        ("[red:blue:0.5] car", "blue car"),
        ("[cat|dog] on a mat", "cat on a mat"),
        (r"smile \(character\)", r"smile \(character\)"),
        ("sky BREAK sea AND sand", "sky BREAK sea, sand"),
        ("{bright} day, , ,", "bright day"),
        ("portrait at 10:30, wide", "portrait at 10:30, wide"),
        ("line one\nline two", "line one line two"),
        ("<hypernet:style:1>", ""),
        ("embedding:BadHands.pt, blurry", "BadHands, blurry"),
        ("<embed:BadHands>, blurry", "BadHands, blurry"),
        ("", ""),
    ],
)
def test_another_programs_notation_becomes_what_the_engines_read(
    written: str, read: str
) -> None:
    assert tidied(written) == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a (red)1.3 car", "a (red:1.3) car"),
        ("a (red car)++", "a (red car:1.21)"),
        ("a (red)-, well-lit", "a (red:0.9), well-lit"),
        ("a red++ car", "a red car"),
    ],
)
def test_invokeais_weights_are_read(written: str, read: str) -> None:
    assert tidied(written, "InvokeAI") == read


@pytest.mark.parametrize(
    ("hostile", "read"),
    [
        ("a" + " " * 100_000 + "b", "a b"),
        ("a " + "+" * 100_000 + "b", "a " + "+" * 100_000 + "b"),
        ("(a:" + "1" * 100_000, "(a:" + "1" * 100_000 + ":1.1)"),
        ("[" * 100_000, ""),
        ("<" * 100_000, "<" * 100_000),
    ],
)
def test_a_hostile_prompt_is_read_in_one_go(hostile: str, read: str) -> None:
    assert tidied(hostile, "InvokeAI") == read
