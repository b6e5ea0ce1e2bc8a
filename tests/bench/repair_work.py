"""The work that engines are compared on: drawn regions, tiny networks, scripted scores.

Nothing here says anything of picture quality: the weights are random, and what a
variation is worth is drawn by region and number. So every engine that paints the same
variations gets the same scores, and what differs is how much it computes for them.
"""

import functools
import hashlib
import math
import resource
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionInpaintPipeline
from transformers import CLIPTextConfig, CLIPTextModel

from detectors.geometry import Size
from pipeline.inpainters.diffusion.checkpoint import Checkpoint
from pipeline.records import PaintRequest
from tests.pipeline.inpainters.requests import hole, request, stripes
from tests.pipeline.inpainters.tiny import byte_tokenizer, unet

SIDE = 128
STEPS, STRENGTH, GUIDANCE = 28, 0.4, 7.0
STEPS_RUN = int(STEPS * STRENGTH)
PROMPT, NEGATIVE = "perfect hand, five fingers", "extra fingers, deformed"
WIDTH = 32
REGIONS_OF = (1, 2, 3, 2)
"""Regions of the flawed pictures, over and over; a clean one follows on each."""


@dataclass(frozen=True)
class Script:
    """What variations are worth."""

    variations: int
    passes: float
    """The probability that one passes."""

    regions: int

    def cost(self, region: int, number: int) -> float:
        """Return the cost of a variation, in 0..1; it passes below `passes`."""
        share, first = _hashed(f"{region}:{number}"), self._first_pass(region)
        if number < first:
            return self.passes + (1 - self.passes) * share
        return self.passes * share if number == first else share

    def runs_needed(self, region: int) -> int:
        """Return how many variations are painted up to the first that passes."""
        return min(self._first_pass(region) + 1, self.variations)

    @property
    def runs_expected(self) -> float:
        """The mean of `runs_needed` over endlessly many regions."""
        return float((1 - (1 - self.passes) ** self.variations) / self.passes)

    def _first_pass(self, region: int) -> int:
        """Return the number of the first variation that passes.

        Quantiles of the geometric distribution, handed out to the regions in a drawn
        order: so the few regions of one run need as many variations as many would.
        """
        place = _order(self.regions)[region]
        share = 1 - (place + 0.5) / self.regions
        return int(math.log(share) / math.log(1 - self.passes))


@functools.cache
def _order(regions: int) -> tuple[int, ...]:
    drawn = sorted(range(regions), key=lambda region: _hashed(f"order {region}"))
    places = {region: place for place, region in enumerate(drawn)}
    return tuple(places[region] for region in range(regions))


