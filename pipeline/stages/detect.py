"""Let every chosen detector look at one picture."""

import logging
from collections.abc import Sequence

from detectors.arrays import RgbArray, check_rgb
from detectors.contract import Detector
from detectors.errors import DetectorFailed
from detectors.findings import Finding
from pipeline.records import Inspection

log = logging.getLogger(__name__)


def inspect(pixels: RgbArray, detectors: Sequence[Detector]) -> Inspection:
    """Collect what all detectors say; one that cannot look is named, not skipped.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        detectors: Who looks, in this order.

    Returns:
        Findings sorted by place, so that the order of detectors cannot be seen; and for
        each detector whether it looked or why it could not.
    """
    check_rgb(pixels)
    findings: list[Finding] = []
    looked: list[str] = []
    failed: list[tuple[str, str]] = []
    for detector in detectors:
        try:
            findings.extend(detector.inspect(pixels))
        except DetectorFailed as error:
            log.warning("detector %s could not look: %s", detector.name, error)
            failed.append((detector.name, str(error)))
        else:
            looked.append(detector.name)
    return Inspection(tuple(sorted(findings, key=_place)), tuple(looked), tuple(failed))


def _place(finding: Finding) -> tuple[int, int, int, int, str, str]:
    box = finding.box
    return box.y0, box.x0, box.y1, box.x1, finding.detector, finding.kind
