"""The shapes of the small checkpoint: VAE, UNet, text encoder, tokenizer, schedule.

All of them are ordinary diffusers and transformers classes, so that the result loads
like any Stable Diffusion inpainting checkpoint.
"""

import json
from pathlib import Path

import numpy as np
import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    DDIMScheduler,
    UNet2DConditionModel,
)
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from detectors.geometry import Size
from pipeline.inpainters.diffusion.control_picture import draw_hands

INPAINTING, PLAIN = 9, 4
"""Channels that a UNet is told: noisy latents (4), mask (1), masked picture (4)."""

TEXT_WIDTH = 128
TOKENS = 77
START, END = "<|startoftext|>", "<|endoftext|>"


def make_vae() -> AutoencoderKL:
    """Return an untrained VAE: four latent channels, an eighth of the side.

    An eighth, as in Stable Diffusion: a finger in a 192 px cut-out is 18 px wide, two
    latent pixels, and the UNet has a quarter of the places to work on that a VAE of a
    fourth would give it. Few channels at the full side, where nearly all time goes.
    """
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(16, 32, 96, 128),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=192,
        mid_block_add_attention=False,
    )


def make_unet(channels: int = INPAINTING) -> UNet2DConditionModel:
    """Return an untrained UNet for 24x24 latents (192 px).

    Args:
        channels: 9 for one that is also told mask and surroundings; 4 for one that
            only knows noisy latents.
    """
    return UNet2DConditionModel(
        sample_size=24,
        in_channels=channels,
        out_channels=4,
        block_out_channels=(96, 144, 144),
        layers_per_block=1,
        down_block_types=(
            "DownBlock2D",
            "CrossAttnDownBlock2D",
            "CrossAttnDownBlock2D",
        ),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,
        norm_num_groups=16,
    )


LOUDNESS = 0.5
"""Standard deviation of what lines change in a latent; noisy latents bring about as
much to the same place."""


def make_control(unet: UNet2DConditionModel) -> ControlNetModel:
    """Return a ControlNet for hand skeletons that begins with a UNet's kernels.

    It does without attention: what a line of the skeleton says holds near the line, and
    2.1 M weights are enough to carry it there. What it hands on is zero at first.
    """
    control = ControlNetModel(
        in_channels=4,
        conditioning_channels=3,
        block_out_channels=unet.config.block_out_channels,
        layers_per_block=1,
        down_block_types=("DownBlock2D",) * 3,
        mid_block_type="UNetMidBlock2D",
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,
        norm_num_groups=16,
        conditioning_embedding_out_channels=(8, 16, 32, 64),
    )
    mine = control.state_dict()
    alike = {
        name: value
        for name, value in unet.state_dict().items()
        if name in mine and mine[name].shape == value.shape
    }
    control.load_state_dict(mine | alike)
    _awaken(control.controlnet_cond_embedding)
    return control


@torch.no_grad()
def _awaken(embedding: ControlNetConditioningEmbedding) -> None:
    """Make thin lines as loud as latents are, from the first step on.

    Usually the last kernel begins at zero, and thin lines go unheard for hundreds of
    steps. Here each kernel is scaled until what lines change has the wanted spread
    after it.
    """
    rng = np.random.default_rng(0)
    hands = rng.uniform(56, 136, size=(8, 21, 2))
    drawn = np.stack([draw_hands([joints], Size(192, 192)) for joints in hands])
    lines = torch.from_numpy(drawn).permute(0, 3, 1, 2).float() / 255
    torch.nn.init.kaiming_normal_(embedding.conv_out.weight)
    kernels = [embedding.conv_in, *embedding.blocks, embedding.conv_out]
    heard: list[torch.Tensor] = []
    for kernel in kernels:
        hook = kernel.register_forward_hook(lambda _, __, out: heard.append(out))
        embedding(lines)
        embedding(torch.zeros_like(lines))
        hook.remove()
        with_lines, blank = heard
        heard.clear()
        kernel.weight.mul_(LOUDNESS / (with_lines - blank).std())


def make_text_encoder(vocabulary_size: int) -> CLIPTextModel:
    """Return an untrained text encoder for a vocabulary that ends with START, END."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=vocabulary_size,
            hidden_size=TEXT_WIDTH,
            intermediate_size=2 * TEXT_WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=TOKENS,
            projection_dim=TEXT_WIDTH,
            bos_token_id=vocabulary_size - 2,
            eos_token_id=vocabulary_size - 1,
            pad_token_id=vocabulary_size - 1,
        )
    )


def make_schedule() -> DDIMScheduler:
    """Return Stable Diffusion's noise schedule, with the velocity as target."""
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type="v_prediction",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        timestep_spacing="trailing",
    )


def write_tokenizer(folder: Path, words: list[str]) -> CLIPTokenizer:
    """Write a byte-level tokenizer in which each given word is one token.

    Args:
        folder: Where `vocab.json` and `merges.txt` go.
        words: Lower-case words; others are spelt out in bytes.
    """
    alphabet = _byte_alphabet()
    tokens = alphabet + [letter + "</w>" for letter in alphabet]
    merges: list[str] = []
    for word in words:
        left = word[0]
        for position, letter in enumerate(word[1:], start=1):
            last = position == len(word) - 1
            right = letter + "</w>" if last else letter
            if f"{left} {right}" not in merges:
                merges.append(f"{left} {right}")
                tokens.append(left + right)
            left += right
    tokens = [*dict.fromkeys(tokens), START, END]
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {token: number for number, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]))
    settings = {"tokenizer_class": "CLIPTokenizer", "model_max_length": TOKENS}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
    return CLIPTokenizer.from_pretrained(str(folder))


def _byte_alphabet() -> list[str]:
    """Return the 256 printable characters that stand for bytes in CLIP's vocabulary."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [
        chr(256 + number) for number in range(len(others))
    ]
