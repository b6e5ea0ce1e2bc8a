"""A VAE that works in tiles really holds less at a time, and paints about the same."""

import diffusers
import pytest
import torch

from detectors.geometry import Size
from pipeline.inpainters.diffusion.tiles import set_tiles, tile_px

NATIVE, SCALE = 512, 4


def vae() -> diffusers.AutoencoderKL:
    """Make a tiny VAE that says, as real ones do, that it was trained at this size."""
    torch.manual_seed(3)
    made = diffusers.AutoencoderKL(
        block_out_channels=(8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        latent_channels=4,
        layers_per_block=1,
        norm_num_groups=4,
        mid_block_add_attention=False,
        sample_size=NATIVE,
    )
    return made.eval().requires_grad_(False)


def sizes_seen(network: torch.nn.Module) -> list[tuple[int, ...]]:
    seen: list[tuple[int, ...]] = []
    network.register_forward_pre_hook(lambda _, given: seen.append(given[0].shape[2:]))
    return seen


@pytest.mark.parametrize("sides", [(NATIVE, NATIVE), (NATIVE, 320)])
def test_at_the_native_size_it_decodes_and_encodes_smaller_pieces(
    sides: tuple[int, int],
) -> None:
    made, (height, width) = vae(), sides
    latents = torch.randn(1, 4, height // SCALE, width // SCALE)
    whole = made.decode(latents).sample
    encoded = made.encode(whole).latent_dist.mode()
    decoder, encoder = sizes_seen(made.decoder), sizes_seen(made.encoder)

    set_tiles(made, tile_px(Size(width, height), SCALE), SCALE)
    tiled = made.decode(latents).sample
    again = made.encode(whole).latent_dist.mode()

    assert max(max(size) for size in decoder) == NATIVE // SCALE // 2
    assert max(max(size) for size in encoder) == NATIVE // 2
    assert tiled.shape == whole.shape
    assert again.shape == encoded.shape
    for one, other in ((tiled, whole), (again, encoded)):
        assert (one - other).abs().mean() < 0.1 * other.std()


def test_switching_them_off_decodes_in_one_piece_again() -> None:
    made = vae()
    latents = torch.randn(1, 4, NATIVE // SCALE, NATIVE // SCALE)
    whole = made.decode(latents).sample

    set_tiles(made, 256, SCALE)
    set_tiles(made, None, SCALE)

    assert torch.equal(made.decode(latents).sample, whole)


@pytest.mark.parametrize("scale", [4, 8, 16])
def test_tiles_are_half_of_the_picture_in_whole_quarters(scale: int) -> None:
    for side in range(264, 1600, 8):
        found = tile_px(Size(side, 256), scale)

        assert found is None or 256 <= found < side
        assert found is None or found % (4 * scale) == 0
        assert found is None or found <= max(256, side / 2 + 4 * scale)


@pytest.mark.parametrize(
    ("size", "side"),
    [((512, 512), 256), ((1024, 1024), 512), ((640, 1000), 512), ((256, 256), None)],
)
def test_small_pictures_are_not_cut_up(size: tuple[int, int], side: int | None) -> None:
    assert tile_px(Size(*size), 8) == side


class Fixed:
    """Stands in for a VAE that has a tile size of its own, such as Qwen-Image's."""

    tiled = False

    def enable_tiling(self) -> None:
        self.tiled = True


def test_a_vae_with_tiles_of_its_own_keeps_them() -> None:
    fixed = Fixed()

    set_tiles(fixed, 512, 8)

    assert vars(fixed) == {"tiled": True}
