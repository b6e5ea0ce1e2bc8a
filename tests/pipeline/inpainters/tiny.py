"""Whole checkpoints from nothing: random networks so small that a step takes 10 ms."""

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    StableDiffusionInpaintPipeline,
    StableDiffusionXLInpaintPipeline,
    UNet2DConditionModel,
)
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

FAMILIES = ("sd-4", "sd-9", "xl-4", "xl-9")
WIDTH, WIDTH_2 = 16, 24
"""Of the text encoders; single files of SDXL are told apart by it."""


def save_family(family: str, folder: Path) -> Path:
    """Save a random checkpoint as a diffusers folder and return the folder."""
    torch.manual_seed(len(family) + int(family[-1]))
    kind, channels = family.split("-")
    whole = _sd(int(channels), folder) if kind == "sd" else _xl(int(channels), folder)
    whole.save_pretrained(folder / family, safe_serialization=True)
    return folder / family


def save_like_tiny_hands(folder: Path) -> Path:
    """Save a random checkpoint with the sizes of tiny-hands, as a diffusers folder.

    Its latents are of 24x24, and its VAE takes an eighth of the side: 192 px.
    """
    torch.manual_seed(192)
    whole = _sd(9, folder, side=24, halvings=3)
    whole.save_pretrained(folder / "like-tiny-hands", safe_serialization=True)
    return folder / "like-tiny-hands"


def _sd(channels: int, folder: Path, *, side: int = 16, halvings: int = 2) -> Any:
    return StableDiffusionInpaintPipeline(
        vae=_vae(halvings),
        text_encoder=CLIPTextModel(_text_config()),
        tokenizer=byte_tokenizer(folder),
        unet=unet(channels, sample_size=side),
        scheduler=_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _xl(channels: int, folder: Path) -> Any:
    return StableDiffusionXLInpaintPipeline(
        vae=_vae(),
        text_encoder=CLIPTextModel(_text_config()),
        text_encoder_2=CLIPTextModelWithProjection(_text_config(WIDTH_2)),
        tokenizer=byte_tokenizer(folder),
        tokenizer_2=byte_tokenizer(folder),
        unet=unet(
            channels,
            cross_attention_dim=WIDTH + WIDTH_2,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + WIDTH_2,
        ),
        scheduler=_scheduler(),
        add_watermarker=False,
    )


def unet(channels: int, **changes: Any) -> UNet2DConditionModel:
    """Make a random UNet with that many input channels."""
    options: dict[str, Any] = {
        "sample_size": 16,
        "in_channels": channels,
        "out_channels": 4,
        "block_out_channels": (16, 32),
        "layers_per_block": 1,
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
        "cross_attention_dim": WIDTH,
        "attention_head_dim": 4,
        "norm_num_groups": 8,
    }
    return UNet2DConditionModel(**(options | changes)).eval()


def _vae(halvings: int = 2) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8, *(16,) * halvings),
        down_block_types=("DownEncoderBlock2D",) * (halvings + 1),
        up_block_types=("UpDecoderBlock2D",) * (halvings + 1),
        latent_channels=4,
        layers_per_block=1,
        norm_num_groups=4,
        sample_size=64,
    ).eval()


def _scheduler() -> DDIMScheduler:
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )


def _text_config(width: int = WIDTH) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=514,
        hidden_size=width,
        intermediate_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        projection_dim=width,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
        max_position_embeddings=77,
    )


def byte_tokenizer(folder: Path) -> CLIPTokenizer:
    """Make a byte-level tokenizer: each byte, alone or at a word's end, is a token."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = [chr(byte) for byte in printable]
    letters += [chr(256 + place) for place in range(len(others))]
    words = letters + [f"{letter}</w>" for letter in letters]
    words += ["<|startoftext|>", "<|endoftext|>"]
    home = folder / "tokenizer"
    home.mkdir(parents=True, exist_ok=True)
    vocabulary = {word: place for place, word in enumerate(words)}
    (home / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (home / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    tokenizer: CLIPTokenizer = CLIPTokenizer.from_pretrained(home, model_max_length=77)
    return tokenizer
