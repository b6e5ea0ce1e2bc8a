"""Which VAE is cast to float32 when everything else runs in float16."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.inpainters.diffusion.latents import LatentCodec, overflows
from tests.pipeline.inpainters.slot_runs import load, painter, region


@pytest.mark.parametrize(
    ("family", "computes_in"),
    [("sd-4", torch.float16), ("sd-9", torch.float16), ("xl-9", torch.float32)],
)
def test_only_the_vae_of_sdxl_is_cast(
    families: Mapping[str, Path], family: str, computes_in: torch.dtype
) -> None:
    model = load(families[family], torch.float16)
    # The entry is not in the files of SD 1.5; diffusers fills it in.
    assert model.vae.config.force_upcast

    shown = list(painter(model).paint(region(0)))

    assert model.vae.dtype == computes_in
    assert model.unet.dtype == torch.float16
    assert all(candidate.pixels is not None for candidate in shown)


def test_sdxl_says_itself_whether_its_vae_overflows(
    families: Mapping[str, Path],
) -> None:
    model = load(families["xl-4"], torch.float16)
    mended = load(families["xl-4"], torch.float16)
    mended.vae.register_to_config(force_upcast=False)

    told = [
        overflows(each)
        for each in (model, mended, replace(model, dtype=torch.bfloat16))
    ]

    assert told == [True, False, False]


def test_a_vae_that_was_not_cast_and_overflows_is_run_again_in_float32(
    families: Mapping[str, Path],
) -> None:
    model = load(families["sd-4"], torch.float16)

    def overflow(_: torch.nn.Module, __: object, given: torch.Tensor) -> torch.Tensor:
        return given if given.dtype == torch.float32 else given * float("inf")

    for network in (model.vae.encoder, model.vae.decoder):
        network.register_forward_hook(overflow)
    codec = LatentCodec(model)

    latents = codec.encode([np.full((64, 64, 3), 90, dtype=np.uint8)])
    pictures, again = codec.decode(latents)

    assert torch.isfinite(latents).all()
    assert again == [True]
    assert pictures[0] is not None
    assert model.vae.dtype == torch.float16
