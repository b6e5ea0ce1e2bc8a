"""Ways to paint the best of N: ours, and how others do it, over the same networks."""

import importlib
import importlib.util
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageFilter

from pipeline.inpainters.diffusion.engine import DiffusionInpainter
from pipeline.inpainters.diffusion.slots import SlotBatch
from pipeline.records import Ask, Candidate, FlowStep, PaintRequest, Reply
from pipeline.runner.several import Several
from pipeline.settings import InpaintSettings
from tests.bench.repair_work import (
    GUIDANCE,
    NEGATIVE,
    PROMPT,
    SIDE,
    STEPS,
    STRENGTH,
    Drawn,
    Networks,
    Script,
    asked,
    seed_of,
)

SLOTS = 8
BARE_EVERY = 6
Costs = dict[int, float]
"""The cost of what was kept of each region."""

DILATION_PX, BLUR_PX = 4, 4
"""What asdff does to a mask by default."""


@dataclass(frozen=True)
class Done:
    """What an engine ended with."""

    costs: Costs
    occupancy: float | None = None


Engine = Callable[[Networks, tuple[Drawn, ...], Script], Done]


def ours(nets: Networks, shown: tuple[Drawn, ...], script: Script) -> Done:
    """Paint several pictures at a time, each region until one variation passes."""
    return _ours(nets, shown, script, stops=True)


def ours_all(nets: Networks, shown: tuple[Drawn, ...], script: Script) -> Done:
    """Paint several pictures at a time, all variations of each region."""
    return _ours(nets, shown, script, stops=False)


def pipe_loop(nets: Networks, shown: tuple[Drawn, ...], script: Script) -> Done:
    """Call diffusers' pipeline once per variation."""
    return _loop(nets, shown, script, stops=False)


def pipe_loop_stop(nets: Networks, shown: tuple[Drawn, ...], script: Script) -> Done:
    """Call diffusers' pipeline once per variation, until one passes."""
    return _loop(nets, shown, script, stops=True)


def pipe_batch(nets: Networks, shown: tuple[Drawn, ...], script: Script) -> Done:
    """Call diffusers' pipeline once per region, for all variations."""
    costs: Costs = {}
    for region in _regions(shown):
        one = asked(region, script)
        count = script.variations
        _call(
            nets.whole, one, [_generator(s) for s in one.seeds], images_per_prompt=count
        )
        costs[region] = min(script.cost(region, number) for number in range(count))
    return Done(costs)


def asdff(nets: Networks, shown: tuple[Drawn, ...], script: Script) -> Done:
    """Paint as asdff does: one call per mask, and the whole of it N times for N."""
    painter = _installed_asdff(nets) or _like_asdff(nets)
    costs: Costs = {}
    for region in _regions(shown):
        one = asked(region, script)
        picture = Image.fromarray(one.pixels)
        mask = Image.fromarray(one.mask.astype(np.uint8) * 255)
        for seed in one.seeds:
            painter(picture, mask, _generator(seed))
        costs[region] = min(script.cost(region, n) for n in range(script.variations))
    return Done(costs)


ENGINES: Mapping[str, Engine] = {
    "ours": ours,
    "ours-all": ours_all,
    "pipe-loop": pipe_loop,
    "pipe-loop-stop": pipe_loop_stop,
    "pipe-batch": pipe_batch,
    "asdff": asdff,
}


def has_asdff() -> bool:
    """Tell whether the package itself is installed."""
    return importlib.util.find_spec("asdff") is not None


def _ours(
    nets: Networks, shown: tuple[Drawn, ...], script: Script, *, stops: bool
) -> Done:
    settings = InpaintSettings(
        steps=STEPS, scheduler="ddim", guidance_scale=GUIDANCE, batch=SLOTS
    )
    batch = DiffusionInpainter(nets.checkpoint, settings).open(sparing=stops)
    several = Several[Costs](batch)
    costs: Costs = {}
    waiting = list(shown)
    turns = 0
    while waiting or several.under_way:
        turns += 1
        if turns % BARE_EVERY == 0:
            nets.bare.take(2 * SLOTS)
        while waiting and several.room:
            flow = _flow(waiting.pop(0), script, stops=stops)
            for ended in several.begin(flow):
                costs |= ended
        for ended in several.turn():
            costs |= ended
    if not isinstance(batch, SlotBatch):
        raise TypeError("the engine has no slots")
    return Done(costs, batch.tally.occupancy(SLOTS))


