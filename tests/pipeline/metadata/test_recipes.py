import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.metadata import read_recipe
from pipeline.metadata.recipes import MAX_WORDS_BYTES
from pipeline.records import Recipe
from tests.support import pictures

SCENE = pictures.draw_scene(8, 8)
GRAPH = {
    "3": {
        "class_type": "KSampler",
        "inputs": {"positive": ["6", 0], "negative": ["7", 0]},
    },
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a hand"}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry"}},
}
FOOOCUS = {
    "prompt": "a hand",
    "negative_prompt": "blurry",
    "base_model": "x",
    "base_model_hash": "1",
    "sampler": "dpmpp_2m_sde_gpu",
    "scheduler": "karras",
    "steps": 30,
}
NOVELAI = {
    "Software": "NovelAI",
    "Source": "Stable Diffusion 1D44365E",
    "Description": "a hand",
    "Comment": json.dumps({"sampler": "k_euler", "uc": "blurry", "seed": 1}),
}


def png(**texts: str) -> bytes:
    chunks = [
        pictures.text_chunk(key.replace("__", "-"), v) for key, v in texts.items()
    ]
    return pictures.with_png_chunks(pictures.encoded(SCENE, "PNG"), b"".join(chunks))


def in_exif(kind: str, text: str) -> bytes:
    comment = b"UNICODE\0" + text.encode("utf-16-be")
    exif = b"Exif\0\0" + pictures.exif_block(user_comment=comment)
    return pictures.encoded(SCENE, kind, exif=exif)


INVOKE_META = {
    "positive_prompt": "a hand",
    "negative_prompt": "blurry",
    "scheduler": "euler",
}
INVOKE_OLD = {
    "model_weights": "sd-1.5",
    "image": {
        "prompt": [{"prompt": "a hand [blurry]", "weight": 1}],
        "sampler": "k_lms",
        "steps": 10,
    },
}
SWARM = {"sui_image_params": {"prompt": "a hand", "negativeprompt": "blurry"}}


@pytest.mark.parametrize(
    ("data", "generator"),
    [
        (png(prompt=json.dumps(GRAPH), workflow="{}"), "ComfyUI"),
        (png(prompt=json.dumps(GRAPH)), "ComfyUI"),
        (in_exif("WEBP", "prompt:" + json.dumps(GRAPH)), "ComfyUI"),
        (png(parameters=json.dumps(FOOOCUS)), "Fooocus"),
        (in_exif("JPEG", json.dumps(FOOOCUS)), "Fooocus"),
        (png(**NOVELAI), "NovelAI"),
        (png(invokeai_metadata=json.dumps(INVOKE_META)), "InvokeAI"),
        (png(sd__metadata=json.dumps(INVOKE_OLD)), "InvokeAI"),
        (png(Dream='"a hand [blurry]" -s 10 -S 1 -W 512 -H 512 -A k_lms'), "InvokeAI"),
        (png(parameters=json.dumps(SWARM)), "SwarmUI"),
    ],
)
def test_every_generator_is_understood(data: bytes, generator: str) -> None:
    assert read_recipe(data) == Recipe("a hand", "blurry", generator)


@pytest.mark.parametrize(
    "data",
    [
        png(parameters=pictures.PARAMETERS),
        in_exif("JPEG", pictures.PARAMETERS),
        in_exif("WEBP", pictures.PARAMETERS),
        in_exif("PNG", pictures.PARAMETERS),
    ],
)
def test_what_automatic1111_writes_is_understood_in_every_format(data: bytes) -> None:
    recipe = read_recipe(data)

    assert recipe.generator == "AUTOMATIC1111"
    assert recipe.prompt.startswith("portrait of a woman waving")
    assert recipe.negative_prompt == "blurry, extra fingers"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_that_tells_nothing_has_an_empty_recipe(kind: str) -> None:
    assert read_recipe(pictures.encoded(SCENE, kind)) == Recipe()


def test_two_pictures_in_a_row_do_not_share_their_texts() -> None:
    first = read_recipe(in_exif("JPEG", pictures.PARAMETERS))
    second = read_recipe(pictures.encoded(SCENE, "JPEG"))

    assert first.prompt
    assert second == Recipe()


def test_a_prompt_of_any_length_is_cut() -> None:
    text = "word " * MAX_WORDS_BYTES + "\n" + pictures.PARAMETERS

    assert len(read_recipe(png(parameters=text)).prompt) == MAX_WORDS_BYTES


DEEP = '{"a":' * 100_000


@pytest.mark.parametrize(
    "texts",
    [
        {"parameters": DEEP},
        {"parameters": '{"base_model": ' + DEEP},
        {"parameters": '{"base_model": 1}'},
        {"parameters": '{"sui_image_params": 3}'},
        {"prompt": DEEP + "class_type"},
        {"invokeai_metadata": DEEP},
        {"invokeai_metadata": "[1]"},
        {"invokeai_metadata": '{"scheduler": [], "model": 3}'},
        {"sd__metadata": '{"image": []}'},
        {"sd__metadata": '{"image": {"sampler": 1, "prompt": 5}}'},
        {"sd__metadata": '{"image": {"sampler": 1, "prompt": [{"prompt": {}}]}}'},
        {"Dream": '"' + "[" * 50_000},
        {"Software": "NovelAI"},
        {**NOVELAI, "Comment": "[]"},
        {**NOVELAI, "Comment": '{"sampler": 1, "uc": {}}'},
        {**NOVELAI, "Comment": "9" * 60_000},
        {"Comment": "null", "Description": "\ud7ff\x00", "Source": "x"},
    ],
)
@pytest.mark.timeout(20)
def test_hostile_texts_never_raise(texts: dict[str, str]) -> None:
    recipe = read_recipe(png(**texts))

    assert isinstance(recipe.prompt, str)
    assert isinstance(recipe.negative_prompt, str)


KEYWORDS = ["parameters", "prompt", "invokeai_metadata", "Dream", "Comment"]
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["prompt", "image", "sampler", "uc", "inputs", "class_type", "model"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(KEYWORDS), VALUES)
def test_json_of_any_shape_never_raises(keyword: str, value: Any) -> None:
    read_recipe(png(**{keyword: json.dumps(value), **NOVELAI}))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_bytes_of_any_kind_never_raise(garbage: bytes) -> None:
    for opening in (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe1", b"RIFF", b""):
        assert read_recipe(opening + garbage) == Recipe()


def test_the_recipe_does_not_depend_on_the_pixels() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (8, 8, 4), dtype=np.uint8)

    assert read_recipe(pictures.encoded(noise, "PNG")) == Recipe()
