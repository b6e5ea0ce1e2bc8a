"""Repair samples again and again with the small model, each time what came out before.

Inpainting wears a picture out, and a model that paints softly does so soonest. A run
may only make it better; what does not is refused. With the shipped model and the real
detector; fakes that paint as badly as they like are in `make test`.
"""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detectors import catalogue
from detectors.arrays import CoverArray, RgbArray
from detectors.contract import Detector
from detectors.findings import Severity
from detectors.geometry import Size
from pipeline.changes import blur
from pipeline.records import Outcome
from pipeline.settings import Settings
from pipeline.settings_file import load_settings
from pipeline.stages.blend import reach_px
from pipeline.toolbox import build_toolbox, options_for
from tests.support.checks import decoded
from tests.support.photographs import ROOT
from tests.support.pictures import encoded
from tests.support.runs import outcomes, repair
from tests.torture.rows import Row, bounded, counted, scaled

RUNS = 15
SAMPLES = ("odd-size.png", "seven-fingers.webp", "fused-fingers.png")
PROMISES = (
    "repaired 15 times, no worse than once",
    "no pixel changed outside of the masks",
    "detail lost over all of them",
)


@dataclass
class Worn:
    """One sample over all runs."""

    pictures: list[RgbArray]
    """As it came, and what each run made of it."""

    flaws: list[float]
    """Of the same: the surest flaw, 0..1; 1 where no hand is seen any more."""

    touched: CoverArray
    """(H, W) float32: 1 where any run may have changed something."""


def run(scale: float, folder: Path) -> list[Row]:
    """Return whether the samples lived through it."""
    names = SAMPLES[: scaled(len(SAMPLES), scale)]
    times = scaled(RUNS, scale, least=2)
    worn = live(names, times, folder)
    worse = [
        f"{name}: {one.flaws[1]:.2f} after one run, {one.flaws[-1]:.2f} after {times}"
        for name, one in worn.items()
        if one.flaws[-1] > one.flaws[1] + 1e-6
    ]
    strayed = [name for name, one in worn.items() if has_strayed(one)]
    lost = [
        blur(one.pictures[0], one.pictures[-1], one.touched) for one in worn.values()
    ]
    changed = [name for name, one in worn.items() if one.touched.any()]
    flaws = "; ".join(
        f"{name} {one.flaws[0]:.2f}, {one.flaws[1]:.2f}, {one.flaws[-1]:.2f}"
        for name, one in worn.items()
    )
    told = f"flaw before, after 1, after all: {flaws}"
    most = settings(0).choose.max_blur
    return [
        counted(PROMISES[0], len(worn), worse, told),
        counted(PROMISES[1], len(worn), strayed, f"{len(changed)} were repainted"),
        bounded(PROMISES[2], max(lost), most + 0.01, "octaves"),
    ]


def settings(seed: int) -> Settings:
    """Return the settings for the small model, with two variations and one pass."""
    changes = (
        f"run.seed={seed}",
        "run.min_free_mib=0",
        "detect.detectors=['hands']",
        "plan.variations=2",
        "passes.limit=1",
        "choose.retry_steps=[]",
    )
    return load_settings(
        ROOT / "configs" / "tiny-hands.toml", overrides=changes
    ).settings


def live(names: tuple[str, ...], times: int, folder: Path) -> dict[str, Worn]:
    """Run so many repairs in a row, each with another seed."""
    source = folder / "0"
    source.mkdir(parents=True)
    for name in names:
        # As PNG: a lossy WebP is coded anew as a whole, which is another wear.
        pixels = decoded((ROOT / "data" / "samples" / name).read_bytes())
        (source / as_png(name)).write_bytes(encoded(pixels, "PNG"))
    worn: dict[str, Worn] = {}
    with closing(
        catalogue.build("hands", options_for("hands", settings(0), None))
    ) as detector:
        for name in map(as_png, names):
            pixels = decoded((source / name).read_bytes())
            empty = np.zeros(pixels.shape[:2], dtype=np.float32)
            worn[name] = Worn([pixels], [flaw(pixels, detector)], empty)
        for number in range(1, times + 1):
            output = folder / str(number)
            repair(source, output, build_toolbox, settings=settings(number))
            for name, outcome in outcomes(output).items():
                pixels = decoded((output / name).read_bytes())
                note(worn[name], outcome, pixels, detector)
            source = output
    return worn


def as_png(name: str) -> str:
    return f"{Path(name).stem}.png"


def note(worn: Worn, outcome: Outcome, pixels: RgbArray, detector: Detector) -> None:
    """Take down what one run made of a sample."""
    worn.pictures.append(pixels)
    worn.flaws.append(flaw(pixels, detector))
    reach = reach_px(settings(0).plan.mask_blur_px)
    for choice in outcome.choices:
        if choice.winner is not None:
            size = Size(pixels.shape[1], pixels.shape[0])
            place = choice.box.grown(reach).clipped(size)
            worn.touched[place.rows, place.columns] = 1.0


def flaw(pixels: RgbArray, detector: Detector) -> float:
    """Return how sure the detector is of the worst hand; 1 where it sees none."""
    found = detector.inspect(pixels)
    known = [f for f in found if detector.kinds[f.kind].severity != Severity.NOTE]
    return max((finding.confidence for finding in known), default=1.0)


def has_strayed(worn: Worn) -> bool:
    changed = (worn.pictures[0] != worn.pictures[-1]).any(axis=2)
    return bool(changed[worn.touched == 0].any())
