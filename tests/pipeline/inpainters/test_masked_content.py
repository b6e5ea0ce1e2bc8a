"""The four ways to start under the mask, against values computed another way."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter, ImageOps

from detectors.arrays import RgbArray
from pipeline.inpainters.cutouts import GreyArray, soft_mask
from pipeline.inpainters.diffusion.latent_mask import blending_mask, channel_mask
from pipeline.inpainters.diffusion.masked_content import (
    base_picture,
    filled,
    first_latents,
)
from tests.pipeline.inpainters.requests import hole, stripes

PIXELS = stripes(96, 80)
SOFT = soft_mask(hole(96, 80, (30, 20, 70, 60)), 4)
ENCODED = torch.arange(2 * 4 * 4, dtype=torch.float32).view(2, 4, 4)
NOISE = -torch.ones(2, 4, 4)
CORNER = torch.zeros(1, 4, 4)
CORNER[0, :2, :2] = 1


def fill_by_pillow(pixels: RgbArray, soft: GreyArray) -> RgbArray:
    """Lay blurs of the see-through picture over each other, all in Pillow's types."""
    keep = ImageOps.invert(Image.fromarray(soft))
    cut = Image.new("RGBa", keep.size)
    cut.paste(Image.fromarray(pixels).convert("RGBA").convert("RGBa"), mask=keep)
    stack = Image.new("RGBA", keep.size)
    for radius, times in ((256, 1), (64, 1), (16, 2), (4, 4), (2, 2), (0, 1)):
        layer = cut.filter(ImageFilter.GaussianBlur(radius)).convert("RGBA")
        for _ in range(times):
            stack.alpha_composite(layer)
    return np.asarray(stack.convert("RGB"))


def test_fill_spreads_the_surroundings_as_automatic1111_does() -> None:
    apart = np.abs(filled(PIXELS, SOFT).astype(int) - fill_by_pillow(PIXELS, SOFT))

    assert apart.max() <= 6
    assert apart.mean() < 1.0


def test_fill_leaves_nothing_of_what_was_under_the_mask() -> None:
    spoilt = PIXELS.copy()
    spoilt[SOFT == 255] = (255, 0, 255)

    np.testing.assert_array_equal(filled(spoilt, SOFT), filled(PIXELS, SOFT))


def test_fill_does_not_touch_what_is_not_masked() -> None:
    kept = SOFT == 0

    np.testing.assert_array_equal(filled(PIXELS, SOFT)[kept], PIXELS[kept])


def test_original_is_the_picture_itself() -> None:
    assert base_picture(PIXELS, SOFT, "original") is PIXELS
    torch.testing.assert_close(
        first_latents(ENCODED, CORNER, NOISE, "original"), ENCODED
    )


@pytest.mark.parametrize("content", ["fill", "latent-noise", "latent-nothing"])
def test_the_other_three_fill_before_they_encode(content: str) -> None:
    base = base_picture(PIXELS, SOFT, content)  # type: ignore[arg-type]

    np.testing.assert_array_equal(base, filled(PIXELS, SOFT))


def test_latent_noise_puts_the_trajectorys_own_noise_under_the_mask() -> None:
    latents = first_latents(ENCODED, CORNER, NOISE, "latent-noise")

    assert (latents[:, :2, :2] == -1).all()
    torch.testing.assert_close(latents[:, 2:], ENCODED[:, 2:])


def test_latent_nothing_puts_zeros_under_the_mask() -> None:
    latents = first_latents(ENCODED, CORNER, NOISE, "latent-nothing")

    assert (latents[:, :2, :2] == 0).all()
    torch.testing.assert_close(latents[:, :2, 2:], ENCODED[:, :2, 2:])


def test_the_blending_mask_is_resized_and_rounded_as_in_automatic1111() -> None:
    mask = blending_mask(SOFT, 8)

    small = Image.fromarray(SOFT).convert("RGB").resize((12, 10))
    expected = np.around(np.asarray(small)[..., 0].astype(np.float64) / 255)
    np.testing.assert_array_equal(mask[0].numpy(), expected)


def test_the_channel_of_an_inpainting_unet_is_the_nearest_pixel() -> None:
    mask = channel_mask(SOFT, 8)

    whole = torch.from_numpy((SOFT >= 128).astype(np.float32))[None, None]
    expected = torch.nn.functional.interpolate(whole, size=(10, 12))[0]
    torch.testing.assert_close(mask, expected)


def test_a_mask_too_thin_for_the_latents_is_taken_where_it_touches_them() -> None:
    thin = soft_mask(hole(96, 80, (35, 10, 37, 70)), 0)

    for mask in (blending_mask(thin, 8), channel_mask(thin, 8)):
        assert mask[0, 2:8, 4].min() == 1
        assert mask.sum() == 8


def test_a_small_mask_that_blurring_dimmed_is_still_repainted() -> None:
    dim = soft_mask(hole(96, 80, (42, 42, 45, 45)), 4)

    mask = blending_mask(dim, 8)

    assert 0 < dim.max() < 128
    assert mask[0, 5, 5] == 1
    assert mask.sum() <= 9
