"""Guessed latents lie over the pictures that they are guesses of."""

from pathlib import Path

import numpy as np
import pytest
import torch
from workshop.tiny_hands.captions import WORDS
from workshop.tiny_hands.guesses import Guesser
from workshop.tiny_hands.networks import INPAINTING, make_vae, write_tokenizer
from workshop.tiny_hands.painter import Painter
from workshop.tiny_hands.pictures import SIZE, Shard

PIECE = 64


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """Return a folder as `train_unet` leaves it, of networks that know nothing."""
    torch.manual_seed(0)
    painter = Painter(write_tokenizer(tmp_path / "tokenizer", WORDS), INPAINTING)
    for name in ("unet", "controlnet", "text_encoder"):
        getattr(painter, name).save_pretrained(str(tmp_path / name))
    return tmp_path


def shard(*, masked: bool) -> Shard:
    """Return one pair of noise; its hand fills the middle, or is nowhere."""
    rng = np.random.default_rng(2)
    pixels = rng.integers(0, 256, (1, 2, SIZE // 16, SIZE // 16, 3), dtype=np.uint8)
    hands = np.zeros((1, 2, SIZE, SIZE), bool)
    if masked:
        hands[:, :, 80:144, 80:144] = True
    return Shard(
        pixels.repeat(16, axis=2).repeat(16, axis=3),
        hands,
        hands.astype(np.uint8),
        np.full((1, 21, 2), SIZE / 2, np.float32),
        np.array([["fused", "5", "photo", "open"]]),
    )


def test_guesses_come_with_the_pieces_of_the_pictures_they_are_of(
    trained: Path,
) -> None:
    vae = make_vae().eval().requires_grad_(False)
    guesser = Guesser(trained, vae)

    latents, pictures = guesser.draw(
        [shard(masked=True)], 2, PIECE, np.random.default_rng(0)
    )

    assert latents.shape == (2, 4, PIECE // 8, PIECE // 8)
    assert pictures.shape == (2, 3, PIECE, PIECE)
    assert pictures.abs().max() <= 1
    assert not latents.requires_grad


def test_what_is_not_masked_is_no_guess(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "workshop.tiny_hands.batches.draw_mask",
        lambda hand, digits, rng: np.zeros_like(hand),
    )
    vae = make_vae().eval().requires_grad_(False)
    side = 192

    latents, pictures = Guesser(trained, vae).draw(
        [shard(masked=False)], 1, side, np.random.default_rng(0)
    )

    known = vae.encode(pictures).latent_dist.mean
    torch.testing.assert_close(latents, known, atol=0.05, rtol=0.05)
