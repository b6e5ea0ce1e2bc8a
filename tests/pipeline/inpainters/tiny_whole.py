"""Whole pipelines with a transformer, random and so small that a call takes 0.2 s."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers

from tests.pipeline.inpainters.tiny import byte_tokenizer

CHAT = "{% for message in messages %}{{ message.content }}{% endfor %}"
SPECIAL = ("<pad>", "<|im_start|>", "<|im_end|>", "<|endoftext|>")
WIDTH = 16
"""Of all text encoders."""


def save_whole(name: str, folder: Path) -> Path:
    """Save a random model of `WHOLES` as a diffusers folder and return the folder."""
    torch.manual_seed(len(name))
    home = folder / name
    WHOLES[name](folder / f"{name}-words").save_pretrained(home)
    return home


def _flux_fill(words: Path) -> Any:
    # Noise, masked picture and mask side by side, each in patches of 2x2.
    channels = 4 * 4 + 4 * 4 + 4 * 4 * 4
    return diffusers.FluxFillPipeline(**_flux(words, channels))


def _flux_plain(words: Path) -> Any:
    return diffusers.FluxPipeline(**_flux(words, 4 * 4))


def _flux(words: Path, channels: int) -> dict[str, Any]:
    return {
        "scheduler": diffusers.FlowMatchEulerDiscreteScheduler(),
        "vae": _vae(4),
        "text_encoder": transformers.CLIPTextModel(_clip()),
        "tokenizer": byte_tokenizer(words),
        "text_encoder_2": transformers.T5EncoderModel(_t5()),
        "tokenizer_2": _byte_tokens(words),
        "transformer": diffusers.FluxTransformer2DModel(
            in_channels=channels,
            out_channels=4 * 4,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=WIDTH,
            pooled_projection_dim=WIDTH,
            guidance_embeds=True,
            axes_dims_rope=(4, 4, 8),
        ),
    }


def _sd3(words: Path) -> Any:
    projected = transformers.CLIPTextModelWithProjection
    return diffusers.StableDiffusion3Pipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        vae=_vae(16),
        text_encoder=projected(_clip()),
        tokenizer=byte_tokenizer(words),
        text_encoder_2=projected(_clip()),
        tokenizer_2=byte_tokenizer(words),
        text_encoder_3=None,
        tokenizer_3=None,
        transformer=diffusers.SD3Transformer2DModel(
            sample_size=16,
            patch_size=2,
            in_channels=16,
            num_layers=1,
            attention_head_dim=8,
            num_attention_heads=4,
            joint_attention_dim=2 * WIDTH,
            caption_projection_dim=32,
            pooled_projection_dim=2 * WIDTH,
            out_channels=16,
        ),
    )


def _qwen_image(words: Path) -> Any:
    language = {
        "hidden_size": WIDTH,
        "intermediate_size": WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "rope_parameters": {
            "mrope_section": [1, 1, 2],
            "rope_type": "default",
            "rope_theta": 1e6,
        },
        "vocab_size": 512,
    }
    vision = {
        "depth": 2,
        "hidden_size": WIDTH,
        "intermediate_size": WIDTH,
        "num_heads": 2,
        "out_hidden_size": WIDTH,
    }
    config = transformers.Qwen2_5_VLConfig(text_config=language, vision_config=vision)
    return diffusers.QwenImagePipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        vae=diffusers.AutoencoderKLQwenImage(
            base_dim=4 * 6,
            z_dim=4,
            dim_mult=[1, 2, 4],
            num_res_blocks=1,
            temperal_downsample=[False, True],
            latents_mean=[0.0] * 4,
            latents_std=[1.0] * 4,
        ),
        text_encoder=transformers.Qwen2_5_VLForConditionalGeneration(config),
        tokenizer=_byte_tokens(words),
        transformer=diffusers.QwenImageTransformer2DModel(
            patch_size=2,
            in_channels=4 * 4,
            out_channels=4,
            num_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=WIDTH,
            guidance_embeds=False,
            axes_dims_rope=(4, 4, 8),
        ),
    )


def _z_image(words: Path) -> Any:
    config = transformers.Qwen3Config(
        hidden_size=WIDTH,
        intermediate_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        vocab_size=512,
    )
    return diffusers.ZImagePipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        vae=_vae(16),
        text_encoder=transformers.Qwen3Model(config),
        tokenizer=_byte_tokens(words),
        transformer=diffusers.ZImageTransformer2DModel(
            all_patch_size=(2,),
            all_f_patch_size=(1,),
            in_channels=16,
            dim=32,
            n_layers=1,
            n_refiner_layers=1,
            n_heads=2,
            n_kv_heads=2,
            cap_feat_dim=WIDTH,
            axes_dims=[8, 4, 4],
            axes_lens=[256, 32, 32],
        ),
    )


WHOLES: Mapping[str, Callable[[Path], Any]] = {
    "flux-fill": _flux_fill,
    "flux": _flux_plain,
    "sd3": _sd3,
    "qwen-image": _qwen_image,
    "z-image-turbo": _z_image,
}


def _vae(channels: int) -> Any:
    return diffusers.AutoencoderKL(
        block_out_channels=(8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        latent_channels=channels,
        layers_per_block=1,
        norm_num_groups=4,
        sample_size=64,
        shift_factor=0.06,
        scaling_factor=1.5,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )


def _clip() -> Any:
    return transformers.CLIPTextConfig(
        vocab_size=514,
        hidden_size=WIDTH,
        intermediate_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        projection_dim=WIDTH,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
        max_position_embeddings=77,
    )


def _t5() -> Any:
    return transformers.T5Config(
        vocab_size=512,
        d_model=WIDTH,
        d_kv=8,
        d_ff=WIDTH,
        num_layers=1,
        num_heads=2,
        pad_token_id=0,
    )


def _byte_tokens(words: Path) -> Any:
    """Make a tokenizer whose tokens are bytes."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {word: place for place, word in enumerate([*SPECIAL, *letters])}
    raw = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.mkdir(parents=True, exist_ok=True)
    raw.save(str(words / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": CHAT}
    (words / "tokenizer_config.json").write_text(json.dumps(config))
    return transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(words / "tokenizer.json"),
        pad_token="<pad>",
        eos_token="<|endoftext|>",
        chat_template=CHAT,
        model_max_length=512,
    )
