"""Paint the sound twin itself, as the autoencoder returns it.

No UNet can do better: what the judge still refuses of these is the autoencoder's doing,
or the judge's own.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from detectors.arrays import RgbArray
from pipeline.inpainters.cutouts import fit, to_window, to_working
from pipeline.records import Candidate, PaintRequest


class DecodedTwin:
    """An inpainter that knows the answer."""

    name = "decoded-twin"
    draws = True
    native_px = 192
    """As of any engine with a size of its own, whose masks are overlaid alike."""

    size_multiple = 8

    def __init__(self, model: Path, twin: RgbArray) -> None:
        """Load the autoencoder of a diffusers folder."""
        self._vae = AutoencoderKL.from_pretrained(str(model), subfolder="vae").eval()
        self._twin = twin

    @torch.no_grad()
    def paint(self, request: PaintRequest) -> Iterator[Candidate]:
        """Yield the same candidate for every seed."""
        started = time.monotonic()
        window = request.window
        place = fit(window.size, request.working, request.mode)
        sent = to_working(self._twin[window.rows, window.columns], place)
        given = torch.from_numpy(sent).permute(2, 0, 1)[None].float() / 127.5 - 1
        latents = self._vae.encode(given).latent_dist.mean
        back = (self._vae.decode(latents).sample[0].permute(1, 2, 0) + 1) * 127.5
        levels = back.round().clamp(0, 255).numpy().astype(np.uint8)
        pixels = to_window(levels, place)
        took_s = time.monotonic() - started
        for number, seed in enumerate(request.seeds, request.first_number):
            yield Candidate(request.patch.number, number, seed, pixels, took_s)

    def close(self) -> None:
        """There is nothing to free."""
