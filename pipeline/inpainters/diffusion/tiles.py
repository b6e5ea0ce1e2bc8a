"""Let a VAE work in tiles: one overlapping piece of a picture after the other.

diffusers' VAEs cut up only what is larger than the size they were trained at, which is
the very size that pictures are painted at. So the tiles are made half as wide.
"""

import math
from typing import Any

from detectors.geometry import Size

LEAST_PX = 256
"""A tile is normed by itself, so that small ones differ in colour from each other."""

QUARTERS = 4
"""diffusers lets tiles overlap by a quarter, which must be a whole number of latents
for the pieces to fit together again."""


def tile_px(painted: Size, scale: int) -> int | None:
    """Return the side of the tiles for a picture; None where they would not be smaller.

    Args:
        painted: Size of the picture.
        scale: Pixels per latent.
    """
    grid = QUARTERS * scale
    half = max(max(painted) / 2, LEAST_PX)
    side = math.ceil(half / grid) * grid
    return side if side < max(painted) else None


def set_tiles(vae: Any, side: int | None, scale: int) -> None:
    """Switch tiles on, or off for None.

    Args:
        vae: One of diffusers' autoencoders.
        side: Of a tile, in pixels; see `tile_px`. Those that do not go by the size
            they were trained at (Qwen-Image's: 256 px) keep their own.
        scale: Pixels per latent.
    """
    if side is None:
        vae.disable_tiling()
        return
    vae.enable_tiling()
    if hasattr(vae, "tile_sample_min_size"):
        vae.tile_sample_min_size = side
        vae.tile_latent_min_size = side // scale
