"""Whole pipelines behind the engine `transformer`."""

import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from detectors.geometry import Size
from pipeline.errors import EnvironmentProblem
from pipeline.inpainters.catalogue import build
from pipeline.inpainters.transformer.engine import TransformerInpainter
from pipeline.inpainters.transformer.families import FAMILIES, family_of
from pipeline.inpainters.transformer.load import load_whole
from pipeline.model_presets import PRESETS
from pipeline.models import LocatedModel
from pipeline.records import PaintRequest
from pipeline.settings import InpaintSettings
from tests.pipeline.inpainters.requests import hole, request, stripes
from tests.pipeline.inpainters.scripted import scripted
from tests.pipeline.inpainters.tiny import save_family
from tests.pipeline.inpainters.tiny_whole import WHOLES, save_whole

CPU = torch.device("cpu")
PIXELS, MASK = stripes(64, 64), hole(64, 64, (16, 24, 48, 48))
PROMPT, NEGATIVE, STEPS, STRENGTH, SEED = "five fingers", "six fingers", 4, 0.75, 11

BY_HAND: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "flux-fill": ("FluxFillPipeline", {"guidance_scale": 30.0}),
    "flux": ("FluxInpaintPipeline", {"guidance_scale": 7.0}),
    "sd3": (
        "StableDiffusion3InpaintPipeline",
        {"guidance_scale": 7.0, "negative_prompt": NEGATIVE},
    ),
    "qwen-image": (
        "QwenImageInpaintPipeline",
        {"true_cfg_scale": 4.0, "negative_prompt": NEGATIVE},
    ),
    "z-image-turbo": ("ZImageInpaintPipeline", {"guidance_scale": 0.0}),
}
"""What a person would call for each model, with its makers' guidance."""


@pytest.fixture(scope="session")
def wholes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    folder = tmp_path_factory.mktemp("wholes")
    return {name: save_whole(name, folder) for name in WHOLES}


def engine(folder: Path, **changes: Any) -> TransformerInpainter:
    values = {"model": str(folder), "steps": STEPS, "dtype": "float32", **changes}
    values |= {"removal": "model"}
    made = build(InpaintSettings.model_validate(values))
    assert isinstance(made, TransformerInpainter)
    return made


def asked(seeds: tuple[int, ...] = (SEED,), **changes: Any) -> PaintRequest:
    given: dict[str, Any] = {
        "working": Size(64, 64),
        "strength": STRENGTH,
        "blur_px": 0,
        "prompt": PROMPT,
        "negative_prompt": NEGATIVE,
    }
    return request(PIXELS, MASK, seeds=seeds, **(given | changes))


@pytest.mark.parametrize("name", BY_HAND)
def test_it_paints_what_the_pipeline_paints_when_called_by_hand(
    wholes: Mapping[str, Path], name: str
) -> None:
    class_name, steering = BY_HAND[name]
    spared = {"text_encoder_3": None, "tokenizer_3": None} if name == "sd3" else {}
    pipe = getattr(diffusers, class_name).from_pretrained(wholes[name], **spared)
    pipe.set_progress_bar_config(disable=True)
    told = pipe(
        PROMPT,
        image=Image.fromarray(PIXELS),
        mask_image=Image.fromarray(MASK.astype(np.uint8) * 255),
        height=64,
        width=64,
        strength=STRENGTH,
        num_inference_steps=STEPS,
        generator=torch.Generator().manual_seed(SEED),
        output_type="pil",
        **steering,
    )

    (mine,) = engine(wholes[name]).paint(asked())

    assert mine.pixels is not None
    np.testing.assert_allclose(
        mine.pixels.astype(int), np.asarray(told.images[0]).astype(int), atol=1
    )


@pytest.mark.parametrize("name", ["flux-fill", "sd3", "qwen-image", "z-image-turbo"])
def test_a_candidate_is_the_same_alone_and_after_others(
    wholes: Mapping[str, Path], name: str
) -> None:
    painter = engine(wholes[name], steps=2)

    _, after = painter.paint(asked((5, SEED)))

    (alone,) = engine(wholes[name], steps=2).paint(asked())
    assert alone.pixels is not None
    assert after.pixels is not None
    np.testing.assert_array_equal(alone.pixels, after.pixels)


def test_what_a_family_does_not_understand_is_noted(
    wholes: Mapping[str, Path],
) -> None:
    painter = engine(wholes["flux-fill"], steps=2)

    (candidate,) = painter.paint(asked(content="latent-noise", strength=0.2))

    assert len(candidate.notes) == 3
    content, strength, negative = candidate.notes
    assert "latent-noise is not offered" in content
    assert "strength 0.2 is under one step" in strength
    assert negative == "Flux Fill reads no negative prompt"


def test_the_guidance_that_was_asked_for_is_used(wholes: Mapping[str, Path]) -> None:
    (own,) = engine(wholes["sd3"]).paint(asked())

    (none,) = engine(wholes["sd3"], guidance_scale=1.0).paint(asked())

    assert own.notes == ()
    assert none.notes == ("without guidance the negative prompt is not read",)
    assert own.pixels is not None
    assert none.pixels is not None
    assert (own.pixels != none.pixels).any()


