import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.metadata import comfyui

Node = dict[str, Any]


def node(kind: str, **inputs: Any) -> Node:
    return {"class_type": kind, "inputs": inputs}


def words(text: str) -> Node:
    return node("CLIPTextEncode", text=text, clip=["4", 1])


SAMPLER = node(
    "KSampler",
    seed=1,
    steps=20,
    model=["4", 0],
    positive=["6", 0],
    negative=["7", 0],
    latent_image=["5", 0],
)
BASIC = {
    "3": SAMPLER,
    "4": node("CheckpointLoaderSimple", ckpt_name="a.safetensors"),
    "5": node("EmptyLatentImage", width=512, height=512),
    "6": words("a hand"),
    "7": words("blurry"),
    "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
    "9": node("SaveImage", images=["8", 0]),
}


def read(graph: object) -> tuple[str, str] | None:
    recipe = comfyui.read(json.dumps(graph))
    return None if recipe is None else (recipe.prompt, recipe.negative_prompt)


def test_the_texts_behind_the_sampler_are_the_prompts() -> None:
    assert read(BASIC) == ("a hand", "blurry")


def test_the_order_of_the_nodes_does_not_matter() -> None:
    assert read(dict(reversed(BASIC.items()))) == ("a hand", "blurry")


def test_texts_that_lead_nowhere_are_left_out() -> None:
    assert read(BASIC | {"99": words("a note to myself")}) == ("a hand", "blurry")


def test_controlnet_keeps_the_two_sides_apart() -> None:
    graph = BASIC | {
        "3": node("KSampler", positive=["20", 0], negative=["20", 1]),
        "20": node(
            "ControlNetApplyAdvanced",
            positive=["6", 0],
            negative=["7", 0],
            image=["21", 0],
        ),
        "21": node("LoadImage", image="pose.png"),
    }

    assert read(graph) == ("a hand", "blurry")


def test_combined_texts_are_joined_in_order() -> None:
    graph = BASIC | {
        "3": node("KSampler", positive=["20", 0], negative=["7", 0]),
        "20": node(
            "ConditioningCombine", conditioning_1=["6", 0], conditioning_2=["21", 0]
        ),
        "21": words("five fingers"),
    }

    assert read(graph) == ("a hand, five fingers", "blurry")


def test_the_two_texts_of_sdxl_are_joined_once() -> None:
    both = node("CLIPTextEncodeSDXL", text_g="a hand", text_l="a hand", clip=["4", 1])

    assert read(BASIC | {"6": both}) == ("a hand", "blurry")


def test_a_text_that_comes_from_another_node_is_followed() -> None:
    graph = BASIC | {
        "6": node("CLIPTextEncode", text=["30", 0], clip=["4", 1]),
        "30": node("PrimitiveString", value="a hand"),
    }

    assert read(graph) == ("a hand", "blurry")


def test_a_negative_that_is_zeroed_out_is_empty() -> None:
    graph = BASIC | {
        "3": node("KSampler", positive=["6", 0], negative=["20", 0]),
        "20": node("ConditioningZeroOut", conditioning=["6", 0]),
    }

    assert read(graph) == ("a hand", "")


def test_a_guider_stands_for_the_sampler_of_flux() -> None:
    graph = {
        "9": node("SaveImage", images=["8", 0]),
        "8": node("VAEDecode", samples=["3", 0]),
        "3": node("SamplerCustomAdvanced", guider=["22", 0], latent_image=["5", 0]),
        "22": node("BasicGuider", model=["4", 0], conditioning=["26", 0]),
        "26": node("FluxGuidance", guidance=3.5, conditioning=["6", 0]),
        "6": words("a hand"),
    }

    assert read(graph) == ("a hand", "")


def test_the_sampler_nearest_to_the_saved_picture_counts() -> None:
    graph = BASIC | {
        "40": node("KSampler", positive=["41", 0], negative=["7", 0]),
        "41": words("a preview of something else"),
        "42": node("PreviewImage", images=["40", 0]),
    }

    assert read(graph) == ("a hand", "blurry")


@pytest.mark.parametrize(
    "graph",
    [
        {},
        [],
        {"1": 5},
        {"1": {"inputs": 3}},
        {"1": {"class_type": "KSampler", "inputs": {"positive": 3}}},
        "text",
        {str(n): node("X") for n in range(6000)},
    ],
)
def test_what_is_no_graph_with_a_sampler_gives_nothing(graph: object) -> None:
    assert read(graph) is None


def test_a_graph_that_runs_in_circles_ends() -> None:
    graph = {
        "1": node("KSampler", positive=["2", 0], negative=["2", 0]),
        "2": node("A", conditioning=["3", 0]),
        "3": node("B", conditioning=["2", 0], text="a hand"),
    }

    assert read(graph) == ("a hand", "a hand")


def test_a_deep_text_and_a_dense_graph_take_no_time() -> None:
    dense = {
        str(n): node("A", **{f"i{m}": [str(m), 0] for m in range(60)})
        for n in range(60)
    } | {"s": node("KSampler", positive=["0", 0], negative=["1", 0])}

    began = time.process_time()
    comfyui.read("[" * 100_000)
    assert read(dense) == ("", "")

    assert time.process_time() - began < 2.0


@given(
    st.dictionaries(
        st.sampled_from(["1", "2", "3"]),
        st.fixed_dictionaries(
            {
                "class_type": st.sampled_from(["KSampler", "BasicGuider", "X", 3]),
                "inputs": st.dictionaries(
                    st.sampled_from(["positive", "negative", "text", "conditioning"]),
                    st.one_of(
                        st.just(["2", 0]),
                        st.just([3, 0]),
                        st.just([[], 0]),
                        st.text(max_size=3),
                        st.none(),
                    ),
                ),
            }
        ),
    )
)
def test_graphs_of_any_shape_never_raise(graph: object) -> None:
    read(graph)
