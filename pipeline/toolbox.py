"""Build the detectors and the inpainter, once per process."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from detectors import catalogue as detector_catalogue
from detectors.contract import Detector
from detectors.findings import Finding, Kind
from pipeline.inpainters import catalogue as inpainter_catalogue
from pipeline.inpainters.contract import Inpainter
from pipeline.settings import Settings
from pipeline.stopwatch import OnStage, nobody

log = logging.getLogger(__name__)

FACES_NATIVE_PX = 512
"""The native side that `faces.min_side_px` is given for."""


def _nothing(_finding: Finding) -> bool:
    """Pass over nothing."""
    return False


BuildDetector = Callable[[str, Mapping[str, Any]], Detector]


@dataclass(frozen=True, slots=True, eq=False)
class Toolbox:
    """What looks and what paints."""

    detectors: tuple[Detector, ...]
    inpainter: Inpainter | None = None
    """None where nothing is repaired."""

    on_stage: OnStage = nobody
    """Is told of each stage of the work on a picture as it begins."""

    passes_over: Callable[[Finding], bool] = _nothing
    """Tells what a person said is no flaw of this picture."""

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """Every kind that the detectors can report."""
        table: dict[str, Kind] = {}
        for detector in self.detectors:
            table.update(detector.kinds)
        return table

    def close(self) -> None:
        """Free everything; calling it twice does no harm."""
        for detector in self.detectors:
            detector.close()
        if self.inpainter is not None:
            self.inpainter.close()


def build_toolbox(
    settings: Settings,
    *,
    with_inpainter: bool,
    build_detector: BuildDetector = detector_catalogue.build,
) -> Toolbox:
    """Build what the settings name; a detector named twice is built once.

    Raises:
        DetectorError: a detector is unknown, misconfigured or lacks its weights.
        UsageError: there is no such engine.
        EnvironmentProblem: the engine's model or device is not there.
    """
    inpainter = inpainter_catalogue.build(settings.inpaint) if with_inpainter else None
    native_px = settings.plan.working_px or (inpainter.native_px if inpainter else None)
    built: list[Detector] = []
    try:
        for name in dict.fromkeys(settings.detect.detectors):
            options = options_for(name, settings, native_px)
            built.append(build_detector(name, options))
            log.debug("built detector %s", name)
    except BaseException:
        Toolbox(tuple(built), inpainter).close()
        raise
    return Toolbox(tuple(built), inpainter)


def modules_for(settings: Settings, *, with_inpainter: bool) -> tuple[str, ...]:
    """Return the modules that `build_toolbox` imports; most of its time goes there.

    Raises:
        DetectorError, UsageError: there is no such detector or engine.
    """
    names = [detector_catalogue.module_of(name) for name in settings.detect.detectors]
    if with_inpainter:
        names.append(inpainter_catalogue.module_of(settings.inpaint))
    return tuple(dict.fromkeys(names))


def options_for(
    name: str, settings: Settings, native_px: int | None
) -> Mapping[str, Any]:
    """Return the options of one detector: its section of the settings.

    What is too small to draw depends on the model: `faces.min_side_px` is the size for
    a model of 512 px, and a model of 1024 px needs twice the pixels in its own picture.
    """
    section = getattr(settings, name, None)
    options = section.model_dump() if section is not None else {}
    if name == "faces" and native_px:
        scaled = options["min_side_px"] * native_px / FACES_NATIVE_PX
        options["min_side_px"] = round(scaled)
    return options