def test_a_prompt_is_encoded_once(wholes: Mapping[str, Path]) -> None:
    located = LocatedModel("sd3", wholes["sd3"])
    whole = load_whole(located, (), CPU, torch.float32)
    calls: list[int] = []
    whole.call.text_encoder.register_forward_hook(lambda *_: calls.append(1))
    painter = TransformerInpainter(whole, InpaintSettings(steps=2))

    list(painter.paint(asked((1, 2, 3))))
    list(painter.paint(asked((4,))))

    assert len(calls) == 2  # the prompt and the negative prompt
    list(painter.paint(asked((4,), prompt="another")))
    assert len(calls) > 2


def test_a_prompt_that_is_too_long_is_noted_on_every_candidate(
    wholes: Mapping[str, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    painter = engine(wholes["flux-fill"], steps=2)
    capfd.readouterr()

    first, second = painter.paint(asked((1, 2), prompt="f" * 90, negative_prompt=""))

    for candidate in (first, second):
        assert candidate.notes == (
            "the prompt is too long for one of the text encoders; its end was not read",
        )
    assert "truncated" not in capfd.readouterr().err


def test_a_network_that_breaks_down_costs_the_candidate(
    wholes: Mapping[str, Path],
) -> None:
    located = LocatedModel("sd3", wholes["sd3"])
    whole = load_whole(located, (), CPU, torch.float32)
    with torch.no_grad():
        whole.call.vae.decoder.conv_out.bias.fill_(float("nan"))

    (candidate,) = TransformerInpainter(whole, InpaintSettings(steps=2)).paint(asked())

    assert candidate.pixels is None
    assert "NaN" in candidate.problem


def test_float16_that_overflows_is_painted_again_in_bfloat16_once() -> None:
    pipe, painter = scripted(float("nan"), 0.5, float("nan"))

    first, second = painter.paint(asked((1, 2), negative_prompt=""))

    assert first.pixels is not None
    assert first.notes == ("float16 overflowed; painted in bfloat16",)
    assert pipe.dtype == torch.bfloat16
    assert second.pixels is None
    assert len(pipe.sizes) == 3


def test_a_call_that_fails_costs_its_candidate_alone() -> None:
    _, painter = scripted(ValueError("no such size"))

    first, second = painter.paint(asked((1, 2)))

    assert (first.pixels, first.problem) == (None, "no such size")
    assert second.pixels is not None


def test_the_engine_diffusion_hands_over_what_it_cannot_paint_with(
    wholes: Mapping[str, Path],
) -> None:
    made = build(InpaintSettings(engine="diffusion", model=str(wholes["sd3"])))

    assert made.name == "transformer/sd3"


def test_a_model_with_a_unet_is_sent_back(tmp_path: Path) -> None:
    folder = save_family("sd-4", tmp_path)

    with pytest.raises(EnvironmentProblem, match="leave out --engine transformer"):
        build(InpaintSettings(engine="transformer", model=str(folder)))


def test_a_model_of_another_kind_names_those_that_are_known() -> None:
    index = {"_class_name": "WanPipeline", "transformer": ["diffusers", "W"]}

    with pytest.raises(EnvironmentProblem, match="knows Flux Fill, "):
        family_of(index, "wan")


def test_weights_that_could_run_code_are_refused(
    wholes: Mapping[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "pickled"
    (folder / "transformer").mkdir(parents=True)
    index = json.loads((wholes["sd3"] / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index))
    (folder / "transformer" / "diffusion_pytorch_model.bin").write_bytes(b"pickle")

    with pytest.raises(EnvironmentProblem, match=r"transformer/\*\.safetensors"):
        build(InpaintSettings(model=str(folder)))


def test_every_family_has_a_pipeline_that_takes_what_is_handed_over() -> None:
    for family in FAMILIES:
        kind = getattr(diffusers, family.paints_with)
        assert family_of({"_class_name": family.paints_with}, "it") is family
        takes = set(inspect.signature(kind.__call__).parameters)
        handed = {"image", "mask_image", "prompt", "strength", family.steered_by}
        assert handed | set(family.fixed) <= takes, family.words


def test_every_family_that_diffusers_offers_for_inpainting_is_known() -> None:
    table = diffusers.pipelines.auto_pipeline.AUTO_INPAINT_PIPELINES_MAPPING
    with_transformer = {
        kind.__name__
        for kind in table.values()
        if "transformer" in kind.__init__.__annotations__
        and "Control" not in kind.__name__
    }

    assert with_transformer <= {family.paints_with for family in FAMILIES}
    assert len(with_transformer) == 5


def test_guidance_is_the_makers_unless_it_was_asked_for() -> None:
    turbo = family_of({"_class_name": "ZImagePipeline"}, "z")
    fill = family_of({"_class_name": "FluxFillPipeline"}, "f")

    assert turbo.guidance_for(None, "Tongyi-MAI/Z-Image-Turbo") == 0
    assert turbo.guidance_for(None, "Tongyi-MAI/Z-Image") == 5
    assert turbo.guidance_for(2.5, "z-image-turbo") == 2.5
    assert fill.guidance_for(None, "flux-fill") == 30


def test_presets_for_it_are_fetched_like_any_other_model() -> None:
    names = {preset.name for preset in PRESETS if preset.use == "transformer"}

    assert names == {"flux-fill", "sd35-medium", "qwen-image", "z-image-turbo"}
