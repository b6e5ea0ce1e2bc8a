import time

import pytest

from pipeline.metadata import webui
from pipeline.records import Recipe
from tests.support import pictures

SETTINGS = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512"


def test_prompt_and_negative_prompt_are_told_apart() -> None:
    recipe = webui.read(pictures.PARAMETERS)

    assert recipe == Recipe(
        "portrait of a woman waving, (detailed:1.2)\nsoft light",
        "blurry, extra fingers",
        "AUTOMATIC1111",
    )


@pytest.mark.parametrize(
    ("text", "prompt", "negative"),
    [
        (f"a cat\n{SETTINGS}", "a cat", ""),
        (f"Negative prompt: dog\n{SETTINGS}", "", "dog"),
        (
            f"a cat\nNegative prompt: dog\nand mouse\n{SETTINGS}",
            "a cat",
            "dog\nand mouse",
        ),
        (f"a cat\nNegative prompt: dog\n{SETTINGS}\n", "a cat", "dog"),
        ("a cat\nNegative prompt: dog", "a cat", "dog"),
        (f"a poster that says\nSteps: 3 to joy\n{SETTINGS}", None, ""),
        (
            f"a cat\nNegative prompt: dog\n{SETTINGS}\nTemplate: a {{cat|fox}}\n"
            "Negative Template: dog",
            "a cat",
            "dog",
        ),
        (
            f"a <lora:x:1> cat, Hires: no\r\n{SETTINGS}",
            "a <lora:x:1> cat, Hires: no",
            "",
        ),
        (SETTINGS, "", ""),
    ],
)
def test_the_forms_in_use_are_read(
    text: str, prompt: str | None, negative: str
) -> None:
    recipe = webui.read(text)

    assert recipe is not None
    assert prompt is None or recipe.prompt == prompt
    assert recipe.negative_prompt == negative


@pytest.mark.parametrize("text", ["", "a cat on a mat", "Steps: 20", "{}"])
def test_other_texts_are_left_to_others(text: str) -> None:
    assert webui.read(text) is None


def test_a_long_hostile_text_takes_no_time() -> None:
    text = "Steps: 1, " * 100_000 + "\nNegative prompt:" * 50_000

    began = time.process_time()
    webui.read(text)

    assert time.process_time() - began < 2.0
