"""Every detector looks, and one that cannot is named."""

import numpy as np
import pytest

from detectors.geometry import Box, Size
from pipeline.stages.detect import inspect
from tests.support.fakes import (
    GREEN,
    RED,
    BrokenDetector,
    DarkDetector,
    FakeDetector,
    draw,
)

HANDS = {Box(50, 10, 70, 30): RED, Box(10, 10, 30, 30): GREEN}
PIXELS = draw(Size(100, 60), HANDS)


def test_findings_are_sorted_by_place() -> None:
    inspection = inspect(PIXELS, [FakeDetector(), DarkDetector()])

    assert [finding.kind for finding in inspection.findings] == [
        "hand/ok",
        "hand/malformed",
    ]
    assert inspection.looked == ("hands", "quality")
    assert inspection.failed == ()


def test_the_order_of_detectors_cannot_be_seen_in_the_findings() -> None:
    detectors = [FakeDetector(), FakeDetector(name="more")]

    there, back = inspect(PIXELS, detectors), inspect(PIXELS, detectors[::-1])

    assert [(f.detector, f.box) for f in there.findings] == [
        (f.detector, f.box) for f in back.findings
    ]


def test_a_detector_that_cannot_look_is_named_and_the_others_still_look() -> None:
    inspection = inspect(PIXELS, [BrokenDetector(), FakeDetector()])

    assert inspection.failed == (("broken", "its network is on fire"),)
    assert inspection.looked == ("hands",)
    assert len(inspection.findings) == 2


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="pixels"):
        inspect(np.zeros((8, 8), dtype=np.uint8), [FakeDetector()])
