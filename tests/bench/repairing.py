"""Where the time of a repair goes, and what a picture without a flaw costs."""

import contextlib
import io
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from detectors.arrays import RgbArray
from detectors.contract import Detector
from detectors.findings import Finding, Kind
from pipeline.metadata import Provenance
from pipeline.records import Workplace
from pipeline.runner import batch
from pipeline.runner.contract import Order, Task
from pipeline.settings import InpaintSettings, PassSettings, Settings
from pipeline.stages.detect import inspect
from pipeline.stages.save import encode
from pipeline.toolbox import Toolbox, build_toolbox
from tests.bench.detecting import opened
from tests.bench.figures import Figure, cpu_s, in_turns, ratio
from tests.support.photographs import installed
from tests.support.pictures import draw_scene, encoded
from tests.support.runs import Silent, outcomes

COPIES = 6
ROUNDS = 3
SIDE = 1024
SETTINGS = Settings(
    inpaint=InpaintSettings(engine="classical"), passes=PassSettings(limit=1)
)


class Lent:
    """A detector that outlives the runs it is used in."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    @property
    def name(self) -> str:
        return self._detector.name

    @property
    def kinds(self) -> Mapping[str, Kind]:
        return self._detector.kinds

    def inspect(self, pixels: RgbArray) -> list[Finding]:
        return self._detector.inspect(pixels)

    def close(self) -> None:
        """Leave that to whoever lent it."""


def photograph(side: int) -> RgbArray:
    """Return a photograph of coffee, or a drawn scene, as a square of that side."""
    path = installed().get("coffee.png")
    if path is None:
        return draw_scene(side, side)
    with Image.open(path) as picture:
        scaled = picture.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
        grain = np.random.default_rng(5).normal(0.0, 2.0, (side, side, 3))
        drawn: RgbArray = (np.asarray(scaled) + grain).clip(0, 255).astype(np.uint8)
    return drawn


def run() -> list[Figure]:
    """Return what saving takes of a repair, and what a clean picture costs."""
    toolbox = build_toolbox(SETTINGS, with_inpainter=True)
    try:
        with tempfile.TemporaryDirectory(prefix="nightmend-bench-") as folder:
            figures = list(_saving(Path(folder), toolbox))
            figures += _clean(Path(folder), toolbox)
    finally:
        toolbox.close()
    return figures


def _repair(source: Path, output: Path, toolbox: Toolbox, masks: Path | None) -> None:
    """Repair a folder with tools that stay for the next run."""
    place = Workplace(output, output / ".nightmend", f"bench-{output.name}")
    lent = Toolbox(tuple(Lent(one) for one in toolbox.detectors), toolbox.inpainter)
    order = Order(Task("repair", SETTINGS, place, masks), (source,))
    with contextlib.redirect_stderr(io.StringIO()):
        batch.run(order, Silent(), build_tools=lambda *_, **__: lent)


def _saving(folder: Path, toolbox: Toolbox) -> Iterator[Figure]:
    """Yield the share of encoding in a whole repair of one region of 128 px."""
    source, masks = folder / "one", folder / "mask.png"
    source.mkdir()
    pixels = photograph(SIDE)
    (source / "a.png").write_bytes(encoded(pixels, "PNG"))
    drawn = np.zeros((SIDE, SIDE), np.uint8)
    drawn[60:188, 60:188] = 255
    cv2.imwrite(str(masks), drawn)
    _repair(source, folder / "one-out", toolbox, masks)
    outcome = outcomes(folder / "one-out")["a.png"]
    stages = dict(outcome.stage_seconds)
    picture = opened(source / "a.png")
    entry = Provenance(version="0", passes=1)
    taken = in_turns(
        {
            "ours": partial(encode, picture, pixels, entry),
            "bare": partial(cv2.imencode, ".png", pixels),
            "pillow": partial(encoded, pixels, "PNG"),
        },
        2 * ROUNDS + 1,
    )
    saving_s = sorted(one.wall_s for one in taken["ours"])[ROUNDS]
    work_s = sum(stages.get(name, 0.0) for name in ("detect", "paint", "score"))
    for name, seconds in stages.items():
        share = seconds / outcome.took_s
        yield Figure(f"repair of 1 MP, share of the stage {name}", share, "of 1")
    yield Figure(
        "PNG encoding over detecting, painting and judging", saving_s / work_s, "x"
    )
    yield Figure(
        "saving a PNG, checked by decoding, over Pillow's default encoder",
        ratio(taken["ours"], taken["pillow"]),
        "x",
    )
    yield Figure(
        "OpenCV's PNG encoder over Pillow's default",
        ratio(taken["bare"], taken["pillow"]),
        "x",
    )


def _clean(folder: Path, toolbox: Toolbox) -> Iterator[Figure]:
    """Yield what a run adds to decoding and looking on a picture without a flaw.

    What is added is a few milliseconds, which would drown in the variation of looking
    itself. So it is measured beside the quickest detector, and set against all.
    """
    source = folder / "clean"
    source.mkdir()
    for number in range(COPIES):
        pixels = photograph(640)[:512]
        pixels[0, 0] = number
        (source / f"{number}.png").write_bytes(encoded(pixels, "PNG"))
    paths = sorted(source.iterdir())
    numbers = iter(range(10_000))
    quickest = tuple(one for one in toolbox.detectors if one.name == "quality")

    def look(detectors: tuple[Detector, ...]) -> None:
        for path in paths:
            inspect(opened(path).pixels, detectors)

    def repair() -> None:
        tools = Toolbox(quickest, toolbox.inpainter)
        _repair(source, folder / f"out-{next(numbers)}", tools, None)

    look(toolbox.detectors)
    whole = in_turns({"look": partial(look, toolbox.detectors)}, ROUNDS)["look"]
    taken = in_turns({"look": partial(look, quickest), "run": repair}, 2 * ROUNDS + 1)
    ended = {one.status.value for one in outcomes(folder / "out-0").values()}
    if ended != {"clean"}:
        raise RuntimeError(f"the picture that was to be clean is {sorted(ended)}")
    added_s = cpu_s(taken["run"]) - cpu_s(taken["look"])
    added_ms = 1000 * added_s / COPIES
    yield Figure("a run adds to a clean picture of 640x512", added_ms, "CPU ms")
    name = "a clean picture in a run over decoding and detecting"
    yield Figure(name, 1 + added_s / cpu_s(whole), "x", 1.05)
