"""Picture in, findings out: the library behind `nightmend check`."""

from detectors.contract import Detector, DetectorSpec
from detectors.findings import Finding, Kind, Mark, Severity
from detectors.geometry import Box, Size

__all__ = [
    "Box",
    "Detector",
    "DetectorSpec",
    "Finding",
    "Kind",
    "Mark",
    "Severity",
    "Size",
]
