"""Draw malformed hands, and repair each as the program does, keeping all variations."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import MaskArray, RgbArray, size_of
from detectors.findings import Finding
from detectors.geometry import Box
from pipeline.bench import Bench
from pipeline.inpainters.contract import Inpainter
from pipeline.records import ImageRef, Picture
from pipeline.settings import Settings
from pipeline.stages import choose, mask, score
from pipeline.stages.detect import inspect
from pipeline.toolbox import Toolbox
from pipeline.trial import Trial
from workshop.tiny_hands.counter import box_of
from workshop.tiny_hands.pictures import FIRST_SEED, draw_pair

FIRST = FIRST_SEED - 1_000_000
"""Seeds below those that were trained on."""

SIDE = 320
"""Side of a drawn picture in pixels."""

SMALL_SIDE, LARGE_SIDE = 144, 512
"""Of a small hand's surroundings, and of the picture that they are in the middle of."""

WORKING_PX = 320
"""As in configs/tiny-hands.toml. The networks learned at 192 px. At 224 px hands are
softer than here; at 448 px their joints begin to swell."""

MAX_BLUR, MIN_FLAW_DROP = 0.5, 0.6
"""As in configs/tiny-hands.toml."""

GROWN_PX = 10
SOUND_PROMPT = "perfect hand, five fingers, natural pose, detailed skin"
BAD_PROMPT = "malformed hand, extra fingers, missing fingers, fused fingers"


@dataclass(eq=False)
class Gallery:
    """An album in memory."""

    kept: dict[str, npt.NDArray[Any]] = field(default_factory=dict)

    def keep(self, _key: str, name: str, array: npt.NDArray[Any]) -> str:
        self.kept[name] = array
        return name

    def keep_thumb(self, _key: str, _digest: str, _pixels: RgbArray) -> None:
        """Do without."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One malformed hand with all that is known about it."""

    seed: int
    kind: str
    style: str
    pixels: RgbArray
    twin: RgbArray
    mask: MaskArray
    """(H, W), True = repaint."""

    box: tuple[int, int, int, int]
    """x0, y0, x1, y1 of the hand, its twin's included."""

    visible: int
    """Digits that its twin shows."""


def draw_case(number: int, *, small: bool = False) -> Case:
    """Draw one malformed hand and its twin; a function of its arguments alone.

    Args:
        number: Decides everything.
        small: Draw the hand small, and continue the picture's edges around it.
    """
    flawed, twin = draw_pair(FIRST + number, SMALL_SIDE if small else SIDE)
    margin = (LARGE_SIDE - SMALL_SIDE) // 2 if small else 0
    either = _framed(flawed.hand | twin.hand, margin)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * GROWN_PX + 1,) * 2)
    grown = cv2.dilate(either.astype(np.uint8), disc) > 0
    return Case(
        FIRST + number,
        flawed.kind,
        flawed.style,
        _framed(flawed.pixels, margin),
        _framed(twin.pixels, margin),
        grown,
        box_of(either),
        twin.visible_digits,
    )


def _framed(plane: npt.NDArray[Any], margin: int) -> npt.NDArray[Any]:
    """Continue a picture's edges outwards, or put nothing around a mask."""
    sides = ((margin, margin), (margin, margin))
    if plane.ndim == 2:
        return np.pad(plane, sides)
    return np.pad(plane, (*sides, (0, 0)), mode="edge")


def trial_of(
    case: Case, settings: Settings, toolbox: Toolbox, inpainter: Inpainter
) -> tuple[Trial, Gallery]:
    """Lay one hand out for repair, as the program does with a flaw that it found.

    The flaw is told, not looked for: what is measured is painting and choosing.
    """
    gallery = Gallery()
    picture = Picture(
        ImageRef(Path(), f"{case.seed}.png", f"{case.seed:064x}"),
        case.pixels,
        None,
        "PNG",
        "RGB",
        1,
        b"",
    )
    kinds = {**toolbox.kinds, **mask.USER_KINDS}
    scale = score.Scale(
        lambda pixels: inspect(pixels, toolbox.detectors), kinds, settings.score
    )
    bench = Bench(picture, inpainter, gallery, settings, scale)
    box = Box(*box_of(case.mask))
    flaw = Finding(
        "hands",
        "hand/malformed",
        box,
        1.0,
        outline=case.mask[box.rows, box.columns],
    )
    planned = mask.plan_patches(
        (flaw,),
        size_of(case.pixels),
        settings.mask,
        apart_px=1,
        seen=inspect(case.pixels, toolbox.detectors).findings,
    )
    return Trial(planned.patches[0], case.pixels, bench, 1), gallery


def repair(
    case: Case, settings: Settings, toolbox: Toolbox, inpainter: Inpainter
) -> tuple[Trial, Gallery]:
    """Paint all variations of one hand, and let the program judge each."""
    trial, gallery = trial_of(case, settings, toolbox, inpainter)
    for candidate in inpainter.paint(trial.ask(settings.plan.strength)):
        trial.judge(candidate)
    return trial, gallery


def best_of(
    n: int, case: Case, trial: Trial, gallery: Gallery, settings: Settings
) -> tuple[RgbArray, float]:
    """Return the picture as it ends with the first n variations, and its seam."""
    conclusion = trial.conclude()
    tried = [(a.number, a.cost) for a in trial.attempts if a.number < n]
    verdict = choose.choose(conclusion.cost_before, tried, settings.choose)
    after = case.pixels.copy()
    if verdict.winner is not None:
        window = conclusion.window
        patch = trial.patch.number
        name = f"p1-r{patch}-v{verdict.winner}"
        after[window.rows, window.columns] = gallery.kept[name]
    return after, verdict.cost.seam


def settings_for(model: Path, variations: int, steps: int, **changes: Any) -> Settings:
    """Return the settings of the row "tiny-hands", with some of them changed.

    A ControlNet beside the model, in `MODEL-pose`, or in it, steers by the hand's pose.
    """
    beside = (model.parent / f"{model.name}-pose", model / "controlnet")
    control = next((folder for folder in beside if folder.is_dir()), None)
    plain: dict[str, dict[str, Any]] = {
        "detect": {"detectors": ("hands",)},
        "mask": {
            "grow_px": 0,
            "margin_share": 0.0,
            "use_people": False,
            "max_area_share": 1.0,
            "merge_px": 128,
        },
        "plan": {"variations": variations, "working_px": WORKING_PX},
        "choose": {"max_blur": MAX_BLUR, "min_flaw_drop": MIN_FLAW_DROP},
        "prompt": {"prompt": SOUND_PROMPT, "negative_prompt": BAD_PROMPT},
        "inpaint": {
            "removal": "model",
            "model": str(model),
            "steps": steps,
            "scheduler": "unipc",
            "guidance_scale": 1.0,
        },
    }
    if control is not None:
        plain["inpaint"] |= {"control": "hand-pose", "control_model": str(control)}
    for name, value in changes.items():
        section, _, key = name.partition(".")
        plain.setdefault(section, {})[key] = value
    return Settings.model_validate(plain)