def _hashed(text: str) -> float:
    """Return a number in 0..1 that a text always gives."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64


@dataclass(frozen=True, eq=False)
class Drawn:
    """A picture: the numbers of its regions; none when it is clean."""

    regions: tuple[int, ...]


def pictures(regions: int) -> tuple[Drawn, ...]:
    """Return pictures with so many regions in all, every second one clean."""
    shown: list[Drawn] = []
    first = 0
    while first < regions:
        count = REGIONS_OF[len(shown) // 2 % len(REGIONS_OF)]
        last = min(first + count, regions)
        shown += [Drawn(tuple(range(first, last))), Drawn(())]
        first = last
    return tuple(shown)


@functools.cache
def asked(region: int, script: Script) -> PaintRequest:
    """Ask for all variations of a region, cut out at working size."""
    return request(
        stripes(SIDE, SIDE, seed=region),
        hole(SIDE, SIDE, (SIDE // 4, SIDE // 4, SIDE * 3 // 4, SIDE * 3 // 4)),
        seeds=tuple(seed_of(region, n) for n in range(script.variations)),
        working=Size(SIDE, SIDE),
        strength=STRENGTH,
        blur_px=0,
        prompt=PROMPT,
        negative_prompt=NEGATIVE,
        patch=region,
    )


def seed_of(region: int, number: int) -> int:
    return region * 1000 + number


@dataclass
class Spent:
    """What the networks did, and for how long."""

    counts: Counter[str] = field(default_factory=Counter)
    """Samples of "unet", "encode", "decode", and calls of "text"."""

    cpu_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def wrap(self, owner: Any, method: str, name: str) -> None:
        """Count and time a method of a network."""
        work: Callable[..., Any] = getattr(owner, method)

        def counted(*given: Any, **named: Any) -> Any:
            began = time.process_time()
            try:
                return work(*given, **named)
            finally:
                self.cpu_s[name] += time.process_time() - began
                samples = 1 if name == "text" else int(given[0].shape[0])
                self.counts[name] += samples

        setattr(owner, method, counted)


@dataclass
class Bare:
    """The UNet alone over full batches, now and then while an engine works.

    Taken in the midst of the work, since a busy machine makes the same computation
    dearer by half from one minute to the next.
    """

    unet: Any
    samples: int = 0
    cpu_s: float = 0.0

    def take(self, rows: int) -> None:
        """Run it once over so many samples."""
        side = SIDE // 8
        inputs, times = torch.randn(rows, 4, side, side), torch.full((rows,), 500.0)
        hidden = torch.randn(rows, 77, WIDTH)
        began = time.process_time()
        with torch.inference_mode():
            # Past what counts the calls of engines.
            type(self.unet).forward(
                self.unet, inputs, times, encoder_hidden_states=hidden
            )
        self.cpu_s += time.process_time() - began
        self.samples += rows


@dataclass(frozen=True, eq=False)
class Networks:
    """One set of tiny networks, as diffusers' pipeline and as our checkpoint."""

    whole: Any
    checkpoint: Checkpoint
    spent: Spent
    bare: Bare


def networks() -> Networks:
    """Build a plain Stable Diffusion of 0.8 M parameters in its UNet, at random."""
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory(prefix="nightmend-bench-") as folder:
        tokenizer = byte_tokenizer(Path(folder))
    whole = StableDiffusionInpaintPipeline(
        vae=_vae(),
        text_encoder=CLIPTextModel(_text()).eval(),
        tokenizer=tokenizer,
        unet=_unet(),
        scheduler=DDIMScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            clip_sample=False,
            set_alpha_to_one=False,
            steps_offset=1,
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    whole.set_progress_bar_config(disable=True)
    for network in (whole.unet, whole.vae, whole.text_encoder):
        network.requires_grad_(False)
    spent = Spent()
    spent.wrap(whole.unet, "forward", "unet")
    spent.wrap(whole.vae, "encode", "encode")
    spent.wrap(whole.vae, "decode", "decode")
    spent.wrap(whole.text_encoder, "forward", "text")
    checkpoint = Checkpoint(
        name="tiny",
        unet=whole.unet,
        vae=whole.vae,
        tokenizers=(tokenizer,),
        text_encoders=(whole.text_encoder,),
        scheduler_config=dict(whole.scheduler.config),
        device=torch.device("cpu"),
        dtype=torch.float32,
        xl=False,
    )
    return Networks(whole, checkpoint, spent, Bare(whole.unet))


def _unet() -> Any:
    return unet(
        4,
        sample_size=64,
        block_out_channels=(32, 64),
        cross_attention_dim=WIDTH,
        norm_num_groups=32,
    )


def _vae() -> Any:
    return AutoencoderKL(
        block_out_channels=(16, 32, 32, 32),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        layers_per_block=1,
        norm_num_groups=16,
        sample_size=512,
    ).eval()


def _text() -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=514,
        hidden_size=WIDTH,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        projection_dim=WIDTH,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
        max_position_embeddings=77,
    )


@contextmanager
def peak_memory(seen: dict[str, float]) -> Iterator[None]:
    """Note by how many MiB the process grew at most, under "grew_mib"."""
    before = _resident_mib()
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield
    seen["grew_mib"] = max(0.0, _status_mib("VmHWM") - before)


def _resident_mib() -> float:
    return _status_mib("VmRSS")


def _status_mib(name: str) -> float:
    try:
        text = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lines: Mapping[str, str] = dict(
        line.split(":", 1) for line in text.splitlines() if ":" in line
    )
    return float(lines[name].split()[0]) / 1024