def _flow(
    picture: Drawn, script: Script, *, stops: bool
) -> Generator[FlowStep, Candidate | None, Costs]:
    """Ask for all regions of a picture, and judge by the script."""
    costs: Costs = {}
    if not picture.regions:
        return costs
    got = yield Ask(tuple(asked(region, script) for region in picture.regions))
    while got is not None:
        if got.pixels is None:
            raise RuntimeError(f"a variation failed: {got.problem}")
        cost = script.cost(got.patch, got.number)
        costs[got.patch] = min(cost, costs.get(got.patch, 1.0))
        passed = stops and cost < script.passes
        got = yield Reply.ENOUGH if passed else Reply.MORE
    return costs


def _loop(
    nets: Networks, shown: tuple[Drawn, ...], script: Script, *, stops: bool
) -> Done:
    costs: Costs = {}
    for region in _regions(shown):
        one = asked(region, script)
        for number in range(script.variations):
            _call(nets.whole, one, _generator(seed_of(region, number)))
            cost = script.cost(region, number)
            costs[region] = min(cost, costs.get(region, 1.0))
            if stops and cost < script.passes:
                break
    return Done(costs)


def _call(
    whole: Any, one: PaintRequest, generator: Any, *, images_per_prompt: int = 1
) -> None:
    with torch.no_grad():
        whole(
            PROMPT,
            negative_prompt=NEGATIVE,
            image=Image.fromarray(one.pixels),
            mask_image=Image.fromarray(one.mask.astype(np.uint8) * 255),
            height=SIDE,
            width=SIDE,
            num_inference_steps=STEPS,
            strength=STRENGTH,
            guidance_scale=GUIDANCE,
            generator=generator,
            num_images_per_prompt=images_per_prompt,
        )


def _installed_asdff(nets: Networks) -> Callable[..., None] | None:
    """Return asdff itself, given the mask that its detector would find."""
    if not has_asdff():
        return None
    whole = nets.whole
    painter = importlib.import_module("asdff").AdPipeline(
        vae=whole.vae,
        text_encoder=whole.text_encoder,
        tokenizer=whole.tokenizer,
        unet=whole.unet,
        scheduler=whole.scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    painter.inpaint_pipeline.set_progress_bar_config(disable=True)

    def paint(picture: Image.Image, mask: Image.Image, generator: Any) -> None:
        with torch.no_grad():
            painter(
                common={
                    "prompt": PROMPT,
                    "negative_prompt": NEGATIVE,
                    "num_inference_steps": STEPS,
                    "guidance_scale": GUIDANCE,
                    "generator": generator,
                    "height": SIDE,
                    "width": SIDE,
                },
                inpaint_only={"strength": STRENGTH},
                images=[picture],
                detectors=[lambda _picture: [mask]],
                mask_padding=SIDE,
            )

    return paint


def _like_asdff(nets: Networks) -> Callable[..., None]:
    """Return a stand-in that makes the calls that asdff 0.2.1 makes (`base.py`)."""

    def paint(picture: Image.Image, mask: Image.Image, generator: Any) -> None:
        wide = mask.filter(ImageFilter.MaxFilter(DILATION_PX + 1))
        soft = wide.filter(ImageFilter.GaussianBlur(BLUR_PX))
        with torch.no_grad():
            told = nets.whole(
                PROMPT,
                negative_prompt=NEGATIVE,
                image=picture.copy(),
                mask_image=soft,
                height=SIDE,
                width=SIDE,
                num_inference_steps=STEPS,
                strength=STRENGTH,
                guidance_scale=GUIDANCE,
                generator=generator,
                num_images_per_prompt=1,
                output_type="pil",
            )
        Image.composite(told.images[0].resize(picture.size), picture, soft)

    return paint


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _regions(shown: tuple[Drawn, ...]) -> list[int]:
    return [region for picture in shown for region in picture.regions]
